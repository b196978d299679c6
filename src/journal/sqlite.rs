//! The journal on disk: one SQLite file in a directory of its own, written by one thread. It must
//! not know what events mean.
//!
//! What is weighty is flushed to the disk itself before it is acknowledged; everything else is
//! written by then, and outlives the process, if perhaps not the machine's power.

mod backup;
mod keep;
mod lock;
mod reader;
mod row;
mod schema;
mod store;
mod writer;

use std::{
    collections::HashSet,
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use rolecall_protocol::{
    id::{Cid, Seq, Timestamp},
    room::Room,
};
use serde_json::value::RawValue;

use self::{
    keep::Keeper,
    lock::Lock,
    reader::Readers,
    row::Shelf,
    store::Outcome,
    writer::{Desk, Job, Manner},
};
use super::{
    AppendError, DirectoryPage, DirectoryRecord, Journal, Loaded, LoadedDirectory, Page, ReadError,
    Record,
};
use crate::clock::Clock;

pub use backup::{BackupError, backup};

/// Where and how the journal is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its directory; made where there is none.
    pub directory: PathBuf,
    /// Whether every record is flushed to the disk itself before it is acknowledged.
    pub power: bool,
    /// How long records are kept that nothing starts from any more.
    pub audit_kept: Duration,
    /// The largest size of the file.
    pub bytes_max: u64,
    /// Most rooms that are remembered.
    pub rooms_max: usize,
    /// Most rooms that are forgotten while their audit trail is kept; beyond, the oldest trails go
    /// before their time.
    pub trails_max: usize,
    /// The time.
    pub clock: Clock,
    /// Told when the disk can no longer be trusted. The process is to end: nothing is stored any
    /// more, and what is asked is never answered as if it were.
    pub lost: fn(&str),
}

/// Why a journal on disk cannot be used. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory, or a file in it, cannot be made or opened.
    #[error("the data directory `{}` cannot be used: {problem}", directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// Another process has it.
    #[error("the data directory `{}` is in use by another rolecall{}", directory.display(), of_process(*pid))]
    InUse {
        /// Which.
        directory: PathBuf,
        /// Whose it is, where that could be read.
        pid: Option<u32>,
    },
    /// The file is something else.
    #[error("`{}` is no journal of rolecall; nothing was changed", _0.display())]
    Foreign(PathBuf),
    /// A later version wrote it.
    #[error(
        "`{}` was written by a newer rolecall: its format is {version}, and this one knows {known}; \
         nothing was changed",
        file.display()
    )]
    Newer {
        /// Which file.
        file: PathBuf,
        /// Its version.
        version: i64,
        /// The latest one known here.
        known: i64,
    },
    /// The file is not what was written.
    #[error(
        "`{}` is damaged: {problem}; nothing was changed. Put a backup in its place, or move the \
         directory away to begin anew",
        file.display()
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It cannot be read or written now.
    #[error("`{}` cannot be opened: {problem}", file.display())]
    Failed {
        /// Which file.
        file: PathBuf,
        /// What SQLite says.
        problem: String,
    },
}

fn of_process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// Records in a file.
pub struct SqliteJournal {
    shelf: Arc<Shelf>,
    readers: Readers,
    desk: Desk,
    known: Arc<Known>,
    rooms_max: usize,
}

/// The names of all rooms that are remembered.
#[derive(Default)]
struct Known(RwLock<HashSet<Cid>>);

impl Known {
    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn contains(&self, room: &Cid) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(room)
    }

    fn insert(&self, room: &Cid) {
        if !self.contains(room) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(room.clone());
        }
    }

    fn remove(&self, room: &Cid) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(room);
    }
}

impl SqliteJournal {
    /// Opens the journal of a directory, or makes one. It blocks while the file is looked through.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { directory, power, bytes_max, rooms_max, lost, .. } = options;
        let refused = |problem| OpenError::Directory { directory: directory.clone(), problem };
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(refused)?;
        let lock = Lock::take(&directory)?;
        let connection = schema::open(&directory, bytes_max)?;
        let file = directory.join(schema::FILE);
        let known = known(&connection).map_err(|error| OpenError::Damaged {
            file: file.clone(),
            problem: error.to_string(),
        })?;
        let known = Arc::new(known);
        let keeper = Keeper::new(options.audit_kept, options.trails_max, options.clock, file);
        let manner = Manner { power, lost };
        let desk = writer::start(connection, keeper, Arc::clone(&known), manner, lock);
        let desk = desk.map_err(refused)?;
        let shelf = Arc::new(Shelf::default());
        let readers = Readers::new(directory.clone(), Arc::clone(&shelf));
        Ok(Self { shelf, readers, desk, known, rooms_max })
    }

    async fn append_job(&self, job: Job) -> Result<(), AppendError> {
        match self.desk.ask(job).await {
            Ok(Outcome::Done | Outcome::Forgotten) => Ok(()),
            Ok(Outcome::Conflict(at)) => Err(AppendError::Conflict { at }),
            Err(problem) => Err(AppendError::Failed(problem)),
        }
    }

    async fn job(&self, job: Job) -> Result<(), ReadError> {
        self.desk.ask(job).await.map(drop).map_err(ReadError)
    }
}

/// The directory in which a backup can be made from outside the server's process.
fn file_of(directory: &Path) -> PathBuf {
    directory.join(schema::FILE)
}

fn known(connection: &rusqlite::Connection) -> Result<Known, ReadError> {
    let mut select = connection.prepare("SELECT cid FROM rooms WHERE living = 1")?;
    let mut rows = select.query([])?;
    let mut known = HashSet::new();
    while let Some(row) = rows.next()? {
        known.insert(reader::cid(row.get_ref(0)?.as_str().map_err(row::unreadable)?)?);
    }
    Ok(Known(RwLock::new(known)))
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(
        &self,
        room: &Cid,
        expected: Seq,
        records: Vec<Arc<Record>>,
    ) -> Result<(), AppendError> {
        let weighty = records.iter().any(|record| record.is_weighty());
        let rows = records.iter().map(|record| self.shelf.row(record));
        let rows = rows.collect::<serde_json::Result<_>>();
        let rows = rows.map_err(|error| AppendError::Failed(error.to_string()))?;
        self.append_job(Job::Append { room: room.clone(), expected, rows, weighty }).await
    }

    async fn load(&self, room: &Cid, since: Timestamp) -> Result<Loaded, ReadError> {
        // Behind whatever of that room is still on its way.
        self.job(Job::Await).await?;
        let room = room.clone();
        self.readers.ask(move |look| look.load(&room, since)).await
    }

    async fn read(&self, room: &Cid, after: Seq, limit: usize) -> Result<Page, ReadError> {
        let room = room.clone();
        self.readers.ask(move |look| look.page(&room, after, limit)).await
    }

    async fn snapshot(&self, room: Arc<Room>, at: Timestamp) -> Result<(), ReadError> {
        let (shelf, cid) = (Arc::clone(&self.shelf), room.cid.clone());
        // A large room takes a while to write down.
        let row = tokio::task::spawn_blocking(move || shelf.snapshot(&room, at));
        let row = row.await.map_err(row::unreadable)??;
        self.job(Job::Snapshot { room: cid, row }).await
    }

    async fn forget(&self, room: &Cid, up_to: Seq, at: Timestamp) -> Result<(), ReadError> {
        self.job(Job::Forget { room: room.clone(), up_to, at, erase: false }).await
    }

    async fn erase(&self, room: &Cid, up_to: Seq, at: Timestamp) -> Result<(), ReadError> {
        self.job(Job::Forget { room: room.clone(), up_to, at, erase: true }).await
    }

    fn is_full(&self, room: &Cid) -> bool {
        self.known.len() >= self.rooms_max && !self.known.contains(room)
    }

    async fn rooms(&self, after: Option<&Cid>, limit: usize) -> Result<Vec<Cid>, ReadError> {
        let after = name(after);
        self.readers.ask(move |look| look.rooms(&after, limit)).await
    }

    async fn states(
        &self,
        after: Option<&Cid>,
        limit: usize,
    ) -> Result<Vec<(Cid, Loaded)>, ReadError> {
        let after = name(after);
        self.readers.ask(move |look| look.states(&after, limit)).await
    }

    async fn append_directory(
        &self,
        expected: Seq,
        records: Vec<Arc<DirectoryRecord>>,
    ) -> Result<(), AppendError> {
        let rows = records.iter().map(|record| row::directory_row(record));
        let rows = rows.collect::<serde_json::Result<_>>();
        let rows = rows.map_err(|error| AppendError::Failed(error.to_string()))?;
        self.append_job(Job::AppendDirectory { expected, rows }).await
    }

    async fn load_directory(&self) -> Result<LoadedDirectory, ReadError> {
        self.job(Job::Await).await?;
        self.readers.ask(|look| look.directory()).await
    }

    async fn snapshot_directory(
        &self,
        seq: Seq,
        changed: Vec<(String, Option<Box<RawValue>>)>,
    ) -> Result<(), ReadError> {
        self.job(Job::SnapshotDirectory { seq, changed }).await
    }

    async fn read_directory(&self, after: Seq, limit: usize) -> Result<DirectoryPage, ReadError> {
        self.readers.ask(move |look| look.directory_page(after, limit)).await
    }

    async fn close(&self) {
        self.readers.close();
        if let Err(problem) = self.desk.ask(Job::Close).await {
            tracing::warn!(%problem, "the journal could not be closed: {problem}");
        }
    }
}

fn name(room: Option<&Cid>) -> String {
    room.map(|cid| cid.as_str().to_owned()).unwrap_or_default()
}

/// A number of ours as SQLite has them; none of ours is larger.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        row::unreadable(error)
    }
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        row::unreadable(error)
    }
}
