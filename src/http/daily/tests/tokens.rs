//! Tests of meeting tokens: what is asked for is what the verifier reads, and can be read back.

use serde_json::{Value, json};

use super::{done, refused};
use crate::{
    auth::Verifier,
    config::Config,
    http::stream::tests::house::{House, NOW_MS, token},
};

const NOW: u64 = NOW_MS / 1000;
const INPUT: &str = "invalid-request-error";

async fn mint(house: &House, properties: Value) -> String {
    let told = done(house, "POST /meeting-tokens", json!({ "properties": properties })).await;
    told["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_says_what_was_asked_for_and_is_read_back() {
    let house = House::open().await;
    let permissions = json!({
        "hasPresence": false, "canSend": ["video", "audio"], "canAdmin": ["participants"],
        "canReceive": { "base": false, "byUserId": { "ann": true } },
    });
    let properties = json!({
        "room_name": "standup", "user_id": "bo", "user_name": "Bo", "is_owner": false,
        "knocking": true, "exp": NOW + 60, "nbf": NOW - 60, "eject_at_token_exp": true, "eject_after_elapsed": 90,
        "enable_screenshare": true, "permissions": permissions, "start_video_off": true,
        "lang": "de", "redirect_on_meeting_exit": "https://a.example", "enable_prejoin_ui": false,
    });
    let token = mint(&house, properties.clone()).await;
    let verifier = Verifier::new(&Config::default(), house.clock.clone()).unwrap();
    let bo = verifier.verify(&token).unwrap();
    assert_eq!(bo.room.as_deref(), Some("daily:standup"));
    assert_eq!((bo.user_id.as_deref(), bo.name.as_deref()), (Some("bo"), Some("Bo")));
    assert!(bo.knocks && !bo.invites(), "{bo:?}");
    assert_eq!((bo.is_owner, bo.exp, bo.iat), (false, Some(NOW + 60), Some(NOW)));
    assert_eq!((bo.stay.until, bo.stay.seconds), (Some(NOW + 60), Some(90)));
    let said: Value = serde_json::from_str(bo.permissions.unwrap().get()).unwrap();
    assert_eq!(said, permissions);
    let mut expected = properties;
    expected["start_audio_off"] = json!(false);
    let told = done(&house, &format!("GET /meeting-tokens/{token}"), Value::Null).await;
    assert_eq!(told, expected);
    // The least there is.
    let token = mint(&house, json!({ "room_name": "standup", "user_name": null })).await;
    let told = done(&house, &format!("GET /meeting-tokens/{token}"), Value::Null).await;
    let off = json!({ "room_name": "standup", "is_owner": false, "start_video_off": false,
        "start_audio_off": false });
    assert_eq!(told, off);
    let owner = mint(&house, json!({ "room_name": "standup", "is_owner": true })).await;
    let owner = verifier.verify(&owner).unwrap();
    assert!(owner.is_owner && owner.unnamed && !owner.is_server());
}

#[tokio::test]
async fn what_cannot_be_said_or_served_is_refused_by_its_name() {
    let house = House::open().await;
    let room = |more: Value| {
        let mut properties = json!({ "room_name": "standup" });
        for (name, value) in more.as_object().unwrap() {
            properties[name] = value.clone();
        }
        json!({ "properties": properties })
    };
    let bad_rule = json!({ "canReceive": { "base": { "video": true } } });
    for (body, text) in [
        (json!({}), "room_name"),
        (json!({ "properties": { "is_owner": true } }), "room_name"),
        (json!({ "properties": { "room_name": "a:b" } }), "`room_name`"),
        (json!({ "properties": [] }), "properties"),
        (room(json!({ "colour": "red" })), "unknown property `colour`"),
        (room(json!({ "enable_recording": "cloud" })), "`enable_recording` is not served"),
        (room(json!({ "start_cloud_recording": true })), "`start_cloud_recording` is not served"),
        (room(json!({ "knocking": "yes" })), "knocking"),
        (room(json!({ "is_owner": "yes" })), "is_owner"),
        (room(json!({ "user_id": "" })), "`user_id`"),
        (room(json!({ "user_id": "x".repeat(129) })), "`user_id`"),
        (room(json!({ "exp": NOW - 60 })), "expired"),
        (room(json!({ "eject_after_elapsed": -1 })), "eject_after_elapsed"),
        (room(json!({ "lang": "x".repeat(1001) })), "`lang`: has more than 1000"),
        (room(json!({ "permissions": { "canSend": ["smell"] } })), "`permissions`"),
        (room(json!({ "permissions": { "canSend": null } })), "`permissions`"),
        (room(json!({ "permissions": bad_rule })), "`permissions`"),
    ] {
        let info = refused(&house, "POST /meeting-tokens", body.clone(), 400, INPUT).await;
        assert!(info.contains(text), "{body}: {info}");
    }
    // What is asked not to be done is not done.
    let off = json!({ "room_name": "a", "knocking": false, "enable_recording": "<not set>" });
    mint(&house, off).await;
    // One that is not good yet can be made.
    let later = mint(&house, json!({ "room_name": "a", "nbf": NOW + 600 })).await;
    let line = format!("GET /meeting-tokens/{later}");
    let info = refused(&house, &line, Value::Null, 400, INPUT).await;
    assert!(info.contains("not valid yet"), "{info}");
    let told = done(&house, &format!("{line}?ignoreNbf=true"), Value::Null).await;
    assert_eq!(told["nbf"], json!(NOW + 600));
}

#[tokio::test]
async fn only_good_tokens_of_this_form_are_read_back() {
    let house = House::open().await;
    let good = mint(&house, json!({ "room_name": "a" })).await;
    let forged = format!("{}x", &good[..good.len() - 1]);
    for token in [
        "x",
        &forged,
        &token(&json!({})),
        &token(&json!({ "r": "a", "exp": 1 })),
        &token(&json!({ "r": "a", "user_id": "ann" })),
        &token(&json!({ "user_id": "ann" })),
    ] {
        let line = format!("GET /meeting-tokens/{token}");
        refused(&house, &line, Value::Null, 400, INPUT).await;
    }
    let house = House::with(|config| config.api_secret = None).await;
    let server = "POST /meeting-tokens";
    let body = json!({ "properties": { "room_name": "a" } });
    // Nobody has a secret that could be an API key, the development's least of all.
    refused(&house, server, body, 401, "authentication-error").await;
}
