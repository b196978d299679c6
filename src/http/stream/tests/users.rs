//! Tests of users: written, changed, guests, gone and back.

use axum::{body::Body, http::Request};
use rolecall_protocol::id::{CallTypeName, Cid, Seq};
use serde_json::{Value, json};

use super::house::{House, NOW_MS, token};

const NOW: u64 = NOW_MS * 1_000_000;

/// Writes these down as the back end.
async fn upsert(house: &House, users: &[Value]) -> Value {
    let by_id = users.iter().map(|user| (user["id"].as_str().unwrap().to_owned(), user.clone()));
    let body = json!({ "users": by_id.collect::<serde_json::Map<_, _>>() });
    house.server("POST /api/v2/users", body).await.expect(201)
}

#[tokio::test]
async fn users_are_written_down_whole() {
    let house = House::open().await;
    let sara = json!({ "id": "<user id>", "name": "Sara", "teams": ["red", "blue"], "role": "admin",
        "custom": { "color": "red" }, "teams_role": { "red": "host" }, "image": "https://a.example/a.png" });
    let told = upsert(&house, &[sara, json!({ "id": "bo" })]).await;
    assert_eq!(told["membership_deletion_task_id"], "");
    let sara = &told["users"]["<user id>"];
    for (field, expected) in [
        ("id", json!("<user id>")),
        ("name", json!("Sara")),
        ("role", json!("admin")),
        ("teams", json!(["blue", "red"])),
        ("teams_role", json!({ "red": "host" })),
        ("custom", json!({ "color": "red" })),
        ("created_at", json!(NOW)),
        ("banned", json!(false)),
        ("online", json!(false)),
        ("language", json!("")),
        ("devices", json!([])),
        ("channel_mutes", json!([])),
        ("unread_threads", json!(0)),
        ("blocked_user_ids", json!([])),
    ] {
        assert_eq!(sara[field], expected, "{field}");
    }
    let bo = &told["users"]["bo"];
    assert_eq!(bo["role"], "user");
    for field in ["name", "image", "teams_role", "last_active", "deactivated_at", "deleted_at"] {
        assert!(bo.get(field).is_none(), "{field}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_user_is_said_and_nothing_is_written() {
    let house = House::open().await;
    let long = "x".repeat(101);
    let many: Vec<_> = (0..251).map(|n| format!("t{n}")).collect();
    for (user, expected) in [
        (json!({ "id": "ana", "role": "nobody" }), "unknown role `nobody`"),
        (json!({ "id": "ana", "teams": [long] }), "`users.ana.teams[0]`: team must be at most 100"),
        (json!({ "id": "ana", "teams": many }), "at most 250 teams"),
        (json!({ "id": "ana", "custom": [] }), "custom"),
        (json!({ "id": "bo" }), "`users.ana.id`: `bo` stands under another id"),
        (json!({ "name": "ana" }), "`users.ana`: missing field `id`"),
        (json!({ "id": "ana", "privacy_settings": {} }), "`users.ana.privacy_settings`: is not"),
        (json!({ "id": "" }), "`users.ana.id`: "),
    ] {
        let body = json!({ "users": { "fine": { "id": "fine" }, "ana": user } });
        let told = house.server("POST /api/v2/users", body).await.fault(400, 4);
        assert!(told.contains(expected), "{user}: {told}");
    }
    house.server("POST /api/v2/users", json!({ "users": {} })).await.fault(400, 4);
    house.server("POST /api/v2/users", Value::Null).await.fault(400, 4);
    let patch = json!({ "users": [{ "id": "fine", "set": { "name": "F" } }] });
    let told = house.server("PATCH /api/v2/users", patch).await.fault(400, 4);
    assert!(told.contains("the provided users [fine] don't exist"), "{told}");
}

#[tokio::test]
async fn users_are_changed_in_part() {
    let house = House::open().await;
    upsert(&house, &[json!({ "id": "ana", "name": "Ana", "custom": { "a": 1, "b": { "c": 2 } } })])
        .await;
    let patch = json!({ "users": [{ "id": "ana", "set": { "color": "red", "b.d": 3 }, "unset": ["a", "name"] }] });
    let told = house.server("PATCH /api/v2/users", patch).await.expect(200);
    let ana = &told["users"]["ana"];
    assert_eq!(ana["custom"], json!({ "color": "red", "b": { "c": 2, "d": 3 } }));
    assert!(ana.get("name").is_none());
    let patch = json!({ "users": [{ "id": "ana", "set": { "created_at": 3 } }] });
    let told = house.server("PATCH /api/v2/users", patch).await.fault(400, 4);
    assert!(told.contains("is kept by the server"), "{told}");
}

#[tokio::test]
async fn a_user_writes_himself_and_nobody_else() {
    let house = House::open().await;
    upsert(&house, &[json!({ "id": "ana", "custom": { "a": 1 } })]).await;
    let own = json!({ "users": { "ana": { "id": "ana", "name": "Ana" } } });
    let told = house.user("ana", "POST /api/v2/users", own.clone()).await.expect(201);
    assert_eq!(told["users"]["ana"]["custom"], json!({ "a": 1 }), "what he does not say stays");
    house.user("bo", "POST /api/v2/users", own).await.fault(403, 17);
    let role = json!({ "users": { "ana": { "id": "ana", "role": "admin" } } });
    house.user("ana", "POST /api/v2/users", role).await.fault(403, 17);
    let teams = json!({ "users": [{ "id": "ana", "set": { "teams": ["red"] } }] });
    house.user("ana", "PATCH /api/v2/users", teams).await.fault(403, 17);
}

#[tokio::test]
async fn guests_come_without_a_token_and_get_one() {
    let house = House::open().await;
    let guest = |path: &str, body: Value| {
        let request = Request::builder()
            .method("POST")
            .uri(format!("{path}?api_key=devkey"))
            .header("stream-auth-type", "anonymous");
        request.body(Body::from(body.to_string())).unwrap()
    };
    let body = json!({ "user": { "id": "ana", "name": "Ana" } });
    let told = house.send(guest("/video/guest", body.clone())).await.expect(201);
    let id = told["user"]["id"].as_str().unwrap();
    assert!(id.starts_with("guest-") && id.ends_with("-ana"), "{id}");
    assert_eq!(told["user"]["role"], "guest");
    assert_eq!(told["user"]["created_at"], "2026-01-01T00:00:00.000Z");
    let token = told["access_token"].as_str().unwrap();
    house.ask(token, "GET /video/edges", Value::Null).await.expect(200);
    let told = house.ask(token, "GET /api/v2/app", Value::Null).await.fault(403, 17);
    assert!(told.contains(&format!("User '{id}' with role 'guest'")), "{told}");
    let again = house.send(guest("/api/v2/guest", body.clone())).await.expect(201);
    assert_ne!(again["user"]["id"], id);
    assert_eq!(again["user"]["created_at"], json!(NOW));
    for (user, expected) in [
        (json!({ "id": "ana", "role": "admin" }), "a guest's role is `guest`"),
        (json!({ "id": "x".repeat(120) }), "`user.id`: with the prefix of a guest"),
    ] {
        let body = json!({ "user": user });
        let told = house.send(guest("/video/guest", body)).await.fault(400, 4);
        assert!(told.contains(expected), "{told}");
    }
    let teams = json!({ "user": { "id": "ana", "teams": ["red"] } });
    house.send(guest("/video/guest", teams)).await.fault(403, 17);
    let change = json!({ "guest_user_creation_disabled": true });
    house.server("PATCH /api/v2/app", change).await.expect(200);
    let told = house.send(guest("/video/guest", body)).await.fault(403, 17);
    assert!(told.contains("guest user creation is disabled"), "{told}");
    let no_key = Request::builder().method("POST").uri("/video/guest");
    house.send(no_key.body(Body::empty()).unwrap()).await.fault(401, 2);
}

#[tokio::test]
async fn users_go_and_come_back() {
    let house = House::open().await;
    upsert(&house, &[json!({ "id": "ana" }), json!({ "id": "bo" })]).await;
    let ids = |ids: &[&str]| json!({ "user_ids": ids });
    let me = async |status: u16| {
        let told = house.user("ana", "GET /video/edges", Value::Null).await;
        if status == 200 { told.expect(200).to_string() } else { told.fault(403, 17) }
    };
    me(200).await;
    let task = house.server("POST /api/v2/users/deactivate", ids(&["ana", "bo"])).await.expect(201);
    let line = format!("GET /api/v2/tasks/{}", task["task_id"].as_str().unwrap());
    let task = house.server(&line, Value::Null).await.expect(200);
    assert_eq!((&task["status"], &task["created_at"]), (&json!("completed"), &json!(NOW)));
    house.server("GET /api/v2/tasks/other", Value::Null).await.fault(404, 16);
    assert!(me(403).await.contains("user 'ana' is deactivated"));
    let told = house.server("POST /api/v2/users/ana/deactivate", Value::Null).await.fault(400, 4);
    assert!(told.contains("already deactivated"), "{told}");
    let told = house.server("POST /api/v2/users/ana/reactivate", json!({})).await.expect(201);
    assert!(told["user"].get("deactivated_at").is_none());
    house.server("POST /api/v2/users/reactivate", ids(&["bo"])).await.expect(201);
    me(200).await;
    let told = house.server("POST /api/v2/users/ana/deactivate", Value::Null).await.expect(201);
    assert_eq!(told["user"]["deactivated_at"], json!(NOW));
    house.server("POST /api/v2/users/ana/reactivate", Value::Null).await.expect(201);
    house.server("POST /api/v2/users/nobody/deactivate", Value::Null).await.fault(404, 16);

    house.server("POST /api/v2/users/delete", ids(&["ana"])).await.expect(201);
    assert!(me(403).await.contains("user 'ana' is deleted"));
    let told = house.server("POST /api/v2/users/restore", ids(&["bo"])).await.fault(400, 4);
    let expected =
        "RestoreUsers failed with error: \"user \"bo\" is not deleted, it can't be restored\"";
    assert_eq!(told, expected);
    house.server("POST /api/v2/users/restore", ids(&["ana"])).await.expect(201);
    me(200).await;
    let hard = json!({ "user_ids": ["ana"], "user": "hard" });
    house.server("POST /api/v2/users/delete", hard).await.expect(201);
    house.server("POST /api/v2/users/restore", ids(&["ana"])).await.fault(400, 4);
    let wrong = json!({ "user_ids": ["bo"], "user": "softly" });
    let told = house.server("POST /api/v2/users/delete", wrong).await.fault(400, 4);
    assert!(told.contains("`user`: unknown variant `softly`"), "{told}");
    house.server("POST /api/v2/users/delete", ids(&[])).await.fault(400, 4);
    house.server("POST /api/v2/users/delete", ids(&["nobody"])).await.fault(400, 4);
}

#[tokio::test]
async fn the_calls_of_who_is_deleted_can_go_with_him() {
    let house = House::open().await;
    upsert(&house, &[json!({ "id": "ana" }), json!({ "id": "bo" })]).await;
    for (id, by) in [("a", "ana"), ("b", "ana"), ("c", "bo")] {
        let line = format!("POST /api/v2/video/call/default/{id}");
        house.server(&line, json!({ "data": { "created_by_id": by } })).await.expect(201);
    }
    let body = json!({ "user_ids": ["ana"], "calls": "hard" });
    let task = house.server("POST /api/v2/users/delete", body).await.expect(201);
    let line = format!("GET /api/v2/tasks/{}", task["task_id"].as_str().unwrap());
    let mut task = Value::Null;
    for _ in 0..500 {
        task = house.server(&line, Value::Null).await.expect(200);
        if task["status"] != "running" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!((&task["status"], &task["result"]), (&json!("completed"), &json!({ "calls": 2 })));
    house.server("GET /api/v2/video/call/default/a", Value::Null).await.fault(404, 16);
    house.server("GET /api/v2/video/call/default/c", Value::Null).await.expect(200);
    let trail = async |cid: &str| {
        let cid = Cid::parse(cid, &CallTypeName::parse("default").unwrap()).unwrap();
        house.journal.read(&cid, Seq(0), 100).await.unwrap().records.len()
    };
    assert_eq!((trail("default:a").await, trail("default:b").await), (0, 0));
    assert_eq!(trail("default:c").await, 1);
    // Soft, what was done there can still be read.
    let body = json!({ "user_ids": ["bo"], "calls": "soft" });
    house.server("POST /api/v2/users/delete", body).await.expect(201);
    for _ in 0..500 {
        if trail("default:c").await > 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(trail("default:c").await, 2);
    house.server("GET /api/v2/video/call/default/c", Value::Null).await.fault(404, 16);
    let owner = json!({ "user_ids": ["bo"], "new_call_owner_id": "x" });
    house.server("POST /api/v2/users/delete", owner).await.fault(400, 4);
}

#[tokio::test]
async fn the_banned_stay_out() {
    let house = House::open().await;
    upsert(&house, &[json!({ "id": "ana" })]).await;
    let ban =
        json!({ "target_user_id": "ana", "banned_by_id": "bo", "reason": "noise", "timeout": 10 });
    house.server("POST /api/v2/moderation/ban", ban).await.expect(201);
    let told = house.user("ana", "GET /video/edges", Value::Null).await.fault(403, 17);
    assert!(told.contains("user 'ana' is banned"), "{told}");
    let line = "POST /api/v2/moderation/unban?target_user_id=ana";
    house.server(line, Value::Null).await.expect(201);
    house.user("ana", "GET /video/edges", Value::Null).await.expect(200);
    for (body, expected) in [
        (json!({ "target_user_id": "ana", "channel_cid": "default:a" }), "`channel_cid`: is not"),
        (json!({ "target_user_id": "ana", "shadow": true }), "`shadow`: is not supported"),
        (json!({ "target_user_id": "ana", "timeout": 0 }), "`timeout`: is 1 to"),
        (json!({ "target_user_id": "nobody" }), "don't exist"),
        (json!({}), "missing field `target_user_id`"),
    ] {
        let told = house.server("POST /api/v2/moderation/ban", body).await.fault(400, 4);
        assert!(told.contains(expected), "{told}");
    }
    house.server("POST /api/v2/moderation/unban", Value::Null).await.fault(400, 4);
}

#[tokio::test]
async fn while_teams_are_kept_apart_only_the_back_end_writes_users() {
    let house = House::open().await;
    house.server("PATCH /api/v2/app", json!({ "multi_tenant_enabled": true })).await.expect(200);
    let own = json!({ "users": { "ana": { "id": "ana" } } });
    house.user("ana", "POST /api/v2/users", own.clone()).await.fault(403, 17);
    house.server("POST /api/v2/users", own).await.expect(201);
    let guest = json!({ "user": { "id": "g" } });
    let as_ana = token(&json!({ "user_id": "ana" }));
    house.ask(&as_ana, "POST /video/guest", guest.clone()).await.fault(403, 17);
    house.server("POST /api/v2/guest", guest).await.expect(201);
}
