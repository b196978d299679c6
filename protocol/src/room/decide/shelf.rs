//! What stands behind the roles changes while the room is live: members, the call type.

use super::{Decision, Effects, Turn, ended};
use crate::call_type::CallType;
use crate::id::{RoleName, UserId};
use crate::room::event::{Event, Outcome};
use crate::room::refusal::Refusal;
use crate::room::reply::Reply;
use crate::room::state::{MEMBERS_MAX, Room};
use std::sync::Arc;

impl<'a> Turn<'a> {
    pub(super) fn set_member(
        self,
        user_id: UserId,
        role: Option<RoleName>,
    ) -> Result<Decision, Refusal> {
        let mut next = self.room.clone();
        let event = match role {
            Some(role) => {
                self.known_role(&role)?;
                if self.room.members.len() >= MEMBERS_MAX
                    && !self.room.members.contains_key(&user_id)
                {
                    return Err(Refusal::TooMany { what: "members", max: MEMBERS_MAX });
                }
                Event::MemberSet { user_id: user_id.clone(), role }
            }
            None => Event::MemberRemoved { user_id: user_id.clone() },
        };
        crate::room::apply(&mut next, &event, self.at);
        if next.members == self.room.members {
            return Ok(Decision::nothing(Reply::Done {}));
        }
        Ok(Decision::events(self.resolved_by(event, &next)))
    }

    pub(super) fn adopt(self, call_type: Arc<CallType>) -> Decision {
        if *self.room.call_type == *call_type {
            return Decision::nothing(Reply::Done {});
        }
        let mut next = self.room.clone();
        let event = Event::CallTypeAdopted { call_type };
        crate::room::apply(&mut next, &event, self.at);
        let mut events = self.resolved_by(event, &next);
        let roles = &next.call_type.roles;
        for request in self.room.role_requests.values().filter(|r| !roles.contains_key(&r.role)) {
            let id = &request.request_id;
            let over = events.iter().any(
                |e| matches!(e, Event::RoleRequestEnded { request_id, .. } if request_id == id),
            );
            if !over {
                events.push(ended(id, Outcome::Withdrawn, None));
            }
        }
        Decision::events(events)
    }

    /// The event, and each peer of the room that it leads to resolved.
    pub(super) fn resolved_by(self, event: Event, next: &Room) -> Vec<Event> {
        let mut events = vec![event];
        let mut effects = Effects::default();
        for peer in next.peers.values() {
            let resolved = next.resolved(peer.clone());
            if resolved != *peer {
                events.push(Event::PeerResolved { peer_id: peer.id().clone() });
                if resolved.role != peer.role {
                    effects.role_changed.push(peer.id().clone());
                }
                effects.changed.push(resolved);
            }
        }
        self.with_consequences(events, &effects)
    }
}
