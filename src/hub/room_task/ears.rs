//! Peers who are not spoken to natively: each hears a notice in his own dialect's words, and asks in
//! them. It never looks into a dialect.

use rolecall_protocol::{
    id::{PeerId, Timestamp},
    room::{
        Actor, Command, Notice, Refusal, Reply, command::Joining, event::LeftReason, people::Doer,
    },
};
use tokio::sync::oneshot;

use super::{RoomTask, seats::Chair};
use crate::{
    hub::{AsideAsk, Greeting, Question, ReplyIn, Seated, actor, output::Output, refused},
    metrics,
};

/// Most requests of one room that wait for others to end.
const LATER_MAX: usize = 100;
/// How long one waits.
const LATER_MS: u64 = 300_000;

/// A request whose target was asked something else; it waits its turn.
pub(super) struct Later {
    from: PeerId,
    command: Command,
    until: Timestamp,
}

impl RoomTask {
    /// Tells those of other dialects whom a notice is for.
    pub(super) fn translate(&mut self, notice: &Notice) {
        if !self.mixed {
            return;
        }
        let mut told = Vec::new();
        for (id, chair) in &mut self.chairs {
            let (Some(ear), true) = (&mut chair.ear, chair.seat.is_some()) else { continue };
            if notice.audience.reaches_one(id, chair.history.sees_hidden()) {
                told.extend(
                    ear.hear(&self.room, notice).into_iter().map(|text| (id.clone(), text)),
                );
            }
        }
        for (id, text) in told {
            self.encodes += 1;
            self.stage_private(&id, text.into());
        }
    }

    /// Somebody of another dialect came in, or back: the reply, then all that he may see.
    pub(super) fn arrive(&mut self, id: &PeerId, reply: Option<String>, again: bool) {
        let Some(chair) = self.chairs.get_mut(id) else { return };
        let Some(ear) = &mut chair.ear else { return };
        let seen = ear.arrive(&self.room, again);
        for text in reply.into_iter().chain(seen) {
            self.stage_private(id, text.into());
        }
    }

    /// A call of another dialect's. It is not known when it is repeated; its reply comes before what it
    /// led to.
    pub(super) fn call_in(&mut self, command: Command, from: &Seated, reply: ReplyIn) {
        if !self.sits(from) {
            return;
        }
        let method = command.name();
        let before = self.outputs.len();
        let mut outcome = self.act(actor(from), command.clone());
        let asks = matches!(command, Command::ChangeRole { .. });
        if asks && outcome == Err(Refusal::RequestPending) && self.later.len() < LATER_MAX {
            let until = self.now().plus(LATER_MS);
            self.later.push(Later { from: from.peer_id.clone(), command, until });
            outcome = Ok(Reply::Done {});
        }
        let outcome = outcome.map_err(|refusal| refused(&refusal));
        metrics::call(method, super::asks::outcome_word(&outcome));
        let text = reply(&outcome);
        // What is merely said has no reply.
        if !text.is_empty() {
            self.staged_bytes += text.len();
            let before = before.min(self.outputs.len());
            self.outputs.insert(before, Output::Private(from.peer_id.clone(), text.into()));
        }
        self.stage_closings();
    }

    /// A call that does not come by a peer's socket: his who shows that it is his.
    pub(super) fn call_aside(&mut self, ask: AsideAsk) {
        let AsideAsk { known_as, session_hash, token, command, answer } = ask;
        let method = command.name();
        let peer_id = self.known_as(known_as);
        let outcome = self
            .may_resume(&peer_id, &session_hash, token.as_ref())
            .and_then(|_| self.act(Actor::Peer(peer_id), command).map_err(|error| refused(&error)));
        metrics::call(method, super::asks::outcome_word(&outcome));
        self.stage_closings();
        self.outputs.push(Output::Then(Box::new(move || drop(answer.send(outcome)))));
    }

    /// The peer whose client knows itself by that id; where there is none, the one of that id.
    pub(super) fn known_as(&self, id: PeerId) -> PeerId {
        let mut chairs = self.chairs.iter();
        let meant = |chair: &Chair| chair.ear.as_ref().is_some_and(|ear| ear.is_called(&id));
        let found = chairs.find(|(_, chair)| meant(chair)).map(|(peer, _)| peer.clone());
        found.unwrap_or(id)
    }

    /// Requests that waited for others to end are made, where those did; after so long they are made no
    /// more.
    pub(super) fn ask_later(&mut self) {
        if self.later.is_empty() || !std::mem::take(&mut self.asked_ended) {
            return;
        }
        let now = self.now();
        for one in std::mem::take(&mut self.later) {
            let asked = self.act(Actor::Peer(one.from.clone()), one.command.clone());
            match asked {
                Err(Refusal::RequestPending) if now < one.until => self.later.push(one),
                Ok(_) => {}
                Err(refusal) => {
                    tracing::debug!(room = %self.cid, peer = %one.from, %refusal, "a request that waited was refused");
                }
            }
        }
    }

    /// A question of a peer of another dialect.
    pub(super) fn question(&mut self, from: &Seated, question: Question) {
        if !self.sits(from) {
            return;
        }
        let Some(chair) = self.chairs.get_mut(&from.peer_id) else { return };
        let Some(ear) = &mut chair.ear else { return };
        for text in question(&self.room, ear) {
            self.stage_private(&from.peer_id, text.into());
        }
    }

    /// What somebody would be told who came in now.
    pub(super) fn would_be(
        &mut self,
        mut joining: Joining,
        tell: Greeting,
        answer: oneshot::Sender<String>,
    ) {
        self.know(&mut joining);
        let at = self.now();
        let text = tell(&self.room, &self.room.would_be(&joining, at));
        self.outputs.push(Output::Then(Box::new(move || drop(answer.send(text)))));
    }

    /// What a peer of another dialect is told as he has to go.
    pub(super) fn bid_farewell(
        &mut self,
        id: &PeerId,
        reason: LeftReason,
        by: &Doer,
        note: Option<&str>,
    ) {
        let ear = self.chairs.get(id).and_then(|chair| chair.ear.as_ref());
        if let Some(text) = ear.and_then(|ear| ear.farewell(reason, by, note)) {
            self.stage_private(id, text.into());
        }
    }
}
