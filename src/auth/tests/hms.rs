//! Tests of tokens of 100ms's form: what each says, and that none says more than it may.

use serde_json::{Value, json};

use super::{NOW, SECRET, read, verifier};
use crate::{
    auth::{AuthError, hms},
    config::Config,
    secret::Secret,
};

fn claims() -> Value {
    json!({ "access_key": Config::default().api_key, "type": "app", "version": 2,
        "room_id": "stage:keynote", "user_id": "ann", "role": "speaker", "jti": "1", "iat": NOW,
        "nbf": NOW, "exp": NOW + 60 })
}

#[test]
fn it_is_good_for_one_room_and_opens_it() {
    let ann = read(&claims().to_string()).unwrap();
    assert_eq!((ann.user_id.as_deref(), ann.role.as_deref()), (Some("ann"), Some("speaker")));
    assert_eq!(ann.room.as_deref(), Some("stage:keynote"));
    assert!(ann.opens && ann.invites() && !ann.is_owner && !ann.is_server() && !ann.unnamed);
    // Its times are for coming in.
    assert_eq!((ann.exp, ann.stay.ends(NOW)), (Some(NOW + 60), None));
}

#[test]
fn what_is_wrong_with_it_is_named() {
    for (claim, value) in [
        ("access_key", json!("another")),
        ("access_key", json!(7)),
        ("room_id", json!("")),
        ("user_id", Value::Null),
        ("user_id", json!("")),
        ("role", json!(7)),
        ("type", json!("management")),
    ] {
        let mut claims = claims();
        claims[claim] = value.clone();
        match read(&claims.to_string()) {
            Err(AuthError::BadClaim { claim: named, .. }) => assert_eq!(named, claim, "{value}"),
            other => panic!("{claim} {value}: {other:?}"),
        }
    }
    let mut nobody = claims();
    nobody.as_object_mut().unwrap().remove("user_id");
    assert!(read(&nobody.to_string()).is_err(), "nobody is whom he chooses to be");
    for other in ["room", "call_cids", "r"] {
        let mut two = claims();
        two[other] = json!("x");
        assert!(read(&two.to_string()).is_err(), "{other}: it could be read in two ways");
    }
    let mut late = claims();
    late["exp"] = json!(NOW - 60);
    assert_eq!(read(&late.to_string()).unwrap_err(), AuthError::Expired);
}

#[test]
fn a_minted_one_can_be_read_by_a_browser() {
    let mut ids = 0;
    let claims = |user: &str| hms::Claims {
        access_key: Config::default().api_key,
        r#type: "app",
        version: 2,
        room_id: "stage:keynote".to_owned(),
        user_id: user.to_owned(),
        role: "speaker".to_owned(),
        jti: String::new(),
        iat: NOW,
        nbf: NOW,
        exp: None,
    };
    let mut jti = || {
        ids += 1;
        // What has these cannot be read, whatever stands before it.
        if ids < 3 { "???~~~>>>".repeat(3) } else { "plain".to_owned() }
    };
    let token = hms::sign(claims("ann"), &Secret::new(SECRET), &mut jti).unwrap();
    let payload = token.split('.').nth(1).unwrap();
    assert!(!payload.contains(['-', '_']), "{payload}");
    assert!(ids >= 3, "others were tried");
    assert_eq!(verifier().verify_at(&token, NOW).unwrap().user_id.as_deref(), Some("ann"));
}
