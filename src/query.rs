//! Queries: records found by filters and given out in an order, page by page, at a cost that does
//! not grow with the number of records where a filter or the order can lead the way.
//!
//! A catalogue ([`Fields`]) says what may be asked of a kind of record; a record says what it has
//! in each field ([`Facets`]); an [`Index`] keeps both and answers. It must not know what the
//! records are, nor who asks: what somebody may see comes in as part of the filter.

pub mod fields;
pub mod filter;
pub mod sort;
pub mod value;

mod cursor;
mod index;
mod plan;
mod reach;
mod walk;

use std::fmt;

pub use self::{
    fields::{Facets, Field, Fields, Kind, Op},
    filter::Filter,
    index::Index,
    plan::select,
    reach::scoped,
    sort::{Direction, Sort},
};

/// Longest page.
pub const PAGE_MAX: usize = 100;
/// Furthest offset.
pub const OFFSET_MAX: usize = 1000;

/// Which part of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Paging<'a> {
    /// From a cursor of an earlier page on, or from the beginning.
    Cursor {
        /// How many at most.
        limit: usize,
        /// The `next` or the `prev` of an earlier page.
        from: Option<&'a str>,
    },
    /// So many, behind so many.
    Offset {
        /// How many at most.
        limit: usize,
        /// How many are left out.
        offset: usize,
    },
}

/// Part of an answer.
#[derive(Clone, Debug)]
pub struct Page<R> {
    /// In order.
    pub records: Vec<R>,
    /// Where the answer goes on, where it does.
    pub next: Option<String>,
    /// Where what comes before is. A page behind a cursor always has it.
    pub prev: Option<String>,
    /// How many entries and records were looked at, which is what the page cost.
    pub examined: usize,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct QueryError {
    /// The place in the filter or sort, its steps separated by dots; empty: the whole.
    pub at: String,
    /// What is wrong there.
    pub problem: String,
}

impl QueryError {
    fn new(at: &str, problem: impl Into<String>) -> Self {
        Self { at: at.to_owned(), problem: problem.into() }
    }

    /// The same, one step further in.
    #[must_use]
    pub fn under(mut self, step: impl fmt::Display) -> Self {
        self.at = if self.at.is_empty() { step.to_string() } else { format!("{step}.{}", self.at) };
        self
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "`{}`: {}", self.at, self.problem)
        }
    }
}

#[cfg(test)]
mod tests;
