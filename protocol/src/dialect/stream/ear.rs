//! What is heard of a room from outside of it: which of Stream's events an event of the room is, and
//! who of those who watch hears it. It must not know who watches, nor how an event is written.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::glimpse::{Glimpse, Present, is_anonymous, words};
use crate::{
    id::{Cid, PeerId, RoleName, Timestamp, UserId},
    json::MessageData,
    media::TrackKinds,
    room::{
        Peer, Relay, Room,
        command::Recipient,
        event::{Event, LeftReason},
        member::Member,
        people::{Doer, Person},
        request::Wanted,
    },
};

/// Most participants that an event shows of a call's session; all are counted.
pub const PRESENT_MAX: usize = 250;

/// One thing heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Of which room.
    pub cid: Cid,
    /// When it happened.
    pub at: Timestamp,
    /// Who hears it.
    pub to: To,
    /// What.
    pub what: What,
}

/// Who of those who may read a room hears something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// All of them.
    Everybody,
    /// Those who see hidden peers.
    Seers,
    /// Those who do not.
    Rest,
    /// One user.
    User(UserId),
}

impl To {
    /// Whether that user is among them.
    #[must_use]
    pub fn reaches(&self, user: &UserId, sees_hidden: bool) -> bool {
        match self {
            Self::Everybody => true,
            Self::Seers => sees_hidden,
            Self::Rest => !sees_hidden,
            Self::User(one) => one == user,
        }
    }
}

/// Members, as events name them.
pub type Members = Vec<(UserId, Member)>;
/// What each role may, as `own_capabilities` would say it.
pub type ByRole = BTreeMap<RoleName, Vec<&'static str>>;

/// What is heard. Each is an event of Stream's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum What {
    /// `call.created`, to members who do not watch it yet; of no event, as it is told by its creation
    Created { call: Box<Glimpse>, members: Members },
    /// `call.updated`
    Updated { call: Box<Glimpse>, by_role: ByRole },
    /// `call.live_started`
    LiveStarted { call: Box<Glimpse> },
    /// `call.ended`
    Ended { call: Box<Glimpse>, by: Option<UserId>, reason: Option<String> },
    /// `call.deleted`
    Deleted { call: Box<Glimpse> },
    /// `call.member_added`
    MemberAdded { call: Box<Glimpse>, members: Members },
    /// `call.member_updated`
    MemberUpdated { call: Box<Glimpse>, members: Members },
    /// `call.member_updated_permission`
    MemberRole { call: Box<Glimpse>, members: Members, by_role: ByRole },
    /// `call.member_removed`
    MemberRemoved { call: Box<Glimpse>, user: UserId },
    /// `call.blocked_user`
    Blocked { user: UserId, by: Option<UserId> },
    /// `call.unblocked_user`
    Unblocked { user: UserId },
    /// `call.kicked_user`
    Kicked { user: UserId, by: Option<UserId> },
    /// `call.user_muted`; nobody: the server did it
    Muted { user: UserId, by: Option<UserId> },
    /// `call.permission_request`
    PermissionRequest { from: Person, permissions: Vec<&'static str> },
    /// `call.permissions_updated`, of the one who hears it
    PermissionsUpdated { user: UserId, capabilities: Vec<&'static str> },
    /// `call.session_started`
    SessionStarted { call: Box<Glimpse>, session: Arc<str> },
    /// `call.session_ended`
    SessionEnded { call: Box<Glimpse>, session: Arc<str> },
    /// `call.session_participant_joined`; also where somebody who is there is another now
    Joined { who: Present, session: Arc<str> },
    /// `call.session_participant_left`
    Left { who: Present, session: Arc<str>, seconds: u64 },
    /// `call.session_participant_count_updated`
    Counts { session: Arc<str>, by_role: BTreeMap<RoleName, usize>, anonymous: usize },
    /// `call.reaction_new`; the reaction as it was sent
    Reaction { from: Person, reaction: Value },
    /// `custom`
    Custom { from: Person, data: MessageData },
}

impl What {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "call.created",
            Self::Updated { .. } => "call.updated",
            Self::LiveStarted { .. } => "call.live_started",
            Self::Ended { .. } => "call.ended",
            Self::Deleted { .. } => "call.deleted",
            Self::MemberAdded { .. } => "call.member_added",
            Self::MemberUpdated { .. } => "call.member_updated",
            Self::MemberRole { .. } => "call.member_updated_permission",
            Self::MemberRemoved { .. } => "call.member_removed",
            Self::Blocked { .. } => "call.blocked_user",
            Self::Unblocked { .. } => "call.unblocked_user",
            Self::Kicked { .. } => "call.kicked_user",
            Self::Muted { .. } => "call.user_muted",
            Self::PermissionRequest { .. } => "call.permission_request",
            Self::PermissionsUpdated { .. } => "call.permissions_updated",
            Self::SessionStarted { .. } => "call.session_started",
            Self::SessionEnded { .. } => "call.session_ended",
            Self::Joined { .. } => "call.session_participant_joined",
            Self::Left { .. } => "call.session_participant_left",
            Self::Counts { .. } => "call.session_participant_count_updated",
            Self::Reaction { .. } => "call.reaction_new",
            Self::Custom { .. } => "custom",
        }
    }
}

/// Whose rights an event may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerned {
    /// Nobody's.
    Nobody,
    /// One user's.
    User(UserId),
    /// Anybody's.
    Everybody,
}

/// What an event is about to change, kept so that it can be heard.
#[derive(Clone, Debug)]
pub struct Before {
    peer: Option<Peer>,
    member: Option<Member>,
    session: Option<Arc<str>>,
    deleted: Option<Box<Glimpse>>,
}

impl Before {
    /// Remembers what the event may change.
    #[must_use]
    pub fn of(room: &Room, event: &Event) -> Self {
        let (member, ends) = match event {
            Event::MemberSet { user_id, .. } => (room.members.get(user_id).cloned(), None),
            // Who ends it is out with all others.
            Event::RoomEnded { by: Doer::Peer(id), .. } => (None, Some(id)),
            _ => (None, None),
        };
        let deleted = matches!(event, Event::RoomDeleted { .. });
        Self {
            peer: ends.or_else(|| event.peer()).and_then(|id| room.peers.get(id)).cloned(),
            member,
            session: room.session.as_ref().map(|session| Arc::clone(&session.id)),
            deleted: deleted.then(|| Box::new(Glimpse::for_many(room, false, 0))),
        }
    }

    /// Whose rights the event may have changed.
    #[must_use]
    pub fn concerned(&self, room: &Room, event: &Event) -> Concerned {
        match event {
            Event::MemberSet { user_id, .. }
            | Event::MemberRemoved { user_id, .. }
            | Event::UserGranted { user_id, .. }
            | Event::UserBlocked { user_id, .. }
            | Event::UserUnblocked { user_id, .. } => Concerned::User(user_id.clone()),
            Event::RoomCreated { .. }
            | Event::RoomUpdated { .. }
            | Event::RoomDeleted { .. }
            | Event::BackstageSet { .. }
            | Event::AdmissionSet { .. }
            | Event::RoomClosed { .. }
            | Event::RoomEnded { .. }
            | Event::CallTypeAdopted { .. } => Concerned::Everybody,
            event => match event.peer().and_then(|id| self.peer(room, id)) {
                Some(peer) => Concerned::User(peer.who.user_id.clone()),
                None => Concerned::Nobody,
            },
        }
    }

    /// The peer as he is, or as he was.
    fn peer<'a>(&'a self, room: &'a Room, id: &PeerId) -> Option<&'a Peer> {
        room.peers.get(id).or(self.peer.as_ref())
    }
}

/// What is heard of an event, in order. `room` is as it is after it.
#[must_use]
pub fn heard(before: &Before, room: &Room, event: &Event, at: Timestamp) -> Vec<Heard> {
    let mut told = Told { room, at, all: Vec::new() };
    if let Some(id) = event.peer() {
        told.peer(before, room.peers.get(id), event);
    }
    match event {
        Event::RoomUpdated { .. }
        | Event::CallTypeAdopted { .. }
        | Event::BackstageSet { backstage: true, .. } => {
            let by_role = by_role(room);
            told.of_the_call(|call| What::Updated { call, by_role: by_role.clone() });
        }
        Event::BackstageSet { backstage: false, .. } => {
            told.of_the_call(|call| What::LiveStarted { call });
        }
        Event::RoomEnded { by, reason } => {
            let by = user_of(before, room, by);
            told.of_the_call(|call| What::Ended { call, by: by.clone(), reason: reason.clone() });
            told.session_over(before);
        }
        Event::RoomClosed { .. } => told.session_over(before),
        Event::RoomDeleted { .. } => {
            let deleted = before.deleted.clone();
            told.all.extend(deleted.map(|call| told.heard(To::Everybody, What::Deleted { call })));
        }
        Event::MemberSet { user_id, .. } => told.member(before.member.as_ref(), user_id),
        Event::MemberRemoved { user_id, .. } => {
            told.of_the_call(|call| What::MemberRemoved { call, user: user_id.clone() });
        }
        Event::UserBlocked { user_id, by } => {
            let by = user_of(before, room, by);
            told.everybody(What::Blocked { user: user_id.clone(), by });
        }
        Event::UserUnblocked { user_id, .. } => {
            told.everybody(What::Unblocked { user: user_id.clone() });
        }
        Event::PermissionRequested { request, .. } => {
            let permissions: Vec<&str> =
                request.permissions.iter().filter_map(|wanted| word(*wanted)).collect();
            if !permissions.is_empty() {
                let from = request.from.clone();
                told.say(To::Seers, What::PermissionRequest { from, permissions });
            }
        }
        _ => {}
    }
    told.all
}

/// What is heard of what is passed on without being committed: what is said to everybody.
#[must_use]
pub fn relayed(room: &Room, relay: &Relay, at: Timestamp) -> Option<Heard> {
    let Relay::Message { from, data, to: Recipient::Everybody } = relay else { return None };
    let said: Value = serde_json::from_str(data.as_str()).unwrap_or_default();
    let is_reaction = said.get("type").and_then(Value::as_str) == Some("reaction");
    let what = match said.get("reaction").filter(|it| is_reaction && it.is_object()) {
        Some(reaction) => What::Reaction { from: from.clone(), reaction: reaction.clone() },
        None => What::Custom { from: from.clone(), data: data.clone() },
    };
    Some(Heard { cid: room.cid.clone(), at, to: To::Everybody, what })
}

/// That what one user may is another now.
#[must_use]
pub fn permissions_updated(
    room: &Room,
    user: &UserId,
    capabilities: crate::capability::Capabilities,
    at: Timestamp,
) -> Heard {
    let what = What::PermissionsUpdated { user: user.clone(), capabilities: words(capabilities) };
    Heard { cid: room.cid.clone(), at, to: To::User(user.clone()), what }
}

/// That a call was created, for those of its members who may read it.
#[must_use]
pub fn created(room: &Room, members: Members, at: Timestamp) -> Heard {
    let call = Box::new(Glimpse::for_many(room, false, 0));
    let what = What::Created { call, members };
    Heard { cid: room.cid.clone(), at, to: To::Everybody, what }
}

/// Who hears that a user is another everywhere: whoever sees him here, as a member or as somebody who
/// is in; nobody, where he is neither.
#[must_use]
pub fn who_know(room: &Room, user: &UserId) -> Option<To> {
    let mut here = room.peers_of(user);
    let seen = room.members.contains_key(user) || here.clone().any(Peer::is_visible);
    if seen { Some(To::Everybody) } else { here.next().map(|_| To::Seers) }
}

/// What each role of the call type may here.
#[must_use]
pub fn by_role(room: &Room) -> ByRole {
    let roles = room.call_type.roles.iter();
    roles
        .map(|(name, role)| (name.clone(), words(room.given_by(role).all_capabilities())))
        .collect()
}

/// The word for what may be asked for; what only the native protocol knows has none.
const fn word(wanted: Wanted) -> Option<&'static str> {
    match wanted {
        Wanted::Presence => None,
        Wanted::Screenshare => Some("screenshare"),
        Wanted::SendAudio => Some("send-audio"),
        Wanted::SendVideo => Some("send-video"),
    }
}

/// The user who did something; nobody: the server, or time.
fn user_of(before: &Before, room: &Room, by: &Doer) -> Option<UserId> {
    match by {
        Doer::User(user) => Some(user.clone()),
        Doer::Peer(id) => {
            let own = before.peer.as_ref().filter(|peer| peer.id() == id);
            room.peers.get(id).or(own).map(|peer| peer.who.user_id.clone())
        }
        Doer::Server | Doer::Nobody => None,
    }
}

/// What has been heard of one event so far.
struct Told<'a> {
    room: &'a Room,
    at: Timestamp,
    all: Vec<Heard>,
}

impl Told<'_> {
    fn heard(&self, to: To, what: What) -> Heard {
        Heard { cid: self.room.cid.clone(), at: self.at, to, what }
    }

    fn say(&mut self, to: To, what: What) {
        let heard = self.heard(to, what);
        self.all.push(heard);
    }

    fn everybody(&mut self, what: What) {
        self.say(To::Everybody, what);
    }

    /// Something that shows the room: to each as he sees it.
    fn of_the_call(&mut self, what: impl Fn(Box<Glimpse>) -> What) {
        let seen = |sees| Box::new(Glimpse::for_many(self.room, sees, PRESENT_MAX));
        if self.room.hidden == 0 {
            let what = what(seen(false));
            return self.everybody(what);
        }
        let (seers, rest) = (what(seen(true)), what(seen(false)));
        self.say(To::Seers, seers);
        self.say(To::Rest, rest);
    }

    /// A member came, or is another.
    fn member(&mut self, was: Option<&Member>, user: &UserId) {
        let Some(is) = self.room.members.get(user) else { return };
        let members = vec![(user.clone(), is.clone())];
        let Some(was) = was else {
            return self.of_the_call(|call| What::MemberAdded { call, members: members.clone() });
        };
        self.of_the_call(|call| What::MemberUpdated { call, members: members.clone() });
        if was.role() != is.role() {
            let by_role = by_role(self.room);
            self.of_the_call(|call| What::MemberRole {
                call,
                members: members.clone(),
                by_role: by_role.clone(),
            });
        }
    }

    /// A peer came, went, or is another.
    fn peer(&mut self, before: &Before, after: Option<&Peer>, event: &Event) {
        let session = self.room.session.as_ref().map(|session| Arc::clone(&session.id));
        let Some(session) = session.or_else(|| before.session.clone()) else { return };
        let mut counts = true;
        match (&before.peer, after) {
            (None, None) => return,
            (None, Some(peer)) => {
                if before.session.is_none() {
                    let session = Arc::clone(&session);
                    self.of_the_call(|call| What::SessionStarted {
                        call,
                        session: Arc::clone(&session),
                    });
                }
                self.joined(who_see(peer), peer, &session);
            }
            (Some(peer), None) => {
                self.left(who_see(peer), peer, &session);
                self.kicked(before, peer, event);
            }
            (Some(was), Some(is)) => {
                match (was.is_visible(), is.is_visible()) {
                    (true, false) => self.left(To::Rest, is, &session),
                    (false, true) => self.joined(To::Rest, is, &session),
                    _ if was.role != is.role || was.who.name != is.who.name => {
                        self.joined(who_see(is), is, &session);
                    }
                    _ => {}
                }
                counts = was.role != is.role || was.is_visible() != is.is_visible();
                self.muted(before, was, is, event);
            }
        }
        if self.room.session.is_none() {
            self.session_over(before);
        } else if counts {
            self.counts(&session);
        }
    }

    fn joined(&mut self, to: To, peer: &Peer, session: &Arc<str>) {
        if !is_anonymous(peer) {
            self.say(to, What::Joined { who: Present::of(peer), session: Arc::clone(session) });
        }
    }

    fn left(&mut self, to: To, peer: &Peer, session: &Arc<str>) {
        if is_anonymous(peer) {
            return;
        }
        let seconds = self.at.since(peer.joined_at) / 1000;
        self.say(to, What::Left { who: Present::of(peer), session: Arc::clone(session), seconds });
    }

    /// Somebody else put him out, and nothing of him is left here. Who is blocked was told of so.
    fn kicked(&mut self, before: &Before, peer: &Peer, event: &Event) {
        let Event::PeerLeft { reason: LeftReason::Removed, by, .. } = event else { return };
        let user = &peer.who.user_id;
        let by = user_of(before, self.room, by);
        let gone = self.room.peers_of(user).next().is_none();
        if gone && by.as_ref() != Some(user) && !self.room.blocked.contains(user) {
            self.say(who_see(peer), What::Kicked { user: user.clone(), by });
        }
    }

    /// Somebody else turned tracks of his off.
    fn muted(&mut self, before: &Before, was: &Peer, is: &Peer, event: &Event) {
        let Event::TracksChanged { peer_id, by, .. } = event else { return };
        let off: TrackKinds = was.on.difference(is.on);
        if off.is_empty() || *by == Doer::Peer(peer_id.clone()) {
            return;
        }
        let (user, by) = (is.who.user_id.clone(), user_of(before, self.room, by));
        self.say(who_see(is), What::Muted { user, by });
    }

    fn counts(&mut self, session: &Arc<str>) {
        let counts = |sees| {
            let Glimpse { by_role, anonymous, .. } = Glimpse::for_many(self.room, sees, 0);
            What::Counts { session: Arc::clone(session), by_role, anonymous }
        };
        if self.room.hidden == 0 {
            let what = counts(false);
            return self.everybody(what);
        }
        let (seers, rest) = (counts(true), counts(false));
        self.say(To::Seers, seers);
        self.say(To::Rest, rest);
    }

    fn session_over(&mut self, before: &Before) {
        if let Some(session) = &before.session {
            self.of_the_call(|call| What::SessionEnded { call, session: Arc::clone(session) });
        }
    }
}

/// Who hears of a peer.
const fn who_see(peer: &Peer) -> To {
    if peer.is_visible() { To::Everybody } else { To::Seers }
}

#[cfg(test)]
mod tests;
