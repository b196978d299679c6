//! The program itself: what it prints, what it refuses, and how it exits.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
};

use rolecall::{auth::Verifier, clock::Clock, config::Config};

/// The program in a directory without a `rolecall.toml`, with nothing of ours in its environment
/// but that it keeps nothing.
pub(crate) fn rolecall(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command.args(args).current_dir(env!("CARGO_TARGET_TMPDIR"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROLECALL_") {
            command.env_remove(name);
        }
    }
    command.env("ROLECALL_DATA", ":memory:");
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running server, killed when the test ends, whatever its end.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The address of the line `listening on http://ADDR`.
    pub(crate) fn addr(&mut self) -> String {
        let line = self.line();
        line.strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Everything it logs to its end, read all the while so that it never waits for its reader.
    pub(crate) fn log(&mut self) -> std::thread::JoinHandle<String> {
        let mut stderr = self.child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        })
    }

    /// Tells it to stop.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Ends it as nothing it can prepare for, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end by itself: how it exits.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Waits until it has stopped, as it should.
    pub(crate) fn stopped(&mut self) {
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_where_it_listens_serves_and_stops_when_told() {
    let mut running = Running::start(rolecall(&["--listen", "127.0.0.1:0"]));
    let addr = running.addr();
    let owner = running.line();
    assert!(owner.starts_with(&format!(
        "owner page        http://{addr}/owner.html?room=lobby:demo#token="
    )));
    let participant = format!("participant page  http://{addr}/participant.html?room=lobby:demo");
    assert_eq!(running.line(), participant);
    assert!(get(&addr, "/readyz").starts_with("HTTP/1.1 200"));
    running.terminate();
    running.stopped();
    let mut log = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("development pair") && log.contains("stopping"), "{log}");
    let token = owner.split_once("#token=").unwrap().1;
    assert!(!log.contains(token), "{log}");
}

#[test]
fn a_busy_port_is_said_to_be_busy() {
    let mut running = Running::start(rolecall(&["serve", "--listen", "127.0.0.1:0"]));
    let addr = running.addr();
    let second = rolecall(&["serve", "--listen", &addr]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = format!("error: the address `{addr}` is already in use");
    assert!(stderr(&second).contains(&said), "{}", stderr(&second));
}

#[test]
fn wrong_settings_are_named_and_exit_2() {
    for (args, variables, expected) in [
        (&["--listen", "0.0.0.0:0"][..], &[][..], "`listen`: `0.0.0.0:0` is reachable"),
        (&[], &[("ROLECALL_LIMITS_ROOMS", "ten")], "`limits.rooms`: `ten` is not a whole number"),
        (&["--config", "nowhere.toml"], &[], "`config`: cannot read `nowhere.toml`"),
        (&["--bogus"], &[], "--bogus"),
        (&["token"], &[], "--user"),
        (&["token", "--user", "ann", "--owner"], &[], "--room"),
    ] {
        let mut command = rolecall(args);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_token_stands_alone_on_stdout() {
    let output = rolecall(&["token", "--user", "ann", "--room", "lobby:x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!(token.trim_end().split('.').count(), 3, "{token}");
    assert_eq!(token.lines().count(), 1);
}

#[test]
fn a_management_token_needs_nobody_and_names_nobody() {
    let output = rolecall(&["token", "--hms-management", "--ttl", "1d"]).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let verifier = Verifier::new(&Config::default(), Clock::system()).unwrap();
    verifier.verify_management(token.trim_end()).unwrap();
    assert!(verifier.verify(token.trim_end()).is_err(), "it is no server's");
    for with in ["--user", "--room", "--role"] {
        let args = ["token", "--hms-management", with, "x"];
        assert_eq!(rolecall(&args).output().unwrap().status.code(), Some(2), "{with}");
    }
}
