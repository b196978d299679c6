//! What is: the room, its peers, its pending requests. It must not know who may change it, nor how.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize, ser::SerializeStruct};

use super::{
    admission::Admission,
    member::{Member, Pin, SessionInfo, UserOverrides},
    people::{Doer, Newcomer, Person},
    request::{PermissionRequest, RoleRequest},
    session_data::{SESSION_DATA_BYTES, SessionData},
    subscription::{MESH_MAX, Subscription},
    waiting::Waiting,
};
use crate::{
    call_type::{CallType, Settings, settings::SettingsPatchDocument},
    capability::{Capabilities, Capability},
    id::{Cid, PeerId, RequestId, RoleName, Seq, SubscriptionId, TeamId, Timestamp, UserId},
    json::Metadata,
    media::{TrackKind, TrackKinds, TrackState},
    permissions::Permissions,
};

/// Most blocked users of one room.
pub const BLOCKED_MAX: usize = 10_000;
/// Most users of one room of whom it is said what they may send.
pub const USER_OVERRIDES_MAX: usize = 10_000;
/// Most pins of one room.
pub const PINS_MAX: usize = 100;
/// Most members of one room.
pub const MEMBERS_MAX: usize = 10_000;
/// How long a role request waits for its answer unless the house says otherwise, in milliseconds.
pub const ROLE_REQUEST_TTL_MS: u64 = 60_000;
/// Most pending permission requests of one peer.
pub const PERMISSION_REQUESTS_PER_PEER_MAX: usize = 4;

/// One room. Plain data; [`super::apply()`] is the only writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name, `type:id`.
    pub cid: Cid,
    /// The roles and settings in force.
    pub call_type: Arc<CallType>,
    /// What its settings are beside the call type's.
    pub settings_override: Option<SettingsPatchDocument>,
    /// What is switched on. Derived: the call type's settings under that override.
    pub settings: Settings,
    /// When it was created; unset: there is no such room (yet, or any more).
    pub created_at: Option<Timestamp>,
    /// When anything of the room itself changed; coming, going and people's doings do not count.
    pub updated_at: Option<Timestamp>,
    /// When the last room of that name was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Who created it; unset: the server.
    pub created_by: Option<UserId>,
    /// Whether it was created as such, not by somebody's coming in: then it is kept when empty.
    pub kept: bool,
    /// Which life of this name this is: a new one each time the room begins from nothing.
    pub epoch: Arc<str>,
    /// The team it belongs to.
    pub team: Option<TeamId>,
    /// The customer's own data.
    pub custom: Metadata,
    /// When it is to start, as the customer says.
    pub starts_at: Option<Timestamp>,
    /// When and by whom it was ended.
    pub ended: Option<Ended>,
    /// Who is let in beside what roles say, when, and with what.
    pub admission: Admission,
    /// Whether only who may `join-backstage` gets in.
    pub backstage: bool,
    /// Since when it is live, where somebody went live.
    pub live_since: Option<Timestamp>,
    /// Who is here.
    pub peers: BTreeMap<PeerId, Peer>,
    /// Users with a standing in this room, here or not.
    pub members: BTreeMap<UserId, Member>,
    /// What users may send beside what their roles say; ends with the session.
    pub user_overrides: BTreeMap<UserId, UserOverrides>,
    /// Peers pinned for everybody.
    pub pins: BTreeSet<Pin>,
    /// What the session's peers keep together; ends with the session.
    pub session_data: SessionData,
    /// The session that is on: while anybody is here.
    pub session: Option<SessionInfo>,
    /// How many sessions there have been.
    pub sessions: u64,
    /// Who may not come in.
    pub blocked: BTreeSet<UserId>,
    /// From above: "would you become …?"
    pub role_requests: BTreeMap<RequestId, RoleRequest>,
    /// From below: "may I …?"
    pub permission_requests: BTreeMap<RequestId, PermissionRequest>,
    /// Who knocked and is not in yet, by the ids their peers will have.
    pub waiting: BTreeMap<PeerId, Waiting>,
    /// Who receives what of whom.
    pub subscriptions: BTreeMap<SubscriptionId, Subscription>,
    /// The position of the last notice (or, where an event told nothing, of that event).
    pub seq: Seq,
    /// How many requests were ever made here; their ids count up.
    pub requests_made: u64,
    /// How many subscriptions were ever made here; their ids count up.
    pub subscriptions_made: u64,
    /// How many of the peers are hidden.
    pub hidden: usize,
    /// How long a role request waits for its answer, in milliseconds. The house's setting; no event
    /// changes it.
    pub role_request_ttl_ms: u64,
    /// In how large a room media may flow. The house's setting; no event changes it.
    pub mesh_max: usize,
    /// Most bytes of session data. The house's setting, too.
    pub session_data_max: usize,
}

/// How a room ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Doer,
    /// Why, where it was said.
    pub reason: Option<String>,
}

/// One live presence; it outlives a lost socket for the grace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What he came with; name, metadata, assigned role and overrides as they are now.
    pub who: Newcomer,
    /// When he came.
    pub joined_at: Timestamp,
    /// Tracks that are on; always among those he may send, none while hidden.
    pub on: TrackKinds,
    /// Whether his hand is up.
    pub hand_raised: bool,
    /// When his socket was lost: until when his seat is kept.
    pub dropped_until: Option<Timestamp>,
    /// The role shown: the assigned one, or the most specific standing one. Derived.
    pub role: RoleName,
    /// What he may do now: role, overrides, settings. Derived.
    pub permissions: Permissions,
}

impl Peer {
    /// His id.
    #[must_use]
    pub const fn id(&self) -> &PeerId {
        &self.who.peer_id
    }

    /// Whether the others see him.
    #[must_use]
    pub const fn is_visible(&self) -> bool {
        self.permissions.has_presence
    }

    /// Whether he sees hidden peers: a holder of `update-call-permissions`.
    #[must_use]
    pub const fn sees_hidden(&self) -> bool {
        self.holds(Capability::UpdateCallPermissions)
    }

    /// Whether he holds an administrative (or other non-media) capability.
    #[must_use]
    pub const fn holds(&self, capability: Capability) -> bool {
        self.permissions.capabilities.contains(capability)
    }

    /// Whether he sees that other one.
    #[must_use]
    pub fn sees(&self, other: &Self) -> bool {
        other.is_visible() || self.sees_hidden() || self.id() == other.id()
    }

    /// The kinds he may turn on now.
    #[must_use]
    pub const fn sendable(&self) -> TrackKinds {
        if self.is_visible() { self.permissions.can_send } else { TrackKinds::NONE }
    }

    /// What that track of his is doing.
    #[must_use]
    pub const fn track(&self, kind: TrackKind) -> TrackState {
        if !self.sendable().contains(kind) {
            TrackState::Blocked
        } else if self.on.contains(kind) {
            TrackState::On
        } else {
            TrackState::Off
        }
    }

    /// He, as others are told of him.
    #[must_use]
    pub fn person(&self) -> Person {
        Person {
            peer_id: Some(self.id().clone()),
            user_id: Some(self.who.user_id.clone()),
            name: Arc::clone(&self.who.name),
        }
    }
}

/// A participant on the wire, `PROTOCOL` 2.
impl Serialize for Peer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Participant", 12)?;
        object.serialize_field("peerId", self.id())?;
        object.serialize_field("userId", &self.who.user_id)?;
        object.serialize_field("name", &self.who.name)?;
        object.serialize_field("role", &self.role)?;
        object.serialize_field("owner", &self.who.owner)?;
        object.serialize_field("joinedAt", &self.joined_at)?;
        object.serialize_field("metadata", &self.who.metadata)?;
        object.serialize_field("permissions", &self.permissions)?;
        object.serialize_field("capabilities", &self.permissions.all_capabilities())?;
        object.serialize_field("tracks", &Tracks(self))?;
        object.serialize_field("handRaised", &self.hand_raised)?;
        object.serialize_field("connected", &self.dropped_until.is_none())?;
        object.end()
    }
}

struct Tracks<'a>(&'a Peer);

impl Serialize for Tracks<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(TrackKind::ALL.map(|kind| (kind.as_str(), self.0.track(kind))))
    }
}

impl Room {
    /// A name without a room behind it, as every room begins.
    #[must_use]
    pub fn vacant(cid: Cid, call_type: Arc<CallType>) -> Self {
        Self {
            cid,
            settings_override: None,
            settings: call_type.settings,
            call_type,
            created_at: None,
            updated_at: None,
            deleted_at: None,
            created_by: None,
            kept: false,
            epoch: "".into(),
            team: None,
            custom: Metadata::empty_object(),
            starts_at: None,
            ended: None,
            admission: Admission::default(),
            backstage: false,
            live_since: None,
            peers: BTreeMap::new(),
            members: BTreeMap::new(),
            user_overrides: BTreeMap::new(),
            pins: BTreeSet::new(),
            session_data: SessionData::default(),
            session: None,
            sessions: 0,
            blocked: BTreeSet::new(),
            role_requests: BTreeMap::new(),
            permission_requests: BTreeMap::new(),
            waiting: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            seq: Seq(0),
            requests_made: 0,
            subscriptions_made: 0,
            hidden: 0,
            role_request_ttl_ms: ROLE_REQUEST_TTL_MS,
            mesh_max: MESH_MAX,
            session_data_max: SESSION_DATA_BYTES,
        }
    }

    /// The room without peers, waiting, requests, subscriptions and session data: what an index of rooms keeps.
    #[must_use]
    pub fn card(&self) -> Self {
        Self {
            peers: BTreeMap::new(),
            role_requests: BTreeMap::new(),
            permission_requests: BTreeMap::new(),
            waiting: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            session_data: SessionData::default(),
            hidden: 0,
            cid: self.cid.clone(),
            call_type: Arc::clone(&self.call_type),
            settings_override: self.settings_override.clone(),
            created_by: self.created_by.clone(),
            epoch: Arc::clone(&self.epoch),
            team: self.team.clone(),
            custom: self.custom.clone(),
            ended: self.ended.clone(),
            admission: self.admission.clone(),
            members: self.members.clone(),
            user_overrides: self.user_overrides.clone(),
            pins: self.pins.clone(),
            session: self.session.clone(),
            blocked: self.blocked.clone(),
            ..*self
        }
    }

    /// How many peers are seen by all, and how many are hidden.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { present: self.peers.len() - self.hidden, hidden: self.hidden }
    }

    /// How many peers hold that role.
    #[must_use]
    pub fn holders_of(&self, role: &RoleName) -> usize {
        self.peers.values().filter(|peer| peer.role == *role).count()
    }

    /// The next moment at which time alone changes something here.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let requests = self.role_requests.values().map(|request| request.expires_at);
        let seats = self.peers.values().filter_map(|peer| peer.dropped_until);
        let closes = self.admission.closes_at.filter(|_| self.ejects_at_close());
        let admitted = self.waiting.values().filter_map(|one| one.admitted_until);
        requests.chain(seats).chain(closes).chain(admitted).min()
    }

    /// Whether anybody is here to be put out when the time to come in has passed.
    #[must_use]
    pub fn ejects_at_close(&self) -> bool {
        self.admission.eject_at_close && !self.peers.is_empty()
    }

    /// Whether the room may be forgotten once nobody is in it: nothing would be lost.
    #[must_use]
    pub fn is_forgettable(&self) -> bool {
        self.peers.is_empty()
            && self.waiting.is_empty()
            && self.ended.is_none()
            && self.blocked.is_empty()
            && self.members.is_empty()
            && self.user_overrides.is_empty()
            && self.session_data.is_empty()
            && self.custom == Metadata::empty_object()
            && self.settings_override.is_none()
            && self.starts_at.is_none()
            && self.admission == Admission::default()
            && !self.kept
            && self.backstage == self.settings.backstage
    }

    /// Breaks of what must always hold; empty in a sound room. For tests and debugging.
    #[must_use]
    pub fn broken_invariants(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                broken.push(what);
            }
        };
        check(
            self.hidden == self.peers.values().filter(|p| !p.is_visible()).count(),
            "the count of hidden peers".to_owned(),
        );
        for (id, peer) in &self.peers {
            check(id == peer.id(), format!("{id} is under its own id"));
            check(*peer == self.resolved(peer.clone()), format!("{id} is resolved"));
            check(peer.sendable().contains_all(peer.on), format!("{id} sends only what it may"));
            let media = peer.permissions.capabilities.intersection(Capabilities::MEDIA);
            check(media.is_empty(), format!("{id} holds media as kinds"));
        }
        for (id, request) in &self.role_requests {
            check(self.peers.contains_key(&request.peer_id), format!("{id} has a target"));
            let of_target = self.role_requests.values().filter(|r| r.peer_id == request.peer_id);
            check(of_target.count() == 1, format!("{id} is the only one of its target"));
        }
        for (id, request) in &self.permission_requests {
            let here = request.from.peer_id.as_ref().is_some_and(|p| self.peers.contains_key(p));
            check(here, format!("{id} has an asker"));
        }
        for (id, one) in &self.waiting {
            check(*id == one.waiting_id, format!("{id} waits under his own id"));
            check(!self.peers.contains_key(id), format!("{id} is not in while he waits"));
            let may_knock = self.admission.private && self.admission.knocking;
            check(may_knock || !one.is_open(), format!("{id} waits where one may knock"));
            check(!self.blocked.contains(&one.user_id) || !one.is_open(), format!("{id} may come"));
        }
        for (id, one) in &self.subscriptions {
            check(*id == one.subscription_id, format!("{id} is under its own id"));
            check(!one.tracks.is_empty(), format!("{id} is of something"));
            check(one.receiver != one.sender, format!("{id} has two ends"));
            check(self.left_of(one) == one.tracks, format!("{id} carries only what may flow"));
            check(
                self.subscription(&one.receiver, &one.sender) == Some(one),
                format!("{id} is the only one of its ends"),
            );
        }
        for pin in &self.pins {
            let peer = self.peers.get(&pin.peer_id);
            let fits = peer.is_some_and(|p| p.who.user_id == pin.user_id && p.is_visible());
            check(fits, format!("{pin:?} is of a peer who is seen"));
        }
        check(
            self.session.is_some() != self.peers.is_empty(),
            "a session is on while anybody is here".to_owned(),
        );
        check(
            self.settings == self.call_type.settings_under(self.settings_override.as_ref()),
            "the settings are derived".to_owned(),
        );
        check(
            self.user_overrides.values().all(|o| {
                *o != UserOverrides::default() && o.granted.intersection(o.revoked).is_empty()
            }),
            "what users may send is said once".to_owned(),
        );
        broken
    }
}

/// How many are seen, how many hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Seen by everybody.
    pub present: usize,
    /// Seen only by holders of `update-call-permissions`.
    pub hidden: usize,
}

/// The room itself on the wire: `room` of the join reply.
#[derive(Clone, Copy, Debug)]
pub struct RoomView<'a>(pub &'a Room);

impl Serialize for RoomView<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let room = self.0;
        let mut object = serializer.serialize_struct("Room", 10)?;
        object.serialize_field("cid", &room.cid)?;
        object.serialize_field("team", &room.team)?;
        object.serialize_field("callType", &room.call_type.name)?;
        object.serialize_field("createdBy", &room.created_by)?;
        object.serialize_field("createdAt", &room.created_at)?;
        object.serialize_field("startsAt", &room.starts_at)?;
        object.serialize_field("custom", &room.custom)?;
        object.serialize_field("endedAt", &room.ended.as_ref().map(|ended| ended.at))?;
        object.serialize_field("backstage", &room.backstage)?;
        object.serialize_field("pins", &room.pins)?;
        object.end()
    }
}
