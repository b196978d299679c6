//! A room whose people hear in 100ms's words and are watched in Stream's, and the roles and overrides
//! that the tests go through: those that are built in, and odd ones. It must not know what is right.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use rolecall_protocol::{
    call_type::{CallType, builtin, definition::Definition},
    dialect::{
        hms::{
            self,
            call::{self, Frame, Request},
        },
        stream::{
            ear::{self, Before, Heard},
            glimpse::words,
        },
    },
    id::{Cid, PeerId, RoleName, Timestamp},
    json::Metadata,
    media::TrackKind,
    permissions::{Overrides, PermissionsPatch},
    room::{
        Actor, Command, Event, Notice, Peer, Refusal, Room,
        command::{Creation, Whom},
        commit,
        notice::relayed,
        people::Newcomer,
        rights_of, turn,
    },
    team::{Caller, Reach},
};
use serde_json::{Value, json};

const MORNING: Timestamp = Timestamp(1_767_225_600_000);

/// A room, and all that was said of it.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) room: Room,
    /// What each has been told in 100ms's words, once he was in.
    pub(crate) frames: BTreeMap<PeerId, Vec<String>>,
    /// What who watches has been told in Stream's.
    pub(crate) heard: Vec<Heard>,
    ears: BTreeMap<PeerId, hms::Ear>,
}

pub(crate) fn name<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub(crate) fn patch(text: &str) -> PermissionsPatch {
    serde_json::from_str(text).unwrap()
}

/// A call type written like that, upon none of the built-in ones.
pub(crate) fn written(definition: &Value) -> CallType {
    let definition: Definition = serde_json::from_value(definition.clone()).unwrap();
    definition.build(&name("odd"), &BTreeMap::new()).unwrap()
}

/// Roles that hold parts of what the tongues have one word for.
pub(crate) fn odd() -> Arc<CallType> {
    Arc::new(written(&json!({ "default_role": "half", "roles": {
        "half": { "canSend": ["audio", "screenVideo"], "capabilities": ["mute-users"] },
        "sound": { "canSend": ["screenAudio", "customVideo"], "capabilities": ["kick-user", "start-broadcast-call"] },
        "starter": { "canSend": true, "capabilities": ["start-record-call", "start-transcription-call", "remove-call-member"] },
        "unseen": { "hasPresence": false, "canSend": ["video"], "canAdmin": ["participants"] },
        "picky": { "canReceive": { "base": {
            "audio": true, "video": false, "screenVideo": true, "screenAudio": true, "customVideo": { "*": true }, "customAudio": { "*": true },
        } } },
        "deaf-to-halves": { "canReceive": { "base": true, "byRole": { "half": false } } },
        "avoider": { "canReceive": { "base": true, "byUserId": { "bo": false } } },
        "fan": { "canReceive": { "base": false, "byUserId": { "bo": true } }, "canAdmin": ["streaming"] },
        "few": { "maxPeerCount": 1, "canSend": ["audio", "customAudio"] },
        "hundred": { "publishParams": { "allowed": ["audio"] }, "subscribeParams": { "subscribeToRoles": ["half"] },
            "permissions": { "mute": true, "transcriptions": true, "whiteboard": ["admin"], "sendRoomState": true, "pollRead": true, "own": true } },
        "mute-hundred": { "permissions": { "join-call": false, "send-event": false, "changeRole": true, "create-call": false } },
    }, "grants": { "writer": ["send-event", "read-call", "update-call-member-role"], "nobody": [] } })))
}

/// All call types that the tests go through.
pub(crate) fn types() -> Vec<Arc<CallType>> {
    builtin::all().into_values().chain([odd()]).collect()
}

/// What may be said of somebody beside his role.
pub(crate) const OVERRIDES: [&str; 12] = [
    "{}",
    r#"{"hasPresence":false}"#,
    r#"{"hasPresence":true}"#,
    r#"{"canSend":true}"#,
    r#"{"canSend":[]}"#,
    r#"{"canSend":["screenAudio","customAudio","video"]}"#,
    r#"{"canAdmin":true}"#,
    r#"{"canAdmin":["streaming"]}"#,
    r#"{"canAdmin":false}"#,
    r#"{"canReceive":{"base":false,"byUserId":{"bo":{"video":true}}}}"#,
    r#"{"canReceive":{"base":true,"byParticipantId":{"p-bo":false}}}"#,
    r#"{"canReceive":{"byUserId":{"bo":{"audio":false}}}}"#,
];

/// Each role of each call type with each of these overrides, held by Ann.
pub(crate) fn each_ann(mut check: impl FnMut(&House, &Peer)) {
    for call_type in types() {
        let empty = House::of(&call_type);
        for role in call_type.roles.keys() {
            for overrides in OVERRIDES {
                let mut house = empty.clone();
                house.seat("ann", role.as_str(), overrides);
                check(&house, house.peer("ann"));
            }
        }
    }
}

impl House {
    /// A room of that type which the server made, live.
    pub(crate) fn of(call_type: &Arc<CallType>) -> Self {
        let cid = Cid::new(&call_type.name, "house").unwrap();
        let room = Room::vacant(cid, Arc::clone(call_type));
        let (frames, heard, ears) = Default::default();
        let mut house = Self { room, frames, heard, ears };
        let creation = Creation { epoch: "epoch-1".into(), ..Creation::default() };
        house.take(Actor::Server, Command::Create(Box::new(creation))).unwrap();
        let live = Command::SetBackstage { backstage: false };
        house.take(Actor::Server, live).unwrap();
        house.heard.clear();
        house
    }

    /// The same of a built-in type.
    pub(crate) fn built_in(call_type: &str) -> Self {
        Self::of(&builtin::all()[call_type])
    }

    /// Somebody of that role is in, with that said of him.
    pub(crate) fn seat(&mut self, user: &str, role: &str, overrides: &str) {
        self.seat_as(user, Some(role), false, overrides);
    }

    /// The same of an owner.
    pub(crate) fn seat_owner(&mut self, user: &str) {
        self.seat_as(user, Some("host"), true, "{}");
    }

    pub(crate) fn seat_as(&mut self, user: &str, role: Option<&str>, owner: bool, overrides: &str) {
        let mut who = Newcomer {
            peer_id: peer_id(user),
            user_id: name(user),
            name: user.into(),
            metadata: Metadata::null(),
            owner,
            app_role: name("user"),
            token_role: None,
            assigned: role.map(name),
            overrides: Overrides::default(),
            session: "".into(),
            exp: None,
            foreign: false,
        };
        let held = self.room.held_by_default(&who).capabilities;
        who.overrides = who.overrides.patched(&patch(overrides), held);
        self.commit(&Event::PeerJoined { newcomer: Box::new(who) });
        let id = peer_id(user);
        let mut ear = hms::Ear::new(id.clone());
        self.frames.insert(id.clone(), ear.arrive(&self.room, false));
        self.ears.insert(id, ear);
    }

    pub(crate) fn take(&mut self, actor: Actor, command: Command) -> Result<(), Refusal> {
        let decision = turn(&self.room, actor, command, MORNING)?;
        for event in &decision.events {
            self.commit(event);
        }
        if let Some(relay) = &decision.relay {
            self.heard.extend(ear::relayed(&self.room, relay, MORNING));
            for notice in relayed(&self.room, relay, MORNING) {
                self.tell(&notice);
            }
        }
        assert_eq!(self.room.broken_invariants(), [""; 0]);
        Ok(())
    }

    fn commit(&mut self, event: &Event) {
        let before = Before::of(&self.room, event);
        let notices = commit(&mut self.room, event, MORNING);
        self.heard.extend(ear::heard(&before, &self.room, event, MORNING));
        for notice in &notices {
            self.tell(notice);
        }
    }

    fn tell(&mut self, notice: &Notice) {
        for (id, ear) in &mut self.ears {
            let Some(peer) = self.room.peers.get(id) else { continue };
            if notice.audience.reaches(peer) {
                self.frames.entry(id.clone()).or_default().extend(ear.hear(&self.room, notice));
            }
        }
    }

    /// What somebody's client of 100ms's asks.
    pub(crate) fn hms(&mut self, user: &str, method: &str, params: &Value) -> Result<(), Refusal> {
        let text = json!({ "jsonrpc": "2.0", "id": "1", "method": method, "params": params });
        let Ok(Frame::Request { request, .. }) = call::read(&text.to_string()) else { panic!() };
        match request.unwrap() {
            Request::Command(command) => self.take(Actor::Peer(peer_id(user)), command),
            other => panic!("{other:?} is no command"),
        }
    }

    /// What Daily's facade asks with somebody's `updateParticipant`.
    pub(crate) fn daily(&mut self, user: &str, whom: &str, update: &str) -> Result<(), Refusal> {
        let patch = Box::new(patch(update));
        let update = Command::UpdatePermissions { peer_id: peer_id(whom), patch };
        self.take(Actor::Peer(peer_id(user)), update)
    }

    pub(crate) fn peer(&self, user: &str) -> &Peer {
        &self.room.peers[&peer_id(user)]
    }

    /// The roles as that user's client of 100ms's knows them.
    pub(crate) fn roles_known(&self, user: &str) -> Value {
        hms::words::known_roles(&self.room, self.peer(user))
    }

    /// One of them.
    pub(crate) fn role_known(&self, user: &str, role: &str) -> Value {
        self.roles_known(user)[role].clone()
    }

    /// `own_capabilities` of that user, who may be in or not.
    pub(crate) fn own_capabilities(&self, user: &str) -> Vec<&'static str> {
        words(rights_of(&self.room, &caller(user)).all_capabilities())
    }

    /// What was told since then, in 100ms's words to him and in Stream's, as text.
    pub(crate) fn since(&self, user: &str, earlier: &Self) -> String {
        let id = peer_id(user);
        let frames = &self.frames[&id][earlier.frames[&id].len()..];
        format!("{frames:?} {:?}", &self.heard[earlier.heard.len()..])
    }

    /// Somebody mutes all that somebody else sends.
    pub(crate) fn mute_all(&self, whom: &str) -> Command {
        let tracks = TrackKind::ALL.into_iter().collect();
        Command::Mute { whom: Whom::Peer(self.peer(whom).id().clone()), tracks }
    }
}

pub(crate) fn peer_id(user: &str) -> PeerId {
    name(&format!("p-{user}"))
}

/// A user over REST.
pub(crate) fn caller(user: &str) -> Caller {
    Caller {
        user_id: name(user),
        name: user.into(),
        app_role: name("user"),
        token_role: None,
        reach: Reach::Everywhere,
    }
}

pub(crate) fn over_rest(user: &str) -> Actor {
    Actor::User(Box::new(caller(user)))
}

/// A role read out in 100ms's words and written into a call type beside others of these names.
pub(crate) fn written_back(shown: &Value, others: impl Iterator<Item = RoleName>) -> CallType {
    let blank = others.map(|role| (role.to_string(), json!({})));
    let mut roles: serde_json::Map<String, Value> = blank.collect();
    let own = shown["name"].as_str().unwrap().to_owned();
    roles.insert(own, shown.clone());
    written(&json!({ "roles": roles }))
}
