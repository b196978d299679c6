//! The last notices of a room as they were told, for those who resume. It must not know seats.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use rolecall_protocol::{
    id::{PeerId, Seq, Timestamp},
    room::Audience,
};

/// Most bytes of notices that a room keeps, whatever their number.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Notices kept, bounded in number, age and bytes.
#[derive(Debug)]
pub(super) struct Ring {
    max: usize,
    keep_ms: u64,
    kept: VecDeque<Kept>,
    /// How long all of their texts are.
    bytes: usize,
    /// The last notice given up of those that were for holders of `update-call-permissions`.
    floor_seers: Seq,
    /// The last one given up of those that were for the rest.
    floor_rest: Seq,
    /// The last one given up of those that were for single peers.
    floors: BTreeMap<PeerId, Seq>,
}

#[derive(Debug)]
struct Kept {
    seq: Seq,
    at: Timestamp,
    audience: Audience,
    text: Arc<str>,
}

/// In which of a room's two audiences a peer was, and since when.
#[derive(Clone, Debug)]
pub(super) struct ClassHistory(Vec<(Seq, bool)>);

impl ClassHistory {
    /// In that audience for every notice after `seq`.
    pub(super) fn new(seq: Seq, sees_hidden: bool) -> Self {
        Self(vec![(seq, sees_hidden)])
    }

    /// In that audience for every notice after `seq`, as it was before until then.
    pub(super) fn turn(&mut self, seq: Seq, sees_hidden: bool) {
        if self.0.last().is_some_and(|(_, last)| *last != sees_hidden) {
            self.0.push((seq, sees_hidden));
        }
    }

    /// Whether he sees hidden peers now.
    pub(super) fn sees_hidden(&self) -> bool {
        self.0.last().is_some_and(|(_, sees)| *sees)
    }

    /// Whether he saw hidden peers when that notice was told.
    fn saw_hidden(&self, seq: Seq) -> bool {
        self.0.iter().rev().find(|(since, _)| *since < seq).is_some_and(|(_, sees)| *sees)
    }

    fn joined(&self) -> Seq {
        self.0.first().map_or(Seq(0), |(seq, _)| *seq)
    }

    /// Forgets turns before `seq`, keeping when he joined.
    fn forget(&mut self, seq: Seq) {
        while self.0.len() > 2 && self.0[2].0 < seq {
            self.0.remove(1);
        }
    }
}

impl Ring {
    /// An empty ring; what was told up to `from` is not in it.
    pub(super) const fn new(max: usize, keep_ms: u64, from: Seq) -> Self {
        Self {
            max,
            keep_ms,
            kept: VecDeque::new(),
            bytes: 0,
            floor_seers: from,
            floor_rest: from,
            floors: BTreeMap::new(),
        }
    }

    /// Keeps a notice as it was told.
    pub(super) fn push(&mut self, seq: Seq, at: Timestamp, audience: Audience, text: Arc<str>) {
        self.bytes += text.len();
        self.kept.push_back(Kept { seq, at, audience, text });
        while self.kept.len() > self.max || self.bytes > KEPT_BYTES_MAX {
            self.give_up();
        }
    }

    /// Gives up what nobody can have missed any more.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.next_expiry().is_some_and(|at| at <= now) {
            self.give_up();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }

    /// When the oldest notice may be given up.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.kept.front().map(|kept| kept.at.plus(self.keep_ms))
    }

    fn give_up(&mut self) {
        let Some(kept) = self.kept.pop_front() else { return };
        self.bytes -= kept.text.len();
        if kept.audience.seers {
            self.floor_seers = kept.seq;
        }
        if kept.audience.rest {
            self.floor_rest = kept.seq;
        }
        for peer in kept.audience.also {
            self.floors.insert(peer, kept.seq);
        }
    }

    /// Forgets a peer who is out.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.floors.remove(peer);
    }

    /// What that peer was told after `seq`, in order; nothing where some of it was given up, or he
    /// was not there yet.
    pub(super) fn since(
        &self,
        seq: Seq,
        peer: &PeerId,
        history: &mut ClassHistory,
    ) -> Option<Vec<Arc<str>>> {
        let classes = || history.0.iter().map(|(_, sees)| *sees);
        let floor = [
            classes().any(|sees| sees).then_some(self.floor_seers),
            classes().any(|sees| !sees).then_some(self.floor_rest),
            self.floors.get(peer).copied(),
        ];
        // What was given up before he joined was not for him.
        let missed =
            floor.into_iter().flatten().any(|floor| floor > seq && floor > history.joined());
        if missed || seq < history.joined() {
            return None;
        }
        let told = self
            .kept
            .iter()
            .filter(|kept| kept.seq > seq)
            .filter(|kept| kept.audience.reaches_one(peer, history.saw_hidden(kept.seq)))
            .map(|kept| Arc::clone(&kept.text))
            .collect();
        if let Some(oldest) = self.kept.front() {
            history.forget(oldest.seq);
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> PeerId {
        PeerId::parse(name).unwrap()
    }

    fn to(seers: bool, rest: bool, also: &[&str]) -> Audience {
        Audience { seers, rest, except: None, also: also.iter().map(|name| peer(name)).collect() }
    }

    fn told(ring: &Ring, seq: u64, name: &str, mut history: ClassHistory) -> Option<Vec<String>> {
        let texts = ring.since(Seq(seq), &peer(name), &mut history)?;
        Some(texts.iter().map(|text| text.to_string()).collect())
    }

    #[test]
    fn a_peer_is_told_again_what_was_for_him_then() {
        let mut ring = Ring::new(10, 1000, Seq(0));
        ring.push(Seq(3), Timestamp(0), to(true, true, &[]), "all".into());
        ring.push(Seq(4), Timestamp(0), to(true, false, &[]), "seers".into());
        ring.push(Seq(5), Timestamp(0), to(false, false, &["bo"]), "bo".into());
        ring.push(Seq(6), Timestamp(0), to(true, false, &[]), "seers again".into());
        let rest = ClassHistory::new(Seq(2), false);
        assert_eq!(told(&ring, 2, "bo", rest.clone()).unwrap(), ["all", "bo"]);
        assert_eq!(told(&ring, 3, "bo", rest.clone()).unwrap(), ["bo"]);
        let mut turned = rest;
        turned.turn(Seq(5), true);
        assert_eq!(told(&ring, 2, "bo", turned).unwrap(), ["all", "bo", "seers again"]);
        assert_eq!(told(&ring, 1, "bo", ClassHistory::new(Seq(2), true)), None);
    }

    #[test]
    fn what_was_given_up_matters_only_to_those_it_was_for() {
        let mut ring = Ring::new(1, 1000, Seq(0));
        ring.push(Seq(3), Timestamp(0), to(false, false, &["cy"]), "cy".into());
        ring.push(Seq(4), Timestamp(0), to(true, true, &[]), "all".into());
        let rest = ClassHistory::new(Seq(1), false);
        assert_eq!(told(&ring, 2, "bo", rest.clone()).unwrap(), ["all"]);
        assert_eq!(told(&ring, 2, "cy", rest.clone()), None);
        ring.push(Seq(5), Timestamp(0), to(true, false, &[]), "seers".into());
        assert_eq!(told(&ring, 2, "bo", rest.clone()), None);
        assert_eq!(told(&ring, 4, "bo", rest).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let mut ring = Ring::new(1024, 1000, Seq(0));
        let large: Arc<str> = "x".repeat(KEPT_BYTES_MAX / 2).into();
        for seq in 1..=3 {
            ring.push(Seq(seq), Timestamp(0), to(true, true, &[]), Arc::clone(&large));
        }
        assert_eq!((ring.kept.len(), ring.bytes), (2, KEPT_BYTES_MAX));
        let rest = ClassHistory::new(Seq(0), false);
        assert_eq!(told(&ring, 0, "bo", rest.clone()), None);
        assert_eq!(told(&ring, 1, "bo", rest).unwrap().len(), 2);
        ring.expire(Timestamp(1000));
        assert_eq!(ring.bytes, 0);
    }

    #[test]
    fn notices_grow_old() {
        let mut ring = Ring::new(10, 1000, Seq(0));
        ring.push(Seq(3), Timestamp(500), to(true, true, &[]), "all".into());
        ring.expire(Timestamp(1499));
        assert_eq!(ring.next_expiry(), Some(Timestamp(1500)));
        ring.expire(Timestamp(1500));
        assert_eq!(ring.next_expiry(), None);
        assert_eq!(told(&ring, 2, "bo", ClassHistory::new(Seq(2), false)), None);
        assert_eq!(
            told(&ring, 3, "bo", ClassHistory::new(Seq(2), false)).unwrap(),
            Vec::<String>::new()
        );
    }
}
