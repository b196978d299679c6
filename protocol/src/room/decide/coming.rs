//! Coming in, going out, and what time ends. It must not know roles.

use super::{Decision, Effects, Turn, ended};
use crate::id::{PeerId, Timestamp};
use crate::json::Metadata;
use crate::room::command::Joining;
use crate::room::event::{CLOSED, Event, LeftReason, Outcome};
use crate::room::refusal::Refusal;
use crate::room::reply::Reply;
use std::sync::Arc;

impl<'a> Turn<'a> {
    pub(super) fn join(self, joining: Joining) -> Result<Decision, Refusal> {
        let mut newcomer = self.room.newcomer(&joining);
        self.lets_in(&joining, &newcomer)?;
        let replaced = self.replaced_by(&newcomer);
        let mut events = Vec::with_capacity(2);
        if let Some(waited) = self.room.waiting.get(&newcomer.peer_id) {
            // Who was admitted is who comes.
            newcomer.name = Arc::clone(&waited.name);
            // Who found another way in waits no more.
            let waiting_id = waited.waiting_id.clone();
            events.extend(waited.is_open().then_some(Event::WaitingEnded { waiting_id }));
        }
        if self.room.created_at.is_none() {
            let team = joining.standing.reach.of_new_room(None).map_err(|_| Refusal::WrongTeam)?;
            let call_type = &self.room.call_type;
            events.push(Event::RoomCreated {
                epoch: joining.epoch,
                team,
                created_by: (!joining.opens).then(|| newcomer.user_id.clone()),
                custom: Metadata::empty_object(),
                backstage: call_type.settings.backstage,
                call_type: Arc::clone(call_type),
                settings_override: None,
                starts_at: None,
                kept: false,
            });
        }
        // First he is here: otherwise the session would end between the two.
        events.push(Event::PeerJoined { newcomer: Box::new(newcomer) });
        events.extend(self.departures(&replaced, LeftReason::Removed, None));
        Ok(Decision { events, reply: Reply::Joined, relay: None })
    }

    pub(super) fn leave(self) -> Result<Decision, Refusal> {
        let own = self.asker.peer()?.id().clone();
        Ok(Decision::events(self.departures(&[own], LeftReason::Left, None)))
    }

    /// The departure of these, and the ends of requests that follow.
    pub(super) fn departures(
        self,
        peers: &[PeerId],
        reason: LeftReason,
        note: Option<String>,
    ) -> Vec<Event> {
        let left = peers.iter().map(|id| Event::PeerLeft {
            peer_id: id.clone(),
            reason,
            by: self.by(),
            note: note.clone(),
        });
        let effects = Effects { left: peers.to_vec(), ..Effects::default() };
        left.chain(self.consequences(&effects)).collect()
    }

    pub(super) fn tick(self) -> Decision {
        let due = |moment: Timestamp| moment <= self.at;
        if self.room.ejects_at_close() && self.room.admission.is_closed(self.at) {
            let reason = Some(CLOSED.to_owned());
            return Decision::events(vec![Event::RoomClosed { by: self.by(), reason }]);
        }
        let lost: Vec<PeerId> = self
            .room
            .peers
            .values()
            .filter(|peer| peer.dropped_until.is_some_and(due))
            .map(|peer| peer.id().clone())
            .collect();
        let mut events: Vec<Event> = self.missed_their_turn();
        for request in self.room.role_requests.values() {
            if request.is_over(self.at) && !lost.contains(&request.peer_id) {
                events.push(ended(&request.request_id, Outcome::Expired, None));
            }
        }
        if !lost.is_empty() {
            events.extend(self.departures(&lost, LeftReason::Lost, None));
        }
        Decision::events(events)
    }
}
