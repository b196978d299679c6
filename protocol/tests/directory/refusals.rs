//! Every refusal of the Directory, by its words. What is refused changes nothing.

use rolecall_protocol::{
    directory::{Actor, Command, Reply, user::Ban},
    id::Timestamp,
};
use serde_json::json;

use crate::house::{
    House, app, call_type, create, ids, input, patch, role, teams, update, upsert, user,
};

/// Ann, an editor; Bo, deactivated; Cy, deleted; a call type `ward` with a custom role's grants.
fn house() -> House {
    let mut house = House::new();
    house.done(Command::CreateRole { name: role("editor") });
    house.done(Command::CreateRole { name: role("nurse") });
    house.done(Command::CreateRole { name: role("greeter") });
    house.done(upsert("ann", json!({"role": "editor", "custom": {"a": 1}})));
    house.done(upsert("bo", json!({})));
    house.done(upsert("cy", json!({})));
    house.done(Command::DeactivateUsers { ids: ids(&["bo"]) });
    house.done(Command::DeleteUsers { ids: ids(&["cy"]), hard: false });
    house.done(create("ward", json!({"grants": {"nurse": ["join-call"]}})));
    house.done(app(json!({"grants": {"greeter": ["search-user"]}})));
    house
}

#[test]
fn the_server_side_is_refused_what_cannot_be() {
    let long = "x".repeat(300);
    let table = [
        // Users.
        (upsert("ann", json!({"role": "queen"})), "unknown role `queen`"),
        (upsert("new", json!({"role": "queen"})), "unknown role `queen`"),
        (upsert("new", json!({"role": "call-member"})), "it is written `call_member`"),
        (upsert("ann", json!({"teams_role": {"red": "queen"}})), "unknown role `queen`"),
        (upsert("ann", json!({"name": long})), "name: name must be at most 256 characters"),
        (upsert("ann", json!({"language": long})), "language: language must be at most 16"),
        (upsert("ann", json!({"image": "x".repeat(3000)})), "image: image must be at most 2048"),
        (upsert("ann", json!({"custom": [1]})), "custom: must be an object"),
        (upsert("ann", json!({"teams": teams(251)})), "at most 250 teams of a user"),
        (upsert("cy", json!({})), "user `cy` is deleted, restore it first"),
        (Command::UpsertUsers { users: vec![] }, "users: must not be empty"),
        (
            Command::UpsertUsers { users: vec![input("x", json!({})), input("x", json!({}))] },
            "users: `x` is there twice",
        ),
        (
            Command::UpsertUsers {
                users: (0..101).map(|n| input(&format!("u{n}"), json!({}))).collect(),
            },
            "at most 100 users in one request",
        ),
        (patch("nobody", json!({}), &[]), "the provided users [nobody] don't exist"),
        (patch("cy", json!({}), &[]), "the provided users [cy] don't exist"),
        (patch("ann", json!({"created_at": 1}), &[]), "set.created_at: is kept by the server"),
        (patch("ann", json!({}), &["banned"]), "set.banned: is kept by the server"),
        (patch("ann", json!({"role": "queen"}), &[]), "unknown role `queen`"),
        (patch("ann", json!({"role": 5}), &[]), "set.role: "),
        (patch("ann", json!({"teams": "red"}), &[]), "set.teams: "),
        (patch("ann", json!({"custom": 5}), &[]), "set.custom: "),
        (patch("ann", json!({"a.b": 5}), &[]), "set.a.b: `a` is no object"),
        (patch("ann", json!({"a..b": 5}), &[]), "set.a..b: names nothing"),
        (patch("ann", json!({"big": "x".repeat(4096)}), &[]), "custom: larger than 4096 bytes"),
        (patch("ann", json!({"privacy_settings": {}}), &[]), "is not supported"),
        (
            Command::CreateGuest { user: Box::new(input("ann", json!({}))) },
            "user `ann` already exists",
        ),
        (
            Command::CreateGuest { user: Box::new(input("g-1", json!({"role": "admin"}))) },
            "role: a guest's role is `guest`, not `admin`",
        ),
        (Command::DeactivateUsers { ids: ids(&["bo"]) }, "user `bo` is already deactivated"),
        (Command::DeactivateUsers { ids: ids(&["no", "cy"]) }, "the provided users [no cy] don't"),
        (Command::ReactivateUsers { ids: ids(&["ann"]) }, "user `ann` is not deactivated"),
        (Command::DeleteUsers { ids: ids(&["cy"]), hard: false }, "the provided users [cy] don't"),
        (Command::DeleteUsers { ids: ids(&["no"]), hard: true }, "the provided users [no] don't"),
        (
            Command::RestoreUsers { ids: ids(&["ann"]) },
            "user \"ann\" is not deleted, it can't be restored",
        ),
        (Command::RestoreUsers { ids: ids(&["no"]) }, "the provided users [no] don't exist"),
        (
            Command::BanUser { id: user("no"), ban: Box::default() },
            "the provided users [no] don't exist",
        ),
        (
            Command::BanUser {
                id: user("ann"),
                ban: Box::new(Ban { until: Some(Timestamp(5)), ..Ban::default() }),
            },
            "until: is over already",
        ),
        (
            Command::BanUser {
                id: user("ann"),
                ban: Box::new(Ban { reason: Some(long.as_str().into()), ..Ban::default() }),
            },
            "reason: reason must be at most 256 characters",
        ),
        (Command::UnbanUser { id: user("no") }, "the provided users [no] don't exist"),
        // Roles.
        (Command::CreateRole { name: role("host") }, "role `host` already exists"),
        (Command::CreateRole { name: role("editor") }, "role `editor` already exists"),
        (Command::DeleteRole { name: role("host") }, "role `host` is built in"),
        (Command::DeleteRole { name: role("queen") }, "unknown role `queen`"),
        (Command::DeleteRole { name: role("editor") }, "role `editor` is still in use: 1 user has"),
        (Command::DeleteRole { name: role("nurse") }, "in use: it has grants in video:ward"),
        (Command::DeleteRole { name: role("greeter") }, "in use: it has grants in .app"),
        // The app.
        (app(json!({"disable_auth_checks": true})), "disable_auth_checks: the checks cannot"),
        (app(json!({"disable_permissions_checks": true})), "the checks cannot be switched off"),
        (app(json!({"grants": {"queen": ["search-user"]}})), "unknown role `queen`"),
        // Call types.
        (create("default", json!({})), "call type `default` already exists"),
        (create("ward", json!({})), "call type `ward` already exists"),
        (create("new", json!({"grants": {"queen": []}})), "unknown role `queen`"),
        (create("new", json!({"extends": "nothing"})), "extends: unknown call type `nothing`"),
        (create("new", json!({"default_role": "queen"})), "default_role: unknown role `queen`"),
        (create("new", json!({"settings": {"smell": {}}})), "settings: unknown setting `smell`"),
        (create("new", json!({"settings": 5})), "settings: must be an object"),
        (
            create("new", json!({"notification_settings": {"smell": true}})),
            "notification_settings: unknown setting `smell`",
        ),
        (
            create("new", json!({"external_storage": "x".repeat(129)})),
            "external_storage: external_storage must be at most 128 characters",
        ),
        (
            create("new", json!({"roles": {"a": {"canSend": true, "permissions": {}}}})),
            "roles.a.canSend: ",
        ),
        (update("nothing", json!({})), "nothing: call type does not exist"),
        (update("ward", json!({"extends": "stage"})), "extends: only says what a new call type"),
        (update("ward", json!({"default_role": "queen"})), "default_role: unknown role `queen`"),
        (update("ward", json!({"grants": {"queen": ["join-call"]}})), "unknown role `queen`"),
        (Command::DeleteCallType { name: call_type("default") }, "call type `default` is built in"),
        (Command::DeleteCallType { name: call_type("x") }, "x: call type does not exist"),
    ];
    let mut house = house();
    let before = house.now.clone();
    for (command, words) in table {
        let shown = format!("{command:?}");
        let refusal = house.server(command).expect_err(&shown);
        assert!(refusal.to_string().contains(words), "{shown}: {refusal}");
        assert!((400..500).contains(&refusal.code()), "{shown}");
    }
    assert_eq!(house.now, before);
}

#[test]
fn one_that_cannot_be_refuses_all() {
    let mut house = house();
    let users = vec![input("dee", json!({})), input("eve", json!({"role": "queen"}))];
    house.server(Command::UpsertUsers { users }).unwrap_err();
    assert_eq!(house.now.user(&user("dee")), None);
    house.server(Command::DeactivateUsers { ids: ids(&["ann", "bo"]) }).unwrap_err();
    assert_eq!(house.now.user(&user("ann")).unwrap().deactivated_at, None);
}

#[test]
fn whoever_is_not_the_server_asks_little() {
    let mut house = house();
    let ann = Actor::User(user("ann"));
    let bo = Actor::User(user("bo"));
    house.done(app(json!({"grants": {"editor": ["update-user-owner"]}})));
    let guest = || Command::CreateGuest { user: Box::new(input("g-1", json!({}))) };
    let table = [
        (&ann, app(json!({})), "only the server side"),
        (&ann, Command::CreateRole { name: role("mine") }, "only the server side"),
        (&ann, create("mine", json!({})), "only the server side"),
        (&ann, Command::DeleteUsers { ids: ids(&["ann"]), hard: true }, "only the server side"),
        (&ann, Command::UnbanUser { id: user("ann") }, "only the server side"),
        (&ann, guest(), "only the server side"),
        (&ann, Command::Tick, "only the server side"),
        (&Actor::Nobody, upsert("x", json!({})), "only the server side"),
        (&Actor::Timer, upsert("x", json!({})), "only the server side"),
        (&Actor::Server, Command::Tick, ""),
        (&ann, upsert("bo", json!({"name": "Bo"})), "a user can change nobody but himself"),
        (&ann, patch("bo", json!({"name": "Bo"}), &[]), "a user can change nobody but himself"),
        (&ann, upsert("ann", json!({"role": "admin"})), "`role` can only be changed from"),
        (&ann, upsert("ann", json!({"teams": ["red"]})), "`teams` can only be changed from"),
        (&ann, upsert("ann", json!({"teams_role": {"red": "admin"}})), "`role` can only be"),
        (&ann, patch("ann", json!({"teams": ["red"]}), &[]), "`teams` can only be changed"),
        (&ann, patch("ann", json!({}), &["role"]), "`role` can only be changed from"),
        (&Actor::User(user("new")), upsert("new", json!({"role": "admin"})), "`role` can only"),
        (&Actor::User(user("new")), upsert("new", json!({"teams": ["red"]})), "`teams` can only"),
        (
            &Actor::Nobody,
            Command::CreateGuest { user: Box::new(input("g-2", json!({"teams": ["red"]}))) },
            "`teams` can only be changed from",
        ),
    ];
    for (actor, command, words) in table {
        let shown = format!("{actor}: {command:?}");
        match house.ask(actor, command) {
            Ok(_) => assert_eq!(words, "", "{shown}"),
            Err(refusal) => {
                assert!(
                    !words.is_empty() && refusal.to_string().contains(words),
                    "{shown}: {refusal}"
                );
                assert_eq!(refusal.code(), 403, "{shown}");
            }
        }
    }
    house.ask(&Actor::Nobody, guest()).unwrap();
    house.done(app(json!({"grants": {"user": ["search-user"]}})));
    let refusal = house.ask(&bo, upsert("bo", json!({"name": "B"}))).unwrap_err();
    assert_eq!(refusal.to_string(), "`user` can only be changed from the server side");
    house.done(app(json!({"grants": {"user": ["update-user-owner", "update-user-teams"]}})));
    house.ask(&bo, upsert("bo", json!({"name": "B", "teams": ["red"]}))).unwrap();
}

#[test]
fn while_teams_are_kept_apart_nobody_writes_himself_down() {
    let mut house = house();
    house.done(app(json!({"multi_tenant_enabled": true})));
    let new = Actor::User(user("new"));
    let refusal = house.ask(&new, upsert("new", json!({}))).unwrap_err();
    assert!(refusal.to_string().starts_with("users can only be created from the server side"));
    let guest = || Command::CreateGuest { user: Box::new(input("g-1", json!({}))) };
    house.ask(&Actor::Nobody, guest()).unwrap_err();
    house.done(guest());
    house.done(app(json!({"multi_tenant_enabled": false, "guest_user_creation_disabled": true})));
    house.ask(&new, upsert("new", json!({}))).unwrap();
    let again = Command::CreateGuest { user: Box::new(input("g-2", json!({}))) };
    assert_eq!(house.server(again).unwrap_err().to_string(), "guest user creation is disabled");
}

#[test]
fn every_list_has_its_bound() {
    let mut house = House::new();
    for n in 0..25 {
        house.done(Command::CreateRole { name: role(&format!("r{n}")) });
    }
    let refusal = house.server(Command::CreateRole { name: role("one-more") }).unwrap_err();
    assert_eq!(refusal.to_string(), "at most 25 custom roles");
    house.done(Command::DeleteRole { name: role("r0") });
    house.done(Command::CreateRole { name: role("one-more") });

    let built_in = house.now.call_types.len();
    for n in built_in..100 {
        house.done(create(&format!("t{n}"), json!({})));
    }
    let refusal = house.server(create("one-more", json!({}))).unwrap_err();
    assert_eq!(refusal.to_string(), "at most 100 call types");

    house.now.users_max = 2;
    house.records.clear();
    house.done(upsert("a", json!({})));
    house.done(upsert("b", json!({})));
    assert_eq!(house.server(upsert("c", json!({}))).unwrap_err().to_string(), "at most 2 users");
    let again = house.done(upsert("b", json!({"name": "B"})));
    assert!(matches!(again, Reply::Users(users) if users[0].name.as_deref() == Some("B")));
}
