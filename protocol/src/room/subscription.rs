//! Who receives what of whom: subscriptions, and what may flow between two peers (`PROTOCOL` 3.10).
//! It must not know who asks, nor how media is carried.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{Peer, Room};
use crate::{
    id::{PeerId, SubscriptionId},
    media::{TrackKind, TrackKinds},
};

/// Peers of a room in which media may flow from peer to peer, unless the house says otherwise.
pub const MESH_MAX: usize = 12;

/// One peer receives these kinds of another. It is the receiver's wish, kept as long as both may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id; it names neither end.
    pub subscription_id: SubscriptionId,
    /// Who receives.
    pub receiver: PeerId,
    /// Of whom.
    pub sender: PeerId,
    /// Which kinds; never none.
    pub tracks: TrackKinds,
}

impl Subscription {
    /// Whether that peer is one of its two ends.
    #[must_use]
    pub fn is_of(&self, peer: &PeerId) -> bool {
        self.receiver == *peer || self.sender == *peer
    }

    /// The end that is not that peer.
    #[must_use]
    pub fn other_end(&self, peer: &PeerId) -> &PeerId {
        if self.receiver == *peer { &self.sender } else { &self.receiver }
    }
}

impl Peer {
    /// What he may receive of that sender now: what that one may send, as far as he himself may
    /// receive it. Of a custom kind the rule `*` counts.
    #[must_use]
    pub fn receivable(&self, sender: &Self) -> TrackKinds {
        let rules = &self.permissions.can_receive;
        let (id, user, role) = (sender.id(), &sender.who.user_id, &sender.role);
        let received = |kind: &TrackKind| rules.allows(id, user, role, *kind, None);
        sender.sendable().iter().filter(received).collect()
    }
}

impl Room {
    /// Whether more peers are here than media may flow between.
    #[must_use]
    pub fn is_beyond_mesh(&self) -> bool {
        self.peers.len() > self.mesh_max
    }

    /// The subscription of that receiver to that sender.
    #[must_use]
    pub fn subscription(&self, receiver: &PeerId, sender: &PeerId) -> Option<&Subscription> {
        self.subscriptions.values().find(|one| one.receiver == *receiver && one.sender == *sender)
    }

    /// What is left of a subscription in the room as it is: what its sender may send and its
    /// receiver may receive; nothing where an end is out, or where too many are in.
    #[must_use]
    pub fn left_of(&self, subscription: &Subscription) -> TrackKinds {
        let ends = (self.peers.get(&subscription.receiver), self.peers.get(&subscription.sender));
        let (Some(receiver), Some(sender)) = ends else { return TrackKinds::NONE };
        if self.is_beyond_mesh() {
            return TrackKinds::NONE;
        }
        subscription.tracks.intersection(receiver.receivable(sender))
    }
}

/// A peer's own subscriptions, as the join reply shows them. Of those he sends to he is not told who
/// receives: it may be somebody he cannot see.
#[must_use]
pub fn visible_subscriptions(room: &Room, peer: &Peer) -> Value {
    let own = |end: &PeerId| end == peer.id();
    let all = room.subscriptions.values();
    let receiving = all.clone().filter(|one| own(&one.receiver)).map(|one| {
        json!({ "subscriptionId": one.subscription_id, "peerId": one.sender, "tracks": one.tracks })
    });
    let sending = all
        .filter(|one| own(&one.sender))
        .map(|one| json!({ "subscriptionId": one.subscription_id, "tracks": one.tracks }));
    json!({ "receiving": receiving.collect::<Vec<_>>(), "sending": sending.collect::<Vec<_>>() })
}
