//! A socket of 100ms's SDK. It is told the policy as soon as it is open, joins with an id of its own
//! choice, and takes its seat again with that id and its token, without a word.

use std::sync::Arc;

use rolecall_protocol::{
    dialect::{
        self,
        hms::{
            self,
            call::{self, Frame, Join, Request, Said},
            tracks::Published,
        },
        sdp,
    },
    id::{Cid, PeerId},
    json::Metadata,
    media::TrackKinds,
    room::{Command, Refusal, Reply, command::Joining},
    wire::{code::ErrorBody, frame::CallId},
};
use serde_json::{Value, json};

use super::{Next, Session};
use crate::{
    auth::{Identity, coming::Coming},
    http,
    hub::{Ask, Fresh, Question, ReplyIn, Spoken},
    metrics, mint,
    secret::Secret,
};

/// What a socket of 100ms's brought.
pub(super) struct Speech {
    token: Secret,
    /// The id that the client chose, where it is one.
    peer: Option<PeerId>,
    /// How many offers were answered.
    answers: u64,
}

impl Speech {
    pub(super) fn new(query: &http::hms::Query) -> Self {
        let token = query.token.clone().unwrap_or_else(|| Secret::new(""));
        Self { token, peer: PeerId::parse(&query.peer).ok(), answers: 0 }
    }
}

/// Who the socket's token says this is, and where he is going.
struct Comer {
    cid: Cid,
    joining: Joining,
    identity: Identity,
    peer_id: PeerId,
}

impl Session {
    /// The socket is open: his seat, where he has one; else what he would be.
    pub(super) async fn greet(&mut self) {
        let policy = match self.comer(&Join::default()) {
            Ok(comer) => {
                if self.hms_sit_again(&comer).await {
                    return;
                }
                self.policy_of(comer).await
            }
            // He is told as he joins; until then he waits for a policy, whichever.
            Err(_) => Err(()),
        };
        let text = policy.unwrap_or_else(|()| hms::policy_of_nobody());
        let _ = self.say(text).await;
    }

    /// Who comes with that.
    fn comer(&self, join: &Join) -> Result<Comer, ErrorBody> {
        let Some(super::Speech::Hms(speech)) = &self.speech else {
            return Err(ErrorBody::internal());
        };
        let identity = self.identity(Some(speech.token.expose()))?.unwrap_or_default();
        let Some(room) = identity.room.clone() else {
            return Err(ErrorBody::bad_token("the token names no `room_id`"));
        };
        let peer_id = speech
            .peer
            .clone()
            .ok_or_else(|| ErrorBody::bad_params("peer", "the socket's address names no `peer`"))?;
        // Whose peer has his user's id came without a token: nobody is that by his own choice.
        if identity.user_id.as_deref() == Some(peer_id.as_str()) {
            return Err(ErrorBody::bad_params("peer", "a peer's id is not his user's"));
        }
        let metadata = match &join.data {
            Some(data) => hms::words::metadata(data)
                .map_err(|why| ErrorBody::new(413, "too-large", format!("`data` is {why}")))?,
            None => Metadata::null(),
        };
        let name = join.name.as_deref().map(Arc::from);
        let coming = Coming { name, metadata, create: true, ..Coming::to(room) };
        let (cid, mut joining) =
            self.entrance().joining(coming, Some(&identity), peer_id.clone())?;
        // By his token he is known when he comes again.
        joining.newcomer.session =
            mint::session_hash(&Self::secret(&peer_id, speech.token.expose()));
        let came_s = self.house.hub.shared().clock.now_s();
        joining.newcomer.exp = identity.stay.ends(came_s);
        Ok(Comer { cid, joining, identity, peer_id })
    }

    fn secret(peer_id: &PeerId, token: &str) -> String {
        format!("{peer_id} {token}")
    }

    /// Takes his seat again, if he has one.
    async fn hms_sit_again(&mut self, comer: &Comer) -> bool {
        let Ok(fresh) = Fresh::of(&comer.identity) else { return false };
        let ear = dialect::Ear::Hms(hms::Ear::new(comer.peer_id.clone()));
        let session_hash = &comer.joining.newcomer.session;
        self.sit_again(&comer.cid, &comer.peer_id, session_hash, ear, Some(fresh)).await
    }

    async fn policy_of(&self, comer: Comer) -> Result<String, ()> {
        let (joining, tell) = (Box::new(comer.joining), Box::new(hms::policy));
        let ask = |answer| Ask::WouldBe { joining, tell, answer };
        self.house.hub.asked(&comer.cid, ask).await.map_err(drop)
    }

    /// One frame of his.
    pub(super) async fn hms_frame(&mut self, text: &str) -> Next {
        let frame = match call::read(text) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::debug!(why = %error.message, "a frame was not understood");
                let spent = self.pace.malformed(tokio::time::Instant::now());
                return if spent {
                    Next::Close(rolecall_protocol::wire::code::Close::Malformed)
                } else {
                    Next::Go
                };
            }
        };
        let (id, request) = match frame {
            Frame::Said(said) => return self.said(said).await,
            Frame::Request { id, request } => (id, request),
        };
        if let Err(wait) = self.pace.call() {
            metrics::call("any", "rate-limited");
            return self.refuse_hms(&id, &ErrorBody::too_many(wait.as_secs_f64())).await;
        }
        match request {
            Ok(request) => self.hms_request(id, request).await,
            Err(error) => {
                metrics::call("any", "not-understood");
                self.refuse_hms(&id, &error).await
            }
        }
    }

    async fn said(&mut self, said: Said) -> Next {
        match said {
            Said::Leave => Next::Gone { left: true },
            // So the SDK begins once it has its seat again; here is none.
            Said::Tracks(_) if self.place.is_none() => self.say(hms::gone()).await,
            Said::Tracks(tracks) => {
                let (on, off) = tracks.states();
                self.publish(tracks.published()).await;
                let command = Command::TellTracks { on, off };
                self.command(CallId::none(), command, Box::new(|_| String::new())).await
            }
            Said::Nothing => Next::Go,
        }
    }

    async fn hms_request(&mut self, id: CallId, request: Request) -> Next {
        match request {
            Request::Ping(timestamp) => {
                self.say(hms::reply(&id, &json!({ "timestamp": timestamp }))).await
            }
            Request::Join(join) => self.hms_join(id, join).await,
            _ if self.place.is_none() => self.refuse_hms(&id, &ErrorBody::not_joined()).await,
            Request::Offer(offer) => {
                let Some(sdp) = self.answer(&offer.desc.sdp) else {
                    let error = ErrorBody::bad_params("desc.sdp", "that is no offer");
                    return self.refuse_hms(&id, &error).await;
                };
                let result = json!({ "type": "answer", "sdp": sdp });
                let Some(tracks) = offer.tracks else {
                    return self.say(hms::reply(&id, &result)).await;
                };
                // What is not published any more is off.
                let (on, _) = tracks.states();
                let off = TrackKinds::ALL.difference(on);
                self.publish(tracks.published()).await;
                let command = Command::TellTracks { on, off };
                self.command(id.clone(), command, result_or_error(id, result)).await
            }
            Request::Command(command) => {
                self.command(id.clone(), command, result_or_error(id, json!({}))).await
            }
            Request::Broadcast(command) => {
                let now = self.house.hub.shared().clock.now_ms();
                let message_id = mint::peer_id();
                let result = json!({ "timestamp": now, "message_id": message_id });
                self.command(id.clone(), command, result_or_error(id, result)).await
            }
            Request::Hand { peer_id: None, raised } => {
                let groups = if raised { vec![hms::words::HAND] } else { Vec::new() };
                let command = Command::RaiseHand { raised };
                let result = json!({ "groups": groups });
                self.command(id.clone(), command, result_or_error(id, result)).await
            }
            Request::Hand { peer_id: Some(peer_id), raised } => {
                let command = Command::RaiseHandOf { peer_id, raised };
                self.command(id.clone(), command, result_or_error(id, json!({}))).await
            }
            Request::Set { key, data } => {
                if let Err(wait) = self.pace.whole_room() {
                    metrics::call("any", "rate-limited");
                    let wait = ErrorBody::too_many(wait.as_secs_f64());
                    return self.refuse_hms(&id, &wait).await;
                }
                match call::change(&key, data.as_ref()) {
                    Ok(change) => {
                        let command = Command::SetSessionData { change: Box::new(change) };
                        let result = json!({ "key": key, "data": data });
                        self.command(id.clone(), command, result_or_error(id, result)).await
                    }
                    Err(error) => self.refuse_hms(&id, &error).await,
                }
            }
            Request::Observe { keys } => {
                let question: Question = Box::new(move |room, ear| {
                    let dialect::Ear::Hms(ear) = ear else { return Vec::new() };
                    let told = ear.observe(keys, room);
                    [hms::reply(&id, &json!({}))].into_iter().chain(told).collect()
                });
                self.question(question).await
            }
            request => {
                let question: Question = Box::new(move |room, ear| {
                    let dialect::Ear::Hms(ear) = ear else { return Vec::new() };
                    let answer = hms::answered(room, ear.me(), &request);
                    let refused = || Err(ErrorBody::from(&Refusal::NotAPeer));
                    vec![match answer.unwrap_or_else(refused) {
                        Ok(result) => hms::reply(&id, &result),
                        Err(error) => hms::error(&id, &error),
                    }]
                });
                self.question(question).await
            }
        }
    }

    async fn hms_join(&mut self, id: CallId, join: Join) -> Next {
        if self.place.is_some() {
            return self.refuse_hms(&id, &ErrorBody::already_joined()).await;
        }
        let result = match &join.offer {
            Some(offer) => match self.answer(&offer.sdp) {
                Some(sdp) => json!({ "type": "answer", "sdp": sdp }),
                None => {
                    let error = ErrorBody::bad_params("offer.sdp", "that is no offer");
                    return self.refuse_hms(&id, &error).await;
                }
            },
            None => json!({}),
        };
        let comer = match self.comer(&join) {
            Ok(comer) => comer,
            Err(error) => return self.refuse_hms(&id, &error).await,
        };
        let Comer { cid, joining, identity, peer_id } = comer;
        let ear = dialect::Ear::Hms(hms::Ear::new(peer_id));
        let spoken = Spoken { ear, reply: Some(hms::reply(&id, &result)) };
        let issued = Some(identity.issued());
        match self.sit_down(id.clone(), cid, joining, spoken, issued).await {
            Ok(()) => Next::Go,
            Err(error) => self.refuse_hms(&id, &hms::not_let_in(error)).await,
        }
    }

    fn answer(&mut self, offer: &str) -> Option<String> {
        let Some(super::Speech::Hms(speech)) = &mut self.speech else { return None };
        speech.answers += 1;
        sdp::silent_answer(offer, speech.answers)
    }

    /// Under which ids the client has its tracks.
    async fn publish(&mut self, tracks: Vec<Published>) {
        if !tracks.is_empty() {
            let question: Question = Box::new(move |_, ear| {
                let dialect::Ear::Hms(ear) = ear else { return Vec::new() };
                ear.publish(tracks);
                Vec::new()
            });
            let _ = self.question(question).await;
        }
    }

    async fn question(&mut self, question: Question) -> Next {
        let Some(place) = &self.place else { return Next::Go };
        let from = place.seated.clone();
        let _ = self.house.hub.ask_live(&place.cid, Ask::Question { from, question }).await;
        Next::Go
    }

    async fn refuse_hms(&mut self, id: &CallId, error: &ErrorBody) -> Next {
        self.say(hms::error(id, error)).await
    }
}

/// That result, or why not.
fn result_or_error(id: CallId, result: Value) -> ReplyIn {
    Box::new(move |outcome: &Result<Reply, ErrorBody>| match outcome {
        Ok(_) => hms::reply(&id, &result),
        Err(error) => hms::error(&id, error),
    })
}
