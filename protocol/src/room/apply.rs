//! How a fact changes the room: the only writer of [`Room`]. It must not refuse, decide or tell.

use std::sync::Arc;

use super::{
    event::Event,
    people::Person,
    request::RoleRequest,
    state::{Ended, Peer, Room},
};
use crate::{
    capability::Capabilities,
    id::{PeerId, Timestamp},
};

/// Changes the room as the event says. An event about somebody who is not there changes nothing:
/// that way a journal can always be replayed.
pub fn apply(room: &mut Room, event: &Event, at: Timestamp) {
    match event {
        Event::RoomCreated { epoch, team, created_by, custom, backstage, call_type } => {
            room.created_at = Some(at);
            room.epoch = Arc::clone(epoch);
            room.team.clone_from(team);
            room.created_by.clone_from(created_by);
            room.custom = custom.clone();
            room.backstage = *backstage;
            room.call_type = Arc::clone(call_type);
        }
        Event::BackstageSet { backstage, .. } => room.backstage = *backstage,
        Event::RoomEnded { by, reason } => {
            room.ended = Some(Ended { at, by: by.clone(), reason: reason.clone() });
            room.peers.clear();
            room.hidden = 0;
            room.role_requests.clear();
            room.permission_requests.clear();
        }
        Event::CallTypeAdopted { call_type } => room.call_type = Arc::clone(call_type),
        Event::MemberSet { user_id, role } => {
            room.members.insert(user_id.clone(), role.clone());
        }
        Event::MemberRemoved { user_id } => {
            room.members.remove(user_id);
        }
        Event::PeerJoined { newcomer } => {
            let peer = room.seated((**newcomer).clone(), at);
            seat(room, peer);
        }
        Event::PeerLeft { peer_id, .. } => unseat(room, peer_id),
        Event::PeerResolved { peer_id } => change(room, peer_id, |room, peer| room.resolved(peer)),
        Event::PeerDropped { peer_id, until } => {
            change(room, peer_id, |_, peer| Peer { dropped_until: Some(*until), ..peer });
        }
        Event::PeerReturned { peer_id } => {
            change(room, peer_id, |_, peer| Peer { dropped_until: None, ..peer });
        }
        Event::RoleChanged { peer_id, to, .. } => {
            change(room, peer_id, |room, peer| room.with_role(&peer, to));
        }
        Event::PermissionsChanged { peer_id, overrides, .. } => {
            change(room, peer_id, |room, peer| room.with_overrides(&peer, overrides));
        }
        Event::TracksChanged { peer_id, on, .. } => change(room, peer_id, |_, peer| {
            let on = on.intersection(peer.sendable());
            Peer { on, ..peer }
        }),
        Event::NameChanged { peer_id, name } => change(room, peer_id, |_, mut peer| {
            peer.who.name = Arc::clone(name);
            peer
        }),
        Event::MetadataChanged { peer_id, metadata } => change(room, peer_id, |_, mut peer| {
            peer.who.metadata = metadata.clone();
            peer
        }),
        Event::HandRaised { peer_id, raised } => {
            change(room, peer_id, |_, peer| Peer { hand_raised: *raised, ..peer });
        }
        Event::RoleRequested { request } => {
            room.requests_made += 1;
            let held = held_by(room, &request.by);
            let request = RoleRequest { held, ..request.clone() };
            room.role_requests.insert(request.request_id.clone(), request);
        }
        Event::RoleRequestRenewed { request_id, expires_at } => {
            if let Some(request) = room.role_requests.get(request_id) {
                let held = held_by(room, &request.by);
                let request = RoleRequest { held, expires_at: *expires_at, ..request.clone() };
                room.role_requests.insert(request_id.clone(), request);
            }
        }
        Event::RoleRequestEnded { request_id, .. } => {
            room.role_requests.remove(request_id);
        }
        Event::PermissionRequested { request } => {
            room.requests_made += 1;
            let mut request = request.clone();
            request.asked =
                room.peers.values().filter(|p| p.sees_hidden()).map(|p| p.id().clone()).collect();
            room.permission_requests.insert(request.request_id.clone(), request);
        }
        Event::PermissionRequestAnswered { request_id, .. } => {
            room.permission_requests.remove(request_id);
        }
        Event::UserBlocked { user_id, .. } => {
            room.blocked.insert(user_id.clone());
        }
        Event::UserUnblocked { user_id, .. } => {
            room.blocked.remove(user_id);
        }
    }
}

/// What that person could grant now; the server all.
fn held_by(room: &Room, by: &Person) -> Capabilities {
    let Some(id) = &by.peer_id else { return Capabilities::ALL };
    room.peers.get(id).map_or(Capabilities::NONE, |peer| room.ungated(peer).capabilities)
}

/// Replaces one peer by what becomes of him; keeps the count of hidden peers and who was asked.
fn change(room: &mut Room, peer_id: &PeerId, become_: impl FnOnce(&Room, Peer) -> Peer) {
    let Some(peer) = room.peers.get(peer_id) else { return };
    let (was_hidden, saw) = (!peer.is_visible(), peer.sees_hidden());
    let next = become_(room, peer.clone());
    room.hidden = room.hidden + usize::from(!next.is_visible()) - usize::from(was_hidden);
    if next.sees_hidden() && !saw {
        for request in room.permission_requests.values_mut() {
            request.asked.insert(peer_id.clone());
        }
    }
    room.peers.insert(peer_id.clone(), next);
}

fn seat(room: &mut Room, peer: Peer) {
    room.hidden += usize::from(!peer.is_visible());
    if peer.sees_hidden() {
        for request in room.permission_requests.values_mut() {
            request.asked.insert(peer.id().clone());
        }
    }
    room.peers.insert(peer.id().clone(), peer);
}

fn unseat(room: &mut Room, peer_id: &PeerId) {
    let Some(peer) = room.peers.remove(peer_id) else { return };
    room.hidden -= usize::from(!peer.is_visible());
    room.permission_requests.retain(|_, request| request.from.peer_id.as_ref() != Some(peer_id));
    for request in room.permission_requests.values_mut() {
        request.asked.remove(peer_id);
    }
}
