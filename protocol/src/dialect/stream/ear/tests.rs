//! Which events are heard of what, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::{
    call_type::{builtin, settings::SettingsPatchDocument},
    json::Metadata,
    media::TrackKind,
    permissions::Overrides,
    room::{
        Actor, Caller, Command, Creation, MemberPatch, command::Joining, command::Whom, commit,
        people::Newcomer, turn,
    },
    team::{Reach, Standing},
};

const AT: Timestamp = Timestamp(1_767_225_600_000);

/// A room that somebody watches.
struct Watched {
    room: Room,
    at: Timestamp,
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn as_user(name: &str) -> Actor {
    Actor::User(Box::new(Caller {
        user_id: user(name),
        name: name.into(),
        app_role: "user".parse().unwrap(),
        token_role: None,
        reach: Reach::Everywhere,
    }))
}

fn peer(name: &str) -> Actor {
    Actor::Peer(PeerId::parse(name).unwrap())
}

impl Watched {
    fn open(members: &[(&str, Option<&str>)]) -> Self {
        Self::of("default", members)
    }

    fn of(call_type: &str, members: &[(&str, Option<&str>)]) -> Self {
        let call_type = builtin::all().remove(call_type).unwrap();
        let cid = Cid::new(&call_type.name, "a").unwrap();
        let mut watched = Self { room: Room::vacant(cid, call_type), at: AT };
        let members = members.iter().map(|(name, role)| {
            let role = role.map(|role| Some(role.parse().unwrap()));
            (user(name), MemberPatch { role, custom: None })
        });
        let creation = Creation {
            epoch: "epoch".into(),
            team: None,
            custom: None,
            created_by: Some(user("ana")),
            members: members.collect(),
            settings: None,
            starts_at: None,
            admission: None,
        };
        watched.take(Actor::Server, Command::Create(Box::new(creation)));
        watched
    }

    /// Takes a turn; what is heard of it.
    fn take(&mut self, actor: Actor, command: Command) -> Vec<Heard> {
        let decision = turn(&self.room, actor, command, self.at).unwrap();
        let mut all = Vec::new();
        for event in &decision.events {
            let before = Before::of(&self.room, event);
            commit(&mut self.room, event, self.at);
            all.extend(heard(&before, &self.room, event, self.at));
        }
        all.extend(decision.relay.and_then(|relay| relayed(&self.room, &relay, self.at)));
        all
    }

    /// The same, in words.
    fn hears(&mut self, actor: Actor, command: Command) -> Vec<String> {
        words_of(&self.take(actor, command))
    }

    fn joins(&mut self, name: &str, role: &str, visible: bool) -> Vec<String> {
        let overrides =
            Overrides { has_presence: (!visible).then_some(false), ..Overrides::default() };
        let newcomer = Newcomer {
            peer_id: PeerId::parse(name).unwrap(),
            user_id: user(name),
            name: name.into(),
            metadata: Metadata::null(),
            owner: false,
            app_role: role.parse().unwrap(),
            token_role: None,
            assigned: None,
            overrides,
            session: "hash".into(),
            exp: None,
            foreign: false,
        };
        let app_role = newcomer.app_role.clone();
        let standing = Standing { app_role, reach: Reach::Everywhere, banned: false, name: None };
        let joining = Joining {
            newcomer,
            standing,
            permissions: None,
            invited: false,
            create: false,
            opens: false,
            epoch: "epoch".into(),
            peers_max: 100,
        };
        self.hears(Actor::Newcomer, Command::Join(Box::new(joining)))
    }
}

/// `call.ended to all`
fn words_of(heard: &[Heard]) -> Vec<String> {
    let to = |to: &To| match to {
        To::Everybody => "all".to_owned(),
        To::Seers => "seers".to_owned(),
        To::Rest => "rest".to_owned(),
        To::User(user) => user.to_string(),
    };
    heard.iter().map(|one| format!("{} to {}", one.what.name(), to(&one.to))).collect()
}

const COUNTS: &str = "call.session_participant_count_updated to all";

#[test]
fn coming_and_going_is_heard_with_the_session_around_it() {
    // One that lets in people without a token.
    let mut watched = Watched::of("livestream", &[]);
    watched.take(Actor::Server, Command::SetBackstage { backstage: false });
    assert_eq!(
        watched.joins("ana", "user", true),
        ["call.session_started to all", "call.session_participant_joined to all", COUNTS]
    );
    assert_eq!(
        watched.joins("bo", "user", true),
        ["call.session_participant_joined to all", COUNTS]
    );
    // Who has no token is only counted.
    assert_eq!(watched.joins("p1", "anonymous", true), [COUNTS]);
    watched.at = AT.plus(3500);
    let heard = watched.take(peer("bo"), Command::Leave);
    let What::Left { who, seconds, session } = &heard[0].what else { panic!("{heard:?}") };
    assert_eq!((who.user_id.as_str(), *seconds, &**session), ("bo", 3, "epoch.1"));
    let What::Counts { by_role, anonymous, .. } = &heard[1].what else { panic!("{heard:?}") };
    assert_eq!((by_role.values().sum::<usize>(), *anonymous), (1, 1));
    watched.take(peer("p1"), Command::Leave);
    assert_eq!(
        watched.hears(peer("ana"), Command::Leave),
        ["call.session_participant_left to all", "call.session_ended to all"]
    );
}

#[test]
fn who_is_hidden_is_heard_of_by_those_who_see_hidden_peers() {
    let mut watched = Watched::open(&[]);
    watched.joins("ana", "user", true);
    let counted = |to: &str| format!("call.session_participant_count_updated to {to}");
    assert_eq!(
        watched.joins("bo", "user", false),
        ["call.session_participant_joined to seers".to_owned(), counted("seers"), counted("rest")]
    );
    let heard = watched.take(Actor::Server, Command::EndRoom { reason: None, lock: true });
    let shown = |heard: &Heard| match &heard.what {
        What::Ended { call, .. } => call.present.len(),
        _ => 0,
    };
    assert_eq!(
        words_of(&heard),
        ["call.ended to all", "call.session_ended to all"],
        "nobody is hidden any more"
    );
    assert_eq!(shown(&heard[0]), 0);
}

#[test]
fn members_are_heard_of_and_their_roles() {
    let mut watched = Watched::open(&[("ana", Some("host"))]);
    let set = |name: &str, role: Option<&str>| {
        let role = role.map(|role| Some(role.parse().unwrap()));
        let set = BTreeMap::from([(user(name), MemberPatch { role, custom: None })]);
        Command::UpdateMembers { set, remove: BTreeSet::new() }
    };
    let server = || Actor::Server;
    assert_eq!(watched.hears(server(), set("bo", None)), ["call.member_added to all"]);
    assert_eq!(
        watched.hears(server(), set("bo", Some("admin"))),
        ["call.member_updated to all", "call.member_updated_permission to all"]
    );
    let gone = Command::UpdateMembers { set: BTreeMap::new(), remove: [user("bo")].into() };
    let heard = watched.take(server(), gone);
    assert!(
        matches!(&heard[..], [Heard { what: What::MemberRemoved { user: gone, .. }, .. }] if *gone == user("bo")),
        "{heard:?}"
    );
}

#[test]
fn what_is_done_to_users_is_heard_with_who_did_it() {
    let mut watched = Watched::open(&[]);
    for name in ["ana", "bo", "cy"] {
        watched.joins(name, if name == "ana" { "admin" } else { "user" }, true);
    }
    watched.take(
        peer("bo"),
        Command::SetTracks { on: [TrackKind::Audio].into_iter().collect(), off: TrackKinds::NONE },
    );
    let mute = Command::Mute { whom: Whom::Users([user("bo")].into()), tracks: TrackKinds::ALL };
    let heard = watched.take(Actor::Server, mute);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].what, What::Muted { user: user("bo"), by: None });
    // Of what he does himself nothing is heard.
    let tracks = |on| Command::SetTracks { on, off: TrackKinds::NONE };
    assert!(watched.take(peer("bo"), tracks([TrackKind::Audio].into_iter().collect())).is_empty());
    let kick = |block| Command::KickUser { user_id: user("bo"), block, reason: None };
    let heard = watched.take(peer("ana"), kick(false));
    assert!(
        heard
            .iter()
            .any(|one| one.what == What::Kicked { user: user("bo"), by: Some(user("ana")) }),
        "{heard:?}"
    );
    let heard = watched.take(peer("ana"), Command::BlockUser { user_id: user("cy") });
    assert_eq!(heard[0].what, What::Blocked { user: user("cy"), by: Some(user("ana")) });
    assert!(!words_of(&heard).contains(&"call.kicked_user to all".to_owned()), "once is enough");
    let heard = watched.hears(Actor::Server, Command::UnblockUser { user_id: user("cy") });
    assert_eq!(heard, ["call.unblocked_user to all"]);
}

#[test]
fn the_call_itself_is_heard_of() {
    let mut watched = Watched::open(&[]);
    let settings = SettingsPatchDocument::new(&json!({ "video": { "enabled": false } })).unwrap();
    let update = Command::UpdateRoom { custom: None, settings: Some(settings), starts_at: None };
    let heard = watched.take(Actor::Server, update);
    let [Heard { what: What::Updated { call, by_role }, .. }] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!(call.settings()["video"]["enabled"], json!(false));
    let user_may = &by_role["user"];
    assert!(!user_may.contains(&"send-video") && user_may.contains(&"send-audio"));
    let live = |backstage| Command::SetBackstage { backstage };
    assert_eq!(watched.hears(Actor::Server, live(true)), ["call.updated to all"]);
    assert_eq!(watched.hears(Actor::Server, live(false)), ["call.live_started to all"]);
    watched.joins("bo", "user", true);
    let pause = Command::EndRoom { reason: None, lock: false };
    assert_eq!(watched.hears(Actor::Server, pause), ["call.session_ended to all"]);
    // Who ends it may be in: he is out then, and it was he all the same.
    let mut within = Watched::open(&[]);
    within.joins("ana", "admin", true);
    let ended = within.take(peer("ana"), Command::EndRoom { reason: None, lock: true });
    assert!(matches!(&ended[0].what, What::Ended { by: Some(by), .. } if *by == user("ana")));
    let ended = watched.take(as_user("ana"), Command::EndRoom { reason: None, lock: true });
    assert!(matches!(&ended[0].what, What::Ended { by: Some(by), .. } if *by == user("ana")));
    let deleted = watched.take(Actor::Server, Command::Delete);
    let [Heard { what: What::Deleted { call }, .. }] = &deleted[..] else { panic!("{deleted:?}") };
    assert_eq!((call.cid.as_str(), call.created_by.clone()), ("default:a", Some(user("ana"))));
}

#[test]
fn of_a_user_everywhere_hears_who_sees_him_here() {
    let mut watched = Watched::open(&[("bo", None)]);
    watched.joins("cy", "user", true);
    watched.joins("dee", "user", false);
    let table = [
        ("bo", Some(To::Everybody)),
        ("cy", Some(To::Everybody)),
        ("dee", Some(To::Seers)),
        ("eve", None),
        // Who made the call is neither in it nor a member.
        ("ana", None),
    ];
    for (name, to) in table {
        assert_eq!(who_know(&watched.room, &user(name)), to, "{name}");
    }
    let set = BTreeMap::from([(user("dee"), MemberPatch::default())]);
    watched.take(Actor::Server, Command::UpdateMembers { set, remove: BTreeSet::new() });
    assert_eq!(who_know(&watched.room, &user("dee")), Some(To::Everybody), "as a member");
}

#[test]
fn messages_to_everybody_are_heard_and_others_are_not() {
    let mut watched = Watched::open(&[]);
    watched.joins("ana", "user", true);
    watched.joins("bo", "user", true);
    let data = |value: &Value| MessageData::new(value).unwrap();
    let say = |value: &Value, to| Command::SendMessage { data: data(value), to, speaker: None };
    let heard = watched.hears(peer("ana"), say(&json!("hi"), Recipient::Everybody));
    assert_eq!(heard, ["custom to all"]);
    let reaction = json!({ "type": "reaction", "reaction": { "type": "like", "custom": {} } });
    let heard = watched.hears(peer("ana"), say(&reaction, Recipient::Everybody));
    assert_eq!(heard, ["call.reaction_new to all"]);
    let one = Recipient::Peer(PeerId::parse("bo").unwrap());
    assert!(watched.hears(peer("ana"), say(&json!("hi"), one)).is_empty());
}

#[test]
fn permissions_asked_for_are_heard_of_by_those_who_may_grant_them() {
    let mut watched = Watched::open(&[]);
    watched.joins("ana", "user", true);
    let revoke = Command::GrantUser {
        user_id: user("ana"),
        grant: BTreeSet::new(),
        revoke: [Wanted::SendAudio].into(),
    };
    watched.take(Actor::Server, revoke);
    let ask = Command::RequestPermissions { permissions: [Wanted::SendAudio].into() };
    let heard = watched.take(peer("ana"), ask);
    let [Heard { to: To::Seers, what: What::PermissionRequest { from, permissions }, .. }] =
        &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((from.user_id.clone(), &permissions[..]), (Some(user("ana")), &["send-audio"][..]));
}
