//! To whom a notice goes. It must not know what is said.

use super::state::Peer;
use crate::id::PeerId;

/// To whom: a room has two audiences, those who see hidden peers and the rest; beside them single
/// peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Holders of `update-call-permissions`.
    pub seers: bool,
    /// Everybody else.
    pub rest: bool,
    /// But not him.
    pub except: Option<PeerId>,
    /// And these, once, whether or not in one of the two.
    pub also: Vec<PeerId>,
}

impl Audience {
    pub(super) fn everybody() -> Self {
        Self { seers: true, rest: true, ..Self::default() }
    }

    pub(super) fn only(peers: impl IntoIterator<Item = PeerId>) -> Self {
        Self { also: peers.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn but(self, peer: &PeerId) -> Self {
        Self { except: Some(peer.clone()), ..self }
    }

    /// Those who see that peer, he himself included.
    pub(super) fn who_see(peer: &Peer) -> Self {
        if peer.is_visible() {
            return Self::everybody();
        }
        let also = if peer.sees_hidden() { Vec::new() } else { vec![peer.id().clone()] };
        Self { seers: true, rest: false, except: None, also }
    }

    /// Whether that peer of the room is told.
    #[must_use]
    pub fn reaches(&self, peer: &Peer) -> bool {
        self.reaches_one(peer.id(), peer.sees_hidden())
    }

    /// Whether a peer of that id is told, who sees hidden ones or does not.
    #[must_use]
    pub fn reaches_one(&self, peer: &PeerId, sees_hidden: bool) -> bool {
        self.reaches_class(sees_hidden, peer) || self.also.contains(peer)
    }

    /// Whether a peer of that id is told as one of the many.
    #[must_use]
    pub fn reaches_class(&self, sees_hidden: bool, peer: &PeerId) -> bool {
        let group = if sees_hidden { self.seers } else { self.rest };
        group && self.except.as_ref() != Some(peer)
    }
}
