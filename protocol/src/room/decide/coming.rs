//! Creating the room, coming in, going out, and what time ends. It must not know roles.

use super::{Decision, Effects, Turn, ended};
use crate::id::{PeerId, TeamId, Timestamp, UserId};
use crate::json::Metadata;
use crate::room::command::Joining;
use crate::room::event::{Event, LeftReason, Outcome};
use crate::room::refusal::Refusal;
use crate::room::reply::Reply;
use crate::team;
use std::sync::Arc;

impl<'a> Turn<'a> {
    pub(super) fn creation(
        self,
        epoch: Arc<str>,
        team: Option<TeamId>,
        by: Option<UserId>,
        custom: Metadata,
    ) -> Event {
        let call_type = &self.room.call_type;
        Event::RoomCreated {
            epoch,
            team,
            created_by: by,
            custom,
            backstage: call_type.settings.backstage,
            call_type: Arc::clone(call_type),
        }
    }

    pub(super) fn create(
        self,
        epoch: Arc<str>,
        team: Option<TeamId>,
        custom: Metadata,
    ) -> Decision {
        if self.room.created_at.is_some() {
            return Decision::nothing(Reply::Done {});
        }
        Decision::events(vec![self.creation(epoch, team, None, custom)])
    }

    pub(super) fn join(self, joining: Joining) -> Result<Decision, Refusal> {
        let mut events = Vec::with_capacity(2);
        if self.room.created_at.is_none() {
            let team = team::of_new_room(&joining.teams).ok_or(Refusal::WrongTeam)?;
            let creator = Some(joining.newcomer.user_id.clone());
            events.push(self.creation(joining.epoch, team, creator, Metadata::empty_object()));
        }
        events.push(Event::PeerJoined { newcomer: Box::new(joining.newcomer) });
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
        let lost: Vec<PeerId> = self
            .room
            .peers
            .values()
            .filter(|peer| peer.dropped_until.is_some_and(due))
            .map(|peer| peer.id().clone())
            .collect();
        let mut events: Vec<Event> = Vec::new();
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
