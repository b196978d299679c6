//! What is asked, and by whom. It must not know what follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{people::Newcomer, request::Wanted};
use crate::{
    call_type::CallType,
    capability::Capability,
    id::{PeerId, RequestId, RoleName, TeamId, Timestamp, UserId},
    json::{MessageData, Metadata},
    media::{TrackKind, TrackKinds},
    permissions::PermissionsPatch,
    team::Teams,
};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A peer of the room.
    Peer(PeerId),
    /// The server side: a server token, or the house itself. May do all.
    Server,
    /// Time that passed.
    Timer,
    /// Somebody who is not in yet; asks nothing but [`Command::Join`].
    Newcomer,
}

/// An intent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Command {
    /// Creates the room if there is none.
    Create { epoch: Arc<str>, team: Option<TeamId>, custom: Metadata },
    /// Comes in.
    Join(Box<Joining>),
    /// Goes out.
    Leave,
    /// The socket was lost; the seat is kept until then.
    Drop { until: Timestamp },
    /// A new socket took the seat again.
    Return,
    /// Ends what time ends: role requests, seats.
    Tick,
    /// `changeRoleOfPeer`
    ChangeRole { peer_id: PeerId, role: RoleName, force: bool },
    /// `changeRoleOfPeersWithRoles`
    ChangeRoles { of_roles: BTreeSet<RoleName>, to_role: RoleName },
    /// `acceptChangeRole`
    AcceptRole { request_id: RequestId },
    /// `rejectChangeRole`
    RejectRole { request_id: RequestId, reason: Option<String> },
    /// `cancelChangeRole`
    CancelRole { request_id: RequestId },
    /// `updateParticipant`
    UpdatePermissions { peer_id: PeerId, patch: Box<PermissionsPatch> },
    /// `updateParticipants`; `everybody` is the entry `"*"`.
    UpdateManyPermissions {
        everybody: Option<Box<PermissionsPatch>>,
        named: BTreeMap<PeerId, PermissionsPatch>,
    },
    /// `requestPermissions`
    RequestPermissions { permissions: BTreeSet<Wanted> },
    /// `answerPermissionRequest`
    AnswerPermissionRequest { request_id: RequestId, grant: bool, reason: Option<String> },
    /// `setTracks`
    SetTracks { on: TrackKinds, off: TrackKinds },
    /// `mute`
    Mute { whom: Whom, tracks: TrackKinds },
    /// `removePeer`
    RemovePeer { peer_id: PeerId, reason: Option<String>, block: bool },
    /// `blockUser`
    BlockUser { user_id: UserId },
    /// `unblockUser`
    UnblockUser { user_id: UserId },
    /// `endRoom`
    EndRoom { reason: Option<String> },
    /// `goLive`, `stopLive`
    SetBackstage { backstage: bool },
    /// `setName`
    SetName { name: Arc<str> },
    /// `setMetadata`
    SetMetadata { metadata: Metadata },
    /// `raiseHand`
    RaiseHand { raised: bool },
    /// `sendMessage`
    SendMessage { data: MessageData, to: Recipient },
    /// `signal`
    Signal { to: PeerId, data: MessageData },
    /// `explain`
    Explain { peer_id: Option<PeerId>, right: Right },
    /// Gives a user a standing role here, or takes it.
    SetMember { user_id: UserId, role: Option<RoleName> },
    /// Puts other roles and settings in force.
    AdoptCallType { call_type: Arc<CallType> },
}

/// All that coming in needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Who comes.
    pub newcomer: Newcomer,
    /// His teams.
    pub teams: Teams,
    /// Whether to create the room if there is none.
    pub create: bool,
    /// The epoch of a room thus created.
    pub epoch: Arc<str>,
    /// How many peers a room holds.
    pub peers_max: usize,
}

/// Whom `mute` concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// That one.
    Peer(PeerId),
    /// Everybody else in one of these roles.
    Roles(BTreeSet<RoleName>),
    /// Everybody else.
    Everybody,
}

/// To whom `sendMessage` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// That one.
    Peer(PeerId),
    /// Everybody else in one of these roles.
    Roles(BTreeSet<RoleName>),
    /// Everybody else.
    Everybody,
}

/// What `explain` is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A capability.
    Capability(Capability),
    /// Sending a kind of track.
    Track(TrackKind),
}

impl Command {
    /// Its name, for logs, metrics and the journal: the native method where there is one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Join(_) => "join",
            Self::Leave => "leave",
            Self::Drop { .. } => "drop",
            Self::Return => "resume",
            Self::Tick => "tick",
            Self::ChangeRole { .. } => "changeRoleOfPeer",
            Self::ChangeRoles { .. } => "changeRoleOfPeersWithRoles",
            Self::AcceptRole { .. } => "acceptChangeRole",
            Self::RejectRole { .. } => "rejectChangeRole",
            Self::CancelRole { .. } => "cancelChangeRole",
            Self::UpdatePermissions { .. } => "updateParticipant",
            Self::UpdateManyPermissions { .. } => "updateParticipants",
            Self::RequestPermissions { .. } => "requestPermissions",
            Self::AnswerPermissionRequest { .. } => "answerPermissionRequest",
            Self::SetTracks { .. } => "setTracks",
            Self::Mute { .. } => "mute",
            Self::RemovePeer { .. } => "removePeer",
            Self::BlockUser { .. } => "blockUser",
            Self::UnblockUser { .. } => "unblockUser",
            Self::EndRoom { .. } => "endRoom",
            Self::SetBackstage { backstage: false } => "goLive",
            Self::SetBackstage { backstage: true } => "stopLive",
            Self::SetName { .. } => "setName",
            Self::SetMetadata { .. } => "setMetadata",
            Self::RaiseHand { .. } => "raiseHand",
            Self::SendMessage { .. } => "sendMessage",
            Self::Signal { .. } => "signal",
            Self::Explain { .. } => "explain",
            Self::SetMember { .. } => "setMember",
            Self::AdoptCallType { .. } => "adoptCallType",
        }
    }
}
