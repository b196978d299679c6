//! What a room publishes bit by bit is what it would publish anew, and it publishes no more than it
//! has to.

use std::sync::Arc;

use proptest::prelude::*;
use rolecall_protocol::{
    call_type::{ANONYMOUS, builtin},
    id::{CallTypeName, Cid, Timestamp},
    json::Metadata,
    media::TrackKinds,
    permissions::Overrides,
    room::{
        self,
        event::LeftReason,
        member::Pin,
        people::{Doer, Newcomer},
    },
};

use super::*;
use crate::calls::Card;

fn newcomer(peer: u8) -> Newcomer {
    Newcomer {
        peer_id: peer_id(peer),
        user_id: user(peer / 2),
        name: "x".into(),
        metadata: Metadata::null(),
        owner: false,
        app_role: ANONYMOUS.parse().unwrap(),
        token_role: None,
        assigned: None,
        overrides: Overrides::default(),
        session: "".into(),
        exp: None,
        foreign: false,
    }
}

/// Two peers are of one user.
fn user(user: u8) -> UserId {
    format!("user-{user}").parse().unwrap()
}

fn peer_id(peer: u8) -> PeerId {
    format!("peer-{peer}").parse().unwrap()
}

fn created() -> Event {
    Event::RoomCreated {
        epoch: "e".into(),
        team: None,
        created_by: None,
        custom: Metadata::empty_object(),
        backstage: false,
        call_type: builtin::all().remove("default").unwrap(),
        settings_override: None,
        starts_at: None,
        kept: true,
    }
}

fn left(peer: u8) -> Event {
    let (reason, by) = (LeftReason::Left, Doer::Nobody);
    Event::PeerLeft { peer_id: peer_id(peer), reason, by, note: None }
}

fn pinned(peer: u8) -> Event {
    let pin = Pin { user_id: user(peer / 2), peer_id: peer_id(peer) };
    Event::PinSet { pin, pinned: true, by: Doer::Server }
}

fn role_changed(peer: u8, to: &str) -> Event {
    let (from, to) = ("user".parse().unwrap(), to.parse().unwrap());
    Event::RoleChanged { peer_id: peer_id(peer), from, to, by: Doer::Server, forced: true }
}

fn tracks_changed(peer: u8) -> Event {
    Event::TracksChanged { peer_id: peer_id(peer), on: TrackKinds::NONE, by: Doer::Server }
}

/// A room, its listing, and the index it is published into.
struct House {
    room: Room,
    listing: Listing,
    calls: CallIndex,
}

impl House {
    fn new() -> Self {
        let cid = Cid::parse("a", &CallTypeName::parse("default").unwrap()).unwrap();
        let room = Room::vacant(cid, builtin::all().remove("default").unwrap());
        let calls = CallIndex::default();
        Self { listing: Listing::of(&room, &calls), room, calls }
    }

    fn happens(&mut self, events: &[Event]) {
        for event in events {
            self.listing.note(&self.room, event);
            room::commit(&mut self.room, event, Timestamp(1));
        }
        self.listing.publish(&self.room, &self.calls);
    }

    fn card(&self) -> Arc<Card> {
        self.calls.get(&self.room.cid).unwrap()
    }
}

/// What can be told from an index about that room; where it is in its order is not.
fn known(calls: &CallIndex, room: &Room) -> (Option<(Room, Vec<UserId>)>, Vec<usize>) {
    let card = calls.get(&room.cid).map(|card| {
        let known = Room { seq: room.seq, ..Room::clone(&card.room) };
        (known, card.present.iter().cloned().collect())
    });
    (card, (0..4).map(|at| calls.rooms_of_user(&user(at)).len()).collect())
}

fn any_event() -> impl Strategy<Value = Event> {
    let peer = || 0..8u8;
    prop_oneof![
        1 => Just(created()),
        6 => peer().prop_map(|peer| Event::PeerJoined { newcomer: Box::new(newcomer(peer)) }),
        6 => peer().prop_map(left),
        2 => peer().prop_map(pinned),
        2 => peer().prop_map(tracks_changed),
        2 => (peer(), prop::sample::select(vec!["user", "host", "nobody"]))
            .prop_map(|(peer, role)| role_changed(peer, role)),
        1 => any::<bool>().prop_map(|backstage| Event::BackstageSet { backstage, by: Doer::Server }),
        1 => (0..4u8).prop_map(|of| Event::MemberSet {
            user_id: user(of),
            role: None,
            custom: Metadata::empty_object(),
            by: Doer::Server,
        }),
        1 => (0..4u8).prop_map(|of| Event::UserBlocked { user_id: user(of), by: Doer::Server }),
        1 => Just(Event::RoomEnded { by: Doer::Server, reason: None }),
        1 => Just(Event::RoomClosed { by: Doer::Nobody, reason: None }),
        1 => Just(Event::RoomDeleted { by: Doer::Server }),
    ]
}

/// Whether that can happen in that room: the law does not let the rest through.
fn can_happen(room: &Room, event: &Event) -> bool {
    let here = |peer: &PeerId| room.peers.contains_key(peer);
    match event {
        Event::RoomCreated { .. } => room.created_at.is_none(),
        Event::PeerJoined { newcomer } => room.created_at.is_some() && !here(&newcomer.peer_id),
        Event::PinSet { pin, .. } => room.peers.get(&pin.peer_id).is_some_and(|p| p.is_visible()),
        event => room.created_at.is_some() && event.peer().is_none_or(here),
    }
}

proptest! {
    #[test]
    fn bit_by_bit_is_as_anew(drains in prop::collection::vec(prop::collection::vec(any_event(), 1..4), 1..30)) {
        let mut house = House::new();
        for drain in drains {
            for event in drain {
                if can_happen(&house.room, &event) {
                    house.listing.note(&house.room, &event);
                    room::commit(&mut house.room, &event, Timestamp(1));
                }
            }
            house.listing.publish(&house.room, &house.calls);
            let anew = CallIndex::default();
            anew.publish(&house.room);
            prop_assert_eq!(known(&house.calls, &house.room), known(&anew, &house.room));
        }
    }
}

#[test]
fn what_peers_do_publishes_nothing_and_who_comes_costs_no_card() {
    let mut house = House::new();
    let joined = |peer| Event::PeerJoined { newcomer: Box::new(newcomer(peer)) };
    house.happens(&[created(), joined(0), joined(2)]);
    let before = house.card();
    house.happens(&[tracks_changed(0), role_changed(2, "host"), tracks_changed(2)]);
    assert!(Arc::ptr_eq(&before, &house.card()));
    house.happens(&[joined(4), left(2)]);
    let after = house.card();
    assert!(Arc::ptr_eq(&before.room, &after.room) && !Arc::ptr_eq(&before, &after));
    assert_eq!(after.present.iter().cloned().collect::<Vec<_>>(), [user(0), user(2)]);
    // With the last of them the session ends, which is on the card.
    assert!(after.room.session.is_some());
    house.happens(&[left(0), left(4)]);
    assert!(house.card().room.session.is_none() && !house.card().is_ongoing());
}
