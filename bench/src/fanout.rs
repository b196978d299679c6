//! CPU of a server for a million deliveries, beside that of the bare loop under the same load.
//!
//! What counts is the ratio of the two, run in turn: the seconds themselves are those of the machine
//! and the moment.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use tokio::time::Instant;

use crate::{
    ServerArgs,
    ceiling::CeilingArgs,
    clients::{Clients, Heard, Next},
    median,
    peer::Peer,
    process::{self, Cores},
    rooms, say,
    storm::{self, Storm},
    tokens,
};

const PATIENCE: Duration = Duration::from_secs(120);
/// One client of a load calls faster than a client may.
const SETTINGS: &str = "[limits]\ncalls_per_second = 1000000\ncalls_burst = 1000000\n";
/// How many join in the storm.
const STORM: usize = 1000;

#[derive(Args, Debug)]
pub(crate) struct FanoutArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Pairs of runs, of which the medians are taken
    #[arg(long, default_value_t = 3)]
    pairs: usize,
    /// Only the loads whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

/// So many rooms of so many, and calls that each cause one notice to all of a room.
struct Load {
    name: &'static str,
    rooms: usize,
    size: usize,
    /// Calls without a reply at any time, in all rooms together.
    in_flight: usize,
    calls: usize,
}

const LOADS: [Load; 3] = [
    Load { name: "1 room x 1,000, 1 in flight", rooms: 1, size: 1000, in_flight: 1, calls: 400 },
    Load { name: "1 room x 1,000, 8 in flight", rooms: 1, size: 1000, in_flight: 8, calls: 1600 },
    Load {
        name: "1,000 rooms x 5, 8 in flight",
        rooms: 1000,
        size: 5,
        in_flight: 8,
        calls: 60_000,
    },
];

/// What a run cost.
struct Cost {
    /// CPU seconds for a million deliveries.
    cpu: f64,
    /// From the first call to the last notice.
    took: Duration,
}

pub(crate) fn run(args: &FanoutArgs) -> Result<bool> {
    process::open_many_files();
    let cores = Cores::new()?;
    let pairs = args.pairs.max(1);
    say("fanout: CPU seconds of the server per million deliveries, beside a bare loop's");
    say(&format!(
        "  {:<30} {:>9} {:>9} {:>7}   ratios of the pairs",
        "load", "rolecall", "bare loop", "ratio"
    ));
    for load in LOADS.iter().filter(|load| load.name.contains(&args.only)) {
        let pair = || {
            let server = cores.start(|| Peer::server(&args.server, SETTINGS))?;
            let (ours, notice_bytes) = load.run(&server)?;
            drop(server);
            let sizes = CeilingArgs { notice_bytes, join_bytes: Vec::new(), snapshot_bytes: 0 };
            let bare = cores.start(|| Peer::ceiling(&sizes))?;
            Ok((ours, load.run(&bare)?.0))
        };
        report(load.name, pairs, pair)?;
    }
    let name = "join storm, 1,000 into 1 room";
    if name.contains(&args.only) {
        let pair = || {
            let server = cores.start(|| Peer::server(&args.server, storm::SETTINGS))?;
            let ours = storm::storm(&server, STORM)?;
            drop(server);
            let sizes = CeilingArgs {
                notice_bytes: 0,
                join_bytes: ours.notice_bytes.values().copied().collect(),
                snapshot_bytes: ours.snapshot_bytes * 2 / (STORM * STORM),
            };
            let bare = cores.start(|| Peer::ceiling(&sizes))?;
            Ok((ours.into(), storm::storm(&bare, STORM)?.into()))
        };
        report(name, pairs, pair)?;
    }
    Ok(true)
}

/// Runs the pairs and prints their medians.
fn report(name: &str, pairs: usize, pair: impl Fn() -> Result<(Cost, Cost)>) -> Result<()> {
    let pairs: Vec<(Cost, Cost)> = (0..pairs).map(|_| pair()).collect::<Result<_>>()?;
    let ratios: Vec<f64> = pairs.iter().map(|(ours, bare)| ours.cpu / bare.cpu).collect();
    let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    say(&format!(
        "  {name:<30} {:>9.2} {:>9.2} {:>7.2}   {}; took {:.2?} and {:.2?}",
        median(pairs.iter().map(|(ours, _)| ours.cpu).collect()),
        median(pairs.iter().map(|(_, bare)| bare.cpu).collect()),
        median(ratios),
        each.join(" "),
        pairs[0].0.took,
        pairs[0].1.took,
    ));
    Ok(())
}

impl From<Storm> for Cost {
    fn from(storm: Storm) -> Self {
        Self { cpu: storm.cpu / storm.deliveries as f64 * 1e6, took: storm.took }
    }
}

impl Load {
    /// Fills the rooms and makes the calls; also how many bytes a notice has.
    fn run(&self, peer: &Peer) -> Result<(Cost, usize)> {
        let mut clients = Clients::new()?;
        let peers = rooms::fill(&mut clients, peer.addr(), "load", self.rooms, self.size)?;
        rooms::settle(&mut clients)?;
        clients.spin = true;
        // The host of a room changes what the next in it may send, to and fro.
        let call = |number: usize| {
            let room = number % self.rooms;
            let can_send = if (number / self.rooms).is_multiple_of(2) { "audio" } else { "video" };
            let host = room * self.size;
            (host, tokens::update(number + 1, &peers[host + 1], can_send))
        };
        let (mut made, mut notices, mut bytes) = (self.in_flight.min(self.calls), 0, 0);
        let mut replies = 0;
        let (begun, cpu_before) = (Instant::now(), peer.cpu_seconds()?);
        for number in 0..made {
            let (client, text) = call(number);
            clients.call(client, &text)?;
        }
        clients.until(PATIENCE, |_, heard| {
            match heard {
                Heard::Notice(_, text) => {
                    notices += 1;
                    bytes += text.len();
                }
                Heard::Reply(_) => {
                    replies += 1;
                    if made < self.calls {
                        let (client, text) = call(made);
                        made += 1;
                        return Next::Call(client, text);
                    }
                }
            }
            let all = replies == self.calls && notices >= self.calls * self.size;
            if all { Next::Done } else { Next::Go }
        })?;
        let took = begun.elapsed();
        let cpu = peer.cpu_seconds()? - cpu_before;
        ensure!(notices == self.calls * self.size, "more was told than was done: {notices}");
        Ok((Cost { cpu: cpu / notices as f64 * 1e6, took }, bytes / notices))
    }
}
