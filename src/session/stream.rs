//! A socket of Stream's SDK to the media server that it believes in: by it somebody is a participant.
//! He joins with an id of his own choice and the credentials that REST gave him, and takes his seat
//! again with them, or with later ones.

use rolecall_protocol::{
    dialect::{
        Ear,
        stream::sfu::{
            self,
            ask::{self, Join, Said},
            words::{self, Trouble},
        },
    },
    id::{Cid, PeerId},
    media::TrackKinds,
    room::{Command, command::Joining},
    wire::{
        code::{self, ErrorBody},
        frame::CallId,
    },
};

use super::{Next, Session};
use crate::{
    auth::{Identity, coming::Coming},
    http::stream::sfu as door,
    hub::{Fresh, Spoken},
    metrics, mint,
};

/// What a socket of Stream's brought.
pub(super) struct Speech {
    /// The call it is for.
    cid: String,
    /// Whether it is for this app.
    key_fits: bool,
}

impl Speech {
    pub(super) fn new(query: &door::Query, api_key: &str) -> Self {
        Self { cid: query.cid.clone(), key_fits: query.api_key == api_key }
    }
}

/// Who comes, and as whom.
struct Comer {
    cid: Cid,
    joining: Joining,
    /// None: he is anonymous.
    identity: Option<Identity>,
}

impl Session {
    /// One frame of his.
    pub(super) async fn sfu_frame(&mut self, frame: &[u8]) -> Next {
        match ask::read(frame) {
            Ok(Said::HealthCheck) => self.say(words::healthy()).await,
            Ok(Said::Leave) => Next::Gone { left: true },
            // He is in.
            Ok(Said::Join(_)) if self.place.is_some() => Next::Go,
            Ok(Said::Join(join)) => Box::pin(self.sfu_join(*join)).await,
            Err(why) => {
                tracing::debug!(why, "a frame was not understood");
                let spent = self.pace.malformed(tokio::time::Instant::now());
                if spent { Next::Close(code::Close::Malformed) } else { Next::Go }
            }
        }
    }

    /// What he is told before the server closes his socket, where he is to do something about it.
    pub(super) async fn sfu_farewell(&mut self, close: code::Close) {
        let trouble = match close {
            // With a fresh one he may go on.
            code::Close::TokenExpired | code::Close::BadToken => Trouble::Expired,
            // His SDK comes back by itself.
            close if close.comes_back() => return,
            _ => Trouble::Out,
        };
        let _ = self.say(words::error(trouble, close.reason())).await;
    }

    async fn sfu_join(&mut self, join: Join) -> Next {
        if let Err(wait) = self.pace.call() {
            metrics::call("any", "rate-limited");
            return self.turn_back(&ErrorBody::too_many(wait.as_secs_f64())).await;
        }
        let comer = match self.sfu_comer(&join) {
            Ok(comer) => comer,
            Err(error) => {
                metrics::call("join", "bad-token");
                return self.turn_back(&error).await;
            }
        };
        if let Some(known_as) = &join.known_as
            && self.sfu_sit_again(&comer, &join, known_as).await
        {
            return self.sfu_tracks(join.on).await;
        }
        match self.sfu_sit_down(&comer, &join).await {
            Ok(()) if join.known_as.is_some() => self.sfu_tracks(join.on).await,
            Ok(()) => Next::Go,
            // The answer to his first try was lost, and his SDK tries again as if there had been none.
            Err(error)
                if error.reason() == "peer-taken"
                    && self.sfu_sit_again(&comer, &join, &join.session_id).await =>
            {
                Next::Go
            }
            Err(error) => self.turn_back(&error).await,
        }
    }

    /// Takes a seat.
    async fn sfu_sit_down(&mut self, comer: &Comer, join: &Join) -> Result<(), ErrorBody> {
        let Comer { cid, joining, identity } = comer;
        let mut ear = self.sfu_ear(&join.session_id);
        ear.sit(&joining.newcomer.peer_id);
        let spoken = Spoken { ear: Ear::Stream(ear), reply: None };
        let issued = identity.as_ref().map(Identity::issued);
        self.sit_down(CallId::none(), cid.clone(), joining.clone(), spoken, issued).await
    }

    /// Who comes with that.
    fn sfu_comer(&self, join: &Join) -> Result<Comer, ErrorBody> {
        let Some(super::Speech::Stream(speech)) = &self.speech else {
            return Err(ErrorBody::internal());
        };
        if !speech.key_fits {
            return Err(ErrorBody::bad_token("api_key is not valid"));
        }
        let identity = match door::is_ticket(&join.token) {
            true => None,
            false => self.identity(Some(&join.token))?,
        };
        let user_id = identity.as_ref().and_then(|identity| identity.user_id.as_deref());
        // Who has no name has his peer's id for one: he does not choose it. Nor does anybody else
        // choose to look like that.
        let peer_id = match user_id {
            None => mint::peer_id(),
            Some(user_id) if user_id == join.session_id.as_str() => {
                return Err(ErrorBody::bad_params("sessionId", "a session's id is not its user's"));
            }
            Some(_) => join.session_id.clone(),
        };
        let coming = Coming::to(speech.cid.clone());
        let (cid, mut joining) = self.entrance().joining(coming, identity.as_ref(), peer_id)?;
        joining.newcomer.session = door::session_hash(user_id, &join.token);
        let came_s = self.house.hub.shared().clock.now_s();
        joining.newcomer.exp = identity.as_ref().and_then(|identity| identity.stay.ends(came_s));
        Ok(Comer { cid, joining, identity })
    }

    fn sfu_ear(&self, called: &PeerId) -> sfu::Ear {
        let faces = door::faces(self.house.hub.shared().directory.clone());
        sfu::Ear::new(called.clone(), faces, self.house.config.grace.as_secs())
    }

    /// Takes his seat again, if he has one.
    async fn sfu_sit_again(&mut self, comer: &Comer, join: &Join, known_as: &PeerId) -> bool {
        let Ok(token) = comer.identity.as_ref().map(Fresh::of).transpose() else { return false };
        let ear = Ear::Stream(self.sfu_ear(&join.session_id));
        self.sit_again(&comer.cid, known_as, &comer.joining.newcomer.session, ear, token).await
    }

    /// He comes back and publishes that.
    async fn sfu_tracks(&self, on: TrackKinds) -> Next {
        let off = TrackKinds::ALL.difference(on);
        let command = Command::TellTracks { on, off };
        self.command(CallId::none(), command, Box::new(|_| String::new())).await
    }

    /// He does not get in. A token that is no good any more may be followed by a better one; so may a
    /// moment at which the room does not answer.
    async fn turn_back(&mut self, error: &ErrorBody) -> Next {
        let stale = error.reason() == "bad-token" || matches!(error.http_status(), 429 | 500..);
        let trouble = if stale { Trouble::Stale } else { Trouble::Refused };
        self.say(words::error(trouble, &error.message)).await
    }
}
