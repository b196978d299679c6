//! What each command of the Directory does, told as short stories.

use rolecall_protocol::{
    directory::{Actor, Command, Reply, key::Key, user::Ban},
    id::Timestamp,
};
use serde_json::{Value, json};

use crate::house::{
    House, app, call_type, create, ids, input, patch, role, team, update, upsert, user, written,
};

fn custom(house: &House, id: &str) -> Value {
    serde_json::from_str(house.now.user(&user(id)).unwrap().custom.as_str()).unwrap()
}

#[test]
fn an_upsert_says_all_of_a_user_but_his_role_and_teams() {
    let mut house = House::new();
    let ann = json!({"name": "Ann", "role": "admin", "teams": ["red"], "custom": {"a": 1},
        "image": "i", "language": "de", "teams_role": {"red": "moderator"}, "invisible": true});
    house.done(upsert("ann", ann));
    let made = house.at;
    house.done(upsert("ann", json!({"name": "Anna"})));
    let ann = house.now.user(&user("ann")).unwrap();
    assert_eq!((ann.name.as_deref(), ann.role.as_str()), (Some("Anna"), "admin"));
    assert!(ann.teams.contains("red") && ann.teams_role.contains_key("red"));
    assert_eq!((ann.image.as_deref(), &*ann.language, ann.invisible), (None, "", false));
    assert_eq!((ann.created_at, ann.updated_at), (made, house.at));
    assert_eq!(custom(&house, "ann"), json!({}));
    // The same again is no change.
    let records = house.records.len();
    house.done(upsert("ann", json!({"name": "Anna"})));
    assert_eq!(house.records.len(), records);
    house.restarted();
}

#[test]
fn a_user_says_of_himself_what_he_mentions() {
    let mut house = House::new();
    house.done(upsert("ann", json!({"name": "Ann", "custom": {"a": 1}})));
    let ann = Actor::User(user("ann"));
    house.ask(&ann, upsert("ann", json!({"image": "i"}))).unwrap();
    let now = house.now.user(&user("ann")).unwrap();
    assert_eq!((now.name.as_deref(), now.image.as_deref()), (Some("Ann"), Some("i")));
    assert_eq!(custom(&house, "ann"), json!({"a": 1}));
    house.ask(&ann, patch("ann", json!({"b": 2}), &["a"])).unwrap();
    assert_eq!(custom(&house, "ann"), json!({"b": 2}));
    let new = Actor::User(user("new"));
    house.ask(&new, upsert("new", json!({"name": "New"}))).unwrap();
    assert_eq!(house.now.user(&user("new")).unwrap().role.as_str(), "user");
}

#[test]
fn a_partial_update_takes_unknown_keys_for_custom_data() {
    let mut house = House::new();
    house.done(upsert("ann", json!({"custom": {"a": 1, "deep": {"x": 1, "y": 2}}})));
    let set = json!({"name": "Ann", "color": "blue", "deep.x": 5, "custom.b": [1], "new.thing": 1,
        "teams": ["red"], "teams_role": {"red": "admin"}, "role": "moderator"});
    house.done(patch("ann", set, &["a", "deep.y", "none", "none.deep"]));
    let expected = json!({"color": "blue", "deep": {"x": 5}, "b": [1], "new": {"thing": 1}});
    assert_eq!(custom(&house, "ann"), expected);
    let ann = house.now.user(&user("ann")).unwrap();
    assert_eq!((ann.name.as_deref(), ann.role.as_str()), (Some("Ann"), "moderator"));
    assert!(ann.teams.contains("red"));
    house.done(patch("ann", json!({"custom": {"all": "new"}}), &["name", "role", "teams"]));
    assert_eq!(custom(&house, "ann"), json!({"all": "new"}));
    let ann = house.now.user(&user("ann")).unwrap();
    assert_eq!((ann.name.as_deref(), ann.role.as_str()), (None, "user"));
    assert!(ann.teams.is_empty());
}

#[test]
fn users_go_and_come_back() {
    let mut house = House::new();
    house.done(Command::UpsertUsers {
        users: vec![input("ann", json!({"name": "Ann"})), input("bo", json!({}))],
    });
    house.done(Command::DeactivateUsers { ids: ids(&["ann"]) });
    assert_eq!(house.now.user(&user("ann")).unwrap().deactivated_at, Some(house.at));
    house.done(Command::ReactivateUsers { ids: ids(&["ann"]) });
    assert!(house.now.user(&user("ann")).unwrap().is_welcome());
    house.done(Command::DeleteUsers { ids: ids(&["ann", "bo"]), hard: false });
    assert_eq!(house.now.user(&user("ann")), None);
    house.done(Command::RestoreUsers { ids: ids(&["ann"]) });
    assert_eq!(house.now.user(&user("ann")).unwrap().name.as_deref(), Some("Ann"));
    house.done(Command::DeleteUsers { ids: ids(&["ann", "bo"]), hard: true });
    assert!(house.now.users.is_empty());
    assert_eq!(house.now.entity(&Key::User(user("ann"))), None);
    house.restarted();
}

#[test]
fn a_ban_ends_by_word_or_by_time() {
    let mut house = House::new();
    house.done(upsert("ann", json!({})));
    house.done(upsert("bo", json!({})));
    let until = house.at.plus(60_000);
    let ban = Ban { until: Some(until), reason: Some("spam".into()), by: Some(user("bo")) };
    house.done(Command::BanUser { id: user("ann"), ban: Box::new(ban) });
    house.done(Command::BanUser { id: user("bo"), ban: Box::default() });
    assert!(house.now.user(&user("ann")).unwrap().is_banned());
    assert_eq!(house.now.next_deadline(), Some(until));
    house.ask(&Actor::Timer, Command::Tick).unwrap();
    assert!(house.now.user(&user("ann")).unwrap().is_banned(), "not yet");
    // What is written anew of him leaves the ban alone.
    house.done(upsert("ann", json!({"name": "Ann"})));
    assert_eq!(house.now.next_deadline(), Some(until));
    house.at = until;
    house.ask(&Actor::Timer, Command::Tick).unwrap();
    assert!(!house.now.user(&user("ann")).unwrap().is_banned());
    assert!(house.now.user(&user("bo")).unwrap().is_banned(), "for good");
    assert_eq!(house.now.next_deadline(), None);
    house.done(Command::UnbanUser { id: user("bo") });
    assert!(!house.now.user(&user("bo")).unwrap().is_banned());
    house.restarted();
}

#[test]
fn coming_is_written_down_now_and_then() {
    let mut house = House::new();
    house.done(upsert("ann", json!({})));
    house.done(Command::TouchUser { id: user("ann") });
    let seen = house.at;
    let changed = house.now.user(&user("ann")).unwrap().updated_at;
    house.done(Command::TouchUser { id: user("ann") });
    house.done(Command::TouchUser { id: user("nobody") });
    let ann = house.now.user(&user("ann")).unwrap();
    assert_eq!((ann.last_active, ann.updated_at), (Some(seen), changed));
    house.at = house.at.plus(3_600_000);
    house.done(Command::TouchUser { id: user("ann") });
    assert_eq!(house.now.user(&user("ann")).unwrap().last_active, Some(house.at));
}

#[test]
fn a_guest_is_a_guest() {
    let mut house = House::new();
    let guest = Box::new(input("guest-1-ann", json!({"name": "Ann", "role": "guest"})));
    let reply = house.ask(&Actor::Nobody, Command::CreateGuest { user: guest }).unwrap();
    let Reply::Users(users) = reply else { panic!("{reply:?}") };
    assert_eq!((users[0].role.as_str(), users[0].name.as_deref()), ("guest", Some("Ann")));
}

#[test]
fn the_app_takes_what_is_mentioned() {
    let mut house = House::new();
    let defaults = house.now.app.grants.clone();
    house.done(app(json!({"multi_tenant_enabled": true, "disable_auth_checks": false})));
    let moment = "2026-01-01T00:00:00.000Z";
    house.done(app(json!({"revoke_tokens_issued_before": moment})));
    assert!(house.now.app.multi_tenant_enabled);
    assert_eq!(house.now.app.revoke_tokens_issued_before, Some(Timestamp(1_767_225_600_000)));
    house.done(app(json!({"revoke_tokens_issued_before": null})));
    assert_eq!(house.now.app.revoke_tokens_issued_before, None);
    house.done(app(json!({"grants": {"user": ["ban-user"], "guest": []}})));
    assert!(house.now.app.grants(&role("user"), "ban-user"));
    assert!(!house.now.app.grants(&role("user"), "search-user"));
    assert!(!house.now.app.grants.contains_key("guest"));
    assert_eq!(house.now.app.grants["admin"], defaults["admin"]);
    house.done(app(json!({"grants": null})));
    assert_eq!(house.now.app.grants, defaults);
    house.restarted();
}

#[test]
fn roles_come_and_go_when_nobody_uses_them() {
    let mut house = House::new();
    let nurse = role("nurse");
    assert!(!house.now.knows_role(&nurse));
    house.done(Command::CreateRole { name: nurse.clone() });
    house.done(upsert("ann", json!({"role": "nurse"})));
    house.done(upsert("bo", json!({"teams_role": {"red": "nurse"}})));
    house.done(create("ward", json!({"grants": {"nurse": ["send-audio"]}})));
    house.done(app(json!({"grants": {"nurse": ["search-user"]}})));
    assert_eq!(house.now.scopes_of(&nurse), [".app", "video:ward"]);
    assert_eq!(house.now.holders_of(&nurse), 2);
    house.done(upsert("ann", json!({"role": "user"})));
    house.done(patch("bo", json!({}), &["teams_role"]));
    house.done(update("ward", json!({"grants": {"nurse": []}})));
    house.done(app(json!({"grants": {"nurse": []}})));
    house.done(Command::DeleteRole { name: nurse.clone() });
    assert!(!house.now.knows_role(&nurse));
    assert_eq!(grants(&house, "ward").get("nurse"), None);
    let again = house.server(update("ward", json!({"grants": {"nurse": ["send-audio"]}})));
    assert_eq!(again.unwrap_err().to_string(), "unknown role `nurse`");
    // A role that a call type brings along with its shape is known, and so usable for a user.
    assert!(house.now.knows_role(&role("teacher")));
    house.done(upsert("ann", json!({"role": "teacher"})));
    house.restarted();
}

fn grants(house: &House, of: &str) -> Value {
    serde_json::to_value(house.now.call_type(of).unwrap().grants()).unwrap()
}

#[test]
fn a_call_type_starts_from_the_defaults_and_takes_the_roles_mentioned() {
    let mut house = House::new();
    let fresh = grants(&house, "default");
    house.done(update("default", json!({"grants": {"guest": []}})));
    house.done(create("mine", json!({"grants": {"admin": ["send-audio", "mute-users"]}})));
    let mine = grants(&house, "mine");
    assert_eq!(mine["admin"], json!(["send-audio", "mute-users"]));
    assert_eq!((&mine["user"], &mine["guest"]), (&fresh["user"], &fresh["guest"]));
    // "`[]` removes all grants of a role"; what is written is echoed, in its order.
    let list =
        json!({"host": ["join-backstage"], "user": [], "guest": ["send-video-owner", "read-call"]});
    house.done(update("mine", json!({"grants": list})));
    let mine = grants(&house, "mine");
    assert_eq!((&mine["host"], &mine["user"]), (&json!(["join-backstage"]), &json!([])));
    assert_eq!(mine["guest"], json!(["send-video-owner", "read-call"]));
    assert_eq!(mine["admin"], json!(["send-audio", "mute-users"]));
    house.done(update("mine", json!({"grants": null})));
    assert_eq!(grants(&house, "mine"), fresh);
    house.done(update("default", json!({"grants": null})));
    assert_eq!(grants(&house, "default"), fresh);
    house.done(Command::DeleteCallType { name: call_type("mine") });
    assert_eq!(house.now.call_type("mine"), None);
    house.restarted();
}

#[test]
fn roles_of_either_shape_are_taken() {
    let mut house = House::new();
    let roles = json!({"tutor": {"publishParams": {"allowed": ["audio"]}, "permissions": {"endRoom": true}},
        "pupil": {"canSend": ["video"]}});
    house.done(create("class", json!({"roles": roles, "default_role": "pupil", "open": true})));
    let class = &house.now.call_type("class").unwrap().call_type;
    assert_eq!(
        class.roles.keys().map(|r| r.as_str()).collect::<Vec<_>>(),
        ["host", "pupil", "tutor"]
    );
    assert!(class.open && class.default_role == Some(role("pupil")));
    let shown = grants(&house, "class");
    assert!(shown["tutor"].as_array().unwrap().contains(&json!("send-audio")), "{shown}");
    assert!(shown["tutor"].as_array().unwrap().contains(&json!("end-call")), "{shown}");
    house.done(update("class", json!({"roles": {"prefect": {"canAdmin": true}}, "open": false})));
    let class = &house.now.call_type("class").unwrap().call_type;
    assert_eq!((class.roles.len(), class.open), (4, false));
    house.done(update("class", json!({"default_role": null})));
    assert_eq!(house.now.call_type("class").unwrap().call_type.default_role, None);
    house.done(create("stage-2", json!({"extends": "stage", "grants": {"user": ["join-call"]}})));
    let stage = &house.now.call_type("stage-2").unwrap().call_type;
    assert_eq!(stage.default_role, Some(role("listener")));
    assert!(stage.roles.contains_key("user") && stage.roles.contains_key("speaker"));
    house.restarted();
}

#[test]
fn settings_are_merged_section_by_section() {
    let mut house = House::new();
    let settings = json!({"video": {"enabled": false}, "recording": {"mode": "auto-on"}});
    house.done(create(
        "mine",
        json!({"settings": settings, "external_storage": "s3",
        "notification_settings": {"enabled": false, "call_ring": {"enabled": false}}}),
    ));
    let entry = house.now.call_type("mine").unwrap();
    let document = entry.call_type.document.sections();
    assert_eq!(document["video"]["enabled"], json!(false));
    assert_eq!(document["video"]["camera_facing"], json!("front"));
    assert_eq!(document["recording"]["quality"], json!("720p"));
    assert!(!entry.call_type.settings.video && entry.call_type.settings.recording);
    let notifications: Value = serde_json::from_str(entry.notification_settings.as_str()).unwrap();
    assert_eq!(notifications["call_ring"]["enabled"], json!(false));
    assert_eq!(notifications["session_started"]["enabled"], json!(false));
    house.done(update(
        "mine",
        json!({"settings": {"video": {"enabled": true}}, "external_storage": null}),
    ));
    let entry = house.now.call_type("mine").unwrap();
    assert!(entry.call_type.settings.video);
    assert_eq!((entry.external_storage.as_ref(), entry.updated_at), (None, house.at));
    house.restarted();
}

#[test]
fn a_table_of_the_configuration_holds_until_it_is_another_or_rest_says_more() {
    let mut house = House::new();
    let adopt = |house: &House, from: &str, hash: &str| {
        let call_type = house.now.call_type(from).unwrap().call_type.clone();
        let call_type = std::sync::Arc::new(rolecall_protocol::call_type::CallType {
            name: crate::house::call_type("clinic"),
            ..(*call_type).clone()
        });
        Command::AdoptCallType { call_type, hash: hash.into() }
    };
    let first = adopt(&house, "stage", "one");
    house.done(first.clone());
    house.done(update("clinic", json!({"grants": {"speaker": ["join-call"]}})));
    let edited = house.now.call_type("clinic").cloned();
    house.done(first);
    assert_eq!(house.now.call_type("clinic").cloned(), edited, "the same table changes nothing");
    let other = adopt(&house, "classroom", "two");
    house.done(other);
    assert!(house.now.call_type("clinic").unwrap().call_type.roles.contains_key("teacher"));
    house.restarted();
}

#[test]
fn what_is_stored_is_refused_where_it_is_broken() {
    let mut house = House::new();
    house.done(upsert("ann", json!({"teams": ["red"]})));
    assert!(house.now.user(&user("ann")).unwrap().teams.contains(&team("red")));
    let body = house.now.entity(&Key::User(user("ann"))).unwrap().to_string();
    for (key, body) in [("user/bo", &*body), ("user/ann", "{}"), ("wing/1", "{}"), ("user/", "{}")]
    {
        house.now.clone().restore(key, body).expect_err(key);
    }
    assert!(written(json!({})).grants.is_none());
}
