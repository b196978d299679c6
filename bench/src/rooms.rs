//! Rooms filled with clients: the first of each room is its host, the others users.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result};

use crate::{
    clients::{Clients, Heard, Next},
    tokens,
};

/// How many joins are under way at once: no storm, and no waiting for each.
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens and joins `rooms` times `size` clients; the peer ids, in the order of the clients' numbers.
pub(crate) fn fill(
    clients: &mut Clients,
    addr: SocketAddr,
    name: &str,
    rooms: usize,
    size: usize,
) -> Result<Vec<String>> {
    let first = clients.len();
    let mut peers = vec![String::new(); rooms * size];
    for begin in (0..rooms * size).step_by(AT_ONCE) {
        let end = (begin + AT_ONCE).min(rooms * size);
        // All are open before any joins: while it opens one, this thread hears none of the others.
        for _ in begin..end {
            clients.open(addr)?;
        }
        for at in begin..end {
            let client = first + at;
            let role = if at % size == 0 { Some("host") } else { None };
            let (room, user) = (cid(name, at / size), format!("user-{client}"));
            clients.call(client, &tokens::join(&room, &user, role)?)?;
        }
        let mut left = end - begin;
        clients.until(PATIENCE, |client, heard| {
            if let Heard::Reply(reply) = heard {
                peers[client - first] = peer_id(reply).unwrap_or_default();
                left -= 1;
            }
            if left == 0 { Next::Done } else { Next::Go }
        })?;
    }
    let nameless = peers.iter().position(String::is_empty);
    nameless.map_or(Ok(()), |at| Err(anyhow::anyhow!("client {at} was not told its peer id")))?;
    Ok(peers)
}

/// The room of that number.
pub(crate) fn cid(name: &str, number: usize) -> String {
    format!("default:{name}-{number}")
}

/// The first peer id in a reply to `join`: his own.
fn peer_id(reply: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(reply.get(..200).unwrap_or(reply));
    let (_, rest) = head.split_once(r#""peerId":""#)?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// Waits until nothing has come for a while.
pub(crate) fn settle(clients: &mut Clients) -> Result<()> {
    clients.rest(Duration::from_millis(300)).context("while the rooms settled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_reply_names_its_peer_first() {
        let reply = br#"{"jsonrpc":"2.0","id":0,"result":{"peerId":"ab","session":"x"}}"#;
        assert_eq!(peer_id(reply).as_deref(), Some("ab"));
        assert_eq!(peer_id(b"{}"), None);
    }
}
