//! A scripted client over a real WebSocket. It keeps its own view of the room, built only from
//! what it is told, and insists that `seq` grows.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, Request},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::house::PATIENCE;

pub(crate) type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a client hears beside replies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Notice {
        method: String,
        params: Value,
    },
    /// The socket's end: the close code (1006 where there was none) and reason.
    Closed(u16, String),
}

impl Heard {
    /// Whether nobody's call caused it.
    pub(crate) fn is_of_time(&self) -> bool {
        matches!(self, Self::Notice { params, .. } if params["outcome"] == "expired")
    }
}

/// A frame, or the end.
pub(crate) enum Frame {
    Reply(Value),
    Other(Heard),
}

pub(crate) struct Client {
    pub(crate) ws: Ws,
    next_id: u64,
    /// Heard but not asked for yet.
    pub(crate) heard: VecDeque<Heard>,
    closed: bool,
    /// Whether this socket has joined or resumed.
    pub(crate) seated: bool,
    pub(crate) peer: String,
    pub(crate) session: String,
    pub(crate) epoch: String,
    /// The last `seq` seen.
    pub(crate) seq: u64,
    /// The participants it knows of, by peer id.
    pub(crate) view: BTreeMap<String, Value>,
    pub(crate) counts: Value,
    /// What it receives and what it sends, by subscription id.
    pub(crate) receiving: BTreeMap<String, Value>,
    pub(crate) sending: BTreeMap<String, Value>,
}

pub(crate) fn request(addr: SocketAddr) -> Request<()> {
    format!("ws://{addr}/v1/connect").into_client_request().unwrap()
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let mut request = request(addr);
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static("rolecall.v1"));
        Self::with(request).await.unwrap()
    }

    /// A handshake of the test's own.
    pub(crate) async fn with(request: Request<()>) -> Result<Self, tungstenite::Error> {
        let connecting = timeout(PATIENCE, connect_async(request));
        let (ws, _) = connecting.await.expect("no handshake in time")?;
        Ok(Self {
            ws,
            next_id: 1,
            heard: VecDeque::new(),
            closed: false,
            seated: false,
            peer: String::new(),
            session: String::new(),
            epoch: String::new(),
            seq: 0,
            view: BTreeMap::new(),
            counts: Value::Null,
            receiving: BTreeMap::new(),
            sending: BTreeMap::new(),
        })
    }

    pub(crate) async fn send(&mut self, message: Message) {
        timeout(PATIENCE, self.ws.send(message)).await.expect("cannot send").unwrap();
    }

    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    /// The next frame, as it comes.
    pub(crate) async fn frame(&mut self) -> Frame {
        let frame = timeout(PATIENCE, self.frame_at_last()).await;
        frame.unwrap_or_else(|_| panic!("nothing was heard in {PATIENCE:?}"))
    }

    async fn frame_at_last(&mut self) -> Frame {
        assert!(!self.closed, "the socket is closed");
        loop {
            let heard = match self.ws.next().await {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(value["jsonrpc"], "2.0", "{value}");
                    if value.get("id").is_some() {
                        return Frame::Reply(value);
                    }
                    let method = value["method"].as_str().unwrap().to_owned();
                    self.told(&method, &value["params"]);
                    Heard::Notice { method, params: value["params"].clone() }
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.as_str().to_owned())
                    });
                    // Answers the close, so that the server need not wait.
                    while let Some(Ok(_)) = self.ws.next().await {}
                    self.closed = true;
                    Heard::Closed(code, reason)
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => {
                    self.closed = true;
                    Heard::Closed(1006, String::new())
                }
            };
            return Frame::Other(heard);
        }
    }

    /// Takes note of a notice.
    fn told(&mut self, method: &str, params: &Value) {
        if let "app-message"
        | "signal"
        | "subscription-signal"
        | "token-expiring"
        | "waiting-answered" = method
        {
            assert!(params.get("seq").is_none(), "{method} has no seq: {params}");
            return;
        }
        let seq = params["seq"].as_u64().unwrap_or_else(|| panic!("{method} without seq"));
        assert!(seq > self.seq, "{method} has seq {seq} after {}: {params}", self.seq);
        assert!(params["at"].is_string(), "{method} says no time: {params}");
        self.seq = seq;
        let participant = &params["participant"];
        let of = |value: &Value| value["peerId"].as_str().unwrap_or_default().to_owned();
        match method {
            "participant-joined" => {
                let before = self.view.insert(of(participant), participant.clone());
                assert!(before.is_none(), "joined twice: {params}");
            }
            "participant-updated" => {
                let before = self.view.insert(of(participant), participant.clone());
                assert!(before.is_some(), "updated, but never joined: {params}");
                assert_ne!(before.as_ref(), Some(participant), "updated, but the same: {params}");
            }
            "participant-left" => {
                assert!(self.view.remove(&of(params)).is_some(), "left, but not there: {params}");
            }
            "counts-updated" => {
                self.counts = json!({ "present": params["present"], "hidden": params["hidden"] });
            }
            "subscription-updated" => keep(&mut self.receiving, params, &["peerId"]),
            "subscriber-updated" => keep(&mut self.sending, params, &[]),
            _ => {}
        }
    }

    /// The next notice or the end, in order.
    pub(crate) async fn hear(&mut self) -> Heard {
        if let Some(heard) = self.heard.pop_front() {
            return heard;
        }
        match self.frame().await {
            Frame::Other(heard) => heard,
            Frame::Reply(reply) => panic!("a reply nobody asked for: {reply}"),
        }
    }

    /// The next notice's params, which must be of that kind.
    pub(crate) async fn notice(&mut self, expected: &str) -> Value {
        match self.hear().await {
            Heard::Notice { method, params } if method == expected => params,
            other => panic!("{expected} was expected, not {other:?}"),
        }
    }

    /// The next notice of that kind; others before it are passed over.
    pub(crate) async fn until(&mut self, expected: &str) -> Value {
        loop {
            match self.hear().await {
                Heard::Notice { method, params } if method == expected => return params,
                Heard::Notice { .. } => {}
                closed @ Heard::Closed(..) => panic!("{expected} was expected, not {closed:?}"),
            }
        }
    }

    /// Hears until the end; its code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Heard::Closed(code, reason) = self.hear().await {
                return (code, reason);
            }
        }
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether it is in a room, as far as it knows.
    pub(crate) const fn sits(&self) -> bool {
        self.seated && !self.closed
    }

    /// The next reply as it stands; notices before it are kept.
    pub(crate) async fn reply(&mut self) -> Value {
        loop {
            match self.frame().await {
                Frame::Reply(reply) => return reply,
                Frame::Other(closed @ Heard::Closed(..)) => {
                    self.heard.push_back(closed.clone());
                    panic!("a reply was expected, not {closed:?}");
                }
                Frame::Other(notice) => self.heard.push_back(notice),
            }
        }
    }

    /// Sends a call and does not wait; its id.
    pub(crate) async fn ask(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.say(call.to_string()).await;
        id
    }

    /// Calls; the result, or the error.
    pub(crate) async fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.ask(method, params).await;
        let mut reply = self.reply().await;
        assert_eq!(reply["id"], id, "{reply}");
        let reply = reply.as_object_mut().unwrap();
        match (reply.remove("result"), reply.remove("error")) {
            (Some(result), None) => Ok(result),
            (None, Some(error)) => {
                assert!(error["data"]["reason"].is_string(), "no reason: {error}");
                Err(error)
            }
            _ => panic!("neither result nor error: {reply:?}"),
        }
    }

    /// A call that goes through.
    pub(crate) async fn done(&mut self, method: &str, params: Value) -> Value {
        let outcome = self.call(method, &params).await;
        outcome.unwrap_or_else(|error| panic!("{method} {params} was refused: {error}"))
    }

    /// A call that is refused: its code and reason.
    pub(crate) async fn refused(&mut self, method: &str, params: Value) -> (i64, String) {
        let error = self.call(method, &params).await.expect_err("refused");
        (error["code"].as_i64().unwrap(), error["data"]["reason"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn join(&mut self, params: &Value) -> Result<Value, Value> {
        let joined = self.call("join", params).await?;
        self.begin(&joined);
        Ok(joined)
    }

    /// Starts its view from a join reply.
    pub(crate) fn begin(&mut self, joined: &Value) {
        let text = |key: &str| joined[key].as_str().unwrap().to_owned();
        (self.peer, self.session, self.epoch) = (text("peerId"), text("session"), text("epoch"));
        self.seq = joined["seq"].as_u64().unwrap();
        (self.view, self.counts) = view_of(joined);
        (self.receiving, self.sending) = subscriptions_of(joined);
        self.seated = true;
        assert!(self.view.contains_key(&self.peer), "one sees oneself: {joined}");
    }

    /// Takes its seat at a new socket.
    pub(crate) async fn resume_with(&mut self, more: &Value) -> Result<Value, Value> {
        let mut params = json!({ "session": self.session, "epoch": self.epoch, "seq": self.seq });
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        let resumed = self.call("resume", &params).await?;
        assert_eq!(resumed["peerId"], self.peer.as_str());
        if resumed["resumed"] == true {
            self.seated = true;
            assert_eq!(resumed["seq"].as_u64().map(|seq| seq >= self.seq), Some(true));
        } else {
            assert_eq!(resumed["resumed"], false);
            self.begin(&resumed);
        }
        Ok(resumed)
    }

    /// Swaps in a new socket and drops the old one without a goodbye.
    pub(crate) async fn reconnect(&mut self, addr: SocketAddr) {
        let fresh = Self::connect(addr).await;
        drop(std::mem::replace(&mut self.ws, fresh.ws));
        (self.closed, self.seated) = (false, false);
    }

    /// Reconnects and resumes; everything missed is replayed.
    pub(crate) async fn resume(&mut self, addr: SocketAddr) -> Value {
        self.reconnect(addr).await;
        self.resume_with(&json!({})).await.unwrap()
    }

    /// Closes with that code and waits for the end.
    pub(crate) async fn hang_up(&mut self, code: u16) {
        let code = CloseCode::from(code);
        let frame = CloseFrame { code, reason: "".into() };
        self.send(Message::Close(Some(frame))).await;
        self.closed().await;
    }

    /// What the server says the room is; whatever was told before it is heard now.
    pub(crate) async fn state(&mut self) -> Value {
        self.done("state", json!({})).await
    }

    /// Its view is what the server says it may see.
    pub(crate) async fn check_view(&mut self) {
        let state = self.state().await;
        let (view, counts) = view_of(&state);
        assert_eq!(self.view, view, "the view of {}", self.peer);
        assert_eq!(self.counts, counts, "the counts of {}", self.peer);
        let (receiving, sending) = subscriptions_of(&state);
        assert_eq!(self.receiving, receiving, "what {} receives", self.peer);
        assert_eq!(self.sending, sending, "what {} sends", self.peer);
    }

    /// Nothing was told that has not been taken note of: `state` is answered behind it.
    pub(crate) async fn hears_nothing(&mut self) {
        self.check_view().await;
        assert_eq!(self.heard, [], "{} should have heard nothing", self.peer);
    }

    /// Forgets what was heard up to now.
    pub(crate) async fn catch_up(&mut self) {
        self.check_view().await;
        self.heard.clear();
    }
}

/// Takes note of a subscription as it is now; of nothing, it is over.
fn keep(of: &mut BTreeMap<String, Value>, params: &Value, more: &[&str]) {
    let id = params["subscriptionId"].as_str().unwrap().to_owned();
    let keys = ["subscriptionId", "tracks"].into_iter().chain(more.iter().copied());
    let kept: Value = keys.map(|key| (key.to_owned(), params[key].clone())).collect();
    // Beside it stand `seq` and `at`, and nobody's name.
    assert_eq!(params.as_object().unwrap().len(), kept.as_object().unwrap().len() + 2, "{params}");
    let before = match kept["tracks"].as_array().unwrap().is_empty() {
        true => Some(of.remove(&id).unwrap_or_else(|| panic!("over, but never begun: {params}"))),
        false => of.insert(id, kept.clone()),
    };
    assert_ne!(before, Some(kept), "told twice: {params}");
}

/// What one receives and what one sends, by subscription id, of a join reply.
fn subscriptions_of(joined: &Value) -> (BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let of = |way: &str| {
        let list = joined["subscriptions"][way].as_array().unwrap().iter();
        list.map(|one| (one["subscriptionId"].as_str().unwrap().to_owned(), one.clone())).collect()
    };
    (of("receiving"), of("sending"))
}

/// Participants by peer id, and the counts, of a join reply or of the server's state.
pub(crate) fn view_of(state: &Value) -> (BTreeMap<String, Value>, Value) {
    let participants = state["participants"].as_array().unwrap();
    let view: BTreeMap<String, Value> = participants
        .iter()
        .map(|one| (one["peerId"].as_str().unwrap().to_owned(), one.clone()))
        .collect();
    assert_eq!(view.len(), participants.len(), "nobody is listed twice");
    (view, state["counts"].clone())
}
