//! `/v1`, health and metrics: what the server side may ask, and how it is answered.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    cli::{Running, rolecall},
    client::Client,
    house::{House, http, server_token, sign, user_token},
};

const PATHS: [(&str, &str); 4] = [
    ("GET", "/v1/rooms"),
    ("GET", "/v1/rooms/daily:x"),
    ("GET", "/v1/rooms/daily:x/journal"),
    ("POST", "/v1/rooms/daily:x/calls"),
];

#[tokio::test]
async fn only_server_tokens_are_let_in() {
    let house = House::open();
    let mut ana = house.owner("daily:x", "ana").await;
    let owner = user_token("ana", json!({ "room": "daily:x", "is_owner": true }));
    let bound =
        [json!({ "call_cids": ["daily:x"] }), json!({ "room": "daily:x" })].map(|it| sign(&it));
    let body = json!({ "method": "endRoom" }).to_string();
    for (method, path) in PATHS {
        for (token, status, reason) in [
            (None, 401, "bad-token"),
            (Some("nonsense"), 401, "bad-token"),
            (Some(owner.as_str()), 403, "not-allowed"),
            (Some(bound[0].as_str()), 403, "not-allowed"),
            (Some(bound[1].as_str()), 403, "not-allowed"),
        ] {
            let answer = http(house.addr, method, path, token, &body).await;
            let error = answer.json();
            let error = if method == "POST" { &error["error"] } else { &error };
            assert_eq!(
                (answer.status, &error["data"]["reason"]),
                (status, &json!(reason)),
                "{path}"
            );
            assert_eq!(error["code"], status, "{path}");
        }
    }
    ana.hears_nothing().await;
    for (method, path, status) in [("PUT", "/v1/rooms", 405), ("GET", "/v1/nothing", 404)] {
        let answer = http(house.addr, method, path, Some(&server_token()), "").await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn rooms_are_listed_page_by_page() {
    let house = House::open();
    let mut here = Vec::new();
    for room in ["daily:c", "daily:a", "stage:z", "daily:b", "lobby:q"] {
        here.push(house.owner(room, "ana").await);
    }
    let token = server_token();
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let (status, page) = house.get(&format!("/v1/rooms?limit=2{after}"), Some(&token)).await;
        assert_eq!(status, 200);
        let rooms = page["rooms"].as_array().unwrap().clone();
        assert!(rooms.len() <= 2);
        assert!(rooms.iter().all(|room| room["counts"] == json!({ "present": 1, "hidden": 0 })));
        seen.extend(rooms.iter().map(|room| room["room"]["cid"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["daily:a", "daily:b", "daily:c", "lobby:q", "stage:z"]);
    for query in ["limit=0", "limit=101", "limit=x", "after=a:b:c", "colour=red"] {
        let (status, error) = house.get(&format!("/v1/rooms?{query}"), Some(&token)).await;
        assert_eq!((status, &error["code"]), (400, &json!(-32602)), "{query}: {error}");
    }
}

#[tokio::test]
async fn a_room_is_shown_as_a_holder_of_every_right_sees_it() {
    let house = House::open();
    let ana = house.owner("daily:x", "ana").await;
    let hidden = json!({ "permissions": { "hasPresence": false } });
    let mut bo = house.join("daily:x", "bo", hidden).await;
    bo.done("requestPermissions", json!({ "permissions": ["presence"] })).await;
    let state = house.room("daily:x").await;
    assert_eq!(state["participants"].as_array().unwrap().len(), 2);
    assert_eq!(state["counts"], json!({ "present": 1, "hidden": 1 }));
    assert_eq!(state["epoch"], ana.epoch.as_str());
    assert_eq!(state["requests"]["permission"][0]["permissions"], json!(["presence"]));
    let text = state.to_string();
    assert!(!text.contains(&hash(&ana.session)) && !text.contains(&ana.session), "{text}");
    for (room, status) in [("daily:none", 404), ("nothing:x", 404), ("a%20b", 400)] {
        let (told, _) = house.get(&format!("/v1/rooms/{room}"), Some(&server_token())).await;
        assert_eq!(told, status, "{room}");
    }
}

fn hash(session: &str) -> String {
    Sha256::digest(session.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_journal_says_who_did_what_when() {
    let house = House::open();
    let mut ana = house.owner("stage:x", "ana").await;
    let mut bo = house.join("stage:x", "bo", json!({})).await;
    let change = json!({ "peerId": bo.peer, "role": "speaker", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    assert_eq!(bo.refused("endRoom", json!({})).await.0, 403);
    bo.done("sendMessage", json!({ "data": "not for the record" })).await;
    house.call("stage:x", "removePeer", json!({ "peerId": bo.peer, "reason": "bye" })).await;
    let token = server_token();
    let (status, journal) = house.get("/v1/rooms/stage:x/journal", Some(&token)).await;
    assert_eq!((status, &journal["next"]), (200, &Value::Null));
    let records = journal["records"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> = records.iter().map(|r| (&r["method"], &r["by"])).collect();
    assert_eq!(
        told,
        [
            (&json!("join"), &json!(ana.peer)),
            (&json!("join"), &json!(bo.peer)),
            (&json!("changeRoleOfPeer"), &json!(ana.peer)),
            (&json!("removePeer"), &json!("server")),
        ]
    );
    let seqs: Vec<u64> = records.iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    for record in records {
        assert!(record["at"].as_str().unwrap().ends_with('Z'));
        let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
    }
    assert_eq!(records[0]["events"][0]["type"], "roomCreated");
    assert_eq!(records[0]["events"][0]["callType"], "stage");
    let role = &records[2]["events"][0];
    assert_eq!(
        (&role["type"], &role["from"], &role["to"]),
        (&json!("roleChanged"), &json!("listener"), &json!("speaker"))
    );
    assert_eq!(records[3]["events"][0]["note"], "bye");
    let text = journal.to_string();
    for secret in [&ana.session, &bo.session, &hash(&ana.session), &hash(&bo.session)] {
        assert!(!text.contains(secret.as_str()), "a secret in {text}");
    }
    // Page by page.
    let mut paged = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/v1/rooms/stage:x/journal?limit=1&after={after}");
        let (_, page) = house.get(&path, Some(&token)).await;
        paged.extend(page["records"].as_array().unwrap().clone());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(paged, *records);
    assert_eq!(house.get("/v1/rooms/stage:none/journal", Some(&token)).await.0, 404);
    assert_eq!(house.get("/v1/rooms/stage:x/journal?after=-1", Some(&token)).await.0, 400);
}

#[tokio::test]
async fn calls_of_the_server_are_answered_as_natively() {
    let house = House::open();
    let mut ana = house.owner("stage:x", "ana").await;
    let done = house.call(
        "stage:x",
        "changeRoleOfPeer",
        json!({ "peerId": ana.peer, "role": "speaker", "force": true }),
    );
    assert_eq!(done.await, (200, json!({ "result": {} })));
    assert_eq!(ana.until("ROLE_UPDATED").await["by"], "server");
    ana.catch_up().await;
    for (method, params, status, code, reason) in [
        ("fly", json!({}), 404, -32601, "unknown-method"),
        ("join", json!({ "room": "stage:x" }), 404, -32601, "unknown-method"),
        ("mute", json!({}), 400, -32602, "bad-params"),
        ("mute", json!([]), 400, -32602, "bad-params"),
        ("raiseHand", json!({ "raised": true }), 400, 400, "not-a-peer"),
        ("removePeer", json!({ "peerId": "nobody" }), 404, 404, "unknown-peer"),
        (
            "changeRoleOfPeer",
            json!({ "peerId": ana.peer, "role": "none" }),
            404,
            404,
            "unknown-role",
        ),
        ("acceptChangeRole", json!({ "requestId": "role-1" }), 400, 400, "not-a-peer"),
        (
            "changeRoleOfPeersWithRoles",
            json!({ "ofRoles": ["speaker"], "toRole": "speaker" }),
            400,
            400,
            "target-in-source",
        ),
    ] {
        let (told, answer) = house.call("stage:x", method, params.clone()).await;
        let error = &answer["error"];
        assert_eq!(
            (told, &error["code"], &error["data"]["reason"]),
            (status, &json!(code), &json!(reason)),
            "{method} {params}: {answer}"
        );
    }
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"params":{}}"#, -32600),
        (r#"{"method":"mute","x":1}"#, -32600),
    ] {
        let answer =
            http(house.addr, "POST", "/v1/rooms/stage:x/calls", Some(&server_token()), body).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(code)), "{body}");
    }
    let (status, answer) = house.call("stage:none", "mute", json!({ "tracks": ["audio"] })).await;
    assert_eq!((status, &answer["error"]["data"]["reason"]), (404, &json!("unknown-room")));
    ana.hears_nothing().await;
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let house = House::open();
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = http(house.addr, "GET", path, None, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
    }
}

/// The sum of a metric's values in the text of `/metrics`.
pub(crate) async fn metric(addr: SocketAddr, name: &str) -> u64 {
    let answer = http(addr, "GET", "/metrics", None, "").await;
    let lines = answer.body.lines().filter(|line| line.starts_with(name));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    let sum: f64 = values.sum();
    sum as u64
}

async fn join(addr: SocketAddr, user: &str, claims: Value) -> Client {
    let mut client = Client::connect(addr).await;
    let token = user_token(user, claims);
    client.join(&json!({ "room": "stage:x", "token": token })).await.unwrap();
    client
}

/// A process of its own, for the metrics of a process are one.
#[tokio::test]
async fn metrics_move_with_what_happens_and_a_notice_is_encoded_once() {
    let mut running = Running::start(rolecall(&["--listen", "127.0.0.1:0"]));
    let addr: SocketAddr = running.addr().parse().unwrap();
    let rooms = metric(addr, "rolecall_rooms ").await;
    let mut ana = join(addr, "ana", json!({ "room": "stage:x", "is_owner": true })).await;
    let mut others = Vec::new();
    for n in 1..100 {
        others.push(join(addr, &format!("user-{n}"), json!({})).await);
    }
    let everything = ["rolecall_sockets ", "rolecall_peers "];
    for name in everything {
        assert_eq!(metric(addr, name).await, 100, "{name}");
    }
    assert!(metric(addr, "rolecall_connections ").await >= 100);
    assert_eq!(metric(addr, "rolecall_rooms ").await, rooms + 1);
    assert_eq!(metric(addr, r#"rolecall_calls_total{method="join",outcome="ok"}"#).await, 100);
    ana.catch_up().await;

    let (encodes, deliveries) = ("rolecall_encodes_total ", "rolecall_deliveries_total ");
    let before = (metric(addr, encodes).await, metric(addr, deliveries).await);
    let change = json!({ "peerId": others[0].peer, "role": "speaker", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    for client in others.iter_mut().chain([&mut ana]) {
        client.until("participant-updated").await;
        client.notice("ROLE_UPDATED").await;
    }
    let after = (metric(addr, encodes).await, metric(addr, deliveries).await);
    assert_eq!(after.0 - before.0, 2, "one for each notice, however many hear it");
    // Two notices to each, and the reply.
    assert_eq!(after.1 - before.1, 201);

    others[1].refused("endRoom", json!({})).await;
    let refused = r#"rolecall_calls_total{method="endRoom",outcome="not-allowed"}"#;
    assert_eq!(metric(addr, refused).await, 1);
    ana.done("removePeer", json!({ "peerId": others[2].peer })).await;
    assert_eq!(metric(addr, r#"rolecall_drops_total{why="removed"}"#).await, 1);
    assert!(metric(addr, "rolecall_room_task_lag_seconds_count").await >= 102);
    ana.done("endRoom", json!({})).await;
    for mut client in others.into_iter().chain([ana]) {
        client.closed().await;
    }
    assert_eq!(metric(addr, "rolecall_peers ").await, 0);
}

/// Tokens and secrets never come into the log, at its most talkative.
#[tokio::test]
async fn no_token_is_ever_logged() {
    let mut command = rolecall(&["--listen", "127.0.0.1:0"]);
    // Nobody's directive brings frames into the log, however particular.
    command.env("ROLECALL_LOG", "trace,tungstenite::protocol=trace");
    let mut running = Running::start(command);
    let addr: SocketAddr = running.addr().parse().unwrap();
    let log = running.log();
    let mut ana = join(addr, "ana", json!({ "room": "stage:x", "is_owner": true })).await;
    let tokens = [
        user_token("ana", json!({ "room": "stage:x", "is_owner": true })),
        user_token("ana", json!({ "name": "again" })),
        user_token("bo", json!({ "exp": 7 })),
        user_token("cy", json!({ "room": "stage:y" })),
        server_token(),
    ];
    ana.done("refreshToken", json!({ "token": tokens[1] })).await;
    for token in &tokens[2..4] {
        let mut client = Client::connect(addr).await;
        client.refused("join", json!({ "room": "stage:x", "token": token })).await;
    }
    let mut request = crate::client::request(addr);
    let bearer = format!("Bearer {}", tokens[0]).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    Client::with(request).await.unwrap().join(&json!({ "room": "stage:x" })).await.unwrap();
    http(addr, "GET", "/v1/rooms", Some(&tokens[4]), "").await;
    http(addr, "GET", &format!("/v1/rooms?token={}", tokens[4]), None, "").await;
    ana.reconnect(addr).await;
    ana.resume_with(&json!({ "token": tokens[0] })).await.unwrap();
    ana.hang_up(1000).await;
    let mut last = join(addr, "last", json!({})).await;
    running.terminate();
    assert_eq!(last.closed().await.0, 4000);
    running.stopped();
    let log = log.join().unwrap();
    assert!(log.contains("joined stage:x") && log.contains("resumed in stage:x"), "{log}");
    for token in &tokens {
        for part in token.split('.').skip(1) {
            let line = log.lines().find(|line| line.contains(part));
            assert_eq!(line, None, "part of a token in the log");
        }
    }
    let secret = ana.session.rsplit('~').next().unwrap();
    assert!(!log.contains(secret) && !log.contains(&hash(&ana.session)), "a session in the log");
}
