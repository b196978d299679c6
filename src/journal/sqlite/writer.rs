//! The one writer: a thread that takes what is to be stored, as much as waits, and commits it at
//! once; between, it keeps the file small. It must not know what it stores.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use rolecall_protocol::id::{Cid, Seq, Timestamp};
use rusqlite::{Connection, TransactionBehavior};
use serde_json::value::RawValue;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};

use super::{
    Known,
    keep::Keeper,
    lock::Lock,
    row::Row,
    store::{self, Outcome},
};
use crate::metrics;

/// What is stored with one commit, in jobs and in bytes.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What may wait to be stored, in units of a KiB, of which a job takes at least one; more waits
/// with its room.
const QUEUE_UNITS: u32 = 32 * 1024;
/// After so much was written it is moved from the log into the file.
const LOG_BYTES_MAX: usize = 4 * 1024 * 1024;
/// After so long without a job the log is emptied.
const IDLE: Duration = Duration::from_millis(500);

/// Something to be stored.
#[derive(Debug)]
pub(super) enum Job {
    Append {
        room: Cid,
        expected: Seq,
        rows: Vec<Row>,
        weighty: bool,
    },
    Snapshot {
        room: Cid,
        row: Row,
    },
    Forget {
        room: Cid,
        up_to: Seq,
        at: Timestamp,
        /// Whether its audit trail goes, too.
        erase: bool,
    },
    AppendDirectory {
        expected: Seq,
        rows: Vec<Row>,
    },
    SnapshotDirectory {
        seq: Seq,
        changed: Vec<(String, Option<Box<RawValue>>)>,
    },
    /// Stores nothing: answered once everything before it is.
    Await,
    /// The last.
    Close,
}

impl Job {
    /// Whether it must be on the disk itself before it is acknowledged.
    fn is_weighty(&self) -> bool {
        match self {
            Self::Append { weighty, .. } => *weighty,
            Self::AppendDirectory { .. } => true,
            Self::Forget { erase, .. } => *erase,
            Self::Snapshot { .. } | Self::SnapshotDirectory { .. } | Self::Await | Self::Close => {
                false
            }
        }
    }

    fn bytes(&self) -> usize {
        let of_rows = |rows: &[Row]| rows.iter().map(Row::bytes).sum();
        match self {
            Self::Append { rows, .. } | Self::AppendDirectory { rows, .. } => of_rows(rows),
            Self::Snapshot { row, .. } => row.bytes(),
            Self::SnapshotDirectory { changed, .. } => {
                let body =
                    |body: &Option<Box<RawValue>>| body.as_ref().map_or(0, |b| b.get().len());
                changed.iter().map(|(key, entity)| key.len() + body(entity)).sum()
            }
            Self::Forget { .. } | Self::Await | Self::Close => 0,
        }
    }
}

struct Asked {
    job: Job,
    answer: oneshot::Sender<Result<Outcome, String>>,
    _place: OwnedSemaphorePermit,
}

/// Where jobs are handed in.
pub(super) struct Desk {
    jobs: mpsc::Sender<Asked>,
    queue: Arc<Semaphore>,
}

impl Desk {
    /// Has a job done; an error says that nothing of it was stored.
    pub(super) async fn ask(&self, job: Job) -> Result<Outcome, String> {
        let gone = || "it is closed".to_owned();
        let units = u32::try_from(job.bytes() / 1024).unwrap_or(u32::MAX);
        let units = units.clamp(1, QUEUE_UNITS);
        let place = Arc::clone(&self.queue).acquire_many_owned(units).await;
        let place = place.map_err(|_| gone())?;
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Asked { job, answer, _place: place }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// How it stores.
pub(super) struct Manner {
    /// Whether everything must be on the disk itself before it is acknowledged.
    pub(super) power: bool,
    /// Told when the disk can no longer be trusted; the process is to end.
    pub(super) lost: fn(&str),
}

/// Starts the thread.
pub(super) fn start(
    connection: Connection,
    keeper: Keeper,
    known: Arc<Known>,
    manner: Manner,
    lock: Lock,
) -> std::io::Result<Desk> {
    let (sender, jobs) = mpsc::channel();
    let writer = Writer {
        connection,
        jobs,
        keeper,
        known,
        manner,
        flushes: None,
        since_checkpoint: 0,
        closing: None,
        lock,
    };
    std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
    Ok(Desk { jobs: sender, queue: Arc::new(Semaphore::new(QUEUE_UNITS as usize)) })
}

struct Writer {
    connection: Connection,
    jobs: mpsc::Receiver<Asked>,
    keeper: Keeper,
    known: Arc<Known>,
    manner: Manner,
    /// Whether commits are flushed to the disk now, where that is known.
    flushes: Option<bool>,
    /// Bytes written since the log was last moved into the file.
    since_checkpoint: usize,
    closing: Option<Asked>,
    lock: Lock,
}

/// Whether the writer goes on.
type Goes = Result<(), Lost>;

/// The disk can no longer be trusted.
struct Lost;

impl Writer {
    fn run(mut self) {
        let ended = self.work();
        let Self { connection, closing, lock, .. } = self;
        let closed = connection.close().map_err(|(_, error)| error);
        if let Err(error) = closed {
            tracing::warn!(%error, "the journal could not be closed tidily");
        }
        // The directory is another's to take only now.
        drop(lock);
        if let (Ok(()), Some(asked)) = (ended, closing) {
            let _ = asked.answer.send(Ok(Outcome::Done));
        }
    }

    fn work(&mut self) -> Goes {
        let mut batch = Vec::new();
        while self.closing.is_none() {
            let patience = self.keeper.patience().min(IDLE);
            match self.jobs.recv_timeout(patience) {
                Ok(first) => self.gather(first, &mut batch),
                Err(mpsc::RecvTimeoutError::Timeout) => self.empty_log()?,
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if !batch.is_empty() {
                self.settle(&mut batch)?;
            }
            if self.since_checkpoint >= LOG_BYTES_MAX {
                self.checkpoint("PASSIVE")?;
            }
            if self.keeper.patience().is_zero() {
                let kept = self.keeper.keep(&mut self.connection);
                self.since_checkpoint += kept.as_ref().map_or(0, |kept| *kept);
                self.look_at(kept, "the journal could not be tidied")?;
            }
        }
        self.empty_log()
    }

    /// Takes what waits, up to the bounds of a batch.
    fn gather(&mut self, first: Asked, batch: &mut Vec<Asked>) {
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(asked) = next {
            if matches!(asked.job, Job::Close) {
                self.closing = Some(asked);
                return;
            }
            bytes += asked.job.bytes();
            batch.push(asked);
            let room = batch.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX;
            next = if room { self.jobs.try_recv().ok() } else { None };
        }
        self.since_checkpoint += bytes;
    }

    /// Commits a batch and answers it.
    fn settle(&mut self, batch: &mut Vec<Asked>) -> Goes {
        let begun = Instant::now();
        let committed = self.commit(batch);
        metrics::journal_commit(begun.elapsed(), batch.len());
        match committed {
            Ok(outcomes) => {
                for (asked, outcome) in batch.drain(..).zip(outcomes) {
                    match &asked.job {
                        Job::Append { room, rows, .. }
                            if !rows.is_empty() && matches!(outcome, Outcome::Done) =>
                        {
                            self.known.insert(room);
                        }
                        Job::Forget { room, .. } if outcome == Outcome::Forgotten => {
                            self.known.remove(room);
                        }
                        _ => {}
                    }
                    let _ = asked.answer.send(Ok(outcome));
                }
                Ok(())
            }
            Err(error) => {
                metrics::journal_failure();
                let text = error.to_string();
                // Nobody hears of anything that may or may not be there.
                self.look_at::<()>(Err(error), "the journal could not store something")?;
                for asked in batch.drain(..) {
                    let _ = asked.answer.send(Err(text.clone()));
                }
                Ok(())
            }
        }
    }

    /// All of the batch or nothing.
    fn commit(&mut self, batch: &[Asked]) -> rusqlite::Result<Vec<Outcome>> {
        let flush = self.manner.power || batch.iter().any(|asked| asked.job.is_weighty());
        self.flush_commits(flush)?;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcomes = batch.iter().map(|asked| store::store(&transaction, &asked.job));
        let outcomes = outcomes.collect::<rusqlite::Result<_>>()?;
        transaction.commit()?;
        Ok(outcomes)
    }

    fn flush_commits(&mut self, flush: bool) -> rusqlite::Result<()> {
        if self.flushes != Some(flush) {
            self.flushes = None;
            let synchronous = if flush { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", synchronous)?;
            self.flushes = Some(flush);
        }
        Ok(())
    }

    fn empty_log(&mut self) -> Goes {
        if self.since_checkpoint == 0 { Ok(()) } else { self.checkpoint("TRUNCATE") }
    }

    fn checkpoint(&mut self, how: &str) -> Goes {
        let moved =
            self.connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()));
        self.since_checkpoint = 0;
        self.look_at(moved, "the journal's log could not be moved into its file")
    }

    /// Says what went wrong. A flush that failed is never tried again: what the system was given
    /// before may be gone, and it would not say so a second time.
    fn look_at<T>(&self, done: rusqlite::Result<T>, what: &str) -> Goes {
        let Err(error) = done else { return Ok(()) };
        if store::is_failed_flush(&error) {
            (self.manner.lost)(&error.to_string());
            return Err(Lost);
        }
        tracing::error!(%error, "{what}: {error}");
        Ok(())
    }
}
