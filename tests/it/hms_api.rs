//! 100ms's REST API of active rooms on the real server: who gets in at which door, how errors look, and
//! that it is counted. `tests/compat/hms` asks it by 100ms's own SDK.

use serde_json::{Value, json};

use crate::{
    house::{House, http, server_token, sign, user_token},
    stream::ask,
};

const ROOM: &str = "stage:hms";

fn management() -> String {
    sign(&json!({ "access_key": "devkey", "type": "management", "version": 2, "jti": "1" }))
}

/// Asks with that token; the status and the answer.
async fn api(house: &House, token: Option<&str>, line: &str, body: Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = http(house.addr, method, &format!("/v2{path}"), token, &body).await;
    (answer.status, answer.json())
}

async fn done(house: &House, line: &str, body: Value) -> Value {
    let (status, answer) = api(house, Some(&management()), line, body).await;
    assert_eq!(status, 200, "{line}: {answer}");
    answer
}

#[tokio::test]
async fn a_management_token_is_good_for_this_door_and_no_other() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let token = management();
    done(&house, "GET /active-rooms", Value::Null).await;
    let mut socket = house.socket().await;
    let error = socket.join(&json!({ "room": ROOM, "token": token })).await.unwrap_err();
    assert_eq!(error["data"]["reason"], "bad-token");
    assert_eq!(house.get("/v1/rooms", Some(&token)).await.0, 401);
    let calls = format!("/v1/rooms/{ROOM}/calls");
    let end = json!({ "method": "endRoom", "params": {} }).to_string();
    assert_eq!(http(house.addr, "POST", &calls, Some(&token), &end).await.status, 401);
    assert_eq!(http(house.addr, "GET", "/daily/v1/presence", Some(&token), "").await.status, 401);
    for line in ["GET /api/v2/app", "GET /video/call/stage/hms"] {
        assert_eq!(ask(&house, &token, line, Value::Null).await.0, 401, "{line}");
    }
    assert_eq!(http(house.addr, "GET", "/init", Some(&token), "").await.status, 401);
    ann.done("state", json!({})).await;
}

#[tokio::test]
async fn no_other_token_is_good_for_this_door() {
    let house = House::open();
    let _ann = house.owner(ROOM, "ann").await;
    let app = sign(&json!({ "access_key": "devkey", "type": "app", "version": 2, "room_id": ROOM,
        "user_id": "bo", "role": "host", "jti": "1" }));
    let secret = rolecall::config::DEVELOPMENT_SECRET;
    let user = user_token("ann", json!({}));
    let server = server_token();
    for token in [None, Some(&*app), Some(&*user), Some(&*server), Some(secret), Some("x.y.z")] {
        for line in ["GET /active-rooms", "GET /nowhere"] {
            let (status, error) = api(&house, token, line, Value::Null).await;
            assert_eq!((status, &error["code"]), (401, &json!(401)), "{token:?} {error}");
            assert_eq!(error["details"], json!([]));
        }
        let end = format!("POST /active-rooms/{ROOM}/end-room");
        assert_eq!(api(&house, token, &end, json!({ "lock": true })).await.0, 401);
    }
    assert_eq!(house.room(ROOM).await["room"]["endedAt"], Value::Null);
}

#[tokio::test]
async fn what_is_done_is_the_servers_doing_and_told_natively() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let bo = house.in_role(ROOM, "bo", "listener").await;
    ann.notice("participant-joined").await;
    ann.notice("counts-updated").await;
    let of_bo = format!("/active-rooms/{ROOM}/peers/{}", bo.peer);
    let update = json!({ "role": "speaker", "name": "Robert", "metadata": "{\"seat\":7}" });
    let told = done(&house, &format!("POST {of_bo}"), update).await;
    assert_eq!((&told["role"], &told["name"]), (&json!("speaker"), &json!("Robert")));
    assert_eq!(told["metadata"], "{\"seat\":7}");
    let audio = format!("{}.audio", bo.peer);
    assert_eq!(told["tracks"][&audio]["mute"], true);
    assert_eq!(told["tracks"][&audio]["source"], "regular");
    let role = ann.notice("participant-updated").await;
    assert_eq!((&role["by"], &role["participant"]["role"]), (&json!("server"), &json!("speaker")));
    ann.notice("ROLE_UPDATED").await;
    let name = ann.notice("participant-updated").await;
    assert_eq!((&name["by"], &name["changed"]), (&json!("server"), &json!(["name"])));
    let data = ann.notice("participant-updated").await;
    assert_eq!(data["participant"]["metadata"], json!({ "seat": 7 }));
    // Where the role is refused, nothing of it is done.
    let update = json!({ "role": "nobody-knows", "name": "Never" });
    let (status, _) = api(&house, Some(&management()), &format!("POST {of_bo}"), update).await;
    assert_eq!(status, 404);
    let say = format!("POST /active-rooms/{ROOM}/send-message");
    done(&house, &say, json!({ "message": "hi", "type": "chat" })).await;
    let said = ann.notice("app-message").await;
    assert_eq!(said["data"], json!({ "type": "chat", "message": "hi" }));
    assert_eq!(said["from"], json!({ "peerId": null, "userId": null, "name": "server" }));
    let end = format!("POST /active-rooms/{ROOM}/end-room");
    assert_eq!(done(&house, &end, json!({})).await, json!({ "message": "session is ending" }));
    assert_eq!(ann.notice("room-ended").await["by"], "server");
    assert_eq!(house.room(ROOM).await["room"]["endedAt"], Value::Null);
    let one = format!("GET /active-rooms/{ROOM}");
    let (status, error) = api(&house, Some(&management()), &one, Value::Null).await;
    let not_active = json!({ "code": 404, "message": "the room is not active", "details": [] });
    assert_eq!((status, error), (404, not_active));
}

#[tokio::test]
async fn hidden_peers_are_shown_to_the_back_end() {
    let house = House::open();
    let ann = house.owner(ROOM, "ann").await;
    house
        .call(
            ROOM,
            "updateParticipant",
            json!({ "peerId": ann.peer, "updatePermissions": { "hasPresence": false } }),
        )
        .await;
    let told = done(&house, &format!("GET /active-rooms/{ROOM}"), Value::Null).await;
    assert_eq!(told["session"]["peers"], json!([ann.peer]));
    let told =
        done(&house, &format!("GET /active-rooms/{ROOM}/peers/{}", ann.peer), Value::Null).await;
    assert_eq!((&told["user_id"], &told["tracks"]), (&json!("ann"), &json!({})));
}

#[tokio::test]
async fn what_is_not_understood_has_its_form_and_is_counted() {
    let house = House::with(|config| config.limits.rest_per_minute_server = 12);
    let token = management();
    let peers = format!("/active-rooms/{ROOM}/peers");
    for (line, body, status, details) in [
        ("GET /active-rooms/a%20b".to_owned(), Value::Null, 400, json!(["room"])),
        ("GET /active-rooms?limit=101".to_owned(), Value::Null, 400, json!(["limit"])),
        ("GET /active-rooms?start=a%20b".to_owned(), Value::Null, 400, json!(["start"])),
        (format!("GET {peers}/a%20b"), Value::Null, 400, json!(["peer"])),
        (format!("POST {peers}/x"), json!({ "nickname": "x" }), 400, json!(["nickname"])),
        (
            format!("POST {peers}/x"),
            json!({ "metadata": "x".repeat(5000) }),
            413,
            json!(["metadata"]),
        ),
        (
            format!("POST /active-rooms/{ROOM}/send-message"),
            json!({ "message": "x".repeat(17000) }),
            413,
            json!(["message"]),
        ),
        (
            format!("POST /active-rooms/{ROOM}/end-room"),
            json!({ "reason": "x".repeat(257) }),
            400,
            json!(["reason"]),
        ),
        (format!("POST /active-rooms/{ROOM}/end-room"), json!([]), 400, json!([])),
        (format!("DELETE /active-rooms/{ROOM}"), Value::Null, 405, json!([])),
        ("GET /active-rooms/nowhere:a".to_owned(), Value::Null, 404, json!([])),
    ] {
        let (found, error) = api(&house, Some(&token), &line, body).await;
        assert_eq!((found, &error["details"]), (status, &details), "{line}: {error}");
        assert_eq!(error["code"], status, "{line}");
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 5), "{line}: {error}");
    }
    let last = api(&house, Some(&token), "GET /active-rooms", Value::Null).await;
    assert_eq!(last, (200, json!({ "limit": 10, "data": [], "last": null })));
    let (status, error) = api(&house, Some(&token), "GET /active-rooms", Value::Null).await;
    assert_eq!((status, &error["code"]), (429, &json!(429)), "{error}");
}
