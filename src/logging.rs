//! The log: `tracing` to stderr, filtered and formatted as configured.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Libraries that log whole frames and requests, tokens and all, when asked to be talkative: they
/// never are.
const WITH_TOKENS: [&str; 5] =
    ["tungstenite=info", "tokio_tungstenite=info", "hyper=info", "hyper_util=info", "mio=info"];

/// Starts the log of the process. A log that somebody else has started already is left alone.
///
/// Secrets and tokens are [`Secret`](crate::secret::Secret)s, whose `Debug` shows nothing, and
/// requests are logged by method and path, never by query or header.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = WITH_TOKENS
        .iter()
        .filter_map(|quiet| quiet.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let started = match config.log_format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "the log was started before");
    }
}
