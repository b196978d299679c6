//! How a fact changes the room: the only writer of [`Room`]. It must not refuse, decide or tell.

use std::sync::Arc;

use super::{
    admission::Admission,
    event::Event,
    member::{Member, SessionInfo, UserOverrides},
    people::{Doer, Person},
    request::RoleRequest,
    session_data::SessionData,
    state::{Ended, Peer, Room},
    waiting::ADMITTED_MS,
};
use crate::{
    capability::Capabilities,
    id::{PeerId, Timestamp},
};

/// Changes the room as the event says. An event about somebody who is not there changes nothing:
/// that way a journal can always be replayed.
pub fn apply(room: &mut Room, event: &Event, at: Timestamp) {
    match event {
        Event::RoomCreated {
            epoch,
            team,
            created_by,
            custom,
            backstage,
            call_type,
            settings_override,
            starts_at,
            kept,
        } => {
            room.call_type = Arc::clone(call_type);
            *room = Room {
                settings: call_type.settings_under(settings_override.as_ref()),
                settings_override: settings_override.clone(),
                created_at: Some(at),
                updated_at: Some(at),
                deleted_at: room.deleted_at,
                created_by: created_by.clone(),
                kept: *kept,
                epoch: Arc::clone(epoch),
                team: team.clone(),
                custom: custom.clone(),
                starts_at: *starts_at,
                backstage: *backstage,
                ..anew(room)
            };
        }
        Event::RoomKept => room.kept = true,
        Event::RoomUpdated { custom, settings_override, starts_at, .. } => {
            room.custom = custom.clone();
            room.starts_at = *starts_at;
            room.settings_override.clone_from(settings_override);
            room.settings = room.call_type.settings_under(settings_override.as_ref());
            room.updated_at = Some(at);
        }
        Event::RoomDeleted { .. } => {
            *room = Room { deleted_at: Some(at), ..anew(room) };
        }
        Event::BackstageSet { backstage, .. } => {
            room.backstage = *backstage;
            room.live_since = (!backstage).then_some(at);
            room.updated_at = Some(at);
        }
        Event::AdmissionSet { admission, .. } => {
            room.admission = Admission::clone(admission);
            room.updated_at = Some(at);
        }
        Event::RoomClosed { .. } => everybody_out(room),
        Event::RoomEnded { by, reason } => {
            room.ended = Some(Ended { at, by: by.clone(), reason: reason.clone() });
            room.updated_at = Some(at);
            everybody_out(room);
        }
        Event::CallTypeAdopted { call_type } => {
            room.call_type = Arc::clone(call_type);
            room.settings = call_type.settings_under(room.settings_override.as_ref());
        }
        Event::MemberSet { user_id, role, custom, .. } => {
            let created_at = room.members.get(user_id).map_or(at, |member| member.created_at);
            let (role, custom) = (role.clone(), custom.clone());
            let member = Member { role, custom, created_at, updated_at: at };
            room.members.insert(user_id.clone(), member);
        }
        Event::MemberRemoved { user_id, .. } => {
            room.members.remove(user_id);
        }
        Event::UserGranted { user_id, overrides, .. } => {
            if *overrides == UserOverrides::default() {
                room.user_overrides.remove(user_id);
            } else {
                room.user_overrides.insert(user_id.clone(), *overrides);
            }
        }
        Event::PinSet { pin, pinned: true, .. } => {
            room.pins.insert(pin.clone());
        }
        Event::PinSet { pin, pinned: false, .. } => {
            room.pins.remove(pin);
        }
        Event::SessionDataChanged { change, .. } => {
            if let Some(data) = room.session_data.changed(change) {
                room.session_data = data;
            }
        }
        Event::PeerJoined { newcomer } => {
            let peer = room.seated((**newcomer).clone(), at);
            if room.session.is_none() {
                room.sessions += 1;
                let id = format!("{}.{}", room.epoch, room.sessions).into();
                room.session = Some(SessionInfo { id, started_at: at });
            }
            seat(room, peer);
        }
        Event::PeerLeft { peer_id, .. } => unseat(room, peer_id),
        Event::PeerResolved { peer_id, .. } => {
            change(room, peer_id, |room, peer| room.resolved(peer));
        }
        Event::StandingChanged { peer_id, app_role, foreign } => {
            change(room, peer_id, |room, peer| room.with_standing(&peer, app_role, *foreign));
        }
        Event::TermRenewed { peer_id, exp } => change(room, peer_id, |_, mut peer| {
            peer.who.exp = *exp;
            peer
        }),
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
        Event::NameChanged { peer_id, name, .. } => change(room, peer_id, |_, mut peer| {
            peer.who.name = Arc::clone(name);
            peer
        }),
        Event::MetadataChanged { peer_id, metadata, .. } => change(room, peer_id, |_, mut peer| {
            peer.who.metadata = metadata.clone();
            peer
        }),
        Event::HandRaised { peer_id, raised, .. } => {
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
        Event::PermissionRequested { request, .. } => {
            room.requests_made += 1;
            let mut request = request.clone();
            request.asked =
                room.peers.values().filter(|p| p.sees_hidden()).map(|p| p.id().clone()).collect();
            room.permission_requests.insert(request.request_id.clone(), request);
        }
        Event::PermissionRequestAnswered { request_id, .. } => {
            room.permission_requests.remove(request_id);
        }
        Event::Subscribed { subscription } => {
            let id = subscription.subscription_id.clone();
            if room.subscriptions.insert(id, subscription.clone()).is_none() {
                room.subscriptions_made += 1;
            }
        }
        Event::SubscriptionNarrowed { subscription_id, tracks } => {
            if tracks.is_empty() {
                room.subscriptions.remove(subscription_id);
            } else if let Some(subscription) = room.subscriptions.get_mut(subscription_id) {
                subscription.tracks = *tracks;
            }
        }
        Event::WaitingBegan { waiting } => {
            room.waiting.insert(waiting.waiting_id.clone(), waiting.clone());
        }
        Event::WaitingAnswered { waiting_id, admitted: true, .. } => {
            if let Some(waiting) = room.waiting.get_mut(waiting_id) {
                waiting.admitted_until = Some(at.plus(ADMITTED_MS));
            }
        }
        Event::WaitingAnswered { waiting_id, admitted: false, .. }
        | Event::WaitingEnded { waiting_id } => {
            room.waiting.remove(waiting_id);
        }
        Event::UserBlocked { user_id, .. } => {
            room.blocked.insert(user_id.clone());
        }
        Event::UserUnblocked { user_id, .. } => {
            room.blocked.remove(user_id);
        }
    }
}

/// The name with nothing behind it; the order of its events goes on.
fn anew(room: &Room) -> Room {
    Room {
        seq: room.seq,
        requests_made: room.requests_made,
        subscriptions_made: room.subscriptions_made,
        role_request_ttl_ms: room.role_request_ttl_ms,
        mesh_max: room.mesh_max,
        session_data_max: room.session_data_max,
        epoch: Arc::clone(&room.epoch),
        ..Room::vacant(room.cid.clone(), Arc::clone(&room.call_type))
    }
}

/// Everybody is out, and what was asked is asked no more.
fn everybody_out(room: &mut Room) {
    room.peers.clear();
    room.hidden = 0;
    room.role_requests.clear();
    room.permission_requests.clear();
    room.waiting.clear();
    room.subscriptions.clear();
    session_over(room);
}

/// Nobody is here any more: what was said for this session is over.
fn session_over(room: &mut Room) {
    room.session = None;
    room.user_overrides.clear();
    room.pins.clear();
    room.session_data = SessionData::default();
}

/// What that person could grant now; the server all.
fn held_by(room: &Room, by: &Person) -> Capabilities {
    if by.doer() == Doer::Server {
        return Capabilities::ALL;
    }
    let Some(id) = &by.peer_id else { return Capabilities::NONE };
    room.peers.get(id).map_or(Capabilities::NONE, |peer| room.ungated(peer).capabilities)
}

/// Replaces one peer by what becomes of him; keeps the count of hidden peers and who was asked.
fn change(room: &mut Room, peer_id: &PeerId, become_: impl FnOnce(&Room, Peer) -> Peer) {
    let Some(peer) = room.peers.get(peer_id) else { return };
    let (was_hidden, saw) = (!peer.is_visible(), peer.sees_hidden());
    let next = become_(room, peer.clone());
    room.hidden = room.hidden + usize::from(!next.is_visible()) - usize::from(was_hidden);
    if !next.is_visible() {
        room.pins.retain(|pin| pin.peer_id != *peer_id);
    }
    if next.sees_hidden() && !saw {
        for request in room.permission_requests.values_mut() {
            request.asked.insert(peer_id.clone());
        }
    }
    room.peers.insert(peer_id.clone(), next);
}

fn seat(room: &mut Room, peer: Peer) {
    room.waiting.remove(peer.id());
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
    room.pins.retain(|pin| pin.peer_id != *peer_id);
    if room.peers.is_empty() {
        session_over(room);
    }
}
