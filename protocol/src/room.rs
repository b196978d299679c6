//! The law of a room, as a state machine without clock, randomness or sockets.
//!
//! Two wings meet in [`decide`](mod@decide). The asking wing: what is asked and by whom
//! ([`command`]), whether it may be ([`authorize`](mod@authorize)), why not ([`refusal`]). The
//! telling wing: what happened ([`event`]), how it changes the room ([`apply`](mod@apply)), who is
//! told what ([`notice`]). What is, stands in [`state`].
//!
//! A command's way: [`turn`] authorizes and decides it on the room as it is; its events are then
//! committed one by one, each applied and told by [`commit`].

pub mod admission;
pub mod member;
pub mod people;
pub mod request;
pub mod session_data;
pub mod subscription;
pub mod waiting;

pub mod event;
pub mod state;
pub mod stored;

pub mod command;
pub mod refusal;
pub mod reply;
pub mod rights;

pub mod apply;
pub mod audience;
pub mod authorize;
pub mod body;
pub mod explain;
pub mod notice;

pub mod decide;

pub use admission::{Admission, AdmissionPatch};
pub use apply::apply;
pub use audience::Audience;
pub use authorize::{authorize, may_read};
pub use body::Body;
pub use command::{Actor, Command, Creation, Explainee, MemberPatch};
pub use decide::{Decision, decide};
pub use event::Event;
pub use member::{Member, Pin, SessionInfo, UserOverrides};
pub use notice::{Notice, commit};
pub use refusal::Refusal;
pub use reply::{Relay, Reply};
pub use rights::rights_of;
pub use session_data::{SessionData, SessionDataChange};
pub use state::{Peer, Room};
pub use subscription::Subscription;
pub use waiting::Waiting;

pub use crate::team::{Caller, Standing};

use crate::id::Timestamp;

/// As what the journal and notices name whoever asks: a user with a peer here as that peer.
#[must_use]
pub fn doer(room: &Room, actor: &Actor) -> people::Doer {
    authorize::Asker { room, actor }.doer()
}

/// Authorizes and decides one command on the room as it is; commits nothing.
///
/// # Errors
/// The [`Refusal`]; then nothing follows from the command.
pub fn turn(
    room: &Room,
    actor: Actor,
    command: Command,
    at: Timestamp,
) -> Result<Decision, Refusal> {
    decide(room, authorize(room, actor, command)?, at)
}
