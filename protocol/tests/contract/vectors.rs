//! The golden vectors under `vectors/native/`, which the SDK's tests read too: what was written by
//! hand is read, what the crate produces is compared; `UPDATE_GOLDEN=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_protocol::{
    dialect::native::{self, call},
    wire::{
        code::ErrorBody,
        frame::{self, CallId, read_call},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    errors,
    golden::{self, Golden},
    stage::{Claims, Stage},
};

pub(crate) const SCENARIOS: [&str; 5] = ["stage", "lobby", "ending", "media", "waiting"];

#[derive(Serialize, Deserialize)]
struct Read {
    frame: String,
    /// The request as read, in Rust's debug form.
    reads: Option<String>,
}

#[test]
fn calls_are_read_as_they_should_be() {
    let mut golden: Golden<Vec<Read>> = Golden::of("calls");
    let mut methods = BTreeSet::new();
    for vector in &mut golden.content {
        let call = read_call(&vector.frame).unwrap_or_else(|e| panic!("{}: {e:?}", vector.frame));
        let request = call::read(&call.method, call.params);
        let request = request.unwrap_or_else(|e| panic!("{}: {e:?}", vector.frame));
        vector.reads = Some(format!("{request:?}"));
        methods.insert(call.method.into_owned());
    }
    assert_eq!(methods, golden::methods(), "every method has its vector");
    golden.check();
}

#[derive(Serialize, Deserialize)]
struct Unread {
    frame: String,
    /// The error's reply; its message is for people and left out.
    reply: Option<Value>,
}

#[test]
fn malformed_frames_are_answered_as_they_should_be() {
    let mut golden: Golden<Vec<Unread>> = Golden::of("malformed");
    for vector in &mut golden.content {
        let (id, error): (Option<CallId>, ErrorBody) = match read_call(&vector.frame) {
            Err(malformed) => (malformed.id, malformed.error),
            Ok(call) => match call::read(&call.method, call.params) {
                Err(error) => (Some(call.id), error),
                Ok(request) => panic!("{}: {request:?}", vector.frame),
            },
        };
        let mut reply: Value = serde_json::from_str(&frame::error(id.as_ref(), &error)).unwrap();
        let message = reply["error"].as_object_mut().unwrap().remove("message");
        assert_ne!(message.unwrap(), "", "{}", vector.frame);
        vector.reply = Some(reply);
    }
    golden.check();
}

#[test]
fn errors_are_written_as_they_should_be() {
    let id = read_call(r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#).unwrap().id;
    let frames = errors::all().iter().map(|e| frame::error(Some(&id), e)).collect::<Vec<_>>();
    let frames = frames.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    Golden::<Vec<Value>>::produced("errors", frames).check();
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Scenario {
    about: String,
    room: String,
    people: BTreeMap<String, Value>,
    steps: Vec<Step>,
    #[serde(default)]
    told: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    state: BTreeMap<String, Value>,
}

/// The id of a peer's call is the number of its step, counted from 1.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Call { peer: String, method: String, params: Value },
    Lose { lose: String },
    Wait { wait: u64 },
    Server { server: String, params: Value },
}

pub(crate) fn play(scenario: &Scenario) -> Stage {
    let people = scenario.people.iter().map(|(name, claims)| {
        (name.clone(), serde_json::from_value::<Claims>(claims.clone()).unwrap())
    });
    let mut stage = Stage::new(&scenario.room, people.collect());
    for (i, step) in scenario.steps.iter().enumerate() {
        match step {
            Step::Call { peer, method, params } => {
                let frame =
                    json!({"jsonrpc": "2.0", "id": i + 1, "method": method, "params": params});
                stage.call(peer, &frame.to_string());
            }
            Step::Lose { lose } => stage.lose(lose),
            Step::Wait { wait } => stage.wait(*wait),
            Step::Server { server, params } => drop(stage.server(server, params)),
        }
    }
    stage
}

#[test]
fn scenarios_tell_each_peer_what_they_should() {
    for name in SCENARIOS {
        let mut golden: Golden<Scenario> = Golden::of(name);
        let stage = play(&golden.content);
        golden.content.state =
            stage.people.keys().map(|name| (name.clone(), stage.seen_by(name))).collect();
        golden.content.told = stage.told;
        golden.check();
    }
}

/// One frame for each set of keys that the scenarios tell under a name, and for each such set of
/// results of a method.
#[test]
fn notices_and_replies_are_written_as_they_should_be() {
    let mut notices: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let mut replies = notices.clone();
    let shape =
        |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(",");
    for name in SCENARIOS {
        let scenario = Golden::<Scenario>::of(name).content;
        for frame in play(&scenario).told.into_values().flatten() {
            if let Some(method) = frame["method"].as_str() {
                let shape = shape(&frame["params"]);
                notices.entry(method.to_owned()).or_default().entry(shape).or_insert(frame);
            } else if frame["result"].is_object() {
                let step = usize::try_from(frame["id"].as_u64().unwrap()).unwrap() - 1;
                let Step::Call { method, .. } = &scenario.steps[step] else { panic!("{frame}") };
                let shape = shape(&frame["result"]);
                replies.entry(method.clone()).or_default().entry(shape).or_insert(frame);
            }
        }
    }
    let expiring: Value = serde_json::from_str(&native::token_expiring(30)).unwrap();
    notices.entry("token-expiring".to_owned()).or_default().insert("in".to_owned(), expiring);
    assert_eq!(notices.keys().cloned().collect::<BTreeSet<_>>(), golden::notices());
    let mut methods = golden::methods();
    // Whoever has a socket is refused it.
    methods.remove("setAdmission");
    assert_eq!(replies.keys().cloned().collect::<BTreeSet<_>>(), methods);
    let frames = |by: BTreeMap<String, BTreeMap<String, Value>>| -> BTreeMap<String, Vec<Value>> {
        by.into_iter().map(|(name, shapes)| (name, shapes.into_values().collect())).collect()
    };
    Golden::produced("notices", frames(notices)).check();
    Golden::produced("replies", frames(replies)).check();
}
