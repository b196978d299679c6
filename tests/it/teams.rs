//! Teams are kept apart on every path: each operation of the REST API, as the server's own document
//! lists them, and each native call is tried with another team's ids.
//!
//! Two worlds are alike but for what is blue's. A red user asks the same of both: where he names
//! something of blue's he is refused, and whatever he lists looks the same in both.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    client::Client,
    house::{House, http, server_token, user_token},
    stream::{KEY, ask, done},
};

/// Sent by red: what he might have heard of.
const BLUE_USER: &str = "blue1";
const BLUE_CALL: &str = "blue-call";
/// Never sent, and never to be seen by red: names, data, ids, a call.
const SECRETS: [&str; 6] =
    ["Bluebeard", "Bluetooth", "blue-silent", "blue-custom", "blue-other", "blue-topic"];

/// Who and what there is.
struct World {
    house: House,
    /// Blue's two live peers, where there is blue.
    blue: Vec<Client>,
    red: Client,
}

impl World {
    async fn begin(with_blue: bool) -> Self {
        let house = House::open();
        let multi_tenant = json!({ "multi_tenant_enabled": true });
        done(&house, "PATCH /api/v2/app", multi_tenant).await;
        let user =
            |id: &str, name: &str, teams: Value| json!({ "id": id, "name": name, "teams": teams });
        let mut users = vec![
            user("red1", "Redford", json!(["red"])),
            user("red2", "Redwood", json!(["red"])),
            user("grey", "Greyling", json!([])),
        ];
        if with_blue {
            users.push(user(BLUE_USER, "Bluebeard", json!(["blue"])));
            users.push(user("blue-silent", "Bluetooth", json!(["blue"])));
        }
        let users: Map<String, Value> =
            users.into_iter().map(|user| (user["id"].as_str().unwrap().to_owned(), user)).collect();
        done(&house, "POST /api/v2/users", json!({ "users": users })).await;
        create(&house, "red-call", "red1", "red", json!({})).await;
        let mut blue = Vec::new();
        if with_blue {
            create(&house, BLUE_CALL, BLUE_USER, "blue", json!({ "blue-custom": "blue-topic" }))
                .await;
            create(&house, "blue-other", "blue-silent", "blue", json!({})).await;
            let call = format!("default:{BLUE_CALL}");
            blue.push(house.owner(&call, BLUE_USER).await);
            blue.push(house.join(&call, "blue-silent", json!({})).await);
        }
        let red = house.owner("default:red-call", "red1").await;
        for client in &mut blue {
            client.catch_up().await;
        }
        Self { house, blue, red }
    }

    /// What red sends for a peer of blue's; in the world without blue a peer of nobody's.
    fn blue_peer(&self) -> String {
        self.blue.first().map_or_else(|| "nobody".to_owned(), |client| client.peer.clone())
    }

    /// What only blue knows: beside the fixed secrets the peer that is never sent.
    fn secrets(&self) -> Vec<String> {
        let silent = self.blue.get(1).map(|client| client.peer.clone());
        SECRETS.iter().map(|secret| (*secret).to_owned()).chain(silent).collect()
    }

    async fn as_red(&self, line: &str, body: Value) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let mark = if path.contains('?') { '&' } else { '?' };
        let (path, token) = (format!("{path}{mark}{KEY}"), user_token("red1", json!({})));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http(self.house.addr, method, &path, Some(&token), &body).await;
        // Not everything is JSON: health is a word.
        let read = serde_json::from_str(&answer.body);
        (answer.status, read.unwrap_or_else(|_| json!(answer.body)))
    }
}

async fn create(house: &House, id: &str, by: &str, team: &str, custom: Value) {
    let members = match by {
        BLUE_USER => json!([{ "user_id": "blue-silent" }]),
        _ => json!([]),
    };
    let data = json!({ "created_by_id": by, "team": team, "custom": custom, "members": members });
    let line = format!("POST /api/v2/video/call/default/{id}");
    done(house, &line, json!({ "data": data })).await;
}

#[track_caller]
fn keeps_blues_secrets(what: &str, answer: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!answer.contains(secret.as_str()), "{what} tells of {secret}: {answer}");
    }
}

/// One operation of the document.
struct Operation {
    method: String,
    path: String,
    value: Value,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                let (method, path) = (method.to_uppercase(), path.clone());
                all.push(Operation { method, path, value: value.clone() });
            }
        }
    }
    all
}

/// Whose ids a request is made of.
#[derive(Clone, Copy)]
struct Ids<'a> {
    user: &'a str,
    call: &'a str,
    peer: &'a str,
}

impl Operation {
    fn name(&self) -> &str {
        self.value["operationId"].as_str().unwrap()
    }

    /// Whether it is about one call that its path names.
    fn is_of_a_call(&self) -> bool {
        self.path.contains("/call/{type}/{id}") || self.path.contains("{cid}")
    }

    /// The request line with those ids.
    fn line(&self, ids: Ids<'_>) -> String {
        let mut path = self.path.clone();
        for (part, value) in [
            ("{type}", "default"),
            ("{cid}", &format!("default:{}", ids.call)),
            ("{name}", "default"),
            ("{user_id}", ids.user),
            ("/tasks/{id}", "/tasks/none"),
            ("/permissions/{id}", "/permissions/send-audio"),
            ("{id}", ids.call),
        ] {
            let value =
                if part.starts_with('/') { value.to_owned() } else { value.replace("{id}", "") };
            path = path.replace(part, &value);
        }
        assert!(!path.contains('{'), "no word for a part of {path}: add it here");
        let parameters = self.value["parameters"].as_array().into_iter().flatten();
        let query: Vec<String> = parameters
            .filter(|it| it["in"] == "query" && it["required"] == true)
            .map(|it| {
                let name = it["name"].as_str().unwrap();
                let value = if name.contains("user") { ids.user } else { "send-audio" };
                format!("{name}={value}")
            })
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {path}{mark}{}", self.method, query.join("&"))
    }

    /// A body as the document wants it, of those ids.
    fn body(&self, document: &Value, ids: Ids<'_>) -> Value {
        let content = &self.value["requestBody"]["content"];
        let schema = &content["application/json"]["schema"];
        if schema.is_null() { Value::Null } else { sample(document, schema, "", ids) }
    }
}

/// What is said where the document leaves it to the caller.
const SAID: [&str; 13] = [
    "user_ids",
    "audio",
    "grant_permissions",
    "custom",
    "data",
    "update_members",
    "custom",
    "filter_conditions",
    "block",
    "members",
    "created_by_id",
    "emoji_code",
    "users",
];

/// A value of that schema: what it requires, and whatever of [`SAID`] it knows.
fn sample(document: &Value, schema: &Value, key: &str, ids: Ids<'_>) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return sample(document, &document["components"]["schemas"][name], key, ids);
    }
    match key {
        "user_ids" | "remove_members" => return json!([ids.user]),
        "user_id" | "target_user_id" | "created_by_id" => return json!(ids.user),
        "session_id" => return json!(ids.peer),
        "permissions" | "grant_permissions" => return json!(["send-audio"]),
        "id" if schema.get("pattern").is_some() => return json!(ids.call),
        "id" => return json!(ids.user),
        "type" if schema.get("pattern").is_some() => return json!("default"),
        "method" => return json!("state"),
        "custom" | "filter_conditions" => return json!({}),
        _ => {}
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        let choices = schema[choice].as_array().into_iter().flatten();
        if let Some(first) = choices.into_iter().find(|it| it["type"] != "null") {
            return sample(document, first, key, ids);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").cloned().unwrap(),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or("object") {
        "string" => schema["enum"].get(0).cloned().unwrap_or_else(|| json!("like")),
        "boolean" => json!(true),
        "integer" | "number" => json!(1),
        "array" => json!([sample(document, &schema["items"], key, ids)]),
        _ => {
            let mut object = Map::new();
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if required.contains(&json!(name)) || SAID.contains(&name.as_str()) {
                    object.insert(name.clone(), sample(document, property, name, ids));
                }
            }
            let more = &schema["additionalProperties"];
            if more.is_object() {
                object.insert(ids.user.to_owned(), sample(document, more, "", ids));
            }
            Value::Object(object)
        }
    }
}

/// Other bodies for operations that list: filters that mention teams, and those that name blue's.
fn filters(operation: &Operation) -> Vec<Value> {
    let calls = [
        json!({}),
        json!({ "team": {} }),
        json!({ "team": "blue" }),
        json!({ "team": { "$in": ["blue", "red"] } }),
        json!({ "$or": [{ "team": "blue" }, { "team": null }, { "team": { "$exists": true } }] }),
        json!({ "$and": [{ "team": {} }, { "members": { "$in": [BLUE_USER] } }] }),
        json!({ "cid": format!("default:{BLUE_CALL}"), "team": {} }),
        json!({ "created_by_user_id": BLUE_USER, "team": {} }),
        json!({ "ongoing": true, "team": {} }),
    ];
    let users = [
        json!({}),
        json!({ "teams": {} }),
        json!({ "teams": { "$in": ["blue"] } }),
        json!({ "teams": { "$contains": "blue" } }),
        json!({ "id": BLUE_USER, "teams": {} }),
        json!({ "name": { "$autocomplete": "Blue" }, "teams": {} }),
        json!({ "$or": [{ "teams": "blue" }, { "id": { "$in": [BLUE_USER] } }] }),
    ];
    match operation.name().trim_start_matches("Browser") {
        "QueryCalls" => {
            calls.iter().map(|f| json!({ "filter_conditions": f, "watch": true })).collect()
        }
        "QueryUsers" => {
            users.iter().map(|f| json!({ "filter_conditions": f, "presence": true })).collect()
        }
        _ => Vec::new(),
    }
}

/// The answer without what differs from moment to moment.
fn still(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            object.retain(|key, _| !key.ends_with("_at") && key != "duration");
            for (key, inner) in object.iter_mut() {
                // Ids that the server makes up.
                let made = ["next", "prev", "user_session_id", "current_session_id", "last_active"];
                *inner = if made.contains(&key.as_str())
                    || (key == "id" && inner.as_str().is_some_and(|id| id.len() > 36))
                {
                    Value::Null
                } else {
                    still(inner.take())
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = still(item.take())),
        _ => {}
    }
    value
}

#[tokio::test]
async fn no_operation_and_no_call_reaches_another_team() {
    let (mut with, without) = (World::begin(true).await, World::begin(false).await);
    let (_, document) = with.house.get("/openapi.json", None).await;
    let operations = operations(&document);
    assert!(operations.len() > 60, "{} operations are documented", operations.len());
    let blues = as_blue_sees(&with).await;
    rest(&with, &without, &document, &operations).await;
    native(&mut with).await;
    presence(&with).await;
    assert_eq!(as_blue_sees(&with).await, blues, "nothing of blue's has changed");
    for client in &mut with.blue {
        client.hears_nothing().await;
    }
    // The requests were good ones: of his own team's call they are answered.
    good_requests(&with, &document, &operations).await;
}

/// All of blue's, as the back end sees it.
async fn as_blue_sees(world: &World) -> Value {
    let mut seen = Vec::new();
    for call in [BLUE_CALL, "blue-other"] {
        let line = format!("GET /api/v2/video/call/default/{call}");
        seen.push(done(&world.house, &line, Value::Null).await);
    }
    let users = json!({ "filter_conditions": { "teams": { "$in": ["blue"] } } }).to_string();
    let payload: String = users.bytes().map(|byte| format!("%{byte:02x}")).collect();
    seen.push(
        done(&world.house, &format!("GET /api/v2/users?payload={payload}"), Value::Null).await,
    );
    still(json!(seen))
}

/// Every operation of the document, as a red user, with blue's ids.
async fn rest(with: &World, without: &World, document: &Value, operations: &[Operation]) {
    let (secrets, peer) = (with.secrets(), with.blue_peer());
    let ids = Ids { user: BLUE_USER, call: BLUE_CALL, peer: &peer };
    for operation in operations {
        let line = operation.line(ids);
        let body = operation.body(document, ids);
        let (status, answer) = with.as_red(&line, body.clone()).await;
        let text = answer.to_string();
        keeps_blues_secrets(&line, &text, &secrets);
        if operation.is_of_a_call() || operation.name().ends_with("QueryCallMembers") {
            assert!(matches!(status, 401 | 403 | 404), "{line} {body}: {status} {answer}");
        }
        if operation.path.starts_with("/v1/") {
            assert!(status == 403, "{line}: {status} {answer}");
        }
        // What lists is the same, whether there is blue or not.
        for filter in filters(operation) {
            let (line, body) = match operation.method.as_str() {
                "GET" => {
                    let payload: String =
                        filter.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
                    (format!("{line}?payload={payload}"), Value::Null)
                }
                _ => (line.clone(), filter.clone()),
            };
            let (status, answer) = with.as_red(&line, body.clone()).await;
            keeps_blues_secrets(&line, &answer.to_string(), &secrets);
            let other = without.as_red(&line, body).await;
            assert_eq!((status, still(answer)), (other.0, still(other.1)), "{line} {filter}");
            assert!(status == 200 || status == 201, "{line} {filter}: {status}");
        }
    }
}

/// Every call of the native protocol, by a red peer in a room of his own, with blue's ids.
async fn native(world: &mut World) {
    let vectors = include_str!("../../protocol/vectors/native/calls.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    let schema = include_str!("../../protocol/schema/rolecall.v1.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let known = schema["$defs"].as_object().unwrap().keys();
    let known: BTreeSet<&str> = known.filter_map(|name| name.strip_prefix("call.")).collect();
    let mut tried = BTreeSet::new();
    let (secrets, peer) = (world.secrets(), world.blue_peer());
    let red = user_token("red1", json!({}));
    for (number, vector) in vectors.iter().enumerate() {
        let frame: Value = serde_json::from_str(vector["frame"].as_str().unwrap()).unwrap();
        let method = frame["method"].as_str().unwrap().to_owned();
        let params = frame["params"].to_string().replace("\"p-bo\"", &format!("{peer:?}"));
        let params = params.replace("\"bo\"", &format!("{BLUE_USER:?}"));
        let mut params: Value = serde_json::from_str(&params).unwrap();
        let names_blue = params.to_string().contains(&peer);
        tried.insert(method.clone());
        let outcome = match method.as_str() {
            "join" | "resume" => {
                for (key, value) in
                    [("room", format!("default:{BLUE_CALL}")), ("token", red.clone())]
                {
                    if method == "join" || key == "token" {
                        params[key] = json!(value);
                    }
                }
                let mut outside = world.house.socket().await;
                outside.call(&method, &params).await
            }
            _ => {
                let mut own = world.house.owner(&format!("default:red-{number}"), "red1").await;
                if params.is_null() {
                    params = json!({});
                }
                own.call(&method, &params).await
            }
        };
        let what = format!("{method} {params}");
        let text = match &outcome {
            Ok(result) => result.to_string(),
            Err(error) => error.to_string(),
        };
        keeps_blues_secrets(&what, &text, &secrets);
        match (method.as_str(), &outcome) {
            ("join", Err(error)) => assert_eq!(error["data"]["reason"], "wrong-team", "{what}"),
            ("resume", Err(error)) => assert_eq!(error["data"]["reason"], "session-gone", "{what}"),
            ("updateParticipants", Ok(result)) if names_blue => {
                assert_eq!(result["refused"][0]["reason"], "unknown-peer", "{what}: {result}");
            }
            (_, Err(error)) if names_blue => {
                assert_eq!(error["data"]["reason"], "unknown-peer", "{what}")
            }
            (_, outcome) => assert!(!names_blue, "{what} was done: {outcome:?}"),
        }
    }
    assert_eq!(tried.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
    // Nor does a good token of blue's rooms help a red user, in whatever role.
    for claims in [
        json!({ "room": format!("default:{BLUE_CALL}"), "is_owner": true }),
        json!({ "room": format!("default:{BLUE_CALL}"), "role": "host" }),
        json!({ "call_cids": [format!("default:{BLUE_CALL}")], "role": "admin" }),
        json!({ "teams": ["blue"] }),
    ] {
        for user in ["red1", "grey", "unheard-of"] {
            let token = user_token(user, claims.clone());
            let mut outside = world.house.socket().await;
            let join = json!({ "room": format!("default:{BLUE_CALL}"), "token": token });
            let error = outside.join(&join).await.expect_err("another team's room");
            assert_eq!(error["data"]["reason"], "wrong-team", "{user} {claims}");
            keeps_blues_secrets("join", &error.to_string(), &secrets);
        }
    }
    let mut nobody = world.house.socket().await;
    let join = json!({ "room": format!("default:{BLUE_CALL}") });
    assert!(nobody.join(&join).await.is_err());
    world.red.check_view().await;
}

/// Who of blue's is online shows to blue alone.
async fn presence(world: &World) {
    let query = json!({ "filter_conditions": { "teams": {} }, "presence": true }).to_string();
    let payload: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let line = format!("GET /video/users?payload={payload}");
    for (user, expected) in [
        ("red1", vec!["red1", "red2"]),
        ("blue1", vec!["blue-silent", "blue1"]),
        ("grey", vec!["grey"]),
    ] {
        let (status, told) =
            ask(&world.house, &user_token(user, json!({})), &line, Value::Null).await;
        assert_eq!(status, 200, "{told}");
        let mut seen: Vec<&str> = told["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["id"].as_str().unwrap())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, expected, "{user}");
    }
}

/// The same requests about a call of blue's by somebody who may: all of them are done.
async fn good_requests(world: &World, document: &Value, operations: &[Operation]) {
    let mut number = 0;
    for operation in operations.iter().filter(|it| it.path.contains("/call/{type}/{id}")) {
        number += 1;
        let call = format!("own-{number}");
        create(&world.house, &call, BLUE_USER, "blue", json!({})).await;
        let peer = world.house.owner(&format!("default:{call}"), BLUE_USER).await;
        let ids = Ids { user: BLUE_USER, call: &call, peer: &peer.peer };
        let (line, body) = (operation.line(ids), operation.body(document, ids));
        let (first, _) = ask(&world.house, &server_token(), &line, body.clone()).await;
        let done = |status: u16| status == 200 || status == 201;
        // Some are for people alone.
        let own = user_token(BLUE_USER, json!({}));
        let (second, told) = match done(first) {
            true => (first, Value::Null),
            false => ask(&world.house, &own, &line, body.clone()).await,
        };
        assert!(done(second), "{line} {body}: {second} {told}");
    }
    assert!(number > 20, "{number} operations are about one call");
}
