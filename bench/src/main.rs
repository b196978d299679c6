//! `rolecall-bench`: starts a real server, talks to it over real WebSockets, and says what it cost.
//!
//! `idle`, `encodes` and `queries` judge and exit 1 where a bound is broken; `fanout`, `storm` and `journal`
//! report.

mod ceiling;
mod clients;
mod encodes;
mod fanout;
mod frame;
mod idle;
mod journal;
mod peer;
mod process;
mod queries;
mod rooms;
mod storm;
mod tokens;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// Measures a Rolecall server: memory, encodes, CPU.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Memory of an idle connection; exits 1 above the bound
    Idle(idle::IdleArgs),
    /// A forced role change in a large room: who is told, how often it was encoded; exits 1 otherwise
    Encodes(encodes::EncodesArgs),
    /// CPU of the server for a million deliveries, beside a bare loop's
    Fanout(fanout::FanoutArgs),
    /// Appends to the journal on disk, flushed and not, and starting over many rooms
    Journal(journal::JournalArgs),
    /// Pages of users and calls among ever more of them; exits 1 where one looks at more and more
    Queries(queries::QueriesArgs),
    /// Many joins into one room at once: time and CPU
    Storm(storm::StormArgs),
    /// The bare loop that `fanout` compares with: no room, no library, one write a frame and socket
    #[command(hide = true)]
    CeilingEach(ceiling::CeilingArgs),
}

/// Which server is measured.
#[derive(Args, Clone, Debug)]
struct ServerArgs {
    /// The server's binary [default: `rolecall` beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().bench {
        Bench::Idle(args) => idle::run(&args),
        Bench::Encodes(args) => encodes::run(&args),
        Bench::Fanout(args) => fanout::run(&args),
        Bench::Journal(args) => journal::run(&args),
        Bench::Queries(args) => queries::run(&args),
        Bench::Storm(args) => storm::run(&args),
        Bench::CeilingEach(args) => ceiling::run(&args).map(|()| true),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Prints one line of a report.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Where a started peer listens, from the first line it printed.
fn listening(line: &str) -> Result<SocketAddr> {
    let addr = line.trim().strip_prefix("listening on http://");
    addr.and_then(|addr| addr.parse().ok())
        .ok_or_else(|| anyhow::anyhow!("the first line was not its address: `{}`", line.trim()))
}

/// The middle of `values`.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_first_line() {
        let addr = listening("listening on http://127.0.0.1:4711\n").unwrap();
        assert_eq!(addr, SocketAddr::from(([127, 0, 0, 1], 4711)));
        assert!(listening("error: no").is_err());
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
