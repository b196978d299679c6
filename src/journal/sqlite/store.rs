//! One job as statements within the writer's transaction. It must not begin or end one.

use rolecall_protocol::id::{Cid, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    keep,
    row::{self, Row},
    sql,
    writer::Job,
};

/// What came of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is stored.
    Done,
    /// The stream is elsewhere; nothing of the job was stored.
    Conflict(Seq),
    /// It is stored, and the room is no longer one that is remembered.
    Forgotten,
}

/// Records of a room that are erased at once; more go later.
const ERASED_AT_ONCE: usize = 500;
/// `SQLITE_IOERR_FSYNC` and `SQLITE_IOERR_DIR_FSYNC`.
const FAILED_FLUSHES: [i32; 2] = [10 | (4 << 8), 10 | (5 << 8)];

/// Whether a disk did not take what the system had for it.
pub(super) fn is_failed_flush(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| FAILED_FLUSHES.contains(&error.extended_code))
}

/// Does one job. After an error nothing of the whole transaction may stay.
pub(super) fn store(connection: &Connection, job: &Job) -> rusqlite::Result<Outcome> {
    match job {
        Job::Append { room, expected, rows, .. } => append(connection, room, *expected, rows),
        Job::Snapshot { room, row } => snapshot(connection, room, row),
        Job::Forget { room, up_to, at, erase } => {
            let outcome = forget(connection, room, *up_to, *at)?;
            if *erase {
                erase_trail(connection, room, *up_to)?;
            }
            Ok(outcome)
        }
        Job::AppendDirectory { expected, rows } => append_directory(connection, *expected, rows),
        Job::SnapshotDirectory { seq, changed } => {
            for (key, body) in changed {
                match body {
                    Some(body) => {
                        let body = body.get();
                        let sum = row::sum_of_entity(key, body);
                        let insert = "INSERT INTO entities (key, body, sum) VALUES (?1, ?2, ?3)
                             ON CONFLICT (key) DO UPDATE SET body = ?2, sum = ?3";
                        connection.prepare_cached(insert)?.execute(params![key, body, sum])?;
                    }
                    None => {
                        let delete = "DELETE FROM entities WHERE key = ?1";
                        connection.prepare_cached(delete)?.execute([key])?;
                    }
                }
            }
            connection.execute("UPDATE directory SET seq = ?1", [sql(seq.0)])?;
            Ok(Outcome::Done)
        }
        Job::Await | Job::Close => Ok(Outcome::Done),
    }
}

fn append(
    connection: &Connection,
    room: &Cid,
    expected: Seq,
    rows: &[Row],
) -> rusqlite::Result<Outcome> {
    let known = Known::find(connection, room)?;
    let last = known.as_ref().map_or(Ok(Seq(0)), |known| known.last(connection))?;
    if last != expected {
        return Ok(Outcome::Conflict(last));
    }
    if rows.is_empty() {
        return Ok(Outcome::Done);
    }
    let id = match known {
        Some(Known { id, living: true, .. }) => id,
        Some(Known { id, .. }) => {
            connection
                .prepare_cached("UPDATE rooms SET living = 1 WHERE id = ?1")?
                .execute([id])?;
            id
        }
        None => {
            let insert = "INSERT INTO rooms (cid) VALUES (?1)";
            connection.prepare_cached(insert)?.insert([room.as_str()])?
        }
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO records (room, seq, at, call_type, body, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for row in rows {
        lay_call_type(connection, row)?;
        let (seq, at, call_type, body, sum) = row::parameters(row);
        insert.execute(params![id, seq, at, call_type, body, sum])?;
    }
    Ok(Outcome::Done)
}

fn snapshot(connection: &Connection, room: &Cid, row: &Row) -> rusqlite::Result<Outcome> {
    let Some(Known { id, living: true, .. }) = Known::find(connection, room)? else {
        return Ok(Outcome::Done);
    };
    lay_call_type(connection, row)?;
    let (seq, at, call_type, body, sum) = row::parameters(row);
    let insert = "INSERT OR REPLACE INTO snapshots (room, seq, at, call_type, body, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(insert)?.execute(params![id, seq, at, call_type, body, sum])?;
    // The two newest stay.
    let delete = "DELETE FROM snapshots WHERE room = ?1 AND seq < coalesce(
         (SELECT seq FROM snapshots WHERE room = ?1 ORDER BY seq DESC LIMIT 1 OFFSET 1), 0)";
    connection.prepare_cached(delete)?.execute([id])?;
    Ok(Outcome::Done)
}

fn forget(
    connection: &Connection,
    room: &Cid,
    up_to: Seq,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let Some(known) = Known::find(connection, room)? else { return Ok(Outcome::Forgotten) };
    let last = known.last(connection)?;
    let over = up_to.min(last);
    let living = known.living && last > over;
    if over > known.over || living != known.living {
        let update =
            "UPDATE rooms SET living = ?2, over = max(over, ?3), over_at = ?4 WHERE id = ?1";
        let values = params![known.id, living, sql(over.0), sql(at.0)];
        connection.prepare_cached(update)?.execute(values)?;
        let delete = "DELETE FROM snapshots WHERE room = ?1 AND seq <= ?2";
        connection.prepare_cached(delete)?.execute(params![known.id, sql(over.0)])?;
    }
    Ok(if living { Outcome::Done } else { Outcome::Forgotten })
}

/// Makes a forgotten room's records up to `up_to` unreadable, and drops them bit by bit.
fn erase_trail(connection: &Connection, room: &Cid, up_to: Seq) -> rusqlite::Result<()> {
    let Some(Known { id, over, .. }) = Known::find(connection, room)? else { return Ok(()) };
    let up_to = sql(up_to.min(over).0);
    let update = "UPDATE rooms SET pruned = max(pruned, ?2) WHERE id = ?1";
    connection.prepare_cached(update)?.execute([id, up_to])?;
    if keep::drop_some(connection, id, up_to, ERASED_AT_ONCE)? == ERASED_AT_ONCE {
        keep::drop_later(connection, id, up_to)?;
    }
    Ok(())
}

fn append_directory(
    connection: &Connection,
    expected: Seq,
    rows: &[Row],
) -> rusqlite::Result<Outcome> {
    let select = "SELECT max(
         (SELECT seq FROM directory), coalesce((SELECT max(seq) FROM directory_records), 0))";
    let last: i64 = connection.prepare_cached(select)?.query_row([], |row| row.get(0))?;
    let last = seq(last);
    if last != expected {
        return Ok(Outcome::Conflict(last));
    }
    let insert = "INSERT INTO directory_records (seq, at, body, sum) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(insert)?;
    for row in rows {
        let (seq, at, _, body, sum) = row::parameters(row);
        insert.execute(params![seq, at, body, sum])?;
    }
    Ok(Outcome::Done)
}

/// A room's name, with what is remembered or was forgotten under it.
struct Known {
    id: i64,
    living: bool,
    over: Seq,
}

impl Known {
    fn find(connection: &Connection, room: &Cid) -> rusqlite::Result<Option<Self>> {
        let select = "SELECT id, living, over FROM rooms WHERE cid = ?1";
        let mut select = connection.prepare_cached(select)?;
        let known = |row: &rusqlite::Row<'_>| {
            Ok(Self { id: row.get(0)?, living: row.get(1)?, over: seq(row.get(2)?) })
        };
        select.query_row([room.as_str()], known).optional()
    }

    /// Where its stream is: its last record, or its last snapshot where the records before it are
    /// gone, or where what was forgotten ends.
    fn last(&self, connection: &Connection) -> rusqlite::Result<Seq> {
        let select = "SELECT max(
             coalesce((SELECT max(seq) FROM records WHERE room = ?1), 0),
             coalesce((SELECT max(seq) FROM snapshots WHERE room = ?1), 0))";
        let mut select = connection.prepare_cached(select)?;
        let last = seq(select.query_row([self.id], |row| row.get(0))?);
        Ok(last.max(self.over))
    }
}

fn seq(number: i64) -> Seq {
    Seq(u64::try_from(number).unwrap_or(0))
}

/// Lays the call type that a row brings on the shelf, where it is not there yet.
fn lay_call_type(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    if let Some(interned) = &row.call_type {
        let insert = "INSERT OR IGNORE INTO call_types (hash, body) VALUES (?1, ?2)";
        connection.prepare_cached(insert)?.execute(params![interned.hash, interned.body])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(extended_code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(extended_code), None)
    }

    #[test]
    fn a_failed_flush_is_told_from_what_may_pass() {
        use rusqlite::ffi;
        for lost in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC] {
            assert!(is_failed_flush(&failure(lost)));
        }
        for may_pass in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_BUSY] {
            assert!(!is_failed_flush(&failure(may_pass)));
        }
    }
}
