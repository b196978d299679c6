//! The words and shapes of the schema that calls, replies and notices share.

use rolecall_protocol::{
    capability::{AdminGroup, Capability},
    dialect::native::call::TOKEN_MAX,
    grant::Silent,
    id::{DISPLAY_NAME_MAX, NAME_MAX, PEER_ID_MAX, REASON_MAX, USER_ID_MAX},
    media::{CUSTOM_TRACK_NAME_MAX, CUSTOM_TRACKS_MAX, RECEPTION_RULES_MAX, TrackKind},
    permissions::LISTED_MAX,
    room::state::PINS_MAX,
};
use serde_json::{Map, Value, json};

const PRINTABLE: &str =
    "[^\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff]";

pub(super) fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

pub(super) fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

pub(super) fn one_of(values: impl IntoIterator<Item = &'static str>) -> Value {
    json!({ "enum": values.into_iter().collect::<Vec<_>>() })
}

pub(super) fn list(items: Value, max: usize) -> Value {
    json!({ "type": "array", "items": items, "maxItems": max })
}

/// An object of these keys and no others; a key that ends in `?` may be absent.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<_> =
        fields.iter().map(|(key, _)| *key).filter(|key| !key.ends_with('?')).collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(key, schema)| (key.trim_end_matches('?').to_owned(), schema.clone()))
        .collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

pub(super) fn text(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max, "pattern": format!("^{PRINTABLE}*$") })
}

pub(super) fn slug(max: usize) -> Value {
    json!({ "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{max}}}$") })
}

/// The words and shapes that calls, replies and notices share.
pub(super) fn words() -> Map<String, Value> {
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
    let by = || json!({ "type": ["string", "null"], "description": "a peer id, `user:` and a user id, `server`, or null" });
    let defs = json!({
        "peerId": slug(PEER_ID_MAX),
        "requestId": slug(PEER_ID_MAX),
        "subscriptionId": slug(PEER_ID_MAX),
        "trackKinds": list(of("trackKind"), kinds.len()),
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
        "needs": one_of(
            Capability::ALL.iter().map(|c| c.as_str()).chain(Silent::ALL.iter().map(|s| s.as_str())),
        ),
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
            ("startsAt", or_null(of("moment"))),
            ("custom", of("json")),
            ("endedAt", or_null(of("moment"))),
            ("backstage", boolean()),
            ("pins", list(of("pin"), PINS_MAX)),
        ]),
        "pin": object([("userId", of("userId")), ("peerId", of("peerId"))]),
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
    let Value::Object(mut defs) = defs else { unreachable!() };
    let object =
        json!({ "type": "object", "description": "any JSON object; bounded in bytes and depth" });
    defs.insert("jsonObject".to_owned(), object);
    let when = "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$";
    let when = json!({ "type": "string", "format": "date-time", "pattern": when });
    defs.insert("when".to_owned(), when);
    defs
}
