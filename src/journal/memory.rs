//! The journal in memory: it lives as long as the process. It must not know what events mean.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rolecall_protocol::{
    id::{Cid, Seq},
    room::Room,
};

use super::{AppendError, Journal, Loaded, Page, ReadError, Record};

/// Records in memory, at most so many a room once a snapshot covers the older ones.
#[derive(Debug)]
pub struct MemoryJournal {
    records_kept: usize,
    rooms_max: usize,
    streams: Mutex<BTreeMap<Cid, Stream>>,
}

#[derive(Debug, Default)]
struct Stream {
    last: Seq,
    snapshot: Option<Arc<Room>>,
    records: VecDeque<Arc<Record>>,
}

impl MemoryJournal {
    /// An empty journal that keeps about `records_kept` records a room for its audit trail, and
    /// remembers `rooms_max` rooms.
    #[must_use]
    pub const fn new(records_kept: usize, rooms_max: usize) -> Self {
        Self { records_kept, rooms_max, streams: Mutex::new(BTreeMap::new()) }
    }

    fn streams(&self) -> MutexGuard<'_, BTreeMap<Cid, Stream>> {
        // A panic elsewhere cannot leave a stream half written: each change is one push.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    async fn load(&self, room: &Cid) -> Result<Loaded, ReadError> {
        let streams = self.streams();
        let Some(stream) = streams.get(room) else { return Ok(Loaded::default()) };
        let from = stream.snapshot.as_ref().map_or(Seq(0), |snapshot| snapshot.seq);
        let records = stream.records.iter().filter(|record| record.seq > from).cloned().collect();
        Ok(Loaded { snapshot: stream.snapshot.clone(), records })
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

    async fn snapshot(&self, room: Arc<Room>) -> Result<(), ReadError> {
        let mut streams = self.streams();
        if let Some(stream) = streams.get_mut(&room.cid) {
            let covered = room.seq;
            stream.snapshot = Some(room);
            while stream.records.len() > self.records_kept
                && stream.records.front().is_some_and(|record| record.seq <= covered)
            {
                stream.records.pop_front();
            }
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

    async fn rooms(&self, after: Option<&Cid>, limit: usize) -> Result<Vec<Cid>, ReadError> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let streams = self.streams();
        Ok(streams
            .range((from, Bound::Unbounded))
            .take(limit)
            .map(|(cid, _)| cid.clone())
            .collect())
    }
}
