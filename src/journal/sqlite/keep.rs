//! Keeping the file small, a bounded slice at a time: records whose time is over, call types nobody
//! refers to, pages nobody uses. It must not touch what a room or the directory starts from.

use std::{path::PathBuf, time::Duration};

use rolecall_protocol::id::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::time::Instant;

use super::{schema, sql};
use crate::{clock::Clock, metrics};

/// How often a slice is done where there is little to do.
const EVERY: Duration = Duration::from_secs(1);
/// How soon the next follows where there was more to do.
const AGAIN: Duration = Duration::from_millis(20);
/// Rooms looked at in a slice.
const ROOMS_MAX: usize = 256;
/// Records dropped in a slice.
const RECORDS_MAX: usize = 2000;
/// Call types that may lie there without being looked through.
const CALL_TYPES_KEPT: i64 = 64;
/// Free pages that are kept for what comes next, and given back in a slice.
const PAGES_KEPT: i64 = 1024;
const PAGES_MAX: usize = 256;
/// About what a dropped record writes to the log.
const BYTES_OF_A_DROP: usize = 512;

/// What is to be kept, and how far the round of the rooms is.
pub(super) struct Keeper {
    /// How long records are kept that nothing starts from any more.
    audit_kept: Duration,
    clock: Clock,
    file: PathBuf,
    next: Instant,
    /// The room that was looked at last.
    room: i64,
}

impl Keeper {
    pub(super) fn new(audit_kept: Duration, clock: Clock, file: PathBuf) -> Self {
        Self { audit_kept, clock, file, next: Instant::now() + EVERY, room: 0 }
    }

    /// How long until the next slice.
    pub(super) fn patience(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Does a slice; about how many bytes it wrote.
    pub(super) fn keep(&mut self, connection: &mut Connection) -> rusqlite::Result<usize> {
        // Where it fails, it is tried again later.
        self.next = Instant::now() + EVERY;
        let kept = u64::try_from(self.audit_kept.as_millis()).unwrap_or(u64::MAX);
        let over = Timestamp(self.clock.now_ms().saturating_sub(kept));
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut dropped = drop_forgotten(&transaction)?;
        dropped += self.drop_over(&transaction, over, RECORDS_MAX - dropped.min(RECORDS_MAX))?;
        transaction.commit()?;
        let more = give_back(connection)? || dropped >= RECORDS_MAX;
        if more {
            self.next = Instant::now() + AGAIN;
        }
        if let Ok(found) = std::fs::metadata(&self.file) {
            metrics::journal_bytes(found.len());
        }
        Ok(dropped * BYTES_OF_A_DROP)
    }

    /// Drops records that were made before `over` and that nothing starts from; how many.
    fn drop_over(
        &mut self,
        connection: &Connection,
        over: Timestamp,
        max: usize,
    ) -> rusqlite::Result<usize> {
        let mut select = connection.prepare_cached(
            "SELECT room, min(seq), at, count(*) FROM snapshots
             WHERE room > ?1 GROUP BY room ORDER BY room LIMIT ?2",
        )?;
        let mut rows = select.query(params![self.room, sql(ROOMS_MAX as u64)])?;
        let (mut looked_at, mut dropped) = (0, 0);
        while let Some(row) = rows.next()? {
            let (room, seq, at, snapshots): (i64, i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            looked_at += 1;
            // With one snapshot a room may still start from nothing, until it is that old.
            if snapshots > 1 || at < sql(over.0) {
                dropped += drop_records(connection, room, seq, over, max - dropped)?;
            }
            if dropped >= max {
                return Ok(dropped);
            }
            self.room = room;
        }
        if looked_at < ROOMS_MAX {
            self.room = 0;
            dropped += drop_of_directory(connection, over, max - dropped)?;
            drop_call_types(connection)?;
        }
        Ok(dropped)
    }
}

/// Drops a room's records up to `seq` that were made before `over`, the oldest first.
fn drop_records(
    connection: &Connection,
    room: i64,
    seq: i64,
    over: Timestamp,
    max: usize,
) -> rusqlite::Result<usize> {
    let last = connection
        .prepare_cached(
            "SELECT max(seq) FROM (SELECT seq, at FROM records
             WHERE room = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3) WHERE at < ?4",
        )?
        .query_row(params![room, seq, sql(max as u64), sql(over.0)], |row| {
            row.get::<_, Option<i64>>(0)
        })?;
    let Some(last) = last else { return Ok(0) };
    connection
        .prepare_cached("UPDATE rooms SET pruned = ?2 WHERE id = ?1")?
        .execute(params![room, last])?;
    connection
        .prepare_cached("DELETE FROM records WHERE room = ?1 AND seq <= ?2")?
        .execute(params![room, last])
}

fn drop_of_directory(
    connection: &Connection,
    over: Timestamp,
    max: usize,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM directory_records WHERE seq <= (SELECT max(seq) FROM
             (SELECT seq, at FROM directory_records
             WHERE seq <= (SELECT seq FROM directory) ORDER BY seq LIMIT ?1) WHERE at < ?2)",
        )?
        .execute(params![sql(max as u64), sql(over.0)])
}

/// Drops records of rooms that were forgotten with many of them.
fn drop_forgotten(connection: &Connection) -> rusqlite::Result<usize> {
    let mut select = connection.prepare_cached("SELECT room FROM forgotten LIMIT 1")?;
    let mut rows = select.query([])?;
    let Some(row) = rows.next()? else { return Ok(0) };
    let room: i64 = row.get(0)?;
    let dropped = drop_some(connection, room, RECORDS_MAX)?;
    if dropped < RECORDS_MAX {
        connection.prepare_cached("DELETE FROM forgotten WHERE room = ?1")?.execute([room])?;
    }
    Ok(dropped)
}

/// Drops at most so many of a room's records, the oldest first; how many.
pub(super) fn drop_some(connection: &Connection, room: i64, max: usize) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM records WHERE room = ?1 AND seq <= (SELECT max(seq) FROM
             (SELECT seq FROM records WHERE room = ?1 ORDER BY seq LIMIT ?2))",
        )?
        .execute(params![room, sql(max as u64)])
}

/// Drops call types that no record and no snapshot refers to, once there are many.
fn drop_call_types(connection: &Connection) -> rusqlite::Result<()> {
    let count = "SELECT count(*) FROM call_types";
    let lying: i64 = connection.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    if lying > CALL_TYPES_KEPT {
        let delete = "DELETE FROM call_types WHERE hash NOT IN
             (SELECT call_type FROM records WHERE call_type IS NOT NULL
             UNION SELECT call_type FROM snapshots)";
        connection.prepare_cached(delete)?.execute([])?;
    }
    Ok(())
}

/// Gives free pages at the end back to the file system; whether there are more to give.
fn give_back(connection: &Connection) -> rusqlite::Result<bool> {
    let free: i64 = schema::pragma(connection, "freelist_count")?;
    let pages: i64 = schema::pragma(connection, "page_count")?;
    if free <= PAGES_KEPT || free * 4 < pages {
        return Ok(false);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_MAX})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    Ok(true)
}
