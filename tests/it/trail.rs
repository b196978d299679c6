//! The audit trail of rooms that are gone, over both journals: it stays, and only a hard deletion
//! takes it away.

use std::{sync::Arc, time::Duration};

use rolecall::{
    clock::Clock,
    journal::{Journal, memory::MemoryJournal},
};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    disk::{Folder, open},
    house::{House, PATIENCE, server_token},
    stream::done,
};

const SOON: Duration = Duration::from_millis(20);

/// One of each kind.
fn journals() -> (Folder, [Arc<dyn Journal>; 2]) {
    let folder = Folder::new();
    let on_disk = open(&folder, |options| options.clock = Clock::system());
    (folder, [Arc::new(MemoryJournal::new(100, 100)), on_disk])
}

/// What the audit trail says was asked, in order.
async fn trail(house: &House, room: &str) -> Vec<String> {
    let path = format!("/v1/rooms/{room}/journal");
    let (status, journal) = house.get(&path, Some(&server_token())).await;
    if status == 404 {
        return Vec::new();
    }
    let records = journal["records"].as_array().unwrap();
    let seqs: Vec<u64> = records.iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    records.iter().map(|record| record["method"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_a_room_did_is_told_when_it_is_gone() {
    let (_folder, journals) = journals();
    for journal in journals {
        told_when_it_is_gone(House::over(journal, |config| config.limits.room_idle = SOON)).await;
    }
}

async fn told_when_it_is_gone(house: House) {
    let rooms = async || house.get("/v1/rooms", Some(&server_token())).await.1["rooms"].clone();
    let gone = async || {
        while rooms().await != json!([]) {
            sleep(SOON).await;
        }
    };
    // Nobody is there any more, and nothing needs to be remembered.
    let mut ana = house.owner("stage:x", "ana").await;
    let first = ana.epoch.clone();
    ana.done("leave", json!({})).await;
    timeout(PATIENCE, gone()).await.expect("the room stays");
    assert_eq!(house.get("/v1/rooms/stage:x", Some(&server_token())).await.0, 404);
    assert_eq!(trail(&house, "stage:x").await, ["join", "leave"]);
    // It begins anew: another room, one trail.
    let bo = house.owner("stage:x", "bo").await;
    assert_ne!(bo.epoch, first);
    assert_eq!(trail(&house, "stage:x").await, ["join", "leave", "join"]);
    let (_, state) = house.get("/v1/rooms/stage:x", Some(&server_token())).await;
    assert_eq!(state["counts"]["present"], 1, "{state}");
    // Who follows it meets nothing strange.
    let (_, all) = house.get("/v1/rooms/stage:x/journal", Some(&server_token())).await;
    let last = all["records"][2]["seq"].as_u64().unwrap();
    let path = format!("/v1/rooms/stage:x/journal?after={last}");
    let (status, rest) = house.get(&path, Some(&server_token())).await;
    assert_eq!((status, &rest), (200, &json!({ "records": [], "next": null })));
}

#[tokio::test]
async fn a_deleted_calls_trail_stays_unless_it_is_deleted_hard() {
    let (_folder, journals) = journals();
    for journal in journals {
        gone_when_deleted_hard(House::over(journal, |_| {})).await;
    }
}

async fn gone_when_deleted_hard(house: House) {
    let rest = async |path: &str, body: Value| done(&house, &format!("POST {path}"), body).await;
    rest("/api/v2/users", json!({ "users": { "ann": { "id": "ann" } } })).await;
    let call = "/api/v2/video/call/stage/x";
    let born = json!({ "data": { "created_by_id": "ann" } });
    rest(call, born.clone()).await;
    let mut ana = house.owner("stage:x", "ana").await;
    rest(&format!("{call}/delete"), json!({})).await;
    ana.closed().await;
    let once = ["create", "join", "delete"];
    assert_eq!(trail(&house, "stage:x").await, once);
    let path = "/v1/rooms/stage:x/journal?after=9999";
    assert_eq!(house.get(path, Some(&server_token())).await.0, 200);
    // At once or when it slept: another call, the same trail.
    rest(call, born.clone()).await;
    assert_eq!(trail(&house, "stage:x").await[3..], ["create"]);
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(trail(&house, "stage:x").await.len(), 4);
    let answer = rest(&format!("{call}/delete"), json!({ "hard": true })).await;
    rest(call, born).await;
    let path = format!("/api/v2/tasks/{}", answer["task_id"].as_str().unwrap());
    loop {
        let task = done(&house, &format!("GET {path}"), Value::Null).await;
        match task["status"].as_str() {
            Some("completed") => break,
            _ => sleep(SOON).await,
        }
    }
    assert_eq!(trail(&house, "stage:x").await, ["create"], "of the last one alone");
}
