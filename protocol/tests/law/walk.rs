//! Random walks: anybody does anything, time passes, and what must hold holds. A walk that falls is
//! shrunk by proptest and told step by step. It must not know the law's inside.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use proptest::prelude::*;
use rolecall_protocol::{
    call_type::builtin,
    capability::{Capabilities, Capability},
    id::{PeerId, RequestId, RoleName, UserId},
    media::{TrackKind, TrackKinds},
    room::{
        Actor, Admission, Command, Peer, Reply, Room,
        command::{Explainee, MemberPatch, Recipient, Right, Whom},
        explain::Rule,
        request::Wanted,
    },
};
use serde_json::{Value, json};

use crate::{
    call,
    house::{House, latent},
    rest,
};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(64, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn walks(
        which in 0..TYPES.len(),
        mesh in 3..9_usize,
        private in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..90),
    ) {
        let mut walk = Walk::new(TYPES[which], mesh, private);
        let whole = catch_unwind(AssertUnwindSafe(|| {
            steps.iter().for_each(|step| walk.step(step));
            walk.house.replay();
        }));
        if let Err(panic) = whole {
            let what = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            return Err(TestCaseError::fail(format!("{what}\n{}", walk.taken.join("\n"))));
        }
    }
}

/// Built-in call types, and some whose settings or bounds are narrower.
const TYPES: &[&str] = &[
    "default",
    "audio_room",
    "livestream",
    "stage",
    "lobby",
    "breakout",
    "classroom",
    "daily",
    r#"narrow {"extends":"default","settings":{"recording":false,"video":false}}"#,
    r#"quiet {"extends":"stage","settings":{"audio":false,"transcription":false}}"#,
    r#"small {"extends":"stage","roles":{"speaker":{"canSend":["audio"],"maxPeerCount":1}}}"#,
    r#"far {"extends":"default","grants":{"guest":["join-call-any-team","read-call-any-team","send-audio","send-video-any-team","update-call-permissions-any-team","mute-users"]}}"#,
];

/// Who does what to whom, as numbers that find their meaning in the room as it is.
#[derive(Clone, Debug)]
struct Step {
    who: u8,
    what: u8,
    a: u8,
    b: u8,
    c: u8,
}

fn step() -> impl Strategy<Value = Step> {
    any::<(u8, u8, u8, u8, u8)>().prop_map(|(who, what, a, b, c)| Step { who, what, a, b, c })
}

struct Walk {
    house: House,
    joined: u32,
    /// Its steps in words, for whom it falls.
    taken: Vec<String>,
    /// What each asker held when he asked.
    asked: BTreeMap<RequestId, Capabilities>,
}

fn pick<T>(of: &[T], by: u8) -> &T {
    &of[usize::from(by) % of.len()]
}

impl Walk {
    fn new(call_type: &str, mesh: usize, private: bool) -> Self {
        let mut house = House::vacant(call::call_type(call_type));
        house.set_mesh(mesh);
        if private {
            let admission = r#"admission:{"private":true,"knocking":true}"#;
            let create = rest::command("create", admission).unwrap();
            house.take(Actor::Server, create).unwrap_or_else(|refusal| panic!("{refusal}"));
        }
        Self { house, joined: 0, taken: Vec::new(), asked: BTreeMap::new() }
    }

    fn peers(&self) -> Vec<PeerId> {
        self.house.room.peers.keys().cloned().collect()
    }

    fn peer(&self, by: u8) -> PeerId {
        let peers = self.peers();
        if peers.is_empty() || by == 255 { call::name("nobody") } else { pick(&peers, by).clone() }
    }

    /// Somebody over REST, here or not.
    fn user(&self, by: u8, more: u8) -> Actor {
        let app = *pick(&["app=user", "app=user", "app=admin", "app=guest"], more);
        let team = *pick(&["", "", "", ",team=red"], more / 4);
        let role = self.role(more);
        let token = if more.is_multiple_of(16) { format!(",token={role}") } else { String::new() };
        rest::actor(&format!("@u{}[{app}{team}{token}]", by % 6))
    }

    fn role(&self, by: u8) -> RoleName {
        let roles: Vec<_> = self.house.room.call_type.roles.keys().cloned().collect();
        if by == 255 { call::name("unheard-of") } else { pick(&roles, by).clone() }
    }

    fn roles(&self, a: u8, b: u8) -> BTreeSet<RoleName> {
        BTreeSet::from([self.role(a), self.role(b)])
    }

    fn step(&mut self, step: &Step) {
        if self.house.room.peers.is_empty()
            || (step.what.is_multiple_of(8) && self.peers().len() < 7)
        {
            return self.join(step);
        }
        let actor = match step.who {
            0..=189 => Actor::Peer(self.peer(step.who)),
            190..=229 => self.user(step.who, step.c),
            _ => Actor::Server,
        };
        let (actor, command) = self.asked(actor, step);
        if matches!(command, Command::Tick) {
            let time = [0, 1_000, 29_000, 30_000, 59_000, 60_000];
            self.house.at = self.house.at.plus(*pick(&time, step.a));
            if step.b.is_multiple_of(4) {
                return;
            }
        }
        self.take(actor, command);
    }

    fn join(&mut self, step: &Step) {
        self.joined += 1;
        let mut peer = format!("p{}", self.joined);
        let mut user = format!("user=u{}", step.a % 6);
        // Mostly who was admitted comes in as who he was.
        let admitted = self.house.room.waiting.values().find(|one| !one.is_open());
        let admitted = admitted.filter(|_| !step.b.is_multiple_of(5)).cloned();
        if let Some(one) = &admitted {
            peer = one.waiting_id.to_string();
            user = format!("user={}", one.user_id);
        }
        let app = *pick(&["app=user", "app=user", "app=admin", "app=guest", "anonymous"], step.b);
        let role = self.role(step.a).to_string();
        let owner = format!("{role}!");
        let token = format!("token={role}");
        let word = *pick(&["", "", "", "", &role, &role, &owner, "host!", "host", &token], step.c);
        let hidden = if step.who.is_multiple_of(5) { "hidden" } else { "" };
        let override_ = *pick(
            &[
                "",
                "",
                r#"permissions={"canAdmin":["participants"]}"#,
                r#"permissions={"canSend":false}"#,
            ],
            step.what / 8,
        );
        let far = self.house.room.created_at.is_some() && step.who.is_multiple_of(7);
        let team = if far { "team=red" } else { "" };
        let invited = if step.a.is_multiple_of(3) { "invited" } else { "" };
        let words = [user.as_str(), app, word, hidden, override_, team, invited];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let joining = call::joining(&peer, &words);
        let admission = &self.house.room.admission;
        let may_knock = admission.private && admission.knocking;
        let joining = Box::new(joining);
        let command = if may_knock && admitted.is_none() && !step.c.is_multiple_of(3) {
            Command::Knock { joining, waiting_max: 4 }
        } else {
            Command::Join(joining)
        };
        self.take(Actor::Newcomer, command);
    }

    /// What is asked; who answers a request is mostly the one who was asked.
    fn asked(&self, actor: Actor, step: &Step) -> (Actor, Command) {
        let Step { a, b, c, .. } = *step;
        let room = &self.house.room;
        let user = |by: u8| -> UserId { call::name(&format!("u{}", by % 6)) };
        let kinds = |bits: u8| -> TrackKinds {
            TrackKind::ALL.into_iter().filter(|k| bits & (1 << *k as u8) != 0).collect()
        };
        let command = match step.what % 46 {
            1 => Command::Leave,
            2 => match room.peers.values().find(|p| p.dropped_until.is_some()) {
                Some(away) => return (Actor::Peer(away.id().clone()), Command::Return),
                None => Command::Drop { until: self.house.at.plus(30_000) },
            },
            3 | 4 => return (Actor::Timer, Command::Tick),
            5..=7 => {
                Command::ChangeRole { peer_id: self.peer(a), role: self.role(b), force: c % 2 == 0 }
            }
            9 => Command::ChangeRoles { of_roles: self.roles(a, b), to_role: self.role(c) },
            10..=14 => return self.answered(actor, step),
            15 | 16 => {
                let patch = Box::new(serde_json::from_str(&patch(b, c)).unwrap());
                Command::UpdatePermissions { peer_id: self.peer(a), patch }
            }
            17 => {
                let one = serde_json::from_str(&patch(b, a)).unwrap();
                let all = serde_json::from_str(&patch(c, b)).unwrap();
                Command::UpdateManyPermissions {
                    everybody: (a % 3 > 0).then(|| Box::new(all)),
                    named: BTreeMap::from([(self.peer(a), one)]),
                }
            }
            18 | 19 => Command::RequestPermissions { permissions: wanted(a) },
            20 | 21 => Command::SetTracks { on: kinds(a), off: kinds(b).difference(kinds(a)) },
            22 => {
                let whom = match c % 4 {
                    0 => Whom::Peer(self.peer(a)),
                    1 => Whom::Roles(self.roles(a, b)),
                    2 => Whom::Users(BTreeSet::from([user(a), user(b)])),
                    _ => Whom::Everybody,
                };
                match c % 5 {
                    0 | 1 => Command::RequestUnmute { whom, tracks: kinds(b) },
                    _ => Command::Mute { whom, tracks: kinds(b) },
                }
            }
            23 => Command::RemovePeer { peer_id: self.peer(a), reason: None, block: b % 4 == 0 },
            25 if a % 3 == 0 => Command::BlockUser { user_id: user(b) },
            25 => Command::UnblockUser { user_id: user(b) },
            26 if a < 16 => Command::EndRoom { reason: None, lock: b % 2 == 0 },
            26 => Command::SetBackstage { backstage: b % 2 == 0 },
            27 if c % 8 == 0 => {
                let (peer_id, name) = (self.peer(a), format!("name {}", b % 3).into());
                return (Actor::Server, Command::SetNameOf { peer_id, name });
            }
            27 if c % 8 == 1 => {
                let metadata = serde_json::from_str(&(b % 3).to_string()).unwrap();
                Command::SetMetadataOf { peer_id: self.peer(a), metadata }
            }
            27 => match a % 3 {
                0 => Command::SetName { name: format!("name {}", b % 3).into() },
                1 => Command::SetMetadata {
                    metadata: serde_json::from_str(&(b % 3).to_string()).unwrap(),
                },
                _ if c % 4 == 0 => {
                    Command::RaiseHandOf { peer_id: self.peer(c), raised: b % 2 == 0 }
                }
                _ => Command::RaiseHand { raised: b % 2 == 0 },
            },
            28 => {
                let to = match c % 3 {
                    0 => Recipient::Peer(self.peer(a)),
                    1 => Recipient::Roles(self.roles(a, b)),
                    _ => Recipient::Everybody,
                };
                Command::SendMessage { data: serde_json::from_str("1").unwrap(), to, speaker: None }
            }
            29 if a % 2 == 0 => {
                let change = serde_json::json!({
                    "data": { format!("k{}", b % 3): c % 4 },
                    "merge": c % 5 > 0,
                    "remove": if b % 7 == 0 { vec!["k0"] } else { Vec::new() },
                });
                let change = Box::new(serde_json::from_value(change).unwrap());
                Command::SetSessionData { change }
            }
            29 => Command::Signal { to: self.peer(a), data: serde_json::from_str("1").unwrap() },
            30 => {
                let right = match b % 2 {
                    0 => Right::Track(*pick(&TrackKind::ALL, c)),
                    _ => Right::Capability(*pick(Capability::ALL, c)),
                };
                let whom = match a % 3 {
                    0 => Explainee::Peer(self.peer(a)),
                    1 => Explainee::User(Box::new(rest::caller(&format!("@{}", user(a))))),
                    _ => Explainee::Own,
                };
                Command::Explain { whom, right }
            }
            31 if a % 3 == 0 => {
                let call_type = call::call_type(TYPES[usize::from(b) % TYPES.len()]);
                return (Actor::Server, Command::AdoptCallType { call_type });
            }
            31 | 32 => return (Actor::Server, self.members(step)),
            33 => self.members(step),
            34 => Command::GrantUser { user_id: user(a), grant: wanted(b), revoke: wanted(c) },
            35 => Command::KickUser { user_id: user(a), block: b % 4 == 0, reason: None },
            36 => {
                let peer_id = self.peer(a);
                let its = room.peers.get(&peer_id).map(|peer| peer.who.user_id.clone());
                let user_id = its.unwrap_or_else(|| user(b));
                Command::SetPin { user_id, peer_id, pinned: c % 3 > 0 }
            }
            37 if a % 3 == 0 => Command::SendReaction { data: Default::default() },
            37 => Command::Renew { exp: (b % 3 > 0).then_some(u64::from(b)) },
            38 => {
                let app = *pick(&["app=user", "app=admin", "app=guest", "app=nobody"], b);
                let team = *pick(&["team=red", "everywhere", ""], c);
                let banned = if c % 16 == 1 { "banned" } else { "" };
                let text = format!("{} {app} {team} {banned}", user(a));
                let refresh = rest::command("refreshUser", &text).unwrap();
                return (Actor::Server, refresh);
            }
            39 if a % 8 == 0 => return (Actor::Server, Command::Delete),
            40 | 41 => {
                let (own, peer_id) = (self.peer(step.who), self.peer(a));
                let both = room.peers.get(&own).zip(room.peers.get(&peer_id));
                // Mostly what may be had, so that there is something to lose.
                let may = both.filter(|_| c % 4 > 0).map(|(own, other)| own.receivable(other));
                let tracks = some(kinds(b).intersection(may.unwrap_or(TrackKinds::ALL)));
                return (Actor::Peer(own), Command::Subscribe { peer_id, tracks });
            }
            42 | 43 => return self.of_a_subscription(actor, step),
            44 => return (Actor::Server, self.admission(step)),
            45 if !room.waiting.is_empty() => return self.of_who_waits(actor, step),
            _ => self.of_the_room(step),
        };
        (actor, command)
    }

    /// An end of a subscription, or somebody else, says something to it or wants no more of it.
    fn of_a_subscription(&self, actor: Actor, Step { a, b, c, .. }: &Step) -> (Actor, Command) {
        let all: Vec<_> = self.house.room.subscriptions.values().collect();
        let Some(one) = (!all.is_empty()).then(|| *pick(&all, *a)) else {
            return (actor, Command::Unsubscribe { subscription_id: call::name("subscription-1") });
        };
        let subscription_id = one.subscription_id.clone();
        let actor = match b % 4 {
            0 => actor,
            1 => Actor::Peer(one.sender.clone()),
            _ => Actor::Peer(one.receiver.clone()),
        };
        let command = match c % 4 {
            0 => Command::Unsubscribe { subscription_id },
            1 => Command::Subscribe { peer_id: one.sender.clone(), tracks: TrackKinds::ALL },
            _ => Command::SignalSubscription { subscription_id, data: Default::default() },
        };
        (actor, command)
    }

    /// Somebody answers who waits, or he goes, or it is forgotten that he waits.
    fn of_who_waits(&self, actor: Actor, Step { a, b, c, .. }: &Step) -> (Actor, Command) {
        let all: Vec<_> = self.house.room.waiting.keys().cloned().collect();
        let waiting_id = pick(&all, *a).clone();
        let rules = self.house.room.peers.values().find(|peer| peer.sees_hidden());
        let answers = rules.filter(|_| b % 4 > 0).map_or(actor, |p| Actor::Peer(p.id().clone()));
        match b % 8 {
            6 => (Actor::Server, Command::StopWaiting { waiting_id }),
            7 if *c < 64 => (Actor::Server, Command::ForgetWaiting),
            _ => (answers, Command::AnswerWaiting { waiting_id, admit: c % 4 > 0 }),
        }
    }

    /// Somebody says who is let in, when, and with what.
    fn admission(&self, Step { a, b, c, .. }: &Step) -> Command {
        let soon = self.house.at.plus(30_000);
        let (soon, now) = (json!(soon), json!(self.house.at));
        let permissions: Value = serde_json::from_str(&patch(*b, *c)).unwrap();
        let patch = match a % 8 {
            1 | 2 => json!({ "permissions": permissions }),
            3 => {
                json!({ "permissions": null, "opensAt": null, "closesAt": null, "maxPeers": null })
            }
            4 => json!({ "private": b % 2 == 0, "knocking": c % 3 > 0 }),
            5 => json!({ "maxPeers": 1 + b % 7, "onePerUser": c % 2 == 0 }),
            6 => {
                json!({ "closesAt": if b % 2 == 0 { soon } else { now }, "ejectAtClose": c % 3 > 0 })
            }
            _ => json!({ "opensAt": if b % 4 == 0 { soon } else { now }, "closesAt": null }),
        };
        Command::SetAdmission { patch: Box::new(serde_json::from_value(patch).unwrap()) }
    }

    /// A member made, changed or removed.
    fn members(&self, Step { a, b, c, .. }: &Step) -> Command {
        let user_id = call::name(&format!("u{}", a % 6));
        let role = (b % 4 > 0).then(|| (b % 5 > 0).then(|| self.role(*b)));
        let custom = (c % 4 == 1).then(|| serde_json::from_str(&(b % 3).to_string()).unwrap());
        let patch = MemberPatch { role, custom };
        let (set, remove) = match c % 3 {
            0 => (BTreeMap::new(), BTreeSet::from([user_id])),
            _ => (BTreeMap::from([(user_id, patch)]), BTreeSet::new()),
        };
        Command::UpdateMembers { set, remove }
    }

    /// Something said of the room itself, or the end of it.
    fn of_the_room(&self, Step { a, b, c, .. }: &Step) -> Command {
        let settings = [
            r#"{"video":{"enabled":false}}"#,
            r#"{"video":{"enabled":true}}"#,
            r#"{"backstage":{"enabled":true}}"#,
            r#"{"backstage":{"enabled":false},"recording":{"mode":"disabled"}}"#,
            r#"{"transcription":{"mode":"disabled"}}"#,
        ];
        match a % 16 {
            0 => Command::Delete,
            1 => Command::Create(Box::default()),
            _ => Command::UpdateRoom {
                custom: (b % 3 == 0).then(|| serde_json::from_str(&b.to_string()).unwrap()),
                settings: (c % 2 == 0)
                    .then(|| serde_json::from_str(pick::<&str>(&settings, *b)).unwrap()),
                starts_at: (c % 3 == 0).then(|| (b % 2 == 0).then_some(self.house.at)),
            },
        }
    }

    fn answered(&self, actor: Actor, step: &Step) -> (Actor, Command) {
        let room = &self.house.room;
        let ids: Vec<_> = room.role_requests.values().collect();
        let fits = !step.a.is_multiple_of(8);
        if step.what % 46 == 14 || ids.is_empty() {
            let ids: Vec<_> = room.permission_requests.keys().cloned().collect();
            let request_id = if ids.is_empty() {
                call::name("permission-1")
            } else {
                pick(&ids, step.b).clone()
            };
            let grant = !step.c.is_multiple_of(3);
            let rules = room.peers.values().find(|peer| peer.sees_hidden());
            let actor = rules.filter(|_| fits).map_or(actor, |p| Actor::Peer(p.id().clone()));
            return (actor, Command::AnswerPermissionRequest { request_id, grant, reason: None });
        }
        let request = *pick(&ids, step.b);
        let request_id = request.request_id.clone();
        let target = if fits { Actor::Peer(request.peer_id.clone()) } else { actor.clone() };
        match step.what % 46 {
            12 => (target, Command::RejectRole { request_id, reason: None }),
            13 => (actor, Command::CancelRole { request_id }),
            _ => (target, Command::AcceptRole { request_id }),
        }
    }

    fn take(&mut self, actor: Actor, command: Command) {
        let before = self.house.room.clone();
        let said = match &command {
            Command::AdoptCallType { call_type } => format!("adoptCallType {}", call_type.name),
            Command::Tick => format!("Tick at {}", self.house.at),
            other => format!("{other:?}"),
        };
        self.taken.push(format!("{actor:?} {said}"));
        let taken = self.house.take(actor.clone(), command.clone());
        let Ok(taken) = taken else {
            assert_eq!(before, self.house.room, "refused means nothing changed");
            return;
        };
        nobody_gains_what_nobody_held(&before, &self.house.room, &actor, &command, &self.asked);
        if let (Reply::RoleRequested { request_id, .. }, Actor::Peer(asker)) =
            (&taken.reply, &actor)
        {
            self.asked.insert(request_id.clone(), latent(&before, &before.peers[asker]));
        }
        if let Reply::Explained(explanation) = &taken.reply {
            let allowed =
                explanation.because.iter().fold(false, |held, because| match because.rule {
                    Rule::RoleGrants
                    | Rule::CreatorGrants
                    | Rule::DefaultGrants
                    | Rule::OverrideGrants => true,
                    Rule::RoleLacks | Rule::OtherTeam => held,
                    Rule::DefaultRevokes
                    | Rule::OverrideRevokes
                    | Rule::SettingOff
                    | Rule::Hidden
                    | Rule::Blocked => false,
                });
            assert_eq!(allowed, explanation.allowed, "{command:?} {explanation:?}");
        }
    }
}

/// "Nobody grants an administrative capability that he lacks himself": whatever a peer may newly
/// do (or could as soon as the settings are switched on) the doer held at that moment; the server
/// may all, and whose request is accepted did it, with what he held when he asked if he has left.
fn nobody_gains_what_nobody_held(
    was: &Room,
    is: &Room,
    actor: &Actor,
    command: &Command,
    asked: &BTreeMap<RequestId, Capabilities>,
) {
    let held_by = |id: &PeerId| was.peers.get(id).map(|peer| latent(was, peer));
    let held = match (actor, command) {
        (Actor::Server, _) => Capabilities::ALL,
        (Actor::Timer | Actor::Newcomer, _) => Capabilities::NONE,
        (Actor::User(caller), _) if was.blocked.contains(&caller.user_id) => Capabilities::NONE,
        (Actor::User(caller), _) => {
            let here = was.peers.values().filter(|peer| peer.who.user_id == caller.user_id);
            let here = here.map(|peer| latent(was, peer)).reduce(Capabilities::union);
            here.unwrap_or_else(|| latent(was, &was.absent(caller)))
        }
        (Actor::Peer(_), Command::AcceptRole { request_id }) => {
            match &was.role_requests[request_id].by.peer_id {
                None => Capabilities::ALL,
                Some(asker) => held_by(asker).unwrap_or_else(|| asked[request_id]),
            }
        }
        (Actor::Peer(doer), _) => held_by(doer).unwrap_or_default(),
    };
    for peer in is.peers.values() {
        let Some(before) = was.peers.get(peer.id()) else { continue };
        let newly = latent(is, peer).difference(latent(was, before));
        // Nor is anything given that the room's defaults strip as long as they stand.
        let then = undefaulted(is, peer).difference(undefaulted(was, before));
        let newly = newly.union(then);
        let lacked = newly.intersection(Capabilities::ADMINISTRATIVE).difference(held);
        assert!(lacked.is_empty(), "{actor:?} {command:?} gave {} {lacked:?}", peer.id());
    }
}

/// What a peer may do as soon as the room has no defaults any more, and the settings are on.
fn undefaulted(room: &Room, peer: &Peer) -> Capabilities {
    latent(&Room { admission: Admission::default(), ..room.clone() }, peer)
}

/// At least one.
fn some(kinds: TrackKinds) -> TrackKinds {
    if kinds.is_empty() { TrackKinds::of(&[TrackKind::Audio]) } else { kinds }
}

fn wanted(by: u8) -> BTreeSet<Wanted> {
    let all = [Wanted::Presence, Wanted::Screenshare, Wanted::SendAudio, Wanted::SendVideo];
    all.into_iter().enumerate().filter(|(i, _)| by & (1 << i) != 0).map(|(_, w)| w).collect()
}

fn patch(a: u8, b: u8) -> String {
    let presence = *pick(&["", "", "true", "false", "null"], a);
    let send = ["", "", "true", "false", "null", r#"["audio"]"#, r#"["video","customAudio"]"#];
    let send = *pick(&send, a / 5);
    let admin = [
        "",
        "",
        "true",
        "false",
        "null",
        "[]",
        r#"["participants"]"#,
        r#"["streaming"]"#,
        r#"["transcription","streaming"]"#,
    ];
    let admin = *pick(&admin, b);
    let receive = [
        "",
        "",
        "null",
        r#"{"base":false}"#,
        r#"{"base":null,"byUserId":{"u1":true}}"#,
        r#"{"byParticipantId":{"p1":{"audio":false}}}"#,
        r#"{"base":true}"#,
    ];
    let receive = *pick(&receive, b / 9);
    let fields = [
        ("hasPresence", presence),
        ("canSend", send),
        ("canAdmin", admin),
        ("canReceive", receive),
    ];
    let given = fields.iter().filter(|(_, value)| !value.is_empty());
    let given: Vec<_> = given.map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", given.join(","))
}

#[test]
fn walks_start_from_every_built_in_type_but_the_open_one() {
    let named: BTreeSet<_> = TYPES.iter().map(|t| t.split(' ').next().unwrap()).collect();
    let missing = builtin::all().into_keys().filter(|name| !named.contains(name.as_str()));
    assert_eq!(missing.map(|n| n.to_string()).collect::<Vec<_>>(), ["development"]);
}
