//! What is asked, and by whom. It must not know what follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    admission::{Admission, AdmissionPatch},
    people::{Newcomer, Person},
    request::Wanted,
    session_data::SessionDataChange,
};
use crate::{
    call_type::{CallType, settings::SettingsPatchDocument},
    capability::Capability,
    id::{PeerId, RequestId, RoleName, SubscriptionId, TeamId, Timestamp, UserId},
    json::{MessageData, Metadata, SignalData},
    media::{TrackKind, TrackKinds},
    permissions::PermissionsPatch,
    team::{Caller, Standing},
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
    /// Somebody who is not in yet; asks nothing but [`Command::Join`] and [`Command::Knock`].
    Newcomer,
    /// Somebody over REST, in the room or not. With a peer here he is that peer: he may what his
    /// peers may, and is named by one of them.
    User(Box<Caller>),
}

/// An intent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Command {
    /// Creates the room if there is none.
    Create(Box<Creation>),
    /// Changes what is given of the room itself; settings are laid over those already changed here.
    UpdateRoom {
        custom: Option<Metadata>,
        settings: Option<SettingsPatchDocument>,
        starts_at: Option<Option<Timestamp>>,
    },
    /// Ends the room and forgets it: its name may begin anew.
    Delete,
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
    /// `setTracks`, as far as he may: of a client that tells what it does, and does not ask.
    TellTracks { on: TrackKinds, off: TrackKinds },
    /// `mute`
    Mute { whom: Whom, tracks: TrackKinds },
    /// `requestUnmute`
    RequestUnmute { whom: Whom, tracks: TrackKinds },
    /// `removePeer`
    RemovePeer { peer_id: PeerId, reason: Option<String>, block: bool },
    /// `blockUser`
    BlockUser { user_id: UserId },
    /// `unblockUser`
    UnblockUser { user_id: UserId },
    /// `endRoom`; unlocked, it may be entered again.
    EndRoom { reason: Option<String>, lock: bool },
    /// `goLive`, `stopLive`
    SetBackstage { backstage: bool },
    /// `knock`; so many may wait here.
    Knock { joining: Box<Joining>, waiting_max: usize },
    /// `access`: what would become of coming in now; nobody comes in.
    Access { joining: Box<Joining> },
    /// `answerWaiting`
    AnswerWaiting { waiting_id: PeerId, admit: bool },
    /// Who knocked went.
    StopWaiting { waiting_id: PeerId },
    /// Whose sockets were lost with the room's task wait no more.
    ForgetWaiting,
    /// `setAdmission`
    SetAdmission { patch: Box<AdmissionPatch> },
    /// `setName`
    SetName { name: Arc<str> },
    /// `setName` of somebody else.
    SetNameOf { peer_id: PeerId, name: Arc<str> },
    /// `setMetadata`
    SetMetadata { metadata: Metadata },
    /// `setMetadata` of somebody else's.
    SetMetadataOf { peer_id: PeerId, metadata: Metadata },
    /// `raiseHand`
    RaiseHand { raised: bool },
    /// `raiseHand` of somebody else's.
    RaiseHandOf { peer_id: PeerId, raised: bool },
    /// `sendMessage`; `speaker`: for whom the server side says it.
    SendMessage { data: MessageData, to: Recipient, speaker: Option<Box<Person>> },
    /// `signal`
    Signal { to: PeerId, data: MessageData },
    /// `subscribe`; of no kind at all nobody can ask.
    Subscribe { peer_id: PeerId, tracks: TrackKinds },
    /// `unsubscribe`
    Unsubscribe { subscription_id: SubscriptionId },
    /// `signalSubscription`
    SignalSubscription { subscription_id: SubscriptionId, data: SignalData },
    /// `setSessionData`
    SetSessionData { change: Box<SessionDataChange> },
    /// `explain`
    Explain { whom: Explainee, right: Right },
    /// Makes users members, changes what is given of those who are, and removes others. Whoever is
    /// in both lists is removed.
    UpdateMembers { set: BTreeMap<UserId, MemberPatch>, remove: BTreeSet<UserId> },
    /// Lets a user send kinds of media here, then stops him from sending others, until the session
    /// is over. Presence is no kind of media: asking for it does nothing.
    GrantUser { user_id: UserId, grant: BTreeSet<Wanted>, revoke: BTreeSet<Wanted> },
    /// Removes every peer of a user.
    KickUser { user_id: UserId, block: bool, reason: Option<String> },
    /// Pins a peer for everybody, or no longer.
    SetPin { user_id: UserId, peer_id: PeerId, pinned: bool },
    /// A reaction, passed on to everybody else.
    SendReaction { data: Metadata },
    /// A peer's token has another end, in seconds since the epoch; unset: never.
    Renew { exp: Option<u64> },
    /// What is known of a user everywhere has changed.
    RefreshUser { user_id: UserId, standing: Box<Standing> },
    /// Puts other roles and settings in force.
    AdoptCallType { call_type: Arc<CallType> },
}

/// All that creating a room may say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Creation {
    /// Which life of the name this will be.
    pub epoch: Arc<str>,
    /// The team asked for.
    pub team: Option<TeamId>,
    /// The customer's own data; unset: `{}`.
    pub custom: Option<Metadata>,
    /// Who creates it, where the server does so for somebody. A user always creates his own.
    pub created_by: Option<UserId>,
    /// Its first members.
    pub members: BTreeMap<UserId, MemberPatch>,
    /// What its settings are beside the call type's.
    pub settings: Option<SettingsPatchDocument>,
    /// When it is to start.
    pub starts_at: Option<Timestamp>,
    /// Who is let in, when, and with what; the server's alone to say.
    pub admission: Option<Box<Admission>>,
}

/// What is to be of one member; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPatch {
    /// His role here; given as none: `call_member` counts.
    pub role: Option<Option<RoleName>>,
    /// The customer's own data of this membership, whole.
    pub custom: Option<Metadata>,
}

/// All that coming in needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Who comes. His app role, his name where it is empty, and whether the room is foreign to him
    /// come from his standing.
    pub newcomer: Newcomer,
    /// What is known of him at this moment.
    pub standing: Standing,
    /// What his token changes of his role's permissions.
    pub permissions: Option<Box<PermissionsPatch>>,
    /// Whether he was invited: his token names this room.
    pub invited: bool,
    /// Whether to create the room if there is none.
    pub create: bool,
    /// Whether his token is good for beginning it, whatever his role: then the server began it.
    pub opens: bool,
    /// The epoch of a room thus created.
    pub epoch: Arc<str>,
    /// How many peers a room holds.
    pub peers_max: usize,
}

/// Whom `mute` and `requestUnmute` concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// That one.
    Peer(PeerId),
    /// Everybody else in one of these roles.
    Roles(BTreeSet<RoleName>),
    /// Every peer of these users.
    Users(BTreeSet<UserId>),
    /// Everybody else.
    Everybody,
}

/// Of whom `explain` is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explainee {
    /// The asker.
    Own,
    /// That peer.
    Peer(PeerId),
    /// That user, here or not.
    User(Box<Caller>),
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
            Self::Create(_) => "create",
            Self::UpdateRoom { .. } => "updateRoom",
            Self::Delete => "delete",
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
            Self::SetTracks { .. } | Self::TellTracks { .. } => "setTracks",
            Self::Mute { .. } => "mute",
            Self::RequestUnmute { .. } => "requestUnmute",
            Self::RemovePeer { .. } => "removePeer",
            Self::BlockUser { .. } => "blockUser",
            Self::UnblockUser { .. } => "unblockUser",
            Self::EndRoom { .. } => "endRoom",
            Self::SetBackstage { backstage: false } => "goLive",
            Self::SetBackstage { backstage: true } => "stopLive",
            Self::Knock { .. } => "knock",
            Self::Access { .. } => "access",
            Self::AnswerWaiting { .. } => "answerWaiting",
            Self::StopWaiting { .. } => "stopWaiting",
            Self::ForgetWaiting => "forgetWaiting",
            Self::SetAdmission { .. } => "setAdmission",
            Self::SetName { .. } | Self::SetNameOf { .. } => "setName",
            Self::SetMetadata { .. } | Self::SetMetadataOf { .. } => "setMetadata",
            Self::RaiseHand { .. } | Self::RaiseHandOf { .. } => "raiseHand",
            Self::SendMessage { .. } => "sendMessage",
            Self::Signal { .. } => "signal",
            Self::Subscribe { .. } => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::SignalSubscription { .. } => "signalSubscription",
            Self::SetSessionData { .. } => "setSessionData",
            Self::Explain { .. } => "explain",
            Self::UpdateMembers { .. } => "updateMembers",
            Self::GrantUser { .. } => "grantUser",
            Self::KickUser { .. } => "kickUser",
            Self::SetPin { pinned: true, .. } => "pin",
            Self::SetPin { pinned: false, .. } => "unpin",
            Self::SendReaction { .. } => "sendReaction",
            Self::Renew { .. } => "refreshToken",
            Self::RefreshUser { .. } => "refreshUser",
            Self::AdoptCallType { .. } => "adoptCallType",
        }
    }
}
