//! What is asked of a room, one by one: coming in, taking a seat again, calling, leaving.

use std::sync::Arc;

use rolecall_protocol::{
    dialect::{
        Ear,
        native::{self, Asked},
    },
    id::PeerId,
    room::{Actor, Command, Peer, Reply},
    wire::{
        code::{self, ErrorBody},
        frame::{self, CallId},
    },
};

use super::{RoomTask, seats::Issued};
use crate::{
    hub::{
        Ask, CallAsk, Fresh, JoinAsk, ResumeAsk, Resumed, Seated, Spoken, actor, output::Output,
        output::native_close, refused,
    },
    metrics,
};

impl RoomTask {
    /// Answers one question; true where the house closes.
    pub(super) fn answer(&mut self, ask: Ask) -> bool {
        match ask {
            Ask::Join(ask) => self.join(*ask),
            Ask::Knock(ask) => self.knock(*ask),
            Ask::Access(ask) => self.access(*ask),
            Ask::StopWaiting { waiting_id } => self.stop_waiting(waiting_id),
            Ask::Resume(ask) => self.resume(*ask),
            Ask::Call(ask) => self.call(ask),
            Ask::Aside(ask) => self.call_aside(*ask),
            Ask::Question { from, question } => self.question(&from, question),
            Ask::WouldBe { joining, tell, answer } => self.would_be(*joining, tell, answer),
            Ask::State { id, from } => {
                if self.sits(&from) {
                    self.reply_snapshot(&id, &from.peer_id, Asked::Plainly);
                    metrics::call("state", "ok");
                }
            }
            Ask::Term { from, exp, issued } => {
                if self.sits(&from) {
                    self.renew(&from.peer_id, exp, Issued::At(issued));
                }
            }
            Ask::Gone { from, left } => self.gone(&from, left),
            Ask::Server { command, answer } => {
                let method = command.name();
                let outcome = self.act(Actor::Server, command).map_err(|refusal| refused(&refusal));
                metrics::call(method, outcome_word(&outcome));
                self.stage_closings();
                self.outputs.push(Output::Then(Box::new(move || drop(answer.send(outcome)))));
            }
            Ask::Outside(ask) => self.outside(*ask),
            Ask::Unlisten { id } => self.unlisten(&id),
            Ask::WhoKnow { users, answer } => {
                let knowing = self.who_know(users);
                self.outputs.push(Output::Then(Box::new(move || drop(answer.send(knowing)))));
            }
            Ask::Look { briefly, answer } => {
                let see = if briefly { native::brief } else { native::state };
                let seen = self.room.created_at.map(|_| see(&self.room));
                self.outputs.push(Output::Then(Box::new(move || drop(answer.send(seen)))));
            }
            Ask::Anew { anew, answer } => {
                self.read_anew(&anew);
                self.stage_closings();
                let done = move || {
                    let _ = answer.send(());
                };
                self.outputs.push(Output::Then(Box::new(done)));
            }
            Ask::Stop => return true,
        }
        false
    }

    fn join(&mut self, ask: JoinAsk) {
        let JoinAsk { id, mut joining, seat, session, issued, spoken, answer } = ask;
        let peer_id = joining.newcomer.peer_id.clone();
        let user = joining.newcomer.user_id.clone();
        // He can be found before anything known of him is read.
        let _here = self.here(&joining.newcomer);
        self.know(&mut joining);
        let joined = self.act(Actor::Newcomer, Command::Join(Box::new(joining)));
        if let Err(refusal) = joined {
            metrics::call("join", refusal.reason());
            tracing::debug!(room = %self.cid, %user, %refusal, "{user} was refused at {}", self.cid);
            let error = refused(&refusal);
            self.outputs.push(Output::Then(Box::new(move || drop(answer.send(Err(error))))));
            return;
        }
        metrics::call("join", "ok");
        tracing::info!(room = %self.cid, peer = %peer_id, %user, "{user} joined {}", self.cid);
        let (ear, reply) = parts(spoken);
        let native = ear.is_none();
        self.sit_down(&peer_id, &seat, &session, ear);
        if let Some(chair) = self.chairs.get_mut(&peer_id) {
            chair.issued = issued.into();
        }
        self.shared.directory.touch(&user, self.last);
        if native {
            self.reply_snapshot(&id, &peer_id, Asked::Plainly);
        } else {
            self.arrive(&peer_id, reply, false);
        }
        self.outputs.push(Output::Joined(answer, Seated { peer_id, seat }));
    }

    /// The join reply for one peer, put together from what is kept encoded.
    fn reply_snapshot(&mut self, id: &CallId, peer_id: &PeerId, asked: Asked) {
        let Some(peer) = self.room.peers.get(peer_id) else { return };
        let Some(chair) = self.chairs.get(peer_id) else { return };
        let roles = self.snapshots.roles(&self.room);
        let begin = native::joined_begin(id, &self.room, peer, &chair.session, roles, asked);
        let (seen, own) = self.snapshots.seen_by(&self.room, peer);
        let comma = if seen.is_empty() || own.is_none() { "" } else { "," };
        let mut parts: Vec<Arc<str>> = vec![begin.into(), seen.into(), comma.into()];
        parts.extend(own);
        parts.push(native::JOINED_END.into());
        self.staged_bytes += parts.iter().map(|part| part.len()).sum::<usize>();
        self.outputs.push(Output::Snapshot(peer_id.clone(), parts));
    }

    fn resume(&mut self, ask: ResumeAsk) {
        let ask = ResumeAsk { peer_id: self.known_as(ask.peer_id), ..ask };
        match self.may_resume(&ask.peer_id, &ask.session_hash, ask.token.as_ref()) {
            Ok((exp, issued)) => self.resumed(ask, exp, issued),
            Err(error) => {
                metrics::call("resume", reason_word(&error));
                let answer = ask.answer;
                self.outputs.push(Output::Then(Box::new(move || drop(answer.send(Err(error))))));
            }
        }
    }

    /// Whether the seat is his; the end of the token that is in force then, and when it was made.
    pub(super) fn may_resume(
        &self,
        peer_id: &PeerId,
        session_hash: &Arc<str>,
        token: Option<&Fresh>,
    ) -> Result<(Option<u64>, Issued), ErrorBody> {
        let peer = self.room.peers.get(peer_id).ok_or_else(ErrorBody::session_gone)?;
        let chair = self.chairs.get(peer_id).ok_or_else(ErrorBody::session_gone)?;
        if peer.who.session != *session_hash {
            return Err(ErrorBody::session_gone());
        }
        match token {
            Some(fresh) if is_of(fresh.user_id.as_ref(), peer) => {
                Ok((fresh.stay.ends(came_s(peer)), Issued::At(fresh.issued)))
            }
            Some(_) => Err(ErrorBody::bad_token("the token is another user's")),
            None => {
                let leeway = crate::auth::LEEWAY_S;
                let now = self.shared.clock.now_s();
                let exp = peer.who.exp;
                let expired = exp.is_some_and(|exp| exp.saturating_add(leeway) <= now);
                if expired || !self.honors(peer, chair.issued) {
                    return Err(ErrorBody::token_expired());
                }
                Ok((exp, chair.issued))
            }
        }
    }

    /// Whether the token that a peer came with still counts. After a restart it is not known when it
    /// was made: where tokens were ever revoked he has to show a fresh one.
    fn honors(&self, peer: &Peer, issued: Issued) -> bool {
        let app = &self.shared.directory.now().app;
        match issued {
            Issued::Never => true,
            Issued::At(issued) => app.honors(issued),
            Issued::Unknown => {
                let stranger = peer.who.user_id.as_str() == peer.who.peer_id.as_str();
                stranger || app.revoke_tokens_issued_before.is_none()
            }
        }
    }

    fn resumed(&mut self, ask: ResumeAsk, exp: Option<u64>, issued: Issued) {
        let ResumeAsk { id, peer_id, session, epoch, seq, seat, spoken, answer, .. } = ask;
        if self.chairs.get(&peer_id).is_some_and(|chair| chair.seat.is_some()) {
            let taken = native_close(code::Close::SeatTaken);
            self.outputs.push(Output::Close(peer_id.clone(), taken));
        }
        if let Err(refusal) = self.act(Actor::Peer(peer_id.clone()), Command::Return) {
            tracing::error!(room = %self.cid, peer = %peer_id, %refusal, "a return was refused");
        }
        self.renew(&peer_id, exp, issued);
        let (ear, reply) = parts(spoken);
        let native = ear.is_none();
        let known = self.chairs.get_mut(&peer_id).and_then(|chair| chair.ear.take());
        let ear = ear.map(|fresh| fresh.back(&peer_id, known));
        self.sit_down(&peer_id, &seat, &session, ear);
        let same_life = *self.room.epoch == *epoch && seq <= self.room.seq;
        let missed = self.chairs.get_mut(&peer_id).and_then(|chair| {
            let history = &mut chair.history;
            (native && same_life).then(|| self.ring.since(seq, &peer_id, history)).flatten()
        });
        let told = missed.as_ref().map(Vec::len);
        match missed {
            Some(missed) => {
                for text in missed {
                    self.stage_private(&peer_id, text);
                }
                let reply = native::resumed(&id, &peer_id, self.room.seq);
                self.stage_private(&peer_id, reply.into());
            }
            None if native => self.reply_snapshot(&id, &peer_id, Asked::ByResume),
            None => self.arrive(&peer_id, reply, true),
        }
        metrics::call("resume", "ok");
        tracing::info!(
            room = %self.cid, peer = %peer_id, told, "{peer_id} resumed in {}", self.cid
        );
        let Some(peer) = self.room.peers.get(&peer_id) else { return };
        let (user_id, came_s) = (peer.who.user_id.clone(), came_s(peer));
        self.shared.directory.touch(&user_id, self.last);
        let issued = match issued {
            Issued::At(issued) => Some(issued),
            // As old as can be: the next revocation concerns it.
            Issued::Unknown => Some(0).filter(|_| user_id.as_str() != peer_id.as_str()),
            Issued::Never => None,
        };
        let resumed = Resumed { user_id, came_s, exp, issued };
        self.outputs.push(Output::Resumed(answer, Seated { peer_id, seat }, resumed));
    }

    /// A peer's token has another end.
    fn renew(&mut self, peer_id: &PeerId, exp: Option<u64>, issued: Issued) {
        if let Some(chair) = self.chairs.get_mut(peer_id) {
            chair.issued = issued;
        }
        let renewed = self.act(Actor::Peer(peer_id.clone()), Command::Renew { exp });
        if let Err(refusal) = renewed {
            tracing::error!(room = %self.cid, peer = %peer_id, %refusal, "a term was refused");
        }
    }

    fn call(&mut self, ask: CallAsk) {
        let CallAsk { id, hash, command, from, reply } = ask;
        if let Some(reply) = reply {
            return self.call_in(command, &from, reply);
        }
        if !self.sits(&from) {
            return;
        }
        let method = command.name();
        let socket = self.chairs.get(&from.peer_id).map_or(0, |chair| chair.socket);
        let again = self.chairs.get(&from.peer_id);
        if let Some(reply) = again.and_then(|chair| chair.calls.first_outcome(&id, hash, socket)) {
            let reply = Arc::clone(reply);
            self.stage_private(&from.peer_id, reply);
            metrics::call(method, "repeated");
            return;
        }
        let outcome = self.act_for(actor(&from), command, Some((&id, hash)));
        let outcome = outcome.map_err(|refusal| refused(&refusal));
        metrics::call(method, outcome_word(&outcome));
        let reply: Arc<str> = match &outcome {
            Ok(reply) => {
                tracing::debug!(room = %self.cid, peer = %from.peer_id, method, "{} did {method}", from.peer_id);
                frame::reply(&id, reply).into()
            }
            Err(error) => {
                tracing::debug!(
                    room = %self.cid, peer = %from.peer_id, method, reason = error.reason(),
                    "{} was refused {method}", from.peer_id
                );
                frame::error(Some(&id), error).into()
            }
        };
        let (at, max) = (self.last, self.shared.limits.calls_kept);
        if let Some(chair) = self.chairs.get_mut(&from.peer_id) {
            chair.calls.keep(id, hash, socket, at, Arc::clone(&reply), max);
        }
        self.stage_private(&from.peer_id, reply);
        self.stage_closings();
    }

    fn gone(&mut self, from: &Seated, left: bool) {
        if !self.sits(from) {
            return;
        }
        tracing::info!(
            room = %self.cid, peer = %from.peer_id, left, "{} lost its socket in {}", from.peer_id, self.cid
        );
        if !left {
            self.drop_peer(&from.peer_id);
            return;
        }
        if let Err(refusal) = self.act(actor(from), Command::Leave) {
            tracing::error!(room = %self.cid, peer = %from.peer_id, %refusal, "a leave was refused");
        }
        self.stage_closings();
    }
}

/// What he hears, and the reply, of somebody who is not spoken to natively.
fn parts(spoken: Option<Spoken>) -> (Option<Ear>, Option<String>) {
    spoken.map_or((None, None), |Spoken { ear, reply }| (Some(ear), reply))
}

/// Whether a token of that user may take this peer's seat: his own, or none where he had none.
fn is_of(user: Option<&rolecall_protocol::id::UserId>, peer: &Peer) -> bool {
    match user {
        Some(user) => *user == peer.who.user_id,
        None => peer.who.user_id.as_str() == peer.id().as_str(),
    }
}

/// When he came in, in seconds since the epoch.
const fn came_s(peer: &Peer) -> u64 {
    peer.joined_at.0 / 1000
}

pub(super) fn outcome_word(outcome: &Result<Reply, ErrorBody>) -> &'static str {
    outcome.as_ref().map_or_else(reason_word, |_| "ok")
}

/// The reason as a label: the registry's own words, and one for anything else.
fn reason_word(error: &ErrorBody) -> &'static str {
    const WORDS: &[&str] = &[
        "bad-token",
        "banned",
        "blocked",
        "closed",
        "escalation",
        "hidden",
        "not-a-peer",
        "no-mesh",
        "not-allowed",
        "not-needed",
        "not-open",
        "owner",
        "peer-taken",
        "private",
        "request-gone",
        "request-pending",
        "role-full",
        "room-full",
        "self",
        "session-gone",
        "target-in-source",
        "team-needed",
        "token-expired",
        "too-large",
        "too-many",
        "unknown-peer",
        "unknown-request",
        "unknown-role",
        "unknown-room",
        "unknown-subscription",
        "unknown-waiting",
        "wrong-team",
    ];
    WORDS.iter().find(|word| **word == error.reason()).copied().unwrap_or("other")
}
