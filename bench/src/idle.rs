//! Memory of idle connections: joined, then silent but for the heartbeat.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::{ServerArgs, clients::Clients, peer::Peer, process, rooms, say};

/// How long the server may settle after the last join.
const SETTLE: Duration = Duration::from_secs(3);
/// After this, what is kept for those who resume, and for repeated calls, is given up.
const LONG: Duration = Duration::from_secs(105);
/// Connections that come and go before the measurement: the first ones make what all share.
const WARM_UP: usize = 20;

#[derive(Args, Debug)]
pub(crate) struct IdleArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How many connections
    #[arg(long, default_value_t = 5000)]
    connections: usize,
    /// How many of them share a room
    #[arg(long, default_value_t = 10)]
    room_size: usize,
    /// The most an idle connection may take, in KiB
    #[arg(long, default_value_t = 12.0)]
    max_kib: f64,
    /// Look again after 105 s, when the rooms have forgotten what nobody can need any more
    #[arg(long)]
    long: bool,
}

/// Whether an idle connection is within the bound.
pub(crate) fn run(args: &IdleArgs) -> Result<bool> {
    process::open_many_files();
    let server = Peer::server(&args.server, "")?;
    let started = server.resident_bytes()?;
    let mut warm = Clients::new()?;
    rooms::fill(&mut warm, server.addr(), "warm", 1, WARM_UP)?;
    warm.leave()?;
    std::thread::sleep(Duration::from_secs(1));
    let before = server.resident_bytes()?;

    let mut clients = Clients::new()?;
    let (count, size) = (args.connections, args.room_size.clamp(1, args.connections.max(1)));
    for room in 0..count.div_ceil(size) {
        let here = size.min(count - room * size);
        rooms::fill(&mut clients, server.addr(), &format!("r{room}"), 1, here)?;
    }
    let joined = server.resident_bytes()?;
    let mut within = true;
    let mut judge = |when: &str, now: u64| {
        let each = now.saturating_sub(before) as f64 / count as f64;
        let good = each <= args.max_kib * 1024.0;
        within &= good;
        let verdict = if good { "within" } else { "ABOVE" };
        say(&format!(
            "  {when:<22} {:7.1} MiB   {each:7.0} bytes = {:5.2} KiB a connection, {verdict} {} KiB",
            mib(now),
            each / 1024.0,
            args.max_kib,
        ));
    };
    say(&format!("idle: {count} connections in rooms of {size}; resident memory of the server"));
    say(&format!("  started                {:7.1} MiB", mib(started)));
    say(&format!("  {WARM_UP} came and went       {:7.1} MiB", mib(before)));
    say(&format!("  all joined             {:7.1} MiB", mib(joined)));
    clients.rest(SETTLE)?;
    judge("settled", server.resident_bytes()?);
    if args.long {
        clients.rest(LONG)?;
        judge("after a long rest", server.resident_bytes()?);
    }
    let sockets = server.metric("rolecall_sockets")?;
    if sockets != count as u64 {
        say(&format!("  only {sockets} of the sockets are still open: the figure means nothing"));
        within = false;
    }
    Ok(within)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
