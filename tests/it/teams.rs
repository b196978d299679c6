//! Teams are kept apart on every path: each operation of the REST API, as the server's own document
//! lists them, and each native call is tried with another team's ids.
//!
//! Two worlds are alike but for what is blue's. A red user asks the same of both: where he names
//! something of blue's he is refused, and whatever he lists looks the same in both.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    client::Client,
    document::{Ids, Operation, operations},
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
                // Ids that the server makes up, and where it is.
                let made = [
                    "next",
                    "prev",
                    "user_session_id",
                    "current_session_id",
                    "last_active",
                    "url",
                    "ws_endpoint",
                ];
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
    assert!(own_calls(&with, &without, &document, &operations).await > 30);
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
        keeps_blues_secrets(&line, &answer.to_string(), &secrets);
        if operation.is_of_a_call() || operation.name().ends_with("QueryCallMembers") {
            assert!(matches!(status, 401 | 403 | 404), "{line} {body}: {status} {answer}");
        } else {
            // Who is in his team is all he learns; blue being there makes no difference.
            let other = without.as_red(&line, body).await;
            assert_eq!((status, still(answer.clone())), (other.0, still(other.1)), "{line}");
        }
        // These are for back ends.
        if operation.path.starts_with("/v1/") || operation.path.starts_with("/daily/") {
            assert!(status == 403, "{line}: {status} {answer}");
        }
        // And these take no token that is good for anything else.
        if operation.path.starts_with("/v2/") {
            assert!(status == 401, "{line}: {status} {answer}");
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

/// The same in a call of red's own, where he may all: somebody of blue's is nobody.
async fn own_calls(
    with: &World,
    without: &World,
    document: &Value,
    operations: &[Operation],
) -> usize {
    let (secrets, peer) = (with.secrets(), with.blue_peer());
    let mut tried = 0;
    for operation in operations {
        let of_members = operation.name().ends_with("QueryCallMembers");
        if !(operation.path.contains("/call/{type}/{id}") || of_members) {
            continue;
        }
        tried += 1;
        let call = format!("red-own-{tried}");
        let ids = Ids { user: BLUE_USER, call: &call, peer: &peer };
        let (line, body) = (operation.line(ids), operation.body(document, ids));
        let mut answers = Vec::new();
        for world in [with, without] {
            let admin = json!([{ "user_id": "red1", "role": "admin" }]);
            let data = json!({ "created_by_id": "red2", "team": "red", "members": admin });
            let create = format!("POST /api/v2/video/call/default/{call}");
            done(&world.house, &create, json!({ "data": data })).await;
            let (status, answer) = world.as_red(&line, body.clone()).await;
            keeps_blues_secrets(&line, &answer.to_string(), &secrets);
            answers.push((status, still(answer)));
        }
        assert_eq!(answers[0], answers[1], "{line} {body}");
    }
    let team = json!({ "team": "red", "members": [{ "user_id": BLUE_USER }] });
    for (line, body) in [
        ("POST /video/call/default/red-new", json!({ "data": team })),
        ("POST /video/call/default/red-new", json!({ "data": { "team": "blue" } })),
        ("POST /video/call/default/red-new", json!({ "data": {} })),
        (
            "POST /video/call/default/red-own-1/members",
            json!({ "update_members": [{ "user_id": "red2" }, { "user_id": BLUE_USER }] }),
        ),
    ] {
        let (status, answer) = with.as_red(line, body.clone()).await;
        let (other, same) = without.as_red(line, body.clone()).await;
        assert_eq!((status, still(answer.clone())), (other, still(same)), "{line} {body}");
        assert!(matches!(status, 400 | 403), "{line} {body}: {status} {answer}");
        keeps_blues_secrets(line, &answer.to_string(), &secrets);
    }
    tried
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
            ("unsubscribe" | "signalSubscription", outcome) => {
                let error = outcome.as_ref().expect_err("blue's subscription");
                assert_eq!(error["data"]["reason"], "unknown-subscription", "{what}");
            }
            ("updateParticipants", Ok(result)) if names_blue => {
                assert_eq!(result["refused"][0]["reason"], "unknown-peer", "{what}: {result}");
            }
            // Another's are the server's alone to set, whoever he is.
            ("setName" | "setMetadata", Err(error)) if names_blue => {
                assert_eq!(error["data"]["reason"], "not-allowed", "{what}");
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
