//! Tests of tokens of Daily's form: what each says, and that none says more than it may.

use serde_json::{Value, json};

use super::{NOW, PLAIN, SECRET, hs256, read, verifier};
use crate::auth::{AuthError, Identity, Stay, daily};

fn identity(claims: Value) -> Identity {
    read(&claims.to_string()).unwrap_or_else(|error| panic!("{claims}: {error}"))
}

/// The claim that a token is refused for.
fn refused(claims: &Value) -> &'static str {
    match read(&claims.to_string()) {
        Err(AuthError::BadClaim { claim, .. }) => claim,
        other => panic!("{claims}: {other:?}"),
    }
}

fn permissions(claims: Value) -> Value {
    let said = identity(claims).permissions.expect("permissions");
    serde_json::from_str(said.get()).unwrap()
}

#[test]
fn the_short_claims_are_read_whole() {
    let ann = identity(json!({
        "r": "standup", "d": "30f866c3", "iat": NOW, "nbf": NOW, "exp": NOW + 60, "ud": "ann",
        "u": "Ann B.", "o": true, "vo": true, "ao": true, "uil": "de", "sr": false,
    }));
    assert_eq!(ann.room.as_deref(), Some("daily:standup"));
    assert_eq!((ann.user_id.as_deref(), ann.name.as_deref()), (Some("ann"), Some("Ann B.")));
    assert_eq!((ann.is_owner, ann.unnamed, ann.is_server()), (true, false, false));
    assert_eq!((ann.iat, ann.exp), (Some(NOW), Some(NOW + 60)));
    let plain = identity(json!({ "r": "standup", "d": "x", "iat": NOW }));
    assert_eq!((plain.user_id, plain.unnamed, plain.is_owner), (None, true, false));
    assert_eq!((plain.call_cids, plain.role, plain.exp), (None, None, None));
}

#[test]
fn none_of_them_is_a_servers_nor_good_for_more_than_one_room() {
    for claims in [
        json!({ "r": "a" }),
        json!({ "r": "a", "o": true }),
        json!({ "r": "a", "d": "x", "ud": "ann" }),
    ] {
        let identity = identity(claims.clone());
        assert!(!identity.is_server(), "{claims}");
        assert_eq!(identity.room.as_deref(), Some("daily:a"), "{claims}");
    }
    // Whoever forgot the room has made nothing.
    for claims in [
        json!({ "d": "x" }),
        json!({ "o": true }),
        json!({ "ud": "ann" }),
        json!({ "u": "Ann" }),
        json!({ "p": { "hp": true } }),
        json!({ "d": "x", "iat": NOW, "exp": NOW + 60, "ud": "ann", "o": true }),
        json!({ "r": "" }),
        json!({ "r": "a:b" }),
        json!({ "r": "stage:x" }),
        json!({ "r": "a b" }),
        json!({ "r": "r".repeat(65) }),
        json!({ "r": null }),
        json!({ "r": 7 }),
        // Nor is one read that could be meant in two ways.
        json!({ "r": "a", "user_id": "ann" }),
        json!({ "r": "a", "room": "stage:x", "is_owner": true }),
        json!({ "r": "a", "call_cids": ["stage:x"] }),
    ] {
        assert_eq!(refused(&claims), "r", "{claims}");
    }
    // Without `r` the whole names count as ever, and others beside them are not looked at.
    let ann = identity(json!({ "user_id": "ann", "o": true, "p": 5, "d": "x" }));
    assert_eq!((ann.user_id.as_deref(), ann.is_owner, ann.unnamed), (Some("ann"), false, false));
    // What those names give is not given here.
    let ann = identity(json!({ "r": "a", "is_owner": true, "role": "host", "teams": ["red"] }));
    assert_eq!((ann.is_owner, ann.role, ann.teams), (false, None, Vec::<String>::new()));
}

#[test]
fn a_token_that_names_rooms_invites_unless_its_bearer_is_to_knock() {
    for (claims, expected) in [
        (json!({ "r": "a" }), true),
        (json!({ "r": "a", "ud": "ann", "k": false }), true),
        (json!({ "r": "a", "ud": "ann", "k": true }), false),
        (json!({ "r": "a", "k": true }), false),
        (json!({ "user_id": "ann" }), false),
        (json!({ "user_id": "ann", "room": "daily:a" }), true),
        (json!({ "user_id": "ann", "call_cids": ["daily:a", "stage:b"] }), true),
        // Beside whole names it is nobody's claim.
        (json!({ "user_id": "ann", "room": "daily:a", "k": true }), true),
        (json!({}), false),
    ] {
        assert_eq!(identity(claims.clone()).invites(), expected, "{claims}");
    }
}

#[test]
fn a_claim_of_a_wrong_type_is_refused_by_its_name() {
    for (claim, value) in [
        ("ud", json!("")),
        ("ud", json!("x".repeat(129))),
        ("ud", json!(null)),
        ("u", json!(7)),
        ("u", json!("x".repeat(129))),
        ("o", json!("true")),
        ("o", json!(1)),
        ("d", json!(1)),
        ("ss", json!("no")),
        ("ejt", json!(1)),
        ("eje", json!(-1)),
        ("exp", json!("soon")),
        ("nbf", json!(1.5)),
        ("iat", json!(null)),
        ("k", json!("true")),
        ("k", json!(null)),
        ("p", json!(null)),
        ("p", json!([])),
        ("p", json!(true)),
        ("p", json!({ "hp": 1 })),
        ("p", json!({ "hp": null })),
        ("p", json!({ "hasPresence": true })),
        ("p", json!({ "cs": ["v"] })),
        ("p", json!({ "cs": "v,smell" })),
        ("p", json!({ "ca": "p,v" })),
        ("p", json!({ "cr": true })),
        ("p", json!({ "cr": { "b": { "v": true } } })),
        ("p", json!({ "cr": { "u": { "ann": { "x": true } } } })),
        ("p", json!({ "cr": { "u": true } })),
    ] {
        let mut claims = json!({ "r": "a", "iat": NOW });
        claims[claim] = value;
        assert_eq!(refused(&claims), claim, "{claims}");
    }
    let twice = format!(r#"{{"r":"a","iat":{NOW},"o":false,"o":true}}"#);
    assert_eq!(read(&twice).unwrap_err(), AuthError::BadClaims);
}

#[test]
fn their_times_and_signatures_are_as_those_of_all_tokens() {
    for (claims, expected) in [
        (json!({ "r": "a", "exp": NOW - 5 }), AuthError::Expired),
        (json!({ "r": "a", "nbf": NOW + 6 }), AuthError::NotYetValid),
        (json!({ "r": "a", "iat": NOW + 6 }), AuthError::IssuedInFuture),
    ] {
        assert_eq!(read(&claims.to_string()).unwrap_err(), expected, "{claims}");
    }
    let claims = json!({ "r": "a", "d": "x", "o": true }).to_string();
    for (header, secret) in [
        (PLAIN, "another-secret-of-more-than-32-bytes-at-all"),
        (r#"{"alg":"HS384"}"#, SECRET),
        (r#"{"alg":"HS256","kid":"rsa"}"#, SECRET),
    ] {
        let token = hs256(header, &claims, secret.as_bytes());
        assert_eq!(verifier().verify(&token).unwrap_err(), AuthError::BadSignature, "{header}");
    }
    let unsigned = hs256(r#"{"alg":"none"}"#, &claims, SECRET.as_bytes());
    assert_eq!(verifier().verify(&unsigned).unwrap_err(), AuthError::Malformed);
}

#[test]
fn who_is_in_stays_unless_the_token_says_otherwise() {
    for (claims, stay, ends) in [
        (json!({ "exp": NOW + 60 }), Stay::default(), None),
        (
            json!({ "exp": NOW + 60, "ejt": true }),
            Stay { until: Some(NOW + 60), seconds: None },
            Some(NOW + 60),
        ),
        (json!({ "ejt": true }), Stay::default(), None),
        (json!({ "eje": 30 }), Stay { until: None, seconds: Some(30) }, Some(NOW + 40)),
        (
            json!({ "exp": NOW + 60, "ejt": true, "eje": 30 }),
            Stay { until: Some(NOW + 60), seconds: Some(30) },
            Some(NOW + 40),
        ),
        (
            json!({ "exp": NOW + 20, "ejt": true, "eje": 30 }),
            Stay { until: Some(NOW + 20), seconds: Some(30) },
            Some(NOW + 20),
        ),
    ] {
        let mut claims = claims;
        claims["r"] = json!("a");
        let identity = identity(claims.clone());
        assert_eq!((identity.stay, identity.stay.ends(NOW + 10)), (stay, ends), "{claims}");
    }
    // A token of whole names ends its bearer's stay with its own end.
    let ann = identity(json!({ "user_id": "ann", "exp": NOW + 60 }));
    assert_eq!(ann.stay.ends(NOW), Some(NOW + 60));
}

#[test]
fn permissions_are_spelled_out() {
    let short = json!({
        "hp": false, "cs": "a, v,cv", "ca": "p,t",
        "cr": {
            "b": { "v": true, "a": true, "sv": false, "sa": false, "cv": { "*": true, "cam": false },
                   "ca": { "*": false } },
            "u": { "ann": { "a": false }, "bo": true }, "p": { "01a2": { "sv": true } },
        },
    });
    let long = json!({
        "hasPresence": false, "canSend": ["audio", "video", "customVideo"],
        "canAdmin": ["participants", "transcription"],
        "canReceive": {
            "base": { "video": true, "audio": true, "screenVideo": false, "screenAudio": false,
                      "customVideo": { "*": true, "cam": false }, "customAudio": { "*": false } },
            "byUserId": { "ann": { "audio": false }, "bo": true },
            "byParticipantId": { "01a2": { "screenVideo": true } },
        },
    });
    assert_eq!(permissions(json!({ "r": "a", "p": short })), long);
    assert_eq!(daily::shortened(&long).map(|short| daily::spelled_out(&short)), Some(Ok(long)));
    for (short, long) in [
        (json!({ "cs": true, "ca": false }), json!({ "canSend": true, "canAdmin": false })),
        (json!({ "cs": "" }), json!({ "canSend": [] })),
        (json!({ "cr": { "b": false } }), json!({ "canReceive": { "base": false } })),
        (json!({}), json!({})),
    ] {
        assert_eq!(permissions(json!({ "r": "a", "p": short })), long);
        assert_eq!(daily::shortened(&long), Some(short));
    }
    for bad in [json!({ "canSend": null }), json!({ "canSend": ["smell"] }), json!([]), json!(1)] {
        assert_eq!(daily::shortened(&bad), None, "{bad}");
    }
    // They are of those who are no owners; an owner's have to be good all the same.
    assert!(identity(json!({ "r": "a", "o": true, "p": { "cs": false } })).permissions.is_none());
    assert_eq!(refused(&json!({ "r": "a", "o": true, "p": { "cs": 1 } })), "p");
}

#[test]
fn no_permission_brings_back_a_screen_that_may_not_be_shared() {
    let ann = identity(json!({ "r": "a", "ss": false }));
    assert!(ann.no_screenshare && ann.permissions.is_none());
    for (send, left) in [
        (json!(true), json!(["video", "audio", "customVideo", "customAudio"])),
        (json!("a,sv,sa"), json!(["audio"])),
        (json!(false), json!(false)),
    ] {
        let said = permissions(json!({ "r": "a", "ss": false, "p": { "cs": send } }));
        assert_eq!(said, json!({ "canSend": left }));
    }
    let hidden = identity(json!({ "r": "a", "ss": false, "p": { "hp": false } }));
    assert!(hidden.no_screenshare && hidden.permissions.is_some());
    assert!(!identity(json!({ "r": "a", "ss": true })).no_screenshare);
}
