//! Daily's rooms on the real server: what is set of one over REST is felt by who comes and who is in.

use std::{sync::Arc, time::Duration};

use rolecall::{clock::Clock, journal::memory::MemoryJournal};
use serde_json::{Value, json};

use crate::{
    client::Client,
    daily::{done, minted, rest, with},
    house::{House, sign, user_token},
};

const ALL: [&str; 6] =
    ["audio", "video", "screenVideo", "screenAudio", "customVideo", "customAudio"];

/// Makes the room `a`.
async fn make(house: &House, privacy: &str, properties: Value) {
    let body = json!({ "name": "a", "privacy": privacy, "properties": properties });
    done(house, "POST /rooms", body).await;
}

/// Changes the room `a`.
async fn change(house: &House, properties: Value) {
    done(house, "POST /rooms/a", json!({ "properties": properties })).await;
}

/// Tries to come into `a`, with that token or none.
async fn come(house: &House, token: Option<&str>) -> Result<(Client, Value), Value> {
    let mut client = house.socket().await;
    let mut join = json!({ "room": "daily:a" });
    if let Some(token) = token {
        join["token"] = json!(token);
    }
    let joined = client.join(&join).await?;
    Ok((client, joined))
}

/// Why somebody is not let in.
async fn kept_out(house: &House, token: Option<&str>) -> Value {
    match come(house, token).await {
        Err(error) => error["data"].clone(),
        Ok(_) => panic!("let in with {token:?}"),
    }
}

/// Somebody among those that a peer sees.
fn seen(state: &Value, peer: &str) -> Value {
    let all = state["participants"].as_array().unwrap();
    all.iter().find(|one| one["peerId"] == peer).cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_private_room_lets_in_whoever_has_a_token_for_it() {
    let house = House::open();
    make(&house, "private", json!({ "enable_knocking": true })).await;
    let knocking = json!({ "reason": "private", "knocking": true });
    let stranger = user_token("ann", json!({}));
    assert_eq!(kept_out(&house, None).await, knocking);
    assert_eq!(kept_out(&house, Some(&stranger)).await, knocking);
    for claims in [
        json!({ "r": "a" }),
        json!({ "r": "a", "d": "x", "ud": "bo" }),
        json!({ "r": "a", "ud": "cy", "k": false }),
        json!({ "user_id": "di", "room": "daily:a" }),
        json!({ "user_id": "ed", "call_cids": ["stage:x", "daily:a"] }),
        // An owner does not knock at his own door.
        json!({ "r": "a", "ud": "fay", "o": true, "k": true }),
    ] {
        let come = come(&house, Some(&sign(&claims))).await;
        assert!(come.is_ok(), "{claims}: {:?}", come.err());
    }
    for claims in [json!({ "r": "a", "k": true }), json!({ "r": "a", "ud": "bo", "k": true })] {
        assert_eq!(kept_out(&house, Some(&sign(&claims))).await, knocking, "{claims}");
    }
    let knocks = minted(&house, json!({ "room_name": "a", "knocking": true })).await;
    assert_eq!(kept_out(&house, Some(&knocks)).await, knocking);
    let invited = minted(&house, json!({ "room_name": "a", "user_name": "Gil" })).await;
    come(&house, Some(&invited)).await.unwrap();
    change(&house, json!({ "enable_knocking": false })).await;
    let closed = json!({ "reason": "private", "knocking": false });
    assert_eq!(kept_out(&house, Some(&knocks)).await, closed);
    // Opened, anybody comes in, and stays when it is closed again.
    done(&house, "POST /rooms/a", json!({ "privacy": "public" })).await;
    let (mut hal, _) = come(&house, None).await.unwrap();
    come(&house, Some(&knocks)).await.unwrap();
    done(&house, "POST /rooms/a", json!({ "privacy": "private" })).await;
    assert_eq!(kept_out(&house, None).await, closed);
    hal.check_view().await;
    // Other rooms are not concerned.
    house.join("daily:b", "ann", json!({})).await;
}

#[tokio::test]
async fn who_has_to_knock_waits_until_an_owner_answers() {
    let house = House::open();
    make(&house, "private", json!({ "enable_knocking": true })).await;
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann", "o": true })).await;
    ann.catch_up().await;
    let knocks = json!({ "room_name": "a", "user_id": "bo", "user_name": "Bo", "knocking": true });
    let knocks = minted(&house, knocks).await;
    let at = json!({ "room": "daily:a", "token": knocks });
    let mut bo = house.socket().await;
    let waiting = bo.done("knock", at.clone()).await["waitingId"].clone();
    let told = ann.notice("waiting-updated").await["waiting"].clone();
    assert_eq!((&told["waitingId"], &told["userId"]), (&waiting, &json!("bo")));
    assert_eq!(told["name"], "Bo");
    // He is not in it yet.
    let present = done(&house, "GET /rooms/a/presence", Value::Null).await;
    assert_eq!(present["total_count"], 1);
    ann.done("answerWaiting", json!({ "waitingId": waiting, "admit": true })).await;
    assert_eq!(bo.notice("waiting-answered").await["admitted"], true);
    let joined = bo.join(&at).await.unwrap();
    assert_eq!(joined["peerId"], waiting);
    let own = seen(&joined, &bo.peer);
    assert_eq!((&own["userId"], &own["name"]), (&json!("bo"), &json!("Bo")));
    // Who need not knock cannot.
    let mut cy = house.socket().await;
    let token = sign(&json!({ "r": "a", "ud": "cy" }));
    let refused = cy.refused("knock", json!({ "room": "daily:a", "token": token })).await;
    assert_eq!(refused, (409, "not-needed".to_owned()));
}

#[tokio::test]
async fn a_rooms_permissions_are_in_force_from_the_first_word_of_somebody_on() {
    let house = House::open();
    let hidden = json!({ "hasPresence": false, "canSend": false });
    make(&house, "public", json!({ "permissions": hidden })).await;
    // Owners are not held by them, and what a token says is in their place.
    let (mut ann, own) = with(&house, json!({ "r": "a", "ud": "ann", "o": true })).await;
    assert_eq!(own["permissions"]["canSend"], json!(ALL));
    let (mut bo, own) =
        with(&house, json!({ "r": "a", "ud": "bo", "p": { "hp": true, "cs": "v" } })).await;
    assert_eq!(own["permissions"]["canSend"], json!(["video"]));
    for client in [&mut ann, &mut bo] {
        client.catch_up().await;
    }
    // Nobody but the owner hears of a newcomer more than that one more is there.
    let (mut cy, joined) = come(&house, None).await.unwrap();
    let own = seen(&joined, &cy.peer);
    let expected = json!({ "hasPresence": false, "canSend": [], "canReceive": { "base": true },
        "canAdmin": [] });
    assert_eq!(own["permissions"], expected);
    assert!(own["tracks"].as_object().unwrap().values().all(|state| state == "blocked"));
    let told = ann.notice("participant-joined").await;
    assert_eq!(told["participant"]["permissions"], expected);
    let told = bo.notice("counts-updated").await;
    assert_eq!((&told["present"], &told["hidden"]), (&json!(2), &json!(1)));
    bo.hears_nothing().await;
    assert!(seen(&bo.state().await, &cy.peer).is_null());
    // A change is felt at once by those of whom nothing else was said.
    change(&house, json!({ "permissions": { "canSend": ["audio"] } })).await;
    let told = bo.until("participant-joined").await;
    assert_eq!(told["participant"]["peerId"], cy.peer.as_str());
    assert_eq!(told["participant"]["permissions"]["canSend"], json!(["audio"]));
    change(&house, json!({ "permissions": null })).await;
    let (bos, cys) = (bo.peer.clone(), cy.peer.clone());
    for client in [&mut ann, &mut bo, &mut cy] {
        client.catch_up().await;
        let state = client.state().await;
        let of = |peer: &str| seen(&state, peer)["permissions"]["canSend"].clone();
        assert_eq!((of(&cys), of(&bos)), (json!(ALL), json!(["video"])));
        client.check_view().await;
    }
}

#[tokio::test]
async fn what_owners_alone_may_is_theirs_alone() {
    let house = House::open();
    make(&house, "public", json!({ "enable_screenshare": false })).await;
    let camera = ["audio", "video", "customVideo", "customAudio"];
    let (ann, own) = with(&house, json!({ "r": "a", "ud": "ann", "o": true })).await;
    assert_eq!(own["permissions"]["canSend"], json!(ALL));
    let (mut bo, own) = with(&house, json!({ "r": "a", "ud": "bo" })).await;
    assert_eq!(own["permissions"]["canSend"], json!(camera));
    for (properties, sends, seen_by_all) in [
        (json!({ "owner_only_broadcast": true }), json!([]), true),
        (json!({ "permissions": { "canSend": ["video", "screenVideo"] } }), json!(["video"]), true),
        (json!({ "permissions": null, "enable_screenshare": null }), json!([]), true),
        (json!({ "owner_only_broadcast": null }), json!(ALL), true),
        (json!({ "enable_hidden_participants": true }), json!(ALL), false),
        (json!({ "permissions": { "hasPresence": true } }), json!(ALL), true),
    ] {
        change(&house, properties.clone()).await;
        let state = bo.state().await;
        let permissions = &seen(&state, &bo.peer)["permissions"];
        assert_eq!(
            (&permissions["canSend"], &permissions["hasPresence"]),
            (&sends, &json!(seen_by_all)),
            "{properties}"
        );
        assert_eq!(seen(&state, &ann.peer)["permissions"]["canSend"], json!(ALL));
    }
}

#[tokio::test]
async fn a_room_has_its_times() {
    let clock = Clock::manual(1_800_000_000_000);
    let now = clock.now_s();
    let house = House::at(Arc::new(MemoryJournal::new(1000, 1000)), clock.clone());
    make(&house, "public", json!({ "nbf": now + 10, "exp": now + 20 })).await;
    let token = sign(&json!({ "r": "a", "ud": "ann", "o": true }));
    let early = kept_out(&house, Some(&token)).await;
    assert_eq!(early, json!({ "reason": "not-open", "opensAt": "2027-01-15T08:00:10.000Z" }));
    clock.advance(Duration::from_secs(10));
    let (mut ann, _) = come(&house, Some(&token)).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(kept_out(&house, Some(&token)).await["reason"], "closed");
    // Who is in stays, until it is said otherwise.
    let present = done(&house, "GET /rooms/a/presence", Value::Null).await;
    assert_eq!(present["total_count"], 1);
    change(&house, json!({ "exp": now + 30, "eject_at_room_exp": true })).await;
    let (mut bo, _) = come(&house, None).await.unwrap();
    clock.advance(Duration::from_secs(10));
    let shown = done(&house, "GET /rooms/a", Value::Null).await;
    for client in [&mut ann, &mut bo] {
        let told = client.until("room-ended").await;
        assert_eq!((&told["by"], &told["reason"]), (&Value::Null, &json!("closed")));
        assert_eq!(client.closed().await.0, 4503);
    }
    // The room is there as before, and opens again when its time is another.
    let config = json!({ "nbf": now + 10, "exp": now + 30, "eject_at_room_exp": true });
    assert_eq!(shown["config"], config);
    assert_eq!(done(&house, "GET /rooms", Value::Null).await["data"], json!([shown]));
    assert_eq!(kept_out(&house, None).await["reason"], "closed");
    change(&house, json!({ "exp": null })).await;
    come(&house, None).await.unwrap();
}

#[tokio::test]
async fn so_many_come_in_and_each_user_once() {
    let house = House::open();
    make(&house, "public", json!({ "max_participants": 2, "enforce_unique_user_ids": true })).await;
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann" })).await;
    let (mut bo, _) = with(&house, json!({ "r": "a", "ud": "bo" })).await;
    assert_eq!(kept_out(&house, None).await["reason"], "room-full");
    // He who was there goes for himself.
    let (again, _) = with(&house, json!({ "r": "a", "ud": "bo" })).await;
    assert_eq!(bo.closed().await.0, 4502);
    let left = ann.until("participant-left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!(bo.peer), &json!("removed")));
    let present = done(&house, "GET /rooms/a/presence", Value::Null).await;
    let ids: Vec<_> = present["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&json!(ann.peer), &json!(again.peer)]);
    // Who has no user id is nobody's double.
    change(&house, json!({ "max_participants": null })).await;
    let (mut cy, _) = come(&house, None).await.unwrap();
    let (mut di, _) = come(&house, Some(&sign(&json!({ "r": "a" })))).await.unwrap();
    for client in [&mut ann, &mut cy, &mut di] {
        client.catch_up().await;
        client.check_view().await;
    }
}

#[tokio::test]
async fn who_joins_makes_a_room_and_who_is_in_a_deleted_one_goes() {
    let house = House::open();
    let (mut ann, joined) = come(&house, None).await.unwrap();
    let shown = done(&house, "GET /rooms/a", Value::Null).await;
    assert_eq!((&shown["api_created"], &shown["privacy"]), (&json!(false), &json!("public")));
    assert_eq!((&shown["id"], &shown["config"]), (&joined["epoch"], &json!({})));
    assert_eq!(shown["url"], format!("http://{}/a", house.addr));
    assert_eq!(done(&house, "GET /rooms", Value::Null).await["data"], json!([shown]));
    // To ask for it anew is refused and leaves it what it was.
    let (status, told) = rest(&house, "POST /rooms", json!({ "name": "a" })).await;
    assert_eq!((status, &told["error"]), (400, &json!("invalid-request-error")));
    assert_eq!(done(&house, "GET /rooms/a", Value::Null).await, shown);
    done(&house, "DELETE /rooms/a", Value::Null).await;
    assert_eq!(ann.until("room-ended").await["by"], "server");
    assert_eq!(ann.closed().await.0, 4503);
    assert_eq!(rest(&house, "GET /rooms/a", Value::Null).await.0, 404);
    assert_eq!(done(&house, "GET /rooms", Value::Null).await["total_count"], 0);
}

#[tokio::test]
async fn rooms_outlive_the_house() {
    let journal = Arc::new(MemoryJournal::new(1000, 1000));
    let mut house = House::over(Arc::clone(&journal) as _, |_| {});
    let properties = json!({ "max_participants": 5, "owner_only_broadcast": true, "lang": "de" });
    make(&house, "private", properties).await;
    let mut shown = done(&house, "GET /rooms/a", Value::Null).await;
    house.begin_stop();
    house.stopped().await;
    let house = House::woken_over(journal).await;
    shown["url"] = json!(format!("http://{}/a", house.addr));
    assert_eq!(done(&house, "GET /rooms", Value::Null).await["data"], json!([shown]));
    assert_eq!(done(&house, "GET /rooms/a", Value::Null).await, shown);
    assert_eq!(kept_out(&house, None).await["reason"], "private");
    let (_, own) = with(&house, json!({ "r": "a" })).await;
    assert_eq!(own["permissions"]["canSend"], json!([]));
}
