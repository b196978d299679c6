//! Users over REST: written down, changed, looked for, let in as guests. It must not decide who may
//! see whom.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::directory::{
    Actor, Command, Reply, User,
    user::{UserInput, UserPatch},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::Ask,
    body::user::{
        CreateGuestRequest, CreateGuestResponse, FullUserResponse, UpdateUsersPartialRequest,
        UpdateUsersRequest, UpdateUsersResponse, UserRequest, UserResponse,
    },
    caller::Caller,
    fault::Fault,
    input::Json,
};
use crate::{auth::Claims, mint};

/// The routes, under `/api/v2`.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(update_users, update_users_partial)).merge(guests())
}

/// The routes that browsers know too.
pub(super) fn guests() -> Routes {
    OpenApiRouter::default().routes(routes!(create_guest))
}

/// Writes users down, new or known: all or none. What is not said of a user is as with a new one,
/// but for the role and the teams of somebody known, which stay. A user may write himself down, and
/// then only what he says changes.
#[utoipa::path(
    post, path = "/users", operation_id = "UpdateUsers", tag = "users",
    request_body = UpdateUsersRequest,
    responses((status = 201, description = "As they are now.", body = UpdateUsersResponse)),
)]
async fn update_users(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Json(request): Json<UpdateUsersRequest>,
) -> Answer<UpdateUsersResponse> {
    let actor = ask.actor(&stream)?;
    let users: Result<Vec<_>, Fault> = request.users.into_iter().map(input).collect();
    done(&stream, &ask, actor, Command::UpsertUsers { users: users? }).await
}

fn input((key, user): (String, UserRequest)) -> Result<UserInput, Fault> {
    if user.id.as_str() != key {
        let text = format!("`{}` stands under another id", user.id);
        return Err(Fault::field(format!("users.{key}.id"), text));
    }
    user.input(&format!("users.{key}"))
}

/// Changes users: all or none. A key that names no field is one of the user's custom data; a dot
/// goes into what is there.
#[utoipa::path(
    patch, path = "/users", operation_id = "UpdateUsersPartial", tag = "users",
    request_body = UpdateUsersPartialRequest,
    responses((status = 200, description = "As they are now.", body = UpdateUsersResponse)),
)]
async fn update_users_partial(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Json(request): Json<UpdateUsersPartialRequest>,
) -> Answer<UpdateUsersResponse> {
    let actor = ask.actor(&stream)?;
    let patches = request.users.into_iter().map(|user| UserPatch {
        id: user.id,
        set: user.set.unwrap_or_default(),
        unset: user.unset.unwrap_or_default(),
    });
    let command = Command::UpdateUsers { patches: patches.collect() };
    done(&stream, &ask, actor, command).await
}

async fn done(
    stream: &Stream,
    ask: &Ask,
    actor: Actor,
    command: Command,
) -> Answer<UpdateUsersResponse> {
    let users = commanded(stream, actor, command).await?;
    let shown: BTreeMap<_, FullUserResponse> = users
        .iter()
        .map(|user| (user.id.clone(), stream.shown(user, ask.speech()).into()))
        .collect();
    Ok(axum::Json(UpdateUsersResponse {
        users: shown,
        membership_deletion_task_id: "",
        duration: ask.spent(),
    }))
}

/// Does something with users; they are as they are then.
pub(super) async fn commanded(
    stream: &Stream,
    actor: Actor,
    command: Command,
) -> Result<Vec<Arc<User>>, Fault> {
    match stream.directory.command(actor, command).await? {
        Reply::Users(users) => Ok(users),
        Reply::Done | Reply::Role(_) | Reply::CallType(_) => Ok(Vec::new()),
    }
}

/// Lets somebody in who has no account: he gets the role `guest`, an id with a prefix of the
/// server's, and a token. No token is needed, only `stream-auth-type: anonymous`.
#[utoipa::path(
    post, path = "/guest", operation_id = "CreateGuest", tag = "users",
    security(("api_key" = [])),
    params(("stream-auth-type" = String, Header, description = "`anonymous`, unless a token is sent.", example = "anonymous")),
    request_body = CreateGuestRequest,
    responses((status = 201, description = "The guest.", body = CreateGuestResponse)),
)]
async fn create_guest(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Json(request): Json<CreateGuestRequest>,
) -> Answer<CreateGuestResponse> {
    let actor = match ask.caller {
        Caller::Server => Actor::Server,
        Caller::User(_) | Caller::Anonymous(_) => Actor::Nobody,
    };
    let Some(secret) = &stream.config.api_secret else {
        return Err(Fault::input("guests get tokens signed with `api_secret`, and none is set"));
    };
    let wished = request.user.input("user")?;
    let id = mint::guest_id(wished.id.as_str())
        .map_err(|error| Fault::field("user.id", format!("with the prefix of a guest: {error}")))?;
    let command = Command::CreateGuest { user: Box::new(UserInput { id: id.clone(), ..wished }) };
    let users = commanded(&stream, actor, command).await?;
    let guest = users.first().ok_or_else(Fault::internal)?;
    let claims =
        Claims { user_id: Some(id.to_string()), iat: stream.clock.now_s(), ..Claims::default() };
    let access_token = claims.sign(secret).map_err(|_| Fault::internal())?;
    let user: UserResponse = stream.shown(guest, ask.speech());
    Ok(axum::Json(CreateGuestResponse { user, access_token, duration: ask.spent() }))
}
