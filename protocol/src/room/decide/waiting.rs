//! Knocking at a private room, and the answers (`PROTOCOL` 3.12). It must not know who may answer.

use super::{Decision, Turn};
use crate::id::{PeerId, UserId};
use crate::room::command::Joining;
use crate::room::event::Event;
use crate::room::refusal::Refusal;
use crate::room::reply::Reply;
use crate::room::state::Room;
use crate::room::waiting::Waiting;

impl<'a> Turn<'a> {
    /// "Only where `join` would be refused as `private`, and the room has it."
    pub(super) fn knock(self, joining: &Joining, max: usize) -> Result<Decision, Refusal> {
        let newcomer = self.room.newcomer(joining);
        match self.lets_in(joining, &newcomer) {
            Ok(()) => return Err(Refusal::NotNeeded),
            Err(Refusal::Private { knocking: true }) => {}
            Err(other) => return Err(other),
        }
        if self.room.waiting.len() >= max {
            return Err(Refusal::TooMany { what: "waiting", max });
        }
        let waiting_id = newcomer.peer_id.clone();
        let waiting = Waiting {
            waiting_id: waiting_id.clone(),
            user_id: newcomer.user_id,
            name: newcomer.name,
            since: self.at,
            admitted_until: None,
        };
        let events = vec![Event::WaitingBegan { waiting }];
        Ok(Decision { events, reply: Reply::Waiting { waiting_id }, relay: None })
    }

    pub(super) fn answer_waiting(
        self,
        waiting_id: PeerId,
        admit: bool,
    ) -> Result<Decision, Refusal> {
        let open = self.room.waiting.get(&waiting_id).is_some_and(Waiting::is_open);
        if !open {
            return Err(Refusal::UnknownWaiting);
        }
        Ok(Decision::events(vec![self.answered(&waiting_id, admit)]))
    }

    pub(super) fn answered(self, waiting_id: &PeerId, admitted: bool) -> Event {
        Event::WaitingAnswered { waiting_id: waiting_id.clone(), admitted, by: self.by() }
    }

    /// He went, admitted or not; whoever waits no more went before.
    pub(super) fn stop_waiting(self, waiting_id: PeerId) -> Decision {
        let waits = self.room.waiting.contains_key(&waiting_id);
        Decision::events(if waits { vec![Event::WaitingEnded { waiting_id }] } else { Vec::new() })
    }

    /// Nobody's socket is known any more.
    pub(super) fn forget_waiting(self) -> Decision {
        let all = self.room.waiting.keys().cloned();
        Decision::events(all.map(|waiting_id| Event::WaitingEnded { waiting_id }).collect())
    }

    /// Whose time to come in has passed.
    pub(super) fn missed_their_turn(self) -> Vec<Event> {
        let missed = self.room.waiting.values().filter(|one| !one.is_open());
        let missed = missed.filter(|one| !one.is_admitted(self.at));
        missed.map(|one| Event::WaitingEnded { waiting_id: one.waiting_id.clone() }).collect()
    }

    /// The answers that follow where the room will be this: nobody waits before an open door, nor
    /// where nobody may knock.
    pub(super) fn waiting_settled(self, next: &Room) -> Vec<Event> {
        let admission = &next.admission;
        if admission.private && admission.knocking {
            return Vec::new();
        }
        let open = self.room.waiting.values().filter(|one| one.is_open());
        open.map(|one| self.answered(&one.waiting_id, !admission.private)).collect()
    }

    /// The same answer to all that wait as one of these users.
    pub(super) fn waiting_of(
        self,
        concerned: impl Fn(&UserId) -> bool,
        admitted: bool,
    ) -> Vec<Event> {
        let open = self.room.waiting.values().filter(|one| one.is_open());
        let his = open.filter(|one| concerned(&one.user_id));
        his.map(|one| self.answered(&one.waiting_id, admitted)).collect()
    }
}
