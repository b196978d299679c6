//! Calls over Stream's REST API beside live peers: what REST does they feel at once, and what they
//! do REST shows.

use serde_json::{Value, json};

use crate::{
    client::Client,
    house::{House, user_token},
    stream::{ask, done},
};

const CALL: &str = "/api/v2/video/call/default/a";

/// A house in which Ana created `default:a`; these users are known.
async fn house_of(users: &[&str]) -> House {
    let house = House::open();
    let users = users.iter().map(|id| ((*id).to_owned(), json!({ "id": id, "name": id })));
    let users: serde_json::Map<String, Value> = users.collect();
    done(&house, "POST /api/v2/users", json!({ "users": users })).await;
    done(&house, &format!("POST {CALL}"), json!({ "data": { "created_by_id": "ana" } })).await;
    house
}

/// Does something in the call as the back end.
async fn rest(house: &House, path: &str, body: Value) -> Value {
    done(house, &format!("POST {CALL}/{path}"), body).await
}

/// Asks as a user over REST.
async fn as_user(house: &House, user: &str, line: &str, body: Value) -> (u16, Value) {
    ask(house, &user_token(user, json!({})), line, body).await
}

/// What a user may do, as REST says.
async fn own_capabilities(house: &House, user: &str) -> Vec<String> {
    let (status, told) = as_user(house, user, "GET /video/call/default/a", Value::Null).await;
    assert_eq!(status, 200, "{told}");
    serde_json::from_value(told["own_capabilities"].clone()).unwrap()
}

async fn holds(house: &House, user: &str, capability: &str) -> bool {
    own_capabilities(house, user).await.iter().any(|own| own == capability)
}

/// Ana, the owner, and Bo, with nothing more to hear.
async fn ana_and_bo(house: &House) -> (Client, Client) {
    let mut ana = house.owner("default:a", "ana").await;
    let mut bo = house.join("default:a", "bo", json!({})).await;
    ana.catch_up().await;
    bo.catch_up().await;
    (ana, bo)
}

#[tokio::test]
async fn mutes_and_permissions_are_felt_at_once() {
    let house = house_of(&["ana", "bo", "cy"]).await;
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    bo.done("setTracks", json!({ "audio": true, "video": true })).await;
    ana.catch_up().await;
    bo.catch_up().await;

    rest(&house, "mute_users", json!({ "user_ids": ["bo"], "audio": true })).await;
    for client in [&mut ana, &mut bo] {
        let told = client.notice("participant-updated").await;
        assert_eq!((&told["changed"], &told["by"]), (&json!(["tracks"]), &json!("server")));
        let tracks = &told["participant"]["tracks"];
        assert_eq!((&tracks["audio"], &tracks["video"]), (&json!("off"), &json!("on")));
    }
    rest(&house, "mute_users", json!({ "mute_all_users": true, "video": true })).await;
    assert_eq!(bo.notice("participant-updated").await["participant"]["tracks"]["video"], "off");
    ana.catch_up().await;

    assert!(holds(&house, "bo", "send-audio").await);
    let revoke = json!({ "user_id": "bo", "revoke_permissions": ["send-audio"] });
    rest(&house, "user_permissions", revoke).await;
    for client in [&mut ana, &mut bo] {
        let told = client.notice("participant-updated").await["participant"].clone();
        assert_eq!(told["tracks"]["audio"], "blocked", "{told}");
        assert!(!told["capabilities"].as_array().unwrap().contains(&json!("send-audio")));
    }
    assert_eq!(bo.refused("setTracks", json!({ "audio": true })).await.1, "not-allowed");
    assert!(!holds(&house, "bo", "send-audio").await);
    let grant = json!({ "user_id": "bo", "grant_permissions": ["send-audio"] });
    rest(&house, "user_permissions", grant).await;
    let told = bo.notice("participant-updated").await;
    assert_eq!(told["participant"]["tracks"]["audio"], "off", "never on by itself");
    assert!(holds(&house, "bo", "send-audio").await);

    // Who comes later finds what was said of him.
    let revoke = json!({ "user_id": "cy", "revoke_permissions": ["screenshare"] });
    rest(&house, "user_permissions", revoke).await;
    let cy = house.join("default:a", "cy", json!({})).await;
    assert_eq!(cy.view[&cy.peer]["tracks"]["screenVideo"], "blocked");
}

#[tokio::test]
async fn blocked_kicked_and_ended_is_out() {
    let house = house_of(&["ana", "bo"]).await;
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    rest(&house, "kick", json!({ "user_id": "bo" })).await;
    assert_eq!(bo.closed().await.0, 4502);
    let left = ana.notice("participant-left").await;
    assert_eq!((&left["userId"], &left["reason"]), (&json!("bo"), &json!("removed")));
    let mut bo = house.join("default:a", "bo", json!({})).await;
    ana.catch_up().await;

    rest(&house, "block", json!({ "user_id": "bo" })).await;
    assert_eq!(bo.closed().await.0, 4502);
    assert_eq!(ana.notice("participant-left").await["userId"], "bo");
    let mut again = house.socket().await;
    let join = json!({ "room": "default:a", "token": user_token("bo", json!({})) });
    assert_eq!(again.join(&join).await.unwrap_err()["data"]["reason"], "blocked");
    rest(&house, "unblock", json!({ "user_id": "bo" })).await;
    again.join(&join).await.unwrap();
    ana.catch_up().await;
    again.catch_up().await;

    rest(&house, "mark_ended", Value::Null).await;
    for client in [&mut ana, &mut again] {
        let told = client.notice("room-ended").await;
        assert_eq!(told["by"], "server");
        assert_eq!(client.closed().await.0, 4503);
    }
    let told = done(&house, &format!("GET {CALL}"), Value::Null).await;
    assert!(told["call"]["ended_at"].is_u64() && told["call"].get("session").is_none(), "{told}");

    // A deleted call's name begins anew, with nothing of what was.
    let delete = "POST /api/v2/video/call/default/b/delete";
    let mut di = house.owner("default:b", "ana").await;
    done(&house, delete, json!({ "hard": true })).await;
    assert_eq!(di.closed().await.0, 4503);
    let anew = house.owner("default:b", "ana").await;
    assert_ne!(anew.epoch, di.epoch);
}

#[tokio::test]
async fn a_members_role_is_his_role_in_the_room() {
    let house = house_of(&["ana", "bo"]).await;
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    assert!(!holds(&house, "bo", "mute-users").await);
    let set = |role: &str| json!({ "update_members": [{ "user_id": "bo", "role": role }] });
    let told = rest(&house, "members", set("admin")).await;
    assert_eq!(told["members"][0]["role"], "admin");
    let updated = bo.until("ROLE_UPDATED").await;
    assert_eq!((&updated["to"], &updated["by"]), (&json!("admin"), &json!("server")));
    assert_eq!(ana.until("ROLE_UPDATED").await["peerId"], bo.peer.as_str());
    assert!(holds(&house, "bo", "mute-users").await);
    let muted = json!({ "peerId": ana.peer, "tracks": ["audio"] });
    bo.done("mute", muted.clone()).await;
    rest(&house, "members", json!({ "remove_members": ["bo"] })).await;
    assert_eq!(bo.until("ROLE_UPDATED").await["from"], "admin");
    assert_eq!(bo.refused("mute", muted).await.1, "not-allowed");
    assert!(!holds(&house, "bo", "mute-users").await);
}

#[tokio::test]
async fn what_peers_do_shows_in_rest() {
    let house = house_of(&["ana", "bo", "cy"]).await;
    let empty = done(&house, &format!("GET {CALL}"), Value::Null).await;
    assert_eq!(empty["call"]["current_session_id"], "");
    let (mut ana, bo) = ana_and_bo(&house).await;
    let call = done(&house, &format!("GET {CALL}"), Value::Null).await["call"].clone();
    let session = &call["session"];
    assert_eq!(call["current_session_id"], session["id"]);
    assert!(session["started_at"].is_u64());
    let seen: Vec<(&str, &str)> = session["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert!(one["joined_at"].is_u64() && one["user_session_id"].is_string(), "{one}");
            (one["user"]["name"].as_str().unwrap(), one["role"].as_str().unwrap())
        })
        .collect();
    assert_eq!(seen, [("ana", "host"), ("bo", "user")]);
    assert_eq!(session["participants_count_by_role"], json!({ "host": 1, "user": 1 }));
    assert_eq!(session["anonymous_participant_count"], 0);

    let change = json!({ "peerId": bo.peer, "role": "admin", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    let told =
        rest(&house, "participants", json!({ "filter_conditions": { "role": "admin" } })).await;
    assert_eq!(told["total_participants"], 1);
    assert_eq!(told["participants"][0]["user_session_id"], bo.peer.as_str());
    assert!(holds(&house, "bo", "mute-users").await);
    let patch = json!({ "canSend": ["video"], "canAdmin": [] });
    ana.done("updateParticipant", json!({ "peerId": bo.peer, "updatePermissions": patch })).await;
    let own = own_capabilities(&house, "bo").await;
    let has = |name: &str| own.iter().any(|own| own == name);
    assert!(has("send-video") && !has("send-audio") && !has("mute-users"), "{own:?}");

    // Who is hidden is seen by the server and by those who see him in the room.
    let hide = json!({ "peerId": bo.peer, "updatePermissions": { "hasPresence": false } });
    ana.done("updateParticipant", hide).await;
    for (user, expected) in [("cy", 1), ("ana", 2), ("bo", 2)] {
        let (_, told) = as_user(&house, user, "GET /video/call/default/a", Value::Null).await;
        let seen = told["call"]["session"]["participants"].as_array().unwrap().len();
        assert_eq!(seen, expected, "{user}: {told}");
    }
    let told = rest(&house, "participants", Value::Null).await;
    assert_eq!(told["participants"].as_array().unwrap().len(), 2);
    let ongoing = json!({ "filter_conditions": { "ongoing": true } });
    let found = done(&house, "POST /api/v2/video/calls", ongoing).await;
    assert_eq!(found["calls"][0]["call"]["session"]["participants"].as_array().unwrap().len(), 2);
    drop(bo);
}

#[tokio::test]
async fn grants_and_settings_edited_reach_who_is_in() {
    let house = house_of(&["ana", "bo"]).await;
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    bo.done("setTracks", json!({ "audio": true, "video": true })).await;
    bo.catch_up().await;
    let told = done(&house, "GET /api/v2/video/calltypes/default", Value::Null).await;
    let mut grants: Vec<String> = serde_json::from_value(told["grants"]["user"].clone()).unwrap();
    grants.retain(|grant| grant != "send-audio");
    let edit = json!({ "grants": { "user": grants } });
    done(&house, "PUT /api/v2/video/calltypes/default", edit).await;
    let told = bo.until("participant-updated").await["participant"].clone();
    assert_eq!(
        (&told["tracks"]["audio"], &told["tracks"]["video"]),
        (&json!("blocked"), &json!("on"))
    );
    assert!(!holds(&house, "bo", "send-audio").await);
    bo.catch_up().await;

    let off = json!({ "settings_override": { "video": { "enabled": false, "camera_default_on": false } } });
    let told = done(&house, &format!("PATCH {CALL}"), off).await;
    assert_eq!(told["call"]["settings"]["video"]["enabled"], false);
    let told = bo.until("participant-updated").await["participant"].clone();
    assert_eq!(told["tracks"]["video"], "blocked");
    ana.catch_up().await;
    bo.check_view().await;
    rest(&house, "stop_live", Value::Null).await;
    let told = ana.until("room-updated").await;
    assert_eq!(
        (&told["changed"], &told["room"]["backstage"]),
        (&json!(["backstage"]), &json!(true))
    );
}

#[tokio::test]
async fn over_rest_one_is_the_peer_one_is_in_the_room() {
    let house = house_of(&["ana", "bo", "cy"]).await;
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut cy = house.join("default:a", "cy", json!({})).await;
    ana.catch_up().await;
    bo.catch_up().await;
    // Bo is nobody special, and becomes one in the room alone.
    let pin = json!({ "user_id": "cy", "session_id": cy.peer });
    let (status, _) = as_user(&house, "bo", "POST /video/call/default/a/pin", pin.clone()).await;
    assert_eq!(status, 403);
    let change = json!({ "peerId": bo.peer, "role": "admin", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    ana.catch_up().await;
    let (status, told) = as_user(&house, "bo", "POST /video/call/default/a/pin", pin.clone()).await;
    assert_eq!(status, 201, "{told}");
    let told = ana.notice("room-updated").await;
    assert_eq!(told["changed"], json!(["pins"]));
    assert_eq!(told["room"]["pins"], json!([{ "userId": "cy", "peerId": cy.peer }]));
    let (status, _) = as_user(&house, "bo", "POST /video/call/default/a/unpin", pin).await;
    assert_eq!(status, 201);
    assert_eq!(ana.notice("room-updated").await["room"]["pins"], json!([]));
    let kick = json!({ "user_id": "cy" });
    let (status, told) = as_user(&house, "bo", "POST /video/call/default/a/kick", kick).await;
    assert_eq!(status, 201, "{told}");
    assert_eq!(cy.closed().await.0, 4502);
    // An owner is touched by nobody else, over REST neither.
    let kick = json!({ "user_id": "ana" });
    let (status, told) = as_user(&house, "bo", "POST /video/call/default/a/kick", kick).await;
    assert_eq!((status, &told["code"]), (403, &json!(17)), "{told}");
    // What the room takes away is gone here, too.
    let change = json!({ "peerId": bo.peer, "role": "user", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    let block = json!({ "user_id": "cy" });
    let (status, _) = as_user(&house, "bo", "POST /video/call/default/a/block", block).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn people_are_asked_and_told() {
    let house = house_of(&["ana", "bo", "cy"]).await;
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let revoke = json!({ "user_id": "bo", "revoke_permissions": ["screenshare"] });
    rest(&house, "user_permissions", revoke).await;
    ana.catch_up().await;
    bo.catch_up().await;
    let wish = json!({ "permissions": ["screenshare"] });
    let path = "POST /video/call/default/a/request_permission";
    let (status, told) = as_user(&house, "bo", path, wish.clone()).await;
    assert_eq!(status, 201, "{told}");
    let asked = ana.notice("permission-request").await;
    assert_eq!(
        (&asked["permissions"], &asked["from"]["userId"]),
        (&json!(["screenshare"]), &json!("bo"))
    );
    let own = bo.notice("permission-request").await;
    assert_eq!(own["requestId"], asked["requestId"], "his peer did not ask, and learns of it");
    let (status, told) = as_user(&house, "cy", path, wish).await;
    assert_eq!((status, &told["code"]), (400, &json!(4)), "who is not in asks for nothing: {told}");

    rest(&house, "event", json!({ "custom": { "cake": true } })).await;
    for client in [&mut ana, &mut bo] {
        let told = client.notice("app-message").await;
        assert_eq!(
            (&told["data"], &told["from"]["name"]),
            (&json!({ "cake": true }), &json!("server"))
        );
    }
    let event = json!({ "custom": { "hi": 1 } });
    let (status, _) = as_user(&house, "cy", "POST /video/call/default/a/event", event).await;
    assert_eq!(status, 201);
    let told = ana.notice("app-message").await;
    let from = json!({ "peerId": null, "userId": "cy", "name": "cy" });
    assert_eq!((&told["data"], &told["from"]), (&json!({ "hi": 1 }), &from));

    let reaction = json!({ "type": "like", "emoji_code": ":like:", "custom": { "x": 1 } });
    let (status, told) =
        as_user(&house, "bo", "POST /video/call/default/a/reaction", reaction.clone()).await;
    assert_eq!(status, 201, "{told}");
    assert_eq!(
        (&told["reaction"]["type"], &told["reaction"]["user"]["id"]),
        (&json!("like"), &json!("bo"))
    );
    let heard = ana.notice("app-message").await;
    assert_eq!(heard["data"], json!({ "type": "reaction", "reaction": reaction }));
    assert_eq!(heard["from"]["peerId"], bo.peer.as_str());
}
