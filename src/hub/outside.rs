//! Asking a room from outside: over REST, with no seat in it. Who asks is found out, and what is
//! told is taken out of the room, in the room's own task at the moment of deciding. It must not
//! know who keeps users, nor how answers look.

use rolecall_protocol::{
    id::{Cid, Seq, TeamId},
    room::{Command, Refusal, Reply, Room},
    team::Caller,
    wire::code::ErrorBody,
};
use tokio::sync::oneshot;

use super::{Ask, Hub, listener::Listener};
use crate::journal::ReadError;

/// Something asked from outside.
pub struct OutsideAsk {
    pub(super) who: Who,
    pub(super) command: Option<Command>,
    pub(super) see: See,
    pub(super) listener: Option<Box<Listener>>,
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
        self.outside_and_listen(cid, who, command, see, None).await
    }

    /// The same; where the outcome is good, that listener hears of the room from that moment on.
    ///
    /// # Errors
    /// As [`Hub::outside`]; 503 where too many listen already, and then nothing was done.
    pub async fn outside_and_listen<T: Send + 'static>(
        &self,
        cid: &Cid,
        who: impl FnOnce(Option<&TeamId>) -> Result<Option<Caller>, Refusal> + Send + 'static,
        command: Option<Command>,
        see: impl FnOnce(Seen<'_>) -> T + Send + 'static,
        listener: Option<Listener>,
    ) -> Result<T, ErrorBody> {
        let (who, listener) = (Box::new(who), listener.map(Box::new));
        let ask = |answer: oneshot::Sender<T>| {
            let see = Box::new(|seen: Seen<'_>| -> Tell {
                let told = see(seen);
                Box::new(move || drop(answer.send(told)))
            });
            Ask::Outside(Box::new(OutsideAsk { who, command, see, listener }))
        };
        self.asked(cid, ask).await
    }

    /// Deletes a room as the server, `hard` with its audit trail.
    ///
    /// # Errors
    /// As [`Hub::ask`], and 404 where there is none.
    pub async fn delete(&self, cid: &Cid, hard: bool) -> Result<(), ErrorBody> {
        let see = |seen: Seen<'_>| seen.outcome.map(|_| seen.room.seq);
        let deleted_at = self.outside(cid, |_| Ok(None), Some(Command::Delete), see).await??;
        if hard && let Err(error) = self.erase(cid, deleted_at).await {
            tracing::error!(room = %cid, %error, "room {cid} cannot be erased: {error}");
            return Err(ErrorBody::unavailable("its audit trail cannot be erased now"));
        }
        Ok(())
    }

    /// Erases the audit trail of a room up to where it was deleted.
    ///
    /// # Errors
    /// [`ReadError`] of the journal.
    pub async fn erase(&self, cid: &Cid, deleted_at: Seq) -> Result<(), ReadError> {
        self.shared.journal.erase(cid, deleted_at, self.shared.now()).await
    }
}
