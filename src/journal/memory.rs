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

/// Names of which something was forgotten and can still be read; beyond, what was forgotten first
/// goes.
pub const TRAILS_MAX: usize = 1000;

/// Records in memory, about so many a stream once a snapshot covers the older ones.
#[derive(Debug)]
pub struct MemoryJournal {
    records_kept: usize,
    rooms_max: usize,
    streams: Mutex<Streams>,
    directory: Mutex<DirectoryStream>,
}

#[derive(Debug, Default)]
struct Streams {
    rooms: BTreeMap<Cid, Stream>,
    /// What was forgotten, by the names it had.
    trails: BTreeMap<Cid, Trail>,
    /// The names of the trails, the one forgotten last at the end.
    forgotten: VecDeque<Cid>,
}

/// A room that is remembered.
#[derive(Debug, Default)]
struct Stream {
    /// Where it starts from nothing.
    from: Seq,
    last: Seq,
    /// The two newest, the newest last.
    snapshots: VecDeque<(Timestamp, Arc<Room>)>,
    records: VecDeque<Arc<Record>>,
}

/// What was forgotten under a name.
#[derive(Debug, Default)]
struct Trail {
    last: Seq,
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
        let from = snapshot.as_ref().map_or(self.from, |room| room.seq);
        let records = self.records.iter().filter(|record| record.seq > from).cloned().collect();
        Loaded { snapshot, from: self.from, records }
    }
}

impl Streams {
    fn last(&self, room: &Cid) -> Seq {
        let trail = || self.trails.get(room).map_or(Seq(0), |trail| trail.last);
        self.rooms.get(room).map_or_else(trail, |stream| stream.last)
    }

    /// Moves a room's records up to `up_to` to its trail, of which at most so many stay.
    fn forget(&mut self, room: &Cid, up_to: Seq, records_kept: usize) {
        let Some(stream) = self.rooms.get_mut(room) else { return };
        let trail = self.trails.entry(room.clone()).or_default();
        let over = stream.records.partition_point(|record| record.seq <= up_to);
        trail.last = trail.last.max(up_to.min(stream.last));
        trail.records.extend(stream.records.drain(..over));
        trail.records.drain(..trail.records.len().saturating_sub(records_kept));
        stream.from = trail.last;
        stream.snapshots.retain(|(_, snapshot)| snapshot.seq > up_to);
        if stream.last <= up_to {
            self.rooms.remove(room);
        }
        self.forgotten.retain(|other| other != room);
        self.forgotten.push_back(room.clone());
        while self.forgotten.len() > TRAILS_MAX
            && let Some(first) = self.forgotten.pop_front()
        {
            self.trails.remove(&first);
        }
    }
}

impl MemoryJournal {
    /// An empty journal that keeps about `records_kept` records a stream for its audit trail, and
    /// remembers `rooms_max` rooms.
    #[must_use]
    pub fn new(records_kept: usize, rooms_max: usize) -> Self {
        Self { records_kept, rooms_max, streams: Mutex::default(), directory: Mutex::default() }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        // Nothing here panics half way through a change.
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
        let last = streams.last(room);
        if last != expected {
            return Err(AppendError::Conflict { at: last });
        }
        let Some(end) = records.last().map(|record| record.seq) else { return Ok(()) };
        let begun = || Stream { from: last, last, ..Stream::default() };
        let stream = streams.rooms.entry(room.clone()).or_insert_with(begun);
        stream.last = end;
        stream.records.extend(records);
        Ok(())
    }

    async fn load(&self, room: &Cid, since: Timestamp) -> Result<Loaded, ReadError> {
        let streams = self.streams();
        let nothing = || Loaded { from: streams.last(room), ..Loaded::default() };
        Ok(streams.rooms.get(room).map_or_else(nothing, |stream| stream.loaded(since)))
    }

    async fn read(&self, room: &Cid, after: Seq, limit: usize) -> Result<Page, ReadError> {
        let streams = self.streams();
        let forgotten = streams.trails.get(room).map(|trail| &trail.records);
        let remembered = streams.rooms.get(room).map(|stream| &stream.records);
        let all = forgotten.into_iter().chain(remembered).flat_map(|records| {
            let start = records.partition_point(|record| record.seq <= after);
            records.range(start..)
        });
        let mut records: Vec<_> = all.take(limit.saturating_add(1)).cloned().collect();
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|record| record.seq);
        Ok(Page { records, next })
    }

    async fn snapshot(&self, room: Arc<Room>, at: Timestamp) -> Result<(), ReadError> {
        let mut streams = self.streams();
        let Some(stream) = streams.rooms.get_mut(&room.cid) else { return Ok(()) };
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

    async fn forget(&self, room: &Cid, up_to: Seq, _at: Timestamp) -> Result<(), ReadError> {
        self.streams().forget(room, up_to, self.records_kept);
        Ok(())
    }

    async fn erase(&self, room: &Cid, up_to: Seq, _at: Timestamp) -> Result<(), ReadError> {
        let mut streams = self.streams();
        streams.forget(room, up_to, self.records_kept);
        if let Some(trail) = streams.trails.get_mut(room) {
            // Where it ended stays: somebody may be about to begin anew behind it.
            trail.records.retain(|record| record.seq > up_to);
        }
        Ok(())
    }

    fn is_full(&self, room: &Cid) -> bool {
        let streams = self.streams();
        streams.rooms.len() >= self.rooms_max && !streams.rooms.contains_key(room)
    }

    async fn rooms(&self, start: Option<&Cid>, limit: usize) -> Result<Vec<Cid>, ReadError> {
        let streams = self.streams();
        Ok(streams.rooms.range(after(start)).take(limit).map(|(cid, _)| cid.clone()).collect())
    }

    async fn states(
        &self,
        start: Option<&Cid>,
        limit: usize,
    ) -> Result<Vec<(Cid, Loaded)>, ReadError> {
        let streams = self.streams();
        let found = streams.rooms.range(after(start)).take(limit);
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
