//! Asking a room from outside: over REST, with no seat in it. Who asks is found out, and what is
//! told is taken out of the room, in the room's own task at the moment of deciding. It must not
//! know who keeps users, nor how answers look.

use std::time::Duration;

use rolecall_protocol::{
    id::{Cid, Seq, TeamId},
    room::{Command, Refusal, Reply, Room},
    team::Caller,
    wire::code::ErrorBody,
};
use tokio::sync::oneshot;

use super::{Ask, Hub};
use crate::journal::ReadError;

/// How often it is looked whether a room is gone, and how often before that is given up.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: usize = 300;

/// Something asked from outside.
pub struct OutsideAsk {
    pub(super) who: Who,
    pub(super) command: Option<Command>,
    pub(super) see: See,
}

/// Who asks something of a room of that team, as of now; nobody: the server side.
type Who = Box<dyn FnOnce(Option<&TeamId>) -> Result<Option<Caller>, Refusal> + Send>;
/// Takes out of the room what will be told once it is committed.
type See = Box<dyn FnOnce(Seen<'_>) -> Tell + Send>;
/// Tells it.
pub(super) type Tell = Box<dyn FnOnce() + Send>;

/// What came of it, and the room as it is then.
pub struct Seen<'a> {
    /// What came of the command; of a look, whether he may look.
    pub outcome: Result<Reply, ErrorBody>,
    /// The room, to be shown only where the outcome is good.
    pub room: &'a Room,
    /// Who asked; nobody: the server side, or somebody who was not even heard.
    pub caller: Option<&'a Caller>,
}

impl Hub {
    /// Asks a command of a room, or only looks at it; `see` takes out of it what is wanted. The
    /// room is woken where it sleeps.
    ///
    /// # Errors
    /// As [`Hub::ask`]. What the law refuses is told to `see`.
    pub async fn outside<T: Send + 'static>(
        &self,
        cid: &Cid,
        who: impl FnOnce(Option<&TeamId>) -> Result<Option<Caller>, Refusal> + Send + 'static,
        command: Option<Command>,
        see: impl FnOnce(Seen<'_>) -> T + Send + 'static,
    ) -> Result<T, ErrorBody> {
        let (answer, told) = oneshot::channel();
        let see = |seen: Seen<'_>| -> Tell {
            let told = see(seen);
            Box::new(move || drop(answer.send(told)))
        };
        let ask = OutsideAsk { who: Box::new(who), command, see: Box::new(see) };
        self.ask(cid, Ask::Outside(Box::new(ask))).await?;
        told.await.map_err(|_| ErrorBody::unavailable("the room fell while it was asked"))
    }

    /// Waits until the journal has nothing left of a room that was deleted; false where its name
    /// began anew, or somebody keeps it awake.
    ///
    /// # Errors
    /// [`ReadError`] of the journal.
    pub async fn gone(&self, cid: &Cid) -> Result<bool, ReadError> {
        for _ in 0..LOOKS_MAX {
            if !self.rooms.contains_key(cid) {
                let left = self.shared.journal.read(cid, Seq(0), 1).await?;
                return Ok(left.records.is_empty());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }
}
