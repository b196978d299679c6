//! A copy of the journal as it is at one moment, made while a server may be writing to it. It must
//! not write to what it copies.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::OpenFlags;

use super::{OpenError, file_of, schema};

/// Why there is no backup. What was there before is still there, and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something of that name.
    #[error("`{}` is there already; a backup overwrites nothing", _0.display())]
    Exists(PathBuf),
    /// There is nothing to copy.
    #[error("there is no journal in `{}`", _0.display())]
    Nothing(PathBuf),
    /// The copy cannot be written.
    #[error("the backup `{}` cannot be written: {problem}", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// What the system or SQLite says.
        problem: String,
    },
    /// The copy, or what it is of, is not sound.
    #[error("the backup was not kept: {0}")]
    Unsound(OpenError),
}

/// Writes the journal of `directory` to `to`, a file that is not there yet; its size in bytes.
///
/// # Errors
/// [`BackupError`].
pub fn backup(directory: &Path, to: &Path) -> Result<u64, BackupError> {
    let from = file_of(directory);
    if !from.exists() {
        return Err(BackupError::Nothing(directory.to_owned()));
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = schema::beside(to, ".partial");
    let copied = copy(&from, &partial).and_then(|()| {
        schema::check(&partial).map_err(BackupError::Unsound)?;
        finish(&partial, to)
    });
    // Whatever came of it, nothing half done stays.
    let _ = fs::remove_file(&partial);
    copied
}

fn copy(from: &Path, partial: &Path) -> Result<(), BackupError> {
    let write = |problem: String| BackupError::Write { file: partial.to_owned(), problem };
    // Made here, so that nobody else may read it and nothing is overwritten.
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    options.open(partial).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(partial.to_owned()),
        _ => write(error.to_string()),
    })?;
    let copied = || {
        let connection = schema::connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute("VACUUM INTO ?1", [partial.to_string_lossy()])
    };
    copied().map(drop).map_err(|error| write(error.to_string()))
}

/// Gives the copy its name once it is on the disk.
fn finish(partial: &Path, to: &Path) -> Result<u64, BackupError> {
    let finished = || {
        let file = File::open(partial)?;
        file.sync_all()?;
        // Unlike a renaming, this overwrites nothing.
        fs::hard_link(partial, to)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(file.metadata()?.len())
    };
    finished().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => BackupError::Write { file: to.to_owned(), problem: error.to_string() },
    })
}
