//! Tests of session data: what is set is what is read, and a change that is no good changes
//! nothing.

use serde_json::{Value, json};

use super::{done, refused};
use crate::http::stream::tests::house::House;

const GET: &str = "GET /rooms/a/get-session-data";
const SET: &str = "POST /rooms/a/set-session-data";
const INPUT: &str = "invalid-request-error";

async fn house() -> House {
    let house = House::with(|config| config.limits.session_data_bytes = 100).await;
    house.user("ann", "POST /video/call/daily/a", json!({})).await.expect(201);
    house
}

#[tokio::test]
async fn it_is_replaced_or_laid_over_and_keys_go() {
    let house = house().await;
    assert_eq!(done(&house, GET, Value::Null).await, json!({ "data": {} }));
    for (body, expected) in [
        (json!({ "data": { "a": 1, "b": { "x": 1 } } }), json!({ "a": 1, "b": { "x": 1 } })),
        (
            json!({ "data": { "b": { "y": 2 } }, "mergeStrategy": "shallow-merge" }),
            json!({ "a": 1, "b": { "y": 2 } }),
        ),
        (
            json!({ "mergeStrategy": "shallow-merge", "keysToDelete": ["a", "nothing"] }),
            json!({ "b": { "y": 2 } }),
        ),
        (
            json!({ "data": { "c": null }, "mergeStrategy": "replace", "keysToDelete": [] }),
            json!({ "c": null }),
        ),
        (json!({}), json!({})),
    ] {
        let expected = json!({ "data": expected });
        assert_eq!(done(&house, SET, body.clone()).await, expected, "{body}");
        assert_eq!(done(&house, GET, Value::Null).await, expected, "{body}");
    }
}

#[tokio::test]
async fn what_is_no_good_is_refused_and_changes_nothing() {
    let house = house().await;
    done(&house, SET, json!({ "data": { "a": 1 } })).await;
    let many: Vec<String> = (0..1001).map(|n| format!("k{n}")).collect();
    for (body, status, text) in [
        (json!({ "data": [] }), 400, "`data`"),
        (json!({ "data": "x" }), 400, "`data`"),
        (json!({ "data": {}, "mergeStrategy": "deep-merge" }), 400, "`mergeStrategy`"),
        (json!({ "data": {}, "keysToDelete": ["a"] }), 400, "`keysToDelete`"),
        (
            json!({ "data": {}, "mergeStrategy": "replace", "keysToDelete": ["a"] }),
            400,
            "`keysToDelete`",
        ),
        (
            json!({ "mergeStrategy": "shallow-merge", "keysToDelete": many }),
            400,
            "more than 1000 entries",
        ),
        (json!({ "mergeStrategy": "shallow-merge", "keysToDelete": [1] }), 400, "`keysToDelete"),
        (json!({ "date": {} }), 400, "`date`"),
        (json!({ "data": { "b": "x".repeat(100) } }), 413, "data"),
    ] {
        let info = refused(&house, SET, body.clone(), status, INPUT).await;
        assert!(info.contains(text), "{body}: {info}");
    }
    assert_eq!(done(&house, GET, Value::Null).await, json!({ "data": { "a": 1 } }));
    for (line, body) in [
        ("GET /rooms/none/get-session-data", Value::Null),
        ("POST /rooms/none/set-session-data", json!({ "data": {} })),
    ] {
        let info = refused(&house, line, body, 404, "not-found").await;
        assert!(info.contains("`none` does not exist"), "{info}");
    }
}
