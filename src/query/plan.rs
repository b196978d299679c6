//! How a page is found: by the least stretch of the index that some condition allows, or by a walk
//! along the order. It must not know what is in a record.
//!
//! Which of the two is cheaper is not known beforehand, so both get a chance within a bound that
//! grows: a page never costs more than a few times the cheaper one, nor than looking at everything
//! a few times. `examined` counts.

use super::{
    Filter, Index, OFFSET_MAX, PAGE_MAX, Page, Paging, QueryError, Sort,
    cursor::Cursor,
    fields::{Facet, Facets, Slot},
    filter::Node,
    sort::Place,
    value::Span,
    walk::{Stop, Walk},
};

/// How many entries each way may look at first, for each record that is wanted.
const LOOKS_FIRST: usize = 4;
/// By how much the bound grows each time neither way was within it.
const GROWTH: usize = 4;

/// What a page is wanted of.
pub(super) struct Wanted<'a, R> {
    filter: &'a Filter,
    /// Whether a record may be shown, whatever the filter says.
    seen: &'a dyn Fn(&R) -> bool,
    pub(super) sort: &'a Sort,
    pub(super) gap: Option<Cursor>,
    /// How many are found before the search ends: one more than shown, to know whether there are
    /// more.
    pub(super) many: usize,
    skip: usize,
    limit: usize,
}

/// A record that fulfils the filter, at its place.
pub(super) struct Match<R> {
    pub(super) place: Place,
    pub(super) record: R,
}

impl<'a, R: Clone> Wanted<'a, R> {
    fn new(
        filter: &'a Filter,
        sort: &'a Sort,
        paging: Paging<'_>,
        seen: &'a dyn Fn(&R) -> bool,
    ) -> Result<Self, QueryError> {
        let (limit, skip, from) = match paging {
            Paging::Cursor { limit, from } => (limit, 0, from),
            Paging::Offset { limit, offset } => (limit, offset, None),
        };
        if limit > PAGE_MAX {
            return Err(QueryError::new("limit", format!("must be at most {PAGE_MAX}")));
        }
        if skip > OFFSET_MAX {
            return Err(QueryError::new("offset", format!("must be at most {OFFSET_MAX}")));
        }
        let gap = from.map(|text| Cursor::read(text, filter, sort)).transpose()?;
        Ok(Self { filter, seen, sort, gap, many: skip + limit + 1, skip, limit })
    }

    pub(super) fn backward(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| gap.backward)
    }

    /// Whether that place is on the side of the gap that is read.
    pub(super) fn is_ahead(&self, place: &Place) -> bool {
        self.gap.as_ref().is_none_or(|gap| {
            let before = match self.sort.compare(place, &gap.place) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => gap.behind,
                std::cmp::Ordering::Greater => false,
            };
            before == gap.backward
        })
    }

    /// A record as a match, where it is one.
    pub(super) fn matching(&self, id: &str, facets: &[Facet], record: &R) -> Option<Match<R>> {
        if !self.filter.admits(facets) {
            return None;
        }
        let place = self.sort.place(id, facets);
        let wanted = self.is_ahead(&place) && (self.seen)(record);
        wanted.then(|| Match { place, record: record.clone() })
    }

    /// Puts matches in the order they are read in, no more than are wanted.
    pub(super) fn arrange(&self, mut found: Vec<Match<R>>) -> Vec<Match<R>> {
        let backward = self.backward();
        let order = |a: &Match<R>, b: &Match<R>| {
            let order = self.sort.compare(&a.place, &b.place);
            if backward { order.reverse() } else { order }
        };
        if found.len() > self.many {
            found.select_nth_unstable_by(self.many - 1, order);
            found.truncate(self.many);
        }
        found.sort_unstable_by(order);
        found
    }

    /// The page of these matches, which are in the order they were read in.
    fn page(self, mut found: Vec<Match<R>>, examined: usize) -> Page<R> {
        let backward = self.backward();
        let more = found.len() > self.skip + self.limit && self.limit > 0;
        found.truncate(self.skip + self.limit);
        found.drain(..self.skip.min(found.len()));
        if backward {
            found.reverse();
        }
        // Where nothing is left, the gap itself is where both ways begin.
        let beside = |at: Option<&Match<R>>, behind| match (at, &self.gap) {
            (Some(at), _) => Some((at.place.clone(), behind)),
            (None, Some(gap)) => Some((gap.place.clone(), gap.behind)),
            (None, None) => None,
        };
        let cursor = |beside: Option<(Place, bool)>, backward| {
            let (place, behind) = beside?;
            Some(Cursor { place, behind, backward }.write(self.filter, self.sort))
        };
        let came_from = |backward: bool| self.gap.as_ref().is_some_and(|g| g.backward == backward);
        let next = (came_from(true) || (more && !backward))
            .then(|| cursor(beside(found.last(), true), false));
        let prev = (came_from(false) || (more && backward))
            .then(|| cursor(beside(found.first(), false), true));
        let records = found.into_iter().map(|found| found.record).collect();
        Page { records, next: next.flatten(), prev: prev.flatten(), examined }
    }
}

/// One page of records that stand in no index: each of them is looked at.
///
/// # Errors
/// [`QueryError`] for a cursor that is none, or is another query's.
pub fn select<R: Clone>(
    records: impl IntoIterator<Item = (String, R, Facets)>,
    filter: &Filter,
    sort: &Sort,
    paging: Paging<'_>,
) -> Result<Page<R>, QueryError> {
    let wanted = Wanted::new(filter, sort, paging, &|_| true)?;
    let (mut examined, mut found) = (0, Vec::new());
    for (id, record, facets) in records {
        examined += 1;
        found.extend(wanted.matching(&id, &facets.finish(), &record));
    }
    let found = wanted.arrange(found);
    Ok(wanted.page(found, examined))
}

/// One page of the records of an index.
pub(super) fn query<R: Clone>(
    index: &Index<R>,
    filter: &Filter,
    sort: &Sort,
    paging: Paging<'_>,
    seen: &dyn Fn(&R) -> bool,
) -> Result<Page<R>, QueryError> {
    let wanted = Wanted::new(filter, sort, paging, seen)?;
    let mut examined = 0;
    let first = wanted.many * LOOKS_FIRST;
    let mut bound = first;
    loop {
        // By then every condition is known to allow a good part of all there is.
        if bound > first && bound >= index.len() {
            let found = everything(index, &wanted, &mut examined);
            return Ok(wanted.page(found, examined));
        }
        let mut counter = Counter { index, examined: 0 };
        let stretch = counter.least(&filter.node, bound);
        examined += counter.examined;
        if let Some(Stretch { spans, .. }) = stretch {
            let found = collect(index, &spans, &wanted, &mut examined);
            return Ok(wanted.page(found, examined));
        }
        let mut walk = Walk::new(index, &wanted, bound);
        let stop = walk.run();
        examined += walk.examined;
        if stop != Some(Stop::Spent) {
            let found = walk.found;
            return Ok(wanted.page(found, examined));
        }
        bound *= GROWTH;
    }
}

/// Stretches of the index in which all matches stand, and how long they are together.
struct Stretch<'a> {
    spans: Vec<(&'a Slot, &'a Span)>,
    count: usize,
}

struct Counter<'a, R> {
    index: &'a Index<R>,
    examined: usize,
}

impl<R: Clone> Counter<'_, R> {
    /// The least stretch that a condition allows, where it is shorter than that.
    fn least<'n>(&mut self, node: &'n Node, bound: usize) -> Option<Stretch<'n>> {
        match node {
            Node::Lacks(_) => None,
            Node::Has(slot, spans, _) => {
                let mut stretch = Stretch { spans: Vec::new(), count: 0 };
                for span in spans.iter() {
                    let left = bound - stretch.count;
                    let count = self.index.within(slot, span).take(left).count();
                    self.examined += count;
                    if count == left {
                        return None;
                    }
                    stretch.count += count;
                    stretch.spans.push((slot, span));
                }
                Some(stretch)
            }
            Node::Any(parts) => {
                let mut stretch = Stretch { spans: Vec::new(), count: 0 };
                for part in parts {
                    let more = self.least(part, bound - stretch.count)?;
                    stretch.count += more.count;
                    stretch.spans.extend(more.spans);
                }
                Some(stretch)
            }
            Node::All(parts) => {
                let mut least: Option<Stretch<'n>> = None;
                for part in parts {
                    let bound = least.as_ref().map_or(bound, |least| least.count);
                    if bound == 0 {
                        break;
                    }
                    least = self.least(part, bound).or(least);
                }
                least
            }
        }
    }
}

fn collect<R: Clone>(
    index: &Index<R>,
    spans: &[(&Slot, &Span)],
    wanted: &Wanted<'_, R>,
    examined: &mut usize,
) -> Vec<Match<R>> {
    let entries = spans.iter().flat_map(|(slot, span)| index.within(slot, span));
    let mut ids: Vec<_> = entries.map(|(_, _, id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    *examined += ids.len();
    let stored = ids.into_iter().filter_map(|id| Some((id, index.stored(id)?)));
    let found =
        stored.filter_map(|(id, stored)| wanted.matching(id, &stored.facets, &stored.record));
    wanted.arrange(found.collect())
}

fn everything<R: Clone>(
    index: &Index<R>,
    wanted: &Wanted<'_, R>,
    examined: &mut usize,
) -> Vec<Match<R>> {
    *examined += index.len();
    let found =
        index.all().filter_map(|(id, stored)| wanted.matching(id, &stored.facets, &stored.record));
    wanted.arrange(found.collect())
}
