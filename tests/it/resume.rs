//! Coming back: exact replay, lost replies, seats taken, seats lost.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{Client, Heard},
    house::{House, server_token},
};

const ROOM: &str = "stage:talk";

async fn ana_and_bo(house: &House) -> (Client, Client) {
    let mut ana = house.owner(ROOM, "ana").await;
    let bo = house.join(ROOM, "bo", json!({})).await;
    ana.catch_up().await;
    (ana, bo)
}

/// Breaks somebody's socket, and waits until it is noticed.
async fn drop_socket(house: &House, client: &mut Client, watcher: &mut Client) {
    client.reconnect(house.addr).await;
    loop {
        let told = watcher.until("participant-updated").await["participant"].clone();
        if told["peerId"] == client.peer.as_str() && told["connected"] == false {
            return;
        }
    }
}

fn methods(client: &Client) -> Vec<&str> {
    let method = |heard: &'_ Heard| match heard {
        Heard::Notice { method, .. } => method.clone(),
        Heard::Closed(code, _) => code.to_string(),
    };
    client
        .heard
        .iter()
        .map(|heard| match heard {
            Heard::Notice { method, .. } => method.as_str(),
            Heard::Closed(..) => panic!("{}", method(heard)),
        })
        .collect()
}

#[tokio::test]
async fn everything_missed_is_told_once_and_in_order() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut twin = house.join(ROOM, "twin", json!({})).await;
    drop_socket(&house, &mut bo, &mut ana).await;
    let change = json!({ "peerId": bo.peer, "role": "moderator", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    // Bo rules now: he sees whom others do not.
    let hide = json!({ "peerId": twin.peer, "updatePermissions": { "hasPresence": false } });
    ana.done("updateParticipant", hide).await;
    let show = json!({ "peerId": twin.peer, "updatePermissions": { "hasPresence": true } });
    ana.done("updateParticipant", show).await;
    twin.done("requestPermissions", json!({ "permissions": ["send-audio"] })).await;
    ana.done("sendMessage", json!({ "data": "never told again" })).await;
    let down = json!({ "peerId": bo.peer, "role": "listener", "force": true });
    ana.done("changeRoleOfPeer", down).await;
    let offer = json!({ "peerId": bo.peer, "role": "speaker" });
    let request = ana.done("changeRoleOfPeer", offer).await["requestId"].clone();
    let cy = house.join(ROOM, "cy", json!({})).await;
    drop(cy);
    ana.check_view().await;

    let resumed = bo.resume_with(&json!({})).await.unwrap();
    assert_eq!(resumed["resumed"], true);
    assert_eq!(resumed["seq"], bo.seq, "the reply comes after all that was missed");
    bo.check_view().await;
    let told = methods(&bo);
    let expected = [
        "participant-joined", // twin, who came before the drop
        "counts-updated",
        "participant-updated", // not connected
        "participant-updated", // moderator
        "ROLE_UPDATED",
        "participant-updated", // twin hidden, as a moderator sees it
        "counts-updated",
        "participant-updated", // twin shown
        "counts-updated",
        "permission-request",
        "participant-updated", // listener
        "ROLE_UPDATED",
        "role-change-request",
        "participant-joined", // cy
        "counts-updated",
    ];
    assert_eq!(told[..expected.len()], expected, "{told:?}");
    // What comes after that is cy's broken socket and Bo's return, in whichever order they happened.
    assert!(told[expected.len()..].iter().all(|method| *method == "participant-updated"));
    assert_eq!(bo.view[&bo.peer]["connected"], true);
    bo.done("acceptChangeRole", json!({ "requestId": request })).await;
    bo.check_view().await;
    ana.check_view().await;
    twin.check_view().await;
}

#[tokio::test]
async fn hidden_from_an_ordinary_peer_is_gone_in_the_replay_too() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut cy = house.join(ROOM, "cy", json!({})).await;
    bo.catch_up().await;
    drop_socket(&house, &mut bo, &mut ana).await;
    let hide = json!({ "peerId": cy.peer, "updatePermissions": { "hasPresence": false } });
    ana.done("updateParticipant", hide).await;
    cy.done("setName", json!({ "name": "nobody" })).await;
    assert_eq!(bo.resume_with(&json!({})).await.unwrap()["resumed"], true);
    bo.check_view().await;
    assert_eq!(
        methods(&bo),
        ["participant-updated", "participant-left", "counts-updated", "participant-updated"]
    );
    assert!(!bo.view.contains_key(&cy.peer));
    // Nothing missed: nothing is told but one's own return, and that only once.
    bo.heard.clear();
    drop_socket(&house, &mut bo, &mut ana).await;
    bo.resume_with(&json!({})).await.unwrap();
    bo.check_view().await;
    assert_eq!(methods(&bo), ["participant-updated", "participant-updated"]);
}

#[tokio::test]
async fn what_cannot_be_replayed_begins_anew() {
    let house = House::with(|config| config.limits.notices_kept = 4);
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    for (what, wrong) in [
        ("another epoch", json!({ "epoch": "another" })),
        ("a seq that is not yet", json!({ "seq": 1_000_000 })),
        ("a seq from before the join", json!({ "seq": 0 })),
    ] {
        bo.reconnect(house.addr).await;
        let resumed = bo.resume_with(&wrong).await.unwrap();
        assert_eq!(resumed["resumed"], false, "{what}");
        assert_eq!(resumed["protocol"], "rolecall.v1");
        bo.check_view().await;
        bo.heard.clear();
    }
    drop_socket(&house, &mut bo, &mut ana).await;
    for n in 0..6 {
        ana.done("setName", json!({ "name": n.to_string() })).await;
    }
    assert_eq!(bo.resume_with(&json!({})).await.unwrap()["resumed"], false, "too much was missed");
    bo.check_view().await;
    let session = bo.session.clone();
    bo.catch_up().await;
    drop_socket(&house, &mut bo, &mut ana).await;
    assert_eq!(bo.resume_with(&json!({})).await.unwrap()["resumed"], true);
    assert_eq!(bo.session, session);
}

#[tokio::test]
async fn after_the_grace_the_seat_is_gone() {
    let house = House::with(|config| config.grace = Duration::from_millis(200));
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    drop_socket(&house, &mut bo, &mut ana).await;
    assert_eq!(ana.notice("participant-left").await["reason"], "lost");
    assert_eq!(ana.notice("counts-updated").await["present"], 1);
    ana.hears_nothing().await;
    let refused = bo.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(
        (&refused["code"], &refused["data"]["reason"]),
        (&json!(410), &json!("session-gone"))
    );
    // One joins again, on the same socket if one likes.
    bo.join(&json!({ "room": ROOM, "token": crate::house::user_token("bo", json!({})) }))
        .await
        .unwrap();
    bo.check_view().await;
}

#[tokio::test]
async fn sessions_that_never_were_are_gone() {
    let house = House::open();
    let (mut ana, bo) = ana_and_bo(&house).await;
    let mut cy = house.socket().await;
    let mut guessed = bo.session.clone();
    let last = if guessed.pop() == Some('0') { '1' } else { '0' };
    guessed.push(last);
    let elsewhere = bo.session.replace(ROOM, "stage:other");
    let no_type = bo.session.replace(ROOM, "nothing:other");
    for session in ["", "x", &guessed, &elsewhere, &no_type, &"~".repeat(2)] {
        let resume = json!({ "session": session, "epoch": bo.epoch, "seq": bo.seq });
        assert_eq!(cy.refused("resume", resume).await, (410, "session-gone".into()), "{session}");
    }
    ana.hears_nothing().await;
}

#[tokio::test]
async fn a_newer_socket_takes_the_seat() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut newer = house.socket().await;
    (newer.peer, newer.view, newer.counts) = (bo.peer.clone(), bo.view.clone(), bo.counts.clone());
    (newer.session, newer.epoch, newer.seq) = (bo.session.clone(), bo.epoch.clone(), bo.seq);
    assert_eq!(newer.resume_with(&json!({})).await.unwrap()["resumed"], true);
    assert_eq!(bo.closed().await.0, 4504);
    // The old one's end is nobody's business.
    newer.hears_nothing().await;
    ana.hears_nothing().await;
    newer.done("raiseHand", json!({ "raised": true })).await;
    assert_eq!(ana.notice("participant-updated").await["participant"]["handRaised"], true);
}

#[tokio::test]
async fn a_goodbye_is_a_goodbye_and_anything_else_is_a_drop() {
    let house = House::open();
    let mut ana = house.owner(ROOM, "ana").await;
    for (code, left) in [(Some(1000), true), (Some(1001), true), (Some(4000), false), (None, false)]
    {
        let mut bo = house.join(ROOM, "bo", json!({})).await;
        ana.catch_up().await;
        match code {
            Some(code) => bo.hang_up(code).await,
            None => bo.send(Message::Close(None)).await,
        }
        if left {
            assert_eq!(ana.notice("participant-left").await["reason"], "left", "{code:?}");
            bo.reconnect(house.addr).await;
            let refused = bo.resume_with(&json!({})).await.unwrap_err();
            assert_eq!(refused["data"]["reason"], "session-gone");
        } else {
            let told = ana.notice("participant-updated").await;
            assert_eq!(told["changed"], json!(["connected"]), "{code:?}");
            assert_eq!(bo.resume(house.addr).await["resumed"], true);
            bo.done("leave", json!({})).await;
        }
    }
}

async fn again(client: &mut Client, id: &Value, method: &str, params: &Value) -> Value {
    let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    client.say(call.to_string()).await;
    client.reply().await
}

#[tokio::test]
async fn a_call_sent_again_after_a_resume_is_not_done_twice() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let message = json!({ "data": "once" });
    let hand = json!({ "raised": true });
    let end = json!({});
    let first = [
        again(&mut bo, &json!("m"), "sendMessage", &message).await,
        again(&mut bo, &json!(7), "raiseHand", &hand).await,
        again(&mut bo, &json!("7"), "endRoom", &end).await,
    ];
    assert_eq!(first[2]["error"]["code"], 403);
    assert_eq!(ana.notice("app-message").await["data"], "once");
    assert_eq!(ana.notice("participant-updated").await["participant"]["handRaised"], true);
    bo.heard.clear();
    drop_socket(&house, &mut bo, &mut ana).await;
    // Meanwhile his hand is lowered, and he could end the room.
    let up = json!({ "peerId": bo.peer, "role": "host", "force": true });
    ana.done("changeRoleOfPeer", up).await;
    bo.resume_with(&json!({})).await.unwrap();
    bo.check_view().await;
    bo.heard.clear();
    let second = [
        again(&mut bo, &json!("m"), "sendMessage", &message).await,
        again(&mut bo, &json!(7), "raiseHand", &hand).await,
        again(&mut bo, &json!("7"), "endRoom", &end).await,
    ];
    assert_eq!(first, second);
    bo.hears_nothing().await;
    assert_eq!(bo.view[&bo.peer]["handRaised"], false);
    // Under the same id, something else is another call; and so is the same on the same socket.
    assert_eq!(
        again(&mut bo, &json!(7), "raiseHand", &json!({ "raised": false })).await["result"],
        json!({})
    );
    ana.catch_up().await;
    for _ in 0..2 {
        again(&mut bo, &json!("new"), "sendMessage", &message).await;
        assert_eq!(ana.notice("app-message").await["data"], "once");
    }
    ana.hears_nothing().await;
}

#[tokio::test]
async fn a_call_whose_reply_was_never_read_is_done_once() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let offer = json!({ "jsonrpc": "2.0", "id": "lost", "method": "changeRoleOfPeer",
        "params": { "peerId": bo.peer, "role": "speaker" } });
    ana.say(offer.to_string()).await;
    let request = bo.notice("role-change-request").await["request"]["requestId"].clone();
    ana.reconnect(house.addr).await;
    bo.until("participant-updated").await;
    bo.done("rejectChangeRole", json!({ "requestId": request })).await;
    ana.resume_with(&json!({})).await.unwrap();
    ana.check_view().await;
    assert!(methods(&ana).contains(&"role-change-answered"));
    bo.catch_up().await;
    let reply = again(&mut ana, &offer["id"], "changeRoleOfPeer", &offer["params"]).await;
    assert_eq!(reply["result"]["requestId"], request);
    // Nobody is asked again.
    bo.hears_nothing().await;
}

#[tokio::test]
async fn removed_while_away_is_gone() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    drop_socket(&house, &mut bo, &mut ana).await;
    ana.done("removePeer", json!({ "peerId": bo.peer })).await;
    assert_eq!(ana.notice("participant-left").await["reason"], "removed");
    let refused = bo.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(
        (&refused["code"], &refused["data"]["reason"]),
        (&json!(410), &json!("session-gone"))
    );
}

#[tokio::test]
async fn ended_while_away_is_gone() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    drop_socket(&house, &mut bo, &mut ana).await;
    ana.done("endRoom", json!({})).await;
    let refused = bo.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(refused["code"], 410);
    let (status, state) = house.get(&format!("/v1/rooms/{ROOM}"), Some(&server_token())).await;
    assert_eq!((status, &state["participants"]), (200, &json!([])));
}
