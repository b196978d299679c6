//! What one client of 100ms's hears: notices in, frames out. It remembers what it has told him where
//! his wire tells differences. It must not know sockets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{tracks::Published, words};
use crate::{
    id::{PeerId, Timestamp},
    media::{TrackKind, TrackKinds},
    room::{
        Body, Notice, Peer, Room, SessionData,
        body::RoleOffer,
        event::{LeftReason, Outcome},
        people::{Doer, Person},
    },
    wire::code::ErrorBody,
};

/// One client's ear.
#[derive(Clone, Debug)]
pub struct Ear {
    me: PeerId,
    /// Whose tracks were told, and which of them are on.
    tracks: BTreeMap<PeerId, Tracks>,
    /// His own tracks, as he himself knows them.
    own: BTreeMap<TrackKind, Published>,
    /// What he observes of the session store, as he was told of it last.
    observed: BTreeMap<String, Option<Value>>,
    /// How many messages he was told.
    messages: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tracks {
    shown: TrackKinds,
    on: TrackKinds,
}

impl Tracks {
    /// Of a peer, as somebody sees them: what he may receive. Of oneself, all.
    fn of(peer: &Peer, seen_by: Option<&Peer>) -> Self {
        let received = match seen_by {
            Some(me) if me.id() != peer.id() => me.receivable(peer),
            _ => TrackKinds::ALL,
        };
        Self { shown: words::shown(peer).intersection(received), on: peer.on }
    }
}

/// A frame of the server's own.
#[must_use]
fn frame(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// `on-policy-change`: the role somebody has, or would have, and what all roles may.
#[must_use]
pub fn policy(room: &Room, peer: &Peer) -> String {
    let params = json!({
        "name": peer.role,
        "known_roles": words::known_roles(room, peer),
        "plugins": {},
        "template_id": room.call_type.name,
        "app_data": {},
    });
    frame("on-policy-change", &params)
}

/// The policy of somebody who will not get in: without one the SDK does not even ask.
#[must_use]
pub fn policy_of_nobody() -> String {
    let nobody = json!({
        "name": NOBODY,
        "priority": 5,
        "maxPeerCount": 0,
        "publishParams": { "allowed": [] },
        "subscribeParams": { "subscribeToRoles": [], "maxSubsBitRate": 0 },
        "permissions": {},
    });
    let params = json!({
        "name": NOBODY,
        "known_roles": { NOBODY: nobody },
        "plugins": {},
        "template_id": "",
        "app_data": {},
    });
    frame("on-policy-change", &params)
}

/// The role of who has none.
const NOBODY: &str = "nobody";

impl Ear {
    /// Whose it is.
    #[must_use]
    pub const fn me(&self) -> &PeerId {
        &self.me
    }

    /// The ear of a peer who hears nothing yet.
    #[must_use]
    pub fn new(me: PeerId) -> Self {
        Self {
            me,
            tracks: BTreeMap::new(),
            own: BTreeMap::new(),
            observed: BTreeMap::new(),
            messages: 0,
        }
    }

    /// Everybody he may see; who comes back is told of his role first.
    pub fn arrive(&mut self, room: &Room, again: bool) -> Vec<String> {
        let list = self.peer_list(room);
        let Some(me) = room.peers.get(&self.me).filter(|_| again) else { return vec![list] };
        let mut frames = vec![policy(room, me), list, frame("on-peer-update", &words::peer(me))];
        frames.extend(self.data(&room.session_data));
        let asked = room.role_requests.values().filter(|request| request.peer_id == self.me);
        frames.extend(asked.map(|request| offer(&RoleOffer::from(request))));
        frames
    }

    /// `peer-list`: everybody else whom he may see; of himself the SDK knows more, and would forget it.
    /// From here on differences are told.
    fn peer_list(&mut self, room: &Room) -> String {
        let Some(me) = room.peers.get(&self.me) else { return frame("peer-list", &json!({})) };
        let seen = room.peers.values().filter(|peer| me.sees(peer));
        let told = seen.clone().map(|peer| (peer.id().clone(), Tracks::of(peer, Some(me))));
        self.tracks = told.collect();
        let others = seen.filter(|peer| *peer.id() != self.me);
        let peers: Map<String, Value> =
            others.map(|peer| (peer.id().to_string(), self.whole(peer))).collect();
        frame("peer-list", &json!({ "peers": peers, "room": words::room(room) }))
    }

    /// He observes these keys from now on: their values now.
    pub fn observe(&mut self, keys: BTreeSet<String>, room: &Room) -> Option<String> {
        let values = room.session_data.values();
        self.observed =
            keys.into_iter().map(|key| (key.clone(), values.get(&key).cloned())).collect();
        let told = self.observed.iter().filter(|(_, value)| value.is_some());
        changes(told.map(|(key, value)| (key, value.as_ref())))
    }

    /// What he is told as he is put out. What nobody here did he did himself: where nobody whom it knows
    /// asked for it, the SDK takes a removal for the room's end.
    #[must_use]
    pub fn farewell(&self, reason: LeftReason, by: &Doer, note: Option<&str>) -> Option<String> {
        let by = words::requested_by(by).unwrap_or_else(|| self.me.as_str());
        (reason == LeftReason::Removed).then(|| leave_request(Some(by), note, false))
    }

    /// Under which ids he himself has his tracks.
    pub fn publish(&mut self, tracks: impl IntoIterator<Item = Published>) {
        self.own.extend(tracks.into_iter().map(|track| (track.kind, track)));
    }

    /// What a notice that is for him says.
    pub fn hear(&mut self, room: &Room, notice: &Notice) -> Vec<String> {
        match &notice.body {
            // Behind a list that has him already, or not any more, there is nothing to tell.
            Body::ParticipantJoined { participant }
                if !self.tracks.contains_key(participant.id()) =>
            {
                let tracks = Tracks::of(participant, room.peers.get(&self.me));
                self.tracks.insert(participant.id().clone(), tracks);
                vec![frame("on-peer-join", &self.whole(participant))]
            }
            Body::ParticipantUpdated { participant, changed, by } => {
                self.updated(room, participant, changed, by)
            }
            // That he himself is out he is told by his farewell.
            Body::ParticipantLeft { peer_id, .. }
                if *peer_id != self.me && self.tracks.remove(peer_id).is_some() =>
            {
                vec![frame("on-peer-leave", &json!({ "peer_id": peer_id }))]
            }
            Body::RoleChangeRequest { request } => vec![offer(request)],
            Body::RoleChangeAnswered { request_id, peer_id, role, outcome, reason } => {
                let word = match outcome {
                    // The change itself says so.
                    Outcome::Accepted => return Vec::new(),
                    Outcome::Rejected => "rejected",
                    Outcome::Cancelled => "cancelled",
                    Outcome::Expired => "expired",
                    Outcome::Superseded => "superseded",
                    Outcome::Left => "left",
                    Outcome::Withdrawn => "withdrawn",
                };
                let message = json!({ "requestId": request_id, "peerId": peer_id, "role": role, "reason": reason });
                let info = json!({ "type": format!("role-request-{word}"), "message": message });
                vec![self.message(notice.at, None, None, &info)]
            }
            Body::SessionDataUpdated { data, .. } => self.data(data).into_iter().collect(),
            // Who ended it leaves by himself, once he has the reply.
            Body::RoomEnded { by: Doer::Peer(by), .. } if *by == self.me => Vec::new(),
            Body::RoomEnded { by, reason } => {
                vec![leave_request(words::requested_by(by), reason.as_deref(), true)]
            }
            Body::AppMessage { from, data, to } => {
                vec![self.told(room, notice.at, from, data.as_str(), to)]
            }
            Body::UnmuteRequest { from, tracks, by_name } => {
                self.asked(room, from, *tracks, *by_name)
            }
            // Roles may be others now.
            Body::RoomUpdated { changed, .. } if changed.contains(&"callType") => {
                let me = room.peers.get(&self.me);
                me.into_iter().map(|me| policy(room, me)).collect()
            }
            // What this vocabulary has no words for (docs/VOCABULARY.md).
            Body::ParticipantJoined { .. }
            | Body::ParticipantLeft { .. }
            | Body::RoleUpdated { .. }
            | Body::RoleChangeCancelled { .. }
            | Body::PermissionRequest { .. }
            | Body::PermissionRequestAnswered { .. }
            | Body::CountsUpdated(_)
            | Body::RoomUpdated { .. }
            | Body::WaitingUpdated { .. }
            | Body::WaitingLeft { .. }
            | Body::Signal { .. }
            | Body::SubscriptionUpdated { .. }
            | Body::SubscriberUpdated { .. }
            | Body::SubscriptionSignal { .. } => Vec::new(),
        }
    }

    /// The policy comes first: by it the SDK publishes and tells of the role.
    fn updated(&mut self, room: &Room, peer: &Peer, changed: &[&str], by: &Doer) -> Vec<String> {
        let mut frames = Vec::new();
        let any = |of: &[&str]| changed.iter().any(|field| of.contains(field));
        let own = *peer.id() == self.me;
        let me = room.peers.get(&self.me);
        let is = Tracks::of(peer, me);
        let was = self.tracks.insert(peer.id().clone(), is).unwrap_or_default();
        if own && any(&["role", "permissions", "capabilities"]) {
            frames.push(policy(room, peer));
        }
        if any(&["role", "name", "metadata", "handRaised"]) {
            frames.push(frame("on-peer-update", &words::peer(peer)));
        }
        if own && any(&["role", "permissions", "capabilities"]) {
            // What he may receive of the others may be another.
            let others = room.peers.values().filter(|other| *other.id() != self.me);
            for other in others {
                let Some(told) = self.tracks.get_mut(other.id()) else { continue };
                let is = Tracks::of(other, me);
                let was = std::mem::replace(told, is);
                frames.extend(turned(other, was, is));
            }
        }
        if own && any(&["permissions", "capabilities"]) && !any(&["role"]) {
            // Only behind a whole list the SDK looks at a policy of the role it has.
            frames.push(self.peer_list(room));
        }
        if own {
            let muted = was.on.difference(is.on).intersection(peer.sendable());
            if *by != Doer::Peer(self.me.clone()) {
                let by = words::requested_by(by);
                frames.extend(muted.iter().map(|kind| self.turn(kind, true, by)));
            }
            return frames;
        }
        frames.extend(turned(peer, was, is));
        frames
    }

    /// Somebody else with the tracks of his that are shown.
    fn whole(&self, peer: &Peer) -> Value {
        let shown = self.tracks.get(peer.id()).map_or(TrackKinds::NONE, |tracks| tracks.shown);
        let mut whole = words::peer(peer);
        whole["tracks"] = words::tracks_of(peer, shown);
        whole
    }

    /// Somebody asks him to turn these on: one by one where he alone is asked, all at once where others
    /// are, too.
    fn asked(&self, room: &Room, from: &Person, tracks: TrackKinds, by_name: bool) -> Vec<String> {
        let by = from.peer_id.as_ref().map(PeerId::as_str);
        let one_by_one = || tracks.iter().map(|kind| self.turn(kind, false, by)).collect();
        let me = room.peers.get(&self.me).filter(|_| !by_name);
        let Some(me) = me else { return one_by_one() };
        let off = me.sendable().difference(me.on);
        match words::words_for(tracks, off) {
            Some((type_, source)) => vec![turn_all(type_, source, false, by)],
            None => one_by_one(),
        }
    }

    /// Somebody else turned off that track of his, or asks him to turn it on.
    fn turn(&self, kind: TrackKind, mute: bool, by: Option<&str>) -> String {
        let Some(Published { track_id, stream_id, .. }) = self.own.get(&kind) else {
            let (type_, source) = words::type_and_source(kind);
            return turn_all(Some(type_), Some(source), mute, by);
        };
        let params = json!({ "track_id": track_id, "stream_id": stream_id, "mute": mute });
        requested("on-track-update-request", params, by)
    }

    /// What he observes and is another now.
    fn data(&mut self, data: &SessionData) -> Option<String> {
        let values = data.values();
        let mut changed = Vec::new();
        for (key, told) in &mut self.observed {
            let now = values.get(key);
            if told.as_ref() != now {
                *told = now.cloned();
                changed.push((key.clone(), now.cloned()));
            }
        }
        changes(changed.iter().map(|(key, value)| (key, value.as_ref())))
    }

    /// What was said natively: `{type, message}` is 100ms's own, all else a chat's message.
    fn told(
        &mut self,
        room: &Room,
        at: Timestamp,
        from: &Person,
        data: &str,
        to: &Value,
    ) -> String {
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let info = match data.as_object() {
            Some(object) if object.contains_key("message") && object["message"] != Value::Null => {
                let type_ = object.get("type").and_then(Value::as_str).unwrap_or("chat");
                json!({ "type": type_, "message": object["message"] })
            }
            _ => json!({ "type": "chat", "message": data }),
        };
        self.message(at, words::sender(room, from), Some(to), &info)
    }

    fn message(
        &mut self,
        at: Timestamp,
        peer: Option<Value>,
        to: Option<&Value>,
        info: &Value,
    ) -> String {
        self.messages += 1;
        let private = to.is_none_or(|to| to.as_str().is_some_and(|to| to != "*"));
        let mut params = json!({
            "message_id": format!("{}.{}", at.0, self.messages),
            "timestamp": at.0,
            "private": private,
            "info": info,
        });
        if let Some(roles) = to.and_then(|to| to.get("roles")) {
            params["roles"] = roles.clone();
        }
        if let Some(peer) = peer {
            params["peer"] = peer;
        }
        frame("on-broadcast", &params)
    }
}

/// What somebody's tracks do as they are shown otherwise.
fn turned(peer: &Peer, was: Tracks, is: Tracks) -> Vec<String> {
    let turned = was.on.difference(is.on).union(is.on.difference(was.on));
    let each = [
        ("on-track-add", is.shown.difference(was.shown)),
        ("on-track-update", turned.intersection(was.shown).intersection(is.shown)),
        ("on-track-remove", was.shown.difference(is.shown)),
    ];
    let told = each.into_iter().filter(|(_, kinds)| !kinds.is_empty());
    let told = told.map(|(method, kinds)| {
        let tracks = words::tracks_of(peer, kinds);
        frame(method, &json!({ "peer": words::peer(peer), "tracks": tracks }))
    });
    told.collect()
}

fn offer(request: &RoleOffer) -> String {
    let mut params = json!({ "role": request.role, "token": request.request_id });
    if let Some(id) = &request.by.peer_id {
        params["requested_by"] = json!(id);
    }
    frame("on-role-change-request", &params)
}

/// What ends a client of whom nobody knows: the SDK leaves.
#[must_use]
pub fn gone() -> String {
    let gone = ErrorBody::session_gone();
    frame("on-error", &json!({ "code": gone.http_status(), "message": gone.message }))
}

fn changes<'a>(values: impl Iterator<Item = (&'a String, Option<&'a Value>)>) -> Option<String> {
    let values: Vec<Value> =
        values.map(|(key, data)| json!({ "key": key, "data": data })).collect();
    (!values.is_empty()).then(|| frame("on-metadata-change", &json!({ "values": values })))
}

fn leave_request(by: Option<&str>, reason: Option<&str>, room_end: bool) -> String {
    let params = json!({ "reason": reason.unwrap_or_default(), "room_end": room_end });
    requested("on-peer-leave-request", params, by)
}

/// All tracks of these words.
fn turn_all(type_: Option<&str>, source: Option<&str>, mute: bool, by: Option<&str>) -> String {
    let mut params = json!({ "value": mute });
    for (key, word) in [("type", type_), ("source", source)] {
        if let Some(word) = word {
            params[key] = json!(word);
        }
    }
    requested("on-change-track-mute-state-request", params, by)
}

/// What a peer asked for, or somebody who is none.
fn requested(method: &str, mut params: Value, by: Option<&str>) -> String {
    if let Some(by) = by {
        params["requested_by"] = json!(by);
    }
    frame(method, &params)
}
