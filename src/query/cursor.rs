//! `next` and `prev`: a gap between two places of an order, as text that callers carry without
//! reading it. It must not know how records are found.
//!
//! A cursor holds the place beside the gap by value, so it stays good when records come and go,
//! and a mark of the filter and sort it was made for: with another query it is refused.

use std::hash::{Hash, Hasher};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    QueryError,
    filter::Filter,
    sort::{Place, Sort},
    value::{Key, Number},
};

/// Longest cursor that is read, in bytes: ten long sort keys and an id fit.
pub(super) const CURSOR_BYTES_MAX: usize = 24 * 1024;

/// A gap in an order, and which way to read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The place beside the gap.
    pub(super) place: Place,
    /// Whether the gap is behind that place, not before it.
    pub(super) behind: bool,
    /// Whether to read towards the beginning.
    pub(super) backward: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    k: Vec<WrittenKey>,
    i: String,
    b: bool,
    r: bool,
    h: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenKey {
    Null(()),
    Bool(bool),
    Number { n: u64 },
    Time { t: i64 },
    Text(String),
}

impl Cursor {
    /// As text, for that query.
    pub(super) fn write(self, filter: &Filter, sort: &Sort) -> String {
        let keys = self.place.keys.iter().map(|key| match key {
            Key::Null => WrittenKey::Null(()),
            Key::Bool(is) => WrittenKey::Bool(*is),
            Key::Number(number) => WrittenKey::Number { n: number.bits() },
            Key::Time(at) => WrittenKey::Time { t: *at },
            Key::Text(text) => WrittenKey::Text(text.as_ref().to_owned()),
        });
        let written = Written {
            k: keys.collect(),
            i: self.place.id,
            b: self.behind,
            r: self.backward,
            h: mark(filter, sort),
        };
        // Nothing in it can fail to be written.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written).unwrap_or_default())
    }

    /// Reads it back, for that query.
    pub(super) fn read(text: &str, filter: &Filter, sort: &Sort) -> Result<Self, QueryError> {
        let unreadable = || QueryError::new("", "is not a cursor of this server");
        if text.len() > CURSOR_BYTES_MAX {
            return Err(unreadable());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
        let written: Written = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        if written.h != mark(filter, sort) || written.k.len() != sort.0.len() {
            return Err(QueryError::new("", "belongs to a query with another filter or sort"));
        }
        let keys = written.k.into_iter().map(|key| match key {
            WrittenKey::Null(()) => Key::Null,
            WrittenKey::Bool(is) => Key::Bool(is),
            WrittenKey::Number { n } => Key::Number(Number::from_bits(n)),
            WrittenKey::Time { t } => Key::Time(t),
            WrittenKey::Text(text) => Key::Text(text.into()),
        });
        let place = Place { keys: keys.collect(), id: written.i };
        Ok(Self { place, behind: written.b, backward: written.r })
    }
}

/// A mark of a query, the same for the same filter and sort.
fn mark(filter: &Filter, sort: &Sort) -> String {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    filter.node.hash(&mut hasher);
    sort.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// FNV-1a: the same in every process, unlike the standard library's. It keeps nobody out; what a
/// forged cursor shows, its filter admits.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
