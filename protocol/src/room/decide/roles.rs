//! Role changes: at once, politely, in bulk, and the answers (`PROTOCOL` 3.5).

use super::{Decision, Effects, Turn, ended};
use crate::capability::{Capabilities, Capability};
use crate::id::{PeerId, RequestId, RoleName};
use crate::room::authorize::{Asker, room_in_role};
use crate::room::command::Actor;
use crate::room::event::{Event, Outcome};
use crate::room::people::Doer;
use crate::room::refusal::Refusal;
use crate::room::reply::Reply;
use crate::room::request::RoleRequest;
use crate::room::state::Peer;
use std::collections::BTreeSet;

impl<'a> Turn<'a> {
    pub(super) fn known_role(self, role: &RoleName) -> Result<(), Refusal> {
        let known = self.room.call_type.roles.contains_key(role);
        if known { Ok(()) } else { Err(Refusal::UnknownRole(role.clone())) }
    }

    pub(super) fn change_role(
        self,
        peer_id: &PeerId,
        role: &RoleName,
        force: bool,
    ) -> Result<Decision, Refusal> {
        let target = self.asker.sees(peer_id)?;
        self.known_role(role)?;
        if target.role == *role {
            return Ok(Decision::nothing(Reply::Done {}));
        }
        let on_self = self.asker.is_self(target);
        let next = self.room.with_role(target, role);
        self.asker.may_grant(target, &next)?;
        if force || on_self {
            room_in_role(self.room, role, 0)?;
            let event = self.role_changed(target, role, self.by(), true);
            return Ok(Decision::events(self.with_consequences(vec![event], &self.one_role(next))));
        }
        self.ask_role(target, role)
    }

    pub(super) fn role_changed(
        self,
        target: &Peer,
        to: &RoleName,
        by: Doer,
        forced: bool,
    ) -> Event {
        Event::RoleChanged {
            peer_id: target.id().clone(),
            from: target.role.clone(),
            to: to.clone(),
            by,
            forced,
        }
    }

    pub(super) fn one_role(self, next: Peer) -> Effects {
        Effects { role_changed: vec![next.id().clone()], changed: vec![next], ..Effects::default() }
    }

    /// "One pending request per target: the same asker asking for the same role gets the same
    /// `requestId` and a new term; anything else 409".
    pub(super) fn ask_role(self, target: &Peer, role: &RoleName) -> Result<Decision, Refusal> {
        let by = self.asker.person();
        // The answer goes to the socket that asked; what the server asks is answered in the journal.
        if matches!(self.asker.actor, Actor::User(_)) {
            return Err(Refusal::NotAPeer);
        }
        let expires_at = self.at.plus(self.room.role_request_ttl_ms);
        let mut events = Vec::new();
        let pending = self.room.role_requests.values().find(|r| r.peer_id == *target.id());
        if let Some(over) = pending.filter(|r| r.is_over(self.at)) {
            events.push(ended(&over.request_id, Outcome::Expired, None));
        } else if let Some(pending) = pending {
            if pending.by.peer_id != by.peer_id || pending.role != *role {
                return Err(Refusal::RequestPending);
            }
            let request_id = pending.request_id.clone();
            let events =
                vec![Event::RoleRequestRenewed { request_id: request_id.clone(), expires_at }];
            let reply = Reply::RoleRequested { request_id, expires_at };
            return Ok(Decision { events, reply, relay: None });
        }
        room_in_role(self.room, role, 0)?;
        let request_id = self.fresh_request("role")?;
        let request = RoleRequest {
            request_id: request_id.clone(),
            peer_id: target.id().clone(),
            by,
            role: role.clone(),
            expires_at,
            held: Capabilities::NONE,
        };
        events.push(Event::RoleRequested { request });
        Ok(Decision { events, reply: Reply::RoleRequested { request_id, expires_at }, relay: None })
    }

    pub(super) fn fresh_request(self, kind: &str) -> Result<RequestId, Refusal> {
        let id = format!("{kind}-{}", self.room.requests_made + 1);
        RequestId::parse(&id).map_err(|_| Refusal::UnknownRequest)
    }

    pub(super) fn change_roles(
        self,
        of: &BTreeSet<RoleName>,
        to: &RoleName,
    ) -> Result<Decision, Refusal> {
        self.known_role(to)?;
        if of.contains(to) {
            return Err(Refusal::TargetInSource(to.clone()));
        }
        let mut events = Vec::new();
        let mut effects = Effects::default();
        let (mut changed, mut skipped) = (0, 0);
        for peer in self.room.peers.values().filter(|peer| of.contains(&peer.role)) {
            if self.asker.touches(peer).is_err() {
                skipped += 1;
                continue;
            }
            let next = self.room.with_role(peer, to);
            self.asker.may_grant(peer, &next)?;
            events.push(self.role_changed(peer, to, self.by(), true));
            effects.role_changed.push(peer.id().clone());
            effects.changed.push(next);
            changed += 1;
        }
        let max = self.room.call_type.roles.get(to).and_then(|role| role.max_peer_count);
        if changed > 0 && max.is_some_and(|max| self.room.holders_of(to) + changed > max as usize) {
            return Err(Refusal::RoleFull(to.clone()));
        }
        let events = self.with_consequences(events, &effects);
        Ok(Decision { events, reply: Reply::changed(changed, skipped), relay: None })
    }

    /// The pending role request of that id, its time not passed (whether or not the timer has
    /// looked); a name once given out is gone, any other unknown.
    pub(super) fn role_request(self, id: &RequestId) -> Result<&'a RoleRequest, Refusal> {
        let pending = self.room.role_requests.get(id).filter(|request| !request.is_over(self.at));
        pending.ok_or_else(|| self.no_request("role", id))
    }

    pub(super) fn no_request(self, kind: &str, id: &RequestId) -> Refusal {
        let number = id.as_str().strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
        let issued = number.and_then(|n| n.parse::<u64>().ok());
        match issued {
            Some(n) if (1..=self.room.requests_made).contains(&n) => {
                Refusal::RequestGone(id.clone())
            }
            _ => Refusal::UnknownRequest,
        }
    }

    pub(super) fn own_role_request(
        self,
        id: &RequestId,
    ) -> Result<(&'a RoleRequest, &'a Peer), Refusal> {
        let own = self.asker.peer()?;
        let request = self.role_request(id)?;
        if request.peer_id == *own.id() { Ok((request, own)) } else { Err(Refusal::UnknownRequest) }
    }

    pub(super) fn accept_role(self, id: &RequestId) -> Result<Decision, Refusal> {
        let (request, own) = self.own_role_request(id)?;
        self.known_role(&request.role)?;
        let next = self.room.with_role(own, &request.role);
        // "An acceptance looks again where the asker is still there, and ends as `withdrawn` where
        // he may no longer ask; where he has left, his right at asking stands": what he could grant
        // then, not what the target may have lost since or the role gained.
        let asker = request.by.peer_id.clone().filter(|id| self.room.peers.contains_key(id));
        let may = if let Some(asker) = asker {
            let asker = Asker { room: self.room, actor: &Actor::Peer(asker) };
            asker.holds(Capability::UpdateCallPermissions)
                && asker.touches(own).is_ok()
                && asker.may_grant(own, &next).is_ok()
        } else {
            request.held.contains_all(self.room.newly_administrative(&next, self.room, own))
        };
        if !may {
            let events = vec![ended(id, Outcome::Withdrawn, None)];
            let reply = Reply::Ended { outcome: Outcome::Withdrawn };
            return Ok(Decision { events, reply, relay: None });
        }
        let mut events = Vec::new();
        if own.role != request.role {
            room_in_role(self.room, &request.role, 0)?;
            events.push(self.role_changed(own, &request.role, request.by.doer(), false));
        }
        events.push(ended(id, Outcome::Accepted, None));
        let effects = Effects { settled: Some(id.clone()), ..self.one_role(next) };
        Ok(Decision::events(self.with_consequences(events, &effects)))
    }

    pub(super) fn reject_role(
        self,
        id: &RequestId,
        reason: Option<String>,
    ) -> Result<Decision, Refusal> {
        self.own_role_request(id)?;
        Ok(Decision::events(vec![ended(id, Outcome::Rejected, reason)]))
    }

    pub(super) fn cancel_role(self, id: &RequestId) -> Result<Decision, Refusal> {
        let request = self.role_request(id)?;
        let asker = request.by.peer_id.as_ref().and_then(|id| self.room.peers.get(id));
        let own = asker.is_some_and(|asker| self.asker.is_self(asker));
        if !own && !self.asker.holds(Capability::UpdateCallPermissions) {
            return Err(Refusal::UnknownRequest);
        }
        Ok(Decision::events(vec![ended(id, Outcome::Cancelled, None)]))
    }
}
