//! Where an admin command speaks: stdout for what was asked, stderr for remarks, and the one
//! question before something is changed. It must not know what is said.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::Value;

use super::CliError;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// The way out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    /// Whether programs read it: JSON, and nothing else on stdout.
    pub(super) json: bool,
    colour: bool,
}

impl Screen {
    /// Colours only where somebody looks and has not asked for none (`NO_COLOR`).
    #[must_use]
    pub(super) fn of_process(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { json, colour: wanted && !json && io::stdout().is_terminal() }
    }

    /// Says text that ends its own lines.
    ///
    /// # Errors
    /// [`CliError::Unread`] where the reader is gone.
    pub(super) fn say(self, text: &str) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(failed)
    }

    /// Says a value for programs.
    ///
    /// # Errors
    /// As [`Screen::say`].
    pub(super) fn json(self, value: &Value) -> Result<(), CliError> {
        self.say(&format!("{value:#}\n"))
    }

    /// Says a unified diff.
    ///
    /// # Errors
    /// As [`Screen::say`].
    pub(super) fn diff(self, diff: &str) -> Result<(), CliError> {
        if !self.colour {
            return self.say(diff);
        }
        let painted: String = diff
            .lines()
            .map(|line| match line.as_bytes().first() {
                Some(b'+') => format!("{GREEN}{line}{RESET}\n"),
                Some(b'-') => format!("{RED}{line}{RESET}\n"),
                Some(b'@') => format!("{DIM}{line}{RESET}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        self.say(&painted)
    }

    /// A remark beside what was asked for.
    pub(super) fn remark(self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Asks on a terminal. Where nobody can be asked, `--yes` must have been said.
    ///
    /// # Errors
    /// [`CliError::Usage`] where nobody can be asked, [`CliError::Declined`] where the answer is no.
    pub(super) fn confirm(self, question: &str, yes: bool) -> Result<(), CliError> {
        if yes {
            return Ok(());
        }
        let mut stderr = io::stderr().lock();
        if self.json || !io::stdin().is_terminal() || !stderr.is_terminal() {
            let message = format!("{question} Nobody can be asked here: say --yes to go on");
            return Err(CliError::Usage(message));
        }
        let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).map_err(failed)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(CliError::Declined),
        }
    }
}

fn failed(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::Unread,
        _ => CliError::Speechless(error),
    }
}
