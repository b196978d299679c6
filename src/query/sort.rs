//! The order of an answer: fields with a direction each, then the records' ids. It must not know
//! how records are found.
//!
//! Who has nothing in a field comes behind all who have something, in both directions. Of several
//! values of one record the least counts.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    QueryError,
    fields::{Facet, Fields, Slot},
    filter::{keys_of, shown},
    value::Key,
};

/// Most fields of one sort.
pub const SORT_FIELDS_MAX: usize = 10;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// The order of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sort(pub(super) Vec<(Slot, Direction)>);

/// A record's place in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its value in each field of the sort.
    pub(super) keys: Vec<Key>,
    /// Its id.
    pub(super) id: String,
}

impl Sort {
    /// By these fields of the catalogue; those it does not have are left out.
    #[must_use]
    pub fn by(fields: &Fields, order: &[(&str, Direction)]) -> Self {
        let found = |&(name, direction): &(&str, Direction)| {
            fields.find(name).map(|found| (found.slot, direction))
        };
        Self(order.iter().filter_map(found).collect())
    }

    /// Reads a list of `{field, direction}`, the direction 1 or -1; `default` where there is none.
    ///
    /// # Errors
    /// [`QueryError`] naming the place, and what is wrong there.
    pub fn parse(sort: &Json, fields: &Fields, default: Self) -> Result<Self, QueryError> {
        let list = match sort {
            Json::Null => return Ok(default),
            Json::Array(list) if list.is_empty() => return Ok(default),
            Json::Array(list) => list,
            _ => return Err(QueryError::new("", "a sort is a list of `{field, direction}`")),
        };
        if list.len() > SORT_FIELDS_MAX {
            return Err(QueryError::new("", format!("more than {SORT_FIELDS_MAX} fields")));
        }
        let mut order: Vec<(Slot, Direction)> = Vec::new();
        for (at, entry) in list.iter().enumerate() {
            let (slot, direction) = read(entry, fields).map_err(|error| error.under(at))?;
            // A field named again changes nothing.
            if order.iter().all(|(known, _)| *known != slot) {
                order.push((slot, direction));
            }
        }
        Ok(Self(order))
    }

    /// The place of a record.
    pub(super) fn place(&self, id: &str, facets: &[Facet]) -> Place {
        let keys = self.0.iter().map(|(slot, _)| sort_key(facets, slot).clone()).collect();
        Place { keys, id: id.to_owned() }
    }

    /// Which of two places is first.
    pub(super) fn compare(&self, a: &Place, b: &Place) -> Ordering {
        let keys = a.keys.iter().zip(&b.keys).zip(&self.0);
        let mut fields = keys.map(|((a, b), (_, direction))| compare_keys(a, b, *direction));
        fields.find(|order| order.is_ne()).unwrap_or(Ordering::Equal).then_with(|| a.id.cmp(&b.id))
    }
}

/// The value of a record that counts in a sort.
pub(super) fn sort_key<'a>(facets: &'a [Facet], slot: &'a Slot) -> &'a Key {
    keys_of(facets, slot).next().unwrap_or(&Key::Null)
}

/// Which of two values is first in that direction.
pub(super) fn compare_keys(a: &Key, b: &Key, direction: Direction) -> Ordering {
    match (a, b) {
        (Key::Null, Key::Null) => Ordering::Equal,
        (Key::Null, _) => Ordering::Greater,
        (_, Key::Null) => Ordering::Less,
        (a, b) => match direction {
            Direction::Ascending => a.cmp(b),
            Direction::Descending => b.cmp(a),
        },
    }
}

/// The keys of an entry.
const KEYS: [&str; 3] = ["field", "direction", "type"];

fn read(entry: &Json, fields: &Fields) -> Result<(Slot, Direction), QueryError> {
    let Json::Object(entry) = entry else {
        return Err(QueryError::new("", "must be `{field, direction}`"));
    };
    if let Some(other) = entry.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let other = shown(other);
        return Err(QueryError::new(
            "",
            format!("unknown key `{other}`; known: `field`, `direction`"),
        ));
    }
    let Some(Json::String(name)) = entry.get("field") else {
        return Err(QueryError::new("field", "must be the name of a field"));
    };
    let Some(found) = fields.find(name).filter(|found| found.sortable) else {
        let (name, known) = (shown(name), fields.names(true));
        return Err(QueryError::new("field", format!("cannot sort by `{name}`; known: {known}")));
    };
    // Each value knows what it is; SDKs say it all the same.
    match entry.get("type").unwrap_or(&Json::Null) {
        Json::Null => {}
        Json::String(of) if ["", "string", "number", "boolean"].contains(&of.as_str()) => {}
        _ => return Err(QueryError::new("type", "must be `string`, `number` or `boolean`")),
    }
    let direction = entry.get("direction").unwrap_or(&Json::Null);
    match direction.as_f64() {
        None if direction.is_null() => Ok((found.slot, Direction::Ascending)),
        Some(1.0) => Ok((found.slot, Direction::Ascending)),
        Some(-1.0) => Ok((found.slot, Direction::Descending)),
        _ => Err(QueryError::new("direction", "must be 1 or -1")),
    }
}
