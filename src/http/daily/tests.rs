//! Tests of Daily's REST API over its routes, without sockets: what is sent, and what comes back.

mod door;
mod rooms;
mod session_data;
mod tokens;

use axum::{
    body::Body,
    http::{Request, header::AUTHORIZATION},
};
use serde_json::Value;

use crate::{
    config::DEVELOPMENT_SECRET,
    http::stream::tests::house::{House, Told},
};

/// Asks with that key or token; `body` null: none.
async fn ask(house: &House, bearer: &str, line: &str, body: Value) -> Told {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("/daily/v1{path}"))
        .header(AUTHORIZATION, format!("Bearer {bearer}"));
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    house.send(request.body(body).unwrap()).await
}

/// Asks with the API key, and expects that to be done.
async fn done(house: &House, line: &str, body: Value) -> Value {
    let told = ask(house, DEVELOPMENT_SECRET, line, body).await;
    assert_eq!(told.status, 200, "{line}: {}", told.body);
    told.body
}

/// Asks with the API key, and expects an error of that status and kind; its text.
async fn refused(house: &House, line: &str, body: Value, status: u16, kind: &str) -> String {
    let told = ask(house, DEVELOPMENT_SECRET, line, body.clone()).await;
    told_off(&told, &format!("{line} {body}"), status, kind)
}

fn told_off(told: &Told, what: &str, status: u16, kind: &str) -> String {
    assert_eq!(
        (told.status, told.body["error"].as_str()),
        (status, Some(kind)),
        "{what}: {told:?}"
    );
    assert_eq!(told.body.as_object().unwrap().len(), 2, "{what}: {}", told.body);
    told.body["info"].as_str().unwrap().to_owned()
}
