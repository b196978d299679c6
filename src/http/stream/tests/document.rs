//! Tests of the OpenAPI document: it says what the routes do.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use super::house::House;
use crate::http::stream::openapi;

/// Every operation of the document: method, path, and what it says of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

/// A path with its parameters filled in.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "default" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn every_operation_of_the_document_has_a_route() {
    let house = House::open().await;
    let document = serde_json::to_value(&house.document).unwrap();
    let all = operations(&document);
    assert!(all.len() > 30, "only {} operations", all.len());
    for (method, path, _) in all {
        let request = Request::builder().method(method.as_str()).uri(filled(&path));
        let told = house.send(request.body(Body::empty()).unwrap()).await;
        // Nobody says who he is: whoever has a route asks for the key.
        assert!(told.status == 401 || told.status == 201, "{method} {path}: {}", told.body);
    }
}

#[tokio::test]
async fn no_route_has_methods_that_the_document_does_not_say() {
    let house = House::open().await;
    let document = serde_json::to_value(&house.document).unwrap();
    let said: BTreeSet<_> =
        operations(&document).into_iter().map(|(method, path, _)| (path, method)).collect();
    let paths: BTreeSet<_> = said.iter().map(|(path, _)| path.clone()).collect();
    for path in paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let request = Request::builder().method(&method).uri(filled(&path));
            let told = house.send(request.body(Body::empty()).unwrap()).await;
            let known = said.contains(&(path.clone(), method.to_string()));
            assert_eq!(told.status != 405, known, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_operation_is_said_whole() {
    let house = House::open().await;
    let document = serde_json::to_value(&house.document).unwrap();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        assert_eq!(path.starts_with("/video/"), id.starts_with(openapi::BROWSER_MARK), "{id}");
        assert!(operation["description"].is_string() || operation["summary"].is_string(), "{id}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{id}");
        assert!(operation["security"].is_array(), "{id}");
        let responses = operation["responses"].as_object().unwrap();
        let good = if method == "POST" || method == "PUT" { "201" } else { "200" };
        let good_ones: Vec<_> = responses.keys().filter(|status| status.starts_with('2')).collect();
        assert_eq!(good_ones, [good], "{id}");
        for status in ["400", "401", "403", "404", "408", "413", "429", "500", "503"] {
            assert!(responses.contains_key(status), "{id} {status}");
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let said: BTreeSet<_> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(said, named.map(str::to_owned).collect(), "{id}");
    }
    for id in
        ["GetApp", "UpdateCallType", "CreateGuest", "BrowserCreateGuest", "VideoListPermissions"]
    {
        assert!(ids.contains(id), "{id}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.insert(to.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let house = House::open().await;
    let document = serde_json::to_value(&house.document).unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/APIError"));
    for to in found {
        let place = to.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{to} leads nowhere");
    }
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["api_key"]["in"], json!("query"));
    assert_eq!(schemes["token"]["name"], json!("Authorization"));
}
