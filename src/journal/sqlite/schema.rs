//! The file: how it is made, what is checked before anything is touched, and how an older one
//! becomes one of today. It must not know what the rows are for.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::OpenOptionsExt as _,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, types::FromSql};

use super::{OpenError, sql};

/// The file's name in its directory.
pub(super) const FILE: &str = "rolecall.db";
/// The size of a page. Each commit writes whole pages, and most of what is stored is small.
const PAGE_BYTES: u64 = 4096;
/// What marks a file as ours: `Role` in ASCII.
const APPLICATION_ID: i64 = 0x526f_6c65;
/// How long to wait for somebody who looks at the file with another program.
const BUSY: Duration = Duration::from_secs(5);
/// The log is cut to this when it begins anew.
const WAL_BYTES_KEPT: u64 = 64 * 1024 * 1024;
/// What SQLite says of a sound file.
const SOUND: &str = "ok";
/// Statements kept prepared for each connection.
const STATEMENTS_KEPT: usize = 64;

/// What makes a file of each version one of the next, the first out of nothing.
const STEPS: [&str; 2] = [
    "
    -- A name stays as long as something of its room is remembered.
    -- `pruned`: the seq up to which records are gone, 0 where none are.
    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        cid TEXT NOT NULL UNIQUE,
        pruned INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    -- `call_type`: where a record brings a call type, the hash of it; `body` then has none.
    -- `sum` is over all of the others.
    CREATE TABLE records (
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        call_type BLOB,
        body TEXT NOT NULL,
        sum INTEGER NOT NULL,
        PRIMARY KEY (room, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX records_by_call_type ON records (call_type) WHERE call_type IS NOT NULL;
    CREATE TABLE snapshots (
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        call_type BLOB NOT NULL,
        body TEXT NOT NULL,
        sum INTEGER NOT NULL,
        PRIMARY KEY (room, seq)
    ) STRICT;
    CREATE TABLE call_types (
        hash BLOB PRIMARY KEY,
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Rooms that are gone, and some of whose records are not yet.
    CREATE TABLE forgotten (
        room INTEGER PRIMARY KEY
    ) STRICT;
    -- `seq`: the position that `entities` are of.
    CREATE TABLE directory (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seq INTEGER NOT NULL
    ) STRICT;
    INSERT INTO directory (id, seq) VALUES (1, 0);
    CREATE TABLE directory_records (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        body TEXT NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE entities (
        key TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    -- `living`: whether the room is remembered; else its records are an audit trail alone.
    -- `over`: the seq up to which records are of what was forgotten under that name, at `over_at`.
    ALTER TABLE rooms ADD COLUMN living INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE rooms ADD COLUMN over INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN over_at INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX rooms_living ON rooms (cid) WHERE living = 1;
    CREATE INDEX rooms_over ON rooms (over_at) WHERE living = 0;
    -- Records that nobody reads any more, those of a room up to that seq.
    CREATE TABLE erased (
        room INTEGER PRIMARY KEY,
        up_to INTEGER NOT NULL
    ) STRICT;
    INSERT INTO erased (room, up_to) SELECT room, 9223372036854775807 FROM forgotten;
    DROP TABLE forgotten;
",
];

/// The version this program writes.
const VERSION: i64 = STEPS.len() as i64;

/// Opens the directory's file for its one writer: makes it where there is none, and refuses what
/// it cannot trust before anything is touched.
pub(super) fn open(directory: &Path, bytes_max: u64) -> Result<Connection, OpenError> {
    let path = directory.join(FILE);
    match fs::metadata(&path) {
        Ok(found) if found.len() == 0 => return Err(damaged(&path, "it is empty")),
        Ok(_) => check(&path)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if beside(&path, "-wal").exists() {
                return Err(damaged(&path, "it is missing, but its log is there"));
            }
            create(directory, &path)?;
        }
        Err(problem) => {
            return Err(OpenError::Directory { directory: directory.to_owned(), problem });
        }
    }
    let opened = || {
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let version: i64 = pragma(&connection, "user_version")?;
        for (step, next) in STEPS.iter().zip(1..).skip(usize::try_from(version).unwrap_or(0)) {
            advance(&mut connection, step, next)?;
        }
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384;")?;
        connection.pragma_update(None, "journal_size_limit", sql(WAL_BYTES_KEPT))?;
        connection.pragma_update(None, "max_page_count", sql(bytes_max / PAGE_BYTES))?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        debug_assert_eq!(mode, "wal");
        Ok(connection)
    };
    opened().map_err(|error| failed(&path, error))
}

/// A connection that only reads.
pub(super) fn reader(directory: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(&directory.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA query_only = 1;")?;
    Ok(connection)
}

/// Whether the file is one of ours, of a version we know, and sound. It only reads.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let read = || {
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        // Without a log SQLite would begin one, unless it is told that nobody writes.
        let connection = if has_log {
            connect(path, read_only)?
        } else {
            connect(Path::new(&immutable(path)), read_only | OpenFlags::SQLITE_OPEN_URI)?
        };
        let id: i64 = pragma(&connection, "application_id")?;
        let version: i64 = pragma(&connection, "user_version")?;
        if id != APPLICATION_ID || version > VERSION {
            return Ok((id, version, SOUND.to_owned()));
        }
        let found: String = pragma(&connection, "quick_check(1)")?;
        Ok((id, version, found))
    };
    match read() {
        Ok((id, _, _)) if id != APPLICATION_ID => Err(OpenError::Foreign(path.to_owned())),
        Ok((_, version, _)) if version > VERSION => {
            Err(OpenError::Newer { file: path.to_owned(), version, known: VERSION })
        }
        Ok((_, version, _)) if version < 1 => Err(damaged(path, "it has no version")),
        Ok((_, _, found)) if found != SOUND => {
            // SQLite answers with a heading and a line for each finding.
            Err(damaged(path, found.lines().last().unwrap_or_default()))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(failed(path, error)),
    }
}

/// Makes an empty file under another name and gives it its own once it is whole, so that a file of
/// that name is never half made.
fn create(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let new = beside(path, ".new");
    let made = || -> std::io::Result<()> {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::options().write(true).create_new(true).mode(0o600).open(&new)?;
        fill(&new).map_err(std::io::Error::other)?;
        File::open(&new)?.sync_all()?;
        fs::rename(&new, path)?;
        File::open(directory)?.sync_all()
    };
    made().map_err(|problem| OpenError::Directory { directory: directory.to_owned(), problem })
}

fn fill(new: &Path) -> rusqlite::Result<()> {
    let mut connection = connect(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // What no transaction can change any more once there are tables.
    connection.pragma_update(None, "page_size", sql(PAGE_BYTES))?;
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    for (step, version) in STEPS.iter().zip(1..) {
        advance(&mut connection, step, version)?;
    }
    connection.close().map_err(|(_, error)| error)
}

fn advance(connection: &mut Connection, step: &str, version: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(step)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// A connection as all of ours are.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch("PRAGMA cell_size_check = 1; PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

/// The file as an address that says that it does not change.
fn immutable(path: &Path) -> OsString {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").bytes()),
            other => uri.push(*other),
        }
    }
    uri.extend(b"?immutable=1");
    OsString::from_vec(uri)
}

/// The first value that a pragma answers.
pub(super) fn pragma<T: FromSql>(connection: &Connection, pragma: &str) -> rusqlite::Result<T> {
    connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
}

/// The path of a file that belongs to another: its name and something behind it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn damaged(path: &Path, problem: &str) -> OpenError {
    OpenError::Damaged { file: path.to_owned(), problem: problem.to_owned() }
}

/// What SQLite says as an error of ours: damage is told from what may pass.
fn failed(path: &Path, error: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => damaged(path, &error.to_string()),
        _ => OpenError::Failed { file: path.to_owned(), problem: error.to_string() },
    }
}
