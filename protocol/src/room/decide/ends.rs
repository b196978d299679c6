//! The ends of pending requests that follow from what changes.

use super::{Effects, Turn, ended};
use crate::capability::Capability;
use crate::id::{PeerId, RequestId};
use crate::room::event::{Event, Outcome};
use crate::room::people::Person;

impl<'a> Turn<'a> {
    pub(super) fn with_consequences(self, mut events: Vec<Event>, effects: &Effects) -> Vec<Event> {
        events.extend(self.consequences(effects));
        events
    }

    pub(super) fn consequences(self, effects: &Effects) -> Vec<Event> {
        let now = |id: &PeerId| effects.changed.iter().find(|peer| peer.id() == id);
        let asker_lost = |by: &Person| {
            let asker = by.peer_id.as_ref().and_then(now);
            asker.is_some_and(|asker| !asker.holds(Capability::UpdateCallPermissions))
        };
        let open = |id: &RequestId| effects.settled.as_ref() != Some(id);
        let mut events = Vec::new();
        for request in self.room.role_requests.values().filter(|r| open(&r.request_id)) {
            let outcome = if effects.left.contains(&request.peer_id) {
                Outcome::Left
            } else if effects.role_changed.contains(&request.peer_id) {
                Outcome::Superseded
            } else if asker_lost(&request.by) {
                Outcome::Withdrawn
            } else {
                continue;
            };
            events.push(ended(&request.request_id, outcome, None));
        }
        for request in self.room.permission_requests.values().filter(|r| open(&r.request_id)) {
            let asker = request.from.peer_id.as_ref().and_then(now);
            let granted = asker.is_some_and(|peer| {
                request.permissions.iter().all(|wanted| wanted.is_held(&peer.permissions))
            });
            if granted {
                events.push(Event::PermissionRequestAnswered {
                    request_id: request.request_id.clone(),
                    granted: true,
                    by: self.by(),
                    reason: None,
                });
            }
        }
        events
    }
}
