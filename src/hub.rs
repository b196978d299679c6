//! The rooms that live on this node: a registry of mailboxes, one task behind each.
//!
//! Whoever wants something of a room enters it here: sessions, REST, the house itself. A room that
//! is asked for is started from its journal; one that panics is started again, once; one that
//! nobody is in goes to sleep.

pub mod fanout;
pub mod seat;

mod ask;
mod calls_kept;
pub mod changes;
pub mod listener;
mod listing;
mod output;
mod outside;
mod ring;
mod room_task;
mod snapshot;
mod wake;
pub mod whereabouts;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, mapref::entry::Entry};
use rolecall_protocol::{
    call_type::CallType,
    id::{Cid, Timestamp},
    room::{Actor, Command, Refusal, Reply},
    wire::code::ErrorBody,
};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::Instant,
};

pub use self::ask::{
    AccessAsk, AsideAsk, Ask, CallAsk, Fresh, Greeting, JoinAsk, KnockAsk, Knowing, Question,
    ReplyIn, ResumeAsk, Resumed, Seated, Spoken,
};
pub use self::outside::{OutsideAsk, Seen};
use crate::{
    calls::CallIndex, clock::Clock, config::Limits, directory::DirectoryHandle, journal::Journal,
    metrics,
};
use room_task::{End, RoomTask};
pub use wake::Found;
use whereabouts::Whereabouts;

/// A room that panics again within this is left down.
const FALL_AGAIN: Duration = Duration::from_secs(10);
/// How often a command finds its room asleep and wakes it, before it gives up.
const ENTER_TRIES_MAX: usize = 100;

/// What the rooms share.
pub struct Shared {
    /// Where events are committed.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Clock,
    /// The bounds.
    pub limits: Limits,
    /// In how large a room media may flow.
    pub mesh_max: usize,
    /// How long a seat outlives its socket.
    pub grace: Duration,
    /// The calls there are, as others ask for them.
    pub calls: Arc<CallIndex>,
    /// Users and call types.
    pub directory: DirectoryHandle,
    /// Where users are.
    pub whereabouts: Whereabouts,
    /// Whether teams that a token names count.
    pub trust_token_teams: bool,
    /// Since when this process has been there for anybody to come back to.
    pub started: Timestamp,
}

/// The registry of rooms.
pub struct Hub {
    shared: Arc<Shared>,
    rooms: Arc<DashMap<Cid, Mailbox>>,
    stopping: AtomicBool,
}

type Mailbox = mpsc::Sender<Envelope>;

/// Something asked of a room, and since when.
pub struct Envelope {
    ask: Ask,
    since: Instant,
}

impl Hub {
    /// An empty registry.
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            rooms: Arc::new(DashMap::new()),
            stopping: AtomicBool::new(false),
        }
    }

    /// What the rooms share.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Asks something of a room, which is started where it does not live yet. Sockets wait while the
    /// room's mailbox is full; what the server side asks is refused then.
    ///
    /// # Errors
    /// 404 where there is no such call type, 503 where there are too many rooms, or the room is down
    /// or too busy.
    pub async fn ask(&self, cid: &Cid, ask: Ask) -> Result<(), ErrorBody> {
        let mut envelope = Envelope { ask, since: Instant::now() };
        for tried in 0..ENTER_TRIES_MAX {
            let mailbox = self.enter(cid)?;
            // A socket waits its turn; a request is told to come again.
            let sent = match envelope.ask {
                Ask::Server { .. } | Ask::Look { .. } | Ask::Outside(_) => {
                    mailbox.try_send(envelope)
                }
                _ => mailbox.send(envelope).await.map_err(|back| TrySendError::Closed(back.0)),
            };
            match sent {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(_)) => {
                    return Err(ErrorBody::unavailable("the room has too much to do now"));
                }
                // The room went to sleep between the two: it is about to leave the registry.
                Err(TrySendError::Closed(back)) => envelope = back,
            }
            if tried > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Err(ErrorBody::unavailable("the room does not answer"))
    }

    /// Asks something of a room only if it lives; gives the question back otherwise.
    ///
    /// # Errors
    /// The question, where the room does not live here.
    pub async fn ask_live(&self, cid: &Cid, ask: Ask) -> Result<(), Ask> {
        let Some(mailbox) = self.rooms.get(cid).map(|room| room.clone()) else { return Err(ask) };
        let sent = mailbox.send(Envelope { ask, since: Instant::now() }).await;
        sent.map_err(|mpsc::error::SendError(envelope)| envelope.ask)
    }

    /// Asks something of a room, and waits for the answer.
    ///
    /// # Errors
    /// As [`Hub::ask`], and 503 where the room fell before it answered.
    pub async fn asked<T>(
        &self,
        cid: &Cid,
        ask: impl FnOnce(oneshot::Sender<T>) -> Ask,
    ) -> Result<T, ErrorBody> {
        let (answer, answered) = oneshot::channel();
        self.ask(cid, ask(answer)).await?;
        answered.await.map_err(|_| ErrorBody::unavailable("the room fell while it was asked"))
    }

    /// Asks a command of the server's own, and waits for its outcome.
    ///
    /// # Errors
    /// As [`Hub::ask`], and the law's refusals.
    pub async fn command(&self, cid: &Cid, command: Command) -> Result<Reply, ErrorBody> {
        self.asked(cid, |answer| Ask::Server { command, answer }).await?
    }

    /// The live state of a room as a holder of every right sees it, or only the room itself and its
    /// counts; nothing where there is none.
    ///
    /// # Errors
    /// As [`Hub::ask`].
    pub async fn look(
        &self,
        cid: &Cid,
        briefly: bool,
    ) -> Result<Option<serde_json::Value>, ErrorBody> {
        self.asked(cid, |answer| Ask::Look { briefly, answer }).await
    }

    /// Closes every room's sockets with "come back" and ends the rooms' tasks; no room is started
    /// any more.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let mailboxes: Vec<Mailbox> = self.rooms.iter().map(|room| room.value().clone()).collect();
        for mailbox in mailboxes {
            let _ = mailbox.send(Envelope { ask: Ask::Stop, since: Instant::now() }).await;
            mailbox.closed().await;
        }
    }

    fn enter(&self, cid: &Cid) -> Result<Mailbox, ErrorBody> {
        if let Some(room) = self.rooms.get(cid) {
            return Ok(room.clone());
        }
        let directory = self.shared.directory.now();
        let Some(entry) = directory.call_type(cid.call_type()) else {
            let message = format!("there is no call type `{}`", cid.call_type());
            return Err(ErrorBody::new(404, "unknown-call-type", message));
        };
        if self.rooms.len() >= self.shared.limits.rooms {
            return Err(ErrorBody::unavailable("too many rooms live here"));
        }
        if self.shared.journal.is_full(cid) {
            return Err(ErrorBody::unavailable("too many rooms are remembered here"));
        }
        if self.stopping.load(Ordering::SeqCst) {
            return Err(ErrorBody::unavailable("the server is going away"));
        }
        match self.rooms.entry(cid.clone()) {
            Entry::Occupied(room) => Ok(room.get().clone()),
            Entry::Vacant(place) => {
                let (mailbox, inbox) = mpsc::channel(self.shared.limits.mailbox);
                place.insert(mailbox.clone());
                let (shared, rooms) = (Arc::clone(&self.shared), Arc::clone(&self.rooms));
                tokio::spawn(keep(shared, rooms, cid.clone(), Arc::clone(&entry.call_type), inbox));
                Ok(mailbox)
            }
        }
    }
}

/// Runs a room to its end, and again if it falls.
///
/// A panic drops the task, and with it its fan-out, which closes the room's sockets with "come
/// back"; what had been committed is in the journal.
async fn keep(
    shared: Arc<Shared>,
    rooms: Arc<DashMap<Cid, Mailbox>>,
    cid: Cid,
    call_type: Arc<CallType>,
    mut inbox: mpsc::Receiver<Envelope>,
) {
    let _counted = metrics::Counted::room();
    let mut fell: Option<Instant> = None;
    loop {
        // In a task of its own, so that a journal it cannot stomach fells that task alone.
        let load = RoomTask::load(Arc::clone(&shared), cid.clone(), Arc::clone(&call_type));
        let task = match tokio::spawn(load).await {
            Ok(Ok(task)) => task,
            Ok(Err(error)) => {
                tracing::error!(room = %cid, %error, "room {cid} cannot be loaded");
                break;
            }
            Err(error) => {
                tracing::error!(room = %cid, %error, "room {cid} fell while it was loaded");
                break;
            }
        };
        match run(&shared, &rooms, &cid, task, inbox).await {
            Some(back) => inbox = back,
            None => return,
        }
        let now = Instant::now();
        if fell.is_some_and(|before| now - before < FALL_AGAIN) {
            tracing::error!(room = %cid, "room {cid} fell again at once and stays down for a while");
            inbox.close();
            tokio::time::sleep(FALL_AGAIN).await;
            break;
        }
        fell = Some(now);
        tracing::warn!(room = %cid, "room {cid} starts again from its journal");
    }
    inbox.close();
    rooms.remove(&cid);
}

/// Runs a room until it sleeps (nothing), or falls: then with the inbox of its next life.
async fn run(
    shared: &Shared,
    rooms: &DashMap<Cid, Mailbox>,
    cid: &Cid,
    mut task: Box<RoomTask>,
    mut inbox: mpsc::Receiver<Envelope>,
) -> Option<mpsc::Receiver<Envelope>> {
    let fresh_inbox = || {
        let (mailbox, fresh) = mpsc::channel(shared.limits.mailbox);
        rooms.insert(cid.clone(), mailbox);
        fresh
    };
    loop {
        match tokio::spawn(task.run(inbox)).await {
            Ok(End::Asleep) => {
                rooms.remove(cid);
                return None;
            }
            Ok(End::Awake(awake)) => {
                task = awake;
                inbox = fresh_inbox();
            }
            Ok(End::Broken(back)) if !back.is_closed() => return Some(back),
            Ok(End::Broken(_)) => return Some(fresh_inbox()),
            Err(error) => {
                tracing::error!(room = %cid, %error, "room {cid} fell");
                return Some(fresh_inbox());
            }
        }
    }
}

impl Shared {
    /// See [`Limits::remembered`].
    fn remembered(&self) -> Duration {
        self.limits.remembered(self.grace)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock.now_ms())
    }
}

fn refused(refusal: &Refusal) -> ErrorBody {
    ErrorBody::from(refusal)
}

/// The actor of a seated peer.
fn actor(from: &Seated) -> Actor {
    Actor::Peer(from.peer_id.clone())
}
