//! Who knocked and waits with a socket that is no peer's: the room keeps nothing of him but a way to
//! tell his session the answer.

use rolecall_protocol::{
    id::{PeerId, Timestamp},
    room::{Actor, Command, Event},
};

use super::RoomTask;
use crate::{
    hub::{AccessAsk, KnockAsk, output::Output, refused},
    metrics,
};

impl RoomTask {
    /// Somebody knocks.
    pub(super) fn knock(&mut self, ask: KnockAsk) {
        let KnockAsk { mut joining, told, answer } = ask;
        let waiting_id = joining.newcomer.peer_id.clone();
        self.know(&mut joining);
        let waiting_max = self.shared.limits.waiting_per_room;
        let knock = Command::Knock { joining: Box::new(joining), waiting_max };
        let knocked = self.act(Actor::Newcomer, knock).map_err(|refusal| refused(&refusal));
        metrics::call("knock", super::asks::outcome_word(&knocked));
        if knocked.is_ok() {
            tracing::info!(room = %self.cid, waiting = %waiting_id, "somebody waits before {}", self.cid);
            self.knockers.insert(waiting_id, told);
        }
        self.outputs.push(Output::Then(Box::new(move || drop(answer.send(knocked)))));
    }

    /// Somebody asks what would become of his coming in.
    pub(super) fn access(&mut self, ask: AccessAsk) {
        let AccessAsk { mut joining, answer } = ask;
        self.know(&mut joining);
        let access = Command::Access { joining: Box::new(joining) };
        let found = self.act(Actor::Newcomer, access).map_err(|refusal| refused(&refusal));
        metrics::call("access", super::asks::outcome_word(&found));
        self.outputs.push(Output::Then(Box::new(move || drop(answer.send(found)))));
    }

    /// Who knocked went.
    pub(super) fn stop_waiting(&mut self, waiting_id: PeerId) {
        let stop = Command::StopWaiting { waiting_id };
        self.must(Actor::Server, stop);
    }

    /// After a start: their sockets are another life's.
    pub(super) fn forget_waiting(&mut self) {
        if !self.room.waiting.is_empty() {
            self.must(Actor::Server, Command::ForgetWaiting);
        }
    }

    /// What the law never refuses.
    fn must(&mut self, actor: Actor, command: Command) {
        let method = command.name();
        if let Err(refusal) = self.act(actor, command) {
            tracing::error!(room = %self.cid, %refusal, method, "{method} was refused");
        }
    }

    /// Tells who waits what became of it.
    pub(super) fn note_waiting(&mut self, event: &Event) {
        match event {
            Event::WaitingAnswered { waiting_id, admitted, .. } => {
                let waiting = self.room.waiting.get(waiting_id).filter(|_| *admitted);
                let until = waiting.and_then(|waiting| waiting.admitted_until);
                self.tell_waiting(&waiting_id.clone(), until);
            }
            Event::WaitingEnded { waiting_id } => drop(self.knockers.remove(waiting_id)),
            Event::RoomClosed { .. } | Event::RoomEnded { .. } | Event::RoomDeleted { .. } => {
                let all: Vec<PeerId> = self.knockers.keys().cloned().collect();
                all.iter().for_each(|waiting_id| self.tell_waiting(waiting_id, None));
            }
            _ => {}
        }
    }

    fn tell_waiting(&mut self, waiting_id: &PeerId, until: Option<Timestamp>) {
        let Some(told) = self.knockers.remove(waiting_id) else { return };
        let tell = move || {
            let _ = told.send(until);
        };
        self.outputs.push(Output::Then(Box::new(tell)));
    }
}
