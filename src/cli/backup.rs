//! `rolecall backup`: a copy of the journal on disk, also while a server runs. It must not know what
//! is in it.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, screen::Screen};
use crate::{
    config::{Config, Flags, Sources},
    server,
};

/// Flags of `backup`.
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The directory of the journal [default: as in the settings, ./rolecall-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The settings file [default: ./rolecall.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl BackupArgs {
    /// Makes the copy, and says how large it is.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn run(self) -> Result<(), CliError> {
        let Self { to, data, config } = self;
        let sources = Sources::of_process(config, Flags { data, ..Flags::default() });
        let config = Config::load(&sources)?;
        if config.is_in_memory() {
            let problem = "a journal in memory cannot be copied: `data` names no directory";
            return Err(CliError::Usage(problem.to_owned()));
        }
        let bytes = server::backup(&config, &to)?;
        Screen::of_process(false).say(&format!(
            "{} holds the journal of {}: {bytes} bytes\n",
            to.display(),
            config.data.display()
        ))
    }
}
