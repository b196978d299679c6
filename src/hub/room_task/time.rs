//! What time does to a room: it ends requests and seats, has caches forget, and puts a room that
//! nobody needs to sleep. It must not know what is asked of the room meanwhile.

use std::{sync::Arc, time::Duration};

use rolecall_protocol::{
    id::Timestamp,
    room::{Actor, Command},
};
use tokio::{sync::mpsc, time::Instant};

use super::{End, RoomTask};
use crate::hub::Envelope;

/// A room whose time-bound caches are due is woken no more often than this.
pub(super) const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// How long a room that does not exist waits for somebody to create it.
const VACANT_IDLE: Duration = Duration::from_secs(1);

impl RoomTask {
    /// Does what time does: ends requests and seats, forgets what nobody can need.
    pub(super) fn pass_time(&mut self) {
        let now = self.now();
        if self.room.next_deadline().is_some_and(|deadline| deadline <= now)
            && let Err(refusal) = self.act(Actor::Timer, Command::Tick)
        {
            tracing::error!(room = %self.cid, %refusal, "time was refused in room {}", self.cid);
        }
        if self.sweep_at.is_some_and(|at| at <= Instant::now()) {
            self.sweep(now);
        }
        let nobody = self.room.peers.is_empty() && self.room.waiting.is_empty();
        let empty = nobody && self.listeners.is_empty();
        self.empty_since =
            if empty { self.empty_since.or_else(|| Some(Instant::now())) } else { None };
        if self.sweep_at.is_none() && self.has_to_sweep() {
            self.sweep_at = Some(Instant::now() + SWEEP_EVERY);
        }
    }

    pub(super) fn next_wake(&self) -> Instant {
        let now = self.shared.now();
        let at = |deadline: Timestamp| Instant::now() + Duration::from_millis(deadline.since(now));
        let deadline = self.room.next_deadline().map(at);
        let idle = self.empty_since.map(|since| since + self.idle_term());
        let far = Instant::now() + Duration::from_secs(3600);
        [deadline, idle, self.sweep_at].into_iter().flatten().fold(far, Ord::min)
    }

    fn idle_term(&self) -> Duration {
        let vacant = self.room.created_at.is_none();
        if vacant { VACANT_IDLE } else { self.shared.limits.room_idle }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.empty_since.is_some_and(|since| since.elapsed() >= self.idle_term())
    }

    /// Leaves the registry's care: nobody can ask any more once the inbox is closed. Who asked just
    /// before is still answered, and keeps the room awake if he came in.
    pub(super) async fn fall_asleep(
        mut self: Box<Self>,
        mut inbox: mpsc::Receiver<Envelope>,
    ) -> End {
        inbox.close();
        let mut late = false;
        while let Some(envelope) = inbox.recv().await {
            late = true;
            self.answer(envelope.ask);
        }
        if late {
            return match self.settle().await {
                Ok(()) => End::Awake(self),
                Err(_) => End::Broken(inbox),
            };
        }
        let remembered = if self.room.created_at.is_none() || self.room.is_forgettable() {
            self.shared.calls.forget(&self.cid);
            self.forget(self.committed).await
        } else {
            self.shared.journal.snapshot(Arc::new(self.room.clone()), self.last).await
        };
        if let Err(error) = remembered {
            self.warn(&error, "went to sleep untidily");
        }
        tracing::debug!(room = %self.cid, "room {} sleeps", self.cid);
        End::Asleep
    }
}
