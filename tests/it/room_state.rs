//! What a room keeps beside its people: session data, at its bounds and over a restart.

use serde_json::json;

use crate::{
    client::Client,
    disk::Folder,
    house::{House, http, server_token, user_token},
    restart::{Program, command},
};

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

#[tokio::test]
async fn session_data_is_bounded_as_a_whole() {
    let house = House::with(|config| config.limits.session_data_bytes = 1000);
    let mut ann = house.owner("daily:x", "ann").await;
    let whole = json!({ "a": text(992) });
    assert_eq!(whole.to_string().len(), 1000);
    ann.done("setSessionData", json!({ "data": whole })).await;
    let error = ann.call("setSessionData", &json!({ "data": { "b": 1 }, "merge": true })).await;
    let error = error.unwrap_err();
    assert_eq!(
        (&error["code"], &error["data"]),
        (&json!(413), &json!({ "reason": "too-large", "field": "data", "max": 1000 }))
    );
    let (status, answer) =
        house.call("daily:x", "setSessionData", json!({ "data": { "a": text(993) } })).await;
    assert_eq!((status, &answer["error"]["data"]["reason"]), (413, &json!("too-large")));
    // Refused: nothing changed. What makes room comes first.
    assert_eq!(ann.state().await["sessionData"], whole);
    let swap = json!({ "data": { "b": 1 }, "merge": true, "remove": ["a"] });
    ann.done("setSessionData", swap).await;
    assert_eq!(house.room("daily:x").await["sessionData"], json!({ "b": 1 }));
}

#[tokio::test]
async fn what_is_larger_than_a_frame_comes_in_pieces() {
    let house = House::open();
    let mut ann = house.owner("daily:x", "ann").await;
    for key in ["a", "b"] {
        let piece = json!({ "data": { key: text(50_000) }, "merge": true });
        ann.done("setSessionData", piece).await;
    }
    let piece = json!({ "data": { "c": text(2400) }, "merge": true });
    let error = ann.call("setSessionData", &piece).await.unwrap_err();
    assert_eq!(error["data"]["max"], 102_400);
    let told = ann.until("session-data-updated").await;
    assert_eq!(told["data"]["a"].as_str().unwrap().len(), 50_000);
    let told = ann.until("session-data-updated").await;
    assert_eq!(told["data"].to_string().len(), 100_015);
    let whole = house.join("daily:x", "bo", json!({})).await.state().await;
    assert_eq!(whole["sessionData"], told["data"]);
}

#[tokio::test]
async fn session_data_outlives_the_process_and_ends_with_the_session() {
    let folder = Folder::new();
    let mut program = Program::start(command(&folder));
    let mut ann = Client::connect(program.addr).await;
    let token = user_token("ann", json!({}));
    ann.join(&json!({ "room": "daily:x", "token": token })).await.unwrap();
    ann.done("setSessionData", json!({ "data": { "page": 1, "who": ["ann"] } })).await;
    let merge = json!({ "data": { "page": 2 }, "merge": true, "remove": ["who"] });
    ann.done("setSessionData", merge).await;
    program.running.kill();
    program = Program::start(command(&folder));
    let resumed = ann.resume(program.addr).await;
    assert_eq!(resumed["resumed"], true);
    assert_eq!(ann.state().await["sessionData"], json!({ "page": 2 }));
    ann.done("leave", json!({})).await;
    let room = http(program.addr, "GET", "/v1/rooms/daily:x", Some(&server_token()), "").await;
    assert_eq!(room.json()["sessionData"], json!({}));
}
