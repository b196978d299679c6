//! Users who go and come back, over REST: deactivated, deleted, banned, and the end of these. It
//! must not know what that does to rooms.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    directory::{Actor, Command, user::Ban},
    id::{Timestamp, UserId},
    team::Reach,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::{Ask, ServerAsk},
    body::{
        client::DoneResponse,
        task::TaskResponse,
        user::{
            BanRequest, DeleteUsersRequest, Deletion, OneUserResponse, ReactivateUserRequest,
            UnbanParams, UnbanRequest, UsersRequest,
        },
    },
    fault::Fault,
    input::{Json, Path, Query},
    users::commanded,
};

use crate::{
    calls::{CALL_FIELDS, default_call_sort},
    query::{Filter, PAGE_MAX, Paging},
};

const MS_PER_MINUTE: u64 = 60_000;
/// The longest ban that ends: a hundred years.
const BAN_MINUTES_MAX: u64 = 52_560_000;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(delete_users))
        .routes(routes!(restore_users))
        .routes(routes!(deactivate_users))
        .routes(routes!(reactivate_users))
        .routes(routes!(deactivate_user))
        .routes(routes!(reactivate_user))
        .routes(routes!(ban))
        .routes(routes!(unban))
}

/// Deletes users: they leave every call at once. `hard`: for good; else they can be restored. With
/// `calls`, the calls they created are deleted too.
#[utoipa::path(
    post, path = "/users/delete", operation_id = "DeleteUsers", tag = "users",
    request_body = DeleteUsersRequest,
    responses((status = 201, description = "Begun; the task says when it is done.", body = TaskResponse)),
)]
async fn delete_users(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<DeleteUsersRequest>,
) -> Answer<TaskResponse> {
    if request.new_call_owner_id.is_some() {
        return Err(Fault::field("new_call_owner_id", "is not supported"));
    }
    let hard = request.user == Some(Deletion::Hard);
    let command = Command::DeleteUsers { ids: request.user_ids.clone(), hard };
    commanded(&stream, Actor::Server, command).await?;
    if request.calls.is_none() {
        return Ok(axum::Json(done_at_once(&stream, &ask)));
    }
    let task = stream.tasks.begin(Timestamp(stream.clock.now_ms()));
    let answer = TaskResponse { task_id: task.id().to_owned(), duration: ask.spent() };
    let hard = request.calls == Some(Deletion::Hard);
    tokio::spawn(async move {
        let outcome = delete_calls(&stream, &request.user_ids, hard).await;
        let now = Timestamp(stream.clock.now_ms());
        match outcome {
            Ok(deleted) => {
                task.complete(now, BTreeMap::from([("calls".to_owned(), deleted.into())]));
            }
            Err(why) => task.fail(now, why),
        }
    });
    Ok(axum::Json(answer))
}

/// Deletes all calls that these users created, `hard` with what was done in them; says how many
/// these were.
async fn delete_calls(stream: &Stream, users: &[UserId], hard: bool) -> Result<usize, String> {
    let shared = stream.hub.shared();
    let ids = users.iter().map(UserId::as_str);
    let theirs = Filter::one_of(&CALL_FIELDS, "created_by_user_id", ids);
    let mut deleted = 0;
    loop {
        // Those that were deleted are not found again: each page is the first.
        let paging = Paging::Cursor { limit: PAGE_MAX, from: None };
        let page = shared.calls.query(
            theirs.clone(),
            &default_call_sort(),
            paging,
            &Reach::Everywhere,
            None,
            |_| true,
        );
        let calls = page.map_err(|error| error.to_string())?.records;
        if calls.is_empty() {
            return Ok(deleted);
        }
        for call in calls {
            let cid = &call.room.cid;
            match stream.hub.delete(cid, hard).await {
                Ok(()) => deleted += 1,
                // Somebody else was faster.
                Err(error) if error.reason() == "unknown-room" => {}
                Err(error) => return Err(format!("{cid}: {}", error.message)),
            }
        }
    }
}

/// A task that was done at once.
fn done_at_once(stream: &Stream, ask: &Ask) -> TaskResponse {
    let now = Timestamp(stream.clock.now_ms());
    let task = stream.tasks.begin(now);
    let task_id = task.id().to_owned();
    task.complete(now, BTreeMap::new());
    TaskResponse { task_id, duration: ask.spent() }
}

/// Brings deleted users back.
#[utoipa::path(
    post, path = "/users/restore", operation_id = "RestoreUsers", tag = "users",
    request_body = UsersRequest,
    responses((status = 201, description = "Back.", body = DoneResponse)),
)]
async fn restore_users(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<UsersRequest>,
) -> Answer<DoneResponse> {
    let command = Command::RestoreUsers { ids: request.user_ids };
    commanded(&stream, Actor::Server, command).await?;
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}

/// Keeps users out until they are reactivated; they leave every call at once.
#[utoipa::path(
    post, path = "/users/deactivate", operation_id = "DeactivateUsers", tag = "users",
    request_body = UsersRequest,
    responses((status = 201, description = "Begun; the task says when it is done.", body = TaskResponse)),
)]
async fn deactivate_users(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<UsersRequest>,
) -> Answer<TaskResponse> {
    let command = Command::DeactivateUsers { ids: request.user_ids };
    commanded(&stream, Actor::Server, command).await?;
    Ok(axum::Json(done_at_once(&stream, &ask)))
}

/// Lets deactivated users in again.
#[utoipa::path(
    post, path = "/users/reactivate", operation_id = "ReactivateUsers", tag = "users",
    request_body = UsersRequest,
    responses((status = 201, description = "Begun; the task says when it is done.", body = TaskResponse)),
)]
async fn reactivate_users(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<UsersRequest>,
) -> Answer<TaskResponse> {
    let command = Command::ReactivateUsers { ids: request.user_ids };
    commanded(&stream, Actor::Server, command).await?;
    Ok(axum::Json(done_at_once(&stream, &ask)))
}

/// Keeps one user out until he is reactivated; he leaves every call at once.
#[utoipa::path(
    post, path = "/users/{user_id}/deactivate", operation_id = "DeactivateUser", tag = "users",
    params(("user_id" = String, Path, description = "Who.", max_length = 128)),
    responses((status = 201, description = "As he is now.", body = OneUserResponse)),
)]
async fn deactivate_user(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(id): Path<UserId>,
) -> Answer<OneUserResponse> {
    one(&stream, &ask, id.clone(), Command::DeactivateUsers { ids: vec![id] }).await
}

/// Lets one deactivated user in again, under a new name where one is given.
#[utoipa::path(
    post, path = "/users/{user_id}/reactivate", operation_id = "ReactivateUser", tag = "users",
    params(("user_id" = String, Path, description = "Who.", max_length = 128)),
    request_body = ReactivateUserRequest,
    responses((status = 201, description = "As he is now.", body = OneUserResponse)),
)]
async fn reactivate_user(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(id): Path<UserId>,
    Json(request): Json<ReactivateUserRequest>,
) -> Answer<OneUserResponse> {
    if request.name.is_some() {
        return Err(Fault::field("name", "is not changed by this; update the user"));
    }
    one(&stream, &ask, id.clone(), Command::ReactivateUsers { ids: vec![id] }).await
}

async fn one(stream: &Stream, ask: &Ask, id: UserId, command: Command) -> Answer<OneUserResponse> {
    if stream.directory.now().user(&id).is_none() {
        return Err(Fault::unknown(format!("user `{id}` does not exist")));
    }
    commanded(stream, Actor::Server, command).await?;
    let directory = stream.directory.now();
    let user = directory.user(&id).ok_or_else(Fault::internal)?;
    let user = stream.shown(user, ask.speech());
    Ok(axum::Json(OneUserResponse { user, duration: ask.spent() }))
}

/// Bans a user from everything, for good or for so many minutes; he leaves every call at once.
#[utoipa::path(
    post, path = "/moderation/ban", operation_id = "Ban", tag = "users",
    request_body = BanRequest,
    responses((status = 201, description = "Banned.", body = DoneResponse)),
)]
async fn ban(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<BanRequest>,
) -> Answer<DoneResponse> {
    if request.channel_cid.is_some_and(|cid| !cid.is_empty()) {
        let text =
            "is not supported: a ban is from everything; block the user in that call instead";
        return Err(Fault::field("channel_cid", text));
    }
    for (field, asked) in [("shadow", request.shadow), ("ip_ban", request.ip_ban)] {
        if asked == Some(true) {
            return Err(Fault::field(field, "is not supported"));
        }
    }
    let now = stream.clock.now_ms();
    let until = match request.timeout {
        None => None,
        Some(minutes @ 1..=BAN_MINUTES_MAX) => Some(Timestamp(now + minutes * MS_PER_MINUTE)),
        Some(_) => {
            return Err(Fault::field("timeout", format!("is 1 to {BAN_MINUTES_MAX} minutes")));
        }
    };
    let by = request.banned_by_id.or(request.banned_by.map(|user| user.id));
    let ban = Box::new(Ban { by, reason: request.reason, until });
    let command = Command::BanUser { id: request.target_user_id, ban };
    commanded(&stream, Actor::Server, command).await?;
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}

/// Ends a ban.
#[utoipa::path(
    post, path = "/moderation/unban", operation_id = "Unban", tag = "users",
    params(UnbanParams),
    request_body = UnbanRequest,
    responses((status = 201, description = "Ended.", body = DoneResponse)),
)]
async fn unban(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Query(params): Query<UnbanParams>,
    Json(request): Json<UnbanRequest>,
) -> Answer<DoneResponse> {
    if params.channel_cid.is_some_and(|cid| !cid.is_empty()) {
        return Err(Fault::field("channel_cid", "is not supported: a ban is from everything"));
    }
    tracing::debug!(by = request.unbanned_by_id, "a ban is to end");
    let command = Command::UnbanUser { id: params.target_user_id };
    commanded(&stream, Actor::Server, command).await?;
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}
