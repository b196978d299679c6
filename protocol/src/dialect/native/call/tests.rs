//! Every call as it stands on the wire, and every way to get its params wrong.

use super::*;
use crate::wire::code::{INVALID_PARAMS, METHOD_NOT_FOUND};

#[test]
fn every_call_is_read() {
    for (method, params) in [
        ("join", r#"{"room":"a"}"#),
        (
            "join",
            r#"{"room":"stage:a","token":"x","name":"Ann","metadata":{"a":1},"create":false}"#,
        ),
        ("resume", r#"{"session":"s","epoch":"e","seq":3}"#),
        ("ping", "{}"),
        ("state", "{}"),
        ("refreshToken", r#"{"token":"x"}"#),
        ("leave", "{}"),
        ("changeRoleOfPeer", r#"{"peerId":"p","role":"host","force":true}"#),
        ("changeRoleOfPeersWithRoles", r#"{"ofRoles":[],"toRole":"host"}"#),
        ("acceptChangeRole", r#"{"requestId":"role-1"}"#),
        ("rejectChangeRole", r#"{"requestId":"role-1","reason":"no"}"#),
        ("cancelChangeRole", r#"{"requestId":"role-1"}"#),
        ("updateParticipant", r#"{"peerId":"p","updatePermissions":{"canSend":["audio"]}}"#),
        (
            "updateParticipants",
            r#"{"updates":{"*":{"updatePermissions":{}},"p":{"updatePermissions":{}}}}"#,
        ),
        ("requestPermissions", r#"{"permissions":["send-audio","presence"]}"#),
        ("answerPermissionRequest", r#"{"requestId":"permission-1","grant":true}"#),
        ("setTracks", r#"{"audio":true,"screenVideo":false}"#),
        ("mute", r#"{"tracks":["audio"]}"#),
        ("mute", r#"{"roles":["host"],"tracks":["audio"]}"#),
        ("removePeer", r#"{"peerId":"p","reason":"loud","block":true}"#),
        ("blockUser", r#"{"userId":"bo"}"#),
        ("unblockUser", r#"{"userId":"bo"}"#),
        ("endRoom", "{}"),
        ("goLive", "{}"),
        ("stopLive", "{}"),
        ("setName", r#"{"name":"Bo"}"#),
        ("setMetadata", r#"{"metadata":null}"#),
        ("raiseHand", r#"{"raised":true}"#),
        ("sendMessage", r#"{"data":{"a":[1]}}"#),
        ("sendMessage", r#"{"data":1,"to":{"roles":["host"]}}"#),
        ("sendMessage", r#"{"data":null,"to":"p"}"#),
        ("signal", r#"{"to":"p","data":{}}"#),
        ("explain", r#"{"track":"audio"}"#),
        ("explain", r#"{"peerId":"p","capability":"end-call"}"#),
    ] {
        let read = read(method, params);
        assert!(read.is_ok(), "{method} {params}: {read:?}");
        if let Ok(Request::Command(command)) = read {
            assert_eq!(command.name(), method);
        }
    }
}

#[test]
fn the_place_of_a_wrong_param_is_named() {
    let name = "x".repeat(129);
    let nested = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    for (method, params, field) in [
        ("ping", "[]", "params"),
        ("ping", "null", "params"),
        ("ping", r#"{"x":1}"#, "x"),
        ("join", "{}", "room"),
        ("join", r#"{"room":7}"#, "room"),
        ("join", r#"{"room":"a","colour":"red"}"#, "colour"),
        ("join", r#"{"room":"a","room":"b"}"#, "room"),
        ("join", &format!(r#"{{"room":"a","name":"{name}"}}"#), "name"),
        ("join", &format!(r#"{{"room":"a","metadata":{nested}}}"#), "metadata"),
        ("resume", r#"{"session":"s","epoch":"e","seq":-1}"#, "seq"),
        ("resume", r#"{"session":"s","epoch":"e","seq":1.0}"#, "seq"),
        ("changeRoleOfPeer", r#"{"peerId":"p"}"#, "role"),
        ("changeRoleOfPeer", r#"{"peerId":"p p","role":"a"}"#, "peerId"),
        ("changeRoleOfPeer", r#"{"peerId":"p","role":"a","force":"yes"}"#, "force"),
        ("changeRoleOfPeersWithRoles", r#"{"ofRoles":["a",7],"toRole":"b"}"#, "ofRoles[1]"),
        (
            "updateParticipant",
            r#"{"peerId":"p","updatePermissions":{"canFly":true}}"#,
            "updatePermissions.canFly",
        ),
        (
            "updateParticipant",
            r#"{"peerId":"p","updatePermissions":{"canSend":["audio","smell"]}}"#,
            "updatePermissions.canSend[1]",
        ),
        (
            "updateParticipant",
            r#"{"peerId":"p","updatePermissions":{"canReceive":{"base":{"audio":true}}}}"#,
            "updatePermissions.canReceive.base",
        ),
        (
            "updateParticipants",
            r#"{"updates":{"p":{"updatePermissions":{"hasPresence":1}}}}"#,
            "updates.p.updatePermissions.hasPresence",
        ),
        ("requestPermissions", r#"{"permissions":["fly"]}"#, "permissions[0]"),
        ("setTracks", r#"{"smell":true}"#, "smell"),
        ("setTracks", r#"{"audio":1}"#, "audio"),
        ("mute", r#"{"peerId":"p","roles":["a"],"tracks":["audio"]}"#, "roles"),
        ("mute", "{}", "tracks"),
        ("explain", "{}", "capability"),
        ("explain", r#"{"capability":"fly"}"#, "capability"),
        ("sendMessage", r#"{"to":"*"}"#, "data"),
        ("sendMessage", r#"{"data":1,"to":7}"#, "to"),
        ("setName", r#"{"name":"a\u0000b"}"#, "name"),
    ] {
        let error = read(method, params).unwrap_err();
        assert_eq!(error.code, INVALID_PARAMS, "{method} {params}: {error:?}");
        assert_eq!(error.data["field"], field, "{method} {params}: {error:?}");
        assert!(!error.message.contains(" line "), "{error:?}");
    }
    let twice = r#"{"updates":{"p":{"updatePermissions":{}},"p":{"updatePermissions":{}}}}"#;
    assert_eq!(read("updateParticipants", twice).unwrap_err().code, INVALID_PARAMS);
    assert_eq!(read("fly", "{}").unwrap_err().code, METHOD_NOT_FOUND);
}

#[test]
fn what_is_too_large_says_so() {
    let data = "x".repeat(16_383);
    let error = read("sendMessage", &format!(r#"{{"data":"{data}"}}"#)).unwrap_err();
    assert_eq!(
        (error.code, error.reason(), &error.data["field"]),
        (413, "too-large", &"data".into())
    );
    let metadata = "x".repeat(4095);
    let error = read("setMetadata", &format!(r#"{{"metadata":"{metadata}"}}"#)).unwrap_err();
    assert_eq!(error.code, 413);
}
