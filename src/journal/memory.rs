//! The journal in memory: it lives as long as the process. It must not know what events mean.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rolecall_protocol::{
    id::{Cid, Seq, Timestamp},
    room::Room,
};
use serde_json::value::RawValue;

use super::{
    AppendError, DirectoryPage, DirectoryRecord, Entity, Journal, Loaded, LoadedDirectory, Page,
    ReadError, Record,
};

/// Records in memory, about so many a stream once a snapshot covers the older ones.
#[derive(Debug)]
pub struct MemoryJournal {
    records_kept: usize,
    rooms_max: usize,
    streams: Mutex<BTreeMap<Cid, Stream>>,
    directory: Mutex<DirectoryStream>,
}

#[derive(Debug, Default)]
struct Stream {
    last: Seq,
    /// The two newest, the newest last.
    snapshots: VecDeque<(Timestamp, Arc<Room>)>,
    records: VecDeque<Arc<Record>>,
}

#[derive(Debug, Default)]
struct DirectoryStream {
    last: Seq,
    seq: Seq,
    entities: BTreeMap<String, Box<RawValue>>,
    records: VecDeque<Arc<DirectoryRecord>>,
}

impl Stream {
    fn loaded(&self, since: Timestamp) -> Loaded {
        let fits = self.snapshots.iter().rev().find(|(at, _)| *at < since);
        // Where there is one, the way from nothing is short.
        let oldest = self.snapshots.front().filter(|_| self.snapshots.len() > 1);
        let snapshot = fits.or(oldest).map(|(_, room)| Arc::clone(room));
        let from = snapshot.as_ref().map_or(Seq(0), |room| room.seq);
        let records = self.records.iter().filter(|record| record.seq > from).cloned().collect();
        Loaded { snapshot, records }
    }
}

impl MemoryJournal {
    /// An empty journal that keeps about `records_kept` records a stream for its audit trail, and
    /// remembers `rooms_max` rooms.
    #[must_use]
    pub fn new(records_kept: usize, rooms_max: usize) -> Self {
        Self { records_kept, rooms_max, streams: Mutex::default(), directory: Mutex::default() }
    }

    fn streams(&self) -> MutexGuard<'_, BTreeMap<Cid, Stream>> {
        // A panic elsewhere cannot leave a stream half written: each change is one push.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory(&self) -> MutexGuard<'_, DirectoryStream> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(room: Option<&Cid>) -> (Bound<&Cid>, Bound<&Cid>) {
    (room.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(
        &self,
        room: &Cid,
        expected: Seq,
        records: Vec<Arc<Record>>,
    ) -> Result<(), AppendError> {
        let mut streams = self.streams();
        let last = streams.get(room).map_or(Seq(0), |stream| stream.last);
        if last != expected {
            return Err(AppendError::Conflict { at: last });
        }
        let Some(end) = records.last().map(|record| record.seq) else { return Ok(()) };
        let stream = streams.entry(room.clone()).or_default();
        stream.last = end;
        stream.records.extend(records);
        Ok(())
    }

    async fn load(&self, room: &Cid, since: Timestamp) -> Result<Loaded, ReadError> {
        Ok(self.streams().get(room).map(|stream| stream.loaded(since)).unwrap_or_default())
    }

    async fn read(&self, room: &Cid, after: Seq, limit: usize) -> Result<Page, ReadError> {
        let streams = self.streams();
        let Some(stream) = streams.get(room) else { return Ok(Page::default()) };
        let start = stream.records.partition_point(|record| record.seq <= after);
        let records: Vec<_> = stream.records.range(start..).take(limit).cloned().collect();
        let more = stream.records.len() > start + records.len();
        let next = records.last().filter(|_| more).map(|record| record.seq);
        Ok(Page { records, next })
    }

    async fn snapshot(&self, room: Arc<Room>, at: Timestamp) -> Result<(), ReadError> {
        let mut streams = self.streams();
        let Some(stream) = streams.get_mut(&room.cid) else { return Ok(()) };
        stream.snapshots.retain(|(_, other)| other.seq != room.seq);
        stream.snapshots.push_back((at, room));
        if stream.snapshots.len() <= 1 {
            return Ok(());
        }
        while stream.snapshots.len() > 2 {
            stream.snapshots.pop_front();
        }
        let covered = stream.snapshots.front().map_or(Seq(0), |(_, room)| room.seq);
        while stream.records.len() > self.records_kept
            && stream.records.front().is_some_and(|record| record.seq <= covered)
        {
            stream.records.pop_front();
        }
        Ok(())
    }

    async fn forget(&self, room: &Cid) -> Result<(), ReadError> {
        self.streams().remove(room);
        Ok(())
    }

    fn is_full(&self, room: &Cid) -> bool {
        let streams = self.streams();
        streams.len() >= self.rooms_max && !streams.contains_key(room)
    }

    async fn rooms(&self, start: Option<&Cid>, limit: usize) -> Result<Vec<Cid>, ReadError> {
        let streams = self.streams();
        Ok(streams.range(after(start)).take(limit).map(|(cid, _)| cid.clone()).collect())
    }

    async fn states(
        &self,
        start: Option<&Cid>,
        limit: usize,
    ) -> Result<Vec<(Cid, Loaded)>, ReadError> {
        let streams = self.streams();
        let found = streams.range(after(start)).take(limit);
        Ok(found.map(|(cid, stream)| (cid.clone(), stream.loaded(Timestamp(u64::MAX)))).collect())
    }

    async fn append_directory(
        &self,
        expected: Seq,
        records: Vec<Arc<DirectoryRecord>>,
    ) -> Result<(), AppendError> {
        let mut directory = self.directory();
        if directory.last != expected {
            return Err(AppendError::Conflict { at: directory.last });
        }
        directory.last = records.last().map_or(expected, |record| record.seq);
        directory.records.extend(records);
        Ok(())
    }

    async fn load_directory(&self) -> Result<LoadedDirectory, ReadError> {
        let directory = self.directory();
        let named = directory.entities.iter();
        let entities =
            named.map(|(key, body)| Entity { key: key.clone(), body: body.clone() }).collect();
        let since = directory.records.iter().filter(|record| record.seq > directory.seq);
        Ok(LoadedDirectory { entities, seq: directory.seq, records: since.cloned().collect() })
    }

    async fn snapshot_directory(
        &self,
        seq: Seq,
        changed: Vec<(String, Option<Box<RawValue>>)>,
    ) -> Result<(), ReadError> {
        let mut directory = self.directory();
        directory.seq = seq;
        for (key, body) in changed {
            match body {
                Some(body) => drop(directory.entities.insert(key, body)),
                None => drop(directory.entities.remove(&key)),
            }
        }
        while directory.records.len() > self.records_kept
            && directory.records.front().is_some_and(|record| record.seq <= seq)
        {
            directory.records.pop_front();
        }
        Ok(())
    }

    async fn read_directory(&self, after: Seq, limit: usize) -> Result<DirectoryPage, ReadError> {
        let directory = self.directory();
        let start = directory.records.partition_point(|record| record.seq <= after);
        let records: Vec<_> = directory.records.range(start..).take(limit).cloned().collect();
        let more = directory.records.len() > start + records.len();
        let next = records.last().filter(|_| more).map(|record| record.seq);
        Ok(DirectoryPage { records, next })
    }
}
