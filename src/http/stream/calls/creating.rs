//! Getting and creating calls.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    call_type::settings::SettingsPatchDocument,
    dialect::stream::{
        ear::{self, Heard},
        glimpse::Glimpse,
    },
    directory::{self, user::UserInput},
    id::UserId,
    room::{
        Command, Reply, Room,
        command::{Creation, MemberPatch},
        may_read,
    },
    team::Reach,
};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::{
            call::{
                CallRequest, GetCallQuery, GetCallResponse, GetOrCreateCallRequest,
                GetOrCreateCallResponse,
            },
            member::MemberRequest,
            user::UserRequest,
        },
        fault::{Fault, code},
        input::{Json, Path, Query},
        users,
    },
    Call, CallPath, LIST_MAX, bounded, custom, limit, say,
    shown::Shown,
};
use crate::mint;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(get_call, get_or_create_call))
}

/// A call as whoever asks sees it.
#[utoipa::path(
    get, path = "/call/{type}/{id}", operation_id = "GetCall", tag = "calls",
    params(CallPath, GetCallQuery),
    responses((status = 200, description = "The call.", body = GetCallResponse)),
)]
async fn get_call(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Query(query): Query<GetCallQuery>,
) -> Answer<GetCallResponse> {
    let call = path.of(&stream, &ask)?.watched();
    let glimpse = call.look(limit("members_limit", query.members_limit)?).await?;
    let state = Shown::new(&stream, ask.speech()).state(&glimpse);
    Ok(axum::Json(GetCallResponse { state, duration: ask.spent() }))
}

/// The call; where there is none yet, it is created as said. One that is there is not changed by
/// what is said. The back end creates for a user, who has to be known, as have all members; a user
/// creates his own, of a team of his while teams are kept apart.
#[utoipa::path(
    post, path = "/call/{type}/{id}", operation_id = "GetOrCreateCall", tag = "calls",
    params(CallPath), request_body = GetOrCreateCallRequest,
    responses((status = 201, description = "The call.", body = GetOrCreateCallResponse)),
)]
async fn get_or_create_call(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<GetOrCreateCallRequest>,
) -> Answer<GetOrCreateCallResponse> {
    let call = path.of(&stream, &ask)?.watched();
    let members = limit("members_limit", request.members_limit)?;
    let (created, glimpse) = call.get_or_create(request.data.unwrap_or_default(), members).await?;
    let state = Shown::new(&stream, ask.speech()).state(&glimpse);
    Ok(axum::Json(GetOrCreateCallResponse { state, created, duration: ask.spent() }))
}

/// Which members of a room may read it, as of now.
fn readers(stream: &Stream) -> impl FnOnce(&Room) -> Vec<UserId> + Send + use<> {
    let directory = stream.directory.clone();
    move |room| {
        let directory = directory.now();
        let team = room.team.as_ref();
        let reads = |user: &&UserId| {
            !directory.standing(user, team).banned
                && may_read(room, &directory.caller(user, None, None, team)).is_ok()
        };
        room.members.keys().filter(reads).cloned().collect()
    }
}

/// Tells members of a new call, who do not watch it yet, but for whoever made it.
fn tell_members(stream: &Stream, ask: &Ask, readers: Vec<UserId>, heard: &Heard) {
    let others = readers.iter().filter(|user| ask.caller.user_id() != Some(user));
    stream.connections.tell(others, || say(stream, heard));
}

/// In which order members are shown who were added at one moment: the last of the request first.
fn order_of(data: &CallRequest) -> BTreeMap<UserId, Reverse<usize>> {
    let members = data.members.iter().flatten().filter_map(|member| member.user_id.clone());
    members.enumerate().map(|(place, user)| (user, Reverse(place))).collect()
}

impl Call<'_> {
    /// The call as whoever asks sees it, created now where there was none: then the answer says so.
    pub(super) async fn get_or_create(
        &self,
        data: CallRequest,
        members: usize,
    ) -> Result<(bool, Glimpse), Fault> {
        if let Some(glimpse) = self.there(members).await? {
            return Ok((false, glimpse));
        }
        let order = order_of(&data);
        let command = Command::Create(Box::new(self.creation(data).await?));
        let readers = readers(self.stream);
        let (reply, (mut glimpse, readers, heard)) = self
            .act_and(command, move |room, who| {
                let glimpse = Glimpse::of(room, who, LIST_MAX);
                let at = room.created_at.unwrap_or_default();
                let heard = ear::created(room, glimpse.members.clone(), at);
                (glimpse, readers(room), heard)
            })
            .await?;
        let created = reply == Reply::Created { created: true };
        if created {
            tell_members(self.stream, self.ask, readers, &heard);
            // All of them came at one moment: the last of the request is the last added.
            glimpse.members.sort_by_key(|(user, _)| order.get(user).copied());
        }
        glimpse.members.truncate(members);
        Ok((created, glimpse))
    }

    /// The call as whoever asks sees it, if there is one.
    async fn there(&self, members: usize) -> Result<Option<Glimpse>, Fault> {
        match self.look(members).await {
            Ok(glimpse) => Ok(Some(glimpse)),
            Err(fault) if fault.code() == code::UNKNOWN => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The call that is to be.
    async fn creation(&self, data: CallRequest) -> Result<Creation, Fault> {
        let wished = bounded("data.members", data.members)?;
        let mut members = BTreeMap::new();
        for (place, member) in wished.into_iter().enumerate() {
            let (user, patch) = patch_of(&format!("data.members[{place}]"), member)?;
            if members.insert(user.clone(), patch).is_some() {
                let text = format!("`{user}` is there twice");
                return Err(Fault::field("data.members", text));
            }
        }
        let custom = custom("data.custom", data.custom)?;
        let settings = settings("data.settings_override", data.settings_override)?;
        let created_by = self.creator(data.created_by_id, data.created_by).await?;
        let directory = self.stream.directory.now();
        let involved = created_by.iter().chain(members.keys());
        let strangers = self.strangers(&directory, involved);
        if !strangers.is_empty() {
            return Err(Fault::input(format!(
                "The following users are involved in call create operation, but don't exist: {}. \
                 Please create the user objects before setting up the call.",
                listed(&strangers)
            )));
        }
        if let (Reach::Within(teams), None) = (self.reach(&directory), &data.team)
            && !teams.is_empty()
        {
            let scope = format!("video:{}", self.cid.call_type());
            return Err(self.stream.subject(&self.ask.caller).is_of_another_team(&scope));
        }
        Ok(Creation {
            epoch: mint::epoch(),
            team: data.team,
            custom,
            created_by,
            members,
            settings,
            starts_at: data.starts_at.map(|when| when.0),
            admission: None,
        })
    }

    /// Whom the back end creates for; nobody where a user creates his own.
    async fn creator(
        &self,
        id: Option<UserId>,
        user: Option<UserRequest>,
    ) -> Result<Option<UserId>, Fault> {
        if !self.ask.caller.is_server() {
            return match (self.ask.caller.user_id(), id.or(user.map(|user| user.id))) {
                (own, Some(named)) if own != Some(&named) => {
                    Err(Fault::field("data.created_by_id", "a user creates calls as himself"))
                }
                _ => Ok(None),
            };
        }
        match (id, user) {
            (Some(id), Some(user)) if id != user.id => {
                let text = "is somebody else than `data.created_by_id`";
                Err(Fault::field("data.created_by.id", text))
            }
            (_, Some(user)) => {
                let input = user.input("data.created_by")?;
                let id = input.id.clone();
                // More than his id is to be written down, as with `POST /users`.
                if input != UserInput::of(id.clone()) {
                    let command = directory::Command::UpsertUsers { users: vec![input] };
                    users::commanded(self.stream, directory::Actor::Server, command).await?;
                }
                Ok(Some(id))
            }
            (Some(id), None) => Ok(Some(id)),
            (None, None) => Err(Fault::input(
                "either data.created_by or data.created_by_id must be provided when using server side auth",
            )),
        }
    }
}

/// A member as he is to be.
pub(super) fn patch_of(field: &str, member: MemberRequest) -> Result<(UserId, MemberPatch), Fault> {
    let user = member.user_id.ok_or_else(|| Fault::input("member user_id is required"))?;
    let custom = custom(&format!("{field}.custom"), member.custom)?;
    Ok((user, MemberPatch { role: member.role.map(Some), custom }))
}

/// Settings laid over a call type's.
pub(super) fn settings(
    field: &str,
    said: Option<Value>,
) -> Result<Option<SettingsPatchDocument>, Fault> {
    let read = said.map(|said| SettingsPatchDocument::new(&said)).transpose();
    read.map_err(|error| Fault::field(field, error))
}

/// `[a b]`
pub(super) fn listed(users: &[&UserId]) -> String {
    let names: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
    format!("[{}]", names.join(" "))
}
