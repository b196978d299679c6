//! What is read: on connections of their own, off the runtime, each question one look at the file
//! as it was at one moment. It must not write.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rolecall_protocol::{
    id::{Cid, Seq, Timestamp},
    room::Room,
};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::{
    row::{self, Read, Shelf, damaged},
    schema, sql,
};
use crate::journal::{
    DirectoryPage, DirectoryRecord, Entity, Loaded, LoadedDirectory, Page, ReadError, Record,
};

/// Questions answered at once; further ones wait.
const READERS_MAX: usize = 4;

/// Some connections, made when they are first needed.
pub(super) struct Readers {
    directory: PathBuf,
    shelf: Arc<Shelf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Semaphore,
}

impl Readers {
    pub(super) fn new(directory: PathBuf, shelf: Arc<Shelf>) -> Self {
        let places = Semaphore::new(READERS_MAX);
        Self { directory, shelf, idle: Arc::default(), places }
    }

    /// Answers a question where waiting for a disk holds nobody up.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Look<'_>) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let _place = self.places.acquire().await.map_err(row::unreadable)?;
        let (directory, shelf) = (self.directory.clone(), Arc::clone(&self.shelf));
        let idle = Arc::clone(&self.idle);
        let answered = tokio::task::spawn_blocking(move || {
            let lend = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match lend() {
                Some(connection) => connection,
                None => schema::reader(&directory)?,
            };
            let answer = {
                // One transaction, so that all of the answer is of one moment.
                let moment = connection.unchecked_transaction()?;
                question(&Look { connection: &moment, shelf: &shelf })
            };
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        answered.await.map_err(row::unreadable)?
    }

    /// Closes what is idle, so that the file can be put away.
    pub(super) fn close(&self) {
        self.places.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The file at one moment.
pub(super) struct Look<'a> {
    connection: &'a Connection,
    shelf: &'a Shelf,
}

impl Look<'_> {
    pub(super) fn load(&self, room: &Cid, since: Timestamp) -> Result<Loaded, ReadError> {
        match self.found(room)? {
            Some(found) => self.loaded(&found, since),
            None => Ok(Loaded::default()),
        }
    }

    fn found(&self, room: &Cid) -> Result<Option<Found>, ReadError> {
        let select = "SELECT id, pruned, over FROM rooms WHERE cid = ?1";
        let mut select = self.connection.prepare_cached(select)?;
        Ok(select.query_row([room.as_str()], |row| Found::new(row, 0)).optional()?)
    }

    fn loaded(&self, found: &Found, since: Timestamp) -> Result<Loaded, ReadError> {
        let Found { id, pruned, over } = *found;
        const OLD_ENOUGH: &str = "SELECT seq, at, call_type, body, sum FROM snapshots
             WHERE room = ?1 AND at < ?2 ORDER BY seq DESC LIMIT 1";
        // The older of the two; where there is one, the way from nothing is short.
        const OLDER: &str = "SELECT seq, at, call_type, body, sum FROM snapshots
             WHERE room = ?1 AND at >= ?2 ORDER BY seq DESC LIMIT 1 OFFSET 1";
        const ONLY: &str = "SELECT seq, at, call_type, body, sum FROM snapshots
             WHERE room = ?1 AND at >= ?2";
        let mut snapshot = self.snapshot(OLD_ENOUGH, id, since)?;
        if snapshot.is_none() {
            snapshot = self.snapshot(OLDER, id, since)?;
        }
        if snapshot.is_none() && pruned > over {
            snapshot = self.snapshot(ONLY, id, since)?;
            if snapshot.is_none() {
                return Err(damaged("a snapshot is missing"));
            }
        }
        let after = snapshot.as_ref().map_or(over, |room| room.seq);
        let (records, _) = self.records(id, after, None)?;
        Ok(Loaded { snapshot: snapshot.map(Arc::new), from: over, records })
    }

    fn snapshot(&self, select: &str, id: i64, at: Timestamp) -> Result<Option<Room>, ReadError> {
        let mut select = self.connection.prepare_cached(select)?;
        let mut rows = select.query(params![id, sql(at.0)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        self.shelf.room(self.connection, &Read::new(row)?).map(Some)
    }

    /// At most `limit` records after `after`, and whether there are more.
    fn records(
        &self,
        id: i64,
        after: Seq,
        limit: Option<usize>,
    ) -> Result<(Vec<Arc<Record>>, bool), ReadError> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, at, call_type, body, sum FROM records
             WHERE room = ?1 AND seq > ?2 ORDER BY seq",
        )?;
        let mut rows = select.query(params![id, sql(after.0)])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            if limit.is_some_and(|limit| records.len() >= limit) {
                return Ok((records, true));
            }
            records.push(Arc::new(self.shelf.record(self.connection, &Read::new(row)?)?));
        }
        Ok((records, false))
    }

    pub(super) fn page(&self, room: &Cid, after: Seq, limit: usize) -> Result<Page, ReadError> {
        let Some(Found { id, pruned, .. }) = self.found(room)? else { return Ok(Page::default()) };
        let (records, more) = self.records(id, after.max(pruned), Some(limit))?;
        let next = records.last().filter(|_| more).map(|record| record.seq);
        Ok(Page { records, next })
    }

    pub(super) fn rooms(&self, after: &str, limit: usize) -> Result<Vec<Cid>, ReadError> {
        let named = self.named(after, limit)?.into_iter();
        Ok(named.map(|(cid, _)| cid).collect())
    }

    pub(super) fn states(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(Cid, Loaded)>, ReadError> {
        let now = Timestamp(u64::MAX);
        let loaded = |(cid, found)| Ok((cid, self.loaded(&found, now)?));
        self.named(after, limit)?.into_iter().map(loaded).collect()
    }

    fn named(&self, after: &str, limit: usize) -> Result<Vec<(Cid, Found)>, ReadError> {
        let mut select = self.connection.prepare_cached(
            "SELECT cid, id, pruned, over FROM rooms
             WHERE living = 1 AND cid > ?1 ORDER BY cid LIMIT ?2",
        )?;
        let mut rows = select.query(params![after, sql(limit as u64)])?;
        let mut named = Vec::new();
        while let Some(row) = rows.next()? {
            let cid = cid(row.get_ref(0)?.as_str().map_err(row::unreadable)?)?;
            named.push((cid, Found::new(row, 1)?));
        }
        Ok(named)
    }

    pub(super) fn directory(&self) -> Result<LoadedDirectory, ReadError> {
        let seq: i64 =
            self.connection.query_row("SELECT seq FROM directory", [], |row| row.get(0))?;
        let seq = Seq(u64::try_from(seq).unwrap_or(0));
        let mut select =
            self.connection.prepare_cached("SELECT key, body, sum FROM entities ORDER BY key")?;
        let mut rows = select.query([])?;
        let mut entities = Vec::new();
        while let Some(row) = rows.next()? {
            let (key, body, sum): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if row::sum_of_entity(&key, &body) != sum {
                return Err(damaged("a part of the directory is not what was written"));
            }
            entities.push(Entity { key, body: RawValue::from_string(body)? });
        }
        let (records, _) = self.directory_records(seq, None)?;
        Ok(LoadedDirectory { entities, seq, records })
    }

    pub(super) fn directory_page(
        &self,
        after: Seq,
        limit: usize,
    ) -> Result<DirectoryPage, ReadError> {
        let (records, more) = self.directory_records(after, Some(limit))?;
        let next = records.last().filter(|_| more).map(|record| record.seq);
        Ok(DirectoryPage { records, next })
    }

    fn directory_records(
        &self,
        after: Seq,
        limit: Option<usize>,
    ) -> Result<(Vec<Arc<DirectoryRecord>>, bool), ReadError> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, at, NULL, body, sum FROM directory_records WHERE seq > ?1 ORDER BY seq",
        )?;
        let mut rows = select.query([sql(after.0)])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            if limit.is_some_and(|limit| records.len() >= limit) {
                return Ok((records, true));
            }
            records.push(Arc::new(row::directory_record(&Read::new(row)?)?));
        }
        Ok((records, false))
    }
}

/// A row of `rooms`.
struct Found {
    id: i64,
    /// Where what can be read begins, and what is remembered.
    pruned: Seq,
    over: Seq,
}

impl Found {
    /// From the columns `id, pruned, over`, the first of which is at `first`.
    fn new(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let seq = |at| row.get(at).map(|number: i64| Seq(u64::try_from(number).unwrap_or(0)));
        Ok(Self { id: row.get(first)?, pruned: seq(first + 1)?, over: seq(first + 2)? })
    }
}

/// The name in a row of `rooms`.
pub(super) fn cid(text: &str) -> Result<Cid, ReadError> {
    use rolecall_protocol::id::CallTypeName;
    let parts = text.split_once(':').ok_or_else(|| damaged("a room has no name"))?;
    let call_type = CallTypeName::parse(parts.0).map_err(row::unreadable)?;
    Cid::new(&call_type, parts.1).map_err(row::unreadable)
}
