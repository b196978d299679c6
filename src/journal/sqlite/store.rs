//! One job as statements within the writer's transaction. It must not begin or end one.

use rolecall_protocol::id::{Cid, Seq};
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
}

/// Records of a room that go with it at once; more go later.
const FORGOTTEN_AT_ONCE: usize = 500;
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
        Job::Forget { room } => forget(connection, room),
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
    let known = id_of(connection, room)?;
    let last = known.map_or(Ok(Seq(0)), |id| last_of(connection, id))?;
    if last != expected {
        return Ok(Outcome::Conflict(last));
    }
    if rows.is_empty() {
        return Ok(Outcome::Done);
    }
    let id = match known {
        Some(id) => id,
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
    let Some(id) = id_of(connection, room)? else { return Ok(Outcome::Done) };
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

fn forget(connection: &Connection, room: &Cid) -> rusqlite::Result<Outcome> {
    let Some(id) = id_of(connection, room)? else { return Ok(Outcome::Done) };
    for delete in ["DELETE FROM snapshots WHERE room = ?1", "DELETE FROM rooms WHERE id = ?1"] {
        connection.prepare_cached(delete)?.execute([id])?;
    }
    // Its number is never given again, so what is left can go bit by bit.
    if keep::drop_some(connection, id, FORGOTTEN_AT_ONCE)? == FORGOTTEN_AT_ONCE {
        connection.prepare_cached("INSERT INTO forgotten (room) VALUES (?1)")?.execute([id])?;
    }
    Ok(Outcome::Done)
}

fn append_directory(
    connection: &Connection,
    expected: Seq,
    rows: &[Row],
) -> rusqlite::Result<Outcome> {
    let select = "SELECT max(
         (SELECT seq FROM directory), coalesce((SELECT max(seq) FROM directory_records), 0))";
    let last: i64 = connection.prepare_cached(select)?.query_row([], |row| row.get(0))?;
    let last = Seq(u64::try_from(last).unwrap_or(0));
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

fn id_of(connection: &Connection, room: &Cid) -> rusqlite::Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT id FROM rooms WHERE cid = ?1")?;
    select.query_row([room.as_str()], |row| row.get(0)).optional()
}

/// Where the room's stream is: its last record, or its last snapshot where the records before it
/// are gone.
fn last_of(connection: &Connection, id: i64) -> rusqlite::Result<Seq> {
    let select = "SELECT max(
         coalesce((SELECT max(seq) FROM records WHERE room = ?1), 0),
         coalesce((SELECT max(seq) FROM snapshots WHERE room = ?1), 0))";
    let last: i64 = connection.prepare_cached(select)?.query_row([id], |row| row.get(0))?;
    Ok(Seq(u64::try_from(last).unwrap_or(0)))
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
