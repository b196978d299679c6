//! The JSON Schema of every frame (`schema/rolecall.v1.json`): put together here from the crate's own
//! vocabularies and bounds, compared with the file, and held against parser and vectors.

mod frames;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::{Validator, validator_for};
use rolecall_protocol::{
    dialect::native::call,
    wire::frame::{CALL_ID_MAX, read_call},
};
use serde_json::{Value, json};

use self::{
    frames::{notices, params, results},
    words::{object, of, or_null, words},
};
use crate::{
    errors,
    golden::{self, Golden},
    page,
};

fn schema() -> Value {
    let mut defs = words();
    let version = json!({ "const": "2.0" });
    let id = json!({ "anyOf": [{ "type": "number" }, { "type": "string", "maxLength": CALL_ID_MAX - 2 }] });
    let mut calls = Vec::new();
    for (method, params) in params() {
        let needed = params["required"].as_array().is_some_and(|keys| !keys.is_empty())
            || params.get("oneOf").is_some();
        let mut call = json!({
            "type": "object",
            "properties": { "jsonrpc": version, "id": id, "method": { "const": method } },
            "required": ["jsonrpc", "id", "method"],
        });
        if needed {
            call["required"].as_array_mut().unwrap().push(json!("params"));
        }
        call["properties"]["params"] = if needed { params } else { or_null(params) };
        calls.push(of(&format!("call.{method}")));
        defs.insert(format!("call.{method}"), call);
    }
    let mut told = Vec::new();
    for (method, params) in notices() {
        let fields = [
            ("jsonrpc", version.clone()),
            ("method", json!({ "const": method })),
            ("params", params),
        ];
        told.push(of(&format!("notice.{method}")));
        defs.insert(format!("notice.{method}"), object(fields));
    }
    let mut replies = Vec::new();
    for (method, result) in results() {
        replies.push(of(&format!("result.{method}")));
        defs.insert(format!("result.{method}"), result);
    }
    let refusals: BTreeMap<_, _> =
        errors::all().into_iter().map(|e| (e.reason().to_owned(), e.code)).collect();
    let refusals: Vec<_> = refusals
        .iter()
        .map(|(reason, code)| json!({ "properties": { "code": { "const": code }, "data": { "properties": { "reason": { "const": reason } } } } }))
        .collect();
    let mut error = object([
        ("code", json!({ "type": "integer" })),
        ("message", json!({ "type": "string" })),
        (
            "data",
            object([
                ("reason", json!({ "type": "string" })),
                ("field?", json!({ "type": "string" })),
                ("needs?", of("needs")),
                ("track?", of("trackKind")),
                ("lacks?", of("capabilities")),
                ("opensAt?", of("moment")),
                ("knocking?", json!({ "type": "boolean" })),
                ("role?", of("role")),
                ("max?", of("seq")),
                ("limit?", of("seq")),
                ("retryAfter?", json!({ "type": "number", "minimum": 0 })),
            ]),
        ),
    ]);
    error["anyOf"] = json!(refusals);
    defs.insert("error".to_owned(), error);
    defs.insert("call".to_owned(), json!({ "anyOf": calls }));
    defs.insert("notice".to_owned(), json!({ "anyOf": told }));
    defs.insert("reply".to_owned(), json!({ "anyOf": [
        object([("jsonrpc", version.clone()), ("id", id.clone()), ("result", json!({ "anyOf": replies }))]),
        object([("jsonrpc", version), ("id", or_null(id)), ("error", of("error"))]),
    ] }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "rolecall.v1.json",
        "title": "rolecall.v1",
        "description": "Every frame of Rolecall's native protocol. `call` is what clients send; `reply` (with `result.<method>` for each call) and `notice` are what this version of the server sends: clients ignore fields they do not know. Bounds in bytes and depth of free-form JSON are not expressed.",
        "anyOf": [of("call"), of("reply"), of("notice")],
        "$defs": defs,
    })
}

/// A validator of one definition.
fn validator(name: &str) -> Validator {
    let mut schema = schema();
    let schema_of = schema.as_object_mut().unwrap();
    schema_of.remove("anyOf");
    schema_of.insert("$ref".to_owned(), json!(format!("#/$defs/{name}")));
    validator_for(&schema).unwrap()
}

#[track_caller]
fn holds(validator: &Validator, value: &Value) {
    if let Err(error) = validator.validate(value) {
        panic!("{error} at {} in {value}", error.instance_path());
    }
}

#[test]
fn the_file_is_the_one_put_together_here() {
    let text = golden::laid_out(&schema());
    golden::check(&golden::at("schema/rolecall.v1.json"), &text);
}

#[test]
fn it_knows_every_name() {
    let names = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(names(params().into_keys().collect()), golden::methods());
    assert_eq!(names(results().into_keys().collect()), golden::methods());
    assert_eq!(names(notices().into_keys().collect()), golden::notices());
}

#[test]
fn what_is_sent_holds() {
    let (reply, notice, whole) =
        (validator("reply"), validator("notice"), validator_for(&schema()).unwrap());
    let results: BTreeMap<_, _> = results()
        .into_keys()
        .map(|method| (method, validator(&format!("result.{method}"))))
        .collect();
    for name in ["stage", "lobby", "ending", "media", "waiting"] {
        let scenario: Value = Golden::of(name).content;
        for frame in
            scenario["told"].as_object().unwrap().values().flat_map(|told| told.as_array().unwrap())
        {
            let Some(id) = frame.get("id") else {
                holds(&notice, frame);
                continue;
            };
            holds(&reply, frame);
            let step = usize::try_from(id.as_u64().unwrap()).unwrap() - 1;
            let method = scenario["steps"][step]["method"].as_str().unwrap();
            if let Some(result) = frame.get("result") {
                holds(&results[method], result);
            }
        }
    }
    for frame in Golden::<Vec<Value>>::of("errors").content {
        holds(&reply, &frame);
        holds(&whole, &frame);
    }
    for frames in Golden::<BTreeMap<String, Vec<Value>>>::of("notices").content.values() {
        for frame in frames {
            holds(&whole, frame);
            for key in frame["params"].as_object().unwrap().keys().filter(|key| *key != "reason") {
                let mut less = frame.clone();
                less["params"].as_object_mut().unwrap().remove(key);
                assert!(!notice.is_valid(&less), "`{key}` may be missing in {frame}");
            }
        }
    }
}

#[test]
fn what_the_page_shows_holds() {
    let text = page::text().replacen(&page::section("## 0."), "", 1);
    for block in page::blocks(&text) {
        let json = &block.json;
        match &block.words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["call"] => holds(&validator("call"), json),
            ["notice"] => holds(&validator("notice"), json),
            ["error"] => holds(&validator("reply"), json),
            ["participant"] => holds(&validator("participant"), json),
            ["receive"] => holds(&validator("reception"), json),
            ["reply", method] => holds(&validator(&format!("result.{method}")), &json["result"]),
            _ => {}
        }
    }
    for (method, cells) in page::table("call") {
        let shown = page::names(&cells[0]);
        let shown: BTreeSet<&str> = shown.iter().flat_map(|list| list.split(", ")).collect();
        let schema = &params()[method.as_str()];
        let Some(properties) = schema.get("properties") else { continue };
        let required = schema["required"].as_array().unwrap();
        let mut known = BTreeSet::new();
        for key in properties.as_object().unwrap().keys() {
            let optional =
                !(required.contains(&json!(key)) || (method == "explain" && key != "peerId"));
            known.insert(if optional { format!("{key}?") } else { key.clone() });
        }
        assert_eq!(shown, known.iter().map(String::as_str).collect(), "{method}");
    }
}

/// Every value that differs from this one in one place: a key less, a key more, another type.
fn mutations(value: &Value) -> Vec<Value> {
    let others = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(""),
        json!("x y"),
        json!("audio"),
        json!([]),
        json!(["audio"]),
        json!({}),
        json!({"*": true}),
        json!([{}]),
    ];
    let mut all: Vec<Value> = others.into_iter().filter(|other| other != value).collect();
    match value {
        Value::Object(map) => {
            let mut more = map.clone();
            more.insert("wings".to_owned(), json!(2));
            all.push(Value::Object(more));
            for (key, inner) in map {
                let mut less = map.clone();
                less.remove(key);
                all.push(Value::Object(less));
                all.extend(mutations(inner).into_iter().map(|inner| {
                    let mut other = map.clone();
                    other.insert(key.clone(), inner);
                    Value::Object(other)
                }));
            }
        }
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                all.extend(mutations(inner).into_iter().map(|inner| {
                    let mut other = items.clone();
                    other[i] = inner;
                    Value::Array(other)
                }));
            }
        }
        _ => {}
    }
    all
}

/// The schema and the parser agree on every vector and on every way to spoil one in one place.
#[test]
fn calls_hold_exactly_where_the_parser_reads_them() {
    let validator = validator("call");
    let reads = |text: &str| {
        read_call(text).is_ok_and(|call| call::read(&call.method, call.params).is_ok())
    };
    let (mut read, mut refused) = (0, 0);
    for vector in Golden::<Vec<Value>>::of("calls").content {
        let call: Value = serde_json::from_str(vector["frame"].as_str().unwrap()).unwrap();
        holds(&validator, &call);
        for mutation in mutations(&call) {
            // What names a room is looked at only when somebody comes to it.
            if ["join", "knock", "access"].iter().any(|method| mutation["method"] == *method)
                && mutation["params"]["room"] != call["params"]["room"]
                && mutation["params"]["room"].is_string()
            {
                continue;
            }
            let is_read = reads(&mutation.to_string());
            assert_eq!(validator.is_valid(&mutation), is_read, "{mutation}");
            *if is_read { &mut read } else { &mut refused } += 1;
        }
    }
    assert!(read > 100 && refused > 1000, "{read} {refused}");
}

#[test]
fn what_the_parser_refuses_does_not_hold() {
    let validator = validator("call");
    for vector in Golden::<Vec<Value>>::of("malformed").content {
        let text = vector["frame"].as_str().unwrap();
        let Ok(frame) = serde_json::from_str::<Value>(text) else { continue };
        // What a schema cannot say: keys given twice, sizes in bytes, depth.
        let reason = vector["reply"]["error"]["data"]["reason"].as_str().unwrap();
        let sayable = reason != "too-large"
            && !text.contains("[[[[")
            && frame.to_string().len() == text.len();
        assert!(!sayable || !validator.is_valid(&frame), "{text}");
    }
}
