//! The durable order of events: one journal, a stream of records for each room, and one for the
//! directory.
//!
//! A backend stores what it is given and decides nothing. `append` is the commit point: what it
//! acknowledged is never lost by it, and nobody is told of anything before. Backends stand beside
//! this file; only `server.rs` names one.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use rolecall_protocol::{
    call_type::CallType,
    id::{Cid, PeerId, Seq, Timestamp},
    room::{Event, Room, people::Doer},
    wire::frame::CallId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub mod memory;
pub mod sqlite;

/// What one command did: all its events or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The room's position after the last of the events.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked.
    pub by: Doer,
    /// What was asked, by the name of the call.
    pub method: Cow<'static, str>,
    /// What happened.
    pub events: Vec<Event>,
    /// The call it answers, so that the same call, sent again because its reply was lost, is known
    /// even after a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Called>,
}

impl Record {
    /// Whether it must outlive the machine's power: who may come in, who is what, and that the room
    /// is over. The rest of what was said last may be lost with it.
    #[must_use]
    pub fn is_weighty(&self) -> bool {
        self.events.iter().any(Event::is_weighty)
    }
}

/// A call that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    /// Whose call.
    pub peer_id: PeerId,
    /// Under which id.
    pub id: CallId,
    /// A hash of its method and params.
    pub hash: u64,
    /// The reply's frame.
    pub reply: Arc<str>,
}

/// What a room starts from: a snapshot (none: from nothing), and the records since.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The room as it was at its own `seq`.
    pub snapshot: Option<Arc<Room>>,
    /// Where nothing is, without a snapshot: 0, or where what was forgotten under that name ends.
    pub from: Seq,
    /// What was committed after that, in order.
    pub records: Vec<Arc<Record>>,
}

impl Loaded {
    /// The room before the records, of that call type where it starts from nothing; and the
    /// records.
    #[must_use]
    pub fn begin(self, cid: &Cid, call_type: &Arc<CallType>) -> (Room, Vec<Arc<Record>>) {
        let room = match self.snapshot {
            Some(snapshot) => Arc::unwrap_or_clone(snapshot),
            None => Room { seq: self.from, ..Room::vacant(cid.clone(), Arc::clone(call_type)) },
        };
        (room, self.records)
    }
}

/// What one command did to the directory: all its events or none. A journal stores them as they
/// are written; what they say is the directory's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectoryRecord {
    /// The directory's position after it: one more than the record's before.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked, in the directory's words.
    pub by: Arc<str>,
    /// What was asked.
    pub method: Cow<'static, str>,
    /// What happened.
    pub events: Vec<Box<RawValue>>,
}

/// One thing of the directory as it is now: a user, a role, the app.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Its name among all of them.
    pub key: String,
    /// The thing itself.
    pub body: Box<RawValue>,
}

/// What the directory starts from: its things as they were at `seq`, and the records since.
#[derive(Clone, Debug, Default)]
pub struct LoadedDirectory {
    /// In order of their keys.
    pub entities: Vec<Entity>,
    /// The position they are of.
    pub seq: Seq,
    /// What was committed after that, in order.
    pub records: Vec<Arc<DirectoryRecord>>,
}

/// Some records of the directory, as its audit trail.
#[derive(Clone, Debug, Default)]
pub struct DirectoryPage {
    /// In order.
    pub records: Vec<Arc<DirectoryRecord>>,
    /// The `after` of the next page, if there is one.
    pub next: Option<Seq>,
}

/// Some records of a room, as its audit trail.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In order.
    pub records: Vec<Arc<Record>>,
    /// The `after` of the next page, if there is one.
    pub next: Option<Seq>,
}

/// Why an append did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first; nothing was stored.
    #[error("the journal is at {at}, not where it was expected")]
    Conflict {
        /// Where the journal is.
        at: Seq,
    },
    /// It could not be stored.
    #[error("the journal could not store it: {0}")]
    Failed(String),
}

/// Why something could not be read or dropped.
#[derive(Debug, thiserror::Error)]
#[error("the journal could not be read: {0}")]
pub struct ReadError(pub String);

/// Where committed events live.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Stores these records, in order, all or none, provided the room's last one is at `expected`
    /// (0 where there is none).
    ///
    /// # Errors
    /// [`AppendError`]; after `Conflict` nothing was stored.
    async fn append(
        &self,
        room: &Cid,
        expected: Seq,
        records: Vec<Arc<Record>>,
    ) -> Result<(), AppendError>;

    /// What the room starts from, as it was early enough that the records tell everything that
    /// happened at `since` or later. Where neither of the two snapshots is that old, as the older is.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn load(&self, room: &Cid, since: Timestamp) -> Result<Loaded, ReadError>;

    /// At most `limit` records after `after`, as far as the journal still keeps them: those of what
    /// was forgotten under that name, too.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn read(&self, room: &Cid, after: Seq, limit: usize) -> Result<Page, ReadError>;

    /// Takes a snapshot; `at`: when the last of its records was decided. The one before it is kept,
    /// and older ones go, so that records up to that one's `seq` need not be kept for loading.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn snapshot(&self, room: Arc<Room>, at: Timestamp) -> Result<(), ReadError>;

    /// Forgets the room up to that record: it starts from nothing there, and is no longer one that
    /// is remembered where no record follows. Its records stay a while as its audit trail, and what
    /// begins under its name goes on counting behind them. `at`: now.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn forget(&self, room: &Cid, up_to: Seq, at: Timestamp) -> Result<(), ReadError>;

    /// Forgets the room up to that record, and its audit trail with it: these records are not read
    /// any more.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn erase(&self, room: &Cid, up_to: Seq, at: Timestamp) -> Result<(), ReadError>;

    /// Whether there is no place for that room, which is not there yet.
    fn is_full(&self, room: &Cid) -> bool;

    /// At most `limit` rooms that are remembered, in order of their names, after `after`.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn rooms(&self, after: Option<&Cid>, limit: usize) -> Result<Vec<Cid>, ReadError>;

    /// The same, each with what it starts from, the newest snapshot being recent enough.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn states(
        &self,
        after: Option<&Cid>,
        limit: usize,
    ) -> Result<Vec<(Cid, Loaded)>, ReadError>;

    /// Stores these records of the directory, as [`Journal::append`] those of a room.
    ///
    /// # Errors
    /// [`AppendError`]; after `Conflict` nothing was stored.
    async fn append_directory(
        &self,
        expected: Seq,
        records: Vec<Arc<DirectoryRecord>>,
    ) -> Result<(), AppendError>;

    /// What the directory starts from.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn load_directory(&self) -> Result<LoadedDirectory, ReadError>;

    /// Takes note of what is different at `seq` from the last time: the entities as they are then,
    /// nothing where one is gone. Records up to `seq` need not be kept for loading.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn snapshot_directory(
        &self,
        seq: Seq,
        changed: Vec<(String, Option<Box<RawValue>>)>,
    ) -> Result<(), ReadError>;

    /// At most `limit` records of the directory after `after`, as far as they are still kept.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn read_directory(&self, after: Seq, limit: usize) -> Result<DirectoryPage, ReadError>;

    /// Stores what was asked before and nothing more; when it returns, all that was acknowledged is
    /// as safe as it gets, and somebody else may open what it was stored in.
    async fn close(&self) {}
}
