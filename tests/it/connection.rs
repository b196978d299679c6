//! The law of one connection: handshake, frames, tokens, limits, closes.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rolecall::{
    clock::Clock,
    config::{Config, DEVELOPMENT_SECRET, KeyAlgorithm, KeyMaterial, Sources, TokenKey},
    secret::Secret,
};
use rolecall_protocol::id::{CallTypeName, RoleName};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{
    self, Message,
    http::{HeaderValue, StatusCode},
};

use crate::{
    client::{Client, request},
    house::{House, PATIENCE, server_token, sign, user_token},
};

fn error_of(reply: &Value) -> (i64, &str) {
    let error = &reply["error"];
    (error["code"].as_i64().unwrap_or(0), error["data"]["reason"].as_str().unwrap_or(""))
}

#[tokio::test]
async fn the_first_call_is_join_or_resume() {
    let house = House::open();
    let mut ana = house.socket().await;
    for method in ["state", "ping", "leave", "raiseHand"] {
        let params = if method == "raiseHand" { json!({ "raised": true }) } else { json!({}) };
        assert_eq!(ana.refused(method, params).await, (401, "not-joined".into()), "{method}");
    }
    assert_eq!(ana.refused("refreshToken", json!({ "token": "x" })).await.0, 401);
    // The socket is none the worse for it.
    ana.join(&json!({ "room": "daily:x" })).await.unwrap();
    let again = ana.refused("join", json!({ "room": "daily:x" })).await;
    assert_eq!(again, (409, "already-joined".into()));
    let again = ana.refused("resume", json!({ "session": "x", "epoch": "x", "seq": 0 })).await;
    assert_eq!(again, (409, "already-joined".into()));
    ana.hears_nothing().await;
}

#[tokio::test]
async fn who_does_not_join_in_time_is_closed() {
    let house = House::with(|config| config.limits.join_timeout = Duration::from_millis(100));
    let mut ana = house.socket().await;
    assert_eq!(ana.closed().await.0, 4506);
    // Refused joins do not count as one.
    let mut bo = house.socket().await;
    bo.refused("join", json!({ "room": "stage:x" })).await;
    assert_eq!(bo.closed().await.0, 4506);
}

#[tokio::test]
async fn ids_are_echoed_as_they_were_sent() {
    let house = House::open();
    let mut ana = house.join("daily:x", "ana", json!({})).await;
    for id in ["7", "-1", "\"seven\"", "\"\"", "1.50", "12345678901234567890", "\"\\u00e9\""] {
        ana.say(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).await;
        let text = loop {
            use futures::StreamExt as _;
            match timeout(PATIENCE, ana.ws.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => break text,
                _ => continue,
            }
        };
        assert!(text.contains(&format!(r#""id":{id},"#)), "{id}: {text}");
        assert!(text.contains(r#""at":"#), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_call_is_answered_with_the_error_it_deserves() {
    let house = House::open();
    let mut ana = house.join("daily:x", "ana", json!({})).await;
    for (frame, code, id) in [
        ("{", -32700, Value::Null),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600, Value::Null),
        ("[]", -32600, Value::Null),
        ("7", -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"1.0","id":4,"method":"ping"}"#, -32600, json!(4)),
        (r#"{"jsonrpc":"2.0","id":5,"method":7}"#, -32600, json!(5)),
    ] {
        ana.say(frame).await;
        let reply = ana.reply().await;
        assert_eq!((error_of(&reply).0, &reply["id"]), (code, &id), "{frame}: {reply}");
    }
    // Calls that are calls do not count towards the ten.
    for _ in 0..12 {
        assert_eq!(ana.refused("fly", json!({})).await, (-32601, "unknown-method".into()));
    }
    ana.say("nonsense").await;
    assert_eq!(error_of(&ana.reply().await).0, -32700);
    ana.say("the tenth").await;
    assert_eq!(error_of(&ana.reply().await).0, -32700);
    assert_eq!(ana.closed().await.0, 4505);
}

#[tokio::test]
async fn wrong_params_name_their_place() {
    let house = House::open();
    let mut ana = house.owner("daily:x", "ana").await;
    for (method, params, field) in [
        ("raiseHand", json!({ "raised": "yes" }), "raised"),
        ("raiseHand", json!({ "raised": true, "high": true }), "high"),
        ("raiseHand", json!([true]), "params"),
        ("ping", json!({ "x": 1 }), "x"),
        ("changeRoleOfPeer", json!({ "role": "host" }), "peerId"),
        ("setName", json!({ "name": "x".repeat(129) }), "name"),
        ("mute", json!({ "tracks": ["smell"] }), "tracks[0]"),
        (
            "updateParticipant",
            json!({ "peerId": "x", "updatePermissions": { "canReceive": { "base": 7 } } }),
            "updatePermissions.canReceive.base",
        ),
        ("rejectChangeRole", json!({ "requestId": "r", "reason": "x".repeat(257) }), "reason"),
        ("join", json!({ "room": "x", "colour": "red" }), "colour"),
    ] {
        let error = ana.call(method, &params).await.unwrap_err();
        assert_eq!(error["code"], -32602, "{method} {params}: {error}");
        assert_eq!(error["data"]["field"], field, "{method} {params}: {error}");
    }
    for room in ["", "a b", "daily:", ":x", "a:b:c", &"x".repeat(65)] {
        let mut bo = house.socket().await;
        let error = bo.join(&json!({ "room": room })).await.unwrap_err();
        assert_eq!((&error["code"], &error["data"]["field"]), (&json!(-32602), &json!("room")));
    }
    ana.hears_nothing().await;
}

#[tokio::test]
async fn free_form_json_has_a_bound() {
    let house = House::open();
    let mut ana = house.owner("daily:x", "ana").await;
    let mut bo = house.join("daily:x", "bo", json!({})).await;
    ana.catch_up().await;
    let large = json!({ "metadata": "x".repeat(4 * 1024) });
    assert_eq!(bo.refused("setMetadata", large).await.0, 413);
    let large = json!({ "data": "x".repeat(16 * 1024) });
    assert_eq!(bo.refused("sendMessage", large).await.0, 413);
    bo.done("sendMessage", json!({ "data": "x".repeat(16 * 1024 - 2) })).await;
    assert_eq!(ana.notice("app-message").await["data"].as_str().unwrap().len(), 16 * 1024 - 2);
    ana.hears_nothing().await;
}

#[tokio::test]
async fn frames_that_may_not_be_close_the_socket() {
    let house = House::open();
    let mut ana = house.owner("daily:x", "ana").await;
    for (message, code) in [
        (Message::binary(vec![1]), 1003),
        (Message::text("x".repeat(64 * 1024 + 1)), 1009),
        // A large one that just fits is read, and is no call.
        (Message::text("x".repeat(64 * 1024)), 0),
    ] {
        let mut bo = house.join("daily:x", "bo", json!({})).await;
        let bo_id = bo.peer.clone();
        ana.catch_up().await;
        bo.send(message).await;
        if code == 0 {
            assert_eq!(error_of(&bo.reply().await).0, -32700);
            bo.done("leave", json!({})).await;
            continue;
        }
        assert_eq!(bo.closed().await.0, code);
        // That is a drop, not a goodbye.
        let told = ana.notice("participant-updated").await;
        assert_eq!(told["participant"]["peerId"], bo_id.as_str());
        assert_eq!(told["participant"]["connected"], false);
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_closes_1007_and_unmasked_frames_1002() {
    let house = House::open();
    for (frame, code) in [
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28][..], 1007_u16),
        (&[0x81, 0x02, b'h', b'i'][..], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0xc1, 0x80, 0, 0, 0, 0][..], 1002),
    ] {
        let mut tcp = TcpStream::connect(house.addr).await.unwrap();
        let handshake = format!(
            "GET /v1/connect HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            house.addr
        );
        tcp.write_all(handshake.as_bytes()).await.unwrap();
        tcp.write_all(frame).await.unwrap();
        let mut heard = Vec::new();
        timeout(PATIENCE, tcp.read_to_end(&mut heard)).await.unwrap().unwrap();
        let head = heard.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        assert!(heard.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&heard));
        let told = &heard[head..];
        assert_eq!(told[0], 0x88, "{told:?}");
        assert_eq!(u16::from_be_bytes([told[2], told[3]]), code, "{frame:?}");
    }
}

#[tokio::test]
async fn calls_beyond_the_rate_wait_and_then_go_through() {
    let house = House::with(|config| {
        (config.limits.calls_per_second, config.limits.calls_burst) = (2, 5);
    });
    let mut ana = house.socket().await;
    ana.join(&json!({ "room": "daily:x" })).await.unwrap();
    for _ in 0..30 {
        ana.ask("ping", &json!({})).await;
    }
    let mut waits = Vec::new();
    for _ in 0..30 {
        let reply = ana.reply().await;
        if reply.get("error").is_some() {
            assert_eq!(error_of(&reply), (429, "rate-limited"));
            waits.push(reply["error"]["data"]["retryAfter"].as_f64().unwrap());
        }
    }
    let wait = *waits.last().expect("thirty at once are too many");
    assert!(wait > 0.0 && wait <= 1.0, "{wait}");
    tokio::time::sleep(Duration::from_secs_f64(wait)).await;
    ana.done("ping", json!({})).await;
}

#[tokio::test]
async fn a_flood_of_frames_is_abuse() {
    let house = House::with(|config| {
        (config.limits.calls_per_second, config.limits.calls_burst) = (1, 1);
    });
    let mut ana = house.socket().await;
    for _ in 0..40 {
        // The server may have had enough before we are done.
        use futures::SinkExt as _;
        let _ = ana.ws.send(Message::Ping("x".into())).await;
    }
    let code = ana.closed().await.0;
    assert!(matches!(code, 4507 | 1006), "{code}");
    let (_, metrics) = metrics(&house).await;
    assert!(metrics.contains(r#"rolecall_drops_total{why="abuse"}"#), "{metrics}");
}

async fn metrics(house: &House) -> (u16, String) {
    let answer = crate::house::http(house.addr, "GET", "/metrics", None, "").await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn the_subprotocol_is_ours_or_none() {
    let house = House::open();
    let mut plain = Client::with(request(house.addr)).await.unwrap();
    plain.join(&json!({ "room": "daily:x" })).await.unwrap();
    let mut offered = request(house.addr);
    let two = HeaderValue::from_static("other, rolecall.v1");
    offered.headers_mut().insert("sec-websocket-protocol", two);
    // tungstenite refuses an answer that it did not offer, and one that it misses.
    Client::with(offered).await.unwrap();
    let mut foreign = request(house.addr);
    foreign.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("mqtt"));
    assert_eq!(status(Client::with(foreign).await), StatusCode::BAD_REQUEST);
}

fn status(refused: Result<Client, tungstenite::Error>) -> StatusCode {
    match refused {
        Err(tungstenite::Error::Http(answer)) => answer.status(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the handshake went through"),
    }
}

#[tokio::test]
async fn pages_of_foreign_origins_do_not_connect() {
    let house = House::with(|config| {
        let listed = ("ROLECALL_ALLOWED_ORIGINS".into(), "https://app.example.com".into());
        let sources = Sources { environment: vec![listed], ..Sources::default() };
        config.allowed_origins = Config::load(&sources).unwrap().allowed_origins;
    });
    let own = format!("http://{}", house.addr);
    for (origin, lets_in) in [
        (own.as_str(), true),
        ("http://localhost:5173", true),
        ("https://app.example.com", true),
        ("https://app.example.com.evil.example", false),
        ("http://app.example.com", false),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let mut page = request(house.addr);
        page.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        let connected = Client::with(page).await;
        if lets_in {
            connected.unwrap_or_else(|error| panic!("{origin}: {error}"));
        } else {
            assert_eq!(status(connected), StatusCode::FORBIDDEN, "{origin}");
        }
    }
}

#[tokio::test]
async fn the_token_may_come_with_the_handshake() {
    let house = House::open();
    let with = |token: &str| {
        let mut request = request(house.addr);
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        request.headers_mut().insert("authorization", bearer);
        request
    };
    let mut ana = Client::with(with(&user_token("ana", json!({})))).await.unwrap();
    ana.join(&json!({ "room": "daily:x" })).await.unwrap();
    assert_eq!(ana.view[&ana.peer]["userId"], "ana");
    // The one in `join` wins.
    let mut bo = Client::with(with(&user_token("ana", json!({})))).await.unwrap();
    let token = user_token("bo", json!({}));
    bo.join(&json!({ "room": "daily:x", "token": token })).await.unwrap();
    assert_eq!(bo.view[&bo.peer]["userId"], "bo");
    let mut bad = Client::with(with("nonsense")).await.unwrap();
    assert_eq!(bad.refused("join", json!({ "room": "daily:x" })).await, (401, "bad-token".into()));
    assert_eq!(bad.closed().await.0, 4500);
}

const KID: &str = "second";
const KID_SECRET: &str = "another-secret-another-secret-another";

fn signed_with(header: &Header, claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_and_closed() {
    let house = House::with(|config| {
        let material = KeyMaterial::Secret(Secret::new(KID_SECRET));
        config.keys.push(TokenKey { kid: KID.into(), alg: KeyAlgorithm::Hs384, material });
    });
    let now = Clock::system().now_s();
    let good = user_token("ana", json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let base64 = |json: &str| base64_url(json.as_bytes());
    let claims = json!({ "user_id": "ana" });
    let with_kid = |alg, kid: &str| Header { kid: Some(kid.into()), ..Header::new(alg) };
    let tampered = base64(r#"{"user_id":"root"}"#);
    let mut crit = String::from(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#);
    crit = base64(&crit);
    let bad = [
        ("no token", String::new()),
        ("no JWT", "nonsense".into()),
        ("alg none", format!("{}.{}.", base64(r#"{"alg":"none","typ":"JWT"}"#), parts[1])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("another's claims", format!("{}.{tampered}.{}", parts[0], parts[2])),
        ("a part too many", format!("{good}.x")),
        ("another secret", signed_with(&Header::default(), &claims, "guess")),
        (
            "another algorithm",
            signed_with(&Header::new(Algorithm::HS512), &claims, DEVELOPMENT_SECRET),
        ),
        (
            "an unknown kid",
            signed_with(&with_kid(Algorithm::HS256, "third"), &claims, DEVELOPMENT_SECRET),
        ),
        (
            "a kid of another algorithm",
            signed_with(&with_kid(Algorithm::HS256, KID), &claims, KID_SECRET),
        ),
        (
            "a kid with the first secret",
            signed_with(&with_kid(Algorithm::HS384, KID), &claims, DEVELOPMENT_SECRET),
        ),
        ("crit", format!("{crit}.{}.{}", parts[1], parts[2])),
        ("expired", user_token("ana", json!({ "exp": now - 6 }))),
        ("exp as text", user_token("ana", json!({ "exp": "never" }))),
        ("not yet", user_token("ana", json!({ "nbf": now + 60 }))),
        ("from the future", user_token("ana", json!({ "iat": now + 60 }))),
        ("a server's", server_token()),
        ("user_id null", sign(&json!({ "user_id": null }))),
        ("user_id empty", user_token("", json!({}))),
        ("user_id a number", sign(&json!({ "user_id": 7 }))),
        ("a wrong permission", user_token("ana", json!({ "permissions": { "canFly": true } }))),
        ("is_owner as text", user_token("ana", json!({ "is_owner": "yes", "room": "daily:x" }))),
    ];
    let mut watcher = house.owner("daily:x", "watcher").await;
    for (what, token) in bad {
        let mut ana = house.socket().await;
        let error = ana.call("join", &json!({ "room": "daily:x", "token": token })).await;
        let error = error.expect_err(what);
        assert_eq!(
            (&error["code"], &error["data"]["reason"]),
            (&json!(401), &json!("bad-token")),
            "{what}"
        );
        if !token.is_empty() {
            assert!(!error.to_string().contains(&token), "{what}: {error}");
        }
        assert_eq!(ana.closed().await.0, 4500, "{what}");
    }
    watcher.hears_nothing().await;
    let token = signed_with(&with_kid(Algorithm::HS384, KID), &claims, KID_SECRET);
    let mut ana = house.socket().await;
    ana.join(&json!({ "room": "daily:x", "token": token })).await.unwrap();
    // Within the leeway a token still is good.
    let now = Clock::system().now_s();
    house.join("daily:x", "bo", json!({ "exp": now - 1, "nbf": now + 2, "iat": now + 2 })).await;
}

fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(word);
        for at in 0..=chunk.len() {
            let six = bits >> (18 - 6 * at) & 63;
            text.push(char::from(ALPHABET[six as usize]));
        }
    }
    text
}

#[tokio::test]
async fn a_token_for_another_room_is_refused_without_a_close() {
    let house = House::open();
    let mut ana = house.socket().await;
    for claims in [json!({ "room": "daily:y" }), json!({ "call_cids": ["daily:y", "daily:z"] })] {
        let join = json!({ "room": "daily:x", "token": user_token("ana", claims) });
        assert_eq!(ana.refused("join", join).await, (403, "wrong-room".into()));
    }
    let token = user_token("ana", json!({ "call_cids": ["daily:y", "daily:x"] }));
    ana.join(&json!({ "room": "daily:x", "token": token })).await.unwrap();
    // A bare id is of the default call type, in the token too.
    house.join("default:bare", "bo", json!({ "room": "bare" })).await;
}

#[tokio::test]
async fn what_a_token_says_becomes_who_one_is() {
    let house = House::open();
    let cases = [
        ("daily:a", json!({ "is_owner": true }), "participant", false),
        ("daily:b", json!({ "role": "admin" }), "participant", false),
        ("daily:c", json!({ "is_owner": true, "room": "daily:c" }), "host", true),
        ("daily:d", json!({ "is_owner": true, "call_cids": ["daily:d"] }), "host", true),
        ("daily:e", json!({ "is_owner": true, "role": "admin", "room": "daily:e" }), "admin", true),
        ("daily:f", json!({ "role": "admin", "room": "daily:f" }), "admin", false),
        ("daily:g", json!({ "role": "admin", "call_cids": ["daily:g"] }), "admin", false),
    ];
    for (room, claims, role, owner) in cases {
        let ana = house.join(room, "ana", claims.clone()).await;
        let me = &ana.view[&ana.peer];
        assert_eq!((&me["role"], &me["owner"]), (&json!(role), &json!(owner)), "{claims}");
    }
    // A role beside `call_cids` joins the standing ones; beside `room` it is the only one.
    let joined = house
        .join("default:u", "ana", json!({ "role": "guest", "call_cids": ["default:u"] }))
        .await;
    let assigned =
        house.join("default:u", "bo", json!({ "role": "guest", "room": "default:u" })).await;
    let holds = |client: &Client, right: &str| {
        client.view[&client.peer]["capabilities"].as_array().unwrap().contains(&json!(right))
    };
    assert!(holds(&joined, "screenshare") && !holds(&assigned, "screenshare"));
    let shut = json!({ "hasPresence": false, "canSend": ["audio"], "canAdmin": ["streaming"] });
    let bo = house.join("daily:p", "bo", json!({ "permissions": shut, "name": "Bo B." })).await;
    let me = &bo.view[&bo.peer];
    assert_eq!(me["name"], "Bo B.");
    assert_eq!(me["permissions"]["hasPresence"], false);
    assert_eq!(me["permissions"]["canSend"], json!(["audio"]));
    assert_eq!(me["permissions"]["canAdmin"], json!(["streaming"]));
    // No token: nobody in particular.
    let mut cy = house.socket().await;
    cy.join(&json!({ "room": "daily:p", "name": "Cy" })).await.unwrap();
    assert_eq!(cy.view[&cy.peer]["userId"], cy.peer.as_str());
    assert_eq!(cy.view[&cy.peer]["name"], "Cy");
    // An unknown role in a token is no way in.
    let mut di = house.socket().await;
    let token = user_token("di", json!({ "room": "daily:p", "role": "nothing" }));
    di.refused("join", json!({ "room": "daily:p", "token": token })).await;
}

#[tokio::test]
async fn joining_obeys_the_room() {
    let house = House::with(|config| config.limits.peers_per_room = 2);
    let mut ana = house.socket().await;
    let join = json!({ "room": "daily:new", "create": false });
    assert_eq!(ana.refused("join", join).await, (404, "unknown-room".into()));
    let (status, _) = house.get("/v1/rooms/daily:new", Some(&server_token())).await;
    assert_eq!(status, 404, "asking does not make a room");
    ana.join(&json!({ "room": "daily:new" })).await.unwrap();
    let mut bo = house.socket().await;
    bo.join(&json!({ "room": "daily:new", "create": false })).await.unwrap();
    let mut cy = house.socket().await;
    assert_eq!(cy.refused("join", json!({ "room": "daily:new" })).await, (403, "room-full".into()));
    bo.done("leave", json!({})).await;
    assert_eq!(bo.closed().await.0, 1000);
    cy.join(&json!({ "room": "daily:new" })).await.unwrap();
}

#[tokio::test]
async fn a_role_holds_no_more_than_its_most() {
    let house = House::with(|config| {
        let name = CallTypeName::parse("stage").unwrap();
        let stage = Arc::make_mut(config.call_types.get_mut(&name).unwrap());
        let speaker = RoleName::parse("speaker").unwrap();
        stage.roles.get_mut(&speaker).unwrap().max_peer_count = Some(1);
    });
    let room = "stage:x";
    let mut ana = house.owner(room, "ana").await;
    let mut bo = house.join(room, "bo", json!({})).await;
    let cy = house.join(room, "cy", json!({})).await;
    let change =
        |peer: &str, force: bool| json!({ "peerId": peer, "role": "speaker", "force": force });
    // Two are asked while there is room for one: whoever is later finds it full.
    let offer = ana.done("changeRoleOfPeer", change(&bo.peer, false)).await;
    ana.done("changeRoleOfPeer", change(&cy.peer, true)).await;
    ana.catch_up().await;
    bo.catch_up().await;
    let full = (403, "role-full".to_owned());
    let accept = json!({ "requestId": offer["requestId"] });
    assert_eq!(bo.refused("acceptChangeRole", accept).await, full);
    assert_eq!(ana.refused("changeRoleOfPeer", change(&ana.peer, false)).await, full);
    let bulk = json!({ "ofRoles": ["listener"], "toRole": "speaker" });
    assert_eq!(ana.refused("changeRoleOfPeersWithRoles", bulk).await, full);
    let mut di = house.socket().await;
    let token = user_token("di", json!({ "room": room, "role": "speaker" }));
    assert_eq!(di.refused("join", json!({ "room": room, "token": token })).await, full);
    ana.hears_nothing().await;
    bo.hears_nothing().await;
}

#[tokio::test]
async fn a_token_is_renewed_in_time_or_ends_the_connection() {
    let house = House::open();
    let mut ana = house.owner("daily:x", "ana").await;
    let now = Clock::system().now_s();
    let mut bo = house.join("daily:x", "bo", json!({ "exp": now + 20 })).await;
    let left = bo.notice("token-expiring").await["in"].as_u64().unwrap();
    assert!((1..=20).contains(&left), "{left}");
    let other = user_token("cy", json!({}));
    for bad in ["nonsense", &other, &server_token()] {
        let refused = bo.refused("refreshToken", json!({ "token": bad })).await;
        assert_eq!(refused, (401, "bad-token".into()));
    }
    let elsewhere = user_token("bo", json!({ "room": "daily:y" }));
    assert_eq!(bo.refused("refreshToken", json!({ "token": elsewhere })).await.0, 403);
    // A renewal renews the term and nothing else.
    let owner = user_token("bo", json!({ "exp": now + 25, "room": "daily:x", "is_owner": true }));
    assert_eq!(bo.done("refreshToken", json!({ "token": owner })).await, json!({}));
    bo.notice("token-expiring").await;
    assert_eq!(bo.view[&bo.peer]["owner"], false);
    bo.hears_nothing().await;
    let endless = user_token("bo", json!({}));
    bo.done("refreshToken", json!({ "token": endless })).await;
    bo.hears_nothing().await;
    ana.catch_up().await;

    // Its time, leeway included, passes while he is connected.
    let short = Clock::system().now_s() - 1;
    let mut cy = house.join("daily:x", "cy", json!({ "exp": short })).await;
    assert_eq!(cy.notice("token-expiring").await["in"], 0);
    assert_eq!(cy.closed().await.0, 4501);
    let told = ana.until("participant-updated").await;
    assert_eq!(told["participant"]["userId"], "cy");
    assert_eq!(told["participant"]["connected"], false);
    cy.reconnect(house.addr).await;
    let refused = cy.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(
        (&refused["code"], &refused["data"]["reason"]),
        (&json!(401), &json!("token-expired"))
    );
    let fresh = user_token("cy", json!({}));
    assert_eq!(cy.resume_with(&json!({ "token": fresh })).await.unwrap()["resumed"], true);
    cy.check_view().await;
    cy.reconnect(house.addr).await;
    let foreign = user_token("ana", json!({}));
    let refused = cy.resume_with(&json!({ "token": foreign })).await.unwrap_err();
    assert_eq!(refused["data"]["reason"], "bad-token");
    assert_eq!(cy.closed().await.0, 4500);
}

#[tokio::test]
async fn who_answers_no_ping_is_dropped_and_keeps_his_seat() {
    let house = House::with(|config| {
        config.limits.ping_interval = Duration::from_millis(100);
        config.limits.pong_timeout = Duration::from_secs(3);
    });
    let mut ana = house.owner("daily:x", "ana").await;
    let mut bo = house.join("daily:x", "bo", json!({})).await;
    // Ana answers pings because she reads; Bo does not read.
    let told = ana.until("participant-updated").await;
    assert_eq!(told["participant"]["peerId"], bo.peer.as_str());
    assert_eq!(told["participant"]["connected"], false);
    assert_eq!(bo.closed().await.0, 4002);
    assert_eq!(bo.resume(house.addr).await["resumed"], true);
    bo.check_view().await;
    let told = ana.until("participant-updated").await;
    assert_eq!(told["participant"]["connected"], true);
}
