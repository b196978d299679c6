//! One room's way out: frames encoded once per audience class, written once per seat and round.
//!
//! What a room says between two flushes is a round. Each class of audience has one buffer of
//! encoded frames for the round, and most members take that buffer as it is, with one write. A
//! member whose round differs (a reply of its own, a message it sent itself, a late entry, a change
//! of class) takes it in segments, in exactly the order in which things were said to it.
//!
//! A fan-out belongs to one room's task. It knows nothing of rooms: keys and classes are opaque.

use std::{collections::BTreeMap, io::IoSlice, mem, sync::Arc};

use super::seat::{Close, Seat, Written, frame};

/// Capacity a round's buffer keeps for the next round: a notice or two. Beside a write, allocating
/// more costs nothing; there are many idle rooms.
const KEPT_CAPACITY: usize = 1024;

/// The bounds of one room's fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanoutLimits {
    /// Bytes one class's round, or all private frames of a round, may hold before they are written early.
    pub pending_bytes: usize,
}

impl Default for FanoutLimits {
    fn default() -> Self {
        Self { pending_bytes: 256 * 1024 }
    }
}

/// What was written since the flush before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlushStats {
    /// Writes: one per seat and round, unless a round was so large that part of it went early.
    pub writes: usize,
    /// Bytes the sockets and their backlogs took.
    pub bytes: usize,
    /// Frames times seats they were written to.
    pub deliveries: usize,
    /// Frames times seats that were closed already, or closed by this write as too slow.
    pub dropped: usize,
}

/// The seats of one room, by an ordered key `K`, each in a class of audience `C`.
///
/// Dropped without [`Fanout::close_all`], as when its task panics, it closes every seat with
/// [`Close::ROOM_RESTARTED`].
#[derive(Debug)]
pub struct Fanout<K: Ord + Clone, C: Copy + Eq> {
    limits: FanoutLimits,
    members: BTreeMap<K, Member>,
    /// Those who left this round and are still owed its beginning.
    leavers: Vec<(Member, Option<Close>)>,
    /// One per class; a slot of a class without members is taken by the next new class.
    rounds: Vec<Round<C>>,
    /// Frames for single members, each in the segments of those it is for.
    private: Frames,
    /// Members with segments; may name some who have left.
    touched: Vec<K>,
    stats: FlushStats,
}

#[derive(Debug)]
struct Round<C> {
    class: C,
    members: usize,
    frames: Frames,
}

#[derive(Debug)]
struct Member {
    seat: Arc<Seat>,
    /// Index of its class's round.
    round: usize,
    /// What it has yet to be told of that round starts here, behind the segments.
    since: Mark,
    segments: Vec<Segment>,
}

/// A piece of a member's round: `from..to` of its source.
#[derive(Clone, Copy, Debug)]
struct Segment {
    source: Source,
    from: Mark,
    to: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Private,
    Round(usize),
}

/// A place between two frames of a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    byte: usize,
    frame: usize,
}

/// Encoded frames of a round.
#[derive(Debug, Default)]
struct Frames {
    bytes: Vec<u8>,
    count: usize,
}

impl<K: Ord + Clone, C: Copy + Eq> Fanout<K, C> {
    /// An empty fan-out.
    pub fn new(limits: FanoutLimits) -> Self {
        Self {
            limits,
            members: BTreeMap::new(),
            leavers: Vec::new(),
            rounds: Vec::new(),
            private: Frames::default(),
            touched: Vec::new(),
            stats: FlushStats::default(),
        }
    }

    /// Adds a seat, which hears what is said to its class from now on.
    ///
    /// A seat that held the key before is detached; close it first if it is to be told why.
    pub fn attach(&mut self, key: K, seat: Arc<Seat>, class: C) {
        self.detach(&key);
        let round = self.join_round(class);
        let since = self.rounds[round].frames.mark();
        self.members.insert(key, Member { seat, round, since, segments: Vec::new() });
    }

    /// Removes a seat without closing it; what it was told before is still written.
    pub fn detach(&mut self, key: &K) {
        self.leave(key, None);
    }

    /// Removes a seat and closes it behind what it was told before.
    pub fn close(&mut self, key: &K, close: Close) {
        self.leave(key, Some(close));
    }

    /// Moves a seat to another class: it hears the old one up to now, the new one from now on.
    pub fn set_class(&mut self, key: &K, class: C) {
        let Some(member) = self.members.get(key) else { return };
        let old = member.round;
        if self.rounds[old].class == class {
            return;
        }
        let new = self.join_round(class);
        self.cut(key);
        let since = self.rounds[new].frames.mark();
        if let Some(member) = self.members.get_mut(key) {
            member.round = new;
            member.since = since;
        }
        self.rounds[old].members -= 1;
    }

    /// Says `payload`, one encoded text, to every member of `class` but `except`.
    pub fn publish(&mut self, class: C, except: Option<&K>, payload: &[u8]) {
        let Some(round) = self.round_of(class) else { return };
        if self.rounds[round].frames.is_full(self.limits.pending_bytes, payload.len()) {
            self.write_round();
        }
        let excepted =
            except.filter(|key| self.members.get(key).is_some_and(|member| member.round == round));
        if let Some(key) = excepted {
            self.cut(key);
        }
        self.rounds[round].frames.put(&[payload]);
        if let Some(member) = excepted.and_then(|key| self.members.get_mut(key)) {
            member.since = self.rounds[round].frames.mark();
        }
    }

    /// Says `payload`, one encoded text, to one member.
    pub fn send(&mut self, key: &K, payload: &[u8]) {
        self.send_parts([key], &[payload]);
    }

    /// Says one encoded text to several members, keeping one copy.
    pub fn send_shared<'a>(&mut self, keys: impl IntoIterator<Item = &'a K>, payload: &[u8])
    where
        K: 'a,
    {
        self.send_parts(keys, &[payload]);
    }

    /// Says one text, given in parts (such as an envelope around a cached snapshot), to several members.
    pub fn send_parts<'a>(&mut self, keys: impl IntoIterator<Item = &'a K>, payload: &[&[u8]])
    where
        K: 'a,
    {
        let len = payload.iter().map(|part| part.len()).sum();
        if self.private.is_full(self.limits.pending_bytes, len) {
            self.write_touched();
        }
        let from = self.private.mark();
        for key in keys {
            if !self.members.contains_key(key) {
                continue;
            }
            if self.private.mark() == from {
                self.private.put(payload);
            }
            self.cut(key);
            let to = self.private.mark();
            self.push(key, Segment { source: Source::Private, from, to });
        }
    }

    /// Ends the round: writes everything pending, once per seat, and closes those to be closed.
    pub fn flush(&mut self) -> FlushStats {
        if self.rounds.iter().any(|round| !round.frames.is_empty()) {
            self.write_round();
        } else {
            self.write_touched();
        }
        mem::take(&mut self.stats)
    }

    /// Flushes, then closes and removes every seat.
    pub fn close_all(&mut self, close: &Close) -> FlushStats {
        let stats = self.flush();
        self.abandon(close);
        stats
    }

    /// Whether a flush would write or close anything.
    pub fn is_pending(&self) -> bool {
        !self.leavers.is_empty()
            || !self.private.is_empty()
            || self.rounds.iter().any(|round| !round.frames.is_empty())
    }

    /// Classes with at least one member: those a notice is worth encoding for.
    pub fn classes(&self) -> impl Iterator<Item = C> + '_ {
        self.rounds.iter().filter(|round| round.members > 0).map(|round| round.class)
    }

    /// The class of a member.
    pub fn class_of(&self, key: &K) -> Option<C> {
        self.members.get(key).map(|member| self.rounds[member.round].class)
    }

    /// The seat of a member.
    pub fn seat(&self, key: &K) -> Option<&Arc<Seat>> {
        self.members.get(key).map(|member| &member.seat)
    }

    /// The members' keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.members.keys()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn round_of(&self, class: C) -> Option<usize> {
        self.rounds.iter().position(|round| round.class == class && round.members > 0)
    }

    /// The round of `class`, one member richer.
    fn join_round(&mut self, class: C) -> usize {
        // Frames said to a class that has lost its members may still be owed to leavers.
        let slot = self.rounds.iter().position(|round| round.class == class).or_else(|| {
            self.rounds.iter().position(|round| round.members == 0 && round.frames.is_empty())
        });
        match slot {
            Some(at) => {
                self.rounds[at].class = class;
                self.rounds[at].members += 1;
                at
            }
            None => {
                self.rounds.push(Round { class, members: 1, frames: Frames::default() });
                self.rounds.len() - 1
            }
        }
    }

    fn leave(&mut self, key: &K, close: Option<Close>) {
        self.cut(key);
        let Some(member) = self.members.remove(key) else { return };
        self.rounds[member.round].members -= 1;
        if close.is_some() || !member.segments.is_empty() {
            self.leavers.push((member, close));
        }
    }

    /// Makes a segment of what the member has yet to be told of its class's round.
    fn cut(&mut self, key: &K) {
        let Some(member) = self.members.get_mut(key) else { return };
        let to = self.rounds[member.round].frames.mark();
        let from = mem::replace(&mut member.since, to);
        if from != to {
            let source = Source::Round(member.round);
            self.push(key, Segment { source, from, to });
        }
    }

    fn push(&mut self, key: &K, segment: Segment) {
        let Some(member) = self.members.get_mut(key) else { return };
        match member.segments.last_mut() {
            Some(last) if last.source == segment.source && last.to == segment.from => {
                last.to = segment.to;
            }
            last => {
                if last.is_none() {
                    self.touched.push(key.clone());
                }
                member.segments.push(segment);
            }
        }
    }

    /// Writes to everybody what they are owed, and starts a new round.
    fn write_round(&mut self) {
        for member in self.members.values_mut() {
            let end = self.rounds[member.round].frames.mark();
            member.write(end, &self.rounds, &self.private, &mut self.stats);
            member.since = Mark::default();
        }
        self.write_leavers();
        for round in &mut self.rounds {
            round.frames.clear();
        }
    }

    /// Writes to those with private frames what they are owed; the others' round goes on.
    fn write_touched(&mut self) {
        for key in mem::take(&mut self.touched) {
            if let Some(member) = self.members.get_mut(&key) {
                let end = self.rounds[member.round].frames.mark();
                member.write(end, &self.rounds, &self.private, &mut self.stats);
            }
        }
        self.write_leavers();
    }

    fn write_leavers(&mut self) {
        for (mut member, close) in mem::take(&mut self.leavers) {
            // What was said to its class after it left is not for it.
            member.write(member.since, &self.rounds, &self.private, &mut self.stats);
            if let Some(close) = close {
                member.seat.close(close);
            }
        }
        self.touched.clear();
        self.private.clear();
    }

    fn abandon(&mut self, close: &Close) {
        for (member, own) in mem::take(&mut self.leavers) {
            if let Some(own) = own {
                member.seat.close(own);
            }
        }
        for member in mem::take(&mut self.members).into_values() {
            member.seat.close(close.clone());
        }
        self.rounds.clear();
        self.touched.clear();
        self.private.clear();
    }
}

impl<K: Ord + Clone, C: Copy + Eq> Drop for Fanout<K, C> {
    fn drop(&mut self) {
        self.abandon(&Close::ROOM_RESTARTED);
    }
}

impl Member {
    /// Writes the segments, and the class's round from there to `end`, in one write.
    fn write<C>(
        &mut self,
        end: Mark,
        rounds: &[Round<C>],
        private: &Frames,
        stats: &mut FlushStats,
    ) {
        let from = mem::replace(&mut self.since, end);
        let rest = Segment { source: Source::Round(self.round), from, to: end };
        let (bytes, frames, written) = if self.segments.is_empty() {
            if rest.len() == 0 {
                return;
            }
            let round = &rounds[self.round].frames;
            let bytes = &round.bytes[from.byte..end.byte];
            (rest.len(), rest.frames(), self.seat.write(bytes))
        } else {
            let segments = mem::take(&mut self.segments);
            let pieces = || segments.iter().chain([&rest]);
            let slices: Vec<IoSlice<'_>> = pieces()
                .filter(|piece| piece.len() > 0)
                .map(|piece| {
                    let source = match piece.source {
                        Source::Private => private,
                        Source::Round(at) => &rounds[at].frames,
                    };
                    IoSlice::new(&source.bytes[piece.from.byte..piece.to.byte])
                })
                .collect();
            (
                pieces().map(Segment::len).sum(),
                pieces().map(Segment::frames).sum(),
                self.seat.write_vectored(&slices),
            )
        };
        match written {
            Written::Sent | Written::Kept => {
                stats.writes += 1;
                stats.bytes += bytes;
                stats.deliveries += frames;
            }
            Written::Dropped => stats.dropped += frames,
        }
    }
}

impl Segment {
    fn len(&self) -> usize {
        self.to.byte - self.from.byte
    }

    fn frames(&self) -> usize {
        self.to.frame - self.from.frame
    }
}

impl Frames {
    fn mark(&self) -> Mark {
        Mark { byte: self.bytes.len(), frame: self.count }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether a payload of `len` bytes must wait until what is here has been written.
    fn is_full(&self, limit: usize, len: usize) -> bool {
        !self.is_empty() && self.bytes.len() + frame::framed_len(len) > limit
    }

    fn put(&mut self, payload: &[&[u8]]) {
        frame::put_text(&mut self.bytes, payload);
        self.count += 1;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.count = 0;
    }
}

#[cfg(test)]
mod tests;
