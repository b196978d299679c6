//! A room on a table: calls as text in, frames for each peer out, as a server would relay them, with
//! fixed ids and a clock that only the script moves. It must not know what is expected.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::builtin,
    dialect::{
        Ear, hms,
        native::{self, Asked, call},
        stream::sfu::{self, Face, Faces},
    },
    id::{CallTypeName, Cid, PeerId, RoleName, Timestamp, UserId},
    json::Metadata,
    permissions::{Overrides, PermissionsPatch},
    room::{
        self, Actor, Command, Event, Notice, Reply, Room,
        command::Joining,
        notice::{commit, participant_json, relayed, visible_requests},
        people::Newcomer,
        state::RoomView,
        subscription::{MESH_MAX, visible_subscriptions},
    },
    team::{Reach, Standing},
    wire::{
        code::ErrorBody,
        frame::{self, CallId},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// 2026-01-01T00:00:00.000Z
const START: Timestamp = Timestamp(1_767_225_600_000);
const GRACE_MS: u64 = 30_000;
const GRACE_S: u64 = GRACE_MS / 1000;
const STEP_MS: u64 = 1000;

/// What a token says of somebody.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Claims {
    pub(crate) owner: bool,
    pub(crate) anonymous: bool,
    /// It names the room.
    pub(crate) invited: bool,
    /// Beside `room`: in place of the standing roles.
    pub(crate) role: Option<RoleName>,
    pub(crate) permissions: PermissionsPatch,
}

pub(crate) struct Stage {
    pub(crate) room: Room,
    pub(crate) people: BTreeMap<String, Claims>,
    /// Every frame each of them was sent.
    pub(crate) told: BTreeMap<String, Vec<Value>>,
    /// What each would be told had he come with another's SDK, by whose.
    pub(crate) heard: BTreeMap<&'static str, BTreeMap<String, Vec<Value>>>,
    ears: BTreeMap<String, [(&'static str, Ear); 2]>,
    missed: BTreeMap<String, Vec<Value>>,
    at: Timestamp,
}

pub(crate) fn peer_id(name: &str) -> PeerId {
    PeerId::parse(&format!("p-{name}")).unwrap()
}

/// Notes what somebody heard.
fn note(
    heard: &mut BTreeMap<&'static str, BTreeMap<String, Vec<Value>>>,
    dialect: &'static str,
    name: &str,
    frames: Vec<String>,
) {
    let heard = heard.entry(dialect).or_default().entry(name.to_owned()).or_default();
    heard.extend(frames.iter().map(|text| value(text)));
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

impl Stage {
    pub(crate) fn new(cid: &str, people: BTreeMap<String, Claims>) -> Self {
        let cid = Cid::parse(cid, &CallTypeName::parse("default").unwrap()).unwrap();
        let call_type = builtin::all()[cid.call_type()].clone();
        let room = Room::vacant(cid, call_type);
        let (told, heard, ears, missed) = Default::default();
        Self { room, people, told, heard, ears, missed, at: START }
    }

    /// One frame of somebody's; a second passes.
    pub(crate) fn call(&mut self, name: &str, text: &str) {
        self.at = self.at.plus(STEP_MS);
        let read = frame::read_call(text);
        let outcome = match &read {
            Ok(call) => self.answer(name, call),
            Err(malformed) => Err(malformed.error.clone()),
        };
        let id =
            read.as_ref().map_or_else(|malformed| malformed.id.as_ref(), |call| Some(&call.id));
        let reply = match outcome {
            Ok(text) => text,
            Err(error) => frame::error(id, &error),
        };
        self.told.entry(name.to_owned()).or_default().push(value(&reply));
    }

    /// The server side does something; a second passes.
    pub(crate) fn server(&mut self, method: &str, params: &Value) -> Reply {
        self.at = self.at.plus(STEP_MS);
        let command = call::read_command(method, &params.to_string()).unwrap();
        self.command(Actor::Server, command).unwrap()
    }

    /// Somebody's socket is lost; a second passes.
    pub(crate) fn lose(&mut self, name: &str) {
        self.at = self.at.plus(STEP_MS);
        let until = self.at.plus(GRACE_MS);
        self.missed.insert(name.to_owned(), Vec::new());
        self.command(Actor::Peer(peer_id(name)), Command::Drop { until }).unwrap();
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.at = self.at.plus(millis);
        self.command(Actor::Timer, Command::Tick).unwrap();
    }

    /// What a server would report to somebody now; `null` for whoever is not in.
    pub(crate) fn seen_by(&self, name: &str) -> Value {
        let Some(peer) = self.room.peers.get(&peer_id(name)) else { return Value::Null };
        let participants: Vec<_> = self.room.peers.values().filter(|p| peer.sees(p)).collect();
        json!({
            "room": RoomView(&self.room),
            "participants": participants,
            "sessionData": self.room.session_data,
            "counts": self.room.counts(),
            "requests": visible_requests(&self.room, peer),
            "subscriptions": visible_subscriptions(&self.room, peer),
        })
    }

    fn answer(&mut self, name: &str, call: &frame::Call<'_>) -> Result<String, ErrorBody> {
        let request = call::read(&call.method, call.params)?;
        let own = peer_id(name);
        if !self.room.peers.contains_key(&own)
            && !matches!(
                request,
                call::Request::Join(_)
                    | call::Request::Knock(_)
                    | call::Request::Access(_)
                    | call::Request::Resume(_)
            )
        {
            return Err(ErrorBody::not_joined());
        }
        Ok(match request {
            call::Request::Join(join) => {
                let joining = self.joining(name, join.name, join.metadata, join.create);
                self.command(Actor::Newcomer, Command::Join(joining)).map_err(body)?;
                self.lend_ear(name);
                self.joined(&call.id, name, Asked::Plainly)
            }
            call::Request::Access(access) => {
                let joining = self.joining(name, None, Metadata::null(), access.create);
                let access = Command::Access { joining };
                let reply = self.command(Actor::Newcomer, access).map_err(body)?;
                frame::reply(&call.id, &reply)
            }
            call::Request::Knock(knock) => {
                let joining = self.joining(name, knock.name, Metadata::null(), false);
                let knock = Command::Knock { joining, waiting_max: 100 };
                let reply = self.command(Actor::Newcomer, knock).map_err(body)?;
                frame::reply(&call.id, &reply)
            }
            call::Request::Resume(resume) => {
                // The return itself is told behind what was missed.
                self.command(Actor::Peer(own.clone()), Command::Return).map_err(body)?;
                let missed = self.missed.remove(name).unwrap_or_default();
                if *self.room.epoch != *resume.epoch {
                    return Ok(self.joined(&call.id, name, Asked::ByResume));
                }
                let new =
                    missed.into_iter().filter(|n| n["params"]["seq"].as_u64() > Some(resume.seq));
                self.told.entry(name.to_owned()).or_default().extend(new);
                native::resumed(&call.id, &own, self.room.seq)
            }
            call::Request::Ping => frame::reply(&call.id, &json!({ "at": self.at })),
            call::Request::State => self.joined(&call.id, name, Asked::Plainly),
            call::Request::Media => frame::reply(&call.id, &media()),
            call::Request::RefreshToken(_) => frame::reply(&call.id, &json!({})),
            call::Request::Command(command) => {
                let reply = self.command(Actor::Peer(own), command).map_err(body)?;
                frame::reply(&call.id, &reply)
            }
        })
    }

    fn joining(
        &self,
        name: &str,
        shown: Option<Arc<str>>,
        metadata: Metadata,
        create: bool,
    ) -> Box<Joining> {
        let claims = &self.people[name];
        Box::new(Joining {
            newcomer: self.newcomer(name, shown, metadata),
            standing: Standing {
                app_role: newcomer_role(claims),
                reach: Reach::Everywhere,
                banned: false,
                name: None,
            },
            permissions: Some(Box::new(claims.permissions.clone())),
            invited: claims.invited,
            create,
            opens: false,
            epoch: "epoch-1".into(),
            peers_max: 100,
        })
    }

    fn newcomer(&self, name: &str, shown: Option<Arc<str>>, metadata: Metadata) -> Newcomer {
        let claims = self.people[name].clone();
        let peer_id = peer_id(name);
        let user_id = if claims.anonymous { peer_id.as_str() } else { name };
        let app_role = newcomer_role(&claims);
        Newcomer {
            user_id: UserId::parse(user_id).unwrap(),
            name: shown.unwrap_or_else(|| if claims.anonymous { "" } else { name }.into()),
            metadata,
            owner: claims.owner,
            app_role,
            token_role: None,
            assigned: claims.role,
            overrides: Overrides::default(),
            session: "".into(),
            exp: None,
            foreign: false,
            peer_id,
        }
    }

    fn joined(&self, id: &CallId, name: &str, asked: Asked) -> String {
        let peer = &self.room.peers[&peer_id(name)];
        let seen = self.room.peers.values().filter(|p| peer.sees(p)).map(participant_json);
        let seen = seen.map(|json| json.to_string()).collect::<Vec<_>>().join(",");
        let roles = serde_json::to_string(&self.room.call_type.role_views()).unwrap();
        let session = format!("session-of-{name}");
        let begin = native::joined_begin(id, &self.room, peer, &session, &roles, asked);
        format!("{begin}{seen}{}", native::JOINED_END)
    }

    fn command(&mut self, actor: Actor, command: Command) -> Result<Reply, room::Refusal> {
        let decision = room::turn(&self.room, actor, command, self.at)?;
        for event in &decision.events {
            let before = self.room.clone();
            let notices = commit(&mut self.room, event, self.at);
            let hearers = if matches!(event, Event::RoomClosed { .. } | Event::RoomEnded { .. }) {
                before
            } else {
                self.room.clone()
            };
            for notice in &notices {
                self.tell(&hearers, notice);
            }
            self.tell_waiting(event, &hearers);
        }
        if let Some(relay) = &decision.relay {
            for notice in relayed(&self.room, relay, self.at) {
                self.tell(&self.room.clone(), &notice);
            }
        }
        assert_eq!(self.room.broken_invariants(), Vec::<String>::new());
        Ok(decision.reply)
    }

    /// From now on it is noted, too, what he would hear of 100ms's words, and of Stream's.
    fn lend_ear(&mut self, name: &str) {
        let id = peer_id(name);
        let policy = hms::policy(&self.room, &self.room.peers[&id]);
        let faces = Faces(Arc::new(|user| Face {
            image: format!("https://example.com/{user}.png").into(),
            ..Face::default()
        }));
        let mut ears = [
            ("hms", Ear::Hms(hms::Ear::new(id.clone()))),
            ("sfu", Ear::Stream(sfu::Ear::new(id, faces, GRACE_S))),
        ];
        note(&mut self.heard, "hms", name, vec![policy]);
        for (dialect, ear) in &mut ears {
            note(&mut self.heard, dialect, name, ear.arrive(&self.room, false));
        }
        self.ears.insert(name.to_owned(), ears);
    }

    /// Who waits is told the answer, as a session of his would.
    fn tell_waiting(&mut self, event: &Event, before: &Room) {
        let answered: Vec<PeerId> = match event {
            Event::WaitingAnswered { waiting_id, .. } => vec![waiting_id.clone()],
            Event::RoomClosed { .. } | Event::RoomEnded { .. } => {
                before.waiting.keys().cloned().collect()
            }
            _ => return,
        };
        for waiting_id in answered {
            let until = self.room.waiting.get(&waiting_id).and_then(|one| one.admitted_until);
            let name = waiting_id.as_str().strip_prefix("p-").unwrap().to_owned();
            let text = value(&native::waiting_answered(&waiting_id, until));
            self.told.entry(name).or_default().push(text);
        }
    }

    fn tell(&mut self, hearers: &Room, notice: &Notice) {
        let text = value(&native::notice(notice));
        for name in self.people.keys() {
            let Some(peer) = hearers.peers.get(&peer_id(name)) else { continue };
            if !notice.audience.reaches(peer) {
                continue;
            }
            for (dialect, ear) in self.ears.get_mut(name).into_iter().flatten() {
                note(&mut self.heard, dialect, name, ear.hear(&self.room, notice));
            }
            match self.missed.get_mut(name) {
                None => self.told.entry(name.clone()).or_default().push(text.clone()),
                Some(missed) if notice.seq.is_some() => missed.push(text.clone()),
                Some(_) => {}
            }
        }
    }
}

/// What a server says that knows a STUN and a TURN server.
fn media() -> Value {
    json!({ "meshMax": MESH_MAX, "iceServers": [
        { "urls": ["stun:stun.example.com:3478"] },
        { "urls": ["turns:turn.example.com:5349"], "username": "1767312000:p-bo", "credential": "c2VjcmV0" },
    ] })
}

fn newcomer_role(claims: &Claims) -> RoleName {
    RoleName::parse(if claims.anonymous { "anonymous" } else { "user" }).unwrap()
}

fn body(refusal: room::Refusal) -> ErrorBody {
    ErrorBody::from(&refusal)
}
