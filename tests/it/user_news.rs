//! `user.updated` on the wire: who is told that a user is another, when, and how often.

use serde_json::{Value, json};

use crate::{
    coordinator::{Line, call_of, users},
    house::{House, user_token},
    stream::{KEY, ask, done},
};

/// The back end sets something of a user.
async fn set(house: &House, user: &str, what: Value) {
    let patch = json!({ "users": [{ "id": user, "set": what }] });
    done(house, "PATCH /api/v2/users", patch).await;
}

/// The next thing a connection hears is that a user is another, and nothing follows.
async fn hears_once(line: &mut Line, user: &str) -> Value {
    let event = line.hears("user.updated").await;
    assert_eq!(event["user"]["id"], user, "{event}");
    assert!(event.get("call_cid").is_none() && event["custom"] == json!({}), "{event}");
    assert!(event["created_at"].as_str().unwrap().ends_with('Z'), "{event}");
    line.hears_nothing().await;
    event["user"].clone()
}

#[tokio::test]
async fn a_user_and_who_sees_him_are_told_once() {
    let house = House::open();
    users(&house, &["ana", "bo", "cy", "dee"]).await;
    let members = json!([{ "user_id": "bo" }]);
    for call in ["default/a", "default/b"] {
        call_of(&house, call, json!({ "created_by_id": "ana", "members": members })).await;
    }
    call_of(&house, "default/c", json!({ "created_by_id": "ana" })).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    let (mut cy, _) = Line::of(&house, "cy").await;
    let (mut dee, _) = Line::of(&house, "dee").await;
    for call in ["default/a", "default/b"] {
        ana.watch(&house, "ana", call).await;
        bo.watch(&house, "bo", call).await;
    }
    dee.watch(&house, "dee", "default/c").await;

    set(&house, "bo", json!({ "name": "Bo", "desk": 7 })).await;
    for line in [&mut ana, &mut bo] {
        let shown = hears_once(line, "bo").await;
        assert_eq!((&shown["name"], &shown["custom"]), (&json!("Bo"), &json!({ "desk": 7 })));
    }
    // Neither who is connected and watches nothing, nor who watches another call.
    for line in [&mut cy, &mut dee] {
        line.hears_nothing().await;
    }
    // What is as it was is no news, nor that he was here, nor what does not show of him.
    set(&house, "bo", json!({ "name": "Bo" })).await;
    let same = json!({ "users": { "bo": { "id": "bo", "name": "Bo", "custom": { "desk": 7 } } } });
    done(&house, "POST /api/v2/users", same).await;
    let mine = user_token("bo", json!({}));
    let (status, _) = ask(&house, &mine, "GET /video/call/default/a", Value::Null).await;
    assert_eq!(status, 200);
    for line in [&mut ana, &mut bo] {
        line.hears_nothing().await;
    }
    // He is a member of it no more: whoever watches it is told nothing of him.
    for call in ["default/a", "default/b"] {
        let remove = json!({ "remove_members": ["bo"] });
        done(&house, &format!("POST /api/v2/video/call/{call}/members"), remove).await;
        ana.hears("call.member_removed").await;
        bo.hears("call.member_removed").await;
    }
    set(&house, "bo", json!({ "image": "https://example.com/bo.png" })).await;
    assert_eq!(hears_once(&mut bo, "bo").await["image"], "https://example.com/bo.png");
    ana.hears_nothing().await;
}

#[tokio::test]
async fn of_who_is_hidden_hear_those_who_see_him() {
    let house = House::open();
    users(&house, &["ana", "bo", "cy", "dee"]).await;
    let admin = json!([{ "user_id": "ana", "role": "admin" }]);
    call_of(&house, "default/a", json!({ "created_by_id": "dee", "members": admin })).await;
    let hidden = json!({ "permissions": { "hasPresence": false } });
    let mut there = house.join("default:a", "cy", hidden).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    let (mut cy, _) = Line::of(&house, "cy").await;
    for (line, user) in [(&ana, "ana"), (&bo, "bo"), (&cy, "cy")] {
        line.watch(&house, user, "default/a").await;
    }
    set(&house, "cy", json!({ "name": "Cy" })).await;
    for line in [&mut ana, &mut cy] {
        assert_eq!(hears_once(line, "cy").await["name"], "Cy");
    }
    bo.hears_nothing().await;
    // He is seen, and so is what becomes of him.
    let peer_id = house.room("default:a").await["participants"][0]["peerId"].clone();
    let show = json!({ "peerId": peer_id, "updatePermissions": { "hasPresence": true } });
    assert_eq!(house.call("default:a", "updateParticipant", show).await.0, 200);
    bo.hears("call.session_participant_joined").await;
    bo.hears("call.session_participant_count_updated").await;
    set(&house, "cy", json!({ "name": "Cyrus" })).await;
    assert_eq!(hears_once(&mut bo, "cy").await["name"], "Cyrus");
    there.call("leave", &json!({})).await.unwrap();
    bo.hears("call.session_participant_left").await;
    bo.hears("call.session_ended").await;
    set(&house, "cy", json!({ "name": "Cy" })).await;
    bo.hears_nothing().await;
}

#[tokio::test]
async fn whatever_changes_him_is_told() {
    let house = House::open();
    users(&house, &["ana"]).await;
    call_of(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    // Somebody whom only his token names.
    let _there = house.join("default:a", "zoe", json!({})).await;
    ana.watch(&house, "ana", "default/a").await;
    let (mut first, _) = Line::of(&house, "zoe").await;
    ana.hears_nothing().await;
    // He says himself who he is, as he connects anew: that is told where he is, and to his other page.
    let mut second = Line::bare(house.addr, KEY).await;
    let details = json!({ "id": "zoe", "name": "Zoe" });
    second.say(&json!({ "token": user_token("zoe", json!({})), "user_details": details })).await;
    assert_eq!(second.hears("connection.ok").await["me"]["name"], "Zoe");
    for line in [&mut ana, &mut first] {
        assert_eq!(hears_once(line, "zoe").await["name"], "Zoe");
    }
    second.hears_nothing().await;
    // The back end gives him another role: first what follows here, then who he is.
    set(&house, "zoe", json!({ "role": "admin" })).await;
    ana.hears("call.session_participant_joined").await;
    ana.hears("call.session_participant_count_updated").await;
    assert_eq!(hears_once(&mut ana, "zoe").await["role"], "admin");
    for line in [&mut first, &mut second] {
        assert_eq!(hears_once(line, "zoe").await["role"], "admin");
    }
    // That he is banned does not show of him; that he is out does.
    let ban = json!({ "target_user_id": "zoe", "banned_by_id": "ana" });
    done(&house, "POST /api/v2/moderation/ban", ban).await;
    ana.hears("call.session_participant_left").await;
    ana.hears("call.kicked_user").await;
    ana.hears("call.session_ended").await;
    ana.hears_nothing().await;
}
