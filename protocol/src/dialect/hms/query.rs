//! What a client may ask about peers and the session store without changing anything.

use serde_json::{Value, json};

use super::{
    call::{Request, Search},
    words,
};
use crate::{
    id::PeerId,
    room::{Peer, Refusal, Room},
    wire::code::ErrorBody,
};

/// The answer to a question of that peer's; nothing where the request asks for a change.
///
/// # Errors
/// Somebody he may not see is nobody.
pub fn answered(room: &Room, me: &PeerId, request: &Request) -> Option<Result<Value, ErrorBody>> {
    let nobody = || ErrorBody::from(&Refusal::UnknownPeer);
    let Some(me) = room.peers.get(me) else { return Some(Err(nobody())) };
    Some(match request {
        Request::Get { key } => {
            let data = room.session_data.values().get(key).cloned();
            Ok(json!({ "key": key, "data": data }))
        }
        Request::GetPeer { peer_id } => {
            let seen = room.peers.get(peer_id).filter(|peer| me.sees(peer));
            seen.map(words::peer).ok_or_else(nobody)
        }
        Request::FindPeers(search) => Ok(page(room, me, search, 0)),
        Request::MorePeers { iterator, limit } => match read_iterator(iterator) {
            Some((mut search, from)) => {
                search.limit = *limit;
                Ok(page(room, me, &search, from))
            }
            None => Err(ErrorBody::bad_params("iterator", "there is no such iterator")),
        },
        Request::SearchNames { query, limit, offset } => {
            Ok(names(room, me, query, *limit, *offset))
        }
        _ => return None,
    })
}

/// Those he may see and looks for, in the order of their ids, from there on.
fn page(room: &Room, me: &Peer, search: &Search, from: usize) -> Value {
    let fits = |peer: &&Peer| {
        me.sees(peer)
            && search.role.as_ref().is_none_or(|role| peer.role.as_str() == role)
            && search.group.as_ref().is_none_or(|g| words::groups(peer).contains(&g.as_str()))
            && search
                .peer_ids
                .as_ref()
                .is_none_or(|ids| ids.iter().any(|id| peer.id().as_str() == id))
    };
    let found: Vec<&Peer> = room.peers.values().filter(fits).collect();
    let to = (from + search.limit).min(found.len());
    let peers: Vec<Value> =
        found.iter().take(to).skip(from).map(|peer| words::peer(peer)).collect();
    json!({
        "iterator": write_iterator(search, to),
        "total": found.len(),
        "eof": to >= found.len(),
        "peers": peers,
    })
}

/// Where a page ended, with all that was looked for: nothing has to be kept of it.
fn write_iterator(search: &Search, to: usize) -> String {
    json!([to, search.role, search.group, search.peer_ids]).to_string()
}

fn read_iterator(text: &str) -> Option<(Search, usize)> {
    let (from, role, group, peer_ids) = serde_json::from_str(text).ok()?;
    Some((Search { role, group, peer_ids, limit: 0 }, from))
}

fn names(room: &Room, me: &Peer, query: &str, limit: usize, offset: usize) -> Value {
    let fits = |peer: &&Peer| me.sees(peer) && peer.who.name.to_lowercase().contains(query);
    let found: Vec<&Peer> = room.peers.values().filter(fits).collect();
    let peers: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|peer| {
            json!({ "name": peer.who.name, "peer_id": peer.id(), "role": peer.role, "type": "regular" })
        })
        .collect();
    json!({
        "count": peers.len(),
        "limit": limit,
        "offset": offset,
        "eof": offset.saturating_add(limit) >= found.len(),
        "peers": peers,
    })
}
