//! `GET /video/connect`: the WebSocket by which browsers are told of calls. Whoever opens it says in
//! its first frame who he is; after that he only shows that he lives. What he watches, he says over
//! REST. It must not know what he is told.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    response::Response,
};
use rolecall_protocol::{
    directory::{Actor, Command, User as Known, user::UserInput},
    id::{Timestamp, UserId},
    json::Metadata,
    wire::code,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{
    Stream,
    body::user::{FullUserResponse, UserResponse},
    caller::{self, User},
    calls,
    connections::Connection,
    fault::{Fault, code as fault_code},
    said::{self, ConnectionOk, HealthCheck},
    speech::{Speech, Times},
    users,
};
use crate::{
    auth::term::{Term, TermPassed},
    http::upgrade::{self, Socket as Upgraded},
    hub::{
        listener::Say,
        seat::{
            Close, Closing, Seat, SeatLimits, Socket,
            beat::{Beat, Heard},
        },
    },
    metrics::{self, Counted},
};

/// Most frames of a connection in a minute: its SDK sends two or three.
const FRAMES_PER_MINUTE_MAX: u32 = 120;
/// See [`FRAMES_PER_MINUTE_MAX`].
const MINUTE: Duration = Duration::from_secs(60);
/// How the SDKs call what shows that they live, and that the server does.
const HEALTH_CHECK: &str = "health.check";

/// The first frame.
#[derive(Deserialize)]
struct Auth {
    token: String,
    user_details: Details,
}

/// What somebody says of himself as he connects.
#[derive(Deserialize)]
struct Details {
    id: UserId,
    name: Option<Arc<str>>,
    image: Option<Arc<str>>,
    custom: Option<Map<String, Value>>,
    language: Option<Arc<str>>,
    invisible: Option<bool>,
}

/// Any later frame.
#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "type")]
    kind: String,
}

/// Takes the handshake. A wrong key is told over the socket: of an answer to the handshake browsers
/// tell their pages nothing.
pub(super) async fn connect(State(stream): State<Arc<Stream>>, request: Request) -> Response {
    let key = caller::check_key(&stream, request.uri());
    let allowed = stream.config.allowed_origins.clone();
    upgrade::shake_hands(request, &allowed, move |socket| run(stream, socket, key))
}

async fn run(stream: Arc<Stream>, socket: Upgraded, key: Result<(), Fault>) {
    let _counted = Counted::socket();
    let Upgraded { stream: tcp, read_ahead, from, guard, .. } = socket;
    let limits = SeatLimits::of(&stream.config.limits);
    match Socket::open(tcp, read_ahead, limits).await {
        Ok(socket) => Box::pin(Line::new(stream, socket).run(key)).await,
        Err(error) => tracing::debug!(%from, %error, "a socket failed at once"),
    }
    drop(guard);
}

/// One socket from its handshake to its end.
struct Line {
    stream: Arc<Stream>,
    socket: Socket,
    connection: Option<Arc<Connection>>,
    /// When it has to have said who it is.
    auth_by: Instant,
    /// Its token's; without end until it is known.
    term: Term,
    beat: Beat,
    /// Since when frames are counted, and how many there were.
    frames: (Instant, u32),
    malformed: u32,
}

/// What something led to.
enum Next {
    Go,
    Close(code::Close),
    /// Told why it is no connection, and closed.
    Fault(Fault),
    /// Told why it is one no more, and closed.
    Farewell(Fault),
    /// The seat knows, or there is nobody to tell.
    Gone(Close),
}

impl Line {
    fn new(stream: Arc<Stream>, socket: Socket) -> Self {
        let now = Instant::now();
        let auth_by = now + stream.config.limits.join_timeout;
        let term = Term::new(None, &stream.clock);
        let beat = Beat::new(&stream.config.limits);
        let (connection, frames) = (None, (now, 0));
        Self { stream, socket, connection, auth_by, term, beat, frames, malformed: 0 }
    }

    async fn run(mut self, key: Result<(), Fault>) {
        let seat = Arc::clone(self.socket.seat());
        let mut house = self.stream.closing.clone();
        let mut closes = pin!(async move { drop(house.wait_for(|closes| *closes).await) });
        let mut next = key.err().map_or(Next::Go, Next::Fault);
        while matches!(next, Next::Go) {
            let wake = self.next_wake();
            next = tokio::select! {
                () = &mut closes => Next::Close(code::Close::GoingAway),
                closing = seat.closing() => Next::Gone(match closing {
                    Closing::Told(close) => close,
                    Closing::Broken => Close::new(code::Close::Left.code(), ""),
                }),
                message = self.socket.receive() => self.hear(message).await,
                () = sleep_until(wake) => self.pass_time().await,
            };
        }
        let close = match next {
            Next::Close(close) => {
                metrics::closed(close);
                Close::new(close.code(), close.reason())
            }
            Next::Gone(close) => {
                close.count_own();
                close
            }
            Next::Go => Close::new(code::Close::Left.code(), ""),
            Next::Fault(fault) => self.tell(fault, said::refuse),
            Next::Farewell(fault) => self.tell(fault, said::farewell),
        };
        self.socket.hang_up(close).await;
        if let Some(connection) = self.connection.take() {
            // Its seat is closed: no room lets it listen again behind this.
            for cid in self.stream.connections.close(&connection) {
                self.stream.hub.unlisten(&cid, connection.id()).await;
            }
        }
    }

    /// The socket is closed with that; what it was told stands before what is left to say.
    fn tell(&self, fault: Fault, tell: fn(&Seat, Fault, Timestamp)) -> Close {
        metrics::dropped("told");
        tell(self.socket.seat(), fault, self.now());
        Close::new(code::Close::Left.code(), "")
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.stream.clock.now_ms())
    }

    fn next_wake(&self) -> Instant {
        let auth = self.connection.is_none().then_some(self.auth_by);
        [auth, self.term.due()].into_iter().flatten().fold(self.beat.due(), Ord::min)
    }

    async fn pass_time(&mut self) -> Next {
        let now = Instant::now();
        if self.connection.is_none() && self.auth_by <= now {
            return Next::Close(code::Close::NoJoin);
        }
        // Its SDK is not warned; it fetches a fresh token by the fault's code.
        if self.term.pass(now) == TermPassed::Expired {
            let text = "JWTAuth error: token is expired (exp)";
            return Next::Farewell(Fault::unauthorized(fault_code::TOKEN_EXPIRED, text));
        }
        match self.beat.pass(now) {
            Heard::Fine => Next::Go,
            Heard::Quiet => self.send(Message::Ping(Vec::new().into())).await,
            Heard::Silent => Next::Close(code::Close::Silent),
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Next {
        let now = Instant::now();
        self.beat.heard(now);
        if now.duration_since(self.frames.0) >= MINUTE {
            (self.frames, self.malformed) = ((now, 0), 0);
        }
        self.frames.1 += 1;
        if self.frames.1 > FRAMES_PER_MINUTE_MAX {
            return Next::Close(code::Close::Abuse);
        }
        match message {
            Some(Ok(Message::Text(text))) => self.frame(&text).await,
            Some(Ok(Message::Binary(_))) => Next::Close(code::Close::Binary),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Next::Go,
            Some(Err(Error::Capacity(_))) => Next::Close(code::Close::TooBig),
            Some(Err(Error::Utf8(_))) => Next::Close(code::Close::NotUtf8),
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                Next::Gone(Close::new(code::Close::Left.code(), ""))
            }
        }
    }

    async fn frame(&mut self, text: &str) -> Next {
        let Some(connection) = self.connection.clone() else {
            return match Box::pin(self.authenticate(text)).await {
                Ok(hello) => self.send(Message::text(hello)).await,
                Err(fault) => Next::Fault(fault),
            };
        };
        // SDKs for browsers send a list of one, others the one.
        let sent = serde_json::from_str::<Vec<Sent>>(text)
            .or_else(|_| serde_json::from_str::<Sent>(text).map(|one| vec![one]));
        match sent {
            Ok(sent) if sent.iter().any(|one| one.kind == HEALTH_CHECK) => {
                let check = HealthCheck::new(connection.id(), self.now());
                self.send(Message::text(said::text(&check))).await
            }
            Ok(_) => Next::Go,
            Err(_) => {
                self.malformed += 1;
                let most = self.stream.config.limits.malformed_per_minute;
                if self.malformed >= most { Next::Close(code::Close::Malformed) } else { Next::Go }
            }
        }
    }

    /// Who he is; the answer to it.
    async fn authenticate(&mut self, text: &str) -> Result<String, Fault> {
        let auth: Auth = serde_json::from_str(text)
            .map_err(|error| Fault::input(format!("the first frame says who connects: {error}")))?;
        let stream = Arc::clone(&self.stream);
        let user = caller::user_of(&stream, &auth.token)?;
        if user.id != auth.user_details.id {
            let text = "JWTAuth error: `user_details.id` is not the token's `user_id`";
            return Err(Fault::unauthorized(fault_code::AUTH, text));
        }
        write_down(&stream, &user, auth.user_details).await?;
        // He may have become unwelcome meanwhile; from `open` on he is told.
        let ends = user.identity.stay.ends(stream.clock.now_s());
        let (id, name) = (user.id.clone(), user.identity.name.clone());
        let said: Say = {
            let stream = Arc::clone(&stream);
            Arc::new(move |heard| calls::say(&stream, heard))
        };
        let seat = Arc::clone(self.socket.seat());
        let connection = stream.connections.open(user.clone(), seat, said)?;
        self.connection = Some(Arc::clone(&connection));
        caller::welcome(&stream.directory.now(), &user)?;
        let now = self.now();
        stream.directory.touch(&id, now);
        self.term = Term::new(ends, &stream.clock);
        let speech = Speech { times: Times::Rfc3339 };
        let me: FullUserResponse = match stream.directory.now().user(&id) {
            Some(known) => stream.shown(known, speech),
            None => UserResponse::of_stranger(&id, name.as_deref(), false, speech),
        }
        .into();
        Ok(said::text(&ConnectionOk::new(connection.id(), now, me)))
    }

    async fn send(&mut self, message: Message) -> Next {
        match self.socket.send(message).await {
            Ok(()) => Next::Go,
            Err(_) => Next::Gone(Close::new(code::Close::Left.code(), "")),
        }
    }
}

/// Writes down what somebody says of himself, where that is new.
async fn write_down(stream: &Stream, user: &User, details: Details) -> Result<(), Fault> {
    let custom = details.custom.map(|custom| Metadata::new(&Value::Object(custom))).transpose();
    let input = UserInput {
        name: details.name,
        image: details.image,
        custom: custom.map_err(|error| Fault::field("user_details.custom", error))?,
        language: details.language,
        invisible: details.invisible,
        ..UserInput::of(user.id.clone())
    };
    let known = stream.directory.now().user(&user.id).cloned();
    if known.is_some_and(|known| says_nothing_new(&input, &known)) {
        return Ok(());
    }
    let command = Command::UpsertUsers { users: vec![input] };
    users::commanded(stream, Actor::User(user.id.clone()), command).await.map(drop)
}

fn says_nothing_new(input: &UserInput, known: &Known) -> bool {
    let same =
        |said: &Option<Arc<str>>, is: Option<&Arc<str>>| said.is_none() || said.as_ref() == is;
    same(&input.name, known.name.as_ref())
        && same(&input.image, known.image.as_ref())
        && same(&input.language, Some(&known.language))
        && input.custom.as_ref().is_none_or(|custom| *custom == known.custom)
        && input.invisible.is_none_or(|invisible| invisible == known.invisible)
}
