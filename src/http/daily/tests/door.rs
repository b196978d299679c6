//! Tests of the door: who is let in, how often, and how what goes wrong is said.

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use super::{ask, done, refused, told_off};
use crate::{
    config::DEVELOPMENT_SECRET,
    http::stream::tests::house::{House, token},
};

#[tokio::test]
async fn the_api_key_and_server_tokens_are_let_in_and_nobody_else() {
    let house = House::open().await;
    for bearer in [DEVELOPMENT_SECRET, &token(&json!({}))] {
        let told = ask(&house, bearer, "GET /presence", Value::Null).await;
        assert_eq!((told.status, told.body), (200, json!({})));
    }
    let short = &DEVELOPMENT_SECRET[1..];
    let longer = format!("{DEVELOPMENT_SECRET}x");
    for (bearer, status) in [
        (short, 401),
        (&longer, 401),
        ("devkey", 401),
        ("x", 401),
        (&token(&json!({ "user_id": "ann" })), 403),
        (&token(&json!({ "user_id": "ann", "room": "daily:a", "is_owner": true })), 403),
        (&token(&json!({ "room": "daily:a" })), 403),
        (&token(&json!({ "r": "a", "d": "x", "o": true })), 403),
        (&token(&json!({ "d": "x", "o": true })), 401),
        (&token(&json!({ "exp": 1 })), 401),
    ] {
        for line in ["GET /presence", "POST /meeting-tokens", "GET /nothing"] {
            let told = ask(&house, bearer, line, Value::Null).await;
            told_off(&told, line, status, "authentication-error");
        }
    }
    let nobody = Request::builder().uri("/daily/v1/presence").body(Body::empty()).unwrap();
    let told = house.send(nobody).await;
    let info = told_off(&told, "nobody", 401, "authentication-error");
    assert!(info.contains("Authorization: Bearer"), "{info}");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_dailys_form() {
    let house = House::with(|config| config.limits.body_bytes = 1000).await;
    let input = "invalid-request-error";
    for (line, body, status, kind, text) in [
        ("GET /nothing", Value::Null, 404, "not-found", "nothing at this path"),
        ("DELETE /presence", Value::Null, 405, input, "does not know that method"),
        ("POST /meeting-tokens", json!([]), 400, input, "the body is not a JSON object"),
        ("POST /meeting-tokens", json!({ "x": 1 }), 400, input, "unknown field `x`"),
        ("POST /rooms/a%20b/eject", json!({ "ids": [] }), 400, input, "room id `a b`"),
        ("POST /rooms/%ff/eject", json!({ "ids": [] }), 400, input, ""),
        ("GET /rooms/a/presence?limit=x", Value::Null, 400, input, "query"),
        ("GET /rooms/none/presence", Value::Null, 404, "not-found", "room `none` does not exist"),
    ] {
        let info = refused(&house, line, body, status, kind).await;
        assert!(info.contains(text), "{line}: {info}");
    }
    let allow = ask(&house, DEVELOPMENT_SECRET, "DELETE /presence", Value::Null).await;
    assert!(allow.headers.contains_key("allow"), "{allow:?}");
}

#[tokio::test]
async fn requests_are_counted_with_those_of_the_back_end() {
    let house = House::with(|config| config.limits.rest_per_minute_server = 2).await;
    done(&house, "GET /presence", Value::Null).await;
    assert_eq!(house.server("GET /api/v2/app", Value::Null).await.status, 200);
    let told = ask(&house, DEVELOPMENT_SECRET, "GET /presence", Value::Null).await;
    told_off(&told, "the third", 429, "rate-limit-error");
    assert!(told.headers.contains_key("retry-after"), "{told:?}");
    assert_eq!(told.headers["x-ratelimit-limit"], "2");
}

#[tokio::test]
async fn every_operation_is_in_the_document_with_its_parameters() {
    let house = House::open().await;
    let document = serde_json::to_value(&house.of_daily).unwrap();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let what = format!("{method} {path}");
            assert!(operation["operationId"].as_str().unwrap().starts_with("Daily"), "{what}");
            assert_eq!(operation["security"], json!([{ "server_token": [] }]), "{what}");
            assert!(operation["responses"]["200"].is_object(), "{what}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let names: Vec<_> = parameters.iter().map(|it| it["name"].as_str().unwrap()).collect();
            let once: BTreeSet<_> = names.iter().copied().collect();
            assert_eq!(once.len(), names.len(), "{what}: {names:?}");
            let in_path = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
            for part in in_path {
                assert!(once.contains(part), "{what}: {names:?}");
            }
        }
    }
    assert!(operations >= 14, "{operations} operations");
}
