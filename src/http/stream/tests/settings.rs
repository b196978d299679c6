//! Tests of the app's settings, permissions and roles.

use serde_json::{Value, json};

use super::house::{House, NOW_MS, token};

const NANOS: u64 = 1_000_000;

#[tokio::test]
async fn the_app_is_read_and_changed_by_the_back_end() {
    let house = House::open().await;
    let app = house.server("GET /api/v2/app", Value::Null).await.expect(200)["app"].take();
    for (field, expected) in [
        ("multi_tenant_enabled", json!(false)),
        ("permission_version", json!("v2")),
        ("guest_user_creation_disabled", json!(false)),
        ("enforce_unique_usernames", json!("no")),
        ("event_hooks", json!([])),
        ("policies", json!({})),
        ("name", json!("devkey")),
        ("file_upload_config", json!({ "size_limit": 0 })),
    ] {
        assert_eq!(app[field], expected, "{field}");
    }
    assert_eq!(app["grants"]["user"][0], "flag-user");
    assert!(app["call_types"]["livestream"]["grants"]["user"].is_array());
    assert!(app.get("revoke_tokens_issued_before").is_none());

    let change = json!({
        "multi_tenant_enabled": true,
        "grants": { "user": ["search-user-any-team"] },
        "permission_version": "v2",
        "webhook_url": null,
        "revoke_tokens_issued_before": "2025-12-31T00:00:00Z",
    });
    house.server("PATCH /api/v2/app", change).await.expect(200);
    let app = house.server("GET /api/v2/app", Value::Null).await.expect(200)["app"].take();
    assert_eq!(app["multi_tenant_enabled"], true);
    assert_eq!(app["grants"]["user"], json!(["search-user-any-team"]));
    assert!(app["grants"]["admin"].as_array().unwrap().len() > 3, "the others keep theirs");
    let day_ms = 24 * 60 * 60 * 1000;
    assert_eq!(app["revoke_tokens_issued_before"], json!((NOW_MS - day_ms) * NANOS));
    let change = json!({ "grants": null, "revoke_tokens_issued_before": null });
    house.server("PATCH /api/v2/app", change).await.expect(200);
    let app = house.server("GET /api/v2/app", Value::Null).await.expect(200)["app"].take();
    assert_eq!(app["grants"]["user"][0], "flag-user");
    assert!(app.get("revoke_tokens_issued_before").is_none());
    house.server("PATCH /api/v2/app", Value::Null).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_set_is_said() {
    let house = House::open().await;
    for (change, expected) in [
        (json!({ "mutli_tenant_enabled": true }), "`mutli_tenant_enabled`: cannot be set"),
        (json!({ "webhook_url": "https://a.example" }), "`webhook_url`: cannot be set"),
        (json!({ "permission_version": "v1" }), "`permission_version`: cannot be set"),
        (json!({ "disable_auth_checks": true }), "`disable_auth_checks`: the checks cannot"),
        (json!({ "multi_tenant_enabled": 1 }), "`multi_tenant_enabled`: invalid type: integer"),
        (json!({ "grants": { "user": ["fly"] } }), "unknown permission `fly` in scope `.app`"),
        (json!({ "grants": { "nobody": [] } }), "unknown role `nobody`"),
        (
            json!({ "revoke_tokens_issued_before": "soon" }),
            "`revoke_tokens_issued_before`: invalid",
        ),
    ] {
        let told = house.server("PATCH /api/v2/app", change.clone()).await.fault(400, 4);
        assert!(told.starts_with("UpdateApp failed with error: \""), "{told}");
        assert!(told.contains(expected), "{change}: {told}");
    }
    let app = house.server("GET /api/v2/app", Value::Null).await.expect(200)["app"].take();
    assert_eq!(app["multi_tenant_enabled"], false);
}

#[tokio::test]
async fn tokens_from_before_a_revocation_are_told_to_get_fresh_ones() {
    let house = House::open().await;
    let now = NOW_MS / 1000;
    let old = token(&json!({ "user_id": "ana", "iat": now - 100 }));
    let ageless = token(&json!({ "user_id": "ana" }));
    let fresh = token(&json!({ "user_id": "ana", "iat": now - 10 }));
    house.ask(&old, "GET /video/edges", Value::Null).await.expect(200);
    let before = (NOW_MS - 50_000) * NANOS;
    let change = json!({ "revoke_tokens_issued_before": before });
    house.server("PATCH /api/v2/app", change).await.expect(200);
    for token in [&old, &ageless] {
        let told = house.ask(token, "GET /video/edges", Value::Null).await.fault(401, 40);
        assert!(told.contains("token was revoked"), "{told}");
    }
    house.ask(&fresh, "GET /video/edges", Value::Null).await.expect(200);
    house.server("GET /api/v2/video/edges", Value::Null).await.expect(200);
}

#[tokio::test]
async fn permissions_are_listed_at_both_paths() {
    let house = House::open().await;
    for path in ["/api/v2/permissions", "/api/v2/video/permissions"] {
        let told = house.server(&format!("GET {path}"), Value::Null).await.expect(200);
        let all = told["permissions"].as_array().unwrap();
        let ids: Vec<_> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
        for id in ["send-audio", "block-user-owner", "join-call-any-team", "search-user"] {
            assert!(ids.contains(&id), "{id}");
        }
        let told = house.server(&format!("GET {path}/block-user-owner"), Value::Null).await;
        let one = told.expect(200)["permission"].take();
        assert_eq!((&one["action"], &one["owner"]), (&json!("BlockUser"), &json!(true)));
        assert_eq!((&one["level"], &one["custom"]), (&json!("channel"), &json!(false)));
        house.server(&format!("GET {path}/fly"), Value::Null).await.fault(404, 16);
        house.server(&format!("DELETE {path}/fly"), Value::Null).await.fault(404, 16);
        let told = house.server(&format!("POST {path}"), json!({ "id": "fly" })).await;
        assert!(told.fault(400, 4).contains("custom permissions are not supported"));
    }
}

#[tokio::test]
async fn roles_come_and_go() {
    let house = House::open().await;
    let made = house.server("POST /api/v2/roles", json!({ "name": "tutor" })).await.expect(201);
    assert_eq!(made["role"]["name"], "tutor");
    assert_eq!(made["role"]["custom"], true);
    assert_eq!(made["role"]["scopes"], json!([]));
    assert_eq!(made["role"]["created_at"], json!(NOW_MS * NANOS));
    let again = house.server("POST /api/v2/roles", json!({ "name": "tutor" })).await;
    assert!(again.fault(400, 4).contains("role `tutor` already exists"));
    for (name, expected) in [("a b", "`name`: "), ("", "`name`: "), ("admin", "already exists")] {
        let told = house.server("POST /api/v2/roles", json!({ "name": name })).await.fault(400, 4);
        assert!(told.contains(expected), "{told}");
    }
    house.server("POST /api/v2/roles", Value::Null).await.fault(400, 4);
    let grants = json!({ "grants": { "tutor": ["mute-users"] } });
    house.server("PUT /api/v2/video/calltypes/default", grants).await.expect(201);
    let told = house.server("GET /api/v2/roles", Value::Null).await.expect(200);
    let roles = told["roles"].as_array().unwrap();
    let find = |name: &str| roles.iter().find(|role| role["name"] == name).unwrap();
    assert_eq!(find("tutor")["scopes"], json!(["video:default"]));
    assert_eq!(find("user")["custom"], false);
    assert!(find("user")["scopes"].as_array().unwrap().contains(&json!(".app")));
    let told = house.server("DELETE /api/v2/roles/tutor", Value::Null).await.fault(400, 4);
    assert!(told.contains("role `tutor` is still in use"), "{told}");
    let none = json!({ "grants": { "tutor": [] } });
    house.server("PUT /api/v2/video/calltypes/default", none).await.expect(201);
    house.server("DELETE /api/v2/roles/tutor", Value::Null).await.expect(200);
    house.server("DELETE /api/v2/roles/tutor", Value::Null).await.fault(404, 16);
    house.server("DELETE /api/v2/roles/admin", Value::Null).await.fault(400, 4);
}

#[tokio::test]
async fn users_may_not_what_is_the_back_ends() {
    let house = House::open().await;
    for line in [
        "GET /api/v2/app",
        "PATCH /api/v2/app",
        "GET /api/v2/permissions",
        "POST /api/v2/roles",
        "GET /api/v2/video/calltypes",
        "PUT /api/v2/video/calltypes/default",
        "POST /api/v2/users/delete",
        "POST /api/v2/moderation/ban",
    ] {
        let told = house.user("ana", line, Value::Null).await.fault(403, 17);
        let (operation, text) = told.split_once(" failed with error: ").unwrap();
        let expected = format!(
            "\"User 'ana' with role 'user' is not allowed to perform action {operation} in scope \
             '.app'\""
        );
        assert_eq!(text, expected, "{line}");
    }
}
