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
/// A name under which nothing is left stays so long, for who is about to begin anew under it.
const NAME_KEPT: Duration = Duration::from_secs(60);
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
    /// How many forgotten rooms keep their records.
    trails_max: usize,
    clock: Clock,
    file: PathBuf,
    next: Instant,
    /// The room that was looked at last.
    room: i64,
    /// Forgotten rooms that are too many.
    surplus: usize,
}

impl Keeper {
    pub(super) fn new(
        audit_kept: Duration,
        trails_max: usize,
        clock: Clock,
        file: PathBuf,
    ) -> Self {
        Self {
            audit_kept,
            trails_max,
            clock,
            file,
            next: Instant::now() + EVERY,
            room: 0,
            surplus: 0,
        }
    }

    /// How long until the next slice.
    pub(super) fn patience(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Does a slice; about how many bytes it wrote.
    pub(super) fn keep(&mut self, connection: &mut Connection) -> rusqlite::Result<usize> {
        // Where it fails, it is tried again later.
        self.next = Instant::now() + EVERY;
        let now = self.clock.now_ms();
        let ago = |span: Duration| {
            Timestamp(now.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
        };
        let (over, nameless) = (ago(self.audit_kept), ago(NAME_KEPT));
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut dropped = drop_erased(&transaction)?;
        let left = RECORDS_MAX - dropped.min(RECORDS_MAX);
        dropped += self.drop_over(&transaction, over, nameless, left)?;
        self.drop_surplus(&transaction, nameless)?;
        transaction.commit()?;
        let more = give_back(connection)? || dropped >= RECORDS_MAX || self.surplus > 0;
        if more {
            self.next = Instant::now() + AGAIN;
        }
        if let Ok(found) = std::fs::metadata(&self.file) {
            metrics::journal_bytes(found.len());
        }
        Ok(dropped * BYTES_OF_A_DROP)
    }

    /// Drops records that were made before `over` and that nothing starts from, and names under
    /// which nothing is left since `nameless`; how many records.
    fn drop_over(
        &mut self,
        connection: &Connection,
        over: Timestamp,
        nameless: Timestamp,
        max: usize,
    ) -> rusqlite::Result<usize> {
        let some = some_rooms(connection, self.room)?;
        let mut dropped = 0;
        for room in &some {
            let up_to = room.up_to(over);
            if up_to > 0 {
                dropped += drop_records(connection, room.id, up_to, over, max - dropped)?;
            }
            if dropped >= max {
                return Ok(dropped);
            }
            if !room.living && room.over_at < sql(nameless.0) {
                drop_name(connection, room.id)?;
            }
            self.room = room.id;
        }
        if some.len() < ROOMS_MAX {
            self.room = 0;
            dropped += drop_of_directory(connection, over, max - dropped)?;
            drop_call_types(connection)?;
            self.surplus = forgotten(connection)?.saturating_sub(self.trails_max);
        }
        Ok(dropped)
    }

    /// Drops what was forgotten first where there are too many forgotten rooms.
    fn drop_surplus(&mut self, connection: &Connection, before: Timestamp) -> rusqlite::Result<()> {
        if self.surplus == 0 {
            return Ok(());
        }
        let mut select = connection.prepare_cached(
            "SELECT id FROM rooms WHERE living = 0 AND over_at < ?1 ORDER BY over_at LIMIT ?2",
        )?;
        let some = params![sql(before.0), sql(self.surplus.min(ROOMS_MAX) as u64)];
        let first = select.query_map(some, |row| row.get(0))?;
        let first = first.collect::<rusqlite::Result<Vec<i64>>>()?;
        for room in &first {
            connection.prepare_cached("DELETE FROM rooms WHERE id = ?1")?.execute([room])?;
            drop_later(connection, *room, i64::MAX)?;
        }
        let (rooms, max) = (first.len(), self.trails_max);
        if rooms == 0 {
            // All that are left were forgotten just now.
            self.surplus = 0;
            return Ok(());
        }
        tracing::warn!(
            rooms,
            max,
            "audit trails of {rooms} forgotten rooms go before their time: there are over {max}"
        );
        self.surplus -= rooms;
        Ok(())
    }
}

/// How many forgotten rooms there are.
fn forgotten(connection: &Connection) -> rusqlite::Result<usize> {
    let count = "SELECT count(*) FROM rooms WHERE living = 0";
    let count: i64 = connection.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// A room as its keeper sees it.
struct Kept {
    id: i64,
    living: bool,
    /// Where what was forgotten ends, and since when it is.
    over: i64,
    over_at: i64,
    /// Its older snapshot, and how many it has.
    seq: Option<i64>,
    at: Option<i64>,
    snapshots: i64,
}

impl Kept {
    /// Up to where nothing starts from its records that were made before `over`.
    fn up_to(&self, over: Timestamp) -> i64 {
        // With one snapshot a room may still start from nothing, until it is that old.
        let covered = self.snapshots > 1 || self.at.is_some_and(|at| at < sql(over.0));
        self.over.max(self.seq.filter(|_| covered).unwrap_or(0))
    }
}

fn some_rooms(connection: &Connection, after: i64) -> rusqlite::Result<Vec<Kept>> {
    let mut select = connection.prepare_cached(
        "SELECT some.id, living, over, over_at, min(seq), at, count(seq) FROM
         (SELECT id, living, over, over_at FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?2) AS some
         LEFT JOIN snapshots ON room = some.id GROUP BY some.id ORDER BY some.id",
    )?;
    let rows = select.query_map(params![after, sql(ROOMS_MAX as u64)], |row| {
        Ok(Kept {
            id: row.get(0)?,
            living: row.get(1)?,
            over: row.get(2)?,
            over_at: row.get(3)?,
            seq: row.get(4)?,
            at: row.get(5)?,
            snapshots: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Drops the name of a forgotten room that has no record left.
fn drop_name(connection: &Connection, room: i64) -> rusqlite::Result<()> {
    let delete = "DELETE FROM rooms WHERE id = ?1 AND living = 0
         AND NOT EXISTS (SELECT 1 FROM records WHERE room = ?1)";
    connection.prepare_cached(delete)?.execute([room]).map(drop)
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

/// Drops some of the records that nobody reads any more; how many.
fn drop_erased(connection: &Connection) -> rusqlite::Result<usize> {
    let mut select = connection.prepare_cached("SELECT room, up_to FROM erased LIMIT ?1")?;
    let rows = select.query_map([sql(ROOMS_MAX as u64)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let erased = rows.collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
    let mut dropped = 0;
    for (room, up_to) in erased {
        dropped += drop_some(connection, room, up_to, RECORDS_MAX - dropped)?;
        if dropped >= RECORDS_MAX {
            break;
        }
        connection.prepare_cached("DELETE FROM erased WHERE room = ?1")?.execute([room])?;
    }
    Ok(dropped)
}

/// Drops at most so many of a room's records up to `up_to`, the oldest first; how many.
pub(super) fn drop_some(
    connection: &Connection,
    room: i64,
    up_to: i64,
    max: usize,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM records WHERE room = ?1 AND seq <= (SELECT max(seq) FROM
             (SELECT seq FROM records WHERE room = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3))",
        )?
        .execute(params![room, up_to, sql(max as u64)])
}

/// Has the rest of a room's records up to `up_to` dropped bit by bit.
pub(super) fn drop_later(connection: &Connection, room: i64, up_to: i64) -> rusqlite::Result<()> {
    let insert = "INSERT INTO erased (room, up_to) VALUES (?1, ?2)
         ON CONFLICT (room) DO UPDATE SET up_to = max(up_to, ?2)";
    connection.prepare_cached(insert)?.execute([room, up_to]).map(drop)
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
