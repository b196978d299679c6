//! The single owner of one room: takes what is asked from the mailbox, has the law decide it,
//! commits all of a drain with one append, then says what there is to say and writes once.
//!
//! It awaits its mailbox, time and the journal, and nothing else. What it says before the append
//! stands in `outputs`; nothing of that is told unless the append went through.

mod asks;
mod ears;
mod listeners;
mod outside;
mod seats;
mod standing;
mod time;
mod waiting;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rolecall_protocol::{
    call_type::CallType,
    dialect::native,
    id::{Cid, PeerId, Seq, Timestamp},
    room::{
        self, Actor, Audience, Command, Event, Notice, Refusal, Reply, Room, event::LeftReason,
        notice, people::Doer,
    },
    wire::{
        code,
        frame::{self, CallId},
    },
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    Envelope, Shared,
    fanout::{Fanout, FanoutLimits},
    listing::Listing,
    output::{self, Class, Output, close_with, native_close},
    ring::Ring,
    seat::Close,
    snapshot::Snapshots,
};
use crate::{
    journal::{AppendError, Called, ReadError, Record},
    metrics,
};
use listeners::Listeners;
use seats::Chair;

/// Bytes staged before a drain is committed early, so that a storm of joins stays bounded.
const STAGED_BYTES_MAX: usize = 1024 * 1024;
/// A room of so many writes less by looking round for more to say before it speaks.
const GATHER_FROM: usize = 32;

/// How a room's task ended.
pub(super) enum End {
    /// Nobody is there; the journal has what is to be remembered.
    Asleep,
    /// It was about to sleep, and somebody came.
    Awake(Box<RoomTask>),
    /// The journal refused; the room starts again from what the journal has.
    Broken(mpsc::Receiver<Envelope>),
}

/// One room, alive.
pub(super) struct RoomTask {
    shared: Arc<Shared>,
    cid: Cid,
    room: Room,
    fanout: Fanout<PeerId, Class>,
    ring: Ring,
    snapshots: Snapshots,
    listing: Listing,
    /// What is known of each peer beside the room's own state.
    chairs: BTreeMap<PeerId, Chair>,
    /// Whether anybody is or was here who is not spoken to natively.
    mixed: bool,
    /// Requests that wait for others to end, and whether one has.
    later: Vec<ears::Later>,
    asked_ended: bool,
    /// How to tell who waits before the room.
    knockers: BTreeMap<PeerId, oneshot::Sender<Option<Timestamp>>>,
    listeners: Listeners,
    /// What will be said and done, in order, once `records` are committed.
    outputs: Vec<Output>,
    /// Sockets to be closed behind the reply that is being made.
    closings: Vec<(PeerId, Close)>,
    staged_bytes: usize,
    encodes: u64,
    records: Vec<Arc<Record>>,
    /// Where the journal is.
    committed: Seq,
    /// Where the room was deleted, until the journal knows.
    deleted: Option<Seq>,
    /// Records appended since the last snapshot.
    since_snapshot: usize,
    /// When the next snapshot may be taken.
    snapshot_from: Timestamp,
    /// The last moment anything was decided; time never goes back within a room.
    last: Timestamp,
    empty_since: Option<Instant>,
    sweep_at: Option<Instant>,
}

impl RoomTask {
    /// Starts the room from its journal. Boxed, as the futures it passes through would each have
    /// room for it.
    pub(super) async fn load(
        shared: Arc<Shared>,
        cid: Cid,
        call_type: Arc<CallType>,
    ) -> Result<Box<Self>, ReadError> {
        let since = Timestamp(shared.now().since(Timestamp(millis(shared.remembered()))));
        let loaded = shared.journal.load(&cid, since).await?;
        let (mut room, records) = loaded.begin(&cid, &call_type);
        let limits = &shared.limits;
        room.role_request_ttl_ms = millis(limits.role_request_ttl);
        room.mesh_max = shared.mesh_max;
        room.session_data_max = limits.session_data_bytes;
        // Older notices cannot have been missed by anybody whose seat is still kept.
        let silence = limits.ping_interval + limits.pong_timeout;
        let keep = millis(shared.grace + silence + Duration::from_secs(10));
        let mut task = Box::new(Self {
            fanout: Fanout::new(FanoutLimits::default()),
            ring: Ring::new(limits.notices_kept, keep, room.seq),
            snapshots: Snapshots::default(),
            listing: Listing::default(),
            chairs: BTreeMap::new(),
            mixed: false,
            later: Vec::new(),
            asked_ended: false,
            knockers: BTreeMap::new(),
            listeners: Listeners::default(),
            outputs: Vec::new(),
            closings: Vec::new(),
            staged_bytes: 0,
            encodes: 0,
            records: Vec::new(),
            committed: room.seq,
            deleted: None,
            since_snapshot: 0,
            snapshot_from: shared.now().plus(millis(shared.remembered())),
            last: Timestamp(0),
            empty_since: None,
            sweep_at: None,
            shared,
            cid,
            room,
        });
        let peers: Vec<PeerId> = task.room.peers.keys().cloned().collect();
        for peer in peers {
            task.sit_empty(&peer);
        }
        for record in records {
            task.last = task.last.max(record.at);
            for event in &record.events {
                task.commit(event, record.at);
            }
            if let Some(call) = &record.call {
                task.remember(call, record.at);
            }
            task.committed = record.seq;
        }
        // It was all told before: nobody is told twice.
        task.outputs.clear();
        task.closings.clear();
        task.staged_bytes = 0;
        task.listing = Listing::of(&task.room, &task.shared.calls);
        task.drop_the_unseated();
        task.forget_waiting();
        task.narrow_the_mesh();
        task.read_directory();
        Ok(task)
    }

    /// Runs the room until nobody needs it.
    pub(super) async fn run(mut self: Box<Self>, mut inbox: mpsc::Receiver<Envelope>) -> End {
        let mut drained = Vec::new();
        if self.settle().await.is_err() {
            return End::Broken(inbox);
        }
        loop {
            let wake = self.next_wake();
            tokio::select! {
                taken = inbox.recv_many(&mut drained, self.shared.limits.drain) => {
                    if taken == 0 {
                        return End::Asleep;
                    }
                    if self.fanout.len() >= GATHER_FROM {
                        gather(&mut inbox, &mut drained, self.shared.limits.drain).await;
                    }
                }
                () = sleep_until(wake) => {}
            }
            let mut stop = false;
            for envelope in drained.drain(..) {
                metrics::room_lag(envelope.since.elapsed());
                stop |= self.answer(envelope.ask);
                if self.staged_bytes > STAGED_BYTES_MAX && self.settle().await.is_err() {
                    return End::Broken(inbox);
                }
            }
            self.pass_time();
            self.ask_later();
            if let Err(error) = self.settle().await {
                tracing::error!(room = %self.cid, %error, "room {} could not commit", self.cid);
                return End::Broken(inbox);
            }
            if stop {
                let going = native_close(code::Close::GoingAway);
                self.fanout.close_all(&going);
                self.listeners.close_all();
                inbox.close();
                return End::Asleep;
            }
            if self.is_idle() {
                return self.fall_asleep(inbox).await;
            }
        }
    }

    /// Authorizes, decides and applies a command; stages its notices.
    fn act(&mut self, actor: Actor, command: Command) -> Result<Reply, Refusal> {
        self.act_for(actor, command, None)
    }

    /// The same, for a call under that id and hash, which its record remembers.
    fn act_for(
        &mut self,
        actor: Actor,
        command: Command,
        call: Option<(&CallId, u64)>,
    ) -> Result<Reply, Refusal> {
        let method = command.name();
        let by = match (&actor, &command) {
            (Actor::Newcomer, Command::Join(joining)) => {
                Doer::Peer(joining.newcomer.peer_id.clone())
            }
            _ => room::doer(&self.room, &actor),
        };
        let at = self.now();
        let decision = room::turn(&self.room, actor, command, at)?;
        for event in &decision.events {
            self.commit(event, at);
        }
        if !decision.events.is_empty() {
            let call = match (&by, call) {
                (Doer::Peer(peer_id), Some((id, hash))) => {
                    let reply = frame::reply(id, &decision.reply).into();
                    Some(Called { peer_id: peer_id.clone(), id: id.clone(), hash, reply })
                }
                _ => None,
            };
            let (seq, events) = (self.room.seq, decision.events);
            let record = Record { seq, at, by, method: method.into(), events, call };
            self.records.push(Arc::new(record));
        }
        if let Some(relay) = &decision.relay {
            for notice in notice::relayed(&self.room, relay, at) {
                self.stage(notice);
            }
            self.let_hear_relayed(relay, at);
        }
        Ok(decision.reply)
    }

    /// The moment of what is decided next.
    fn now(&mut self) -> Timestamp {
        self.last = self.last.max(self.shared.now());
        self.last
    }

    /// Applies one event and stages what it tells.
    fn commit(&mut self, event: &Event, at: Timestamp) {
        let before = self.room.seq;
        let unheard = self.before_it_is_heard(event);
        self.listing.note(&self.room, event);
        let notices = room::commit(&mut self.room, event, at);
        if let Some(id) = event.peer() {
            match event {
                Event::PeerJoined { .. } => {
                    if let Some(peer) = self.room.peers.get(id) {
                        self.snapshots.joined(peer);
                    }
                    self.sit_empty(id);
                }
                _ => self.snapshots.changed(id),
            }
            self.turn_class(id, before);
        }
        for notice in notices {
            self.stage(notice);
        }
        self.let_hear(unheard, event, at);
        self.note_waiting(event);
        self.asked_ended |= matches!(event, Event::RoleRequestEnded { .. });
        match event {
            Event::PeerLeft { peer_id, reason, note, by } => {
                self.bid_farewell(peer_id, *reason, by, note.as_deref());
                self.left(peer_id, *reason, note.as_deref())
            }
            Event::RoomClosed { reason, .. } | Event::RoomEnded { reason, .. } => {
                self.everybody_out(reason.as_deref())
            }
            Event::RoomDeleted { .. } => {
                self.deleted = Some(self.room.seq);
                self.everybody_out(None);
            }
            _ => {}
        }
    }

    /// The room ended.
    fn everybody_out(&mut self, note: Option<&str>) {
        self.snapshots.clear();
        for peer in std::mem::take(&mut self.chairs).into_keys() {
            self.ring.forget(&peer);
            self.closings.push((peer, close_with(code::Close::Ended, note)));
        }
    }

    /// A peer is out: his chair is gone, and his socket with it.
    fn left(&mut self, peer: &PeerId, reason: LeftReason, note: Option<&str>) {
        self.ring.forget(peer);
        if self.chairs.remove(peer).is_none_or(|chair| chair.seat.is_none()) {
            return;
        }
        let close = match reason {
            LeftReason::Removed => close_with(code::Close::Removed, note),
            LeftReason::Ended => native_close(code::Close::Ended),
            LeftReason::Left | LeftReason::Lost | LeftReason::Hidden => {
                native_close(code::Close::Left)
            }
        };
        self.closings.push((peer.clone(), close));
    }

    /// Encodes a notice, once for all who hear it, and keeps it for those who resume.
    fn stage(&mut self, notice: Notice) {
        if self.chairs.is_empty() {
            return;
        }
        self.translate(&notice);
        let text: Arc<str> = native::notice(&notice).into();
        self.encodes += 1;
        self.staged_bytes += text.len();
        let Notice { seq, at, audience, .. } = notice;
        if let Some(seq) = seq {
            self.ring.push(seq, at, Audience::clone(&audience), Arc::clone(&text));
        }
        self.outputs.push(Output::Notice(audience, text));
    }

    /// Stages a frame for one peer.
    fn stage_private(&mut self, peer: &PeerId, text: Arc<str>) {
        self.staged_bytes += text.len();
        self.outputs.push(Output::Private(peer.clone(), text));
    }

    /// Closes what the command at hand is to close, behind its reply.
    fn stage_closings(&mut self) {
        let closings = self.closings.drain(..);
        self.outputs.extend(closings.map(|(peer, close)| Output::Close(peer, close)));
    }

    /// Commits what was decided, then says it.
    async fn settle(&mut self) -> Result<(), AppendError> {
        let records = std::mem::take(&mut self.records);
        if let Some(seq) = records.last().map(|record| record.seq) {
            self.since_snapshot += records.len();
            self.shared.journal.append(&self.cid, self.committed, records).await?;
            self.committed = seq;
            self.listing.publish(&self.room, &self.shared.calls);
        }
        if let Some(up_to) = self.deleted {
            match self.forget(up_to).await {
                Ok(()) => self.deleted = None,
                // It was appended, so a start would find it deleted; and it is tried again.
                Err(error) => self.warn(&error, "is deleted untidily"),
            }
        }
        self.stage_closings();
        for output in self.outputs.drain(..) {
            output::tell(&mut self.fanout, output);
        }
        self.staged_bytes = 0;
        if self.fanout.is_pending() {
            let stats = self.fanout.flush();
            metrics::deliveries(stats.deliveries as u64);
        }
        if self.encodes > 0 {
            metrics::encodes(std::mem::take(&mut self.encodes));
        }
        if self.is_snapshot_due() {
            self.since_snapshot = 0;
            self.snapshot_from = self.last.plus(millis(self.shared.remembered()));
            let snapshot = Arc::new(self.room.clone());
            if let Err(error) = self.shared.journal.snapshot(snapshot, self.last).await {
                self.warn(&error, "is without a new snapshot");
            }
        }
        Ok(())
    }

    /// Whether enough was appended since the last snapshot, and long enough ago that the one before
    /// it still tells all that somebody may have missed; whichever, once there is too much to replay.
    fn is_snapshot_due(&self) -> bool {
        let limits = &self.shared.limits;
        let due = self.since_snapshot >= limits.journal_records_kept.max(2) / 2;
        due && (self.last > self.snapshot_from || self.since_snapshot >= limits.journal_tail)
    }

    /// Has the journal begin from nothing after `up_to`.
    async fn forget(&mut self, up_to: Seq) -> Result<(), ReadError> {
        self.shared.journal.forget(&self.cid, up_to, self.shared.now()).await
    }

    fn warn(&self, error: &ReadError, what: &str) {
        tracing::warn!(room = %self.cid, %error, "room {} {what}: {error}", self.cid);
    }
}

/// Lets everybody who is about to ask something do so before a large room answers: a sender wakes
/// the room's task ahead of all who are ready, and every round is a write to each member. Where
/// nobody is ready there is no waiting.
async fn gather(inbox: &mut mpsc::Receiver<Envelope>, drained: &mut Vec<Envelope>, max: usize) {
    tokio::task::yield_now().await;
    while drained.len() < max
        && let Ok(envelope) = inbox.try_recv()
    {
        drained.push(envelope);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
