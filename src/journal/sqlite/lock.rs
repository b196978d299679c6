//! One process at a time in one directory. It must not know what lies there.

use std::{
    fs::{File, TryLockError},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::OpenError;

/// The file whose lock stands for the directory; it says who holds it.
const FILE: &str = "rolecall.lock";
/// Longest process id, in digits.
const PID_DIGITS_MAX: u64 = 20;

/// The directory is this process's until this is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

impl Lock {
    /// Takes the directory, unless another process has it.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let refused = |problem: std::io::Error| OpenError::Directory {
            directory: directory.to_owned(),
            problem,
        };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(directory.join(FILE)).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Who holds it is a courtesy; that somebody does is known.
                let _ = file.take(PID_DIGITS_MAX).read_to_string(&mut pid);
                return Err(OpenError::InUse {
                    directory: directory.to_owned(),
                    pid: pid.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        // A full disk is no reason not to read what is there; the lock is held without it.
        if let Err(error) = written {
            tracing::warn!(%error, "the lock file does not say who holds it");
        }
        Ok(Self(file))
    }
}
