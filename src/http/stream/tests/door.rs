//! Tests of the door: who is let in, how errors look, what every answer says.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use super::house::{House, NOW_MS, Told, token};
use crate::config::AllowedOrigins;

const KEY: &str = "api_key=devkey";

/// A GET of the edges with these headers and this query.
async fn edges(house: &House, query: &str, headers: &[(&str, &str)]) -> Told {
    let mut request = Request::builder().uri(format!("/video/edges?{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn who_is_let_in() {
    let house = House::open().await;
    let now = NOW_MS / 1000;
    let python = token(&json!({}));
    let node = token(&json!({ "server": true }));
    let user = token(&json!({ "user_id": "ana", "iat": now - 5, "custom": [1] }));
    for good in [&python, &node, &user] {
        for header in [good.clone(), format!("Bearer {good}"), format!("bearer  {good} ")] {
            let jwt = [("authorization", header.as_str()), ("stream-auth-type", "jwt")];
            edges(&house, KEY, &jwt).await.expect(200);
            edges(&house, KEY, &jwt[..1]).await.expect(200);
        }
    }
    let anonymous = ("stream-auth-type", "anonymous");
    edges(&house, KEY, &[anonymous]).await.expect(200);
    edges(&house, &format!("{KEY}&stream-auth-type=anonymous"), &[]).await.expect(200);
    edges(&house, KEY, &[anonymous, ("authorization", "")]).await.expect(200);
    let bound = token(&json!({ "user_id": "!anon", "call_cids": ["default:a"] }));
    edges(&house, KEY, &[anonymous, ("authorization", &bound)]).await.expect(200);
}

#[tokio::test]
async fn a_token_bound_to_calls_is_never_the_back_ends() {
    let house = House::open().await;
    for claims in [json!({ "call_cids": ["default:a"] }), json!({ "room": "default:a" })] {
        let told = house.ask(&token(&claims), "GET /api/v2/app", Value::Null).await.fault(403, 17);
        assert!(told.contains("User '!anon' with role 'anonymous'"), "{told}");
    }
}

#[tokio::test]
async fn who_is_not_and_why() {
    let house = House::open().await;
    let now = NOW_MS / 1000;
    let good = token(&json!({ "user_id": "ana" }));
    for (query, code, expected) in [
        ("", 2, "api_key not found"),
        ("api_key=other", 2, "api_key is not valid"),
        (KEY, 5, "`Authorization` is missing"),
    ] {
        let told = edges(&house, query, &[]).await.fault(401, code);
        assert!(told.starts_with("GetEdges failed with error: \""), "{told}");
        assert!(told.contains(expected) && told.ends_with('"'), "{told}");
    }
    let old = token(&json!({ "user_id": "ana", "exp": now - 6 }));
    let early = token(&json!({ "user_id": "ana", "nbf": now + 60 }));
    let future = token(&json!({ "user_id": "ana", "iat": now + 60 }));
    let forged = format!("{}A", &good[..good.len() - 1]);
    let null = token(&json!({ "user_id": null }));
    let empty = token(&json!({ "user_id": "" }));
    for (token, code) in
        [(&old, 40), (&early, 41), (&future, 42), (&forged, 43), (&null, 5), (&empty, 5)]
    {
        let told = edges(&house, KEY, &[("authorization", token)]).await.fault(401, code);
        assert!(told.contains("JWTAuth error: "), "{told}");
        assert!(!told.contains(token.as_str()));
    }
    edges(&house, KEY, &[("authorization", "no.jwt")]).await.fault(401, 5);
    let headers = [("authorization", good.as_str()), ("stream-auth-type", "magic")];
    edges(&house, KEY, &headers).await.fault(401, 5);
    let headers = [("authorization", good.as_str()), ("stream-auth-type", "anonymous")];
    edges(&house, KEY, &headers).await.fault(401, 5);
}

#[tokio::test]
async fn every_wrong_turn_has_the_whole_error() {
    let house = House::with(|config| config.limits.body_bytes = 100).await;
    for path in ["/api/v2/nothing", "/video/nothing", "/api/v2/video/", "/api/v2", "/video/"] {
        let told = house.server(&format!("GET {path}"), Value::Null).await.fault(404, 16);
        assert_eq!(told, "there is nothing at this path", "{path}");
    }
    let told = house.server("DELETE /video/edges", Value::Null).await;
    assert_eq!(told.headers["allow"], "GET,HEAD");
    told.fault(405, 4);
    let request = |body: &str| {
        let uri = format!("/video/call_client_event?{KEY}");
        let request = Request::builder().method("POST").uri(uri);
        request.body(Body::from(body.to_owned())).unwrap()
    };
    for (body, expected) in [
        ("{", "the body is not JSON: EOF"),
        ("[]", "the body is not a JSON object"),
        ("null", "the body is not a JSON object"),
        ("{} {}", "the body is not JSON: trailing"),
        (r#"{"events":7}"#, "`events`: invalid type: integer `7`, expected a sequence"),
        ("\u{fffd}", "the body is not a JSON object"),
    ] {
        let told = house.send(request(body)).await.fault(400, 4);
        let start = format!("CallClientEvent failed with error: \"{expected}");
        assert!(told.starts_with(&start), "{body}: {told}");
    }
    let told = house.send(request(r#"{"events":7}"#)).await;
    let fields = json!({ "events": "invalid type: integer `7`, expected a sequence" });
    assert_eq!(told.body["exception_fields"], fields);
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    let house = House::open().await;
    for body in ["", " \n", "{}", r#"{"events":[{"a":1}],"more":1}"#] {
        let uri = format!("/video/call_client_event?{KEY}");
        let request = Request::builder().method("POST").uri(uri);
        let request = request.header("content-type", "text/plain").body(Body::from(body)).unwrap();
        house.send(request).await.expect(201);
    }
}

#[tokio::test]
async fn too_many_requests_are_told_to_wait() {
    let house = House::with(|config| {
        config.limits.rest_per_minute_user = 2;
        config.limits.rest_per_minute_server = 100;
    })
    .await;
    let now = NOW_MS / 1000;
    let first = house.user("ana", "GET /video/edges", Value::Null).await;
    assert_eq!(first.headers["x-ratelimit-limit"], "2");
    assert_eq!(first.headers["x-ratelimit-remaining"], "1");
    assert_eq!(first.headers["x-ratelimit-reset"], (now + 30).to_string());
    house.user("ana", "GET /video/edges", Value::Null).await.expect(200);
    let third = house.user("ana", "GET /video/edges", Value::Null).await;
    let wait: u64 = third.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(third.headers["x-ratelimit-remaining"], "0");
    assert!(third.fault(429, 9).contains("too many requests: at most 2 a minute"));
    house.user("bo", "GET /video/edges", Value::Null).await.expect(200);
    let server = house.server("GET /api/v2/video/edges", Value::Null).await;
    assert_eq!(server.headers["x-ratelimit-remaining"], "99");
    // Who fails to say who he is is counted too.
    for (status, code) in [(401, 2), (401, 2), (429, 9)] {
        edges(&house, "", &[]).await.fault(status, code);
    }
}

#[tokio::test]
async fn pages_that_may_open_a_socket_may_call() {
    let house = House::with(|config| {
        config.allowed_origins =
            AllowedOrigins { any: false, exact: vec!["https://app.example.com".to_owned()] };
    })
    .await;
    let preflight = |path: &str, origin: &str| {
        Request::builder()
            .method("OPTIONS")
            .uri(path)
            .header("origin", origin)
            .header("host", "rooms.example.com")
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,stream-auth-type")
            .body(Body::empty())
            .unwrap()
    };
    for path in ["/video/call/default/a", "/api/v2/users", "/video/nothing"] {
        for origin in
            ["https://app.example.com", "http://localhost:3000", "https://rooms.example.com"]
        {
            let told = house.send(preflight(path, origin)).await;
            assert_eq!(told.status, 200);
            assert_eq!(told.headers["access-control-allow-origin"], origin);
            assert_eq!(told.headers["access-control-max-age"], "7200");
            assert!(!told.headers.contains_key("access-control-allow-credentials"));
            let methods = told.headers["access-control-allow-methods"].to_str().unwrap();
            let headers = told.headers["access-control-allow-headers"].to_str().unwrap();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                assert!(methods.split(',').any(|may| may == method), "{methods}");
            }
            for header in [
                "authorization",
                "content-type",
                "stream-auth-type",
                "x-stream-client",
                "x-client-request-id",
            ] {
                assert!(headers.split(',').any(|may| may == header), "{headers}");
            }
        }
        for origin in ["https://evil.example", "null", "http://app.example.com"] {
            let told = house.send(preflight(path, origin)).await;
            assert!(!told.headers.contains_key("access-control-allow-origin"), "{origin}");
        }
    }
    let origin = [("origin", "https://app.example.com")];
    let told = edges(&house, KEY, &origin).await;
    assert_eq!(told.headers["access-control-allow-origin"], "https://app.example.com");
    let exposed = told.headers["access-control-expose-headers"].to_str().unwrap().to_owned();
    for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"]
    {
        assert!(exposed.contains(header), "{exposed}");
    }
    told.fault(401, 5);
}
