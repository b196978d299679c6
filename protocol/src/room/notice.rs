//! Who is told what. Computed from the peer as he was, the room as it is, and the event between.
//! It must not change the room, nor know seats or dialects.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    audience::Audience,
    body::{Body, RoleOffer},
    event::{Event, LeftReason, Outcome},
    member::Pin,
    people::Doer,
    request::{PermissionRequest, RoleRequest},
    state::{Counts, Peer, Room, RoomView},
    subscription::Subscription,
    waiting::{Waiting, WaitingOutcome},
};
use crate::{
    id::{PeerId, Seq, Timestamp},
    json::Metadata,
    media::TrackKinds,
};

mod relayed;

pub use relayed::relayed;

/// What is said, complete in itself, and to whom.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its place in the room's order; unset for what is merely relayed.
    pub seq: Option<Seq>,
    /// When it happened.
    pub at: Timestamp,
    /// To whom.
    pub audience: Audience,
    /// What.
    pub body: Body,
}

/// What an event is about to change, kept so that the change can be told.
#[derive(Clone, Debug)]
pub struct Before {
    peer: Option<Peer>,
    counts: Counts,
    role_request: Option<RoleRequest>,
    permission_request: Option<PermissionRequest>,
    subscription: Option<Subscription>,
    /// Whether he waits whom it is about.
    waited: bool,
    shown: Shown,
}

/// What is shown of the room itself and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    custom: Metadata,
    starts_at: Option<Timestamp>,
    backstage: bool,
    pins: BTreeSet<Pin>,
}

impl Shown {
    fn of(room: &Room) -> Self {
        Self {
            custom: room.custom.clone(),
            starts_at: room.starts_at,
            backstage: room.backstage,
            pins: room.pins.clone(),
        }
    }

    /// The fields that differ, by their names on the wire.
    fn differences(&self, room: &Room) -> Vec<&'static str> {
        let fields = [
            ("custom", self.custom != room.custom),
            ("startsAt", self.starts_at != room.starts_at),
            ("backstage", self.backstage != room.backstage),
            ("pins", self.pins != room.pins),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

impl Before {
    /// Remembers what the event may change.
    #[must_use]
    pub fn of(room: &Room, event: &Event) -> Self {
        let request = match event {
            Event::RoleRequestEnded { request_id, .. }
            | Event::PermissionRequestAnswered { request_id, .. } => Some(request_id),
            _ => None,
        };
        let subscription = match event {
            Event::SubscriptionNarrowed { subscription_id, .. } => Some(subscription_id),
            _ => None,
        };
        Self {
            peer: event.peer().and_then(|id| room.peers.get(id)).cloned(),
            counts: room.counts(),
            role_request: request.and_then(|id| room.role_requests.get(id)).cloned(),
            permission_request: request.and_then(|id| room.permission_requests.get(id)).cloned(),
            subscription: subscription.and_then(|id| room.subscriptions.get(id)).cloned(),
            waited: match event {
                Event::WaitingAnswered { waiting_id, .. } | Event::WaitingEnded { waiting_id } => {
                    room.waiting.get(waiting_id).is_some_and(Waiting::is_open)
                }
                _ => false,
            },
            shown: Shown::of(room),
        }
    }
}

type Told = Vec<(Audience, Body)>;

/// Who is told what of an event, in order.
#[must_use]
pub fn notices(before: &Before, room: &Room, event: &Event) -> Told {
    let mut told = Told::new();
    if let Some(id) = event.peer() {
        let reason = match event {
            Event::PeerLeft { reason, .. } => *reason,
            _ => LeftReason::Hidden,
        };
        peer_changed(&mut told, before.peer.as_ref(), room.peers.get(id), &event.by(), reason);
        if let Some(peer) = room.peers.get(id) {
            tell_role(&mut told, before.peer.as_ref(), peer, event);
        }
        if room.counts() != before.counts {
            let mut audience = Audience::everybody();
            if before.peer.is_none() {
                audience = audience.but(id);
            }
            told.push((audience, Body::CountsUpdated(room.counts())));
        }
        tell_seer(&mut told, before.peer.as_ref(), room, id, event);
    }
    let changed = match event {
        // Nobody is there to be told; who comes in is told all of it.
        Event::RoomCreated { .. }
        | Event::RoomClosed { .. }
        | Event::RoomEnded { .. }
        | Event::RoomDeleted { .. } => Vec::new(),
        Event::CallTypeAdopted { .. } => vec!["callType"],
        _ => before.shown.differences(room),
    };
    if !changed.is_empty() {
        told.push((Audience::everybody(), Body::RoomUpdated { room: view(room), changed }));
    }
    match event {
        Event::RoomDeleted { by } => {
            told.push((Audience::everybody(), Body::RoomEnded { by: by.clone(), reason: None }))
        }
        Event::RoomClosed { by, reason } | Event::RoomEnded { by, reason } => {
            let (by, reason) = (by.clone(), reason.clone());
            told.push((Audience::everybody(), Body::RoomEnded { by, reason }));
        }
        Event::SessionDataChanged { by, .. } => {
            let data = room.session_data.clone();
            told.push((Audience::everybody(), Body::SessionDataUpdated { data, by: by.clone() }));
        }
        Event::RoleRequested { request } => told.push(offer(request)),
        Event::RoleRequestRenewed { request_id, .. } => {
            told.extend(room.role_requests.get(request_id).map(offer));
        }
        Event::RoleRequestEnded { outcome, reason, .. } => {
            if let Some(request) = &before.role_request {
                tell_ended(&mut told, room, request, *outcome, reason.as_ref());
            }
        }
        Event::PermissionRequested { request, outside } => {
            let asked = room.permission_requests.get(&request.request_id).map(|r| r.asked.clone());
            let asker = request.from.peer_id.clone();
            let asked = asked.into_iter().flatten().filter(|id| Some(id) != asker.as_ref());
            let asked = asked.chain(asker.clone().filter(|_| *outside));
            told.push((Audience::only(asked), asking(request)));
        }
        Event::PermissionRequestAnswered { granted, by, reason, .. } => {
            if let Some(request) = &before.permission_request {
                let mut asked = request.asked.clone();
                asked.extend(request.from.peer_id.clone());
                let body = Body::PermissionRequestAnswered {
                    request_id: request.request_id.clone(),
                    from: request.from.clone(),
                    permissions: request.permissions.iter().copied().collect(),
                    granted: *granted,
                    by: by.clone(),
                    reason: reason.clone(),
                };
                told.push((Audience::only(asked), body));
            }
        }
        Event::WaitingBegan { waiting } => {
            told.push((seers(), Body::WaitingUpdated { waiting: waiting.clone() }));
        }
        Event::WaitingAnswered { waiting_id, admitted, .. } if before.waited => {
            let outcome =
                if *admitted { WaitingOutcome::Admitted } else { WaitingOutcome::Refused };
            let (waiting_id, by) = (waiting_id.clone(), event.by());
            told.push((seers(), Body::WaitingLeft { waiting_id, outcome, by }));
        }
        Event::WaitingEnded { waiting_id } if before.waited => {
            let (waiting_id, outcome) = (waiting_id.clone(), WaitingOutcome::Left);
            told.push((seers(), Body::WaitingLeft { waiting_id, outcome, by: Doer::Nobody }));
        }
        Event::Subscribed { subscription } => {
            tell_ends(&mut told, room, subscription, subscription.tracks);
        }
        Event::SubscriptionNarrowed { tracks, .. } => {
            if let Some(subscription) = &before.subscription {
                tell_ends(&mut told, room, subscription, *tracks);
            }
        }
        _ => {}
    }
    told.retain(|(audience, _)| *audience != Audience::default());
    told
}

/// Who may answer.
fn seers() -> Audience {
    Audience { seers: true, ..Audience::default() }
}

fn view(room: &Room) -> serde_json::Value {
    serde_json::to_value(RoomView(room)).unwrap_or_default()
}

/// The peer as others see him change: come, go, hide, show, or differ.
fn peer_changed(
    told: &mut Told,
    before: Option<&Peer>,
    after: Option<&Peer>,
    by: &Doer,
    reason: LeftReason,
) {
    let left = |peer: &Peer, reason| Body::ParticipantLeft {
        peer_id: peer.id().clone(),
        user_id: peer.who.user_id.clone(),
        reason,
    };
    let joined = |peer: &Peer| Body::ParticipantJoined { participant: Box::new(peer.clone()) };
    match (before, after) {
        (None, None) => {}
        (None, Some(peer)) => {
            let audience = Audience { also: Vec::new(), ..Audience::who_see(peer) };
            told.push((audience.but(peer.id()), joined(peer)));
        }
        (Some(peer), None) => {
            let audience = Audience { also: Vec::new(), ..Audience::who_see(peer) };
            told.push((audience, left(peer, reason)));
        }
        (Some(was), Some(is)) => {
            let changed = differences(was, is);
            if changed.is_empty() {
                return;
            }
            let updated = Body::ParticipantUpdated {
                participant: Box::new(is.clone()),
                changed,
                by: by.clone(),
            };
            let rest = Audience { rest: true, ..Audience::default() };
            let seers = Audience {
                seers: true,
                also: if is.sees_hidden() { Vec::new() } else { vec![is.id().clone()] },
                ..Audience::default()
            };
            match (was.is_visible(), is.is_visible()) {
                (true, false) => {
                    told.push((rest.but(is.id()), left(is, LeftReason::Hidden)));
                    told.push((seers, updated));
                }
                (false, true) => {
                    told.push((rest.but(is.id()), joined(is)));
                    told.push((seers, updated));
                }
                _ => told.push((Audience::who_see(is), updated)),
            }
        }
    }
}

/// The fields of a participant that differ, by their names on the wire.
fn differences(was: &Peer, is: &Peer) -> Vec<&'static str> {
    let fields = [
        ("name", was.who.name != is.who.name),
        ("role", was.role != is.role),
        ("owner", was.who.owner != is.who.owner),
        ("metadata", was.who.metadata != is.who.metadata),
        ("permissions", was.permissions != is.permissions && shown(was) != shown(is)),
        ("capabilities", was.permissions.all_capabilities() != is.permissions.all_capabilities()),
        ("tracks", was.on != is.on || was.sendable() != is.sendable()),
        ("handRaised", was.hand_raised != is.hand_raised),
        ("connected", was.dropped_until.is_none() != is.dropped_until.is_none()),
    ];
    fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}

/// Permissions as far as the field `permissions` shows them: capabilities only by their groups.
fn shown(
    peer: &Peer,
) -> (bool, TrackKinds, &crate::media::Reception, Vec<crate::capability::AdminGroup>) {
    let p = &peer.permissions;
    (p.has_presence, p.can_send, &p.can_receive, p.can_admin())
}

/// "Everyone who sees the peer gets `participant-updated` then `ROLE_UPDATED`", however his role
/// came to change.
fn tell_role(told: &mut Told, before: Option<&Peer>, peer: &Peer, event: &Event) {
    let (from, to, by, forced) = match (event, before) {
        (Event::RoleChanged { from, to, by, forced, .. }, _) => (from, to, by.clone(), *forced),
        (_, Some(was)) if was.role != peer.role => (&was.role, &peer.role, event.by(), true),
        _ => return,
    };
    let (peer_id, from, to) = (peer.id().clone(), from.clone(), to.clone());
    told.push((Audience::who_see(peer), Body::RoleUpdated { peer_id, from, to, by, forced }));
}

/// "A peer gaining `update-call-permissions` learns the hidden ones by `participant-joined`; losing
/// it, they leave him with reason `hidden`." Gaining it, he learns what is asked, too. Who waits comes
/// and goes with it.
fn tell_seer(told: &mut Told, before: Option<&Peer>, room: &Room, id: &PeerId, event: &Event) {
    let (Some(was), Some(is)) = (before, room.peers.get(id)) else { return };
    if was.sees_hidden() == is.sees_hidden() {
        return;
    }
    let hidden = room.peers.values().filter(|peer| !peer.is_visible() && peer.id() != id);
    for peer in hidden {
        let body = if is.sees_hidden() {
            Body::ParticipantJoined { participant: Box::new(peer.clone()) }
        } else {
            Body::ParticipantLeft {
                peer_id: peer.id().clone(),
                user_id: peer.who.user_id.clone(),
                reason: LeftReason::Hidden,
            }
        };
        told.push((Audience::only([id.clone()]), body));
    }
    if is.sees_hidden() {
        let asked =
            room.permission_requests.values().filter(|r| r.from.peer_id.as_ref() != Some(id));
        told.extend(asked.map(|request| (Audience::only([id.clone()]), asking(request))));
    }
    for waiting in open_waiting(room) {
        let body = if is.sees_hidden() {
            Body::WaitingUpdated { waiting: waiting.clone() }
        } else {
            let (waiting_id, outcome) = (waiting.waiting_id.clone(), WaitingOutcome::Hidden);
            Body::WaitingLeft { waiting_id, outcome, by: event.by() }
        };
        told.push((Audience::only([id.clone()]), body));
    }
}

fn offer(request: &RoleRequest) -> (Audience, Body) {
    let body = Body::RoleChangeRequest { request: RoleOffer::from(request) };
    (Audience::only([request.peer_id.clone()]), body)
}

fn asking(request: &PermissionRequest) -> Body {
    Body::PermissionRequest {
        request_id: request.request_id.clone(),
        from: request.from.clone(),
        permissions: request.permissions.iter().copied().collect(),
    }
}

/// "Ending tells the asker …, and the target, unless he answered".
fn tell_ended(
    told: &mut Told,
    room: &Room,
    request: &RoleRequest,
    outcome: Outcome,
    reason: Option<&String>,
) {
    let asker = request.by.peer_id.iter().filter(|id| room.peers.contains_key(*id)).cloned();
    let answered = Body::RoleChangeAnswered {
        request_id: request.request_id.clone(),
        peer_id: request.peer_id.clone(),
        role: request.role.clone(),
        outcome,
        reason: reason.cloned(),
    };
    told.push((Audience::only(asker), answered));
    let target = room.peers.contains_key(&request.peer_id).then(|| request.peer_id.clone());
    if !matches!(outcome, Outcome::Accepted | Outcome::Rejected) {
        let request_id = request.request_id.clone();
        told.push((Audience::only(target), Body::RoleChangeCancelled { request_id, outcome }));
    }
}

/// "The receiver gets `subscription-updated`, the sender `subscriber-updated`", as far as they are
/// still here. Nothing left: it is over.
fn tell_ends(told: &mut Told, room: &Room, subscription: &Subscription, tracks: TrackKinds) {
    let Subscription { subscription_id, receiver, sender, .. } = subscription;
    let here = |id: &PeerId| Audience::only(room.peers.contains_key(id).then(|| id.clone()));
    let (id, peer_id) = (subscription_id.clone(), sender.clone());
    let body = Body::SubscriptionUpdated { subscription_id: id.clone(), peer_id, tracks };
    told.push((here(receiver), body));
    told.push((here(sender), Body::SubscriberUpdated { subscription_id: id, tracks }));
}

/// Commits one event: remembers, applies, and numbers what is told. A journal is replayed through
/// this, so that every replay gives the same room and the same notices.
pub fn commit(room: &mut Room, event: &Event, at: Timestamp) -> Vec<Notice> {
    let before = Before::of(room, event);
    super::apply::apply(room, event, at);
    let told = notices(&before, room, event);
    if told.is_empty() {
        room.seq = room.seq.next();
    }
    let numbered = told.into_iter().map(|(audience, body)| {
        room.seq = room.seq.next();
        Notice { seq: Some(room.seq), at, audience, body }
    });
    numbered.collect()
}

/// A participant as JSON text, for snapshots.
#[must_use]
pub fn participant_json(peer: &Peer) -> Arc<str> {
    serde_json::to_string(peer).unwrap_or_default().into()
}

/// The pending requests a peer may know of, as the join reply shows them: role requests he asked
/// or is asked; permission requests of his own, and all, and who waits, for holders of
/// `update-call-permissions`.
#[must_use]
pub fn visible_requests(room: &Room, peer: &Peer) -> serde_json::Value {
    let own = |id: Option<&PeerId>| id == Some(peer.id());
    let role = room
        .role_requests
        .values()
        .filter(|r| r.peer_id == *peer.id() || own(r.by.peer_id.as_ref()))
        .collect::<Vec<_>>();
    let permission = room
        .permission_requests
        .values()
        .filter(|r| peer.sees_hidden() || own(r.from.peer_id.as_ref()))
        .collect::<Vec<_>>();
    let waiting: Vec<_> = open_waiting(room).filter(|_| peer.sees_hidden()).collect();
    serde_json::json!({ "role": role, "permission": permission, "waiting": waiting })
}

/// Who waits for an answer.
pub fn open_waiting(room: &Room) -> impl Iterator<Item = &Waiting> {
    room.waiting.values().filter(|waiting| waiting.is_open())
}
