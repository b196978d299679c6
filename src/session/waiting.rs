//! Knocking: a socket that waits before a private room until somebody answers. It sits nowhere.

use std::time::Duration;

use rolecall_protocol::{
    dialect::native::{
        self,
        call::{Access, Knock},
    },
    id::{Cid, PeerId, Timestamp},
    wire::{
        code::{self, ErrorBody},
        frame::{self, CallId},
    },
};
use tokio::{
    sync::oneshot::{self, error::RecvError},
    time::Instant,
};

use super::{Next, Session};
use crate::{
    auth::coming::Coming,
    hub::{AccessAsk, Ask, KnockAsk},
    metrics, mint,
};

/// How long after one wait the same socket may knock again.
const KNOCK_AGAIN: Duration = Duration::from_secs(5);

/// Where a socket waits, or was admitted.
pub(super) struct Waiting {
    pub(super) cid: Cid,
    /// The id his peer will have.
    pub(super) waiting_id: PeerId,
    /// Until when he may come in, or nothing where he may not.
    told: oneshot::Receiver<Option<Timestamp>>,
    /// Whether he was admitted.
    admitted: bool,
}

/// Returns once somebody answered who waits there.
pub(super) async fn answered(
    waiting: Option<&mut Box<Waiting>>,
) -> Result<Option<Timestamp>, RecvError> {
    match waiting {
        Some(waiting) if !waiting.admitted => (&mut waiting.told).await,
        _ => std::future::pending().await,
    }
}

impl Session {
    /// Whether nobody has answered yet: then the time to join does not run.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.admitted)
    }

    /// `knock`
    pub(super) async fn knock(&mut self, id: CallId, knock: Knock) -> Next {
        if self.waiting.is_some() {
            return self.refuse(&id, &ErrorBody::already_waiting()).await;
        }
        let now = Instant::now();
        if let Some(from) = self.knock_from.filter(|from| now < *from) {
            metrics::call("knock", "rate-limited");
            let wait = ErrorBody::too_many((from - now).as_secs_f64());
            return self.refuse(&id, &wait).await;
        }
        let identity = match self.identity(knock.token.as_deref()) {
            Ok(identity) => identity,
            Err(error) => return self.turn_away(&id, "knock", &error).await,
        };
        let Knock { room, name, .. } = knock;
        let coming = Coming { name, create: false, ..Coming::to(room) };
        let entry = self.entrance().joining(coming, identity.as_ref(), mint::peer_id());
        let (cid, joining) = match entry {
            Ok(entry) => entry,
            Err(error) if error.reason() == "bad-token" => {
                return self.turn_away(&id, "knock", &error).await;
            }
            Err(error) => return self.refuse(&id, &error).await,
        };
        let waiting_id = joining.newcomer.peer_id.clone();
        let (tell, told) = oneshot::channel();
        let ask = |answer| Ask::Knock(Box::new(KnockAsk { joining, told: tell, answer }));
        match self.house.hub.asked(&cid, ask).await.flatten() {
            Ok(reply) => {
                let waiting = Waiting { cid, waiting_id, told, admitted: false };
                self.waiting = Some(Box::new(waiting));
                self.say(frame::reply(&id, &reply)).await
            }
            Err(error) => self.refuse(&id, &error).await,
        }
    }

    /// `access`: what would become of a `join`. Nobody comes in, and nobody is told.
    pub(super) async fn access(&mut self, id: CallId, access: Access) -> Next {
        let identity = match self.identity(access.token.as_deref()) {
            Ok(identity) => identity,
            Err(error) => return self.turn_away(&id, "access", &error).await,
        };
        let coming = Coming { create: access.create, ..Coming::to(access.room) };
        let (cid, joining) =
            match self.entrance().joining(coming, identity.as_ref(), mint::peer_id()) {
                Ok(entry) => entry,
                Err(error) => return self.refuse(&id, &error).await,
            };
        let ask = |answer| Ask::Access(Box::new(AccessAsk { joining, answer }));
        match self.house.hub.asked(&cid, ask).await.flatten() {
            Ok(reply) => self.say(frame::reply(&id, &reply)).await,
            Err(error) => self.refuse(&id, &error).await,
        }
    }

    /// The answer is here.
    pub(super) async fn hear_answer(
        &mut self,
        answer: Result<Option<Timestamp>, RecvError>,
    ) -> Next {
        let Some(waiting) = &mut self.waiting else { return Next::Go };
        let Ok(until) = answer else {
            // The room fell, or the house closes, and who waited is known no more.
            let closes = *self.house.closing.borrow();
            let close = if closes { code::Close::GoingAway } else { code::Close::RoomRestarted };
            return Next::Close(close);
        };
        let said = native::waiting_answered(&waiting.waiting_id, until);
        match until {
            Some(until) => {
                waiting.admitted = true;
                let now = Timestamp(self.house.hub.shared().clock.now_ms());
                self.join_by = Instant::now() + Duration::from_millis(until.since(now));
            }
            None => self.waits_no_more(),
        }
        self.say(said).await
    }

    /// `leave` of who waits: the socket stays, and may knock or join.
    pub(super) async fn leave_waiting(&mut self, id: &CallId) -> Next {
        self.stop_waiting().await;
        self.say(frame::reply(id, &serde_json::json!({}))).await
    }

    /// Tells the room, where he waits before one.
    pub(super) async fn stop_waiting(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            let Waiting { cid, waiting_id, .. } = *waiting;
            self.waits_no_more();
            let _ = self.house.hub.ask_live(&cid, Ask::StopWaiting { waiting_id }).await;
        }
    }

    fn waits_no_more(&mut self) {
        let now = Instant::now();
        self.waiting = None;
        self.knock_from = Some(now + KNOCK_AGAIN);
        self.join_by = now + self.house.config.limits.join_timeout;
    }
}
