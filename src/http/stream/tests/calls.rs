//! Calls over REST: got, created, changed, deleted, and who may.

use serde_json::{Value, json};

use super::house::{House, Told};

/// A house in which these users are known.
pub(super) async fn with_users(users: Value) -> House {
    let house = House::open().await;
    let users: serde_json::Map<String, Value> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| match user {
            Value::String(id) => (id.clone(), json!({ "id": id })),
            user => (user["id"].as_str().unwrap().to_owned(), user.clone()),
        })
        .collect();
    house.server("POST /api/v2/users", json!({ "users": users })).await.expect(201);
    house
}

/// Creates a call as the back end.
pub(super) async fn create(house: &House, call: &str, data: Value) -> Value {
    let line = format!("POST /api/v2/video/call/{call}");
    house.server(&line, json!({ "data": data })).await.expect(201)
}

fn user_ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["user_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_call_is_created_once_and_got_after_that() {
    let house = with_users(json!([{ "id": "ana", "name": "Ana" }, "jack", "john"])).await;
    let data = json!({
        "created_by_id": "ana", "members": [{ "user_id": "john" }, { "user_id": "jack", "role": "admin",
        "custom": { "seat": 3 } }], "custom": { "topic": "plans" }, "starts_at": "2026-02-01T10:00:00Z",
        "settings_override": { "backstage": { "enabled": false, "join_ahead_time_seconds": 60 } },
    });
    let first = create(&house, "default/standup", data.clone()).await;
    assert_eq!((&first["created"], &first["own_capabilities"]), (&json!(true), &json!([])));
    assert_eq!(user_ids(&first["members"]), ["jack", "john"], "the last added first");
    assert_eq!(first["members"][0]["role"], "admin");
    assert_eq!(first["members"][0]["custom"], json!({ "seat": 3 }));
    assert_eq!(first["members"][1]["role"], "call_member");
    assert!(first.get("membership").is_none());
    let call = &first["call"];
    for (field, expected) in [
        ("type", json!("default")),
        ("id", json!("standup")),
        ("cid", json!("default:standup")),
        ("custom", json!({ "topic": "plans" })),
        ("created_at", json!(1_767_225_600_000_000_000_u64)),
        ("updated_at", json!(1_767_225_600_000_000_000_u64)),
        ("starts_at", json!(1_769_940_000_000_000_000_u64)),
        ("backstage", json!(false)),
        ("blocked_user_ids", json!([])),
        ("current_session_id", json!("")),
        ("recording", json!(false)),
        ("transcribing", json!(false)),
        ("captioning", json!(false)),
        ("translating", json!(false)),
        ("egress", json!({ "broadcasting": false, "rtmps": [] })),
        ("join_ahead_time_seconds", json!(60)),
    ] {
        assert_eq!(call[field], expected, "{field}");
    }
    assert_eq!(call["created_by"]["name"], "Ana");
    assert_eq!(call["settings"]["backstage"]["join_ahead_time_seconds"], 60);
    assert_eq!(call["settings"]["video"]["enabled"], true);
    assert!(call["ingress"]["srt"]["address"].as_str().unwrap().contains("{passphrase}"));
    for absent in ["team", "ended_at", "session"] {
        assert!(call.get(absent).is_none(), "{absent}");
    }

    // What is said of a call that is there changes nothing, be it wrong.
    let other = json!({ "created_by_id": "zoe", "custom": { "topic": "other" }, "team": "red" });
    let again = create(&house, "default/standup", other).await;
    assert_eq!((&again["created"], &again["call"]), (&json!(false), call));
    let none = house.server("POST /api/v2/video/call/default/standup", Value::Null).await;
    assert_eq!(none.expect(201)["call"], *call);
    let one = house.server("GET /api/v2/video/call/default/standup?members_limit=1", Value::Null);
    let one = one.await.expect(200);
    assert_eq!((one["members"].as_array().unwrap().len(), &one["call"]), (1, call));
    let text = house.server("GET /video/call/default/standup", Value::Null).await.expect(200);
    assert_eq!(text["call"]["created_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(text["members"][0]["created_at"], "2026-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_streams_words() {
    let house = with_users(json!(["ana"])).await;
    let get = |path: &'static str| house.server(path, Value::Null);
    let text = get("GET /api/v2/video/call/default/x").await.fault(404, 16);
    assert_eq!(text, "GetCall failed with error: \"Can't find call with id default:x\"");
    let text = get("GET /api/v2/video/call/none/x").await.fault(404, 16);
    assert_eq!(text, "GetCall failed with error: \"none: call type does not exist\"");
    for path in ["a%20b", "a:b", "%C3%A9", &"x".repeat(65)] {
        let line = format!("GET /api/v2/video/call/default/{path}");
        house.server(&line, Value::Null).await.fault(400, 4);
    }
    get("GET /api/v2/video/call/default/x?members_limit=101").await.fault(400, 4);
    let post = |body: Value| house.server("POST /api/v2/video/call/default/x", body);
    let text = post(json!({})).await.fault(400, 4);
    assert_eq!(
        text,
        "GetOrCreateCall failed with error: \"either data.created_by or data.created_by_id must be \
         provided when using server side auth\""
    );
    let members = json!([{ "user_id": "u" }, { "user_id": "ana" }, { "user_id": "v" }]);
    let data = json!({ "created_by_id": "ana", "members": members });
    let text = post(json!({ "data": data })).await.fault(400, 4);
    assert_eq!(
        text,
        "GetOrCreateCall failed with error: \"The following users are involved in call create \
         operation, but don't exist: [u v]. Please create the user objects before setting up the \
         call.\""
    );
    let with = |more: Value| {
        let mut data = json!({ "created_by_id": "ana" });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(json!({ "data": data }))
    };
    for (more, place) in [
        (json!({ "members": [{ "role": "user" }] }), "member user_id is required"),
        (json!({ "members": [{ "user_id": "ana" }, { "user_id": "ana" }] }), "twice"),
        (json!({ "members": [{ "user_id": "ana", "role": "a b" }] }), "data.members[0].role"),
        (json!({ "settings_override": { "video": { "colour": true } } }), "colour"),
        (json!({ "settings_override": { "smoke": {} } }), "smoke"),
        (json!({ "custom": [] }), "data.custom"),
        (json!({ "custom": { "long": "x".repeat(5000) } }), "data.custom"),
        (json!({ "starts_at": "soon" }), "data.starts_at"),
        (json!({ "created_by": { "id": "bo" } }), "created_by"),
        (json!({ "members": vec![json!({ "user_id": "ana" }); 101] }), "at most 100"),
    ] {
        let text = with(more.clone()).await.fault(400, 4);
        assert!(text.contains(place), "{more}: {text}");
    }
    get("GET /api/v2/video/call/default/x").await.fault(404, 16);
}

#[tokio::test]
async fn a_creator_may_be_written_down_with_his_call() {
    let house = with_users(json!([{ "id": "ana", "name": "Ana" }])).await;
    let new = json!({ "created_by": { "id": "bo", "name": "Bo" } });
    let created = create(&house, "default/a", new).await;
    assert_eq!(created["call"]["created_by"]["name"], "Bo");
    let id_alone = create(&house, "default/b", json!({ "created_by": { "id": "ana" } })).await;
    assert_eq!(id_alone["call"]["created_by"]["name"], "Ana", "his id alone changes nothing");
    let unknown = json!({ "data": { "created_by": { "id": "zoe" } } });
    house.server("POST /api/v2/video/call/default/c", unknown).await.fault(400, 4);
}

#[tokio::test]
async fn a_user_creates_as_himself_and_sees_what_he_may() {
    let house = with_users(json!(["ana", { "id": "bo", "role": "admin" }])).await;
    let path = "POST /video/call/livestream/show";
    let for_other = json!({ "data": { "created_by_id": "bo" } });
    house.user("ana", path, for_other).await.fault(400, 4);
    let created = house.user("ana", path, json!({ "data": {} })).await.expect(201);
    assert_eq!(created["call"]["created_by"]["id"], "ana");
    assert_eq!(created["call"]["backstage"], true);
    let capabilities = |told: &Value| -> Vec<String> {
        serde_json::from_value(told["own_capabilities"].clone()).unwrap()
    };
    let own = capabilities(&created);
    assert!(own.contains(&"send-audio".to_owned()) && own.contains(&"end-call".to_owned()));
    assert!(own.is_sorted(), "{own:?}");
    // Another user is a viewer, an admin is one who may all.
    let viewer = house.user("cy", "GET /video/call/livestream/show", Value::Null).await.expect(200);
    assert!(!capabilities(&viewer).contains(&"send-audio".to_owned()));
    assert!(capabilities(&viewer).contains(&"join-call".to_owned()));
    let admin = house.user("bo", "GET /video/call/livestream/show", Value::Null).await.expect(200);
    assert!(capabilities(&admin).contains(&"update-call-settings".to_owned()));
    let refused = house.user("cy", "POST /video/call/livestream/show/mark_ended", Value::Null);
    assert_eq!(
        refused.await.fault(403, 17),
        "EndCall failed with error: \"User 'cy' with role 'user' is not allowed to perform action \
         EndCall in scope 'video:livestream'\""
    );
    let members = json!({ "update_members": [{ "user_id": "bo" }] });
    house.user("ana", "POST /video/call/livestream/show/members", members).await.expect(201);
    let bo = house.user("bo", "GET /video/call/livestream/show", Value::Null).await.expect(200);
    assert_eq!(bo["membership"]["user_id"], "bo");
    house.user("cy", "POST /video/call/livestream/show/delete", json!({})).await.fault(403, 17);
}

#[tokio::test]
async fn a_call_is_changed_as_said() {
    let house = with_users(json!(["ana"])).await;
    create(&house, "livestream/a", json!({ "created_by_id": "ana", "custom": { "a": 1 } })).await;
    house.clock.advance(std::time::Duration::from_secs(5));
    let patch = |body: Value| house.server("PATCH /api/v2/video/call/livestream/a", body);
    let changed = patch(json!({ "custom": { "b": 2 }, "starts_at": "2026-03-01T00:00:00Z" }));
    let changed = changed.await.expect(200);
    assert_eq!(changed["call"]["custom"], json!({ "b": 2 }));
    assert_eq!(changed["call"]["updated_at"], json!(1_767_225_605_000_000_000_u64));
    let off = json!({ "settings_override": { "screensharing": { "enabled": false } } });
    patch(off).await.expect(200);
    let off = json!({ "settings_override": { "video": { "enabled": false, "camera_default_on": false } } });
    let both = patch(off).await.expect(200);
    let settings = &both["call"]["settings"];
    assert_eq!(
        (&settings["screensharing"]["enabled"], &settings["video"]["enabled"]),
        (&json!(false), &json!(false))
    );
    let cleared = patch(json!({ "starts_at": null })).await.expect(200);
    assert!(cleared["call"].get("starts_at").is_none());
    patch(json!({ "settings_override": { "x": {} } })).await.fault(400, 4);
    // Live, and back again.
    let post = |path: &str, body: Value| {
        let line = format!("POST /api/v2/video/call/livestream/a/{path}");
        let house = &house;
        async move { house.server(&line, body).await }
    };
    assert_eq!(post("go_live", json!({})).await.expect(201)["call"]["backstage"], false);
    assert_eq!(post("stop_live", Value::Null).await.expect(201)["call"]["backstage"], true);
    post("mark_ended", Value::Null).await.expect(201);
    let ended = house.server("GET /api/v2/video/call/livestream/a", Value::Null).await.expect(200);
    assert_eq!(ended["call"]["ended_at"], json!(1_767_225_605_000_000_000_u64));
}

#[tokio::test]
async fn a_deleted_call_is_gone_and_its_name_free() {
    let house = with_users(json!(["ana"])).await;
    let path = "POST /api/v2/video/call/default/a/delete";
    house.server(path, json!({})).await.fault(404, 16);
    create(&house, "default/a", json!({ "created_by_id": "ana", "custom": { "a": 1 } })).await;
    let deleted = house.server(path, json!({})).await.expect(201);
    assert_eq!(deleted["call"]["custom"], json!({ "a": 1 }));
    assert!(deleted.get("task_id").is_none());
    house.server("GET /api/v2/video/call/default/a", Value::Null).await.fault(404, 16);
    let anew = create(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    assert_eq!((&anew["created"], &anew["call"]["custom"]), (&json!(true), &json!({})));
    let hard = house.server(path, json!({ "hard": true })).await.expect(201);
    let task = format!("GET /api/v2/tasks/{}", hard["task_id"].as_str().unwrap());
    let told = loop {
        let told = house.server(&task, Value::Null).await.expect(200);
        if told["status"] != "running" {
            break told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&told["status"], &told["result"]["cid"]),
        (&json!("completed"), &json!("default:a"))
    );
    house.server("GET /api/v2/video/call/default/a", Value::Null).await.fault(404, 16);
}

#[tokio::test]
async fn members_are_answered_in_the_order_of_the_request() {
    let house = with_users(json!(["ana", "bo", "cy", "di"])).await;
    create(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    let post = |body: Value| house.server("POST /api/v2/video/call/default/a/members", body);
    let set = json!([{ "user_id": "cy", "role": "admin" }, { "user_id": "bo" }]);
    let told = post(json!({ "update_members": set })).await.expect(201);
    assert_eq!(user_ids(&told["members"]), ["cy", "bo"]);
    house.clock.advance(std::time::Duration::from_secs(1));
    let set = json!([{ "user_id": "di" }, { "user_id": "cy", "custom": { "x": 1 } }]);
    let told = post(json!({ "update_members": set, "remove_members": ["bo", "nobody"] })).await;
    let told = told.expect(201);
    assert_eq!(user_ids(&told["members"]), ["di", "cy"]);
    assert_eq!(told["members"][1]["role"], "admin", "what is not given stays");
    let unknown = json!({ "update_members": [{ "user_id": "u1" }, { "user_id": "ana" }, { "user_id": "u2" }] });
    assert_eq!(
        post(unknown).await.fault(400, 4),
        "UpdateCallMembers failed with error: \"the provided users [u1 u2] don't exist\""
    );
    post(json!({ "update_members": [{ "user_id": "ana", "role": "nothing" }] }))
        .await
        .fault(400, 4);
    let query = |body: Value| {
        let house = &house;
        async move {
            let mut whole = json!({ "type": "default", "id": "a" });
            whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            house.server("POST /api/v2/video/call/members", whole).await
        }
    };
    assert_eq!(user_ids(&query(json!({})).await.expect(201)["members"]), ["di", "cy"]);
    let admins = query(json!({ "filter_conditions": { "role": "admin" } })).await.expect(201);
    assert_eq!(user_ids(&admins["members"]), ["cy"]);
    let page = query(json!({ "limit": 1 })).await.expect(201);
    assert_eq!((user_ids(&page["members"]), page.get("prev")), (vec!["di"], None));
    let next = query(json!({ "limit": 1, "next": page["next"] })).await.expect(201);
    assert_eq!((user_ids(&next["members"]), next.get("next")), (vec!["cy"], None));
    for wrong in [
        json!({ "filter_conditions": { "colour": 1 } }),
        json!({ "sort": [{ "field": "custom.x" }] }),
        json!({ "limit": 101 }),
        json!({ "next": "nonsense" }),
        json!({ "next": page["next"], "prev": page["next"] }),
    ] {
        query(wrong).await.fault(400, 4);
    }
    let missing: Told = query(json!({ "id": "none" })).await;
    assert!(missing.fault(404, 16).contains("Can't find call with id default:none"));
}
