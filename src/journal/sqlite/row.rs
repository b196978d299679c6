//! Records, snapshots and call types as they lie in rows, and back. A call type is large and shared
//! by many rooms, so what brings one stores its hash, and the type itself lies there once.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rolecall_protocol::{
    call_type::CallType,
    id::{Seq, Timestamp},
    room::{Event, Room, stored},
};
use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::sql;
use crate::journal::{DirectoryRecord, ReadError, Record};

/// Call types remembered on the way in and out; with more of them, all are looked up again.
const SHELF_MAX: usize = 1024;

/// The name of a call type's content.
pub(super) type Hash = [u8; 32];

/// A call type as it is stored.
#[derive(Debug)]
pub(super) struct Interned {
    pub(super) hash: Hash,
    pub(super) body: String,
}

/// A row of `records`, `snapshots` or `directory_records`.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    pub(super) call_type: Option<Arc<Interned>>,
    pub(super) body: String,
}

impl Row {
    /// Over everything that is in the row.
    pub(super) fn sum(&self) -> i64 {
        let hash = self.call_type.as_ref().map(|interned| &interned.hash);
        sum(self.seq, self.at, hash, &self.body)
    }

    /// How much of a queue it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.body.len()
    }
}

/// The checksum of a row: a disk that changed a byte must not change who may do what.
pub(super) fn sum(seq: Seq, at: Timestamp, call_type: Option<&Hash>, body: &str) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(seq.0.to_le_bytes());
    hasher.update(at.0.to_le_bytes());
    hasher.update(call_type.map_or(&[][..], |hash| &hash[..]));
    hasher.update(body);
    first_bytes(&hasher.finalize())
}

/// The checksum of an entity.
pub(super) fn sum_of_entity(key: &str, body: &str) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(key);
    hasher.update([0]);
    hasher.update(body);
    first_bytes(&hasher.finalize())
}

fn first_bytes(digest: &[u8]) -> i64 {
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | i64::from(*byte))
}

/// Call types by who brings them and by what they hold, so that each is written and read once.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    known: Mutex<Vec<(Arc<CallType>, Arc<Interned>)>>,
}

impl Shelf {
    fn interned(&self, call_type: &Arc<CallType>) -> serde_json::Result<Arc<Interned>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, interned)) = known.iter().find(|(other, _)| Arc::ptr_eq(other, call_type)) {
            return Ok(Arc::clone(interned));
        }
        let body = serde_json::to_string(call_type)?;
        let hash = Sha256::digest(&body).into();
        let interned = Arc::new(Interned { hash, body });
        if known.len() >= SHELF_MAX {
            known.clear();
        }
        known.push((Arc::clone(call_type), Arc::clone(&interned)));
        Ok(interned)
    }

    fn of_hash(&self, connection: &Connection, hash: &Hash) -> Result<Arc<CallType>, ReadError> {
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((call_type, _)) = known.iter().find(|(_, other)| other.hash == *hash) {
                return Ok(Arc::clone(call_type));
            }
        }
        let body: Option<String> = connection
            .prepare_cached("SELECT body FROM call_types WHERE hash = ?1")
            .and_then(|mut select| select.query_row([hash], |row| row.get(0)).optional())
            .map_err(unreadable)?;
        let body = body.ok_or_else(|| damaged("a call type is missing"))?;
        if Hash::from(Sha256::digest(&body)) != *hash {
            return Err(damaged("a call type is not what was written"));
        }
        let call_type: Arc<CallType> = serde_json::from_str(&body).map_err(unreadable)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SHELF_MAX {
            known.clear();
        }
        known.push((Arc::clone(&call_type), Arc::new(Interned { hash: *hash, body })));
        Ok(call_type)
    }

    /// A record's row.
    pub(super) fn row(&self, record: &Record) -> serde_json::Result<Row> {
        let Record { seq, at, .. } = *record;
        let mut brought = record.events.iter().filter_map(call_type_of);
        // One is enough: no command brings two, and what does not fit stays as it is.
        let Some(call_type) = brought.next().filter(|first| brought.all(|other| other == *first))
        else {
            return Ok(Row { seq, at, call_type: None, body: serde_json::to_string(record)? });
        };
        let interned = self.interned(call_type)?;
        let mut without = record.clone();
        without.events.iter_mut().filter_map(call_type_in).for_each(|held| *held = nothing());
        let body = serde_json::to_string(&without)?;
        Ok(Row { seq, at, call_type: Some(interned), body })
    }

    /// A snapshot's row.
    pub(super) fn snapshot(&self, room: &Room, at: Timestamp) -> serde_json::Result<Row> {
        let interned = self.interned(&room.call_type)?;
        Ok(Row { seq: room.seq, at, call_type: Some(interned), body: stored::write(room)? })
    }

    /// The record of a row.
    pub(super) fn record(
        &self,
        connection: &Connection,
        row: &Read<'_>,
    ) -> Result<Record, ReadError> {
        row.check()?;
        let mut record: Record = serde_json::from_str(row.body).map_err(unreadable)?;
        if let Some(hash) = &row.call_type {
            let call_type = self.of_hash(connection, hash)?;
            let held = record.events.iter_mut().filter_map(call_type_in);
            held.for_each(|held| *held = Arc::clone(&call_type));
        }
        Ok(record)
    }

    /// The room of a snapshot's row.
    pub(super) fn room(&self, connection: &Connection, row: &Read<'_>) -> Result<Room, ReadError> {
        row.check()?;
        let hash = row.call_type.ok_or_else(|| damaged("a snapshot has no call type"))?;
        stored::read(row.body, self.of_hash(connection, &hash)?).map_err(unreadable)
    }
}

/// A directory record's row.
pub(super) fn directory_row(record: &DirectoryRecord) -> serde_json::Result<Row> {
    let DirectoryRecord { seq, at, .. } = *record;
    Ok(Row { seq, at, call_type: None, body: serde_json::to_string(record)? })
}

/// The directory record of a row.
pub(super) fn directory_record(row: &Read<'_>) -> Result<DirectoryRecord, ReadError> {
    row.check()?;
    serde_json::from_str(row.body).map_err(unreadable)
}

/// A row on its way out.
pub(super) struct Read<'a> {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    pub(super) call_type: Option<Hash>,
    pub(super) body: &'a str,
    pub(super) sum: i64,
}

impl<'a> Read<'a> {
    /// From a row of `seq, at, call_type, body, sum`.
    pub(super) fn new(row: &'a rusqlite::Row<'_>) -> Result<Self, ReadError> {
        let body = row.get_ref(3)?.as_str().map_err(unreadable)?;
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(Self {
            seq: Seq(number(row.get(0)?)),
            at: Timestamp(number(row.get(1)?)),
            call_type: row.get(2)?,
            body,
            sum: row.get(4)?,
        })
    }

    fn check(&self) -> Result<(), ReadError> {
        if sum(self.seq, self.at, self.call_type.as_ref(), self.body) == self.sum {
            return Ok(());
        }
        Err(damaged("a record is not what was written"))
    }
}

impl rusqlite::ToSql for Interned {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        self.hash.to_sql()
    }
}

/// The parameters of a row, in that order.
pub(super) fn parameters(row: &Row) -> (i64, i64, Option<&Interned>, &str, i64) {
    (sql(row.seq.0), sql(row.at.0), row.call_type.as_deref(), &row.body, row.sum())
}

/// What says that the disk did not keep what it was given.
pub(super) fn damaged(what: &str) -> ReadError {
    ReadError(format!("{what}: the journal is damaged"))
}

/// A failure of SQLite's or of what reads a body.
pub(super) fn unreadable(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

/// The call type that an event brings.
fn call_type_of(event: &Event) -> Option<&Arc<CallType>> {
    match event {
        Event::RoomCreated { call_type, .. } | Event::CallTypeAdopted { call_type } => {
            Some(call_type)
        }
        _ => None,
    }
}

/// The same, to be replaced.
fn call_type_in(event: &mut Event) -> Option<&mut Arc<CallType>> {
    match event {
        Event::RoomCreated { call_type, .. } | Event::CallTypeAdopted { call_type } => {
            Some(call_type)
        }
        _ => None,
    }
}

/// What stands in an event for a call type that lies elsewhere.
fn nothing() -> Arc<CallType> {
    static NOTHING: LazyLock<Arc<CallType>> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "a literal, tested")]
        let nothing =
            serde_json::from_str(r#"{"name":"x","roles":{},"settings":{},"document":{}}"#)
                .expect("well formed");
        Arc::new(nothing)
    });
    Arc::clone(&NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_call_type_is_small() {
        let written = serde_json::to_string(&nothing()).unwrap();
        assert!(written.len() < 400, "{written}");
    }
}
