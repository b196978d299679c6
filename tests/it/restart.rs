//! The program killed and started again: nothing acknowledged is lost, nobody is told twice, and
//! who comes back in time has never been away.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt as _, future::join_all};
use rolecall::{clock::Clock, journal::Journal};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    cli::{Running, rolecall, stderr},
    client::{Client, Frame, Heard},
    disk::{Folder, open},
    house::{House, PATIENCE, http, server_token, user_token},
};

const ROOMS: [&str; 3] = ["stage:one", "stage:two", "stage:three"];
const GUESTS_PER_ROOM: usize = 11;

/// The program over a directory of its own.
pub(crate) struct Program {
    pub(crate) running: Running,
    pub(crate) addr: SocketAddr,
}

/// What starts it there, with quiet settings.
pub(crate) fn command(folder: &Folder) -> Command {
    let mut command = rolecall(&["serve", "--listen", "127.0.0.1:0", "--demo=false"]);
    command.env("ROLECALL_DATA", folder.data()).env("ROLECALL_LOG", "warn");
    command.env("ROLECALL_LIMITS_CALLS_PER_SECOND", "100000");
    command.env("ROLECALL_LIMITS_CALLS_BURST", "100000");
    command
}

impl Program {
    pub(crate) fn start(command: Command) -> Self {
        let mut running = Running::start(command);
        let addr = running.addr().parse().unwrap();
        Self { running, addr }
    }
}

/// Everything that was done in a room, read page by page as an operator would.
pub(crate) async fn journal_of(addr: SocketAddr, room: &str) -> Vec<Value> {
    let mut records = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/v1/rooms/{room}/journal?limit=100&after={after}");
        let answer = http(addr, "GET", &path, Some(&server_token()), "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = answer.json();
        records.extend(page["records"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => return records,
        }
    }
}

/// Somebody who never stops calling, and takes note of everything.
struct Guest {
    client: Client,
    room: &'static str,
    /// Whom the owner moves between roles; the others have nobody.
    moves: Option<String>,
    /// How many calls he has made.
    made: u64,
    /// The call whose reply has not come.
    pending: Option<(u64, String)>,
    /// Public notices, as they came.
    told: Vec<(u64, String)>,
    done: Arc<AtomicUsize>,
}

impl Guest {
    fn note(&mut self, method: &str, params: &Value) {
        if let Some(seq) = params["seq"].as_u64() {
            self.told.push((seq, format!("{method} {params}")));
        }
    }

    /// Takes note of what was heard beside the calls made otherwise.
    fn note_heard(&mut self) {
        while let Some(heard) = self.client.heard.pop_front() {
            match heard {
                Heard::Notice { method, params } => self.note(&method, &params),
                Heard::Closed(code, reason) => panic!("closed {code} {reason}"),
            }
        }
    }

    fn next_call(&mut self) -> (u64, String) {
        self.made += 1;
        // Every call says its number, so that it is known by it in the journal.
        let id = 1_000_000 + self.made;
        let metadata = json!({ "metadata": { "n": self.made } });
        let (method, params) = match &self.moves {
            Some(peer) if self.made.is_multiple_of(2) => {
                let role = if self.made.is_multiple_of(4) { "listener" } else { "speaker" };
                ("changeRoleOfPeer", json!({ "peerId": peer, "role": role, "force": true }))
            }
            _ if self.made.is_multiple_of(5) => ("sendMessage", json!({ "data": self.made })),
            _ => ("setMetadata", metadata),
        };
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        (id, call.to_string())
    }

    /// Calls until the socket ends, or the calls do.
    async fn call_until_the_end(&mut self, calls: usize) {
        for _ in 0..calls {
            let call = match self.pending.take() {
                Some(call) => call,
                None => self.next_call(),
            };
            self.pending = Some(call.clone());
            if self.client.ws.send(Message::text(call.1)).await.is_err() {
                return;
            }
            loop {
                match self.client.frame().await {
                    Frame::Reply(reply) => {
                        assert_eq!(reply["id"], call.0, "{reply}");
                        assert!(reply.get("error").is_none(), "{reply}");
                        break;
                    }
                    Frame::Other(Heard::Notice { method, params }) => self.note(&method, &params),
                    Frame::Other(Heard::Closed(..)) => return,
                }
            }
            self.pending = None;
            self.done.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Is back where he was, and hears what he missed.
    async fn come_back(&mut self, addr: SocketAddr) {
        self.client.reconnect(addr).await;
        let resumed = self.client.resume_with(&json!({})).await;
        let resumed = resumed.unwrap_or_else(|error| panic!("not resumed: {error}"));
        assert_eq!(resumed["resumed"], true, "{resumed}");
        self.note_heard();
    }
}

async fn guests(addr: SocketAddr, done: &Arc<AtomicUsize>) -> Vec<Guest> {
    let mut guests = Vec::new();
    for room in ROOMS {
        let mut first = None;
        for number in 0..GUESTS_PER_ROOM {
            let mut client = Client::connect(addr).await;
            // The first owns the room and moves the second, of the others some may speak.
            let claims = match number {
                0 => json!({ "room": room, "is_owner": true }),
                _ => json!({ "room": room, "role": "listener" }),
            };
            let token = user_token(&format!("user-{number}"), claims);
            let joined = client.join(&json!({ "room": room, "token": token })).await;
            joined.unwrap_or_else(|error| panic!("{room} {number}: {error}"));
            if number == 1 {
                first = Some(client.peer.clone());
            }
            let (moves, told) = (None, Vec::new());
            let done = Arc::clone(done);
            guests.push(Guest { client, room, moves, made: 0, pending: None, told, done });
        }
        let owner = guests.len() - GUESTS_PER_ROOM;
        guests[owner].moves = first;
    }
    for guest in &mut guests {
        guest.client.check_view().await;
        guest.client.heard.clear();
    }
    guests
}

/// All of them at once, until each is through.
async fn all<'a, F: Future<Output = ()>>(
    guests: &'a mut [Guest],
    act: impl Fn(&'a mut Guest) -> F,
) {
    let acting = join_all(guests.iter_mut().map(act));
    timeout(Duration::from_secs(60), acting).await.expect("they do not come to an end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_loses_nothing_and_tells_nobody_twice() {
    let folder = Folder::new();
    let mut program = Program::start(command(&folder));
    let done = Arc::new(AtomicUsize::new(0));
    let mut guests = guests(program.addr, &done).await;
    for round in 0..4u64 {
        let enough = done.load(Ordering::SeqCst) + 250;
        let killing = async {
            while done.load(Ordering::SeqCst) < enough {
                sleep(Duration::from_millis(5)).await;
            }
            // Not always at the same place of what it does.
            sleep(Duration::from_micros(700 * round)).await;
            program.running.kill();
        };
        let calling = all(&mut guests, |guest| guest.call_until_the_end(usize::MAX));
        timeout(Duration::from_secs(120), futures::future::join(killing, calling))
            .await
            .expect("it does not get so far");
        program = Program::start(command(&folder));
        let addr = program.addr;
        all(&mut guests, |guest| guest.come_back(addr)).await;
    }
    // What was under way is said once more, and everybody comes to rest.
    all(&mut guests, |guest| guest.call_until_the_end(3)).await;
    for guest in &mut guests {
        guest.client.check_view().await;
        guest.note_heard();
        assert_eq!(guest.pending, None);
    }
    for room in ROOMS {
        let here: Vec<&Guest> = guests.iter().filter(|guest| guest.room == room).collect();
        for guest in &here {
            let moved = |what: &str| guest.told.iter().any(|(_, told)| told.starts_with(what));
            assert!(!moved("participant-joined") && !moved("participant-left"), "{room}");
            // Everybody was told the same, in the same order, nothing twice and nothing less.
            assert_eq!(guest.told, here[0].told, "{room}");
        }
        let records = journal_of(program.addr, room).await;
        let mut said: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let mut moves = 0;
        for event in records.iter().flat_map(|record| record["events"].as_array().unwrap()) {
            match event["type"].as_str().unwrap() {
                "metadataChanged" => said
                    .entry(event["peerId"].as_str().unwrap())
                    .or_default()
                    .push(event["metadata"]["n"].as_u64().unwrap()),
                "roleChanged" => moves += 1,
                "peerLeft" => panic!("somebody left {room}: {event}"),
                _ => {}
            }
        }
        for guest in here {
            let expected: Vec<u64> = match guest.moves {
                Some(_) => {
                    assert_eq!(moves, guest.made / 2, "role changes in {room}");
                    (1..=guest.made)
                        .filter(|n| !n.is_multiple_of(2) && !n.is_multiple_of(5))
                        .collect()
                }
                None => (1..=guest.made).filter(|n| !n.is_multiple_of(5)).collect(),
            };
            assert_eq!(said[&*guest.client.peer], expected, "{} of {room}", guest.client.peer);
        }
    }
}

#[tokio::test]
async fn who_does_not_come_back_leaves_once_when_the_grace_is_over() {
    let folder = Folder::new();
    let quick = || {
        let mut command = command(&folder);
        command.env("ROLECALL_GRACE", "2s");
        command
    };
    let mut program = Program::start(quick());
    let join = async |addr: SocketAddr, user: &str| {
        let mut client = Client::connect(addr).await;
        let token = user_token(user, json!({ "room": "stage:x", "is_owner": user == "ana" }));
        client.join(&json!({ "room": "stage:x", "token": token })).await.unwrap();
        client
    };
    let mut ana = join(program.addr, "ana").await;
    let bo = join(program.addr, "bo").await;
    let mut cy = join(program.addr, "cy").await;
    // Cy's socket is lost before it all; he has the grace from when there is somebody to come to.
    drop(std::mem::replace(&mut cy.ws, Client::connect(program.addr).await.ws));
    ana.until("participant-updated").await;
    sleep(Duration::from_millis(1500)).await;
    program.running.kill();
    program = Program::start(quick());
    ana.resume(program.addr).await;
    cy.resume(program.addr).await;
    let left = ana.until("participant-left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!(bo.peer), &json!("lost")));
    ana.check_view().await;
    cy.check_view().await;
    assert_eq!(ana.view.len(), 2);
    let records = journal_of(program.addr, "stage:x").await;
    let events = records.iter().flat_map(|record| record["events"].as_array().unwrap());
    let left: Vec<_> = events.filter(|event| event["type"] == "peerLeft").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // In good order, too, nobody leaves.
    program.running.terminate();
    assert_eq!(ana.closed().await.0, 4000);
    program.running.stopped();
    program = Program::start(quick());
    ana.resume(program.addr).await;
    ana.check_view().await;
}

#[tokio::test]
async fn what_was_decided_stands_after_a_restart() {
    let folder = Folder::new();
    let mut program = Program::start(command(&folder));
    let mut ana = Client::connect(program.addr).await;
    let token = user_token("ana", json!({ "room": "stage:x", "is_owner": true }));
    ana.join(&json!({ "room": "stage:x", "token": token })).await.unwrap();
    ana.done("blockUser", json!({ "userId": "bo" })).await;
    program.running.kill();
    program = Program::start(command(&folder));
    let refused = async |addr: SocketAddr, user: &str| {
        let mut client = Client::connect(addr).await;
        let join = json!({ "room": "stage:x", "token": user_token(user, json!({})) });
        client.refused("join", join).await
    };
    assert_eq!(refused(program.addr, "bo").await, (403, "blocked".into()));
    let epoch = ana.epoch.clone();
    ana.resume(program.addr).await;
    assert_eq!(ana.state().await["epoch"], epoch.as_str());
    ana.done("endRoom", json!({ "reason": "over" })).await;
    program.running.kill();
    program = Program::start(command(&folder));
    assert_eq!(refused(program.addr, "cy").await, (403, "not-allowed".into()));
    let shown = http(program.addr, "GET", "/v1/rooms/stage:x", Some(&server_token()), "").await;
    assert!(shown.json()["room"]["endedAt"].is_string(), "{}", shown.body);
}

#[tokio::test]
async fn a_token_that_ended_meanwhile_must_be_fresh() {
    let folder = Folder::new();
    let clock = Clock::manual(1_800_000_000_000);
    let journal = open(&folder, |options| options.clock = clock.clone());
    let mut house = House::at(Arc::clone(&journal) as _, clock.clone());
    let exp = clock.now_s() + 60;
    let claims = json!({ "exp": exp, "room": "stage:x", "is_owner": true });
    let mut ana = house.join("stage:x", "ana", claims).await;
    house.begin_stop();
    assert_eq!(ana.closed().await.0, 4000);
    house.stopped().await;
    clock.advance(Duration::from_secs(66));
    let journal = open(&folder, |options| options.clock = clock.clone());
    let house = House::at(Arc::clone(&journal) as _, clock.clone());
    ana.reconnect(house.addr).await;
    let refused = ana.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(refused["data"]["reason"], "token-expired", "{refused}");
    let fresh = user_token("ana", json!({ "exp": exp + 600 }));
    let resumed = ana.resume_with(&json!({ "token": fresh })).await.unwrap();
    assert_eq!(resumed["resumed"], true);
    assert_eq!(journal.rooms(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_directory_in_use_damaged_or_newer_is_refused_with_its_own_exit_code() {
    let folder = Folder::new();
    let mut program = Program::start(command(&folder));
    let mut ana = Client::connect(program.addr).await;
    let token = user_token("ana", json!({ "room": "stage:x", "is_owner": true }));
    ana.join(&json!({ "room": "stage:x", "token": token })).await.unwrap();
    let refused = |expected: &str| {
        let output = command(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
    };
    refused("is in use by another rolecall (process ");
    ana.done("raiseHand", json!({ "raised": true })).await;
    program.running.terminate();
    assert_eq!(ana.closed().await.0, 4000);
    program.running.stopped();
    let file = folder.file("rolecall.db");
    let sound = std::fs::read(&file).unwrap();
    let mut broken = sound.clone();
    broken[4096 * 3..4096 * 3 + 16].fill(0xa5);
    std::fs::write(&file, &broken).unwrap();
    refused("is damaged: ");
    assert!(std::fs::read(&file).unwrap() == broken);
    // A letter of what is in there, which the file's structure does not betray.
    let word = b"handRaised";
    let place = (0..sound.len()).find(|at| sound[*at..].starts_with(word)).unwrap();
    let mut changed = sound.clone();
    changed[place] = b'x';
    std::fs::write(&file, &changed).unwrap();
    refused("is not what was written: the journal is damaged");
    std::fs::write(&file, &sound).unwrap();
    program = Program::start(command(&folder));
    ana.resume(program.addr).await;
    assert_eq!(ana.view[&ana.peer]["handRaised"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_meanwhile_is_a_server_of_its_own() {
    let folder = Folder::new();
    let program = Program::start(command(&folder));
    let done = Arc::new(AtomicUsize::new(0));
    let mut guests = guests(program.addr, &done).await;
    let to: PathBuf = folder.path().join("copy.db");
    let copy = |to: &PathBuf| {
        let mut command = rolecall(&["backup", "--to"]);
        command.arg(to).env("ROLECALL_DATA", folder.data());
        command
    };
    let copying = async {
        while done.load(Ordering::SeqCst) < 300 {
            sleep(Duration::from_millis(5)).await;
        }
        let mut command = copy(&to);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let calling = all(&mut guests, |guest| guest.call_until_the_end(40));
    let (output, ()) = futures::future::join(copying, calling).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("copy.db holds the journal of"), "{said}");
    let again = copy(&to).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));

    let restored = Folder::new();
    std::fs::create_dir(restored.data()).unwrap();
    std::fs::copy(&to, restored.file("rolecall.db")).unwrap();
    let other = Program::start(command(&restored));
    for room in ROOMS {
        let (here, there) =
            (journal_of(program.addr, room).await, journal_of(other.addr, room).await);
        // There: what was done up to then, and that nobody is connected.
        let own = there.iter().position(|record| record["method"] == "drop").unwrap();
        assert!(own > GUESTS_PER_ROOM, "{own} records");
        assert_eq!(there[..own], here[..own], "{room}");
        assert!(there[own..].iter().all(|record| record["method"] == "drop"), "{room}");
    }
    let memory = rolecall(&["backup", "--to", "nowhere.db"]).output().unwrap();
    assert_eq!(memory.status.code(), Some(2), "{}", stderr(&memory));
}

#[tokio::test]
async fn a_full_disk_refuses_what_comes_and_keeps_what_was_said() {
    let folder = Folder::new();
    let at = folder.data();
    std::fs::create_dir(&at).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(&at)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    let unmount = Unmount(at.clone());
    let filler = at.join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let mut program = Program::start(command(&folder));
    let path = "/v1/rooms/stage:x/calls";
    let token = server_token();
    let call = async |addr: SocketAddr, method: &str, params: Value| {
        let body = json!({ "method": method, "params": params }).to_string();
        http(addr, "POST", path, Some(&token), &body).await
    };
    let mut ana = Client::connect(program.addr).await;
    let owner = user_token("ana", json!({ "room": "stage:x", "is_owner": true }));
    ana.join(&json!({ "room": "stage:x", "token": owner })).await.unwrap();
    let mut blocked = 0u64;
    let refused = loop {
        let user = format!("{blocked:0>100}");
        let answer = call(program.addr, "blockUser", json!({ "userId": user })).await;
        if answer.status != 200 {
            break answer;
        }
        blocked += 1;
        assert!(blocked < 9_000, "the disk is never full");
    };
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("unavailable"), "{}", refused.body);
    // There is space again, and with it everything is as before.
    std::fs::remove_file(&filler).unwrap();
    let again = async {
        loop {
            let answer = call(program.addr, "blockUser", json!({ "userId": "the-last" })).await;
            if answer.status == 200 {
                return;
            }
            assert_eq!(answer.status, 503, "{}", answer.body);
            sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("it does not recover");
    program.running.kill();
    program = Program::start(command(&folder));
    let answer = http(program.addr, "GET", "/v1/rooms/stage:x", Some(&token), "").await;
    let state = answer.json();
    let listed = state["blocked"].as_array().unwrap();
    assert_eq!(listed.len() as u64, blocked + 1);
    assert!(listed.contains(&json!("the-last")));
    drop(program);
    drop(unmount);
}

/// A file system of a test's own, gone with it.
struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
