//! Knocking at a private room, over real sockets.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    client::{Client, Heard},
    house::{House, server_token, user_token},
};

/// A private room where one may knock, and who rules it.
async fn room(house: &House) -> Client {
    let ann = house.owner("daily:x", "ann").await;
    admit(house, json!({ "private": true, "knocking": true })).await;
    ann
}

async fn admit(house: &House, admission: Value) {
    let (status, answer) = house.call("daily:x", "setAdmission", admission).await;
    assert_eq!((status, &answer), (200, &json!({ "result": {} })));
}

/// A stranger who knocks, and his waiting id.
async fn knocking(house: &House, name: &str) -> (Client, String) {
    let mut client = house.socket().await;
    let waits = client.done("knock", json!({ "room": "daily:x", "name": name })).await;
    (client, waits["waitingId"].as_str().unwrap().to_owned())
}

async fn answer(who: &mut Client, waiting_id: &str, admit: bool) {
    who.done("answerWaiting", json!({ "waitingId": waiting_id, "admit": admit })).await;
}

#[tokio::test]
async fn a_stranger_knocks_is_admitted_and_comes_in_as_who_he_was() {
    let house = House::open();
    let mut ann = room(&house).await;
    let mut cy = house.join("daily:x", "cy", json!({ "room": "daily:x" })).await;
    ann.catch_up().await;
    let (mut bo, id) = knocking(&house, "Bo").await;
    let told = ann.notice("waiting-updated").await;
    assert_eq!(
        (&told["waiting"]["waitingId"], &told["waiting"]["userId"], &told["waiting"]["name"]),
        (&json!(id), &json!(id), &json!("Bo"))
    );
    let listed = ann.state().await["requests"]["waiting"].clone();
    assert_eq!(listed, json!([told["waiting"]]));
    assert_eq!(house.room("daily:x").await["requests"]["waiting"], listed);
    assert_eq!(cy.state().await["requests"]["waiting"], json!([]));
    // He is nobody yet, and hears of nothing.
    ann.done("setName", json!({ "name": "Anna" })).await;
    assert_eq!(bo.refused("state", json!({})).await, (401, "not-joined".to_owned()));
    assert!(bo.done("ping", json!({})).await["at"].is_string());
    let private = bo.call("join", &json!({ "room": "daily:x" })).await.unwrap_err();
    assert_eq!(private["data"], json!({ "reason": "private", "knocking": true }));
    let again = json!({ "room": "daily:x" });
    assert_eq!(bo.refused("knock", again).await, (409, "already-waiting".to_owned()));
    assert_eq!(house.room("daily:x").await["counts"]["present"], 2);
    answer(&mut ann, &id, true).await;
    let admitted = bo.notice("waiting-answered").await;
    assert_eq!((&admitted["waitingId"], &admitted["admitted"]), (&json!(id), &json!(true)));
    assert!(admitted["expiresAt"].is_string());
    let left = ann.until("waiting-left").await;
    assert_eq!((&left["outcome"], &left["by"]), (&json!("admitted"), &json!(ann.peer)));
    let metadata = json!({ "seat": 7 });
    let join = json!({ "room": "daily:x", "name": "Villain", "metadata": metadata });
    let joined = bo.join(&join).await.unwrap();
    assert_eq!(joined["peerId"], json!(id));
    let joined = cy.until("participant-joined").await;
    assert_eq!(joined["participant"]["peerId"], json!(id));
    assert_eq!(joined["participant"]["name"], "Bo");
    assert_eq!(joined["participant"]["metadata"], metadata);
    for client in [&mut ann, &mut bo, &mut cy] {
        client.check_view().await;
    }
}

#[tokio::test]
async fn who_is_refused_stays_outside_and_knocks_again_after_a_while() {
    let house = House::open();
    let mut ann = room(&house).await;
    let (mut bo, id) = knocking(&house, "Bo").await;
    answer(&mut ann, &id, false).await;
    let answered = bo.notice("waiting-answered").await;
    assert_eq!(answered, json!({ "waitingId": id, "admitted": false }));
    let knock = json!({ "room": "daily:x", "name": "Bo" });
    let soon = bo.call("knock", &knock).await.unwrap_err();
    assert_eq!((&soon["code"], &soon["data"]["reason"]), (&json!(429), &json!("rate-limited")));
    let wait = soon["data"]["retryAfter"].as_f64().unwrap();
    assert!(wait > 0.0 && wait <= 5.0, "{wait}");
    tokio::time::sleep(Duration::from_secs_f64(wait) + Duration::from_millis(20)).await;
    let waits = bo.done("knock", knock).await;
    assert_ne!(waits["waitingId"], json!(id));
    let twice = json!({ "waitingId": id, "admit": true });
    assert_eq!(ann.refused("answerWaiting", twice).await, (404, "unknown-waiting".to_owned()));
}

#[tokio::test]
async fn who_goes_waits_no_more() {
    let house = House::open();
    let mut ann = room(&house).await;
    for how in ["leave", "join", "resume", "goodbye", "lost"] {
        let (mut bo, id) = knocking(&house, "Bo").await;
        assert_eq!(ann.until("waiting-updated").await["waiting"]["waitingId"], json!(id));
        match how {
            "leave" => {
                assert_eq!(bo.done("leave", json!({})).await, json!({}));
                let join = json!({ "room": "daily:y" });
                bo.join(&join).await.expect("the socket is good for another room");
            }
            "join" => drop(bo.join(&json!({ "room": "daily:y" })).await.unwrap()),
            "resume" => {
                let mut di = house.join("daily:y", "di", json!({})).await;
                std::mem::swap(&mut di.ws, &mut bo.ws);
                assert_eq!(di.resume_with(&json!({})).await.unwrap()["resumed"], true);
                bo = di;
            }
            "goodbye" => bo.hang_up(1000).await,
            _ => {}
        }
        let still_there = (how != "lost").then_some(bo);
        let left = ann.until("waiting-left").await;
        assert_eq!(
            (&left["waitingId"], &left["outcome"], &left["by"]),
            (&json!(id), &json!("left"), &Value::Null),
            "{how}"
        );
        drop(still_there);
    }
    assert_eq!(house.room("daily:x").await["requests"]["waiting"], json!([]));
}

#[tokio::test]
async fn to_knock_is_refused_as_to_join_would_be() {
    let house = House::with(|config| config.limits.waiting_per_room = 1);
    let mut bo = house.socket().await;
    let knock = json!({ "room": "daily:x" });
    assert_eq!(bo.refused("knock", knock.clone()).await, (404, "unknown-room".to_owned()));
    let mut ann = room(&house).await;
    let invited = user_token("cy", json!({ "room": "daily:x" }));
    let known = json!({ "room": "daily:x", "token": invited });
    assert_eq!(bo.refused("knock", known).await, (409, "not-needed".to_owned()));
    let elsewhere = user_token("cy", json!({ "room": "daily:y" }));
    let other = json!({ "room": "daily:x", "token": elsewhere });
    assert_eq!(bo.refused("knock", other).await, (403, "wrong-room".to_owned()));
    assert_eq!(ann.refused("knock", knock.clone()).await, (409, "already-joined".to_owned()));
    let (_first, _) = knocking(&house, "first").await;
    assert_eq!(bo.refused("knock", knock.clone()).await, (413, "too-many".to_owned()));
    admit(&house, json!({ "knocking": false })).await;
    let shut = bo.call("knock", &knock).await.unwrap_err();
    assert_eq!(shut["data"], json!({ "reason": "private", "knocking": false }));
    let bad = json!({ "room": "daily:x", "token": "no token" });
    assert_eq!(bo.refused("knock", bad).await, (401, "bad-token".to_owned()));
    assert_eq!(bo.closed().await.0, 4500);
}

#[tokio::test]
async fn the_time_to_join_stands_still_while_he_waits_and_no_longer() {
    let house = House::with(|config| config.limits.join_timeout = Duration::from_millis(300));
    let mut ann = room(&house).await;
    let (mut bo, id) = knocking(&house, "Bo").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(bo.done("ping", json!({})).await["at"].is_string());
    let refused = Instant::now();
    answer(&mut ann, &id, false).await;
    assert_eq!(bo.notice("waiting-answered").await["admitted"], false);
    assert_eq!(bo.closed().await, (4506, "no join".to_owned()));
    assert!(refused.elapsed() >= Duration::from_millis(300), "it begins anew");
}

#[tokio::test]
async fn what_becomes_of_the_room_becomes_of_who_waits() {
    let house = House::open();
    let mut ann = room(&house).await;
    let (mut bo, id) = knocking(&house, "Bo").await;
    admit(&house, json!({ "private": false })).await;
    assert_eq!(bo.notice("waiting-answered").await["admitted"], true);
    bo.join(&json!({ "room": "daily:x" })).await.unwrap();
    assert_eq!(bo.peer, id);
    admit(&house, json!({ "private": true })).await;
    let (mut cy, _) = knocking(&house, "Cy").await;
    ann.done("endRoom", json!({})).await;
    assert_eq!(cy.notice("waiting-answered").await["admitted"], false);
    assert_eq!(ann.closed().await.0, 4503);
}

#[tokio::test]
async fn a_room_in_which_only_somebody_waits_does_not_sleep() {
    let house = House::with(|config| config.limits.room_idle = Duration::from_millis(100));
    let mut ann = room(&house).await;
    // A private room stays private while nobody is in.
    ann.done("leave", json!({})).await;
    let (mut bo, id) = knocking(&house, "Bo").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(bo.done("ping", json!({})).await["at"].is_string());
    let mut di = house.owner("daily:x", "di").await;
    let waiting = di.state().await["requests"]["waiting"].clone();
    assert_eq!(waiting[0]["waitingId"], json!(id));
    answer(&mut di, &id, true).await;
    assert_eq!(bo.notice("waiting-answered").await["admitted"], true);
}

#[tokio::test]
async fn the_server_going_away_says_so_to_who_waits() {
    let mut house = House::open();
    let _ann = room(&house).await;
    let (mut bo, _) = knocking(&house, "Bo").await;
    house.begin_stop();
    assert!(matches!(bo.hear().await, Heard::Closed(4000, _)));
}

#[tokio::test]
async fn one_may_look_what_would_become_of_joining_and_nobody_hears() {
    let house = House::open();
    let mut ann = room(&house).await;
    let mut bo = house.socket().await;
    let lobby = bo.done("access", json!({ "room": "daily:x" })).await;
    assert_eq!(lobby["access"], "lobby");
    assert_eq!(lobby["error"]["data"], json!({ "reason": "private", "knocking": true }));
    let token = user_token("bo", json!({ "room": "daily:x" }));
    let full = bo.done("access", json!({ "room": "daily:x", "token": token })).await;
    assert_eq!(full, json!({ "access": "full", "error": null }));
    let nowhere = bo.done("access", json!({ "room": "daily:y", "create": false })).await;
    assert_eq!((&nowhere["access"], &nowhere["error"]["code"]), (&json!("none"), &json!(404)));
    let anywhere = bo.done("access", json!({ "room": "daily:y" })).await;
    assert_eq!(anywhere["access"], "full");
    assert_eq!(house.get("/v1/rooms/daily:y", Some(&server_token())).await.0, 404);
    ann.hears_nothing().await;
}
