//! What a room's task has to publish into the index of calls once its records are committed: the
//! room's card where it is another one, and who came or went. It must not know who asks the index.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_protocol::{
    id::UserId,
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
    /// Whether anybody was here when it was last published.
    inhabited: bool,
}

impl Listing {
    /// The listing of a room as it was loaded, published.
    pub(super) fn of(room: &Room, calls: &CallIndex) -> Self {
        let mut present: BTreeMap<UserId, usize> = BTreeMap::new();
        for peer in room.peers.values() {
            *present.entry(peer.who.user_id.clone()).or_default() += 1;
        }
        calls.publish(room.card(), present.keys().cloned());
        let inhabited = !present.is_empty();
        Self { present, inhabited, ..Self::default() }
    }

    /// Takes note of an event about to be applied to the room.
    pub(super) fn note(&mut self, room: &Room, event: &Event) {
        match event {
            Event::PeerJoined { newcomer } => {
                *self.present.entry(newcomer.user_id.clone()).or_default() += 1;
                self.moved.insert(newcomer.user_id.clone());
            }
            Event::PeerLeft { peer_id, .. } => {
                let Some(peer) = room.peers.get(peer_id) else { return };
                let user = &peer.who.user_id;
                self.card |= !room.pins.is_empty();
                if let Some(peers) = self.present.get_mut(user) {
                    *peers = peers.saturating_sub(1);
                    if *peers == 0 {
                        self.present.remove(user);
                    }
                }
                self.moved.insert(user.clone());
            }
            Event::RoomEnded { .. } | Event::RoomDeleted { .. } => {
                self.moved.extend(std::mem::take(&mut self.present).into_keys());
                self.card = true;
            }
            Event::RoomCreated { .. }
            | Event::RoomUpdated { .. }
            | Event::BackstageSet { .. }
            | Event::CallTypeAdopted { .. }
            | Event::MemberSet { .. }
            | Event::MemberRemoved { .. }
            | Event::UserGranted { .. }
            | Event::PinSet { .. }
            | Event::UserBlocked { .. }
            | Event::UserUnblocked { .. } => self.card = true,
            // What one peer does is not on the card.
            Event::PeerResolved { .. }
            | Event::StandingChanged { .. }
            | Event::TermRenewed { .. }
            | Event::PeerDropped { .. }
            | Event::PeerReturned { .. }
            | Event::RoleChanged { .. }
            | Event::PermissionsChanged { .. }
            | Event::TracksChanged { .. }
            | Event::NameChanged { .. }
            | Event::MetadataChanged { .. }
            | Event::HandRaised { .. }
            | Event::RoleRequested { .. }
            | Event::RoleRequestRenewed { .. }
            | Event::RoleRequestEnded { .. }
            | Event::PermissionRequested { .. }
            | Event::PermissionRequestAnswered { .. } => {}
        }
    }

    /// Publishes what is different in the room, which is committed.
    pub(super) fn publish(&mut self, room: &Room, calls: &CallIndex) {
        let inhabited = !self.present.is_empty();
        // With the first or the last of them the session begins or ends, and that is on the card.
        self.card |= inhabited != self.inhabited;
        self.inhabited = inhabited;
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
