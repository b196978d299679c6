//! Calls over REST: what is done to users in them, and which calls somebody finds.

use serde_json::{Value, json};

use super::{
    calls::{create, with_users},
    house::House,
};

fn cids(told: &Value) -> Vec<&str> {
    let calls = told["calls"].as_array().unwrap();
    calls.iter().map(|one| one["call"]["cid"].as_str().unwrap()).collect()
}

async fn post(house: &House, path: &str, body: Value) -> super::house::Told {
    house.server(&format!("POST /api/v2/video/call/default/a/{path}"), body).await
}

#[tokio::test]
async fn what_cannot_be_done_to_users_is_refused() {
    let house = with_users(json!(["ana"])).await;
    create(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    for (path, body, place) in [
        ("user_permissions", json!({ "grant_permissions": [] }), "user_id"),
        (
            "user_permissions",
            json!({ "user_id": "ana", "grant_permissions": ["end-call"] }),
            "UpdateUserPermissions failed with error: \"Invalid permissions in grant_permissions: end-call\"",
        ),
        (
            "user_permissions",
            json!({ "user_id": "ana", "revoke_permissions": ["send-audio", "fly"] }),
            "Invalid permissions in revoke_permissions",
        ),
        ("mute_users", json!({ "mute_all_users": true }), "`audio`"),
        ("mute_users", json!({ "audio": true }), "`user_ids` or `mute_all_users`"),
        (
            "mute_users",
            json!({ "audio": true, "mute_all_users": true, "muted_by_id": "zoe" }),
            "the provided users [zoe] don't exist",
        ),
        ("block", json!({}), "user_id"),
        ("block", json!({ "user_id": "" }), "user_id"),
        ("kick", json!({ "user_id": "ana", "kicked_by_id": "zoe" }), "[zoe]"),
        ("pin", json!({ "user_id": "ana" }), "session_id"),
        ("event", json!({ "custom": { "x": "y".repeat(20_000) } }), "custom"),
        ("event", json!({ "custom": 3 }), "custom"),
        ("participants?limit=101", json!({}), "limit"),
        ("participants", json!({ "filter_conditions": { "x": 1 } }), "`x`"),
    ] {
        let text = post(&house, path, body.clone()).await.fault(400, 4);
        assert!(text.contains(place), "{path} {body}: {text}");
    }
    let nobody = json!({ "user_id": "ana", "session_id": "none" });
    post(&house, "pin", nobody.clone()).await.fault(404, 16);
    post(&house, "unpin", nobody).await.fault(404, 16);
    // Neither is known to the other side's SDKs.
    post(&house, "reaction", json!({ "type": "like" })).await.fault(404, 16);
    post(&house, "request_permission", json!({ "permissions": [] })).await.fault(404, 16);
    let ask = "POST /video/call/default/a/request_permission";
    let absent = house.user("ana", ask, json!({ "permissions": ["send-audio"] })).await;
    let text = absent.fault(400, 4);
    assert!(text.contains("only a peer can do that"), "{text}");
    house.user("ana", ask, json!({ "permissions": ["fly"] })).await.fault(400, 4);
}

#[tokio::test]
async fn whom_nobody_finds_at_home_is_dealt_with_all_the_same() {
    let house = with_users(json!(["ana", "bo"])).await;
    create(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    let revoke = json!({ "user_id": "bo", "revoke_permissions": ["send-audio"] });
    post(&house, "user_permissions", revoke).await.expect(201);
    let get = "GET /video/call/default/a";
    let told = house.user("bo", get, Value::Null).await.expect(200);
    let own: Vec<String> = serde_json::from_value(told["own_capabilities"].clone()).unwrap();
    assert!(!own.contains(&"send-audio".to_owned()) && own.contains(&"send-video".to_owned()));
    let mute = json!({ "user_ids": ["bo"], "audio": true, "screenshare": true });
    post(&house, "mute_users", mute).await.expect(201);
    post(&house, "event", json!({ "custom": { "hi": 1 } })).await.expect(201);
    post(&house, "block", json!({ "user_id": "bo" })).await.expect(201);
    house.user("bo", get, Value::Null).await.fault(403, 17);
    let told = house.server("GET /api/v2/video/call/default/a", Value::Null).await.expect(200);
    assert_eq!(told["call"]["blocked_user_ids"], json!(["bo"]));
    post(&house, "unblock", json!({ "user_id": "bo" })).await.expect(201);
    house.user("bo", get, Value::Null).await.expect(200);
    post(&house, "kick", json!({ "user_id": "bo", "block": true })).await.expect(201);
    house.user("bo", get, Value::Null).await.fault(403, 17);
    let told = post(&house, "participants", json!({})).await.expect(201);
    assert_eq!((&told["participants"], &told["total_participants"]), (&json!([]), &json!(0)));
    // Nobody touches himself, and nobody who may not touches another.
    let own = json!({ "user_id": "ana" });
    house.user("ana", "POST /video/call/default/a/block", own).await.fault(400, 4);
    let other = json!({ "user_id": "ana" });
    let refused = house.user("cy", "POST /video/call/default/a/kick", other).await.fault(403, 17);
    assert!(refused.contains("is not allowed to perform action KickUser"), "{refused}");
}

#[tokio::test]
async fn a_banned_user_is_heard_nowhere() {
    let house = with_users(json!(["ana", "bo"])).await;
    create(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    house.server("POST /api/v2/users/deactivate", json!({ "user_ids": ["bo"] })).await;
    for line in ["GET /video/call/default/a", "POST /video/call/default/new"] {
        let told = house.user("bo", line, Value::Null).await;
        assert!(told.status == 401 || told.status == 403, "{line}: {told:?}");
    }
}

#[tokio::test]
async fn a_token_for_some_calls_is_good_for_no_others() {
    let house = with_users(json!(["ana"])).await;
    for call in ["default/a", "default/b", "livestream/l"] {
        create(&house, call, json!({ "created_by_id": "ana" })).await;
    }
    let bound = super::house::token(&json!({ "user_id": "ana", "call_cids": ["default:a"] }));
    house.ask(&bound, "GET /video/call/default/a", Value::Null).await.expect(200);
    for line in ["GET /video/call/default/b", "POST /video/call/default/new"] {
        house.ask(&bound, line, Value::Null).await.fault(403, 17);
    }
    let found = house.ask(&bound, "POST /video/calls", json!({})).await.expect(201);
    assert_eq!(cids(&found), ["default:a"]);
    // Without a name one looks where the anonymous may, and does nothing.
    let nobody = super::house::token(&json!({ "user_id": "!anon", "call_cids": ["livestream:l"] }));
    house.ask(&nobody, "GET /video/call/livestream/l", Value::Null).await.expect(200);
    house
        .ask(&nobody, "POST /video/call/livestream/l/mark_ended", Value::Null)
        .await
        .fault(403, 17);
    house.ask(&nobody, "POST /video/calls", json!({})).await.fault(403, 17);
}

#[tokio::test]
async fn calls_are_found_by_whoever_may_read_them() {
    let house = with_users(json!(["ana", "bo"])).await;
    for (at, call) in ["default/a", "livestream/b", "default/c"].into_iter().enumerate() {
        house.clock.advance(std::time::Duration::from_secs(1));
        let data = json!({ "created_by_id": "ana", "custom": { "number": at }, "members": [{ "user_id": "bo" }] });
        create(&house, call, data).await;
    }
    let query = |body: Value| house.server("POST /api/v2/video/calls", body);
    let all = query(Value::Null).await.expect(201);
    assert_eq!(cids(&all), ["default:c", "livestream:b", "default:a"]);
    assert_eq!(all["calls"][0]["members"][0]["user_id"], "bo");
    assert!(all.get("next").is_none() && all.get("prev").is_none());
    for (filter, expected) in [
        (json!({ "type": "livestream" }), vec!["livestream:b"]),
        (json!({ "custom.number": { "$gte": 1 } }), vec!["default:c", "livestream:b"]),
        (json!({ "members": { "$in": ["bo"] }, "id": "a" }), vec!["default:a"]),
        (json!({ "ended_at": null, "ongoing": true }), vec![]),
        (json!({ "team": null }), vec!["default:c", "livestream:b", "default:a"]),
    ] {
        let told = query(json!({ "filter_conditions": filter })).await.expect(201);
        assert_eq!(cids(&told), expected, "{filter}");
    }
    let sort = json!([{ "field": "cid", "direction": 1 }]);
    let page = query(json!({ "sort": sort, "limit": 2 })).await.expect(201);
    assert_eq!(cids(&page), ["default:a", "default:c"]);
    let next = query(json!({ "sort": sort, "limit": 2, "next": page["next"] })).await.expect(201);
    assert_eq!((cids(&next), next.get("next")), (vec!["livestream:b"], None));
    let back = query(json!({ "sort": sort, "limit": 2, "prev": next["prev"] })).await.expect(201);
    assert_eq!(cids(&back), cids(&page));
    for wrong in [
        json!({ "filter_conditions": { "colour": "red" } }),
        json!({ "filter_conditions": { "id": { "$regex": "a" } } }),
        json!({ "sort": [{ "field": "team" }] }),
        json!({ "limit": 101 }),
        json!({ "limit": -1 }),
    ] {
        query(wrong).await.fault(400, 4);
    }
    // A blocked user does not find the call; what another may in each of them is said with it.
    post(&house, "block", json!({ "user_id": "bo" })).await.expect(201);
    let found = house.user("bo", "POST /video/calls", json!({ "watch": true })).await.expect(201);
    assert_eq!(cids(&found), ["default:c", "livestream:b"]);
    for call in found["calls"].as_array().unwrap() {
        assert!(call["own_capabilities"].as_array().unwrap().contains(&json!("join-call")));
        assert_eq!(call["membership"]["user_id"], "bo");
    }
}
