//! Tests of call types.

use serde_json::{Value, json};

use super::{
    calls::{create, with_users},
    house::{House, NOW_MS},
};

const PATH: &str = "/api/v2/video/calltypes";

#[tokio::test]
async fn the_page_of_stream_word_for_word() {
    let house = House::open().await;
    let body = json!({
        "name": "allhands",
        "settings": { "audio": { "mic_default_on": true, "default_device": "speaker" } },
        "grants": {
            "admin": ["send-audio", "send-video", "mute-users"],
            "customrole": ["send-audio", "send-video"],
        },
    });
    let told = house.server(&format!("POST {PATH}"), body.clone()).await.fault(400, 4);
    assert!(told.starts_with("CreateCallType failed with error: \""), "{told}");
    assert!(told.contains("unknown role `customrole`"), "{told}");
    house.server("POST /api/v2/roles", json!({ "name": "customrole" })).await.expect(201);
    let made = house.server(&format!("POST {PATH}"), body.clone()).await.expect(201);
    assert_eq!(made["name"], "allhands");
    assert_eq!(made["grants"]["admin"], json!(["send-audio", "send-video", "mute-users"]));
    assert_eq!(made["grants"]["customrole"], json!(["send-audio", "send-video"]));
    assert!(!made["grants"]["user"].as_array().unwrap().is_empty(), "the others are the default's");
    assert_eq!(made["created_at"], json!(NOW_MS * 1_000_000));
    for section in ["audio", "video", "backstage", "ring", "transcription", "limits"] {
        assert!(made["settings"][section].is_object(), "{section}");
    }
    assert_eq!(
        made["notification_settings"]["call_ring"]["apns"],
        json!({ "title": "", "body": "" })
    );
    let twice = house.server(&format!("POST {PATH}"), body).await.fault(400, 4);
    assert!(twice.contains("call type `allhands` already exists"), "{twice}");

    let read = house.server(&format!("GET {PATH}/allhands"), Value::Null).await.expect(200);
    assert_eq!(read["grants"], made["grants"]);
    let all = house.server(&format!("GET {PATH}"), Value::Null).await.expect(200);
    assert_eq!(all["call_types"]["allhands"]["grants"], made["grants"]);
    for name in ["default", "development", "livestream", "audio_room"] {
        assert_eq!(all["call_types"][name]["name"], name);
    }
    house.server(&format!("DELETE {PATH}/allhands"), Value::Null).await.expect(200);
    let gone = house.server(&format!("GET {PATH}/allhands"), Value::Null).await.fault(404, 16);
    assert_eq!(gone, "GetCallType failed with error: \"allhands: call type does not exist\"");
}

#[tokio::test]
async fn an_update_replaces_the_roles_it_mentions() {
    let house = House::open().await;
    let line = format!("PUT {PATH}/livestream");
    let before = house.server(&format!("GET {PATH}/livestream"), Value::Null).await.expect(200);
    let change = json!({ "grants": { "host": ["join-backstage"], "user": [] } });
    house.clock.advance(std::time::Duration::from_secs(1));
    let after = house.server(&line, change).await.expect(201);
    assert_eq!(after["grants"]["host"], json!(["join-backstage"]));
    assert_eq!(after["grants"]["user"], json!([]));
    assert_eq!(after["grants"]["admin"], before["grants"]["admin"]);
    assert_eq!(after["updated_at"], json!((NOW_MS + 1000) * 1_000_000));
    let reset = house.server(&line, json!({ "grants": null })).await.expect(201);
    assert_eq!(reset["grants"], before["grants"]);
    let same = house.server(&line, Value::Null).await.expect(201);
    assert_eq!(same["grants"], before["grants"]);
}

#[tokio::test]
async fn settings_are_laid_over_those_there_are() {
    let house = House::open().await;
    let line = format!("PUT {PATH}/audio_room");
    let before = house.server(&format!("GET {PATH}/audio_room"), Value::Null).await.expect(200);
    assert_eq!(before["settings"]["backstage"]["enabled"], true);
    assert_eq!(before["settings"]["video"]["enabled"], false);
    let change = json!({ "settings": {
        "audio": { "mic_default_on": true, "default_device": "earpiece" },
        "recording": { "mode": "disabled" },
    } });
    let after = house.server(&line, change).await.expect(201);
    assert_eq!(after["settings"]["audio"]["mic_default_on"], true);
    assert_eq!(after["settings"]["audio"]["default_device"], "earpiece");
    assert_eq!(after["settings"]["recording"]["mode"], "disabled");
    assert_eq!(
        after["settings"]["recording"]["quality"],
        before["settings"]["recording"]["quality"]
    );
    assert_eq!(after["settings"]["ring"], before["settings"]["ring"]);
    for (settings, expected) in [
        (json!({ "smell": {} }), "smell"),
        (json!({ "audio": { "volume": 11, "default_device": "speaker" } }), "volume"),
        (json!({ "recording": { "mode": "loud" } }), "mode"),
        (json!([]), "settings"),
    ] {
        let told = house.server(&line, json!({ "settings": settings })).await.fault(400, 4);
        assert!(told.contains(expected), "{settings}: {told}");
    }
}

#[tokio::test]
async fn what_is_unknown_is_named() {
    let house = House::open().await;
    let put = format!("PUT {PATH}/default");
    for (line, body, expected) in [
        (
            &put,
            json!({ "grants": { "admin": ["join-call", "fly"] } }),
            "`grants.admin[1]`: unknown permission `fly`",
        ),
        (&put, json!({ "grants": { "nobody": ["join-call"] } }), "unknown role `nobody`"),
        (
            &put,
            json!({ "grants": { "call-member": ["join-call"] } }),
            "it is written `call_member`",
        ),
        (&put, json!({ "grants": { "a b": [] } }), "`grants.a b`"),
        (&put, json!({ "grants": ["join-call"] }), "`grants`: invalid type"),
        (&put, json!({ "notification_settings": { "fly": true } }), "notification_settings"),
        (&format!("POST {PATH}"), json!({ "grants": {} }), "`name`: is missing"),
        (&format!("POST {PATH}"), json!({ "name": "a:b" }), "`name`: "),
    ] {
        let told = house.server(line, body.clone()).await.fault(400, 4);
        assert!(told.contains(expected), "{body}: {told}");
    }
    house.server(&format!("PUT {PATH}/nothing"), Value::Null).await.fault(404, 16);
    house.server(&format!("DELETE {PATH}/nothing"), Value::Null).await.fault(404, 16);
    house.server(&format!("DELETE {PATH}/default"), Value::Null).await.fault(400, 4);
    house.server(&format!("GET {PATH}/a%20b"), Value::Null).await.fault(400, 4);
    let before = House::open().await.server(&format!("GET {PATH}"), Value::Null).await.body;
    let after = house.server(&format!("GET {PATH}"), Value::Null).await.body;
    assert_eq!(before["call_types"], after["call_types"], "what is refused changes nothing");
}

#[tokio::test]
async fn one_that_has_calls_is_not_deleted() {
    let house = with_users(json!(["ana"])).await;
    let ward = json!({ "name": "ward" });
    house.server(&format!("POST {PATH}"), ward.clone()).await.expect(201);
    create(&house, "ward/a", json!({ "created_by_id": "ana" })).await;
    let delete = format!("DELETE {PATH}/ward");
    assert_eq!(
        house.server(&delete, Value::Null).await.fault(400, 4),
        "DeleteCallType failed with error: \"call type `ward` cannot be deleted: it has 1 call\""
    );
    let call = "/api/v2/video/call/ward/a";
    house.server(&format!("GET {call}"), Value::Null).await.expect(200);
    house.server(&format!("POST {call}/delete"), json!({})).await.expect(201);
    house.server(&delete, Value::Null).await.expect(200);
    house.server(&format!("GET {PATH}/ward"), Value::Null).await.fault(404, 16);
}
