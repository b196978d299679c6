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

fn management() -> Value {
    json!({ "access_key": Config::default().api_key, "type": "management", "version": 2,
        "jti": "1", "iat": NOW, "nbf": NOW, "exp": NOW + 60 })
}

fn is_managements(claims: &Value) -> Result<(), AuthError> {
    let key = Config::default().api_key;
    crate::auth::claims::read_management(&claims.to_string(), &key, NOW).map(drop)
}

#[test]
fn a_back_ends_is_good_for_its_own_door_alone() {
    is_managements(&management()).unwrap();
    assert!(read(&management().to_string()).is_err(), "it names nobody, and is no server's");
    assert!(is_managements(&claims()).is_err(), "people's are not for that door");
    for server in [json!({}), json!({ "iat": NOW }), json!({ "type": "management" })] {
        assert!(is_managements(&server).is_err(), "{server}");
    }
    // Whatever is left out or added, it is taken for nothing else.
    let mut untyped = management();
    untyped.as_object_mut().unwrap().remove("type");
    for other in [json!("app"), json!(7), Value::Null] {
        untyped["type"] = other;
        assert!(read(&untyped.to_string()).is_err() && is_managements(&untyped).is_err());
    }
    for (claim, value) in [
        ("user_id", json!("ann")),
        ("room_id", json!("stage:keynote")),
        ("room", json!("stage:keynote")),
        ("call_cids", json!(["stage:keynote"])),
        ("r", json!("standup")),
    ] {
        let mut both = management();
        both[claim] = value;
        assert!(read(&both.to_string()).is_err() && is_managements(&both).is_err(), "{claim}");
    }
}

#[test]
fn a_back_ends_is_this_apps_and_in_time() {
    for (claim, value, wrong) in [
        ("access_key", json!("another"), "access_key"),
        ("access_key", json!(7), "access_key"),
        ("exp", json!("soon"), "exp"),
        ("nbf", json!(-1), "nbf"),
    ] {
        let mut claims = management();
        claims[claim] = value;
        match is_managements(&claims) {
            Err(AuthError::BadClaim { claim, .. }) => assert_eq!(claim, wrong),
            other => panic!("{claims}: {other:?}"),
        }
    }
    for (claim, at, error) in [
        ("exp", NOW - 60, AuthError::Expired),
        ("nbf", NOW + 60, AuthError::NotYetValid),
        ("iat", NOW + 60, AuthError::IssuedInFuture),
    ] {
        let mut claims = management();
        claims[claim] = json!(at);
        assert_eq!(is_managements(&claims), Err(error));
    }
    let minted = hms::ManagementClaims::new(Config::default().api_key, "1".to_owned(), NOW, 60);
    assert_eq!(serde_json::to_value(&minted).unwrap(), management());
}
