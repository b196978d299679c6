//! What a room's task knows of its peers beside the room's own state: their sockets, their
//! sessions' secrets, what they called. None of it is committed.

use std::sync::Arc;

use rolecall_protocol::{
    dialect::Ear,
    id::{PeerId, Seq, Timestamp},
    room::{Actor, Command, people::Newcomer},
};
use tokio::time::Instant;

use super::{RoomTask, millis};
use crate::{
    hub::{
        Seated,
        calls_kept::CallsKept,
        output::{Class, Output},
        ring::ClassHistory,
        seat::Seat,
        whereabouts::Here,
    },
    journal::Called,
    metrics::Counted,
};

/// One peer's place in this task.
pub(super) struct Chair {
    /// His socket; none while he is dropped.
    pub(super) seat: Option<Arc<Seat>>,
    /// How many sockets he has had.
    pub(super) socket: u32,
    pub(super) history: ClassHistory,
    /// What he hears where he is not spoken to natively.
    pub(super) ear: Option<Ear>,
    pub(super) calls: CallsKept,
    /// The secret by which he resumes, where this process knows it.
    pub(super) session: Arc<str>,
    pub(super) issued: Issued,
    /// Whoever looks for him finds him here.
    _here: Option<Here>,
    _counted: Counted,
}

/// When a peer's token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Issued {
    /// Before this process knew him.
    Unknown,
    /// He has none.
    Never,
    /// In seconds since the epoch.
    At(u64),
}

impl From<Option<u64>> for Issued {
    fn from(issued: Option<u64>) -> Self {
        issued.map_or(Self::Never, Self::At)
    }
}

impl RoomTask {
    /// Gives a peer a place, without a socket yet.
    pub(super) fn sit_empty(&mut self, id: &PeerId) {
        let Some(peer) = self.room.peers.get(id) else { return };
        let chair = Chair {
            seat: None,
            socket: 0,
            history: ClassHistory::new(self.room.seq, peer.sees_hidden()),
            ear: None,
            calls: CallsKept::default(),
            session: "".into(),
            issued: Issued::Unknown,
            _here: self.here(&peer.who),
            _counted: Counted::peer(),
        };
        self.chairs.insert(id.clone(), chair);
    }

    /// He can be found in this room; without a token he is nobody whom the Directory knows.
    pub(super) fn here(&self, who: &Newcomer) -> Option<Here> {
        let known = who.user_id.as_str() != who.peer_id.as_str();
        known.then(|| self.shared.whereabouts.enter(&who.user_id, &self.cid))
    }

    /// Seats a socket: it hears everything from now on.
    pub(super) fn sit_down(
        &mut self,
        id: &PeerId,
        seat: &Arc<Seat>,
        session: &Arc<str>,
        ear: Option<Ear>,
    ) {
        self.mixed |= ear.is_some();
        if let Some(chair) = self.chairs.get_mut(id) {
            chair.ear = ear;
        }
        let Some(class) = self.class_of(id) else { return };
        let Some(chair) = self.chairs.get_mut(id) else { return };
        chair.seat = Some(Arc::clone(seat));
        chair.socket += 1;
        chair.session = Arc::clone(session);
        self.outputs.push(Output::Attach(id.clone(), Arc::clone(seat), class));
    }

    fn class_of(&self, id: &PeerId) -> Option<Class> {
        let native = self.chairs.get(id).is_none_or(|chair| chair.ear.is_none());
        self.room.peers.get(id).map(|peer| Class { sees_hidden: peer.sees_hidden(), native })
    }

    /// Takes note of the audience a peer is in after what was told up to `seq`.
    pub(super) fn turn_class(&mut self, id: &PeerId, seq: Seq) {
        let Some(class) = self.class_of(id) else { return };
        let Some(chair) = self.chairs.get_mut(id) else { return };
        chair.history.turn(seq, class.sees_hidden);
        if chair.seat.is_some() {
            self.outputs.push(Output::Turn(id.clone(), class));
        }
    }

    /// Whether that socket still is that peer's.
    pub(super) fn sits(&self, from: &Seated) -> bool {
        let seat = self.chairs.get(&from.peer_id).and_then(|chair| chair.seat.as_ref());
        seat.is_some_and(|seat| Arc::ptr_eq(seat, &from.seat))
    }

    /// A peer's socket is gone; his seat is kept for the grace.
    pub(super) fn drop_peer(&mut self, id: &PeerId) {
        if let Some(chair) = self.chairs.get_mut(id) {
            chair.seat = None;
            self.outputs.push(Output::Detach(id.clone()));
        }
        let until = self.now().plus(millis(self.shared.grace));
        if let Err(refusal) = self.act(Actor::Peer(id.clone()), Command::Drop { until }) {
            tracing::error!(room = %self.cid, peer = %id, %refusal, "a drop was refused");
        }
    }

    /// After a start from the journal: whoever was connected then is not now. Who was not either
    /// has the whole grace since there is somebody to come back to.
    pub(super) fn drop_the_unseated(&mut self) {
        let from = self.shared.started.plus(millis(self.shared.grace));
        let peers = self.room.peers.values();
        let short = peers.filter(|peer| peer.dropped_until.is_none_or(|until| until < from));
        let short: Vec<PeerId> = short.map(|peer| peer.id().clone()).collect();
        for peer in short {
            self.drop_peer(&peer);
        }
    }

    /// After a start with a lower bound: media that flowed between too many ends.
    pub(super) fn narrow_the_mesh(&mut self) {
        let too_many = self.room.is_beyond_mesh() && !self.room.subscriptions.is_empty();
        if too_many && let Err(refusal) = self.act(Actor::Timer, Command::Tick) {
            tracing::error!(room = %self.cid, %refusal, "time was refused in room {}", self.cid);
        }
    }

    /// Takes note of a call answered before the room was started.
    pub(super) fn remember(&mut self, call: &Called, at: Timestamp) {
        let max = self.shared.limits.calls_kept;
        if let Some(chair) = self.chairs.get_mut(&call.peer_id) {
            let Called { id, hash, reply, .. } = call.clone();
            chair.calls.keep(id, hash, 0, at, reply, max);
        }
    }

    /// Whether anything kept here grows old.
    pub(super) fn has_to_sweep(&self) -> bool {
        self.ring.next_expiry().is_some()
            || self.chairs.values().any(|chair| chair.calls.oldest().is_some())
    }

    /// Forgets what nobody can need any more.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.ring.expire(now);
        let keep = millis(self.shared.limits.calls_kept_for);
        for chair in self.chairs.values_mut() {
            chair.calls.expire(now, keep);
        }
        if self.has_to_sweep() {
            self.snapshots.shrink()
        } else {
            self.snapshots.clear()
        }
        self.sweep_at = self.has_to_sweep().then(|| Instant::now() + super::time::SWEEP_EVERY);
    }
}
