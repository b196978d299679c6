//! Who is let in, when, and with what: over real sockets, and over a restart.

use std::time::Duration;

use rolecall::clock::Clock;
use rolecall_protocol::id::Timestamp;
use serde_json::{Value, json};

use crate::{
    client::Client,
    disk::Folder,
    house::{House, http, server_token, user_token},
    restart::{Program, command},
};

/// A daily room with a host in it, and that admission.
async fn with(house: &House, admission: Value) -> Client {
    let ann = house.owner("daily:x", "ann").await;
    set(house, admission).await;
    ann
}

async fn set(house: &House, admission: Value) {
    let (status, answer) = house.call("daily:x", "setAdmission", admission).await;
    assert_eq!((status, &answer), (200, &json!({ "result": {} })));
}

/// A moment so many milliseconds from now, as the wire has it.
fn from_now(millis: u64) -> String {
    Timestamp(Clock::system().now_ms()).plus(millis).to_string()
}

async fn refused(client: &mut Client, params: Value) -> Value {
    let error = client.call("join", &params).await.unwrap_err();
    assert_eq!(error["code"], 403, "{error}");
    error["data"].clone()
}

#[tokio::test]
async fn the_server_alone_sets_it_and_sees_it() {
    let house = House::open();
    let mut ann = house.owner("daily:x", "ann").await;
    let refusal = ann.call("setAdmission", &json!({ "private": true })).await.unwrap_err();
    assert_eq!(
        (&refusal["code"], &refusal["data"]),
        (&json!(403), &json!({ "reason": "not-allowed" }))
    );
    let (status, answer) = house.call("daily:nowhere", "setAdmission", json!({})).await;
    assert_eq!((status, &answer["error"]["data"]["reason"]), (404, &json!("unknown-room")));
    let (status, answer) = house.call("daily:x", "setAdmission", json!({ "maxPeers": 0 })).await;
    assert_eq!((status, &answer["error"]["data"]["field"]), (400, &json!("maxPeers")));
    let nothing = json!({ "permissions": null, "maxPeers": null, "private": false, "knocking": false,
        "opensAt": null, "closesAt": null, "ejectAtClose": false, "onePerUser": false });
    assert_eq!(house.room("daily:x").await["admission"], nothing);
    set(&house, json!({ "maxPeers": 3, "permissions": { "canSend": ["audio"] } })).await;
    let mut something = nothing.clone();
    something["maxPeers"] = json!(3);
    something["permissions"] = json!({ "canSend": ["audio"] });
    assert_eq!(house.room("daily:x").await["admission"], something);
    // Whoever is in is not told of it.
    ann.hears_nothing().await;
}

#[tokio::test]
async fn a_private_room_lets_in_tokens_that_name_it_and_members() {
    let house = House::open();
    let _ann = with(&house, json!({ "private": true })).await;
    let mut bo = house.socket().await;
    let private = json!({ "reason": "private", "knocking": false });
    assert_eq!(refused(&mut bo, json!({ "room": "daily:x" })).await, private);
    let token = user_token("bo", json!({}));
    assert_eq!(refused(&mut bo, json!({ "room": "daily:x", "token": token })).await, private);
    let call_cids = json!(["daily:x", "daily:y"]);
    house.join("daily:x", "bo", json!({ "call_cids": call_cids })).await;
    let creator = user_token("ann", json!({}));
    bo.join(&json!({ "room": "daily:x", "token": creator })).await.unwrap();
}

#[tokio::test]
async fn who_comes_has_the_defaults_from_the_first_moment_on() {
    let house = House::open();
    let defaults = json!({ "permissions": { "hasPresence": false, "canSend": false } });
    let mut ann = with(&house, defaults).await;
    ann.catch_up().await;
    let mut cy =
        house.join("daily:x", "cy", json!({ "permissions": { "hasPresence": true } })).await;
    let mut bo = house.join("daily:x", "bo", json!({})).await;
    // Who rules the room hears of a hidden one; who does not hears of a number.
    ann.notice("participant-joined").await;
    ann.notice("counts-updated").await;
    let joined = ann.notice("participant-joined").await;
    assert_eq!(joined["participant"]["userId"], "bo");
    assert_eq!(joined["participant"]["permissions"]["hasPresence"], false);
    assert_eq!(joined["participant"]["permissions"]["canSend"], json!([]));
    assert_eq!(cy.notice("counts-updated").await["hidden"], 1);
    cy.hears_nothing().await;
    assert_eq!(bo.view[&bo.peer]["tracks"]["audio"], "blocked");
    // What is said of him stands before them, and taken back, they stand again.
    let show = json!({ "peerId": bo.peer, "updatePermissions": { "hasPresence": true } });
    ann.done("updateParticipant", show).await;
    assert_eq!(cy.notice("participant-joined").await["participant"]["userId"], "bo");
    let reset = json!({ "peerId": bo.peer, "updatePermissions": { "hasPresence": null } });
    ann.done("updateParticipant", reset).await;
    assert_eq!(cy.until("participant-left").await["reason"], "hidden");
    // Without them, he is as his role says.
    set(&house, json!({ "permissions": null })).await;
    assert_eq!(cy.until("participant-joined").await["participant"]["tracks"]["audio"], "off");
    for client in [&mut ann, &mut bo, &mut cy] {
        client.check_view().await;
    }
}

#[tokio::test]
async fn a_room_opens_and_closes_and_opens_again() {
    let house = House::open();
    let later = from_now(60_000);
    let mut ann = with(&house, json!({ "opensAt": later })).await;
    let mut bo = house.socket().await;
    let not_open = json!({ "reason": "not-open", "opensAt": later });
    assert_eq!(refused(&mut bo, json!({ "room": "daily:x" })).await, not_open);
    set(&house, json!({ "opensAt": null, "closesAt": from_now(300), "ejectAtClose": true })).await;
    bo.join(&json!({ "room": "daily:x" })).await.unwrap();
    for client in [&mut ann, &mut bo] {
        let ended = client.until("room-ended").await;
        assert_eq!((&ended["by"], &ended["reason"]), (&Value::Null, &json!("closed")));
        assert_eq!(client.closed().await, (4503, "closed".to_owned()));
    }
    let mut cy = house.socket().await;
    let closed = json!({ "reason": "closed" });
    assert_eq!(refused(&mut cy, json!({ "room": "daily:x" })).await, closed);
    set(&house, json!({ "closesAt": null })).await;
    cy.join(&json!({ "room": "daily:x" })).await.unwrap();
}

#[tokio::test]
async fn a_user_who_comes_again_takes_the_place_of_who_he_was() {
    let house = House::open();
    let mut ann = with(&house, json!({ "onePerUser": true, "maxPeers": 2 })).await;
    let mut bo = house.join("daily:x", "bo", json!({})).await;
    ann.catch_up().await;
    let mut again = house.join("daily:x", "bo", json!({})).await;
    assert_eq!(bo.closed().await, (4502, "removed".to_owned()));
    assert_eq!(ann.notice("participant-joined").await["participant"]["peerId"], again.peer);
    let left = ann.until("participant-left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!(bo.peer), &json!("removed")));
    assert_eq!(house.room("daily:x").await["counts"], json!({ "present": 2, "hidden": 0 }));
    let mut cy = house.socket().await;
    let full = json!({ "reason": "room-full" });
    assert_eq!(refused(&mut cy, json!({ "room": "daily:x" })).await, full);
    again.check_view().await;
    ann.check_view().await;
}

#[tokio::test]
async fn it_outlives_the_process_and_the_rooms_sleep() {
    let folder = Folder::new();
    let mut program = Program::start(command(&folder));
    let mut ann = Client::connect(program.addr).await;
    let token = user_token("ann", json!({}));
    ann.join(&json!({ "room": "daily:x", "token": token })).await.unwrap();
    let body = json!({ "method": "setAdmission", "params": { "private": true, "maxPeers": 7 } });
    let calls = "/v1/rooms/daily:x/calls";
    let set = http(program.addr, "POST", calls, Some(&server_token()), &body.to_string()).await;
    assert_eq!(set.status, 200);
    ann.done("leave", json!({})).await;
    program.running.kill();
    tokio::time::sleep(Duration::from_millis(50)).await;
    program = Program::start(command(&folder));
    let room = http(program.addr, "GET", "/v1/rooms/daily:x", Some(&server_token()), "").await;
    assert_eq!(room.json()["admission"]["private"], true);
    assert_eq!(room.json()["admission"]["maxPeers"], 7);
    let mut bo = Client::connect(program.addr).await;
    let private = json!({ "reason": "private", "knocking": false });
    assert_eq!(refused(&mut bo, json!({ "room": "daily:x" })).await, private);
}
