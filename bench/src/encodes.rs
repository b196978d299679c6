//! A forced role change in a large room: everybody is told, and each notice is encoded once.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    ServerArgs,
    clients::{Clients, Heard, Next},
    peer::Peer,
    process, rooms, say,
};

const PATIENCE: Duration = Duration::from_secs(10);
const ENCODES: &str = "rolecall_encodes_total";
const DELIVERIES: &str = "rolecall_deliveries_total";
/// What a role change tells.
const TOLD: [&str; 2] = ["participant-updated", "ROLE_UPDATED"];

#[derive(Args, Debug)]
pub(crate) struct EncodesArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How many are in the room
    #[arg(long, default_value_t = 1000)]
    peers: usize,
}

/// What one client was told of the change.
#[derive(Clone, Default)]
struct Told {
    methods: Vec<String>,
    /// Of every byte it was told.
    hash: DefaultHasher,
}

/// Whether everybody was told, by as many encodes as there are notices.
pub(crate) fn run(args: &EncodesArgs) -> Result<bool> {
    ensure!(args.peers >= 2, "a change needs one who asks and one who is changed");
    process::open_many_files();
    let server = Peer::server(&args.server, "")?;
    let mut clients = Clients::new()?;
    let peers = rooms::fill(&mut clients, server.addr(), "large", 1, args.peers)?;
    rooms::settle(&mut clients)?;
    let count = || -> Result<_> { Ok((server.metric(ENCODES)?, server.metric(DELIVERIES)?)) };
    let before = count()?;

    let target = &peers[args.peers / 2];
    let begun = Instant::now();
    clients.call(
        0,
        &format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"changeRoleOfPeer","params":{{"peerId":"{target}","role":"moderator","force":true}}}}"#
        ),
    )?;
    let mut told = vec![Told::default(); args.peers];
    let (mut notices, mut replies, mut wrong) = (0, 0, 0);
    let everything = args.peers * TOLD.len();
    let mut took = Duration::ZERO;
    let heard = clients.until(PATIENCE, |client, heard| {
        match heard {
            Heard::Reply(_) => replies += 1,
            Heard::Notice(method, text) => {
                notices += 1;
                wrong += usize::from(!concerns(text, target));
                told[client].methods.push(String::from_utf8_lossy(method).into_owned());
                text.hash(&mut told[client].hash);
            }
        }
        took = begun.elapsed();
        if notices >= everything && replies == 1 { Next::Done } else { Next::Go }
    });
    // Whatever comes on top would come now.
    let late = rooms::settle(&mut clients);
    let after = count()?;

    let reached = told.iter().filter(|told| told.methods == TOLD).count();
    let same = told.iter().all(|one| one.hash.finish() == told[0].hash.finish());
    let (encodes, deliveries) = (after.0 - before.0, after.1 - before.1);
    // The caller's reply is a frame too.
    let expected = everything as u64 + 1;
    say(&format!("encodes: a forced role change in a room of {}", args.peers));
    say(&format!("  told both notices      {reached} of {} clients, in {took:.1?}", args.peers));
    say(&format!("  the same bytes at all  {same}; of another peer or role: {wrong}"));
    say(&format!("  encodes                {encodes} for {} notices", TOLD.len()));
    say(&format!("  frames delivered       {deliveries}: {everything} notices and a reply"));
    heard?;
    late?;
    Ok(reached == args.peers
        && same
        && wrong == 0
        && encodes == TOLD.len() as u64
        && deliveries == expected)
}

/// Whether a notice is of the target's new role.
fn concerns(text: &[u8], target: &str) -> bool {
    let Ok(notice) = serde_json::from_slice::<Value>(text) else { return false };
    let params = &notice["params"];
    let (peer, role) = match &params["participant"] {
        Value::Null => (&params["peerId"], &params["to"]),
        participant => (&participant["peerId"], &participant["role"]),
    };
    peer == target && role == "moderator"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_of_others_and_of_other_roles_are_told_apart() {
        let told = br#"{"params":{"peerId":"a","from":"user","to":"moderator"}}"#;
        assert!(concerns(told, "a") && !concerns(told, "b"));
        let told = br#"{"params":{"participant":{"peerId":"a","role":"user"}}}"#;
        assert!(!concerns(told, "a"));
    }
}
