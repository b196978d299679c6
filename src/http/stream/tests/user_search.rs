//! Tests of looking for users, and of whom nobody may find.

use serde_json::{Value, json};

use super::house::House;

/// Asks for users with this payload; `null`: none.
async fn found(house: &House, by: Option<&str>, payload: &Value) -> Vec<String> {
    let told = asked(house, by, payload).await.expect(200);
    let users = told["users"].as_array().unwrap().iter();
    users.map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

async fn asked(house: &House, by: Option<&str>, payload: &Value) -> super::house::Told {
    let text = payload.to_string();
    let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let query = if payload.is_null() { String::new() } else { format!("?payload={escaped}") };
    match by {
        None => house.server(&format!("GET /api/v2/users{query}"), Value::Null).await,
        Some(id) => house.user(id, &format!("GET /video/users{query}"), Value::Null).await,
    }
}

/// Some users: two in red, one in both teams, two in none.
async fn people(house: &House) {
    let users = json!({ "users": {
        "nick": { "id": "nick", "name": "Nick", "teams": ["red"], "custom": { "age": 30 } },
        "rita": { "id": "rita", "name": "Rita Red", "teams": ["red"], "custom": { "age": 40 } },
        "vera": { "id": "vera", "name": "Vera", "teams": ["red", "blue"] },
        "tom": { "id": "tom", "name": "Tom" },
        "tim": { "id": "tim", "name": "Tim", "role": "admin" },
    } });
    house.server("POST /api/v2/users", users).await.expect(201);
}

#[tokio::test]
async fn the_back_end_finds_everybody() {
    let house = House::open().await;
    people(&house).await;
    let by_id = json!([{ "field": "id", "direction": 1 }]);
    for (filter, expected) in [
        (json!({}), vec!["nick", "rita", "tim", "tom", "vera"]),
        (json!({ "name": "Nick", "teams": { "$in": ["red", "blue"] } }), vec!["nick"]),
        (json!({ "name": "Tom", "teams": null }), vec!["tom"]),
        (json!({ "teams": null }), vec!["tim", "tom"]),
        (json!({ "teams": {} }), vec!["nick", "rita", "tim", "tom", "vera"]),
        (json!({ "teams": { "$contains": "blue" } }), vec!["vera"]),
        (json!({ "name": { "$autocomplete": "re" } }), vec!["rita"]),
        (json!({ "role": "admin" }), vec!["tim"]),
        (json!({ "id": { "$in": ["tom", "nobody"] } }), vec!["tom"]),
        (json!({ "custom.age": { "$gt": 30 } }), vec!["rita"]),
        (json!({ "$or": [{ "id": "tim" }, { "banned": true }] }), vec!["tim"]),
        (json!({ "created_at": { "$lte": "2026-01-01T00:00:00Z" }, "id": "tom" }), vec!["tom"]),
    ] {
        let payload = json!({ "filter_conditions": filter, "sort": by_id });
        assert_eq!(found(&house, None, &payload).await, expected, "{filter}");
    }
    assert_eq!(found(&house, None, &Value::Null).await.len(), 5);
    let page = json!({ "filter_conditions": {}, "sort": by_id, "limit": 2, "offset": 1,
        "presence": null, "user_id": null, "id_gt": null });
    assert_eq!(found(&house, None, &page).await, ["rita", "tim"]);
    let page = json!({ "filter_conditions": {}, "sort": by_id, "id_gt": "rita", "id_lte": "tom" });
    assert_eq!(found(&house, None, &page).await, ["tim", "tom"]);
    let down = json!({ "filter_conditions": {}, "sort": [{ "field": "name", "direction": -1 }] });
    assert_eq!(found(&house, None, &down).await[..2], ["vera", "tom"]);
}

#[tokio::test]
async fn who_is_away_is_found_only_when_asked_for() {
    let house = House::open().await;
    people(&house).await;
    let ids = |id: &str| json!({ "user_ids": [id] });
    house.server("POST /api/v2/users/deactivate", ids("nick")).await.expect(201);
    house.server("POST /api/v2/users/delete", ids("rita")).await.expect(201);
    let mut payload = json!({ "filter_conditions": { "id": { "$in": ["nick", "rita", "tom"] } },
        "sort": [{ "field": "id" }] });
    assert_eq!(found(&house, None, &payload).await, ["tom"]);
    payload["include_deactivated_users"] = json!(true);
    assert_eq!(found(&house, None, &payload).await, ["nick", "tom"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_search_is_said() {
    let house = House::open().await;
    for (payload, expected) in [
        (json!({ "filter_conditions": { "shoe": 1 } }), "shoe"),
        (json!({ "filter_conditions": { "name": { "$near": 1 } } }), "$near"),
        (json!({ "filter_conditions": [] }), "`filter_conditions`: a filter is an object"),
        (json!({ "filter_conditions": {}, "sort": [{ "field": "shoe" }] }), "`sort.0"),
        (json!({ "filter_conditions": {}, "limit": 101 }), "`limit`: is at most 100"),
        (json!({ "filter_conditions": {}, "offset": 1001 }), "`offset`: is at most 1000"),
        (json!({ "filter_conditions": {}, "limit": "many" }), "`limit`: invalid type"),
        (json!("{"), "invalid type: string"),
    ] {
        let told = asked(&house, None, &payload).await.fault(400, 4);
        assert!(told.starts_with("QueryUsers failed with error: \""), "{told}");
        assert!(told.contains(expected), "{payload}: {told}");
    }
    house.server("GET /api/v2/users?payload=%7B", Value::Null).await.fault(400, 4);
}

#[tokio::test]
async fn users_find_their_teams_and_nothing_widens_that() {
    let house = House::open().await;
    people(&house).await;
    let sorted =
        |filter: &Value| json!({ "filter_conditions": filter, "sort": [{ "field": "id" }] });
    let all = sorted(&json!({}));
    assert_eq!(found(&house, Some("nick"), &all).await.len(), 5, "teams are not kept apart");
    house.server("PATCH /api/v2/app", json!({ "multi_tenant_enabled": true })).await.expect(200);
    for (by, filter, expected) in [
        ("nick", json!({}), vec!["nick", "rita", "vera"]),
        ("nick", json!({ "teams": {} }), vec!["nick", "rita", "vera"]),
        ("nick", json!({ "teams": null }), vec![]),
        ("nick", json!({ "teams": { "$in": ["red", "blue"] } }), vec!["nick", "rita", "vera"]),
        ("nick", json!({ "teams": { "$contains": "blue" } }), vec!["vera"]),
        ("nick", json!({ "$or": [{ "teams": null }, { "id": "tom" }] }), vec![]),
        ("vera", json!({ "id": { "$in": ["nick", "tom"] } }), vec!["nick"]),
        ("tom", json!({}), vec!["tim", "tom"]),
        ("tom", json!({ "teams": {} }), vec!["tim", "tom"]),
        ("a stranger", json!({}), vec!["tim", "tom"]),
    ] {
        assert_eq!(found(&house, Some(by), &sorted(&filter)).await, expected, "{by}: {filter}");
    }
    assert_eq!(found(&house, None, &all).await.len(), 5, "the back end sees all");

    // Who may search across teams does so by mentioning them.
    let grants = json!({ "grants": { "user": ["search-user-any-team"] } });
    house.server("PATCH /api/v2/app", grants).await.expect(200);
    assert_eq!(found(&house, Some("tom"), &all).await, ["tim", "tom"]);
    assert_eq!(found(&house, Some("tom"), &sorted(&json!({ "teams": {} }))).await.len(), 5);
    house.server("PATCH /api/v2/app", json!({ "grants": { "user": [] } })).await.expect(200);
    let told = asked(&house, Some("tom"), &all).await.fault(403, 17);
    assert!(told.contains("is not allowed to perform action SearchUser in scope '.app'"), "{told}");
}
