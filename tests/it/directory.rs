//! The Directory and live rooms: what is changed there is felt here before the asker has his reply,
//! and nobody slips in between.

use std::time::Duration;

use rolecall_protocol::{
    directory::{
        Actor, Command, Reply,
        app::AppPatch,
        call_types::CallTypeInput,
        user::{Ban, UserInput},
    },
    id::{CallTypeName, UserId},
};
use serde_json::{Value, json};

use crate::{
    client::Client,
    house::{House, sign, user_token},
};

const ROOM: &str = "default:standup";

impl House {
    /// The server side asks the Directory.
    async fn ask(&self, command: Command) -> Reply {
        let name = command.name();
        let reply = self.directory.command(Actor::Server, command).await;
        reply.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    async fn upsert(&self, id: &str, change: impl FnOnce(&mut UserInput)) {
        let mut input = UserInput::of(user(id));
        change(&mut input);
        self.ask(Command::UpsertUsers { users: vec![input] }).await;
    }

    async fn app(&self, patch: Value) {
        let patch: AppPatch = serde_json::from_value(patch).unwrap();
        self.ask(Command::UpdateApp(Box::new(patch))).await;
    }

    async fn grants(&self, of: &str, grants: Value) {
        let grants = Some(Some(serde_json::from_value(grants).unwrap()));
        let input = Box::new(CallTypeInput { grants, ..CallTypeInput::default() });
        let name = CallTypeName::parse(of).unwrap();
        self.ask(Command::UpdateCallType { name, input }).await;
    }

    async fn refused_at(&self, room: &str, token: String) -> (i64, String) {
        self.socket().await.refused("join", json!({ "room": room, "token": token })).await
    }
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

/// What a client sees itself may do.
fn own<'a>(client: &'a Client, what: &str) -> &'a Value {
    &client.view[&client.peer][what]
}

#[tokio::test]
async fn grants_edited_while_a_room_is_live_reach_everybody_concerned() {
    let house = House::open();
    let mut ana = house.owner(ROOM, "ana").await;
    let mut bo = house.join(ROOM, "bo", json!({})).await;
    let mut elsewhere = house.owner("stage:other", "cy").await;
    bo.done("setTracks", json!({ "audio": true })).await;
    ana.catch_up().await;
    bo.catch_up().await;
    elsewhere.catch_up().await;
    let grants = json!({ "user": ["join-call", "read-call", "send-video"], "call_member": [] });
    house.grants("default", grants).await;
    for client in [&mut ana, &mut bo] {
        let updated = client.until("participant-updated").await;
        assert_eq!(updated["participant"]["userId"], "bo", "{updated}");
        assert_eq!(updated["participant"]["tracks"]["audio"], "blocked");
    }
    bo.check_view().await;
    assert_eq!(own(&bo, "capabilities"), &json!(["join-call", "read-call", "send-video"]));
    elsewhere.hears_nothing().await;
    let refused = bo.refused("setTracks", json!({ "audio": true })).await;
    assert_eq!(refused, (403, "not-allowed".to_owned()));
    // Given back: off, never on.
    house.grants("default", json!({ "user": ["join-call", "read-call", "send-audio"] })).await;
    bo.catch_up().await;
    assert_eq!(own(&bo, "tracks")["audio"], "off");
    // Who comes later, and a room that begins later, get it too.
    let late = house.join(ROOM, "dee", json!({})).await;
    let room = house.owner("default:new", "eve").await;
    let newer = house.join("default:new", "fay", json!({})).await;
    for client in [&late, &newer] {
        let expected = json!(["join-call", "read-call", "send-audio"]);
        assert_eq!(own(client, "capabilities"), &expected);
    }
    drop(room);
}

#[tokio::test]
async fn who_is_not_welcome_any_more_is_out_and_stays_out() {
    let house = House::open();
    let mut ana = house.owner(ROOM, "ana").await;
    let ids = || vec![user("bo")];
    let table: [(Command, Option<Command>); 4] = [
        (
            Command::BanUser { id: user("bo"), ban: Box::new(Ban::default()) },
            Some(Command::UnbanUser { id: user("bo") }),
        ),
        (Command::DeactivateUsers { ids: ids() }, Some(Command::ReactivateUsers { ids: ids() })),
        (
            Command::DeleteUsers { ids: ids(), hard: false },
            Some(Command::RestoreUsers { ids: ids() }),
        ),
        // Erased, he is nobody in particular: his token makes him a user like any.
        (Command::DeleteUsers { ids: ids(), hard: true }, None),
    ];
    for (out, back) in table {
        let shown = out.name();
        house.upsert("bo", |_| {}).await;
        let mut bo = house.join(ROOM, "bo", json!({})).await;
        // An owner by his token, too: the server side touches owners.
        let mut other = house.owner("stage:other", "bo").await;
        let mut dropped = house.join(ROOM, "bo", json!({})).await;
        dropped.reconnect(house.addr).await;
        house.ask(out).await;
        assert_eq!(house.room(ROOM).await["participants"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(bo.closed().await.0, 4502, "{shown}");
        assert_eq!(other.closed().await.0, 4502, "{shown}");
        assert_eq!(dropped.resume_with(&json!({})).await.unwrap_err()["code"], 410, "{shown}");
        let Some(back) = back else { continue };
        let refused = house.refused_at(ROOM, user_token("bo", json!({}))).await;
        assert_eq!(refused, (403, "banned".to_owned()), "{shown}");
        house.ask(back).await;
        drop(house.join(ROOM, "bo", json!({})).await);
    }
    ana.check_view().await;
}

#[tokio::test]
async fn a_users_role_counts_wherever_he_is() {
    let house = House::open();
    house.upsert("bo", |_| {}).await;
    let mut ana = house.owner(ROOM, "ana").await;
    let mut bo = house.join(ROOM, "bo", json!({})).await;
    drop(house.owner("stage:x", "cy").await);
    let mut stage = house.join("stage:x", "bo", json!({})).await;
    ana.catch_up().await;
    assert_eq!(own(&bo, "role"), "user");
    house.upsert("bo", |bo| bo.role = Some("admin".parse().unwrap())).await;
    assert_eq!(ana.until("participant-updated").await["participant"]["role"], "admin");
    bo.check_view().await;
    stage.check_view().await;
    assert_eq!((own(&bo, "role"), own(&stage, "role")), (&json!("admin"), &json!("admin")));
    assert_eq!(own(&bo, "tracks")["audio"], "off");
    // What rooms do not heed is not told there.
    ana.catch_up().await;
    house.upsert("bo", |bo| bo.image = Some("https://example.org/bo.png".into())).await;
    ana.hears_nothing().await;
}

#[tokio::test]
async fn teams_are_kept_apart_as_soon_as_the_switch_is_on() {
    let house = House::open();
    house.upsert("red", |user| user.teams = Some(["red".parse().unwrap()].into())).await;
    house.upsert("none", |_| {}).await;
    let mut none = house.join(ROOM, "none", json!({})).await;
    let mut red = house.join(ROOM, "red", json!({})).await;
    let mut stranger = house.socket().await;
    stranger.join(&json!({ "room": "daily:open" })).await.unwrap();
    house.app(json!({ "multi_tenant_enabled": true })).await;
    assert_eq!(red.closed().await.0, 4502, "a room of no team is not his");
    stranger.check_view().await;
    none.check_view().await;
    assert_eq!(none.view.len(), 1);
    let token = |id: &str| user_token(id, json!({}));
    let wrong = (403, "wrong-team".to_owned());
    assert_eq!(house.refused_at(ROOM, token("red")).await, wrong);
    // His own team's room: others are kept out, whatever they bring.
    let mut red = house.join("default:red", "red", json!({})).await;
    assert_eq!(house.room("default:red").await["room"]["team"], "red");
    assert_eq!(house.refused_at("default:red", token("none")).await, wrong);
    assert_eq!(house.refused_at("default:red", token("unknown")).await, wrong);
    let owner = user_token("none", json!({ "room": "default:red", "is_owner": true }));
    assert_eq!(house.refused_at("default:red", owner).await.0, 403);
    // He leaves the team: he is out.
    house.upsert("red", |user| user.teams = Some(["blue".parse().unwrap()].into())).await;
    assert_eq!(red.closed().await.0, 4502);
    house.app(json!({ "multi_tenant_enabled": false })).await;
    drop(house.join("default:red", "none", json!({})).await);
}

#[tokio::test]
async fn revoked_tokens_bring_nobody_in_and_let_nobody_stay() {
    let house = House::open();
    let at = |iat: u64| json!({ "iat": iat });
    let (old, fresh) = (1_700_000_000, 1_750_000_000);
    let mut ana = house.join(ROOM, "ana", at(old)).await;
    let mut bo = house.join(ROOM, "bo", at(fresh)).await;
    let mut eternal = house.join(ROOM, "cy", json!({})).await;
    let mut dropped = house.join(ROOM, "dee", at(old)).await;
    let mut stranger = house.socket().await;
    stranger.join(&json!({ "room": "daily:open" })).await.unwrap();
    dropped.reconnect(house.addr).await;
    house.app(json!({ "revoke_tokens_issued_before": "2025-01-01T00:00:00Z" })).await;
    assert_eq!(ana.closed().await, (4500, "bad token".to_owned()));
    assert_eq!(eternal.closed().await.0, 4500, "a token that does not say when it was made");
    bo.check_view().await;
    stranger.check_view().await;
    let refused = house.refused_at(ROOM, user_token("ana", at(old))).await;
    assert_eq!(refused, (401, "bad-token".to_owned()));
    // The seat is kept: whoever brings a fresh token takes it again.
    let error = dropped.resume_with(&json!({})).await.unwrap_err();
    assert_eq!((&error["code"], &error["data"]["reason"]), (&json!(401), &json!("token-expired")));
    dropped.reconnect(house.addr).await;
    let stale = json!({ "token": user_token("dee", at(old)) });
    assert_eq!(dropped.resume_with(&stale).await.unwrap_err()["code"], 401);
    dropped.reconnect(house.addr).await;
    dropped.resume_with(&json!({ "token": user_token("dee", at(fresh)) })).await.unwrap();
    // A token may be renewed by a fresh one only.
    let token = json!({ "token": user_token("bo", at(old)) });
    assert_eq!(bo.refused("refreshToken", token).await, (401, "bad-token".to_owned()));
    house.app(json!({ "revoke_tokens_issued_before": null })).await;
    drop(house.join(ROOM, "ana", at(old)).await);
}

#[tokio::test]
async fn a_call_type_made_over_rest_has_rooms_at_once() {
    let house = House::open();
    let unknown = (404, "unknown-call-type".to_owned());
    assert_eq!(house.refused_at("ward:a", user_token("ana", json!({}))).await, unknown);
    let grants = serde_json::from_value(json!({ "user": ["create-call", "join-call"] })).unwrap();
    let input = Box::new(CallTypeInput { grants: Some(Some(grants)), ..CallTypeInput::default() });
    let name = || CallTypeName::parse("ward").unwrap();
    house.ask(Command::CreateCallType { name: name(), input }).await;
    let mut ana = house.join("ward:a", "ana", json!({})).await;
    assert_eq!(own(&ana, "capabilities"), &json!(["create-call", "join-call"]));
    house.ask(Command::DeleteCallType { name: name() }).await;
    ana.check_view().await;
    assert_eq!(house.refused_at("ward:b", user_token("ana", json!({}))).await, unknown);
}

#[tokio::test]
async fn a_room_that_slept_wakes_as_the_directory_is_now() {
    let house = House::with(|config| config.limits.room_idle = Duration::from_millis(20));
    let mut ana = house.owner(ROOM, "ana").await;
    ana.done("blockUser", json!({ "userId": "nobody" })).await;
    let epoch = ana.epoch.clone();
    ana.hang_up(1000).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    house.grants("default", json!({ "user": ["join-call"] })).await;
    let bo = house.join(ROOM, "bo", json!({})).await;
    assert_eq!(bo.epoch, epoch, "the same life of the room");
    assert_eq!(own(&bo, "capabilities"), &json!(["join-call"]));
}

#[tokio::test]
async fn nobody_slips_in_while_things_change() {
    let house = House::with(|config| {
        (config.limits.calls_per_second, config.limits.calls_burst) = (100_000, 100_000);
    });
    house.upsert("bo", |_| {}).await;
    let ana = house.owner(ROOM, "ana").await;
    for round in 0..20 {
        let comings = (0..6).map(|_| async {
            let mut client = house.socket().await;
            let token = user_token("bo", json!({}));
            let joined = client.join(&json!({ "room": ROOM, "token": token })).await;
            (client, joined.is_ok())
        });
        let ban = async {
            tokio::time::sleep(Duration::from_micros(300 * round)).await;
            let id = user("bo");
            house.ask(Command::BanUser { id, ban: Box::default() }).await;
        };
        let (clients, ()) = tokio::join!(futures::future::join_all(comings), ban);
        let state = house.room(ROOM).await;
        let here = state["participants"].as_array().unwrap();
        assert!(here.iter().all(|one| one["userId"] == "ana"), "round {round}: {state}");
        for (mut client, _) in clients.into_iter().filter(|(_, joined)| *joined) {
            assert_eq!(client.closed().await.0, 4502);
        }
        house.ask(Command::UnbanUser { id: user("bo") }).await;
    }
    drop(ana);
}

#[tokio::test]
async fn what_a_token_says_of_teams_counts_only_where_it_is_trusted() {
    let house = House::with(|config| config.trust_token_teams = true);
    let teams = |teams: &[&str]| json!({ "teams": teams });
    drop(house.join("default:red", "ana", teams(&["red"])).await);
    let ana = house.join("default:red", "ana", teams(&["red"])).await;
    assert_eq!(house.room("default:red").await["room"]["team"], "red");
    let blue = sign(&json!({ "user_id": "bo", "teams": ["blue"] }));
    assert_eq!(house.refused_at("default:red", blue.clone()).await, (403, "wrong-team".to_owned()));
    // Once teams are kept apart, what the Directory says of somebody comes first.
    house.upsert("bo", |bo| bo.teams = Some(["red".parse().unwrap()].into())).await;
    house.app(json!({ "multi_tenant_enabled": true })).await;
    drop(house.join("default:red", "bo", teams(&["blue"])).await);
    let mut ana = ana;
    ana.check_view().await;
}
