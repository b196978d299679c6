//! Records by their ids, and one ordered set of what they have in each field. It must not know
//! filters.
//!
//! It is persistent: a clone costs nothing and is not changed by what happens to the other, so a
//! reader takes one and reads as long as it likes.

use std::{ops::Bound, sync::Arc};

use imbl::{OrdMap, OrdSet};

use super::{
    Filter, Page, Paging, QueryError, Sort,
    fields::{Facet, Facets, Slot},
    plan,
    value::{Key, Span},
};

/// One value of one record. The least id of a key is the empty one, which no record has.
pub(super) type Entry = (Slot, Key, Arc<str>);

/// A record and what it has in each field, in order.
pub(super) struct Stored<R> {
    pub(super) record: R,
    pub(super) facets: Arc<[Facet]>,
}

/// Records that can be asked for.
#[derive(Clone)]
pub struct Index<R> {
    records: OrdMap<Arc<str>, Arc<Stored<R>>>,
    entries: OrdSet<Entry>,
    /// How many records have something in each slot that not every record has something in.
    partial: OrdMap<Slot, usize>,
}

impl<R> Default for Index<R> {
    fn default() -> Self {
        Self { records: OrdMap::new(), entries: OrdSet::new(), partial: OrdMap::new() }
    }
}

impl<R: Clone> Index<R> {
    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many values they have in all.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The record of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&R> {
        self.records.get(id).map(|stored| &stored.record)
    }

    /// Puts a record in; only what differs from an earlier one of that id costs something.
    pub fn put(&mut self, id: &str, record: R, facets: Facets) {
        let facets: Arc<[Facet]> = facets.finish().into();
        let known = self.records.get_key_value(id).map(|(id, old)| (id.clone(), old.clone()));
        let (id, old) = match known {
            Some((id, old)) => (id, old.facets.clone()),
            None => (Arc::from(id), Arc::from([])),
        };
        self.change(&id, &old, &facets);
        self.records.insert(id, Arc::new(Stored { record, facets }));
    }

    /// Puts another record in the place of one that has the same values; does nothing where there
    /// is none.
    pub fn renew(&mut self, id: &str, change: impl FnOnce(&R) -> R) {
        let Some((id, old)) = self.records.get_key_value(id) else { return };
        let (id, facets) = (id.clone(), old.facets.clone());
        let stored = Arc::new(Stored { record: change(&old.record), facets });
        self.records.insert(id, stored);
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: &str) -> Option<R> {
        let (id, old) = self.records.remove_with_key(id)?;
        self.change(&id, &old.facets, &[]);
        Some(old.record.clone())
    }

    /// All records in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.records.values().map(|stored| &stored.record)
    }

    /// The records whose ids come behind that one, in order.
    pub fn behind(&self, id: &str) -> impl Iterator<Item = &R> {
        let all = self.records.range::<_, str>((Bound::Excluded(id), Bound::Unbounded));
        all.map(|(_, stored)| &stored.record)
    }

    /// The records whose ids begin so, in order.
    pub fn beginning(&self, prefix: &str) -> impl Iterator<Item = &R> {
        let all = self.records.range::<_, str>((Bound::Included(prefix), Bound::Unbounded));
        all.take_while(move |(id, _)| id.starts_with(prefix)).map(|(_, stored)| &stored.record)
    }

    /// One page of the records that a filter admits, in an order.
    ///
    /// # Errors
    /// [`QueryError`] for a cursor that is none, or is another query's.
    pub fn query(
        &self,
        filter: &Filter,
        sort: &Sort,
        paging: Paging<'_>,
    ) -> Result<Page<R>, QueryError> {
        self.query_seen(filter, sort, paging, |_| true)
    }

    /// The same of those that somebody may see, whatever the filter says; a page is full where
    /// there are enough of them.
    ///
    /// # Errors
    /// As [`Index::query`].
    pub fn query_seen(
        &self,
        filter: &Filter,
        sort: &Sort,
        paging: Paging<'_>,
        seen: impl Fn(&R) -> bool,
    ) -> Result<Page<R>, QueryError> {
        plan::query(self, filter, sort, paging, &seen)
    }

    /// Moves from these values to those; both are in order.
    fn change(&mut self, id: &Arc<str>, old: &[Facet], new: &[Facet]) {
        for gone in old.iter().filter(|facet| new.binary_search(facet).is_err()) {
            self.entries.remove(&(gone.slot.clone(), gone.key.clone(), id.clone()));
        }
        for come in new.iter().filter(|facet| old.binary_search(facet).is_err()) {
            self.entries.insert((come.slot.clone(), come.key.clone(), id.clone()));
        }
        let (had, has) = (partial_slots(old), partial_slots(new));
        for gone in had.iter().filter(|slot| !has.contains(slot)) {
            match self.partial.get(*gone).map_or(0, |count| count - 1) {
                0 => self.partial.remove(*gone),
                left => self.partial.insert((*gone).clone(), left),
            };
        }
        for come in has.iter().filter(|slot| !had.contains(slot)) {
            let count = self.partial.get(*come).map_or(1, |count| count + 1);
            self.partial.insert((*come).clone(), count);
        }
    }

    /// Whether it says the same of the same records.
    #[cfg(test)]
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        self.entries == other.entries && self.partial == other.partial
    }

    // For plans and walks.

    pub(super) fn stored(&self, id: &str) -> Option<&Arc<Stored<R>>> {
        self.records.get(id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Stored<R>>)> {
        self.records.iter()
    }

    /// The ids from one on up to another, which is left out.
    pub(super) fn ids(
        &self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> impl DoubleEndedIterator<Item = &'_ Arc<str>> + use<'_, R> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let to = to.map_or(Bound::Unbounded, Bound::Excluded);
        self.records.range::<_, str>((from, to)).map(|(id, _)| id)
    }

    /// The values of a slot from one on up to another, which is left out; unset: its first, its
    /// last.
    pub(super) fn between(
        &self,
        slot: &Slot,
        from: (Key, &str),
        to: Option<(Key, &str)>,
    ) -> impl DoubleEndedIterator<Item = &Entry> {
        let from = (slot.clone(), from.0, Arc::from(from.1));
        let to = match to {
            Some((key, id)) => (slot.clone(), key, Arc::from(id)),
            None => (slot.successor(), Key::Null, Arc::from("")),
        };
        self.entries.range((Bound::Included(from), Bound::Excluded(to)))
    }

    /// The values in a stretch.
    pub(super) fn within(
        &self,
        slot: &Slot,
        span: &Span,
    ) -> impl DoubleEndedIterator<Item = &Entry> {
        self.between(slot, (span.from.clone(), ""), span.to.clone().map(|to| (to, "")))
    }

    /// How many records have nothing in a slot that not every record has something in.
    pub(super) fn lacking(&self, slot: &Slot) -> usize {
        self.len() - self.partial.get(slot).copied().unwrap_or(0)
    }
}

/// The custom slots of a record, each once.
fn partial_slots(facets: &[Facet]) -> Vec<&Slot> {
    let custom = facets.iter().map(|facet| &facet.slot);
    let mut slots: Vec<&Slot> = custom.filter(|slot| matches!(slot, Slot::Custom(_))).collect();
    slots.dedup();
    slots
}
