//! Why not: the law's refusals, each with its code and reason on the wire. It must not know frames.

use serde_json::{Map, Value, json};

use crate::{
    capability::{Capabilities, Capability},
    grant::Silent,
    id::{RequestId, RoleName, Timestamp},
    media::TrackKind,
};

/// The law said no. Nothing changed and nobody was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A capability is missing.
    #[error("`{0}` is needed")]
    NotAllowed(Capability),
    /// Only the server side may.
    #[error("only the server may do that")]
    NotTheServer,
    /// The room is not open yet.
    #[error("the room opens at {0}")]
    NotOpen(Timestamp),
    /// The time to come in has passed.
    #[error("the room has closed")]
    Closed,
    /// Only who was invited gets in.
    #[error("the room is private")]
    Private {
        /// Whether he may knock.
        knocking: bool,
    },
    /// Who could come in has no need to knock.
    #[error("you need not knock: join")]
    NotNeeded,
    /// Nobody of that id waits.
    #[error("nobody waits under that id")]
    UnknownWaiting,
    /// A permission is missing that shows as no capability.
    #[error("`{0}` is needed")]
    NotPermitted(Silent),
    /// The peer may not send such a track now.
    #[error("track `{0}` is blocked")]
    TrackBlocked(TrackKind),
    /// The sender may not send such a track to the asker now, or the asker not receive it.
    #[error("track `{0}` may not be received of that peer")]
    NotReceivable(TrackKind),
    /// Too many are here for media from peer to peer.
    #[error("no media in rooms of more than {0} peers")]
    NoMesh(usize),
    /// The two may not exchange signals.
    #[error("neither of the two may send to the other")]
    NoMediaBetween,
    /// It would give an administrative right that its asker lacks.
    #[error("it would grant what you lack yourself: {}", names(*.0))]
    Escalation(Capabilities),
    /// An owner is touched by nobody but himself and the server.
    #[error("the peer is an owner")]
    Owner,
    /// One cannot remove or block oneself, nor write to oneself.
    #[error("not to oneself")]
    OnSelf,
    /// Asked by somebody who is no peer, of a thing only a peer has.
    #[error("only a peer can do that")]
    NotAPeer,
    /// Somebody is here under the id that the newcomer chose.
    #[error("the peer id is taken")]
    PeerTaken,
    /// Not there, or not to be seen by the asker.
    #[error("no such peer")]
    UnknownPeer,
    /// The call type has no such role.
    #[error("unknown role `{0}`")]
    UnknownRole(RoleName),
    /// No such pending request of the asker's.
    #[error("no such request")]
    UnknownRequest,
    /// No such subscription of the asker's.
    #[error("no such subscription")]
    UnknownSubscription,
    /// The request ended.
    #[error("request `{0}` has ended")]
    RequestGone(RequestId),
    /// The target has a request pending (or the asker has too many).
    #[error("a request is pending")]
    RequestPending,
    /// A bulk change to one of the roles it changes.
    #[error("`{0}` is both target and source")]
    TargetInSource(RoleName),
    /// No more peers of that role.
    #[error("role `{0}` is full")]
    RoleFull(RoleName),
    /// There is no such room, and it was not to be created.
    #[error("no such room")]
    UnknownRoom,
    /// No more peers in the room.
    #[error("the room is full")]
    RoomFull,
    /// The user is blocked here.
    #[error("you are blocked from this room")]
    Blocked,
    /// The user is banned from everything.
    #[error("you are banned")]
    Banned,
    /// Who is hidden cannot be shown to everybody.
    #[error("the peer is hidden")]
    Hidden,
    /// Somebody of several teams has to say which one a new room is of.
    #[error("which team is the room of? you are in several")]
    TeamNeeded,
    /// The room is another team's.
    #[error("the room belongs to another team")]
    WrongTeam,
    /// The whole would be over its bound.
    #[error("`{field}` would be larger than {max} bytes")]
    TooLarge {
        /// Of what.
        field: &'static str,
        /// The bound.
        max: usize,
    },
    /// A list reached its bound.
    #[error("at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

fn names(capabilities: Capabilities) -> String {
    capabilities.iter().map(Capability::as_str).collect::<Vec<_>>().join(", ")
}

impl Refusal {
    /// The error code, in the manner of HTTP.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::OnSelf | Self::NotAPeer | Self::TargetInSource(_) | Self::TeamNeeded => 400,
            Self::NotAllowed(_)
            | Self::NotPermitted(_)
            | Self::NotTheServer
            | Self::NotOpen(_)
            | Self::Closed
            | Self::Private { .. }
            | Self::Banned
            | Self::Hidden
            | Self::TrackBlocked(_)
            | Self::NotReceivable(_)
            | Self::NoMesh(_)
            | Self::NoMediaBetween
            | Self::Escalation(_)
            | Self::Owner
            | Self::RoleFull(_)
            | Self::RoomFull
            | Self::Blocked
            | Self::WrongTeam => 403,
            Self::UnknownPeer
            | Self::UnknownRole(_)
            | Self::UnknownRequest
            | Self::UnknownSubscription
            | Self::UnknownWaiting
            | Self::UnknownRoom => 404,
            Self::RequestPending | Self::NotNeeded | Self::PeerTaken => 409,
            Self::RequestGone(_) => 410,
            Self::TooMany { .. } | Self::TooLarge { .. } => 413,
        }
    }

    /// The reason, a word for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAllowed(_)
            | Self::NotPermitted(_)
            | Self::NotTheServer
            | Self::TrackBlocked(_)
            | Self::NotReceivable(_)
            | Self::NoMediaBetween => "not-allowed",
            Self::NotOpen(_) => "not-open",
            Self::Closed => "closed",
            Self::Private { .. } => "private",
            Self::NoMesh(_) => "no-mesh",
            Self::Escalation(_) => "escalation",
            Self::Owner => "owner",
            Self::OnSelf => "self",
            Self::NotAPeer => "not-a-peer",
            Self::UnknownPeer => "unknown-peer",
            Self::UnknownRole(_) => "unknown-role",
            Self::UnknownRequest => "unknown-request",
            Self::UnknownSubscription => "unknown-subscription",
            Self::UnknownWaiting => "unknown-waiting",
            Self::NotNeeded => "not-needed",
            Self::PeerTaken => "peer-taken",
            Self::RequestGone(_) => "request-gone",
            Self::RequestPending => "request-pending",
            Self::TargetInSource(_) => "target-in-source",
            Self::RoleFull(_) => "role-full",
            Self::UnknownRoom => "unknown-room",
            Self::RoomFull => "room-full",
            Self::Blocked => "blocked",
            Self::Banned => "banned",
            Self::Hidden => "hidden",
            Self::TeamNeeded => "team-needed",
            Self::WrongTeam => "wrong-team",
            Self::TooMany { .. } => "too-many",
            Self::TooLarge { .. } => "too-large",
        }
    }

    /// The `data` of the wire's error: the reason, and what the client can act on.
    #[must_use]
    pub fn data(&self) -> Value {
        let mut data = Map::from_iter([("reason".to_owned(), json!(self.reason()))]);
        let more = match self {
            Self::NotAllowed(needs) => Some(("needs", json!(needs))),
            Self::NotPermitted(needs) => Some(("needs", json!(needs.as_str()))),
            Self::NotOpen(opens_at) => Some(("opensAt", json!(opens_at))),
            Self::Private { knocking } => Some(("knocking", json!(knocking))),
            Self::TrackBlocked(kind) => {
                data.insert("track".to_owned(), json!(kind));
                Some(("needs", json!(kind.capability())))
            }
            Self::NotReceivable(kind) => Some(("track", json!(kind))),
            Self::NoMesh(limit) => Some(("limit", json!(limit))),
            Self::Escalation(lacks) => Some(("lacks", json!(lacks))),
            Self::UnknownRole(role) | Self::TargetInSource(role) | Self::RoleFull(role) => {
                Some(("role", json!(role)))
            }
            Self::TooMany { max, .. } => Some(("max", json!(max))),
            Self::TooLarge { field, max } => {
                data.insert("field".to_owned(), json!(field));
                Some(("max", json!(max)))
            }
            Self::NoMediaBetween
            | Self::NotTheServer
            | Self::Closed
            | Self::Owner
            | Self::OnSelf
            | Self::NotAPeer
            | Self::UnknownPeer
            | Self::UnknownRequest
            | Self::UnknownSubscription
            | Self::UnknownWaiting
            | Self::NotNeeded
            | Self::PeerTaken
            | Self::RequestGone(_)
            | Self::RequestPending
            | Self::UnknownRoom
            | Self::RoomFull
            | Self::Blocked
            | Self::Banned
            | Self::Hidden
            | Self::TeamNeeded
            | Self::WrongTeam => None,
        };
        data.extend(more.map(|(key, value)| (key.to_owned(), value)));
        Value::Object(data)
    }
}
