//! What is asked of a room, and how whoever asks is told. It must not know what becomes of it.

use std::sync::Arc;

use rolecall_protocol::{
    dialect::Ear,
    id::{PeerId, Seq, Timestamp, UserId},
    room::{Command, Peer, Reply, Room, command::Joining},
    wire::{code::ErrorBody, frame::CallId},
};
use tokio::sync::oneshot;

use super::{changes::Anew, outside::OutsideAsk, seat::Seat};
use crate::auth::{Identity, Stay};

/// What is asked of a room.
pub enum Ask {
    /// Somebody comes in with a socket.
    Join(Box<JoinAsk>),
    /// Somebody knocks, and may have to wait.
    Knock(Box<KnockAsk>),
    /// Somebody asks what would become of his coming in.
    Access(Box<AccessAsk>),
    /// Who knocked went.
    StopWaiting {
        /// The id under which he waited.
        waiting_id: PeerId,
    },
    /// Somebody takes his seat again.
    Resume(Box<ResumeAsk>),
    /// A seated peer calls.
    Call(CallAsk),
    /// A peer calls, not by his socket.
    Aside(Box<AsideAsk>),
    /// A seated peer of another dialect asks of the room, and changes nothing.
    Question {
        /// Who.
        from: Seated,
        /// What.
        question: Question,
    },
    /// Somebody looks at the room as who he would be there, in or not.
    WouldBe {
        /// As the law wants to know him.
        joining: Box<Joining>,
        /// What he would be told.
        tell: Greeting,
        /// Told it.
        answer: oneshot::Sender<String>,
    },
    /// A seated peer wants the join reply anew.
    State {
        /// Which call.
        id: CallId,
        /// Who.
        from: Seated,
    },
    /// A seated peer's token has another end.
    Term {
        /// Who.
        from: Seated,
        /// In seconds since the epoch; unset: never.
        exp: Option<u64>,
        /// When it was made.
        issued: u64,
    },
    /// A seated peer's socket is gone; `left`: he closed it to leave.
    Gone {
        /// Who.
        from: Seated,
        /// Whether he left.
        left: bool,
    },
    /// The server side asks.
    Server {
        /// What.
        command: Command,
        /// Told the outcome.
        answer: oneshot::Sender<Result<Reply, ErrorBody>>,
    },
    /// Somebody outside of the room asks or looks.
    Outside(Box<OutsideAsk>),
    /// Somebody outside of the room listens no more.
    Unlisten {
        /// Who.
        id: Arc<str>,
    },
    /// Users are others now: who of those who listen sees which of them here.
    WhoKnow {
        /// They.
        users: Vec<UserId>,
        /// Told the ids of those who listen, by user.
        answer: oneshot::Sender<Knowing>,
    },
    /// The server side looks; told nothing where there is no such room.
    Look {
        /// Only the room itself and its counts.
        briefly: bool,
        /// Told the live state.
        answer: oneshot::Sender<Option<serde_json::Value>>,
    },
    /// The Directory changed; told once it is dealt with.
    Anew {
        /// What to read again.
        anew: Box<Anew>,
        /// Told then.
        answer: oneshot::Sender<()>,
    },
    /// The house closes.
    Stop,
}

/// Who of those who listen sees which users, by the ids of both.
pub type Knowing = Vec<(UserId, Vec<Arc<str>>)>;

/// Somebody who comes in.
pub struct JoinAsk {
    /// Which call.
    pub id: CallId,
    /// As the law wants to know him.
    pub joining: Joining,
    /// His socket.
    pub seat: Arc<Seat>,
    /// The secret by which he will resume.
    pub session: Arc<str>,
    /// When his token was made, in seconds since the epoch; none without a token.
    pub issued: Option<u64>,
    /// How he is spoken to, unless natively.
    pub spoken: Option<Spoken>,
    /// Told the outcome; where he is in, the reply went to his seat.
    pub answer: oneshot::Sender<Result<Seated, ErrorBody>>,
}

/// Somebody of another dialect who comes in.
pub struct Spoken {
    /// What he hears from then on.
    pub ear: Ear,
    /// The reply to his coming; what there is to see follows it.
    pub reply: Option<String>,
}

/// Somebody who knocks.
pub struct KnockAsk {
    /// As the law wants to know him; his peer's id is that under which he waits.
    pub joining: Joining,
    /// Told the answer once there is one: until when he may come in, or nothing. Dropped unsaid where
    /// the room fell.
    pub told: oneshot::Sender<Option<Timestamp>>,
    /// Told whether he waits now.
    pub answer: oneshot::Sender<Result<Reply, ErrorBody>>,
}

/// Somebody who asks what would become of his coming in.
pub struct AccessAsk {
    /// As the law wants to know him.
    pub joining: Joining,
    /// Told it.
    pub answer: oneshot::Sender<Result<Reply, ErrorBody>>,
}

/// Somebody who takes his seat again.
pub struct ResumeAsk {
    /// Which call.
    pub id: CallId,
    /// Whose seat.
    pub peer_id: PeerId,
    /// The hash of the secret he shows.
    pub session_hash: Arc<str>,
    /// The secret itself.
    pub session: Arc<str>,
    /// The epoch he knows.
    pub epoch: String,
    /// The last seq he saw.
    pub seq: Seq,
    /// His new socket.
    pub seat: Arc<Seat>,
    /// How he is spoken to, unless natively.
    pub spoken: Option<Spoken>,
    /// What a fresh token says, where he brought one.
    pub token: Option<Fresh>,
    /// Told the outcome, with the end of the token in force.
    pub answer: oneshot::Sender<Result<(Seated, Resumed), ErrorBody>>,
}

/// What a fresh token says.
pub struct Fresh {
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// How long he may stay with it.
    pub stay: Stay,
    /// When it was made, in seconds since the epoch.
    pub issued: u64,
}

impl Fresh {
    /// What that token says.
    ///
    /// # Errors
    /// 401 where its user's id is none.
    pub fn of(identity: &Identity) -> Result<Self, ErrorBody> {
        let user_id = identity.user_id.as_deref().map(UserId::parse).transpose();
        let user_id = user_id.map_err(|error| {
            ErrorBody::bad_token(format!("a claim of the token is wrong: {error}"))
        })?;
        Ok(Self { user_id, stay: identity.stay, issued: identity.issued() })
    }
}

/// What a session learns of the seat it took again.
pub struct Resumed {
    /// Who sits there.
    pub user_id: UserId,
    /// When he came in, in seconds since the epoch.
    pub came_s: u64,
    /// When he has to go unless he brings a fresh token, in seconds since the epoch.
    pub exp: Option<u64>,
    /// When it was made; none without a token.
    pub issued: Option<u64>,
}

/// A call of a seated peer.
pub struct CallAsk {
    /// Which call.
    pub id: CallId,
    /// A hash of method and params, by which a repeated call is known.
    pub hash: u64,
    /// What is asked.
    pub command: Command,
    /// Who asks.
    pub from: Seated,
    /// How the outcome is told, unless natively.
    pub reply: Option<ReplyIn>,
}

/// A call of a peer's that does not come by his socket.
pub struct AsideAsk {
    /// The id by which his client knows itself.
    pub known_as: PeerId,
    /// The hash of the secret of his session.
    pub session_hash: Arc<str>,
    /// What his token says, where he has one.
    pub token: Option<Fresh>,
    /// What is asked.
    pub command: Command,
    /// Told the outcome.
    pub answer: oneshot::Sender<Result<Reply, ErrorBody>>,
}

/// An outcome in another dialect's words.
pub type ReplyIn = Box<dyn FnOnce(&Result<Reply, ErrorBody>) -> String + Send>;
/// What is told to somebody who would be that peer of the room.
pub type Greeting = Box<dyn FnOnce(&Room, &Peer) -> String + Send>;
/// What of a room somebody of another dialect asks to be told; the frames are for him alone.
pub type Question = Box<dyn FnOnce(&Room, &mut Ear) -> Vec<String> + Send>;

/// A peer at one socket. Another socket may have taken his seat meanwhile.
#[derive(Clone)]
pub struct Seated {
    /// Who.
    pub peer_id: PeerId,
    /// At which socket.
    pub seat: Arc<Seat>,
}
