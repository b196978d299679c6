//! A server of a test's own on a free port of loopback, with tokens and HTTP for it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jsonwebtoken::{EncodingKey, Header};
use rolecall::{
    clock::Clock,
    config::{Config, DEVELOPMENT_SECRET, IN_MEMORY},
    directory::DirectoryHandle,
    journal::Journal,
    server::Server,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::client::Client;

/// Longer than anything takes on a machine that works at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it goes with its test's runtime.
pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    pub(crate) directory: DirectoryHandle,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// The settings of tests: loopback, no demo, and whatever `change` does.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Config {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let data = IN_MEMORY.into();
    let mut config = Config { listen, data, demo: false, ..Config::default() };
    // Clients that dropped hold their next socket ready for as long as a test likes.
    config.limits.join_timeout = Duration::from_secs(600);
    change(&mut config);
    config
}

impl House {
    pub(crate) fn open() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::serve(Server::bind(config(change), Clock::system()).unwrap())
    }

    pub(crate) fn over(journal: Arc<dyn Journal>, change: impl FnOnce(&mut Config)) -> Self {
        Self::serve(Server::bind_with(config(change), Clock::system(), journal).unwrap())
    }

    /// Over that journal, with all of it looked through before anybody is served.
    pub(crate) async fn woken_over(journal: Arc<dyn Journal>) -> Self {
        let server = Server::bind_with(config(|_| {}), Clock::system(), journal).unwrap();
        server.wake().await.unwrap();
        Self::serve(server)
    }

    /// Over that journal, at a time of the test's own.
    pub(crate) fn at(journal: Arc<dyn Journal>, clock: Clock) -> Self {
        Self::serve(Server::bind_with(config(|_| {}), clock, journal).unwrap())
    }

    fn serve(server: Server) -> Self {
        let (addr, directory) = (server.addr(), server.directory());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(server.serve(shutdown));
        Self { addr, directory, stop: Some(stop), serving }
    }

    /// Tells it to stop, as SIGTERM does.
    pub(crate) fn begin_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) {
        timeout(PATIENCE, self.serving).await.expect("the server does not stop").unwrap();
    }

    /// A socket that has not joined.
    pub(crate) async fn socket(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// Somebody in a room; `claims` beside `user_id`.
    pub(crate) async fn join(&self, room: &str, user: &str, claims: Value) -> Client {
        let mut client = self.socket().await;
        let token = user_token(user, claims);
        let joined = client.join(&json!({ "room": room, "token": token })).await;
        joined.unwrap_or_else(|error| panic!("{user} was not let in: {error}"));
        client
    }

    /// An owner of a room.
    pub(crate) async fn owner(&self, room: &str, user: &str) -> Client {
        self.join(room, user, json!({ "room": room, "is_owner": true })).await
    }

    /// Somebody in a role assigned by his token.
    pub(crate) async fn in_role(&self, room: &str, user: &str, role: &str) -> Client {
        self.join(room, user, json!({ "room": room, "role": role })).await
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        let answer = http(self.addr, "GET", path, token, "").await;
        (answer.status, answer.json())
    }

    /// A call of the server side's own.
    pub(crate) async fn call(&self, room: &str, method: &str, params: Value) -> (u16, Value) {
        let body = json!({ "method": method, "params": params }).to_string();
        let path = format!("/v1/rooms/{room}/calls");
        let answer = http(self.addr, "POST", &path, Some(&server_token()), &body).await;
        (answer.status, answer.json())
    }

    /// The live state as the server shows it.
    pub(crate) async fn room(&self, room: &str) -> Value {
        let (status, state) = self.get(&format!("/v1/rooms/{room}"), Some(&server_token())).await;
        assert_eq!(status, 200, "{state}");
        state
    }
}

/// A signed token of any claims.
pub(crate) fn sign(claims: &Value) -> String {
    let key = EncodingKey::from_secret(DEVELOPMENT_SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).unwrap()
}

pub(crate) fn server_token() -> String {
    sign(&json!({}))
}

/// A user's token; `claims` beside `user_id`, which they may override.
pub(crate) fn user_token(user: &str, claims: Value) -> String {
    let mut all = json!({ "user_id": user });
    for (claim, value) in claims.as_object().unwrap() {
        all[claim] = value.clone();
    }
    sign(&all)
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// One HTTP request on a connection of its own.
pub(crate) async fn http(
    addr: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Answer {
    http_with(addr, method, path, token, &[], body).await
}

/// The same with headers of one's own.
pub(crate) async fn http_with(
    addr: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n{more}{}Content-Length: {}\r\n\r\n{body}",
        bearer.unwrap_or_default(),
        body.len()
    );
    let asked = async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = timeout(PATIENCE, asked).await.expect("no answer over HTTP");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
