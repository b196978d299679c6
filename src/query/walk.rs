//! A walk along an order, from a gap on, until enough matches are found. It must not choose
//! whether to walk.
//!
//! Records with the same value in the sort's first field are a group. Groups are visited in order;
//! a small one is put in order by the other fields at once, a large one is walked along its next
//! field.

use std::ops::ControlFlow;

use super::{
    Direction, Index,
    cursor::Cursor,
    fields::Slot,
    index::Stored,
    plan::{Match, Wanted},
    sort::sort_key,
    value::Key,
};

/// A group is put in order at once where it has no more than this part of what the walk may pass:
/// to find that it is too large must leave enough for walking it.
const GROUP_PART: usize = 4;

/// Why a walk ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Enough was found.
    Full,
    /// It passed as many entries as it may.
    Spent,
}

/// A walk.
pub(super) struct Walk<'a, R> {
    index: &'a Index<R>,
    wanted: &'a Wanted<'a, R>,
    /// How many entries it may pass.
    bound: usize,
    /// How many it passed.
    pub(super) examined: usize,
    /// What it found, in the order it was read in.
    pub(super) found: Vec<Match<R>>,
    /// The values of the groups it is in.
    pinned: Vec<Key>,
}

impl<'a, R: Clone> Walk<'a, R> {
    pub(super) fn new(index: &'a Index<R>, wanted: &'a Wanted<'a, R>, bound: usize) -> Self {
        Self { index, wanted, bound, examined: 0, found: Vec::new(), pinned: Vec::new() }
    }

    /// Walks until there is a reason to stop; none: the order is at its end.
    pub(super) fn run(&mut self) -> Option<Stop> {
        let gap = self.wanted.gap.as_ref();
        self.groups(gap).break_value()
    }

    /// Visits what is in the groups it is in, in order.
    fn groups(&mut self, gap: Option<&Cursor>) -> ControlFlow<Stop> {
        let depth = self.pinned.len();
        let Some((slot, direction)) = self.wanted.sort.0.get(depth) else {
            return self.ids(gap);
        };
        let backward = self.wanted.backward();
        let rising = (*direction == Direction::Ascending) != backward;
        let mut key = match gap {
            Some(gap) => Some(gap.place.keys[depth].clone()),
            None => self.first(slot, rising, backward),
        };
        let mut gap = gap;
        while let Some(now) = key {
            self.group(slot, now.clone(), gap.take())?;
            key = self.following(slot, &now, rising, backward);
        }
        ControlFlow::Continue(())
    }

    /// The first group; backward, that is of those who have nothing there.
    fn first(&mut self, slot: &Slot, rising: bool, backward: bool) -> Option<Key> {
        if backward {
            return Some(Key::Null);
        }
        Some(self.edge(slot, rising).unwrap_or(Key::Null))
    }

    fn following(&mut self, slot: &Slot, key: &Key, rising: bool, backward: bool) -> Option<Key> {
        if *key == Key::Null {
            return if backward { self.edge(slot, rising) } else { None };
        }
        let some = Key::Null.successor();
        let next = if rising {
            self.index.between(slot, (key.successor(), ""), None).next()
        } else {
            self.index.between(slot, (some, ""), Some((key.clone(), ""))).next_back()
        };
        let next = next.map(|(_, key, _)| key.clone());
        if backward { next } else { next.or(Some(Key::Null)) }
    }

    /// The first of the groups that have something there.
    fn edge(&self, slot: &Slot, rising: bool) -> Option<Key> {
        let mut all = self.index.between(slot, (Key::Null.successor(), ""), None);
        let edge = if rising { all.next() } else { all.next_back() };
        edge.map(|(_, key, _)| key.clone())
    }

    fn group(&mut self, slot: &Slot, key: Key, gap: Option<&Cursor>) -> ControlFlow<Stop> {
        let absent = key == Key::Null && !slot.is_complete();
        if absent && self.index.lacking(slot) == 0 {
            return ControlFlow::Continue(());
        }
        let last = self.pinned.len() + 1 == self.wanted.sort.0.len();
        let walked = last || absent || self.is_large(slot, &key);
        self.pinned.push(key.clone());
        let flow = if walked { self.groups(gap) } else { self.at_once(slot, &key) };
        self.pinned.pop();
        flow
    }

    fn is_large(&mut self, slot: &Slot, key: &Key) -> bool {
        let group = self.index.between(slot, (key.clone(), ""), Some((key.successor(), "")));
        let most = self.bound / GROUP_PART;
        let count = group.take(most).count();
        self.examined += count;
        count == most
    }

    /// Visits a small group, put in order.
    fn at_once(&mut self, slot: &Slot, key: &Key) -> ControlFlow<Stop> {
        let index = self.index;
        let mut found = Vec::new();
        for (_, _, id) in index.between(slot, (key.clone(), ""), Some((key.successor(), ""))) {
            self.pass()?;
            found.extend(self.look(id));
        }
        for found in self.wanted.arrange(found) {
            self.take(found)?;
        }
        ControlFlow::Continue(())
    }

    /// Visits a group in the order of ids.
    fn ids(&mut self, gap: Option<&Cursor>) -> ControlFlow<Stop> {
        let index = self.index;
        let edge = gap.map(|gap| {
            let id = &gap.place.id;
            if gap.behind { format!("{id}\0") } else { id.clone() }
        });
        let backward = self.wanted.backward();
        let (from, to) = if backward { (None, edge.as_deref()) } else { (edge.as_deref(), None) };
        let group = self.wanted.sort.0.get(self.pinned.len().wrapping_sub(1));
        match (group, self.pinned.last().cloned()) {
            (Some((slot, _)), Some(key)) if key != Key::Null || slot.is_complete() => {
                let to = match to {
                    Some(id) => (key.clone(), id),
                    None => (key.successor(), ""),
                };
                let entries = index.between(slot, (key, from.unwrap_or("")), Some(to));
                self.visit(entries.map(|(_, _, id)| id))
            }
            _ => self.visit(index.ids(from, to)),
        }
    }

    fn visit<'i>(
        &mut self,
        mut ids: impl DoubleEndedIterator<Item = &'i std::sync::Arc<str>>,
    ) -> ControlFlow<Stop> {
        let backward = self.wanted.backward();
        while let Some(id) = if backward { ids.next_back() } else { ids.next() } {
            self.pass()?;
            if let Some(found) = self.look(id) {
                self.take(found)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn pass(&mut self) -> ControlFlow<Stop> {
        if self.examined >= self.bound {
            return ControlFlow::Break(Stop::Spent);
        }
        self.examined += 1;
        ControlFlow::Continue(())
    }

    /// The record as a match, where it is one and belongs to the groups the walk is in.
    fn look(&self, id: &str) -> Option<Match<R>> {
        let Stored { record, facets } = &**self.index.stored(id)?;
        let mut groups = self.wanted.sort.0.iter().zip(&self.pinned);
        groups
            .all(|((slot, _), key)| sort_key(facets, slot) == key)
            .then(|| self.wanted.matching(id, facets, record))?
    }

    fn take(&mut self, found: Match<R>) -> ControlFlow<Stop> {
        self.found.push(found);
        if self.found.len() >= self.wanted.many {
            return ControlFlow::Break(Stop::Full);
        }
        ControlFlow::Continue(())
    }
}
