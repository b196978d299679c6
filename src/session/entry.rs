//! Coming in: what a token says becomes who the law knows, and a socket gets a seat.

use std::sync::Arc;

use super::{Next, Place, Session};
use crate::{
    auth::{
        Identity,
        coming::{Coming, Entrance},
        term::Term,
    },
    hub::{Ask, Fresh, JoinAsk, ResumeAsk, Resumed},
    metrics, mint,
};
use rolecall_protocol::{
    dialect::native::call::{Join, Resume},
    id::Seq,
    wire::{
        code::{self, ErrorBody},
        frame::CallId,
    },
};

impl Session {
    /// `join`: on success the room has put the reply behind what it told.
    pub(super) async fn join(&mut self, id: CallId, join: Join) -> Next {
        let identity = match self.identity(join.token.as_deref()) {
            Ok(identity) => identity,
            Err(error) => return self.turn_away(&id, "join", &error).await,
        };
        let Join { room, name, metadata, create, .. } = join;
        let coming = Coming { name, metadata, create, ..Coming::to(room) };
        // Who waits comes in as who he waits as.
        let waits = self
            .waiting
            .as_ref()
            .filter(|waits| self.entrance().cid(&coming.room).ok() == Some(waits.cid.clone()));
        let peer_id = waits.map_or_else(mint::peer_id, |waits| waits.waiting_id.clone());
        let entry = match self.entrance().joining(coming, identity.as_ref(), peer_id) {
            Ok(entry) => entry,
            Err(error) if error.reason() == "bad-token" => {
                return self.turn_away(&id, "join", &error).await;
            }
            Err(error) => return self.refuse(&id, &error).await,
        };
        let (cid, joining) = entry;
        let user_id = joining.newcomer.user_id.clone();
        let issued = identity.as_ref().map(Identity::issued);
        let stay = identity.map(|identity| identity.stay).unwrap_or_default();
        let came_s = self.house.hub.shared().clock.now_s();
        let exp = stay.ends(came_s);
        let session = mint::session(&cid, &joining.newcomer.peer_id);
        let mut joining = joining;
        joining.newcomer.session = mint::session_hash(&session);
        joining.newcomer.exp = exp;
        let (seat, spoken) = (Arc::clone(self.socket.seat()), None);
        let ask = |answer| {
            let id = id.clone();
            Ask::Join(Box::new(JoinAsk { id, joining, seat, session, issued, spoken, answer }))
        };
        match self.house.hub.asked(&cid, ask).await.flatten() {
            Ok(seated) => {
                // Where he waited before another room, he waits no more.
                Box::pin(self.stop_waiting()).await;
                let term = Term::new(exp, &self.house.hub.shared().clock);
                self.place = Some(Box::new(Place { cid, seated, user_id, came_s, term, issued }));
                Next::Go
            }
            Err(error) => self.refuse(&id, &error).await,
        }
    }

    /// `resume`: on success the room has put what was missed, then the reply.
    pub(super) async fn resume(&mut self, id: CallId, resume: Resume) -> Next {
        let token = match resume.token.as_deref().map(|token| self.identity(Some(token))) {
            // The handshake's token may be the one that expired: it counts only where it holds.
            None => self.identity(None).unwrap_or_default(),
            Some(Err(error)) => return self.turn_away(&id, "resume", &error).await,
            Some(Ok(identity)) => identity,
        };
        let seat_of = mint::read_session(&resume.session);
        let cid = seat_of.as_ref().and_then(|(cid, _)| self.entrance().cid(cid).ok());
        let (Some((_, peer_id)), Some(cid)) = (seat_of, cid) else {
            return self.refuse(&id, &ErrorBody::session_gone()).await;
        };
        if let Some(identity) = &token
            && !self.entrance().is_for(identity, &cid)
        {
            return self.refuse(&id, &ErrorBody::wrong_room()).await;
        }
        let token = match token.as_ref().map(Fresh::of).transpose() {
            Ok(token) => token,
            Err(error) => return self.turn_away(&id, "resume", &error).await,
        };
        let seat = Arc::clone(self.socket.seat());
        let ask = |answer| {
            Ask::Resume(Box::new(ResumeAsk {
                id: id.clone(),
                peer_id,
                session_hash: mint::session_hash(&resume.session),
                session: resume.session.into(),
                epoch: resume.epoch,
                seq: Seq(resume.seq),
                seat,
                spoken: None,
                token,
                answer,
            }))
        };
        match self.house.hub.asked(&cid, ask).await {
            Ok(Ok((seated, resumed))) => {
                Box::pin(self.stop_waiting()).await;
                let term = Term::new(resumed.exp, &self.house.hub.shared().clock);
                let Resumed { user_id, came_s, issued, .. } = resumed;
                self.place = Some(Box::new(Place { cid, seated, user_id, came_s, term, issued }));
                Next::Go
            }
            Ok(Err(error)) if error.reason() == "bad-token" => {
                self.turn_away(&id, "resume", &error).await
            }
            Ok(Err(error)) => self.refuse(&id, &error).await,
            // A room that is down keeps its seats; one that cannot be has none.
            Err(error) if error.code == 503 => self.refuse(&id, &error).await,
            Err(_) => self.refuse(&id, &ErrorBody::session_gone()).await,
        }
    }

    /// `refreshToken`: the same user, a new term, nothing else.
    pub(super) async fn refresh(&mut self, id: &CallId, token: &str) -> Next {
        let Some(place) = &self.place else {
            return self.refuse(id, &ErrorBody::not_joined()).await;
        };
        let renewed = self.identity(Some(token)).and_then(|identity| {
            let identity = identity.unwrap_or_default();
            let own = match identity.user_id.as_deref() {
                Some(user_id) => user_id == place.user_id.as_str(),
                None => place.user_id.as_str() == place.seated.peer_id.as_str(),
            };
            if !own {
                return Err(ErrorBody::bad_token("the token is another user's"));
            }
            if self.entrance().is_for(&identity, &place.cid) {
                Ok((identity.stay.ends(place.came_s), identity.issued()))
            } else {
                Err(ErrorBody::wrong_room())
            }
        });
        match renewed {
            Ok((exp, issued)) => {
                metrics::call("refreshToken", "ok");
                let (cid, from) = (place.cid.clone(), place.seated.clone());
                let term = Term::new(exp, &self.house.hub.shared().clock);
                if let Some(place) = &mut self.place {
                    place.term = term;
                    place.issued = Some(issued);
                }
                let _ = self.house.hub.ask_live(&cid, Ask::Term { from, exp, issued }).await;
                self.say(rolecall_protocol::wire::frame::reply(id, &serde_json::json!({}))).await
            }
            Err(error) => {
                metrics::call("refreshToken", "bad-token");
                self.refuse(id, &error).await
            }
        }
    }

    /// Answers with the error, then closes 4500.
    pub(super) async fn turn_away(
        &mut self,
        id: &CallId,
        method: &'static str,
        error: &ErrorBody,
    ) -> Next {
        metrics::call(method, "bad-token");
        tracing::info!(method, why = %error.message, "a token was refused");
        let _ = self.refuse(id, error).await;
        Next::Close(code::Close::BadToken)
    }

    /// Who the token says this is: the one given, else the one of the handshake; nobody without.
    pub(super) fn identity(&self, given: Option<&str>) -> Result<Option<Identity>, ErrorBody> {
        let Some(token) = given.or_else(|| self.bearer.as_ref().map(|bearer| bearer.expose()))
        else {
            return Ok(None);
        };
        let identity =
            self.house.verifier.verify(token).map_err(|e| ErrorBody::bad_token(e.to_string()))?;
        if identity.user_id.is_none() && !identity.unnamed {
            return Err(ErrorBody::bad_token("a token without `user_id` may not join"));
        }
        if !self.house.hub.shared().directory.now().app.honors(identity.issued()) {
            return Err(ErrorBody::bad_token("the token was revoked"));
        }
        Ok(Some(identity))
    }

    /// The house's rules for whoever comes in.
    pub(super) fn entrance(&self) -> Entrance<'_> {
        Entrance { config: &self.house.config, default_call_type: &self.house.default_call_type }
    }
}
