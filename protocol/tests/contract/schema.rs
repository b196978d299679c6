//! The JSON Schema of every frame (`schema/rolecall.v1.json`): put together here from the crate's own
//! vocabularies and bounds, compared with the file, and held against parser and vectors.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::{Validator, validator_for};
use rolecall_protocol::{
    capability::{AdminGroup, Capability},
    dialect::native::call::{self, LIST_MAX, TOKEN_MAX, UPDATES_MAX},
    id::{DISPLAY_NAME_MAX, NAME_MAX, PEER_ID_MAX, REASON_MAX, USER_ID_MAX},
    media::{CUSTOM_TRACK_NAME_MAX, CUSTOM_TRACKS_MAX, RECEPTION_RULES_MAX, TrackKind},
    permissions::LISTED_MAX,
    room::reply::REFUSED_MAX,
    wire::frame::{CALL_ID_MAX, read_call},
};
use serde_json::{Map, Value, json};

use crate::{
    errors,
    golden::{self, Golden},
    page,
};

const PRINTABLE: &str =
    "[^\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff]";

fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn one_of(values: impl IntoIterator<Item = &'static str>) -> Value {
    json!({ "enum": values.into_iter().collect::<Vec<_>>() })
}

fn list(items: Value, max: usize) -> Value {
    json!({ "type": "array", "items": items, "maxItems": max })
}

/// An object of these keys and no others; a key that ends in `?` may be absent.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<_> =
        fields.iter().map(|(key, _)| *key).filter(|key| !key.ends_with('?')).collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(key, schema)| (key.trim_end_matches('?').to_owned(), schema.clone()))
        .collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn text(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max, "pattern": format!("^{PRINTABLE}*$") })
}

fn slug(max: usize) -> Value {
    json!({ "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{max}}}$") })
}

/// The words and shapes that calls, replies and notices share.
fn words() -> Map<String, Value> {
    let boolean = || json!({ "type": "boolean" });
    let kinds = TrackKind::ALL.map(TrackKind::as_str);
    let custom = json!({
        "type": "object",
        "maxProperties": CUSTOM_TRACKS_MAX,
        "propertyNames": { "minLength": 1, "maxLength": CUSTOM_TRACK_NAME_MAX },
        "additionalProperties": { "type": "boolean" },
    });
    let kind_of =
        |kind: &str| if kind.starts_with("custom") { of("customTracks") } else { boolean() };
    let rule = |required: &[&str]| {
        let kinds: Map<String, Value> =
            kinds.iter().map(|k| ((*k).to_owned(), kind_of(k))).collect();
        json!({ "anyOf": [
            { "type": "boolean" },
            { "type": "object", "properties": kinds, "required": required, "additionalProperties": false },
        ] })
    };
    let mut base = rule(&kinds);
    for custom in ["customVideo", "customAudio"] {
        base["anyOf"][1]["properties"][custom]["required"] = json!(["*"]);
    }
    let rules = |names: Value| {
        json!({
            "type": "object",
            "maxProperties": RECEPTION_RULES_MAX,
            "propertyNames": names,
            "additionalProperties": of("mediaRule"),
        })
    };
    let listed = |name: &str| json!({ "anyOf": [boolean(), list(of(name), LISTED_MAX), { "type": "null" }] });
    let tracks = kinds.map(|kind| (kind, of("trackState")));
    let by =
        || json!({ "type": ["string", "null"], "description": "a peer id, `server`, or null" });
    let defs = json!({
        "peerId": slug(PEER_ID_MAX),
        "requestId": slug(PEER_ID_MAX),
        "role": slug(NAME_MAX),
        "userId": { "type": "string", "minLength": 1, "maxLength": USER_ID_MAX, "pattern": format!("^{PRINTABLE}+$") },
        "cid": { "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{NAME_MAX}}}:[A-Za-z0-9_-]{{1,{NAME_MAX}}}$") },
        "name": text(DISPLAY_NAME_MAX),
        "reason": text(REASON_MAX),
        "token": { "type": "string", "maxLength": TOKEN_MAX },
        "moment": { "type": "string", "format": "date-time", "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" },
        "seq": { "type": "integer", "minimum": 0 },
        "json": { "description": "any JSON; bounded in bytes and depth" },
        "by": by(),
        "trackKind": one_of(kinds),
        "trackState": one_of(["on", "off", "blocked"]),
        "adminGroup": one_of(AdminGroup::ALL.map(AdminGroup::as_str)),
        "capability": one_of(Capability::ALL.iter().map(|c| c.as_str())),
        "wanted": one_of(["send-audio", "send-video", "screenshare", "presence"]),
        "outcome": one_of(["accepted", "rejected", "cancelled", "expired", "superseded", "left", "withdrawn"]),
        "customTracks": custom,
        "mediaRule": rule(&[]),
        "baseRule": base,
        "rulesByRole": rules(of("role")),
        "rulesByUserId": rules(of("userId")),
        "rulesByPeerId": rules(of("peerId")),
        "reception": object([
            ("base", of("baseRule")),
            ("byRole?", of("rulesByRole")),
            ("byUserId?", of("rulesByUserId")),
            ("byParticipantId?", of("rulesByPeerId")),
        ]),
        "patch": object([
            ("hasPresence?", json!({ "type": ["boolean", "null"] })),
            ("canSend?", listed("trackKind")),
            ("canReceive?", or_null(object([
                ("base?", or_null(of("baseRule"))),
                ("byUserId?", or_null(of("rulesByUserId"))),
                ("byParticipantId?", or_null(of("rulesByPeerId"))),
            ]))),
            ("canAdmin?", listed("adminGroup")),
        ]),
        "permissions": object([
            ("hasPresence", boolean()),
            ("canSend", list(of("trackKind"), kinds.len())),
            ("canReceive", of("reception")),
            ("canAdmin", list(of("adminGroup"), AdminGroup::ALL.len())),
        ]),
        "capabilities": list(of("capability"), Capability::ALL.len()),
        "participant": object([
            ("peerId", of("peerId")),
            ("userId", of("userId")),
            ("name", of("name")),
            ("role", of("role")),
            ("owner", boolean()),
            ("joinedAt", of("moment")),
            ("metadata", of("json")),
            ("permissions", of("permissions")),
            ("capabilities", of("capabilities")),
            ("tracks", object(tracks)),
            ("handRaised", boolean()),
            ("connected", boolean()),
        ]),
        "person": object([
            ("peerId", or_null(of("peerId"))),
            ("userId", or_null(of("userId"))),
            ("name", of("name")),
        ]),
        "counts": object([("present", of("seq")), ("hidden", of("seq"))]),
        "room": object([
            ("cid", of("cid")),
            ("team", json!({ "type": ["string", "null"] })),
            ("callType", slug(NAME_MAX)),
            ("createdBy", or_null(of("userId"))),
            ("createdAt", of("moment")),
            ("custom", of("json")),
            ("endedAt", or_null(of("moment"))),
            ("backstage", boolean()),
        ]),
        "roleView": object([
            ("name", of("role")),
            ("priority", json!({ "type": "integer", "minimum": 0, "maximum": u16::MAX })),
            ("canSend", list(of("trackKind"), kinds.len())),
            ("canReceive", of("reception")),
            ("canAdmin", list(of("adminGroup"), AdminGroup::ALL.len())),
            ("hasPresence", boolean()),
            ("capabilities", of("capabilities")),
            ("maxPeerCount?", json!({ "type": "integer", "minimum": 0 })),
            ("publishParams?", of("json")),
        ]),
        "roleRequest": object([
            ("requestId", of("requestId")),
            ("peerId", of("peerId")),
            ("by", of("person")),
            ("role", of("role")),
            ("expiresAt", of("moment")),
        ]),
        "permissionRequest": object([
            ("requestId", of("requestId")),
            ("from", of("person")),
            ("permissions", list(of("wanted"), 4)),
        ]),
    });
    let Value::Object(defs) = defs else { unreachable!() };
    defs
}

/// The params of each call.
fn params() -> BTreeMap<&'static str, Value> {
    let boolean = || json!({ "type": "boolean" });
    let string = || json!({ "type": "string" });
    let reason = || or_null(of("reason"));
    let nothing = || object([]);
    let request = || object([("requestId", of("requestId"))]);
    let user = || object([("userId", of("userId"))]);
    let update = object([("updatePermissions", of("patch"))]);
    let mut mute = object([
        ("peerId?", or_null(of("peerId"))),
        ("roles?", or_null(list(of("role"), LIST_MAX))),
        ("tracks", list(of("trackKind"), LIST_MAX)),
    ]);
    let given = |key: &str| json!({ "required": [key], "properties": { key: { "not": { "type": "null" } } } });
    mute["not"] = json!({ "allOf": [given("peerId"), given("roles")] });
    let mut explain = object([
        ("peerId?", or_null(of("peerId"))),
        ("capability?", or_null(of("capability"))),
        ("track?", or_null(of("trackKind"))),
    ]);
    explain["oneOf"] = json!([given("capability"), given("track")]);
    BTreeMap::from([
        (
            "join",
            object([
                (
                    "room",
                    json!({ "type": "string", "pattern": format!("^([A-Za-z0-9_-]{{1,{NAME_MAX}}}:)?[A-Za-z0-9_-]{{1,{NAME_MAX}}}$") }),
                ),
                ("token?", or_null(of("token"))),
                ("name?", or_null(of("name"))),
                ("metadata?", of("json")),
                ("create?", boolean()),
            ]),
        ),
        (
            "resume",
            object([
                ("session", string()),
                ("epoch", string()),
                ("seq", of("seq")),
                ("token?", or_null(of("token"))),
            ]),
        ),
        ("ping", nothing()),
        ("state", nothing()),
        ("leave", nothing()),
        ("goLive", nothing()),
        ("stopLive", nothing()),
        ("refreshToken", object([("token", of("token"))])),
        (
            "changeRoleOfPeer",
            object([("peerId", of("peerId")), ("role", of("role")), ("force?", boolean())]),
        ),
        (
            "changeRoleOfPeersWithRoles",
            object([("ofRoles", list(of("role"), LIST_MAX)), ("toRole", of("role"))]),
        ),
        ("acceptChangeRole", request()),
        ("cancelChangeRole", request()),
        ("rejectChangeRole", object([("requestId", of("requestId")), ("reason?", reason())])),
        (
            "updateParticipant",
            object([("peerId", of("peerId")), ("updatePermissions", of("patch"))]),
        ),
        (
            "updateParticipants",
            object([(
                "updates",
                json!({
                    "type": "object",
                    "maxProperties": UPDATES_MAX,
                    "propertyNames": { "anyOf": [of("peerId"), { "const": "*" }] },
                    "additionalProperties": update,
                }),
            )]),
        ),
        ("requestPermissions", object([("permissions", list(of("wanted"), LIST_MAX))])),
        (
            "answerPermissionRequest",
            object([("requestId", of("requestId")), ("grant", boolean()), ("reason?", reason())]),
        ),
        ("explain", explain),
        (
            "setTracks",
            json!({ "type": "object", "propertyNames": of("trackKind"), "additionalProperties": { "type": "boolean" } }),
        ),
        ("mute", mute),
        (
            "removePeer",
            object([("peerId", of("peerId")), ("reason?", reason()), ("block?", boolean())]),
        ),
        ("blockUser", user()),
        ("unblockUser", user()),
        ("endRoom", object([("reason?", reason())])),
        ("setName", object([("name", of("name"))])),
        ("setMetadata", object([("metadata", of("json"))])),
        ("raiseHand", object([("raised", boolean())])),
        (
            "sendMessage",
            object([
                ("data", of("json")),
                (
                    "to?",
                    json!({ "anyOf": [
            of("peerId"),
            { "const": "*" },
            object([("roles", list(of("role"), LIST_MAX))]),
        ] }),
                ),
            ]),
        ),
        ("signal", object([("to", of("peerId")), ("data", of("json"))])),
    ])
}

/// The `result` of each call.
fn results() -> BTreeMap<&'static str, Value> {
    let done = || object([]);
    let count = || of("seq");
    let joined = |resumed: Option<()>| {
        let fields = [
            ("peerId", of("peerId")),
            ("session", json!({ "type": "string" })),
            ("epoch", json!({ "type": "string" })),
            ("seq", of("seq")),
            ("room", of("room")),
            (
                "roles",
                json!({ "type": "object", "propertyNames": of("role"), "additionalProperties": of("roleView") }),
            ),
            ("participants", json!({ "type": "array", "items": of("participant") })),
            ("counts", of("counts")),
            (
                "requests",
                object([
                    ("role", json!({ "type": "array", "items": of("roleRequest") })),
                    ("permission", json!({ "type": "array", "items": of("permissionRequest") })),
                ]),
            ),
            ("protocol", json!({ "const": "rolecall.v1" })),
            ("version", json!({ "type": "string" })),
        ];
        let mut joined = object(fields);
        if resumed.is_some() {
            joined["properties"]["resumed"] = json!({ "const": false });
            joined["required"].as_array_mut().unwrap().push(json!("resumed"));
        }
        joined
    };
    let because = object([
        (
            "rule",
            one_of([
                "role-grants",
                "creator-grants",
                "role-lacks",
                "override-grants",
                "override-revokes",
                "setting-off",
                "hidden",
            ]),
        ),
        ("role?", of("role")),
        ("override?", one_of(["canSend", "canAdmin"])),
        ("setting?", json!({ "type": "string" })),
    ]);
    let mut results: BTreeMap<_, _> = params().into_keys().map(|method| (method, done())).collect();
    results.extend([
        ("join", joined(None)),
        ("state", joined(None)),
        ("resume", json!({ "anyOf": [
            object([("resumed", json!({ "const": true })), ("peerId", of("peerId")), ("seq", of("seq"))]),
            joined(Some(())),
        ] })),
        ("ping", object([("at", of("moment"))])),
        ("changeRoleOfPeer", json!({ "anyOf": [done(), object([("requestId", of("requestId")), ("expiresAt", of("moment"))])] })),
        ("acceptChangeRole", json!({ "anyOf": [done(), object([("outcome", of("outcome"))])] })),
        ("changeRoleOfPeersWithRoles", object([("changed", count()), ("skipped", count())])),
        ("updateParticipants", object([("changed", count()), ("skipped", count()), ("refused?", list(
            object([("peerId", of("peerId")), ("reason", json!({ "type": "string" }))]),
            REFUSED_MAX,
        ))])),
        ("requestPermissions", json!({ "anyOf": [done(), object([("requestId", of("requestId"))])] })),
        ("explain", object([("allowed", json!({ "type": "boolean" })), ("because", json!({ "type": "array", "items": because }))])),
        ("mute", object([("muted", count())])),
    ]);
    results
}

/// The params of each notice, and whether they carry `seq` and `at`.
fn notices() -> BTreeMap<&'static str, Value> {
    let string = |max: usize| or_null(text(max));
    let participant = || ("participant", of("participant"));
    let changed = |names: &[&'static str]| {
        (
            "changed",
            json!({ "type": "array", "items": one_of(names.iter().copied()), "minItems": 1 }),
        )
    };
    let request = || ("requestId", of("requestId"));
    let wanted = || ("permissions", list(of("wanted"), 4));
    let mut stamped = BTreeMap::from([
        ("participant-joined", object([participant()])),
        (
            "participant-updated",
            object([
                participant(),
                changed(&[
                    "name",
                    "role",
                    "owner",
                    "metadata",
                    "permissions",
                    "capabilities",
                    "tracks",
                    "handRaised",
                    "connected",
                ]),
                ("by", of("by")),
            ]),
        ),
        (
            "participant-left",
            object([
                ("peerId", of("peerId")),
                ("userId", of("userId")),
                ("reason", one_of(["left", "lost", "removed", "hidden", "ended"])),
            ]),
        ),
        (
            "ROLE_UPDATED",
            object([
                ("peerId", of("peerId")),
                ("from", of("role")),
                ("to", of("role")),
                ("by", of("by")),
                ("forced", json!({ "type": "boolean" })),
            ]),
        ),
        (
            "role-change-request",
            object([(
                "request",
                object([
                    request(),
                    ("by", of("person")),
                    ("role", of("role")),
                    ("expiresAt", of("moment")),
                ]),
            )]),
        ),
        (
            "role-change-answered",
            object([
                request(),
                ("peerId", of("peerId")),
                ("role", of("role")),
                ("outcome", of("outcome")),
                ("reason?", of("reason")),
            ]),
        ),
        ("role-change-cancelled", object([request(), ("outcome", of("outcome"))])),
        ("permission-request", object([request(), ("from", of("person")), wanted()])),
        (
            "permission-request-answered",
            object([
                request(),
                ("from", of("person")),
                wanted(),
                ("granted", json!({ "type": "boolean" })),
                ("by", of("by")),
                ("reason?", of("reason")),
            ]),
        ),
        ("counts-updated", object([("present", of("seq")), ("hidden", of("seq"))])),
        ("room-updated", object([("room", of("room")), changed(&["backstage", "callType"])])),
        ("room-ended", object([("by", of("by")), ("reason", string(REASON_MAX))])),
    ]);
    for params in stamped.values_mut() {
        params["properties"]["seq"] = of("seq");
        params["properties"]["at"] = of("moment");
        params["required"].as_array_mut().unwrap().extend([json!("seq"), json!("at")]);
    }
    stamped.extend([
        (
            "app-message",
            object([
                ("from", of("person")),
                ("data", of("json")),
                (
                    "to",
                    json!({ "anyOf": [
            of("peerId"),
            { "const": "*" },
            object([("roles", list(of("role"), LIST_MAX))]),
        ] }),
                ),
            ]),
        ),
        ("signal", object([("from", of("person")), ("data", of("json"))])),
        ("token-expiring", object([("in", json!({ "type": "integer", "minimum": 0 }))])),
    ]);
    stamped
}

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
                ("needs?", of("capability")),
                ("track?", of("trackKind")),
                ("lacks?", of("capabilities")),
                ("role?", of("role")),
                ("max?", of("seq")),
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
    for name in ["stage", "lobby", "ending"] {
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
                !required.contains(&json!(key)) && (method != "explain" || key == "peerId");
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

/// The parser is more lenient than the contract in one thing: it reads an empty array for an empty
/// patch.
fn without_arrays_for_objects(mut call: Value) -> Value {
    fn mend(value: &mut Value) {
        let Value::Object(map) = value else { return };
        for (key, inner) in map {
            if ["updatePermissions", "canReceive"].contains(&key.as_str()) && *inner == json!([]) {
                *inner = json!({});
            }
            mend(inner);
        }
    }
    if let Some(params) = call.get_mut("params") {
        mend(params);
    }
    call
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
            // What names a room is looked at only when somebody joins it.
            if mutation["method"] == "join"
                && mutation["params"]["room"] != call["params"]["room"]
                && mutation["params"]["room"].is_string()
            {
                continue;
            }
            let is_read = reads(&mutation.to_string());
            assert_eq!(
                validator.is_valid(&without_arrays_for_objects(mutation.clone())),
                is_read,
                "{mutation}"
            );
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
