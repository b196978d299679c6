//! What a room's task has to publish into the index of calls once its records are committed: the
//! room's card where it is another one, and who came or went. It must not know who asks the index.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_protocol::{
    id::{PeerId, UserId},
    room::{Event, Room},
};

use crate::calls::{CallIndex, Change};

/// One room's place in the index.
#[derive(Default)]
pub(super) struct Listing {
    /// How many peers each user has here.
    present: BTreeMap<UserId, usize>,
    /// Users who came or went since it was last published.
    moved: BTreeSet<UserId>,
    /// Whether the card is another one.
    card: bool,
}

impl Listing {
    /// The listing of a room as it was loaded, published.
    pub(super) fn of(room: &Room, calls: &CallIndex) -> Self {
        let mut present: BTreeMap<UserId, usize> = BTreeMap::new();
        for peer in room.peers.values() {
            *present.entry(peer.who.user_id.clone()).or_default() += 1;
        }
        calls.publish(room);
        Self { present, ..Self::default() }
    }

    /// Takes note of an event about to be applied to the room.
    pub(super) fn note(&mut self, room: &Room, event: &Event) {
        match event {
            // With the first and the last of them a session begins and ends, and that is on the card.
            Event::PeerJoined { newcomer } => {
                self.card |= self.present.is_empty();
                *self.present.entry(newcomer.user_id.clone()).or_default() += 1;
                self.moved.insert(newcomer.user_id.clone());
            }
            Event::PeerLeft { peer_id, .. } => {
                let Some(peer) = room.peers.get(peer_id) else { return };
                let user = &peer.who.user_id;
                self.card |= is_pinned(room, peer_id);
                if let Some(peers) = self.present.get_mut(user) {
                    *peers = peers.saturating_sub(1);
                    if *peers == 0 {
                        self.present.remove(user);
                    }
                }
                self.card |= self.present.is_empty();
                self.moved.insert(user.clone());
            }
            Event::RoomClosed { .. } | Event::RoomEnded { .. } | Event::RoomDeleted { .. } => {
                self.moved.extend(std::mem::take(&mut self.present).into_keys());
                self.card = true;
            }
            Event::RoomCreated { .. }
            | Event::RoomKept
            | Event::RoomUpdated { .. }
            | Event::BackstageSet { .. }
            | Event::AdmissionSet { .. }
            | Event::CallTypeAdopted { .. }
            | Event::MemberSet { .. }
            | Event::MemberRemoved { .. }
            | Event::UserGranted { .. }
            | Event::PinSet { .. }
            | Event::UserBlocked { .. }
            | Event::UserUnblocked { .. } => self.card = true,
            // Who is hidden now is not pinned any more.
            Event::PeerResolved { peer_id, .. }
            | Event::StandingChanged { peer_id, .. }
            | Event::RoleChanged { peer_id, .. }
            | Event::PermissionsChanged { peer_id, .. } => self.card |= is_pinned(room, peer_id),
            // What one peer does is not on the card, nor who waits before the room.
            Event::WaitingBegan { .. }
            | Event::WaitingAnswered { .. }
            | Event::WaitingEnded { .. }
            | Event::TermRenewed { .. }
            | Event::PeerDropped { .. }
            | Event::PeerReturned { .. }
            | Event::TracksChanged { .. }
            | Event::NameChanged { .. }
            | Event::MetadataChanged { .. }
            | Event::HandRaised { .. }
            | Event::RoleRequested { .. }
            | Event::RoleRequestRenewed { .. }
            | Event::RoleRequestEnded { .. }
            | Event::SessionDataChanged { .. }
            | Event::PermissionRequested { .. }
            | Event::PermissionRequestAnswered { .. }
            | Event::Subscribed { .. }
            | Event::SubscriptionNarrowed { .. } => {}
        }
    }

    /// Publishes what is different in the room, which is committed.
    pub(super) fn publish(&mut self, room: &Room, calls: &CallIndex) {
        if !self.card && self.moved.is_empty() {
            return;
        }
        let card = std::mem::take(&mut self.card).then(|| room.card());
        let moved = std::mem::take(&mut self.moved).into_iter();
        let present = moved.map(|user| {
            let here = self.present.contains_key(&user);
            (user, here)
        });
        calls.change(&room.cid, Change { card, present: present.collect() });
    }
}

fn is_pinned(room: &Room, peer: &PeerId) -> bool {
    room.pins.iter().any(|pin| pin.peer_id == *peer)
}

#[cfg(test)]
mod tests;
