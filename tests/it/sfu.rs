//! Stream's participants over real sockets, byte by byte: who gets in and by which, what he hears, how
//! he takes his seat again, and what he cannot do. `tests/browser/stream-join.test.mjs` meets the SDK.

use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{
    client::Ws,
    coordinator::{call_of, users},
    house::{House, PATIENCE, http_with, sign, user_token},
    stream::{KEY, ask},
};

const CALL: &str = "default:sfu";
const PATH: &str = "/video/call/default/sfu";

/// One field of protocol buffers that has a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend(content);
    bytes
}

/// A `JoinRequest`; `previous` is the session it was, where it comes back.
fn join(token: &str, session: &str, previous: Option<&str>) -> Vec<u8> {
    let mut request = [field(1, token.as_bytes()), field(2, session.as_bytes())].concat();
    match previous {
        Some(previous) if previous == session => request.extend([6 << 3, 1]),
        Some(previous) => request.extend(field(7, &field(7, previous.as_bytes()))),
        None => {}
    }
    field(1, &request)
}

const HEALTH: [u8; 2] = [0x12, 0];
const LEAVE: [u8; 2] = [0x1a, 0];

/// Somebody's socket.
struct Sfu {
    addr: SocketAddr,
    ws: Ws,
    token: String,
    session: String,
}

impl Sfu {
    async fn open(addr: SocketAddr, token: &str, session: &str) -> Self {
        let url = format!("ws://{addr}/video/sfu/ws?{KEY}&cid={CALL}&user_session_id={session}");
        let (ws, _) = timeout(PATIENCE, connect_async(url)).await.unwrap().unwrap();
        Self { addr, ws, token: token.to_owned(), session: session.to_owned() }
    }

    /// In, with what he was told of it.
    async fn join(house: &House, user: &str, session: &str) -> (Self, Value) {
        let mut sfu = Self::open(house.addr, &user_token(user, json!({})), session).await;
        let request = join(&sfu.token, session, None);
        sfu.say(&request).await;
        let joined = sfu.hears("joinResponse").await;
        (sfu, joined["callState"].clone())
    }

    async fn say(&mut self, frame: &[u8]) {
        self.ws.send(Message::binary(frame.to_vec())).await.unwrap();
    }

    /// The next frame, or how the socket was closed.
    async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.ws.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "closed": frame.map_or(1005, |frame| u16::from(frame.code)) });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return json!({ "closed": 1006 }),
            }
        }
    }

    /// That frame, which comes next.
    async fn hears(&mut self, name: &str) -> Value {
        let mut frame = self.next().await;
        assert!(frame[name].is_object(), "{name} was expected: {frame}");
        frame[name].take()
    }

    /// That frame, whatever comes before it.
    async fn waits_for(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.next().await;
            assert!(frame["closed"].is_null(), "{name} never came: {frame}");
            if !frame[name].is_null() {
                return frame[name].take();
            }
        }
    }

    async fn closed(&mut self) -> Value {
        loop {
            let frame = self.next().await;
            if !frame["closed"].is_null() {
                return frame["closed"].clone();
            }
        }
    }

    /// A remote call of his.
    async fn calls(&self, method: &str, mut body: Value) -> Value {
        if body["sessionId"].is_null() {
            body["sessionId"] = json!(self.session);
        }
        let (status, answer) = remote(self.addr, &self.token, method, &body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

async fn remote(addr: SocketAddr, token: &str, method: &str, body: &str) -> (u16, Value) {
    let path = format!("/video/sfu/default/sfu/stream.video.sfu.signal.SignalServer/{method}");
    let token = format!("Bearer {token}");
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let answer = http_with(addr, "POST", &path, None, &headers, body).await;
    (answer.status, answer.json())
}

/// Ids of those he was told of, and the tracks each shows.
fn shown(state: &Value) -> Vec<(&str, usize)> {
    let all = state["participants"].as_array().unwrap().iter();
    all.map(|one| {
        (one["sessionId"].as_str().unwrap(), one["publishedTracks"].as_array().unwrap().len())
    })
    .collect()
}

fn tracks(on: &[&str], off: &[&str]) -> Value {
    let on = on.iter().map(|kind| json!({ "trackType": format!("TRACK_TYPE_{kind}") }));
    let off =
        off.iter().map(|kind| json!({ "trackType": format!("TRACK_TYPE_{kind}"), "muted": true }));
    json!({ "muteStates": on.chain(off).collect::<Vec<_>>() })
}

#[tokio::test]
async fn rest_says_where_and_by_which_or_why_not() {
    let house = House::open();
    users(&house, &["ann", "bo"]).await;
    let ann = user_token("ann", json!({}));
    let line = format!("POST {PATH}/join");
    let (status, none) = ask(&house, &ann, &line, json!({ "location": "AMS" })).await;
    assert_eq!((status, &none["code"], &none["unrecoverable"]), (404, &json!(16), &json!(true)));
    let (status, made) =
        ask(&house, &ann, &line, json!({ "location": "AMS", "create": true })).await;
    assert_eq!((status, &made["created"]), (201, &json!(true)), "{made}");
    let here = format!("{}/video/sfu", house.addr);
    assert_eq!(
        made["credentials"],
        json!({ "server": { "url": format!("http://{here}/default/sfu"), "ws_endpoint": format!("ws://{here}/ws"),
            "edge_name": "rolecall" }, "token": ann, "ice_servers": [] })
    );
    assert!(made["own_capabilities"].as_array().unwrap().contains(&json!("join-call")));
    assert_eq!(
        made["stats_options"],
        json!({ "enable_rtc_stats": false, "reporting_interval_ms": 0 })
    );
    assert!(made["call"]["session"].is_null(), "he is in only once he comes");

    // Twice is once; and what was created is not created again.
    let (_, again) = ask(&house, &ann, &line, json!({ "create": true })).await;
    assert_eq!(again["created"], json!(false));
    let (status, _) =
        ask(&house, &user_token("bo", json!({ "call_cids": ["default:else"] })), &line, json!({}))
            .await;
    assert_eq!(status, 403);
    let server = sign(&json!({ "server": true }));
    let (status, refused) = ask(&house, &server, &line, json!({})).await;
    assert_eq!((status, &refused["unrecoverable"]), (400, &json!(true)));

    house.call(CALL, "blockUser", json!({ "userId": "bo" })).await;
    let bo = user_token("bo", json!({}));
    let (status, blocked) = ask(&house, &bo, &line, json!({})).await;
    assert_eq!(
        (status, &blocked["code"], &blocked["unrecoverable"]),
        (403, &json!(17), &json!(true))
    );
    call_of(&house, "livestream/show", json!({ "created_by_id": "ann" })).await;
    let show = "POST /video/call/livestream/show/join";
    let (status, backstage) = ask(&house, &bo, show, json!({})).await;
    assert_eq!(status, 403);
    assert_eq!(
        backstage["message"],
        "JoinCall failed with error: \"User 'bo' with role 'user' is not allowed to perform action JoinBackstage in scope 'video:livestream'\""
    );
}

#[tokio::test]
async fn people_come_change_and_go() {
    let house = House::open();
    users(&house, &["ann", "bo", "cy"]).await;
    let image = json!({ "users": { "bo": { "id": "bo", "name": "Bo", "image": "https://example.com/bo.png", "custom": { "team": "tea" } } } });
    crate::stream::done(&house, "POST /api/v2/users", image).await;
    call_of(&house, "default/sfu", json!({ "created_by_id": "cy" })).await;
    let (mut ann, state) = Sfu::join(&house, "ann", "s-ann").await;
    assert_eq!(shown(&state), [("s-ann", 0)]);
    assert_eq!(state["participantCount"], json!({ "total": 1, "anonymous": 0 }));
    let (mut bo, state) = Sfu::join(&house, "bo", "s-bo").await;
    assert_eq!(shown(&state), [("s-ann", 0), ("s-bo", 0)]);
    let joined = ann.hears("participantJoined").await;
    assert_eq!(joined["callCid"], CALL);
    let told = &joined["participant"];
    assert_eq!(
        [
            &told["userId"],
            &told["name"],
            &told["image"],
            &told["custom"]["team"],
            &told["roles"][0]
        ],
        ["bo", "Bo", "https://example.com/bo.png", "tea", "user"]
    );
    assert_eq!(ann.hears("healthCheckResponse").await["participantCount"]["total"], 2);

    // Tracks, as their owner and as somebody else turns them.
    assert_eq!(bo.calls("UpdateMuteStates", tracks(&["AUDIO", "VIDEO"], &[])).await, json!({}));
    for kind in ["AUDIO", "VIDEO"] {
        let published = ann.hears("trackPublished").await;
        assert_eq!(
            published,
            json!({ "userId": "bo", "sessionId": "s-bo", "type": format!("TRACK_TYPE_{kind}") })
        );
        assert_eq!(bo.hears("trackPublished").await["sessionId"], "s-bo");
    }
    house.call(CALL, "mute", json!({ "peerId": "s-bo", "tracks": ["audio"] })).await;
    for one in [&mut ann, &mut bo] {
        let over = one.hears("trackUnpublished").await;
        assert_eq!(
            [&over["sessionId"], &over["type"], &over["cause"]],
            ["s-bo", "TRACK_TYPE_AUDIO", "TRACK_UNPUBLISH_REASON_MODERATION"]
        );
    }
    house
        .call(
            CALL,
            "updateParticipant",
            json!({ "peerId": "s-bo", "updatePermissions": { "canSend": ["audio"] } }),
        )
        .await;
    assert_eq!(
        ann.hears("trackUnpublished").await["cause"],
        "TRACK_UNPUBLISH_REASON_PERMISSION_REVOKED"
    );
    bo.hears("trackUnpublished").await;
    let grants = bo.hears("callGrantsUpdated").await["currentGrants"].take();
    assert_eq!(
        [&grants["canPublishAudio"], &grants["canPublishVideo"], &grants["canScreenshare"]],
        [true, false, false]
    );
    let refused = bo.calls("UpdateMuteStates", tracks(&["VIDEO"], &[])).await;
    assert_eq!(
        [&refused["error"]["code"], &refused["error"]["shouldRetry"]],
        [&json!("ERROR_CODE_PERMISSION_DENIED"), &json!(false)]
    );

    // A role, a pin, a hidden one.
    house
        .call(CALL, "changeRoleOfPeer", json!({ "peerId": "s-bo", "role": "host", "force": true }))
        .await;
    assert_eq!(ann.hears("participantUpdated").await["participant"]["roles"], json!(["host"]));
    assert_eq!(bo.hears("participantUpdated").await["participant"]["roles"], json!(["host"]));
    let grants = bo.hears("callGrantsUpdated").await["currentGrants"].take();
    assert_eq!(grants["canScreenshare"], true);
    let pin = json!({ "user_id": "bo", "session_id": "s-bo" });
    crate::stream::done(&house, "POST /api/v2/video/call/default/sfu/pin", pin).await;
    assert_eq!(
        ann.hears("pinsUpdated").await,
        json!({ "pins": [{ "userId": "bo", "sessionId": "s-bo" }] })
    );
    let hide = json!({ "peerId": "s-bo", "updatePermissions": { "hasPresence": false } });
    house.call(CALL, "updateParticipant", hide).await;
    assert_eq!(ann.waits_for("participantLeft").await["participant"]["sessionId"], "s-bo");
    let show = json!({ "peerId": "s-bo", "updatePermissions": { "hasPresence": true } });
    house.call(CALL, "updateParticipant", show).await;
    assert_eq!(ann.waits_for("participantJoined").await["participant"]["sessionId"], "s-bo");

    // Ends: one goes, one is put out, all are.
    bo.say(&LEAVE).await;
    assert_eq!(bo.closed().await, 1000);
    assert_eq!(ann.waits_for("participantLeft").await["participant"]["userId"], "bo");
    let (mut again, _) = Sfu::join(&house, "bo", "s-bo").await;
    house.call(CALL, "removePeer", json!({ "peerId": "s-bo" })).await;
    assert_eq!(again.waits_for("callEnded").await["reason"], "CALL_ENDED_REASON_KICKED");
    assert_eq!(again.closed().await, 4502);
    house.call(CALL, "endRoom", json!({})).await;
    assert_eq!(ann.waits_for("callEnded").await["reason"], "CALL_ENDED_REASON_ENDED");
    assert_eq!(ann.closed().await, 4503);
}

#[tokio::test]
async fn a_seat_is_taken_again_by_whose_it_is_and_by_nobody_else() {
    let house = House::open();
    users(&house, &["ann", "bo", "eve"]).await;
    call_of(&house, "default/sfu", json!({ "created_by_id": "ann" })).await;
    let mut native = house.join(CALL, "ann", json!({})).await;
    let (mut bo, _) = Sfu::join(&house, "bo", "s-bo").await;
    house
        .call(CALL, "changeRoleOfPeer", json!({ "peerId": "s-bo", "role": "host", "force": true }))
        .await;
    bo.waits_for("callGrantsUpdated").await;
    bo.ws.close(None).await.unwrap();
    native.until("participant-updated").await;

    // His name is not enough, nor is his session's.
    let mut eve = Sfu::open(house.addr, &user_token("eve", json!({})), "s-bo").await;
    let request = join(&eve.token, "s-bo", Some("s-bo"));
    eve.say(&request).await;
    let refused = eve.hears("error").await;
    assert_eq!(
        refused["reconnectStrategy"], "WEBSOCKET_RECONNECT_STRATEGY_DISCONNECT",
        "{refused}"
    );

    // The same session at once, and another one after it: the seat and its role are kept.
    for (session, previous) in [("s-bo", "s-bo"), ("s-bo-2", "s-bo"), ("s-bo-3", "s-bo-2")] {
        let mut back = Sfu::open(house.addr, &user_token("bo", json!({})), session).await;
        let request = join(&back.token, session, Some(previous));
        back.say(&request).await;
        let joined = back.hears("joinResponse").await;
        assert_eq!(joined["reconnected"], true);
        let own = joined["callState"]["participants"].as_array().unwrap().iter();
        let own = own.filter(|one| one["userId"] == "bo").collect::<Vec<_>>();
        assert_eq!(own.len(), 1);
        assert_eq!([&own[0]["sessionId"], &own[0]["roles"][0]], [session, "host"]);
        assert_eq!(back.calls("UpdateMuteStates", tracks(&["AUDIO"], &[])).await, json!({}));
        let told = native.until("participant-updated").await;
        assert_eq!(told["participant"]["peerId"], "s-bo", "others know him as before");
        // An older session of his is nobody's now.
        if session != previous {
            let body = json!({ "sessionId": previous, "muteStates": [] });
            let gone = back.calls("UpdateMuteStates", body).await;
            let known = gone["error"]["code"] == "ERROR_CODE_PARTICIPANT_NOT_FOUND";
            assert!(known || previous == "s-bo", "{gone}");
        }
        assert_eq!(back.calls("UpdateMuteStates", tracks(&[], &["AUDIO"])).await, json!({}));
        native.until("participant-updated").await;
        bo = back;
    }
    // Where the answer to a first try was lost the SDK tries again as if it had never come.
    let (lost, _) = Sfu::join(&house, "eve", "s-eve").await;
    let mut retry = Sfu::open(house.addr, &lost.token, "s-eve").await;
    let request = join(&retry.token, "s-eve", None);
    retry.say(&request).await;
    assert_eq!(retry.hears("joinResponse").await["reconnected"], true);
    let mut thief = Sfu::open(house.addr, &user_token("ann", json!({})), "s-eve").await;
    let request = join(&thief.token, "s-eve", None);
    thief.say(&request).await;
    assert_eq!(
        thief.hears("error").await["reconnectStrategy"],
        "WEBSOCKET_RECONNECT_STRATEGY_DISCONNECT"
    );

    // Nobody else speaks for him.
    let eve = Sfu::open(house.addr, &user_token("eve", json!({})), "s-bo-3").await;
    let stolen = eve.calls("UpdateMuteStates", tracks(&["AUDIO"], &[])).await;
    assert_eq!(stolen["error"]["code"], "ERROR_CODE_PARTICIPANT_NOT_FOUND");
    bo.say(&HEALTH).await;
    bo.waits_for("healthCheckResponse").await;
}

#[tokio::test]
async fn who_has_no_token_is_counted_and_takes_nobodys_name() {
    let house = House::open();
    users(&house, &["ann"]).await;
    call_of(&house, "livestream/show", json!({ "created_by_id": "ann" })).await;
    crate::stream::done(&house, "POST /api/v2/video/call/livestream/show/go_live", json!({})).await;
    let path = format!("/video/call/livestream/show/join?{KEY}");
    let headers = [("stream-auth-type", "anonymous"), ("content-type", "application/json")];
    let answer = http_with(house.addr, "POST", &path, None, &headers, "{}").await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let ticket = answer.json()["credentials"]["token"].as_str().unwrap().to_owned();
    let _owner = house.join("livestream:show", "ann", json!({})).await;

    let url = format!("ws://{}/video/sfu/ws?{KEY}&cid=livestream:show", house.addr);
    let (ws, _) = connect_async(url).await.unwrap();
    let mut viewer = Sfu { addr: house.addr, ws, token: ticket.clone(), session: "ann".to_owned() };
    // The session's id is a user's: it makes nobody that user.
    let request = join(&ticket, "ann", None);
    viewer.say(&request).await;
    let state = viewer.hears("joinResponse").await["callState"].take();
    let own: Vec<&Value> = state["participants"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["sessionId"] == "ann")
        .collect();
    assert_eq!(own.len(), 1);
    assert_ne!(own[0]["userId"], "ann");
    assert_eq!(own[0]["roles"], json!(["anonymous"]));
    let room = house.room("livestream:show").await;
    assert_eq!(room["participants"].as_array().unwrap().len(), 2);

    // By his ticket he takes his seat again.
    viewer.ws.close(None).await.unwrap();
    let url = format!("ws://{}/video/sfu/ws?{KEY}&cid=livestream:show", house.addr);
    let (ws, _) = connect_async(url).await.unwrap();
    let mut back = Sfu { addr: house.addr, ws, token: ticket.clone(), session: "ann".to_owned() };
    let request = join(&ticket, "ann", Some("ann"));
    back.say(&request).await;
    assert_eq!(back.hears("joinResponse").await["reconnected"], true);
    assert_eq!(house.room("livestream:show").await["participants"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_does_not_get_in_is_told_so_and_what_is_no_frame_is_borne_for_a_while() {
    let house = House::with(|config| config.limits.malformed_per_minute = 3);
    users(&house, &["ann"]).await;
    let good = user_token("ann", json!({}));
    let refused = async |token: &str, session: &str, query: &str| {
        let url = format!("ws://{}/video/sfu/ws?{query}", house.addr);
        let (ws, _) = connect_async(url).await.unwrap();
        let mut sfu =
            Sfu { addr: house.addr, ws, token: token.to_owned(), session: session.to_owned() };
        let request = join(token, session, None);
        sfu.say(&request).await;
        let error = sfu.hears("error").await;
        let strategy = error["reconnectStrategy"].as_str().unwrap().to_owned();
        (error["error"]["message"].as_str().unwrap().to_owned(), strategy)
    };
    let to = format!("{KEY}&cid={CALL}");
    for (token, session, query, message, strategy) in [
        ("none", "s", to.as_str(), "token", "REJOIN"),
        (good.as_str(), "s", "api_key=other&cid=default:sfu", "api_key", "REJOIN"),
        (good.as_str(), "ann", to.as_str(), "session", "DISCONNECT"),
        (good.as_str(), "s", "api_key=devkey&cid=a%20b", "room", "DISCONNECT"),
        (good.as_str(), "s", to.as_str(), "no such room", "DISCONNECT"),
    ] {
        let (said, does) = refused(token, session, query).await;
        assert!(said.contains(message), "{message}: {said}");
        assert!(does.ends_with(strategy), "{said}: {does}");
    }

    let mut noise = Sfu::open(house.addr, &good, "s").await;
    noise.say(&HEALTH).await;
    assert_eq!(noise.hears("healthCheckResponse").await, json!({}));
    for _ in 0..3 {
        noise.say(&[0xff; 9]).await;
    }
    assert_eq!(
        noise.hears("error").await["reconnectStrategy"],
        "WEBSOCKET_RECONNECT_STRATEGY_DISCONNECT"
    );
    assert_eq!(noise.closed().await, 4505);
    let mut text = Sfu::open(house.addr, &good, "s").await;
    text.ws.send(Message::text("{}")).await.unwrap();
    assert_eq!(text.closed().await, 4505);
}

#[tokio::test]
async fn a_token_that_ends_or_is_revoked_sends_its_bearer_for_a_fresh_one() {
    let house = House::open();
    users(&house, &["ann"]).await;
    call_of(&house, "default/sfu", json!({ "created_by_id": "ann" })).await;
    let now = rolecall::clock::Clock::system().now_s();
    let token = user_token("ann", json!({ "iat": now - 60, "exp": now - 4 }));
    let mut ann = Sfu::open(house.addr, &token, "s-ann").await;
    let request = join(&token, "s-ann", None);
    ann.say(&request).await;
    ann.hears("joinResponse").await;
    let error = ann.waits_for("error").await;
    assert_eq!(error["reconnectStrategy"], "WEBSOCKET_RECONNECT_STRATEGY_REJOIN");
    assert_eq!(ann.closed().await, 4501);

    // With a fresh one he has his seat, under the id that his SDK has now.
    let mut back = Sfu::open(house.addr, &user_token("ann", json!({ "iat": now })), "s-2").await;
    let request = join(&back.token, "s-2", Some("s-ann"));
    back.say(&request).await;
    assert_eq!(back.hears("joinResponse").await["reconnected"], true);
    let revoke = json!({ "revoke_tokens_issued_before": rolecall_protocol::id::Timestamp((now + 100) * 1000) });
    crate::stream::done(&house, "PATCH /api/v2/app", revoke).await;
    assert_eq!(
        back.waits_for("error").await["reconnectStrategy"],
        "WEBSOCKET_RECONNECT_STRATEGY_REJOIN"
    );
    assert_eq!(back.closed().await, 4500);
}

#[tokio::test]
async fn remote_calls_are_twirps() {
    let house = House::open();
    users(&house, &["ann"]).await;
    call_of(&house, "default/sfu", json!({ "created_by_id": "ann" })).await;
    let (ann, _) = Sfu::join(&house, "ann", "s-ann").await;
    let offer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\n";
    let answer = ann.calls("SetPublisher", json!({ "sdp": offer, "tracks": [] })).await;
    assert!(answer["sdp"].as_str().unwrap().contains("a=recvonly"), "{answer}");
    assert_eq!(answer["sessionId"], "s-ann");
    let wrong = ann.calls("SetPublisher", json!({ "sdp": "hello" })).await;
    assert_eq!(wrong["error"]["code"], "ERROR_CODE_REQUEST_VALIDATION_FAILED");
    for method in ["IceTrickle", "SendStats", "UpdateSubscriptions", "SendAnswer", "IceRestart"] {
        assert_eq!(ann.calls(method, json!({})).await, json!({}), "{method}");
    }
    let (status, unknown) = remote(house.addr, &ann.token, "Undress", "{}").await;
    assert_eq!((status, &unknown["code"]), (404, &json!("bad_route")));
    let (status, malformed) = remote(house.addr, &ann.token, "UpdateMuteStates", "{").await;
    assert_eq!((status, &malformed["code"]), (400, &json!("malformed")));
    let (_, stranger) = remote(house.addr, "none", "SendStats", "{}").await;
    assert_eq!(stranger["error"]["code"], "ERROR_CODE_UNAUTHENTICATED");
    let preflight = [
        ("origin", "http://127.0.0.1:1"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,x-stream-client,content-type"),
    ];
    let path = "/video/sfu/default/sfu/stream.video.sfu.signal.SignalServer/SendStats";
    let may = http_with(house.addr, "OPTIONS", path, None, &preflight, "").await;
    assert_eq!(may.status, 200, "{}", may.body);
}
