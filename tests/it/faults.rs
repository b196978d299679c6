//! The program over a disk that fails when it is told to: what it says, and what it still knows.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    client::Client,
    disk::Folder,
    house::{Answer, PATIENCE, http, server_token, user_token},
    restart::{Program, command, journal_of},
};

/// The stand-in for the system's disk; nothing where it cannot be built or would not be heard.
#[expect(clippy::print_stderr, reason = "a test that cannot run here says so")]
fn library(folder: &Folder) -> Option<PathBuf> {
    let library = folder.path().join("fault.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fault.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]);
    let built = cfg!(target_os = "linux") && compiler.status().is_ok_and(|status| status.success());
    if !built {
        eprintln!("skipped: no disk can be made to fail here");
    }
    built.then_some(library)
}

/// The program over that disk, with somebody in a room; the file that makes it fail.
struct Failing {
    folder: Folder,
    program: Program,
    ana: Client,
    flag: PathBuf,
}

impl Failing {
    async fn start(fault: &str) -> Option<Self> {
        let folder = Folder::new();
        let library = library(&folder)?;
        let flag = folder.path().join("fails");
        let mut command = command(&folder);
        command.env("LD_PRELOAD", library).env(fault, &flag);
        let program = Program::start(command);
        let mut ana = Client::connect(program.addr).await;
        let token = user_token("ana", json!({ "room": "stage:x", "is_owner": true }));
        ana.join(&json!({ "room": "stage:x", "token": token })).await.unwrap();
        ana.done("blockUser", json!({ "userId": "bo" })).await;
        Some(Self { folder, program, ana, flag })
    }

    async fn block(&self, user: &str) -> Answer {
        let body = json!({ "method": "blockUser", "params": { "userId": user } }).to_string();
        let path = "/v1/rooms/stage:x/calls";
        http(self.program.addr, "POST", path, Some(&server_token()), &body).await
    }

    /// Whom the room blocks once it is started again over a disk that works.
    async fn blocked_after_a_restart(self) -> Value {
        let Self { folder, mut program, .. } = self;
        program.running.kill();
        let program = Program::start(command(&folder));
        assert!(!journal_of(program.addr, "stage:x").await.is_empty());
        let token = server_token();
        let answer = http(program.addr, "GET", "/v1/rooms/stage:x", Some(&token), "").await;
        answer.json()["blocked"].clone()
    }
}

#[tokio::test]
async fn a_failed_flush_ends_the_process_and_says_so() {
    let Some(mut failing) = Failing::start("FAULT_FLUSH").await else { return };
    let log = failing.program.running.log();
    fs::write(&failing.flag, "").unwrap();
    failing.ana.ask("blockUser", &json!({ "userId": "cy" })).await;
    assert_eq!(failing.ana.closed().await.0, 1006, "it was told something");
    assert_eq!(failing.program.running.exit_code(), Some(3));
    let log = log.join().unwrap();
    assert!(log.contains("error: the disk did not take what it was given"), "{log}");
    let blocked = failing.blocked_after_a_restart().await;
    let names: Vec<_> = blocked.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    // Whether the other is there nobody was told.
    assert!(names.contains(&"bo"), "{names:?}");
}

#[tokio::test]
async fn a_failed_write_stores_nothing_and_is_over_when_it_is_over() {
    let Some(mut failing) = Failing::start("FAULT_WRITE").await else { return };
    fs::write(&failing.flag, "").unwrap();
    let refused = failing.block("cy").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert_eq!(failing.ana.closed().await.0, 4003);
    let refused = failing.block("cy").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    fs::remove_file(&failing.flag).unwrap();
    let again = async {
        while failing.block("di").await.status != 200 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("it does not recover");
    failing.ana.resume(failing.program.addr).await;
    failing.ana.check_view().await;
    assert_eq!(failing.blocked_after_a_restart().await, json!(["bo", "di"]));
}
