//! Many joins into one room at once: every join told to all who are there, a snapshot for each.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use clap::Args;
use tokio::time::Instant;

use crate::{
    ServerArgs,
    clients::{Clients, Heard, Next},
    peer::Peer,
    process::{self, Cores},
    rooms, say, tokens,
};

const PATIENCE: Duration = Duration::from_secs(120);
/// One process reads for everybody here: it may be slower than so many readers of their own.
pub(crate) const SETTINGS: &str = "[limits]\njoin_timeout = \"2m\"\nbacklog_bytes = \"8 MiB\"\n";

#[derive(Args, Debug)]
pub(crate) struct StormArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How many join
    #[arg(long, default_value_t = 1000)]
    peers: usize,
}

/// What a storm cost and brought.
pub(crate) struct Storm {
    /// Notices heard, counted per socket.
    pub(crate) deliveries: usize,
    /// Bytes of all the replies.
    pub(crate) snapshot_bytes: usize,
    /// Bytes of the first notice of each method.
    pub(crate) notice_bytes: BTreeMap<String, usize>,
    /// From the first call to the last notice.
    pub(crate) took: Duration,
    /// CPU of the peer.
    pub(crate) cpu: f64,
}

/// Reports one storm.
pub(crate) fn run(args: &StormArgs) -> Result<bool> {
    process::open_many_files();
    let cores = Cores::new()?;
    let server = cores.start(|| Peer::server(&args.server, SETTINGS))?;
    let storm = storm(&server, args.peers)?;
    say(&format!("storm: {} joins into one room at once, the server on one core", args.peers));
    say(&format!("  until all were told    {:.2?}", storm.took));
    say(&format!("  CPU of the server      {:.2} s", storm.cpu));
    say(&format!("  notices delivered      {}", storm.deliveries));
    say(&format!("  join replies           {:.1} MB", storm.snapshot_bytes as f64 / 1e6));
    say(&format!("  CPU per million        {:.2} s", storm.cpu / storm.deliveries as f64 * 1e6));
    Ok(true)
}

/// Opens `count` sockets, then joins them all.
pub(crate) fn storm(peer: &Peer, count: usize) -> Result<Storm> {
    let mut clients = Clients::new()?;
    let mut joins = Vec::new();
    for at in 0..count {
        clients.open(peer.addr())?;
        joins.push(tokens::join(&rooms::cid("storm", 0), &format!("user-{at}"), None)?);
    }
    clients.spin = true;
    let (begun, cpu_before) = (Instant::now(), peer.cpu_seconds()?);
    for (client, join) in joins.iter().enumerate() {
        clients.call(client, join)?;
    }
    let (mut replies, mut joined) = (0, 0);
    let mut storm = Storm {
        deliveries: 0,
        snapshot_bytes: 0,
        notice_bytes: BTreeMap::new(),
        took: Duration::ZERO,
        cpu: 0.0,
    };
    let mut hear = |_: usize, heard: Heard<'_>| {
        match heard {
            Heard::Reply(reply) => {
                replies += 1;
                storm.snapshot_bytes += reply.len();
            }
            Heard::Notice(method, text) => {
                storm.deliveries += 1;
                joined += usize::from(method == b"participant-joined");
                let method = String::from_utf8_lossy(method);
                if !storm.notice_bytes.contains_key(&*method) {
                    storm.notice_bytes.insert(method.into_owned(), text.len());
                }
            }
        }
        // Whoever is there hears of each who comes.
        if replies == count && joined >= count * (count - 1) / 2 { Next::Done } else { Next::Go }
    };
    clients.until(PATIENCE, &mut hear)?;
    let took = begun.elapsed();
    // The counts behind the last joins.
    clients.listen(Duration::from_millis(300), &mut hear)?;
    storm.took = took;
    storm.cpu = peer.cpu_seconds()? - cpu_before;
    Ok(storm)
}
