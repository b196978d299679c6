//! Who is let in beside what his role says: private rooms, their times, and how many (`PROTOCOL`
//! 3.11).

use super::{Decision, Turn};
use crate::id::PeerId;
use crate::room::admission::{Admission, AdmissionPatch};
use crate::room::authorize::room_in_role;
use crate::room::command::Joining;
use crate::room::event::Event;
use crate::room::people::Newcomer;
use crate::room::refusal::Refusal;
use crate::room::reply::{Access, Level, Reply};
use crate::room::state::Room;

impl<'a> Turn<'a> {
    pub(super) fn set_admission(self, patch: &AdmissionPatch) -> Decision {
        let admission = self.room.admission.patched(patch);
        if admission == self.room.admission {
            return Decision::nothing(Reply::Done {});
        }
        let mut next = self.room.clone();
        next.admission = Admission::clone(&admission);
        let set = Event::AdmissionSet { admission: Box::new(admission), by: self.by() };
        let mut events = self.resolved_by(vec![set], &next);
        events.extend(self.waiting_settled(&next));
        Decision::events(events)
    }

    /// Who is put out by somebody's coming in: where users are here once, who he was before.
    pub(super) fn replaced_by(self, newcomer: &Newcomer) -> Vec<PeerId> {
        if !self.room.admission.one_per_user {
            return Vec::new();
        }
        self.room.peers_of(&newcomer.user_id).map(|peer| peer.id().clone()).collect()
    }

    /// Whether the room lets him in now. Rights do not count here, nor does who asks.
    pub(super) fn lets_in(self, joining: &Joining, newcomer: &Newcomer) -> Result<(), Refusal> {
        let Room { admission, peers, .. } = self.room;
        if peers.contains_key(&newcomer.peer_id) {
            return Err(Refusal::PeerTaken);
        }
        if let Some(opens_at) = admission.opens_at.filter(|opens_at| self.at < *opens_at) {
            return Err(Refusal::NotOpen(opens_at));
        }
        if admission.is_closed(self.at) {
            return Err(Refusal::Closed);
        }
        if admission.private && !self.is_invited(joining, newcomer) {
            return Err(Refusal::Private { knocking: admission.knocking });
        }
        let replaced = self.replaced_by(newcomer);
        let max = admission.max_peers.map_or(usize::MAX, |max| max.get() as usize);
        if peers.len() - replaced.len() >= max.min(joining.peers_max) {
            return Err(Refusal::RoomFull);
        }
        let would_be = self.room.seated(newcomer.clone(), self.at);
        let his = replaced.iter().filter_map(|id| peers.get(id));
        let leave = his.filter(|peer| peer.role == would_be.role).count();
        room_in_role(self.room, &would_be.role, leave)
    }

    /// What would become of his coming in now.
    pub(super) fn access(self, joining: &Joining) -> Access {
        let may = self.asker.may_join(joining);
        let refused = may.and_then(|()| self.lets_in(joining, &self.room.newcomer(joining))).err();
        let level = match &refused {
            None => Level::Full,
            Some(Refusal::Private { knocking: true }) => Level::Lobby,
            Some(_) => Level::None,
        };
        Access { level, refused }
    }

    /// "Who has a token for this room, members, owners and its creator", and whoever was admitted.
    fn is_invited(self, joining: &Joining, newcomer: &Newcomer) -> bool {
        let waited = self.room.waiting.get(&newcomer.peer_id);
        let admitted =
            waited.filter(|it| it.user_id == newcomer.user_id && it.is_admitted(self.at));
        joining.invited
            || admitted.is_some()
            || newcomer.owner
            || self.room.is_creator(&newcomer.user_id)
            || self.room.members.contains_key(&newcomer.user_id)
    }
}
