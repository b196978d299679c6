//! Coming in: what a token says becomes who the law knows, and a socket gets a seat.

use std::sync::Arc;

use super::{Next, Place, Session};
use crate::{
    auth::{Identity, term::Term},
    hub::{Ask, Fresh, JoinAsk, ResumeAsk, Resumed},
    metrics, mint,
};
use rolecall_protocol::{
    call_type::{HOST, USER},
    dialect::native::call::{Join, Resume},
    id::{Cid, NameError, PeerId, RoleName, Seq, TeamId, UserId},
    json::Metadata,
    media::{TrackKind, TrackKinds},
    permissions::{Overrides, PermissionsPatch},
    room::{
        command::Joining,
        people::{Newcomer, anonymous_role},
    },
    team::{Reach, Standing},
    wire::{
        code::{self, ErrorBody},
        frame::CallId,
    },
};

/// What `join` and `knock` say of who comes.
pub(super) struct Coming {
    pub(super) room: String,
    pub(super) name: Option<Arc<str>>,
    pub(super) metadata: Metadata,
    pub(super) create: bool,
}

impl Coming {
    /// Nobody in particular, to that room.
    pub(super) fn to(room: String) -> Self {
        Self { room, name: None, metadata: Metadata::null(), create: false }
    }
}

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
            .filter(|waits| self.cid(&coming.room).ok() == Some(waits.cid.clone()));
        let peer_id = waits.map_or_else(mint::peer_id, |waits| waits.waiting_id.clone());
        let entry = match self.entry(coming, identity.as_ref(), peer_id) {
            Ok(entry) => entry,
            Err(error) if error.reason() == "bad-token" => {
                return self.turn_away(&id, "join", &error).await;
            }
            Err(error) => return self.refuse(&id, &error).await,
        };
        let (cid, joining) = entry;
        let user_id = joining.newcomer.user_id.clone();
        let issued = identity.as_ref().map(issued);
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
        let cid = seat_of.as_ref().and_then(|(cid, _)| self.cid(cid).ok());
        let (Some((_, peer_id)), Some(cid)) = (seat_of, cid) else {
            return self.refuse(&id, &ErrorBody::session_gone()).await;
        };
        if let Some(identity) = &token
            && !self.is_for(identity, &cid)
        {
            return self.refuse(&id, &ErrorBody::wrong_room()).await;
        }
        let token = match token.map(|identity| fresh(&identity)).transpose() {
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
            if self.is_for(&identity, &place.cid) {
                Ok((identity.stay.ends(place.came_s), issued(&identity)))
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
        if !self.house.hub.shared().directory.now().app.honors(issued(&identity)) {
            return Err(ErrorBody::bad_token("the token was revoked"));
        }
        Ok(Some(identity))
    }

    pub(super) fn cid(&self, room: &str) -> Result<Cid, NameError> {
        Cid::parse(room, &self.house.default_call_type)
    }

    /// Whether the token is good for that room.
    fn is_for(&self, identity: &Identity, cid: &Cid) -> bool {
        let named = |room: &String| self.cid(room).is_ok_and(|named| named == *cid);
        identity.room.as_ref().is_none_or(named)
            && identity.call_cids.as_ref().is_none_or(|cids| cids.iter().any(named))
    }

    /// Who comes in where, as the law wants to know it (`PROTOCOL` 1.1, 3.1).
    pub(super) fn entry(
        &self,
        coming: Coming,
        identity: Option<&Identity>,
        peer_id: PeerId,
    ) -> Result<(Cid, Joining), ErrorBody> {
        let cid =
            self.cid(&coming.room).map_err(|e| ErrorBody::bad_params("room", e.to_string()))?;
        let mut newcomer = Newcomer {
            user_id: UserId::parse(peer_id.as_str()).map_err(|e| bad_claim(&e))?,
            peer_id,
            name: "".into(),
            metadata: coming.metadata,
            owner: false,
            app_role: anonymous_role(),
            token_role: None,
            assigned: None,
            overrides: Overrides::default(),
            session: "".into(),
            exp: None,
            foreign: false,
        };
        let mut standing = Standing {
            app_role: anonymous_role(),
            reach: Reach::Everywhere,
            banned: false,
            name: None,
        };
        let mut permissions = None;
        let mut teams = rolecall_protocol::team::Teams::new();
        if let Some(identity) = identity {
            if !self.is_for(identity, &cid) {
                return Err(ErrorBody::wrong_room());
            }
            // Who is not named has his peer id for a user id, as if he had no token.
            if let Some(user_id) = identity.user_id.as_deref() {
                newcomer.user_id = UserId::parse(user_id).map_err(|e| bad_claim(&e))?;
                standing.app_role = role(USER)?;
            }
            newcomer.name = identity.name.as_deref().unwrap_or_default().into();
            if identity.no_screenshare {
                let screens = TrackKinds::of(&[TrackKind::ScreenVideo, TrackKind::ScreenAudio]);
                newcomer.overrides = newcomer.overrides.sending(TrackKinds::NONE, screens);
            }
            newcomer.owner = identity.is_owner;
            let given = identity.role.as_deref().map(role).transpose()?;
            if identity.is_owner {
                newcomer.assigned = Some(given.map_or_else(|| role(HOST), Ok)?);
            } else if identity.room.is_some() {
                newcomer.assigned = given;
            } else {
                newcomer.token_role = given;
            }
            for team in &identity.teams {
                teams.insert(TeamId::parse(team).map_err(|e| bad_claim(&e))?);
            }
            if let Some(raw) = &identity.permissions {
                permissions = Some(Box::new(patch(raw.get())?));
            }
        }
        if let Some(name) = coming.name {
            newcomer.name = name;
        }
        if self.house.config.trust_token_teams {
            standing.reach = Reach::Within(teams);
        }
        let joining = Joining {
            newcomer,
            standing,
            permissions,
            invited: identity.is_some_and(Identity::invites),
            create: coming.create,
            opens: identity.is_some_and(|identity| identity.opens),
            epoch: mint::epoch(),
            peers_max: self.house.config.limits.peers_per_room,
        };
        Ok((cid, joining))
    }
}

/// The token's claim `permissions`.
fn patch(raw: &str) -> Result<PermissionsPatch, ErrorBody> {
    serde_json::from_str(raw)
        .map_err(|e| ErrorBody::bad_token(format!("the claim `permissions` is wrong: {e}")))
}

/// What a token says to a seat that is there already.
pub(super) fn fresh(identity: &Identity) -> Result<Fresh, ErrorBody> {
    let user_id = identity.user_id.as_deref().map(UserId::parse).transpose();
    let user_id = user_id.map_err(|error| bad_claim(&error))?;
    Ok(Fresh { user_id, stay: identity.stay, issued: issued(identity) })
}

/// When a token was made; one that does not say is as old as can be.
pub(super) fn issued(identity: &Identity) -> u64 {
    identity.iat.unwrap_or(0)
}

fn role(name: &str) -> Result<RoleName, ErrorBody> {
    RoleName::parse(name).map_err(|e| bad_claim(&e))
}

fn bad_claim(error: &NameError) -> ErrorBody {
    ErrorBody::bad_token(format!("a claim of the token is wrong: {error}"))
}
