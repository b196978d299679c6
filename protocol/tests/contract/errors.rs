//! One of every error the protocol crate can answer with. It must not know where they are shown.

use rolecall_protocol::{
    capability::{Capabilities, Capability},
    dialect::native::call,
    grant::Silent,
    id::{RequestId, RoleName, Timestamp},
    media::TrackKind,
    room::Refusal,
    wire::{code::ErrorBody, frame::read_call},
};

fn refusals() -> Vec<Refusal> {
    let role = || RoleName::parse("speaker").unwrap();
    let all = vec![
        Refusal::NotAllowed(Capability::MuteUsers),
        Refusal::NotPermitted(Silent::SendEvent),
        Refusal::NotTheServer,
        Refusal::NotNeeded,
        Refusal::PeerTaken,
        Refusal::UnknownWaiting,
        Refusal::NotOpen(Timestamp(1_767_225_600_000)),
        Refusal::Closed,
        Refusal::Private { knocking: true },
        Refusal::TrackBlocked(TrackKind::Audio),
        Refusal::NoMediaBetween,
        Refusal::NotReceivable(TrackKind::ScreenVideo),
        Refusal::NoMesh(12),
        Refusal::Escalation(Capabilities::of(&[Capability::EndCall, Capability::UpdateCall])),
        Refusal::Owner,
        Refusal::OnSelf,
        Refusal::NotAPeer,
        Refusal::UnknownPeer,
        Refusal::UnknownRole(role()),
        Refusal::UnknownRequest,
        Refusal::UnknownSubscription,
        Refusal::RequestGone(RequestId::parse("role-1").unwrap()),
        Refusal::RequestPending,
        Refusal::TargetInSource(role()),
        Refusal::RoleFull(role()),
        Refusal::UnknownRoom,
        Refusal::RoomFull,
        Refusal::Blocked,
        Refusal::Banned,
        Refusal::Hidden,
        Refusal::TeamNeeded,
        Refusal::WrongTeam,
        Refusal::TooLarge { field: "data", max: 102_400 },
        Refusal::TooMany { what: "blocked users", max: 10_000 },
    ];
    // A new refusal does not compile here until it stands above, too.
    for refusal in &all {
        match refusal {
            Refusal::NotAllowed(_)
            | Refusal::NotPermitted(_)
            | Refusal::NotTheServer
            | Refusal::NotNeeded
            | Refusal::PeerTaken
            | Refusal::UnknownWaiting
            | Refusal::NotOpen(_)
            | Refusal::Closed
            | Refusal::Private { .. }
            | Refusal::TrackBlocked(_)
            | Refusal::NoMediaBetween
            | Refusal::NotReceivable(_)
            | Refusal::NoMesh(_)
            | Refusal::Escalation(_)
            | Refusal::Owner
            | Refusal::OnSelf
            | Refusal::NotAPeer
            | Refusal::UnknownPeer
            | Refusal::UnknownRole(_)
            | Refusal::UnknownRequest
            | Refusal::UnknownSubscription
            | Refusal::RequestGone(_)
            | Refusal::RequestPending
            | Refusal::TargetInSource(_)
            | Refusal::RoleFull(_)
            | Refusal::UnknownRoom
            | Refusal::RoomFull
            | Refusal::Blocked
            | Refusal::Banned
            | Refusal::Hidden
            | Refusal::TeamNeeded
            | Refusal::WrongTeam
            | Refusal::TooLarge { .. }
            | Refusal::TooMany { .. } => {}
        }
    }
    all
}

/// All of them, the law's first.
pub(crate) fn all() -> Vec<ErrorBody> {
    let long = format!(r#"{{"metadata":"{}"}}"#, "x".repeat(4095));
    let others = [
        read_call("{").unwrap_err().error,
        read_call("{}").unwrap_err().error,
        call::read("fly", "{}").unwrap_err(),
        call::read("setName", "{}").unwrap_err(),
        call::read("setMetadata", &long).unwrap_err(),
        ErrorBody::not_joined(),
        ErrorBody::already_joined(),
        ErrorBody::already_waiting(),
        ErrorBody::bad_token("the token's signature does not match"),
        ErrorBody::token_expired(),
        ErrorBody::wrong_room(),
        ErrorBody::session_gone(),
        ErrorBody::too_many(0.5),
        ErrorBody::unavailable("the room is busy"),
        ErrorBody::internal(),
    ];
    refusals().iter().map(ErrorBody::from).chain(others).collect()
}
