//! What is said: the bodies of notices, with the wire's names and fields. It must not know to whom.

use serde::Serialize;

use super::{
    event::{LeftReason, Outcome},
    people::{Doer, Person},
    request::{RoleRequest, Wanted},
    session_data::SessionData,
    state::{Counts, Peer},
    waiting::{Waiting, WaitingOutcome},
};
use crate::{
    id::{PeerId, RequestId, RoleName, SubscriptionId, Timestamp, UserId},
    json::{MessageData, SignalData},
    media::TrackKinds,
};

/// What is said. The names are the wire's methods, the fields its params.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Body {
    ParticipantJoined {
        participant: Box<Peer>,
    },
    ParticipantUpdated {
        participant: Box<Peer>,
        changed: Vec<&'static str>,
        by: Doer,
    },
    ParticipantLeft {
        peer_id: PeerId,
        user_id: UserId,
        reason: LeftReason,
    },
    RoleUpdated {
        peer_id: PeerId,
        from: RoleName,
        to: RoleName,
        by: Doer,
        forced: bool,
    },
    RoleChangeRequest {
        request: RoleOffer,
    },
    RoleChangeAnswered {
        request_id: RequestId,
        peer_id: PeerId,
        role: RoleName,
        outcome: Outcome,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    RoleChangeCancelled {
        request_id: RequestId,
        outcome: Outcome,
    },
    PermissionRequest {
        request_id: RequestId,
        from: Person,
        permissions: Vec<Wanted>,
    },
    PermissionRequestAnswered {
        request_id: RequestId,
        from: Person,
        permissions: Vec<Wanted>,
        granted: bool,
        by: Doer,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    CountsUpdated(Counts),
    RoomUpdated {
        room: serde_json::Value,
        changed: Vec<&'static str>,
    },
    SessionDataUpdated {
        data: SessionData,
        by: Doer,
    },
    WaitingUpdated {
        waiting: Waiting,
    },
    WaitingLeft {
        waiting_id: PeerId,
        outcome: WaitingOutcome,
        by: Doer,
    },
    RoomEnded {
        by: Doer,
        reason: Option<String>,
    },
    AppMessage {
        from: Person,
        data: MessageData,
        to: serde_json::Value,
    },
    Signal {
        from: Person,
        data: MessageData,
    },
    UnmuteRequest {
        from: Person,
        tracks: TrackKinds,
        /// Whether he alone was asked.
        #[serde(skip)]
        by_name: bool,
    },
    /// To the receiver.
    SubscriptionUpdated {
        subscription_id: SubscriptionId,
        peer_id: PeerId,
        tracks: TrackKinds,
    },
    /// To the sender, who does not learn who receives.
    SubscriberUpdated {
        subscription_id: SubscriptionId,
        tracks: TrackKinds,
    },
    SubscriptionSignal {
        subscription_id: SubscriptionId,
        data: SignalData,
    },
}

/// The `request` of a `role-change-request`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields say what they are")]
pub struct RoleOffer {
    pub request_id: RequestId,
    pub by: Person,
    pub role: RoleName,
    pub expires_at: Timestamp,
}

impl From<&RoleRequest> for RoleOffer {
    fn from(request: &RoleRequest) -> Self {
        Self {
            request_id: request.request_id.clone(),
            by: request.by.clone(),
            role: request.role.clone(),
            expires_at: request.expires_at,
        }
    }
}

impl Body {
    /// Its name on the wire.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::ParticipantJoined { .. } => "participant-joined",
            Self::ParticipantUpdated { .. } => "participant-updated",
            Self::ParticipantLeft { .. } => "participant-left",
            Self::RoleUpdated { .. } => "ROLE_UPDATED",
            Self::RoleChangeRequest { .. } => "role-change-request",
            Self::RoleChangeAnswered { .. } => "role-change-answered",
            Self::RoleChangeCancelled { .. } => "role-change-cancelled",
            Self::PermissionRequest { .. } => "permission-request",
            Self::PermissionRequestAnswered { .. } => "permission-request-answered",
            Self::CountsUpdated(_) => "counts-updated",
            Self::RoomUpdated { .. } => "room-updated",
            Self::SessionDataUpdated { .. } => "session-data-updated",
            Self::WaitingUpdated { .. } => "waiting-updated",
            Self::WaitingLeft { .. } => "waiting-left",
            Self::RoomEnded { .. } => "room-ended",
            Self::AppMessage { .. } => "app-message",
            Self::Signal { .. } => "signal",
            Self::UnmuteRequest { .. } => "unmute-request",
            Self::SubscriptionUpdated { .. } => "subscription-updated",
            Self::SubscriberUpdated { .. } => "subscriber-updated",
            Self::SubscriptionSignal { .. } => "subscription-signal",
        }
    }
}
