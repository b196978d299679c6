//! What happened: committed facts, the content of the journal. It must not know who is told.
//!
//! Every event changes at most one peer, so that each can be told on its own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    admission::Admission,
    member::{Pin, UserOverrides},
    people::{Doer, Newcomer},
    request::{PermissionRequest, RoleRequest},
    session_data::SessionDataChange,
    subscription::Subscription,
    waiting::Waiting,
};
use crate::{
    call_type::{CallType, settings::SettingsPatchDocument},
    id::{PeerId, RequestId, RoleName, SubscriptionId, TeamId, Timestamp, UserId},
    json::Metadata,
    media::TrackKinds,
    permissions::Overrides,
};

/// Why a room closes whose time has passed.
pub const CLOSED: &str = "closed";

fn time_passed() -> Option<String> {
    Some(CLOSED.to_owned())
}

/// A committed fact about one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// The room began.
    RoomCreated {
        epoch: Arc<str>,
        team: Option<TeamId>,
        created_by: Option<UserId>,
        custom: Metadata,
        backstage: bool,
        call_type: Arc<CallType>,
        settings_override: Option<SettingsPatchDocument>,
        starts_at: Option<Timestamp>,
        /// Whether it was created as such, not by somebody's coming in.
        kept: bool,
    },
    /// A room that somebody's coming in had created was created as such: it is kept when empty.
    RoomKept,
    /// What can be changed of the room itself is now this.
    RoomUpdated {
        custom: Metadata,
        settings_override: Option<SettingsPatchDocument>,
        starts_at: Option<Timestamp>,
        by: Doer,
    },
    /// The room ended and is no more; the name may begin anew.
    RoomDeleted { by: Doer },
    /// The room went live, or backstage again.
    BackstageSet { backstage: bool, by: Doer },
    /// Who is let in, when, and with what is now this; each peer it changes is resolved by an event
    /// of his own.
    AdmissionSet { admission: Box<Admission>, by: Doer },
    /// Everybody is out, because somebody put an end to the session or the time to be in the room has
    /// passed; it may be entered again. Older journals know only the time's doing.
    RoomClosed {
        #[serde(default = "Doer::nobody")]
        by: Doer,
        #[serde(default = "time_passed")]
        reason: Option<String>,
    },
    /// The room ended for good; everybody in it is out.
    RoomEnded { by: Doer, reason: Option<String> },
    /// Other roles and settings are in force; each peer they change is resolved by an event of
    /// his own.
    CallTypeAdopted { call_type: Arc<CallType> },
    /// A user is a member, with that role (none: `call_member` counts) and data.
    MemberSet { user_id: UserId, role: Option<RoleName>, custom: Metadata, by: Doer },
    /// A user is a member no more.
    MemberRemoved { user_id: UserId, by: Doer },
    /// What a user may send beside what his roles say, until the session is over.
    UserGranted { user_id: UserId, overrides: UserOverrides, by: Doer },
    /// A peer is pinned for everybody, or no longer.
    PinSet { pin: Pin, pinned: bool, by: Doer },
    /// What the session's peers keep together was changed so.
    SessionDataChanged { change: Box<SessionDataChange>, by: Doer },
    /// A peer's role and permissions were derived anew, because of what he did.
    PeerResolved { peer_id: PeerId, by: Doer },
    /// Another app role of a peer's user counts, or the room is foreign to him now, or no more.
    StandingChanged { peer_id: PeerId, app_role: RoleName, foreign: bool },
    /// A peer's token has another end.
    TermRenewed { peer_id: PeerId, exp: Option<u64> },
    /// Somebody came in.
    PeerJoined { newcomer: Box<Newcomer> },
    /// Somebody is out; `note`: what was said of why.
    PeerLeft { peer_id: PeerId, reason: LeftReason, by: Doer, note: Option<String> },
    /// A peer lost his socket; his seat is kept until then.
    PeerDropped { peer_id: PeerId, until: Timestamp },
    /// A peer took his seat again.
    PeerReturned { peer_id: PeerId },
    /// A peer is in another role.
    RoleChanged { peer_id: PeerId, from: RoleName, to: RoleName, by: Doer, forced: bool },
    /// A peer's overrides are now these.
    PermissionsChanged { peer_id: PeerId, overrides: Overrides, by: Doer },
    /// A peer's tracks that are on are now these.
    TracksChanged { peer_id: PeerId, on: TrackKinds, by: Doer },
    /// A peer's display name is now this.
    NameChanged {
        peer_id: PeerId,
        name: Arc<str>,
        /// Who changed it, where it was not he himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Doer>,
    },
    /// A peer's own data is now this.
    MetadataChanged {
        peer_id: PeerId,
        metadata: Metadata,
        /// Who changed it, where it was not he himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Doer>,
    },
    /// A peer raised or lowered his hand.
    HandRaised {
        peer_id: PeerId,
        raised: bool,
        /// Who did, where it was not he himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Doer>,
    },
    /// A peer was asked to take a role.
    RoleRequested { request: RoleRequest },
    /// The same was asked again: a new term.
    RoleRequestRenewed { request_id: RequestId, expires_at: Timestamp },
    /// A role request ended.
    RoleRequestEnded { request_id: RequestId, outcome: Outcome, reason: Option<String> },
    /// A peer asked for permissions.
    PermissionRequested {
        request: PermissionRequest,
        /// Whether his user asked over REST: then his own session does not know yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        outside: bool,
    },
    /// A permission request was answered.
    PermissionRequestAnswered {
        request_id: RequestId,
        granted: bool,
        by: Doer,
        reason: Option<String>,
    },
    /// A peer receives these kinds of another: anew, or in place of what he received of him.
    Subscribed { subscription: Subscription },
    /// What is left of a subscription, because a right was lost or an end wanted no more of it;
    /// nothing: it is over.
    SubscriptionNarrowed { subscription_id: SubscriptionId, tracks: TrackKinds },
    /// Somebody knocked, and waits.
    WaitingBegan { waiting: Waiting },
    /// He may come in now, or waits no more.
    WaitingAnswered { waiting_id: PeerId, admitted: bool, by: Doer },
    /// He went, or did not come in in time.
    WaitingEnded { waiting_id: PeerId },
    /// A user may not come in any more.
    UserBlocked { user_id: UserId, by: Doer },
    /// A user may come in again.
    UserUnblocked { user_id: UserId, by: Doer },
}

impl Event {
    /// The one peer whose view this event may change.
    #[must_use]
    pub const fn peer(&self) -> Option<&PeerId> {
        match self {
            Self::PeerJoined { newcomer } => Some(&newcomer.peer_id),
            Self::PeerResolved { peer_id, .. }
            | Self::StandingChanged { peer_id, .. }
            | Self::TermRenewed { peer_id, .. }
            | Self::PeerLeft { peer_id, .. }
            | Self::PeerDropped { peer_id, .. }
            | Self::PeerReturned { peer_id }
            | Self::RoleChanged { peer_id, .. }
            | Self::PermissionsChanged { peer_id, .. }
            | Self::TracksChanged { peer_id, .. }
            | Self::NameChanged { peer_id, .. }
            | Self::MetadataChanged { peer_id, .. }
            | Self::HandRaised { peer_id, .. } => Some(peer_id),
            Self::RoomCreated { .. }
            | Self::RoomKept
            | Self::RoomUpdated { .. }
            | Self::RoomDeleted { .. }
            | Self::BackstageSet { .. }
            | Self::AdmissionSet { .. }
            | Self::RoomClosed { .. }
            | Self::RoomEnded { .. }
            | Self::CallTypeAdopted { .. }
            | Self::MemberSet { .. }
            | Self::MemberRemoved { .. }
            | Self::UserGranted { .. }
            | Self::PinSet { .. }
            | Self::SessionDataChanged { .. }
            | Self::RoleRequested { .. }
            | Self::RoleRequestRenewed { .. }
            | Self::RoleRequestEnded { .. }
            | Self::PermissionRequested { .. }
            | Self::PermissionRequestAnswered { .. }
            | Self::Subscribed { .. }
            | Self::SubscriptionNarrowed { .. }
            | Self::WaitingBegan { .. }
            | Self::WaitingAnswered { .. }
            | Self::WaitingEnded { .. }
            | Self::UserBlocked { .. }
            | Self::UserUnblocked { .. } => None,
        }
    }

    /// Whether it must outlive the machine's power, not only the process: what the room is, who may
    /// come in, and who is what when nobody is there.
    #[must_use]
    pub const fn is_weighty(&self) -> bool {
        match self {
            Self::RoomCreated { kept, .. } => *kept,
            Self::RoomKept
            | Self::RoomUpdated { .. }
            | Self::RoomDeleted { .. }
            | Self::BackstageSet { .. }
            | Self::AdmissionSet { .. }
            | Self::RoomClosed { .. }
            | Self::RoomEnded { .. }
            | Self::CallTypeAdopted { .. }
            | Self::MemberSet { .. }
            | Self::MemberRemoved { .. }
            | Self::UserGranted { .. }
            | Self::StandingChanged { .. }
            | Self::RoleChanged { .. }
            | Self::PermissionsChanged { .. }
            | Self::UserBlocked { .. }
            | Self::UserUnblocked { .. } => true,
            // Who is there, and what he does there.
            Self::PinSet { .. }
            | Self::SessionDataChanged { .. }
            | Self::TermRenewed { .. }
            | Self::PeerResolved { .. }
            | Self::PeerJoined { .. }
            | Self::PeerLeft { .. }
            | Self::PeerDropped { .. }
            | Self::PeerReturned { .. }
            | Self::TracksChanged { .. }
            | Self::NameChanged { .. }
            | Self::MetadataChanged { .. }
            | Self::HandRaised { .. }
            | Self::RoleRequested { .. }
            | Self::RoleRequestRenewed { .. }
            | Self::RoleRequestEnded { .. }
            | Self::PermissionRequested { .. }
            | Self::PermissionRequestAnswered { .. }
            | Self::Subscribed { .. }
            | Self::SubscriptionNarrowed { .. }
            | Self::WaitingBegan { .. }
            | Self::WaitingAnswered { .. }
            | Self::WaitingEnded { .. } => false,
        }
    }

    /// Whether less media may flow because of it: somebody comes or goes, or may do other things.
    #[must_use]
    pub const fn touches_media(&self) -> bool {
        match self {
            Self::RoomUpdated { .. }
            | Self::CallTypeAdopted { .. }
            | Self::PeerResolved { .. }
            | Self::StandingChanged { .. }
            | Self::PeerJoined { .. }
            | Self::PeerLeft { .. }
            | Self::RoleChanged { .. }
            | Self::PermissionsChanged { .. } => true,
            // With the room, all of it begins or ends.
            Self::RoomCreated { .. }
            | Self::RoomKept
            | Self::RoomDeleted { .. }
            | Self::RoomClosed { .. }
            | Self::RoomEnded { .. }
            // What follows for peers stands in events of their own.
            | Self::AdmissionSet { .. }
            | Self::MemberSet { .. }
            | Self::MemberRemoved { .. }
            | Self::UserGranted { .. }
            | Self::UserBlocked { .. }
            | Self::UserUnblocked { .. }
            | Self::BackstageSet { .. }
            | Self::PinSet { .. }
            | Self::SessionDataChanged { .. }
            | Self::TermRenewed { .. }
            | Self::PeerDropped { .. }
            | Self::PeerReturned { .. }
            | Self::TracksChanged { .. }
            | Self::NameChanged { .. }
            | Self::MetadataChanged { .. }
            | Self::HandRaised { .. }
            | Self::RoleRequested { .. }
            | Self::RoleRequestRenewed { .. }
            | Self::RoleRequestEnded { .. }
            | Self::PermissionRequested { .. }
            | Self::PermissionRequestAnswered { .. }
            | Self::Subscribed { .. }
            | Self::SubscriptionNarrowed { .. }
            | Self::WaitingBegan { .. }
            | Self::WaitingAnswered { .. }
            | Self::WaitingEnded { .. } => false,
        }
    }

    /// Who did it, as notices name him.
    #[must_use]
    pub fn by(&self) -> Doer {
        match self {
            Self::BackstageSet { by, .. }
            | Self::RoomUpdated { by, .. }
            | Self::RoomDeleted { by }
            | Self::AdmissionSet { by, .. }
            | Self::MemberSet { by, .. }
            | Self::MemberRemoved { by, .. }
            | Self::UserGranted { by, .. }
            | Self::PinSet { by, .. }
            | Self::SessionDataChanged { by, .. }
            | Self::PeerResolved { by, .. }
            | Self::RoomClosed { by, .. }
            | Self::RoomEnded { by, .. }
            | Self::PeerLeft { by, .. }
            | Self::RoleChanged { by, .. }
            | Self::PermissionsChanged { by, .. }
            | Self::TracksChanged { by, .. }
            | Self::PermissionRequestAnswered { by, .. }
            | Self::WaitingAnswered { by, .. }
            | Self::UserBlocked { by, .. }
            | Self::UserUnblocked { by, .. } => by.clone(),
            Self::NameChanged { peer_id, by: None, .. }
            | Self::MetadataChanged { peer_id, by: None, .. }
            | Self::HandRaised { peer_id, by: None, .. } => Doer::Peer(peer_id.clone()),
            Self::NameChanged { by: Some(by), .. }
            | Self::MetadataChanged { by: Some(by), .. }
            | Self::HandRaised { by: Some(by), .. } => by.clone(),
            Self::Subscribed { subscription } => Doer::Peer(subscription.receiver.clone()),
            Self::RoomCreated { .. }
            | Self::RoomKept
            | Self::CallTypeAdopted { .. }
            | Self::StandingChanged { .. } => Doer::Server,
            Self::PeerJoined { .. }
            | Self::PeerDropped { .. }
            | Self::PeerReturned { .. }
            | Self::TermRenewed { .. }
            | Self::RoleRequested { .. }
            | Self::RoleRequestRenewed { .. }
            | Self::RoleRequestEnded { .. }
            | Self::PermissionRequested { .. }
            | Self::WaitingBegan { .. }
            | Self::WaitingEnded { .. }
            | Self::SubscriptionNarrowed { .. } => Doer::Nobody,
        }
    }
}

/// Why a peer is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LeftReason {
    /// He left.
    Left,
    /// He did not come back within the grace.
    Lost,
    /// He was removed or blocked.
    Removed,
    /// He is there, unseen; only ever told, never committed.
    Hidden,
    /// The room ended.
    Ended,
}

/// How a role request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The target took the role.
    Accepted,
    /// The target did not want it.
    Rejected,
    /// The asker, or somebody with the right, took it back.
    Cancelled,
    /// Its time passed.
    Expired,
    /// The target's role changed otherwise.
    Superseded,
    /// The target left.
    Left,
    /// The asker lost the right to ask.
    Withdrawn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_of_before_rooms_could_be_ended_without_a_lock_are_read() {
        let closed = |json: &str| serde_json::from_str::<Event>(json).unwrap();
        let by_time = Event::RoomClosed { by: Doer::Nobody, reason: Some(CLOSED.to_owned()) };
        assert_eq!(closed(r#"{"type":"roomClosed"}"#), by_time);
        let by_the_server = r#"{"type":"roomClosed","by":"server","reason":null}"#;
        assert_eq!(closed(by_the_server), Event::RoomClosed { by: Doer::Server, reason: None });
    }
}
