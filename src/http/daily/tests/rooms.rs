//! Tests of rooms: what is asked of one is in force and is shown, and nothing else is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, done, refused};
use crate::{
    config::DEVELOPMENT_SECRET,
    http::stream::tests::house::{House, NOW_MS},
};

const NOW: u64 = NOW_MS / 1000;
const INPUT: &str = "invalid-request-error";
const ROOM: &str = "GET /rooms/a";

async fn make(house: &House, body: Value) -> Value {
    done(house, "POST /rooms", body).await
}

/// Changes properties of the room `a`; its config then.
async fn change(house: &House, properties: Value) -> Value {
    let shown = done(house, "POST /rooms/a", json!({ "properties": properties })).await;
    assert_eq!(done(house, ROOM, Value::Null).await, shown);
    shown["config"].clone()
}

/// The custom data of the room `a`, as Stream's door shows it.
async fn custom(house: &House) -> Value {
    let told = house.server("GET /api/v2/video/call/daily/a", Value::Null).await.expect(200);
    told["call"]["custom"].clone()
}

#[tokio::test]
async fn a_room_is_made_shown_and_deleted() {
    let house = House::open().await;
    let made = make(&house, json!({ "name": "a" })).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "name": "a", "api_created": true, "privacy": "public",
        "url": "http://127.0.0.1:7400/a", "created_at": "2026-01-01T00:00:00.000Z", "config": {},
    });
    assert_eq!(made, expected);
    assert_eq!(done(&house, ROOM, Value::Null).await, expected);
    assert_eq!(custom(&house).await, json!({}));
    let info = refused(&house, "POST /rooms", json!({ "name": "a" }), 400, INPUT).await;
    assert_eq!(info, "a room named `a` already exists");
    // Its name may begin anew, and it is another room then.
    let told = done(&house, "DELETE /rooms/a", Value::Null).await;
    assert_eq!(told, json!({ "deleted": true, "name": "a" }));
    for (line, body) in [
        (ROOM, Value::Null),
        ("DELETE /rooms/a", Value::Null),
        ("POST /rooms/a", json!({})),
        ("GET /rooms/a/presence", Value::Null),
    ] {
        let info = refused(&house, line, body, 404, "not-found").await;
        assert_eq!(info, "room `a` does not exist");
    }
    let again = make(&house, json!({ "name": "a", "privacy": "private", "properties": {} })).await;
    assert!(again["id"] != made["id"] && again["privacy"] == "private", "{again}");
    // Without a name it has one of its own.
    let [one, two] = [make(&house, json!({})).await, make(&house, json!({ "name": null })).await];
    let name = one["name"].as_str().unwrap();
    assert!(name.len() == 32 && one["name"] != two["name"], "{one} {two}");
    assert_eq!(one["url"], format!("http://127.0.0.1:7400/{name}"));
    for name in ["", "a b", "a:b", "stage:a", "é", &"x".repeat(65)] {
        let info = refused(&house, "POST /rooms", json!({ "name": name }), 400, INPUT).await;
        assert!(info.contains("`name`"), "{info}");
    }
}

#[tokio::test]
async fn rooms_are_listed_by_pages_the_newest_first() {
    let house = House::open().await;
    assert_eq!(
        done(&house, "GET /rooms", Value::Null).await,
        json!({ "total_count": 0, "data": [] })
    );
    let mut ids = Vec::new();
    for (n, name) in ["b", "d", "a", "c", "e"].into_iter().enumerate() {
        // Two of them at the same moment.
        if n != 2 {
            house.clock.advance(Duration::from_secs(1));
        }
        ids.push(make(&house, json!({ "name": name })).await["id"].as_str().unwrap().to_owned());
    }
    // Somebody else's, and one that was made over another door.
    house.user("ann", "POST /video/call/livestream/x", json!({})).await.expect(201);
    let id = |n: usize| &ids[n];
    for (query, expected) in [
        (String::new(), "e c a d b"),
        ("?limit=2".to_owned(), "e c"),
        ("?limit=0".to_owned(), ""),
        (format!("?limit=2&starting_after={}", id(3)), "a d"),
        (format!("?starting_after={}", id(1)), "b"),
        (format!("?starting_after={}", id(0)), ""),
        (format!("?limit=2&ending_before={}", id(1)), "c a"),
        (format!("?ending_before={}", id(3)), "e"),
        (format!("?ending_before={}", id(4)), ""),
    ] {
        let told = done(&house, &format!("GET /rooms{query}"), Value::Null).await;
        let names = told["data"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|room| room["name"].as_str().unwrap()).collect();
        assert_eq!(
            (names.join(" ").as_str(), &told["total_count"]),
            (expected, &json!(5)),
            "{query}"
        );
    }
    let listed = done(&house, "GET /rooms?limit=1", Value::Null).await;
    assert_eq!(listed["data"][0], done(&house, "GET /rooms/e", Value::Null).await);
    for (query, text) in [
        ("limit=101".to_owned(), "`limit`"),
        ("limit=-1".to_owned(), "query"),
        ("starting_after=x".to_owned(), "`starting_after`: no room has the id `x`"),
        ("ending_before=".to_owned(), "`ending_before`"),
        (format!("ending_before={0}&starting_after={0}", id(0)), "cannot both"),
    ] {
        let line = format!("GET /rooms?{query}");
        let info = refused(&house, &line, Value::Null, 400, INPUT).await;
        assert!(info.contains(text), "{query}: {info}");
    }
}

#[tokio::test]
async fn properties_are_shown_as_they_were_given_but_for_defaults() {
    let house = House::open().await;
    let all = json!({
        "nbf": NOW - 60, "exp": NOW + 60, "eject_at_room_exp": true, "max_participants": 7,
        "enable_knocking": true, "enforce_unique_user_ids": true, "start_video_off": true,
        "start_audio_off": true, "lang": "de", "enable_people_ui": false, "enable_prejoin_ui": true,
        "enable_chat": true, "enable_terse_logging": true, "owner_only_broadcast": true,
        "enable_hidden_participants": true, "enable_screenshare": false,
        "permissions": { "canSend": ["audio", "screenAudio"], "canAdmin": ["participants"] },
    });
    let made = make(&house, json!({ "name": "a", "properties": all })).await;
    assert_eq!(made["config"], all);
    assert_eq!(done(&house, ROOM, Value::Null).await, made);
    assert_eq!(done(&house, "GET /rooms", Value::Null).await["data"][0], made);
    // What nobody asked for, and what is so anyway.
    let defaults = json!({
        "eject_at_room_exp": false, "enable_knocking": false, "enforce_unique_user_ids": false,
        "start_video_off": false, "start_audio_off": null, "lang": "en", "enable_screenshare": true,
        "owner_only_broadcast": false, "enable_hidden_participants": false, "permissions": {},
        "enable_chat": false, "exp": null, "enable_recording": null, "sfu_switchover": null,
    });
    let made = make(&house, json!({ "name": "b", "properties": defaults })).await;
    assert_eq!(made["config"], json!({}));
    // Permissions are said in the law's words.
    let said =
        json!({ "permissions": { "hasPresence": false, "canSend": false, "canAdmin": true } });
    let made = make(&house, json!({ "name": "c", "properties": said })).await;
    let admin = json!(["participants", "streaming", "transcription"]);
    let shown = json!({ "hasPresence": false, "canSend": [], "canAdmin": admin });
    assert_eq!(made["config"], json!({ "permissions": shown }));
}

#[tokio::test]
async fn what_is_not_given_stays_and_null_takes_it_back() {
    let house = House::open().await;
    let first = json!({ "exp": NOW + 60, "start_video_off": true, "owner_only_broadcast": true });
    make(&house, json!({ "name": "a", "properties": first })).await;
    let told = change(&house, json!({ "max_participants": 3, "lang": "de" })).await;
    let mut expected = first;
    expected["max_participants"] = json!(3);
    expected["lang"] = json!("de");
    assert_eq!(told, expected);
    assert_eq!(change(&house, json!({})).await, expected);
    let told = change(&house, json!({ "exp": null, "lang": null, "start_video_off": null })).await;
    assert_eq!(told, json!({ "owner_only_broadcast": true, "max_participants": 3 }));
    let told =
        change(&house, json!({ "enable_screenshare": false, "max_participants": null })).await;
    assert_eq!(told, json!({ "owner_only_broadcast": true, "enable_screenshare": false }));
    let told = change(&house, json!({ "owner_only_broadcast": false, "enable_screenshare": true }));
    assert_eq!(told.await, json!({}));
    // Privacy alone, and nothing at all.
    for (body, expected) in [
        (json!({ "privacy": "private" }), "private"),
        (json!({}), "private"),
        (json!({ "privacy": null, "properties": null }), "private"),
        (json!({ "privacy": "public" }), "public"),
    ] {
        let told = done(&house, "POST /rooms/a", body).await;
        assert_eq!((&told["privacy"], &told["config"]), (&json!(expected), &json!({})));
    }
}

#[tokio::test]
async fn what_is_no_good_is_refused_by_its_name_and_changes_nothing() {
    let house = House::open().await;
    let config = json!({ "max_participants": 2, "lang": "de" });
    make(&house, json!({ "name": "a", "properties": config })).await;
    let long = json!({ "byUserId": (0..100).map(|n| (format!("{n:0>40}"), true)).collect::<Vec<_>>()
        .into_iter().collect::<std::collections::BTreeMap<_, _>>() });
    for (properties, text) in [
        (json!({ "colour": "red" }), "unknown property `colour`"),
        (json!({ "privacy": "private" }), "unknown property `privacy`"),
        (json!({ "enable_recording": "cloud" }), "`enable_recording` is not served"),
        (json!({ "eject_after_elapsed": 60 }), "`eject_after_elapsed` is not served"),
        (json!({ "geo": "eu-central-1" }), "`geo` is not served"),
        (json!({ "max_participants": 0 }), "max_participants"),
        (json!({ "max_participants": "3" }), "max_participants"),
        (json!({ "exp": -1 }), "exp"),
        (json!({ "exp": 253_402_300_800_u64 }), "`exp`"),
        (json!({ "nbf": "tomorrow" }), "nbf"),
        (json!({ "start_video_off": 1 }), "start_video_off"),
        (json!({ "lang": "x".repeat(101) }), "`lang`"),
        (json!({ "permissions": { "canSend": ["smell"] } }), "`permissions`"),
        (json!({ "permissions": { "canFly": true } }), "`permissions`"),
        (json!({ "permissions": true }), "permissions"),
        (
            json!({ "permissions": { "canReceive": { "base": { "audio": true } } } }),
            "`permissions`",
        ),
        (
            json!({ "max_participants": 9, "owner_only_broadcast": true,
                "permissions": { "canReceive": long } }),
            "larger than",
        ),
    ] {
        for (line, name) in [("POST /rooms", Some("x")), ("POST /rooms/a", None)] {
            let mut body = json!({ "properties": properties });
            if let Some(name) = name {
                body["name"] = json!(name);
            }
            let info = refused(&house, line, body, 400, INPUT).await;
            assert!(info.contains(text), "{line} {properties}: {info}");
        }
    }
    for (line, body, text) in [
        ("POST /rooms", json!({ "name": "x", "privacy": "org" }), "`privacy`"),
        ("POST /rooms", json!({ "name": "x", "nom": "y" }), "`nom`"),
        ("POST /rooms", json!({ "name": "x", "properties": [] }), "`properties`"),
        ("POST /rooms/a", json!({ "privacy": true }), "`privacy`"),
        ("POST /rooms/a", json!({ "name": "b" }), "`name`"),
    ] {
        let info = refused(&house, line, body, 400, INPUT).await;
        assert!(info.contains(text), "{line}: {info}");
    }
    let told = done(&house, "GET /rooms", Value::Null).await;
    assert_eq!((&told["total_count"], &told["data"][0]["config"]), (&json!(1), &config));
}

#[tokio::test]
async fn the_customers_own_data_stays_his_and_what_is_enforced_is_shown_whatever_he_does() {
    let house = House::open().await;
    let properties = json!({ "exp": NOW + 60, "lang": "de", "enable_screenshare": false });
    make(&house, json!({ "name": "a", "properties": properties })).await;
    let kept = json!({ "lang": "de", "enable_screenshare": false });
    assert_eq!(custom(&house).await, json!({ "daily_properties": kept }));
    let line = "PATCH /api/v2/video/call/daily/a";
    let own = json!({ "topic": "tea", "daily_properties": kept });
    house.server(line, json!({ "custom": own })).await.expect(200);
    change(&house, json!({ "lang": "fr" })).await;
    let told = custom(&house).await;
    assert_eq!((&told["topic"], &told["daily_properties"]["lang"]), (&json!("tea"), &json!("fr")));
    // Where he writes over it, what is in force is told all the same.
    for own in [json!({ "topic": "tea" }), json!({ "daily_properties": "x", "topic": "tea" })] {
        house.server(line, json!({ "custom": own })).await.expect(200);
        let told = done(&house, ROOM, Value::Null).await;
        let sends = json!(["audio", "video", "customVideo", "customAudio"]);
        let expected = json!({ "exp": NOW + 60, "permissions": { "canSend": sends } });
        assert_eq!(told["config"], expected);
    }
    let wrong = json!({ "daily_properties": { "exp": 1, "owner_only_broadcast": true } });
    house.server(line, json!({ "custom": wrong })).await.expect(200);
    let told = done(&house, ROOM, Value::Null).await;
    assert_eq!(told["config"]["exp"], json!(NOW + 60));
    assert_eq!(told["config"]["owner_only_broadcast"], Value::Null);
    // A room without any of it has none of it in its data.
    let off = json!({ "exp": null, "permissions": null, "owner_only_broadcast": null });
    assert_eq!(change(&house, off).await, json!({}));
    assert_eq!(custom(&house).await, json!({}));
}

#[tokio::test]
async fn a_room_that_was_there_is_shown_and_can_be_changed() {
    let house = House::open().await;
    let call = json!({ "data": { "custom": { "topic": "tea" } } });
    house.user("ann", "POST /video/call/daily/a", call).await.expect(201);
    let told = done(&house, ROOM, Value::Null).await;
    assert_eq!((&told["api_created"], &told["config"]), (&json!(true), &json!({})));
    refused(&house, "POST /rooms", json!({ "name": "a" }), 400, INPUT).await;
    change(&house, json!({ "start_audio_off": true })).await;
    assert_eq!(custom(&house).await["topic"], "tea");
}

#[tokio::test]
async fn changes_of_one_room_at_once_all_count() {
    let house = House::open().await;
    make(&house, json!({ "name": "a" })).await;
    let names = ["start_video_off", "start_audio_off", "enable_chat", "owner_only_broadcast"];
    let changes = names.map(|name| {
        let body = json!({ "properties": { name: true } });
        ask(&house, DEVELOPMENT_SECRET, "POST /rooms/a", body)
    });
    for told in futures::future::join_all(changes).await {
        assert_eq!(told.status, 200, "{}", told.body);
    }
    let told = done(&house, ROOM, Value::Null).await;
    assert_eq!(told["config"], Value::from_iter(names.map(|name| (name, true))));
}
