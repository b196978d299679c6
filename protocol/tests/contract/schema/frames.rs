//! The schema of each call's params and result and of each notice's params.

use std::collections::BTreeMap;

use rolecall_protocol::{
    dialect::native::call::{LIST_MAX, UPDATES_MAX},
    id::NAME_MAX,
    room::{reply::REFUSED_MAX, session_data::KEYS_REMOVED_MAX},
};
use serde_json::{Value, json};

use super::words::{list, object, of, one_of, or_null};

/// The params of each call.
pub(super) fn params() -> BTreeMap<&'static str, Value> {
    let boolean = || json!({ "type": "boolean" });
    let string = || json!({ "type": "string" });
    let reason = || or_null(of("reason"));
    let nothing = || object([]);
    let request = || object([("requestId", of("requestId"))]);
    let user = || object([("userId", of("userId"))]);
    let mut some_kinds = list(of("trackKind"), LIST_MAX);
    some_kinds["minItems"] = json!(1);
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
                ("room", cid()),
                ("token?", or_null(of("token"))),
                ("name?", or_null(of("name"))),
                ("metadata?", of("json")),
                ("create?", boolean()),
            ]),
        ),
        (
            "knock",
            object([
                ("room", cid()),
                ("token?", or_null(of("token"))),
                ("name?", or_null(of("name"))),
            ]),
        ),
        (
            "access",
            object([("room", cid()), ("token?", or_null(of("token"))), ("create?", boolean())]),
        ),
        ("answerWaiting", object([waiting_id(), ("admit", boolean())])),
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
        ("mute", mute.clone()),
        ("requestUnmute", mute),
        (
            "removePeer",
            object([("peerId", of("peerId")), ("reason?", reason()), ("block?", boolean())]),
        ),
        ("blockUser", user()),
        ("unblockUser", user()),
        ("endRoom", object([("reason?", reason()), ("lock?", boolean())])),
        ("setName", object([("name", of("name")), ("peerId?", or_null(of("peerId")))])),
        ("setMetadata", object([("metadata", of("json")), ("peerId?", or_null(of("peerId")))])),
        ("raiseHand", object([("raised", boolean()), ("peerId?", or_null(of("peerId")))])),
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
        ("media", nothing()),
        ("subscribe", object([("peerId", of("peerId")), ("tracks", some_kinds)])),
        ("unsubscribe", object([subscription()])),
        ("signalSubscription", object([subscription(), ("data", of("json"))])),
        (
            "setAdmission",
            object([
                ("permissions?", or_null(of("patch"))),
                (
                    "maxPeers?",
                    json!({ "type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX }),
                ),
                ("private?", boolean()),
                ("knocking?", boolean()),
                ("opensAt?", or_null(of("when"))),
                ("closesAt?", or_null(of("when"))),
                ("ejectAtClose?", boolean()),
                ("onePerUser?", boolean()),
            ]),
        ),
        (
            "setSessionData",
            object([
                ("data", of("jsonObject")),
                ("merge?", boolean()),
                ("remove?", list(string(), KEYS_REMOVED_MAX)),
            ]),
        ),
    ])
}

/// `type:id` or a bare id.
fn cid() -> Value {
    let name = format!("[A-Za-z0-9_-]{{1,{NAME_MAX}}}");
    json!({ "type": "string", "pattern": format!("^({name}:)?{name}$") })
}

fn waiting_id() -> (&'static str, Value) {
    ("waitingId", of("peerId"))
}

fn subscription() -> (&'static str, Value) {
    ("subscriptionId", of("subscriptionId"))
}

fn waiting() -> Value {
    object([waiting_id(), ("userId", of("userId")), ("name", of("name")), ("since", of("moment"))])
}

fn tracks() -> (&'static str, Value) {
    ("tracks", of("trackKinds"))
}

fn all(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// The `result` of each call.
pub(super) fn results() -> BTreeMap<&'static str, Value> {
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
            ("sessionData", of("jsonObject")),
            ("participants", json!({ "type": "array", "items": of("participant") })),
            ("counts", of("counts")),
            (
                "requests",
                object([
                    ("role", json!({ "type": "array", "items": of("roleRequest") })),
                    ("permission", json!({ "type": "array", "items": of("permissionRequest") })),
                    ("waiting", all(waiting())),
                ]),
            ),
            (
                "subscriptions",
                object([
                    (
                        "receiving",
                        all(object([subscription(), ("peerId", of("peerId")), tracks()])),
                    ),
                    ("sending", all(object([subscription(), tracks()]))),
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
                "other-team",
                "default-grants",
                "default-revokes",
                "override-grants",
                "override-revokes",
                "setting-off",
                "hidden",
                "blocked",
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
        ("requestUnmute", object([("asked", count())])),
        ("knock", object([waiting_id()])),
        ("access", object([("access", one_of(["full", "lobby", "none"])), ("error", or_null(of("error")))])),
        ("subscribe", object([subscription(), tracks()])),
        ("media", object([("meshMax", count()), ("iceServers", all(object([
            ("urls", all(json!({ "type": "string" }))),
            ("username?", json!({ "type": "string" })),
            ("credential?", json!({ "type": "string" })),
        ])))])),
    ]);
    results
}

/// The params of each notice, and whether they carry `seq` and `at`.
pub(super) fn notices() -> BTreeMap<&'static str, Value> {
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
        ("subscription-updated", object([subscription(), ("peerId", of("peerId")), tracks()])),
        ("subscriber-updated", object([subscription(), tracks()])),
        ("session-data-updated", object([("data", of("jsonObject")), ("by", of("by"))])),
        ("waiting-updated", object([("waiting", waiting())])),
        (
            "waiting-left",
            object([
                waiting_id(),
                ("outcome", one_of(["admitted", "refused", "left", "hidden"])),
                ("by", of("by")),
            ]),
        ),
        ("room-ended", object([("by", of("by")), ("reason", or_null(of("reason")))])),
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
        ("unmute-request", object([("from", of("person")), ("tracks", of("trackKinds"))])),
        ("subscription-signal", object([subscription(), ("data", of("json"))])),
        (
            "waiting-answered",
            json!({ "anyOf": [
                object([waiting_id(), ("admitted", json!({ "const": true })), ("expiresAt", of("moment"))]),
                object([waiting_id(), ("admitted", json!({ "const": false }))]),
            ] }),
        ),
        ("token-expiring", object([("in", json!({ "type": "integer", "minimum": 0 }))])),
    ]);
    stamped
}
