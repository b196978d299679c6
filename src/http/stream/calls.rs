//! Calls: where each of their operations is, and what all of them share: which call it is about,
//! who asks, and how its room is asked for him. What may be is decided by the law, in the room's
//! task.

mod changing;
mod creating;
mod heard;
mod joining;
mod members;
mod messages;
mod moderation;
mod queries;
mod shown;

use std::sync::Arc;

use rolecall_protocol::{
    dialect::stream::glimpse::Glimpse,
    directory::Directory,
    id::{CallTypeName, Cid, RoleName, TeamId, UserId},
    json::Metadata,
    room::{Command, Refusal, Reply, Room},
    team::{Caller as Somebody, Reach, Teams},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::heard::{say, user_updated};
use super::{
    Answer, Routes, Stream,
    ask::Ask,
    body::client::DoneResponse,
    caller::{ANONYMOUS_ID, Caller},
    connections::Connection,
    fault::{self, Fault, Subject},
};
use crate::hub::Seen;

/// How many members or participants are shown where nothing is said.
const SHOWN: usize = 25;
/// Most entries of any list in a request or an answer.
const LIST_MAX: usize = 100;

/// The routes under `/api/v2/video` and under `/video`.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .merge(creating::routes())
        .merge(changing::routes())
        .merge(queries::routes())
        .merge(members::routes())
        .merge(moderation::routes())
        .merge(messages::routes())
}

/// The routes that only browsers know.
pub(super) fn browser_routes() -> Routes {
    OpenApiRouter::default()
        .merge(joining::browser_routes())
        .merge(moderation::browser_routes())
        .merge(messages::browser_routes())
}

/// Which call.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CallPath {
    /// Its call type.
    #[serde(rename = "type")]
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "default")]
    call_type: String,
    /// Its id within the call type.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "standup")]
    id: String,
}

impl CallPath {
    /// The call, for whoever asks.
    fn of<'a>(&self, stream: &'a Stream, ask: &'a Ask) -> Result<Call<'a>, Fault> {
        Call::new(stream, ask, &self.call_type, &self.id)
    }
}

/// One call, and somebody who asks of it.
struct Call<'a> {
    stream: &'a Stream,
    ask: &'a Ask,
    cid: Cid,
    /// By way of which the asker is told of it from now on.
    connection: Option<Arc<Connection>>,
}

impl<'a> Call<'a> {
    /// The call of that name, if there could be one and the asker's token is good for it.
    fn new(stream: &'a Stream, ask: &'a Ask, call_type: &str, id: &str) -> Result<Self, Fault> {
        let wrong = |error: rolecall_protocol::id::NameError| Fault::input(error.to_string());
        let call_type = CallTypeName::parse(call_type).map_err(wrong)?;
        let cid = Cid::new(&call_type, id).map_err(wrong)?;
        if !ask.caller.covers(&cid) {
            return Err(Fault::not_allowed(format!("the token is not good for call {cid}")));
        }
        if stream.directory.now().call_type(call_type.as_str()).is_none() {
            return Err(Fault::unknown(format!("{call_type}: call type does not exist")));
        }
        Ok(Self { stream, ask, cid, connection: None })
    }

    /// The same, watched from now on where the request names a connection of the asker's.
    fn watched(self) -> Self {
        let connection = self.ask.connection(self.stream);
        Self { connection, ..self }
    }

    /// 403: the asker may not ask this of any call.
    fn refuse(&self) -> Fault {
        let scope = format!("video:{}", self.cid.call_type());
        self.stream.subject(&self.ask.caller).may_not(self.ask.operation(), &scope)
    }

    /// Only the back end goes on.
    fn server_only(&self) -> Result<(), Fault> {
        if self.ask.caller.is_server() { Ok(()) } else { Err(self.refuse()) }
    }

    /// Who the asker is to a room of some team, at the moment it is asked; nobody in particular
    /// where the back end asks.
    fn who(
        &self,
    ) -> impl Fn(Option<&TeamId>) -> Result<Option<Somebody>, Refusal> + Send + Sync + use<> {
        let directory = self.stream.directory.clone();
        let token_role = self.ask.caller.token_role(&self.cid);
        let teams = teams(self.stream, &self.ask.caller);
        let caller = self.ask.caller.clone();
        move |team| {
            let (token_role, teams) = (token_role.clone(), teams.clone());
            somebody(&directory.now(), &caller, token_role, teams, team)
        }
    }

    /// What the asker sees of the room, and so many of its members.
    async fn look(&self, members: usize) -> Result<Glimpse, Fault> {
        let see = move |room: &Room, who: Option<&Somebody>| Glimpse::of(room, who, members);
        self.asked(None, see).await.map(|(_, glimpse)| glimpse)
    }

    /// Does something there.
    async fn act(&self, command: Command) -> Result<Reply, Fault> {
        self.act_and(command, |_, _| ()).await.map(|(reply, ())| reply)
    }

    /// Does something there, and looks at what has become of it.
    async fn act_and_look(
        &self,
        command: Command,
        members: usize,
    ) -> Result<(Reply, Glimpse), Fault> {
        self.act_and(command, move |room, who| Glimpse::of(room, who, members)).await
    }

    /// Does something there, and takes out of the room what `see` does.
    async fn act_and<T: Send + 'static>(
        &self,
        command: Command,
        see: impl FnOnce(&Room, Option<&Somebody>) -> T + Send + 'static,
    ) -> Result<(Reply, T), Fault> {
        self.named()?;
        self.asked(Some(command), see).await
    }

    /// Whoever has no name looks, and does nothing.
    fn named(&self) -> Result<(), Fault> {
        match &self.ask.caller {
            Caller::Server | Caller::User(_) => Ok(()),
            Caller::Anonymous(_) => Err(self.refuse()),
        }
    }

    /// Asks the room's task, and takes out of the room what `see` does.
    async fn asked<T: Send + 'static>(
        &self,
        command: Option<Command>,
        see: impl FnOnce(&Room, Option<&Somebody>) -> T + Send + 'static,
    ) -> Result<(Reply, T), Fault> {
        let cid = self.cid.clone();
        let told = move |seen: Seen<'_>| match seen.outcome {
            Ok(reply) => Ok((reply, see(seen.room, seen.caller))),
            Err(error) => {
                let subject = seen.caller.map(|caller| subject(seen.room, caller));
                Err(fault::refused(&error, subject.as_ref(), cid.as_str()))
            }
        };
        let listener = self.connection.as_ref();
        let listener =
            listener.map(|it| it.listener(&self.cid, Arc::new(self.who()))).transpose()?;
        let hub = &self.stream.hub;
        let told = hub.outside_and_listen(&self.cid, self.who(), command, told, listener).await;
        told.map_err(|error| fault::refused(&error, None, self.cid.as_str()))?
    }

    /// Whose calls and users the asker reaches.
    fn reach(&self, directory: &Directory) -> Reach {
        reach(self.stream, &self.ask.caller, directory)
    }

    /// Who the asker is to a room of that team; nobody in particular where the back end asks.
    fn somebody(
        &self,
        directory: &Directory,
        team: Option<&TeamId>,
    ) -> Result<Option<Somebody>, Refusal> {
        let token_role = self.ask.caller.token_role(&self.cid);
        let teams = teams(self.stream, &self.ask.caller);
        somebody(directory, &self.ask.caller, token_role, teams, team)
    }

    /// 404: there is no such call.
    fn unknown(&self) -> Fault {
        Fault::unknown(format!("Can't find call with id {}", self.cid))
    }

    /// Users who have to be known, and are not, as far as the asker may know.
    fn strangers<'u>(
        &self,
        directory: &Directory,
        users: impl IntoIterator<Item = &'u UserId>,
    ) -> Vec<&'u UserId> {
        let reach = self.reach(directory);
        let is_known =
            |id: &UserId| directory.user(id).is_some_and(|user| reach.admits_user(&user.teams));
        users.into_iter().filter(|id| !is_known(id)).collect()
    }
}

/// Who a caller is to a room of that team; nobody in particular where it is the back end.
fn somebody(
    directory: &Directory,
    caller: &Caller,
    token_role: Option<RoleName>,
    teams: Option<Teams>,
    team: Option<&TeamId>,
) -> Result<Option<Somebody>, Refusal> {
    let mut somebody = match caller {
        Caller::Server => return Ok(None),
        Caller::User(user) => {
            if directory.standing(&user.id, team).banned {
                return Err(Refusal::Banned);
            }
            let name = user.identity.name.as_deref();
            directory.caller(&user.id, name, token_role, team)
        }
        Caller::Anonymous(_) => {
            let standing = directory.stranger();
            Somebody {
                user_id: anonymous(),
                name: ANONYMOUS_ID.into(),
                app_role: standing.app_role,
                token_role,
                reach: standing.reach,
            }
        }
    };
    if let Some(teams) = teams {
        somebody.reach = Reach::Within(teams);
    }
    Ok(Some(somebody))
}

fn anonymous() -> UserId {
    #[expect(clippy::expect_used, reason = "a literal")]
    UserId::parse(ANONYMOUS_ID).expect("well formed")
}

/// Whose calls and users a caller reaches.
fn reach(stream: &Stream, caller: &Caller, directory: &Directory) -> Reach {
    match caller {
        Caller::Server => Reach::Everywhere,
        Caller::User(user) => match teams(stream, caller) {
            Some(teams) => Reach::Within(teams),
            None => directory.standing(&user.id, None).reach,
        },
        Caller::Anonymous(_) => directory.stranger().reach,
    }
}

/// The teams that a token says, where such are trusted.
fn teams(stream: &Stream, caller: &Caller) -> Option<Teams> {
    let identity = caller.identity().filter(|_| stream.config.trust_token_teams)?;
    // What is no team's name was refused with the token.
    Some(identity.teams.iter().filter_map(|team| TeamId::parse(team).ok()).collect())
}

/// Who was refused, with the roles that counted.
fn subject(room: &Room, caller: &Somebody) -> Subject {
    let who = room
        .peers_of(&caller.user_id)
        .next()
        .map_or_else(|| room.absent(caller).who, |peer| peer.who.clone());
    let roles = match &who.assigned {
        Some(assigned) => vec![assigned.to_string()],
        None => room.standing_names(&who).iter().map(ToString::to_string).collect(),
    };
    let teams = match &caller.reach {
        Reach::Everywhere => Vec::new(),
        Reach::Within(teams) => teams.iter().map(ToString::to_string).collect(),
    };
    Subject { user: caller.user_id.to_string(), roles, teams }
}

/// The customer's own data of a request.
fn custom(field: &str, data: Option<Map<String, Value>>) -> Result<Option<Metadata>, Fault> {
    let read = data.map(|data| Metadata::new(&Value::Object(data))).transpose();
    read.map_err(|error| Fault::field(field, error))
}

/// How many of something are shown.
fn limit(field: &str, asked: Option<u64>) -> Result<usize, Fault> {
    match asked {
        None => Ok(SHOWN),
        Some(asked) => usize::try_from(asked)
            .ok()
            .filter(|asked| *asked <= LIST_MAX)
            .ok_or_else(|| Fault::field(field, format!("must be at most {LIST_MAX}"))),
    }
}

/// A list of a request, within its bound.
fn bounded<T>(field: &str, list: Option<Vec<T>>) -> Result<Vec<T>, Fault> {
    let list = list.unwrap_or_default();
    if list.len() > LIST_MAX {
        return Err(Fault::field(field, format!("must have at most {LIST_MAX} entries")));
    }
    Ok(list)
}

/// It is done.
fn done(ask: &Ask) -> Answer<DoneResponse> {
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}
