//! One WebSocket from its handshake to its end: reads calls, keeps its heartbeat, its limits and
//! its token's term. Rights are none of its business: it remembers who somebody is, never what he
//! may do.

mod entry;
mod hms;
mod media;
mod pace;
mod spoken;
mod stream;
mod waiting;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use futures::future::BoxFuture;
use rolecall_protocol::{
    dialect::native::{
        self,
        call::{self, Request},
    },
    id::{CallTypeName, Cid, Timestamp, UserId},
    room::Command,
    wire::{
        code::{self, ErrorBody},
        frame::{self, Call, CallId},
    },
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use crate::{
    auth::{
        Verifier,
        term::{Term, TermPassed},
    },
    config::Config,
    directory::{Change, Concerned},
    http::{self, Sockets},
    hub::{
        Ask, CallAsk, Hub, Seated,
        seat::{
            Close, Closing, SeatLimits, Socket,
            beat::{Beat, Heard},
        },
    },
    metrics::{self, Counted},
    secret::Secret,
};
use pace::Pace;

/// What every session needs.
pub struct Sessions {
    /// The rooms.
    pub hub: Arc<Hub>,
    /// Who a token is.
    pub verifier: Arc<Verifier>,
    /// The settings.
    pub config: Arc<Config>,
    /// The call type of bare room ids.
    pub default_call_type: CallTypeName,
    /// Says true when the house closes.
    pub closing: watch::Receiver<bool>,
    /// From when on tokens count; says so when that changes.
    pub revoked: watch::Receiver<Option<Timestamp>>,
}

/// Tells every session when tokens are revoked.
pub struct Revocations(watch::Sender<Option<Timestamp>>);

impl Revocations {
    /// Whoever listens hears of later changes.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<Option<Timestamp>>) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), receiver)
    }
}

impl Concerned for Revocations {
    fn changed(&self, change: Arc<Change>) -> BoxFuture<'static, ()> {
        let moment = change.after.app.revoke_tokens_issued_before;
        if change.before.app.revoke_tokens_issued_before != moment {
            self.0.send_replace(moment);
        }
        Box::pin(std::future::ready(()))
    }
}

impl Sockets for Arc<Sessions> {
    fn run(&self, socket: http::Socket) -> BoxFuture<'static, ()> {
        let house = Self::clone(self);
        Box::pin(async move {
            let _counted = Counted::socket();
            let http::Socket { stream, read_ahead, bearer, speech, from, guard } = socket;
            let limits = SeatLimits::of(&house.config.limits);
            // The session is what an idle socket costs: it is not moved once it runs, as its future
            // would keep a second place for it.
            let mut session = match Socket::open(stream, read_ahead, limits).await {
                Ok(socket) => Session::new(house, socket, bearer, speech),
                Err(error) => {
                    tracing::debug!(%from, %error, "a socket failed at once");
                    return;
                }
            };
            session.run().await;
            drop(session);
            drop(guard);
        })
    }
}

/// One WebSocket.
struct Session {
    house: Arc<Sessions>,
    socket: Socket,
    /// The token of the handshake.
    bearer: Option<Secret>,
    /// How it is spoken to, where that is not natively.
    speech: Option<Speech>,
    /// Where it sits, once it has joined or resumed.
    place: Option<Box<Place>>,
    /// Where it waits, before it has joined.
    waiting: Option<Box<waiting::Waiting>>,
    /// Before then it may not knock again.
    knock_from: Option<Instant>,
    revoked: watch::Receiver<Option<Timestamp>>,
    pace: Pace,
    beat: Beat,
    join_by: Instant,
}

/// How a socket is spoken to that is not spoken to natively.
enum Speech {
    /// As 100ms's SDK.
    Hms(Box<hms::Speech>),
    /// As Stream's SDK, to its media server.
    Stream(Box<stream::Speech>),
}

/// Where a session sits.
struct Place {
    cid: Cid,
    seated: Seated,
    user_id: UserId,
    /// When he came in, in seconds since the epoch.
    came_s: u64,
    term: Term,
    /// When the token was made, in seconds since the epoch; none without a token.
    issued: Option<u64>,
}

/// What a frame led to.
enum Next {
    /// Read on.
    Go,
    /// Close, saying this.
    Close(code::Close),
    /// The seat is to be closed, and knows why.
    Seat(Closing),
    /// The client closed; it left if it said so.
    Gone {
        /// Whether it said so.
        left: bool,
    },
    /// Close with a code of the WebSocket protocol's own.
    Protocol,
}

impl Session {
    fn new(
        house: Arc<Sessions>,
        socket: Socket,
        bearer: Option<Secret>,
        speech: http::Speech,
    ) -> Self {
        let speech = match speech {
            http::Speech::Native => None,
            http::Speech::Hms(query) => Some(Speech::Hms(Box::new(hms::Speech::new(&query)))),
            http::Speech::Stream(query) => {
                let speech = stream::Speech::new(&query, &house.config.api_key);
                Some(Speech::Stream(Box::new(speech)))
            }
        };
        let limits = &house.config.limits;
        let (pace, beat) = (Pace::new(limits), Beat::new(limits));
        let join_by = Instant::now() + limits.join_timeout;
        let revoked = house.revoked.clone();
        let (place, waiting, knock_from) = (None, None, None);
        Self {
            house,
            socket,
            bearer,
            speech,
            place,
            waiting,
            knock_from,
            revoked,
            pace,
            beat,
            join_by,
        }
    }

    async fn run(&mut self) {
        let seat = Arc::clone(self.socket.seat());
        let mut house_closes = self.house.closing.clone();
        if matches!(self.speech, Some(Speech::Hms(_))) {
            Box::pin(self.greet()).await;
        }
        let next = loop {
            let wake = self.next_wake();
            let next = tokio::select! {
                // Who has a seat is told by his room, behind all that it told him.
                () = closes(&mut house_closes), if self.place.is_none() => {
                    Next::Close(code::Close::GoingAway)
                }
                closing = seat.closing() => Next::Seat(closing),
                Ok(()) = self.revoked.changed(), if self.place.is_some() => self.look_at_token(),
                answer = waiting::answered(self.waiting.as_mut()) => {
                    Box::pin(self.hear_answer(answer)).await
                }
                message = self.socket.receive() => Box::pin(self.hear(message)).await,
                () = sleep_until(wake) => self.pass_time().await,
            };
            match next {
                Next::Go => {}
                last => break last,
            }
        };
        Box::pin(self.stop_waiting()).await;
        let left = matches!(next, Next::Gone { left: true });
        if let Some(place) = self.place.take() {
            // The room ignores it where it closed the seat itself.
            let Place { cid, seated, .. } = *place;
            let gone = Ask::Gone { from: seated, left };
            let _ = Box::pin(self.house.hub.ask_live(&cid, gone)).await;
        }
        let close = match next {
            Next::Close(close) => {
                if matches!(self.speech, Some(Speech::Stream(_))) {
                    Box::pin(self.sfu_farewell(close)).await;
                }
                metrics::closed(close);
                Close::new(close.code(), close.reason())
            }
            Next::Seat(Closing::Told(close)) => {
                close.count_own();
                close
            }
            Next::Protocol => Close::new(1002, "protocol error"),
            Next::Go | Next::Gone { .. } | Next::Seat(Closing::Broken) => Close::new(1000, ""),
        };
        // A close that the room told the seat before wins over this one.
        Box::pin(self.socket.hang_up(close)).await;
    }

    fn next_wake(&self) -> Instant {
        let term = self.place.as_ref().map(|place| place.term.due());
        let has_to_join = self.place.is_none() && !self.is_waiting();
        let join = has_to_join.then_some(self.join_by);
        [term.flatten(), join].into_iter().flatten().fold(self.beat.due(), Ord::min)
    }

    /// Tokens were revoked: perhaps the one that brought him in.
    fn look_at_token(&self) -> Next {
        let issued = self.place.as_ref().and_then(|place| place.issued);
        let app = &self.house.hub.shared().directory.now().app;
        if issued.is_none_or(|issued| app.honors(issued)) {
            Next::Go
        } else {
            Next::Close(code::Close::BadToken)
        }
    }

    async fn pass_time(&mut self) -> Next {
        let now = Instant::now();
        if self.place.is_none() && !self.is_waiting() && self.join_by <= now {
            return Next::Close(code::Close::NoJoin);
        }
        match self.beat.pass(now) {
            Heard::Fine => {}
            Heard::Quiet => {
                if self.socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return Next::Gone { left: false };
                }
            }
            Heard::Silent => return Next::Close(code::Close::Silent),
        }
        let Some(place) = &mut self.place else { return Next::Go };
        match place.term.pass(now) {
            TermPassed::Nothing => Next::Go,
            TermPassed::Expiring(_) if self.speech.is_some() => Next::Go,
            TermPassed::Expiring(seconds) => self.say(native::token_expiring(seconds)).await,
            TermPassed::Expired => Next::Close(code::Close::TokenExpired),
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Next {
        self.beat.heard(Instant::now());
        if !self.pace.frame() {
            return Next::Close(code::Close::Abuse);
        }
        match message {
            Some(Ok(Message::Text(text))) => match self.speech {
                None => self.frame(&text).await,
                Some(Speech::Hms(_)) => Box::pin(self.hms_frame(&text)).await,
                // It says nothing in text.
                Some(Speech::Stream(_)) => Next::Close(code::Close::Malformed),
            },
            Some(Ok(Message::Binary(frame))) => match self.speech {
                Some(Speech::Stream(_)) => Box::pin(self.sfu_frame(&frame)).await,
                _ => Next::Close(code::Close::Binary),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Next::Go,
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| frame.code);
                // Other SDKs say that they leave; by a close of their own only a page does that goes.
                let normal = self.speech.is_none();
                let left =
                    code == Some(CloseCode::Away) || (normal && code == Some(CloseCode::Normal));
                Next::Gone { left }
            }
            Some(Err(Error::Capacity(_))) => Next::Close(code::Close::TooBig),
            Some(Err(Error::Utf8(_))) => Next::Close(code::Close::NotUtf8),
            Some(Err(Error::Protocol(_))) => Next::Protocol,
            Some(Err(_)) | None => Next::Gone { left: false },
        }
    }

    async fn frame(&mut self, text: &str) -> Next {
        let call = match frame::read_call(text) {
            Ok(call) => call,
            Err(malformed) => {
                let spent = self.pace.malformed(Instant::now());
                let next = self.say(frame::error(malformed.id.as_ref(), &malformed.error)).await;
                return if spent { Next::Close(code::Close::Malformed) } else { next };
            }
        };
        if let Err(wait) = self.pace.call() {
            metrics::call("any", "rate-limited");
            return self.refuse(&call.id, &ErrorBody::too_many(wait.as_secs_f64())).await;
        }
        tracing::trace!(method = %call.method, "called");
        let Call { id, method, params } = call;
        let request = match call::read(&method, params) {
            Ok(request) => request,
            Err(error) => {
                metrics::call("any", "not-understood");
                return self.refuse(&id, &error).await;
            }
        };
        if let Request::Command(Command::SetSessionData { .. }) = &request
            && let Err(wait) = self.pace.whole_room()
        {
            metrics::call("any", "rate-limited");
            return self.refuse(&id, &ErrorBody::too_many(wait.as_secs_f64())).await;
        }
        match request {
            Request::Join(_) if self.place.is_some() => {
                self.refuse(&id, &ErrorBody::already_joined()).await
            }
            Request::Join(join) => self.join(id, *join).await,
            Request::Knock(_) if self.place.is_some() => {
                self.refuse(&id, &ErrorBody::already_joined()).await
            }
            Request::Knock(knock) => Box::pin(self.knock(id, knock)).await,
            Request::Access(access) => Box::pin(self.access(id, access)).await,
            Request::Command(Command::Leave) if self.waiting.is_some() => {
                Box::pin(self.leave_waiting(&id)).await
            }
            Request::Ping if self.waiting.is_some() => self.pong(&id).await,
            Request::Resume(_) if self.place.is_some() => {
                self.refuse(&id, &ErrorBody::already_joined()).await
            }
            Request::Resume(resume) => self.resume(id, resume).await,
            request => self.seated_request(id, &method, params, request).await,
        }
    }

    /// A call that only a seated peer may make.
    async fn seated_request(
        &mut self,
        id: CallId,
        method: &str,
        params: &str,
        request: Request,
    ) -> Next {
        let Some(place) = &self.place else {
            return self.refuse(&id, &ErrorBody::not_joined()).await;
        };
        let from = place.seated.clone();
        let ask = match request {
            Request::Ping => {
                return self.pong(&id).await;
            }
            Request::Media => {
                let now_s = self.house.hub.shared().clock.now_s();
                let media = &self.house.config.media;
                let reply = media::Reply::new(media, &from.peer_id, now_s);
                return self.say(frame::reply(&id, &reply)).await;
            }
            Request::RefreshToken(token) => return self.refresh(&id, &token).await,
            Request::State => Ask::State { id, from },
            Request::Command(command) => {
                let mut hasher = DefaultHasher::new();
                (method, params).hash(&mut hasher);
                Ask::Call(CallAsk { id, hash: hasher.finish(), command, from, reply: None })
            }
            Request::Join(_) | Request::Knock(_) | Request::Access(_) | Request::Resume(_) => {
                return Next::Go;
            }
        };
        // Where the room does not live any more it has closed this seat.
        let _ = self.house.hub.ask_live(&place.cid, ask).await;
        Next::Go
    }

    /// `ping`
    async fn pong(&mut self, id: &CallId) -> Next {
        let at = Timestamp(self.house.hub.shared().clock.now_ms());
        self.say(frame::reply(id, &serde_json::json!({ "at": at }))).await
    }

    /// Answers a call with an error.
    async fn refuse(&mut self, id: &CallId, error: &ErrorBody) -> Next {
        self.say(frame::error(Some(id), error)).await
    }

    async fn say(&mut self, text: String) -> Next {
        match self.socket.send(Message::text(text)).await {
            Ok(()) => Next::Go,
            Err(_) => Next::Gone { left: false },
        }
    }
}

/// Returns once the house closes, or is no more.
async fn closes(house: &mut watch::Receiver<bool>) {
    let _ = house.wait_for(|closes| *closes).await;
}
