//! Stream's REST API on the real server: over sockets, beside live peers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{Answer, House, http, server_token, sign, user_token};

pub(crate) const KEY: &str = "api_key=devkey";

/// Asks as whoever has that token.
pub(crate) async fn ask(house: &House, token: &str, line: &str, body: Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let mark = if path.contains('?') { '&' } else { '?' };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let path = format!("{path}{mark}{KEY}");
    let answer = http(house.addr, method, &path, Some(token), &body).await;
    (answer.status, answer.json())
}

/// Asks as the back end, and expects it to be done.
pub(crate) async fn done(house: &House, line: &str, body: Value) -> Value {
    let (status, answer) = ask(house, &server_token(), line, body).await;
    assert!(status == 200 || status == 201, "{line}: {status} {answer}");
    answer
}

#[tokio::test]
async fn the_document_and_its_page_are_served_and_need_nothing_from_elsewhere() {
    let house = House::open();
    let (status, document) = house.get("/openapi.json", None).await;
    assert_eq!(status, 200);
    for (path, method, id) in [
        ("/api/v2/app", "get", "GetApp"),
        ("/api/v2/video/calltypes/{name}", "put", "UpdateCallType"),
        ("/video/guest", "post", "BrowserCreateGuest"),
        ("/v1/rooms/{cid}", "get", "ShowRoom"),
        ("/healthz", "get", "Healthz"),
    ] {
        assert_eq!(document["paths"][path][method]["operationId"], id);
    }
    let page = page(&house, "/docs/").await;
    assert_eq!(page.status, 200);
    let scripts = page.body.split("src=\"").skip(1).chain(page.body.split("href=\"").skip(1));
    let mut assets = 0;
    for link in scripts.filter_map(|rest| rest.split('"').next()) {
        assert!(!link.contains("//"), "{link} is elsewhere");
        if link.ends_with(".png") {
            continue;
        }
        let asset = self::page(&house, &format!("/docs/{}", link.trim_start_matches("./"))).await;
        assert_eq!(asset.status, 200, "{link}");
        assets += 1;
    }
    assert!(assets > 3, "the page has {assets} assets");
    let begins = self::page(&house, "/docs/swagger-initializer.js").await;
    assert!(begins.body.contains("/openapi.json"), "{}", begins.body);
}

async fn page(house: &House, path: &str) -> Answer {
    http(house.addr, "GET", path, None, "").await
}

#[tokio::test]
async fn what_is_not_done_has_the_whole_error_at_both_prefixes() {
    let house = House::with(|config| {
        config.limits.body_bytes = 1000;
        config.limits.request_timeout = Duration::from_millis(300);
    });
    for (line, body, status, code) in [
        ("GET /api/v2/nothing", String::new(), 404, 16),
        ("GET /video/nothing", String::new(), 404, 16),
        ("DELETE /api/v2/app", String::new(), 405, 4),
        ("POST /api/v2/users", "x".repeat(2000), 413, 22),
        ("POST /api/v2/users", "{".to_owned(), 400, 4),
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        let token = server_token();
        let path = format!("{path}?{KEY}");
        let answer = http(house.addr, method, &path, Some(&token), &body).await;
        let error = answer.json();
        assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{line}: {error}");
        for field in ["message", "StatusCode", "duration", "more_info", "details"] {
            assert!(error.get(field).is_some(), "{line}: no {field} in {error}");
        }
    }
    // A body that never comes.
    let late = trickle(&house, &format!("POST /api/v2/users?{KEY}")).await;
    assert!(late.starts_with("HTTP/1.1 408"), "{late}");
    assert!(late.contains("\"code\":23") && late.contains("\"StatusCode\":408"), "{late}");
}

#[tokio::test]
async fn what_is_not_text_is_a_problem_to_the_native_api_too() {
    let house = House::with(|config| config.limits.body_bytes = 100);
    let token = server_token();
    for (path, body, status) in
        [("/v1/rooms/a/calls", "x".repeat(200), 413), ("/v1/rooms/%ff/calls", "{}".to_owned(), 400)]
    {
        let answer = http(house.addr, "POST", path, Some(&token), &body).await;
        assert_eq!((answer.status, answer.json()["data"]["reason"].is_string()), (status, true));
    }
    let (status, problem) = house.get("/v1/rooms/%ff", Some(&token)).await;
    assert_eq!((status, &problem["data"]["field"]), (400, &json!("cid")), "{problem}");
}

/// Promises a body and does not send it.
async fn trickle(house: &House, line: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(house.addr).await.unwrap();
    let token = server_token();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: h\r\nAuthorization: {token}\r\nContent-Length: 10\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(crate::house::PATIENCE, read).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn moments_are_numbers_to_servers_and_text_to_browsers() {
    let house = House::open();
    let users = json!({ "users": { "ana": { "id": "ana" } } });
    let told = done(&house, "POST /api/v2/users", users).await;
    let nanos = told["users"]["ana"]["created_at"].as_u64().unwrap();
    let ana = user_token("ana", json!({}));
    let (status, told) = ask(&house, &ana, "GET /video/users", Value::Null).await;
    assert_eq!(status, 200, "{told}");
    let text = told["users"][0]["created_at"].as_str().unwrap();
    assert!(text.ends_with('Z') && text.contains('T'), "{text}");
    let (_, told) = ask(&house, &ana, "GET /api/v2/users", Value::Null).await;
    assert_eq!(told["users"][0]["created_at"], json!(nanos));
}

#[tokio::test]
async fn who_is_in_a_call_is_online() {
    let house = House::open();
    let users = json!({ "users": { "ana": { "id": "ana" }, "bo": { "id": "bo" } } });
    done(&house, "POST /api/v2/users", users).await;
    let ana = house.owner("lobby:a", "ana").await;
    let online = async || {
        let told = done(&house, "GET /api/v2/users", Value::Null).await;
        let users = told["users"].as_array().unwrap().clone();
        let online = users.into_iter().filter(|user| user["online"] == true);
        online.map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(online().await, ["ana"]);
    drop(ana);
}

#[tokio::test]
async fn a_token_of_another_secret_is_not_taken() {
    let house = House::open();
    let good = sign(&json!({ "user_id": "ana" }));
    let forged = format!("{}x", &good[..good.len() - 1]);
    let (status, error) = ask(&house, &forged, "GET /video/users", Value::Null).await;
    assert_eq!((status, &error["code"]), (401, &json!(43)), "{error}");
}
