//! The participants of a room as JSON, kept encoded: a join copies them and encodes only himself.
//! It must not know to whom they go.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::CallType,
    id::PeerId,
    room::{Peer, Room, notice::participant_json},
};

/// In a room of fewer, everybody is put together anew for each who asks: cheaper than to keep.
const KEPT_FROM: usize = 32;

/// Encoded participants, one by one and joined together for each of the two audiences.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    each: BTreeMap<PeerId, Arc<str>>,
    /// Everybody, as holders of `update-call-permissions` see the room; unset: to be put together.
    seers: Option<String>,
    /// Those whom everybody sees.
    rest: Option<String>,
    roles: Option<(Arc<CallType>, String)>,
}

impl Snapshots {
    /// Takes note that a peer came.
    pub(super) fn joined(&mut self, peer: &Peer) {
        let json = participant_json(peer);
        if let Some(all) = &mut self.seers {
            append(all, &json);
        }
        if let Some(all) = self.rest.as_mut().filter(|_| peer.is_visible()) {
            append(all, &json);
        }
        self.each.insert(peer.id().clone(), json);
    }

    /// Takes note that a peer is another, or out.
    pub(super) fn changed(&mut self, peer: &PeerId) {
        self.each.remove(peer);
        self.seers = None;
        self.rest = None;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets what can be put together again: nobody has asked for it in a while.
    pub(super) fn shrink(&mut self) {
        self.seers = None;
        self.rest = None;
    }

    /// The call type's roles as JSON.
    pub(super) fn roles(&mut self, room: &Room) -> &str {
        let fits = self.roles.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, &room.call_type));
        if !fits {
            let json = serde_json::to_string(&room.call_type.role_views()).unwrap_or_default();
            self.roles = Some((Arc::clone(&room.call_type), json));
        }
        self.roles.as_ref().map_or("{}", |(_, json)| json)
    }

    /// Those whom that peer sees, as the inside of a JSON array; his own beside them where he is
    /// hidden and not among them.
    pub(super) fn seen_by(&mut self, room: &Room, peer: &Peer) -> (Cow<'_, str>, Option<Arc<str>>) {
        let (sees_hidden, visible) = (peer.sees_hidden(), peer.is_visible());
        let own = (!visible && !sees_hidden).then(|| self.one(peer));
        let ready = if sees_hidden { self.seers.is_some() } else { self.rest.is_some() };
        if !ready {
            let mut all = String::new();
            for other in room.peers.values().filter(|other| sees_hidden || other.is_visible()) {
                append(&mut all, &self.one(other));
            }
            if room.peers.len() < KEPT_FROM {
                return (all.into(), own);
            }
            *(if sees_hidden { &mut self.seers } else { &mut self.rest }) = Some(all);
        }
        let all = if sees_hidden { &self.seers } else { &self.rest };
        (all.as_deref().unwrap_or_default().into(), own)
    }

    fn one(&mut self, peer: &Peer) -> Arc<str> {
        let kept = self.each.entry(peer.id().clone()).or_insert_with(|| participant_json(peer));
        Arc::clone(kept)
    }
}

fn append(all: &mut String, json: &str) {
    if !all.is_empty() {
        all.push(',');
    }
    all.push_str(json);
}
