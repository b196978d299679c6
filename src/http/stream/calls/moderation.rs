//! What is done to single users of a call: permissions, mutes, blocks, removals, pins. It must not
//! decide who may do so.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    id::UserId,
    media::{TrackKind, TrackKinds},
    room::{Command, command::Whom, request::Wanted},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::{
            client::DoneResponse,
            moderation::{
                BlockUserRequest, KickUserRequest, MuteUsersRequest, PinRequest,
                RequestPermissionRequest, UpdateUserPermissionsRequest,
            },
            user::UserRequest,
        },
        fault::Fault,
        input::{Json, Path},
    },
    Call, CallPath, bounded,
    creating::listed,
    done,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(update_user_permissions))
        .routes(routes!(mute_users))
        .routes(routes!(block_user))
        .routes(routes!(unblock_user))
        .routes(routes!(kick_user))
        .routes(routes!(pin))
        .routes(routes!(unpin))
}

/// The routes that only browsers know.
pub(super) fn browser_routes() -> Routes {
    OpenApiRouter::default().routes(routes!(request_permission))
}

/// Lets a user send what his roles do not let him, or keeps him from it, as long as the session
/// lasts. He feels it at once where he is in, and when he comes in later.
#[utoipa::path(
    post, path = "/call/{type}/{id}/user_permissions", operation_id = "UpdateUserPermissions",
    tag = "calls", params(CallPath), request_body = UpdateUserPermissionsRequest,
    responses((status = 201, description = "It is so.", body = DoneResponse)),
)]
async fn update_user_permissions(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<UpdateUserPermissionsRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    let command = Command::GrantUser {
        user_id: request.user_id,
        grant: wanted("grant_permissions", request.grant_permissions)?,
        revoke: wanted("revoke_permissions", request.revoke_permissions)?,
    };
    call.act(command).await?;
    done(&ask)
}

/// Asks those who may grant it to let the asker send something; he has to be in the call.
#[utoipa::path(
    post, path = "/call/{type}/{id}/request_permission", operation_id = "RequestPermission",
    tag = "calls", params(CallPath), request_body = RequestPermissionRequest,
    responses((status = 201, description = "They were asked.", body = DoneResponse)),
)]
async fn request_permission(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<RequestPermissionRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    if ask.caller.is_server() {
        return Err(Fault::input("the back end holds every permission and asks for none"));
    }
    let permissions = wanted("permissions", Some(request.permissions))?;
    if permissions.is_empty() {
        return Err(Fault::field("permissions", "must have an entry"));
    }
    call.act(Command::RequestPermissions { permissions }).await?;
    done(&ask)
}

/// What may be granted, revoked and asked for.
fn wanted(field: &str, names: Option<Vec<String>>) -> Result<BTreeSet<Wanted>, Fault> {
    let read = bounded(field, names)?.into_iter().map(|name| match name.as_str() {
        "send-audio" => Ok(Wanted::SendAudio),
        "send-video" => Ok(Wanted::SendVideo),
        "screenshare" => Ok(Wanted::Screenshare),
        _ => Err(Fault::input(format!("Invalid permissions in {field}: {name}"))),
    });
    read.collect()
}

/// Turns tracks of users off; they may turn them on again.
#[utoipa::path(
    post, path = "/call/{type}/{id}/mute_users", operation_id = "MuteUsers", tag = "calls",
    params(CallPath), request_body = MuteUsersRequest,
    responses((status = 201, description = "They are muted.", body = DoneResponse)),
)]
async fn mute_users(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<MuteUsersRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    let kinds: [(Option<bool>, &[TrackKind]); 4] = [
        (request.audio, &[TrackKind::Audio, TrackKind::CustomAudio]),
        (request.video, &[TrackKind::Video, TrackKind::CustomVideo]),
        (request.screenshare, &[TrackKind::ScreenVideo]),
        (request.screenshare_audio, &[TrackKind::ScreenAudio]),
    ];
    let chosen = kinds.into_iter().filter(|(chosen, _)| *chosen == Some(true));
    let tracks = chosen.fold(TrackKinds::NONE, |all, (_, of)| all.union(TrackKinds::of(of)));
    if tracks.is_empty() {
        let text = "one of `audio`, `video`, `screenshare`, `screenshare_audio` must be true";
        return Err(Fault::input(text));
    }
    let users: BTreeSet<UserId> = bounded("user_ids", request.user_ids)?.into_iter().collect();
    let whom = match (request.mute_all_users == Some(true), users.is_empty()) {
        (true, _) => Whom::Everybody,
        (false, false) => Whom::Users(users),
        (false, true) => return Err(Fault::input("`user_ids` or `mute_all_users` must be given")),
    };
    call.on_behalf("muted_by_id", request.muted_by_id, request.muted_by)?;
    call.act(Command::Mute { whom, tracks }).await?;
    done(&ask)
}

/// Keeps a user out; if he is in, he goes.
#[utoipa::path(
    post, path = "/call/{type}/{id}/block", operation_id = "BlockUser", tag = "calls",
    params(CallPath), request_body = BlockUserRequest,
    responses((status = 201, description = "He is out.", body = DoneResponse)),
)]
async fn block_user(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<BlockUserRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    call.act(Command::BlockUser { user_id: request.user_id }).await?;
    done(&ask)
}

/// Lets a user come in again.
#[utoipa::path(
    post, path = "/call/{type}/{id}/unblock", operation_id = "UnblockUser", tag = "calls",
    params(CallPath), request_body = BlockUserRequest,
    responses((status = 201, description = "He may come.", body = DoneResponse)),
)]
async fn unblock_user(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<BlockUserRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    call.act(Command::UnblockUser { user_id: request.user_id }).await?;
    done(&ask)
}

/// Removes a user from the call; he may come back unless he is blocked, too.
#[utoipa::path(
    post, path = "/call/{type}/{id}/kick", operation_id = "KickUser", tag = "calls",
    params(CallPath), request_body = KickUserRequest,
    responses((status = 201, description = "He is out.", body = DoneResponse)),
)]
async fn kick_user(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<KickUserRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    call.on_behalf("kicked_by_id", request.kicked_by_id, request.kicked_by)?;
    let block = request.block == Some(true);
    call.act(Command::KickUser { user_id: request.user_id, block, reason: None }).await?;
    done(&ask)
}

/// Shows a participant first to everybody.
#[utoipa::path(
    post, path = "/call/{type}/{id}/pin", operation_id = "VideoPin", tag = "calls",
    params(CallPath), request_body = PinRequest,
    responses((status = 201, description = "He is shown first.", body = DoneResponse)),
)]
async fn pin(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<PinRequest>,
) -> Answer<DoneResponse> {
    set_pin(&stream, &ask, &path, request, true).await
}

/// Shows him as anybody else.
#[utoipa::path(
    post, path = "/call/{type}/{id}/unpin", operation_id = "VideoUnpin", tag = "calls",
    params(CallPath), request_body = PinRequest,
    responses((status = 201, description = "He is shown as anybody else.", body = DoneResponse)),
)]
async fn unpin(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<PinRequest>,
) -> Answer<DoneResponse> {
    set_pin(&stream, &ask, &path, request, false).await
}

async fn set_pin(
    stream: &Stream,
    ask: &Ask,
    path: &CallPath,
    request: PinRequest,
    pinned: bool,
) -> Answer<DoneResponse> {
    let call = path.of(stream, ask)?;
    let PinRequest { user_id, session_id } = request;
    call.act(Command::SetPin { user_id, peer_id: session_id, pinned }).await?;
    done(ask)
}

impl Call<'_> {
    /// The user for whom the back end says it acts has to be known; who acts is the asker.
    pub(super) fn on_behalf(
        &self,
        field: &str,
        id: Option<UserId>,
        user: Option<UserRequest>,
    ) -> Result<Option<UserId>, Fault> {
        let Some(named) = id.or(user.map(|user| user.id)) else { return Ok(None) };
        if !self.ask.caller.is_server() && self.ask.caller.user_id() != Some(&named) {
            return Err(Fault::field(field, "a user acts as himself"));
        }
        let strangers = self.strangers(&self.stream.directory.now(), [&named]);
        if self.ask.caller.is_server() && !strangers.is_empty() {
            return Err(Fault::input(format!(
                "the provided users {} don't exist",
                listed(&strangers)
            )));
        }
        Ok(Some(named))
    }
}
