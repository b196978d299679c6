//! What is heard of a call, whole, as it goes over the wire: the golden vectors under
//! `protocol/vectors/stream/`. `UPDATE_GOLDEN=1` writes them anew.

use std::{collections::BTreeMap, fs, path::Path};

use rolecall_protocol::{
    call_type::builtin,
    dialect::stream::ear::{self, Before},
    id::{Cid, PeerId, Timestamp, UserId},
    json::{MessageData, Metadata},
    media::{TrackKind, TrackKinds},
    permissions::Overrides,
    room::{
        Actor, Command, Creation, MemberPatch, Room,
        command::{Joining, Recipient, Whom},
        commit,
        people::Newcomer,
        request::Wanted,
        turn,
    },
    team::{Reach, Standing},
};
use serde_json::{Value, json};

use super::house::{House, NOW_MS};
use crate::http::stream::calls;

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

fn joining(user: &str) -> Command {
    let newcomer = Newcomer {
        peer_id: PeerId::parse(&format!("{user}-1")).unwrap(),
        user_id: UserId::parse(user).unwrap(),
        name: user.into(),
        metadata: Metadata::null(),
        owner: false,
        app_role: name("user"),
        token_role: None,
        assigned: None,
        overrides: Overrides::default(),
        session: "hash".into(),
        exp: None,
        foreign: false,
    };
    let standing =
        Standing { app_role: name("user"), reach: Reach::Everywhere, banned: false, name: None };
    Command::Join(Box::new(Joining {
        newcomer,
        standing,
        permissions: None,
        invited: false,
        create: false,
        opens: false,
        epoch: "epoch".into(),
        peers_max: 100,
    }))
}

/// What is done, step by step.
fn steps() -> Vec<(&'static str, Actor, Command)> {
    let user = |id: &str| UserId::parse(id).unwrap();
    let peer = |id: &str| Actor::Peer(PeerId::parse(id).unwrap());
    let member = |role: &str| {
        let role = Some(Some(name(role)));
        BTreeMap::from([(user("bo"), MemberPatch { role, custom: None })])
    };
    let say = |data: Value| Command::SendMessage {
        data: MessageData::new(&data).unwrap(),
        to: Recipient::Everybody,
        speaker: None,
    };
    let reaction = json!({ "type": "like", "emoji_code": ":like:", "custom": { "n": 1 } });
    let audio = || [TrackKind::Audio].into_iter().collect::<TrackKinds>();
    vec![
        ("somebody is the first to come", Actor::Newcomer, joining("ana")),
        ("somebody else comes", Actor::Newcomer, joining("bo")),
        (
            "the back end changes the call",
            Actor::Server,
            Command::UpdateRoom {
                custom: Some(Metadata::new(&json!({ "topic": "tea" })).unwrap()),
                settings: None,
                starts_at: None,
            },
        ),
        (
            "somebody is made a member",
            Actor::Server,
            Command::UpdateMembers { set: member("host"), remove: Default::default() },
        ),
        (
            "a member has another role",
            Actor::Server,
            Command::UpdateMembers { set: member("admin"), remove: Default::default() },
        ),
        (
            "somebody is a member no more",
            Actor::Server,
            Command::UpdateMembers { set: BTreeMap::new(), remove: [user("bo")].into() },
        ),
        (
            "somebody turns his microphone on",
            peer("bo-1"),
            Command::SetTracks { on: audio(), off: TrackKinds::NONE },
        ),
        (
            "he is muted",
            Actor::Server,
            Command::Mute { whom: Whom::Users([user("bo")].into()), tracks: audio() },
        ),
        (
            "he may not speak",
            Actor::Server,
            Command::GrantUser {
                user_id: user("bo"),
                grant: Default::default(),
                revoke: [Wanted::SendAudio].into(),
            },
        ),
        (
            "he asks to",
            peer("bo-1"),
            Command::RequestPermissions { permissions: [Wanted::SendAudio].into() },
        ),
        ("he says something", peer("bo-1"), say(json!({ "hello": "you" }))),
        ("he says what is no object", peer("bo-1"), say(json!("hello"))),
        ("he reacts", peer("bo-1"), say(json!({ "type": "reaction", "reaction": reaction }))),
        (
            "he is put out",
            Actor::Server,
            Command::KickUser { user_id: user("bo"), block: false, reason: None },
        ),
        ("he is blocked", Actor::Server, Command::BlockUser { user_id: user("bo") }),
        ("he is let in again", Actor::Server, Command::UnblockUser { user_id: user("bo") }),
        ("the call goes backstage", Actor::Server, Command::SetBackstage { backstage: true }),
        ("the call goes live", Actor::Server, Command::SetBackstage { backstage: false }),
        (
            "the call ends",
            Actor::Server,
            Command::EndRoom { reason: Some("late".to_owned()), lock: true },
        ),
        ("the call is deleted", Actor::Server, Command::Delete),
    ]
}

#[tokio::test]
async fn what_is_heard_is_what_the_vectors_say() {
    let house = House::open().await;
    let users = json!({ "ana": { "id": "ana", "name": "Ana" }, "bo": { "id": "bo" } });
    house.server("POST /api/v2/users", json!({ "users": users })).await.expect(201);
    let call_type = builtin::all().remove("default").unwrap();
    let mut room = Room::vacant(Cid::new(&call_type.name, "a").unwrap(), call_type);
    let creation = Creation {
        epoch: "epoch".into(),
        team: None,
        custom: None,
        created_by: Some(UserId::parse("ana").unwrap()),
        members: BTreeMap::new(),
        settings: None,
        starts_at: None,
        admission: None,
    };
    let mut at = Timestamp(NOW_MS);
    let created = Command::Create(Box::new(creation));
    for event in &turn(&room, Actor::Server, created, at).unwrap().events {
        commit(&mut room, event, at);
    }
    let new = ear::created(&room, Vec::new(), at);
    let said = |heard| -> Value {
        let text = calls::say(&house.stream, &heard);
        serde_json::from_str(&text).unwrap()
    };
    let mut vectors = vec![json!({ "step": "the call is created", "events": [said(new)] })];
    for (step, actor, command) in steps() {
        at = at.plus(1000);
        let decision = turn(&room, actor, command, at).unwrap();
        let mut heard = Vec::new();
        for event in &decision.events {
            let before = Before::of(&room, event);
            commit(&mut room, event, at);
            heard.extend(ear::heard(&before, &room, event, at));
        }
        heard.extend(decision.relay.and_then(|relay| ear::relayed(&room, &relay, at)));
        let events: Vec<Value> = heard.into_iter().map(said).collect();
        vectors.push(json!({ "step": step, "events": events }));
    }
    let mine = ear::permissions_updated(
        &room,
        &UserId::parse("bo").unwrap(),
        [rolecall_protocol::capability::Capability::JoinCall].into_iter().collect(),
        at,
    );
    vectors.push(json!({ "step": "what somebody may is another", "events": [said(mine)] }));

    let named = calls::user_updated(&house.stream, &UserId::parse("ana").unwrap(), at);
    let named: Value = serde_json::from_str(&named).unwrap();
    vectors.push(json!({ "step": "somebody is another everywhere", "events": [named] }));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol/vectors/stream/events.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&vectors).unwrap())).unwrap();
    }
    let kept: Vec<Value> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for (new, kept) in vectors.iter().zip(&kept) {
        assert_eq!(new, kept);
    }
    assert_eq!(vectors.len(), kept.len());
}
