//! What one participant of Stream's hears: notices in, frames out. What the SDK hears by its other
//! connection (members, rights, messages) is not told here. It must not know sockets.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::{Map, Value, json};

use super::words;
use crate::{
    capability::Capability,
    id::{PeerId, UserId},
    media::{TrackKind, TrackKinds},
    room::{Body, Notice, Peer, Room, event::LeftReason, people::Doer},
};

/// What the room does not know of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Face {
    /// The address of his picture; empty: none.
    pub image: Arc<str>,
    /// The customer's own data.
    pub custom: Map<String, Value>,
}

/// Whoever knows faces.
#[derive(Clone)]
pub struct Faces(pub Arc<dyn Fn(&UserId) -> Face + Send + Sync>);

impl fmt::Debug for Faces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faces")
    }
}

/// One participant's ear.
#[derive(Clone, Debug)]
pub struct Ear {
    /// His peer.
    me: PeerId,
    /// The id that his SDK has for its own session. It takes another where it comes back after long,
    /// and knows itself by no other.
    called: PeerId,
    /// Of whom he was told. Who has no token is only counted.
    told: BTreeMap<PeerId, Told>,
    faces: Faces,
    /// How long his seat is kept, in seconds.
    grace_s: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    named: bool,
    shown: TrackKinds,
}

/// One event.
fn frame(name: &str, payload: &Value) -> String {
    json!({ name: payload }).to_string()
}

/// Whether he came without a token, under his peer's id.
fn is_stranger(peer: &Peer) -> bool {
    peer.who.user_id.as_str() == peer.id().as_str()
}

/// Those of a peer's tracks that are on and that `me` may receive; of his own, all.
fn shown(peer: &Peer, me: Option<&Peer>) -> TrackKinds {
    let on = peer.on.intersection(peer.sendable()).intersection(words::WORDED);
    match me {
        Some(me) if me.id() != peer.id() => on.intersection(me.receivable(peer)),
        _ => on,
    }
}

impl Ear {
    /// The ear of somebody whose SDK calls its session so.
    #[must_use]
    pub fn new(called: PeerId, faces: Faces, grace_s: u64) -> Self {
        Self { me: called.clone(), called, told: BTreeMap::new(), faces, grace_s }
    }

    /// Whether he is meant by that id.
    #[must_use]
    pub fn is_called(&self, id: &PeerId) -> bool {
        self.called == *id
    }

    /// He has that peer's seat.
    pub fn sit(&mut self, peer: &PeerId) {
        self.me = peer.clone();
    }

    /// The answer to his coming in: everybody whom he may see.
    pub fn arrive(&mut self, room: &Room, again: bool) -> Vec<String> {
        let Some(me) = room.peers.get(&self.me) else { return Vec::new() };
        let seen: Vec<&Peer> = room.peers.values().filter(|peer| me.sees(peer)).collect();
        self.told = seen.iter().map(|peer| (peer.id().clone(), self.told_of(peer, me))).collect();
        let named = seen.into_iter().filter(|peer| self.is_named(peer));
        let participants: Vec<Value> = named.map(|peer| self.participant(peer)).collect();
        let started = room.session.as_ref().map(|session| words::moment(session.started_at));
        let call_state = json!({
            "participants": participants,
            "participantCount": self.count(),
            "pins": self.pins(room),
            "startedAt": started,
        });
        let joined = json!({
            "callState": call_state,
            "reconnected": again,
            "fastReconnectDeadlineSeconds": self.grace_s,
            "publishOptions": words::publish_options(),
        });
        vec![frame("joinResponse", &joined)]
    }

    /// What he is told as he is put out.
    #[must_use]
    pub fn farewell(&self, reason: LeftReason) -> Option<String> {
        (reason == LeftReason::Removed).then(|| ended("KICKED"))
    }

    /// What a notice that is for him says.
    pub fn hear(&mut self, room: &Room, notice: &Notice) -> Vec<String> {
        match &notice.body {
            // Behind a list that has him already there is nothing to tell.
            Body::ParticipantJoined { participant }
                if !self.told.contains_key(participant.id()) =>
            {
                self.joined(room, participant)
            }
            Body::ParticipantUpdated { participant, changed, by } => {
                self.updated(room, participant, changed, by)
            }
            Body::ParticipantLeft { peer_id, user_id, .. } if *peer_id != self.me => {
                let Some(told) = self.told.remove(peer_id) else { return Vec::new() };
                let left = json!({
                    "callCid": room.cid,
                    "participant": { "userId": user_id, "sessionId": peer_id },
                });
                let left = told.named.then(|| frame("participantLeft", &left));
                left.into_iter().chain([self.counted()]).collect()
            }
            Body::RoomUpdated { changed, .. } => {
                let mut frames = Vec::new();
                if changed.contains(&"pins") {
                    frames.push(frame("pinsUpdated", &json!({ "pins": self.pins(room) })));
                }
                // Who may not go behind the stage goes by himself.
                if changed.contains(&"backstage") && room.backstage {
                    frames.push(ended("LIVE_ENDED"));
                }
                frames
            }
            Body::RoomEnded { .. } => {
                let for_good = room.ended.is_some() || room.created_at.is_none();
                vec![ended(if for_good { "ENDED" } else { "SESSION_ENDED" })]
            }
            // What the SDK hears by its other connection, or has no words for (docs/VOCABULARY.md).
            _ => Vec::new(),
        }
    }

    fn joined(&mut self, room: &Room, peer: &Peer) -> Vec<String> {
        let Some(me) = room.peers.get(&self.me) else { return Vec::new() };
        let told = self.told_of(peer, me);
        self.told.insert(peer.id().clone(), told);
        if !told.named {
            return vec![self.counted()];
        }
        let joined = json!({
            "callCid": room.cid,
            "participant": self.participant(peer),
            "isPinned": room.pins.iter().any(|pin| pin.peer_id == *peer.id()),
        });
        vec![frame("participantJoined", &joined), self.counted()]
    }

    fn updated(&mut self, room: &Room, peer: &Peer, changed: &[&str], by: &Doer) -> Vec<String> {
        let Some(me) = room.peers.get(&self.me) else { return Vec::new() };
        let any = |of: &[&str]| changed.iter().any(|field| of.contains(field));
        let mut frames = Vec::new();
        let was = self.told.get(peer.id()).map_or(TrackKinds::NONE, |told| told.shown);
        let is = self.told_of(peer, me);
        self.told.insert(peer.id().clone(), is);
        if is.named {
            if any(&["role", "name"]) {
                let updated = json!({ "callCid": room.cid, "participant": self.participant(peer) });
                frames.push(frame("participantUpdated", &updated));
            }
            frames.extend(self.turned(peer, was, is.shown, by));
        }
        if *peer.id() != self.me || !any(&["role", "permissions", "capabilities"]) {
            return frames;
        }
        let sends = |capability| me.sendable().capabilities().contains(capability);
        let grants = json!({
            "currentGrants": {
                "canPublishAudio": sends(Capability::SendAudio),
                "canPublishVideo": sends(Capability::SendVideo),
                "canScreenshare": sends(Capability::Screenshare),
            },
        });
        frames.push(frame("callGrantsUpdated", &grants));
        // What he may receive of the others may be another.
        for other in room.peers.values().filter(|other| *other.id() != self.me) {
            let Some(told) = self.told.get_mut(other.id()) else { continue };
            let was = std::mem::replace(&mut told.shown, shown(other, Some(me)));
            let (named, is) = (told.named, told.shown);
            if named {
                frames.extend(self.turned(other, was, is, &Doer::Nobody));
            }
        }
        frames
    }

    /// Tracks of somebody's that are there now, and those that are not any more.
    fn turned(&self, peer: &Peer, was: TrackKinds, is: TrackKinds, by: &Doer) -> Vec<String> {
        let track = |kind: TrackKind| {
            Map::from_iter([
                ("userId".to_owned(), json!(peer.who.user_id)),
                ("sessionId".to_owned(), json!(self.session_of(peer.id()))),
                ("type".to_owned(), json!(words::word(kind))),
            ])
        };
        let cause = |kind: TrackKind| match by {
            _ if !peer.sendable().contains(kind) => "PERMISSION_REVOKED",
            Doer::Peer(by) if by == peer.id() => "USER_MUTED",
            // The track is on as before; it is the hearer who receives it no more.
            _ if peer.on.contains(kind) => "UNSPECIFIED",
            _ => "MODERATION",
        };
        let begun =
            is.difference(was).iter().map(|kind| frame("trackPublished", &track(kind).into()));
        let over = was.difference(is).iter().map(|kind| {
            let mut track = track(kind);
            let cause = format!("TRACK_UNPUBLISH_REASON_{}", cause(kind));
            track.insert("cause".to_owned(), cause.into());
            frame("trackUnpublished", &track.into())
        });
        begun.chain(over).collect()
    }

    fn is_named(&self, peer: &Peer) -> bool {
        !is_stranger(peer) || *peer.id() == self.me
    }

    fn told_of(&self, peer: &Peer, me: &Peer) -> Told {
        Told { named: self.is_named(peer), shown: shown(peer, Some(me)) }
    }

    /// Under which id he knows somebody.
    fn session_of<'a>(&'a self, id: &'a PeerId) -> &'a PeerId {
        if *id == self.me { &self.called } else { id }
    }

    fn participant(&self, peer: &Peer) -> Value {
        let face =
            if is_stranger(peer) { Face::default() } else { (self.faces.0)(&peer.who.user_id) };
        let shown = self.told.get(peer.id()).map_or(TrackKinds::NONE, |told| told.shown);
        words::participant(peer, self.session_of(peer.id()), &face, shown)
    }

    /// How many there are now. This wire says so in answers to what shows that a client lives.
    fn counted(&self) -> String {
        frame("healthCheckResponse", &json!({ "participantCount": self.count() }))
    }

    fn count(&self) -> Value {
        let anonymous = self.told.values().filter(|told| !told.named).count();
        json!({ "total": self.told.len(), "anonymous": anonymous })
    }

    fn pins(&self, room: &Room) -> Vec<Value> {
        let pin = |user: &UserId, peer: &PeerId| json!({ "userId": user, "sessionId": self.session_of(peer) });
        room.pins.iter().map(|it| pin(&it.user_id, &it.peer_id)).collect()
    }
}

/// That it is over for him, and why.
fn ended(reason: &str) -> String {
    frame("callEnded", &json!({ "reason": format!("CALL_ENDED_REASON_{reason}") }))
}
