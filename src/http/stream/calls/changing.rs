//! Changing a call as a whole: what is said of it, live or not, ended, deleted.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    id::{Cid, Seq, Timestamp},
    room::Command,
};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::{
            call::{
                DeleteCallRequest, DeleteCallResponse, GetCallResponse, GoLiveRequest,
                LiveResponse, StopLiveRequest, UpdateCallRequest,
            },
            client::DoneResponse,
        },
        input::{Json, Path},
    },
    CallPath, SHOWN,
    creating::settings,
    custom, done,
    shown::Shown,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(update_call))
        .routes(routes!(go_live))
        .routes(routes!(stop_live))
        .routes(routes!(end_call))
        .routes(routes!(delete_call))
}

/// Changes what is said of a call; what is not given stays. Settings are laid over those changed
/// here already, and reach everybody in the call at once.
#[utoipa::path(
    patch, path = "/call/{type}/{id}", operation_id = "UpdateCall", tag = "calls",
    params(CallPath), request_body = UpdateCallRequest,
    responses((status = 200, description = "The call as it is now.", body = GetCallResponse)),
)]
async fn update_call(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<UpdateCallRequest>,
) -> Answer<GetCallResponse> {
    let call = path.of(&stream, &ask)?.watched();
    let command = Command::UpdateRoom {
        custom: custom("custom", request.custom)?,
        settings: settings("settings_override", request.settings_override)?,
        starts_at: request.starts_at.map(|given| given.map(|when| when.0)),
    };
    let (_, glimpse) = call.act_and_look(command, SHOWN).await?;
    let state = Shown::new(&stream, ask.speech()).state(&glimpse);
    Ok(axum::Json(GetCallResponse { state, duration: ask.spent() }))
}

/// Lets everybody in who may join: the call is no longer backstage.
#[utoipa::path(
    post, path = "/call/{type}/{id}/go_live", operation_id = "GoLive", tag = "calls",
    params(CallPath), request_body = GoLiveRequest,
    responses((status = 201, description = "The call as it is now.", body = LiveResponse)),
)]
async fn go_live(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(_asked): Json<GoLiveRequest>,
) -> Answer<LiveResponse> {
    set_backstage(&stream, &ask, &path, false).await
}

/// Lets in only who may `join-backstage`; whoever is in stays.
#[utoipa::path(
    post, path = "/call/{type}/{id}/stop_live", operation_id = "StopLive", tag = "calls",
    params(CallPath), request_body = StopLiveRequest,
    responses((status = 201, description = "The call as it is now.", body = LiveResponse)),
)]
async fn stop_live(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(_asked): Json<StopLiveRequest>,
) -> Answer<LiveResponse> {
    set_backstage(&stream, &ask, &path, true).await
}

async fn set_backstage(
    stream: &Stream,
    ask: &Ask,
    path: &CallPath,
    backstage: bool,
) -> Answer<LiveResponse> {
    let call = path.of(stream, ask)?;
    let (_, glimpse) = call.act_and_look(Command::SetBackstage { backstage }, 0).await?;
    let call = Shown::new(stream, ask.speech()).call(&glimpse);
    Ok(axum::Json(LiveResponse { call, duration: ask.spent() }))
}

/// Ends a call: everybody is out, and only who may `join-ended-call` comes in again.
#[utoipa::path(
    post, path = "/call/{type}/{id}/mark_ended", operation_id = "EndCall", tag = "calls",
    params(CallPath),
    responses((status = 201, description = "It has ended.", body = DoneResponse)),
)]
async fn end_call(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    call.act(Command::EndRoom { reason: None, lock: true }).await?;
    done(&ask)
}

/// Deletes a call: everybody is out, and its name may begin anew. Its audit trail can be read a
/// while longer; with `hard` it goes, too, and a task says when. For the back end alone.
#[utoipa::path(
    post, path = "/call/{type}/{id}/delete", operation_id = "DeleteCall", tag = "calls",
    params(CallPath), request_body = DeleteCallRequest,
    responses((status = 201, description = "The call as it was.", body = DeleteCallResponse)),
)]
async fn delete_call(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<DeleteCallRequest>,
) -> Answer<DeleteCallResponse> {
    let call = path.of(&stream, &ask)?;
    call.server_only()?;
    let glimpse = call.look(0).await?;
    let (_, deleted_at) = call.act_and(Command::Delete, |room, _| room.seq).await?;
    let hard = request.hard == Some(true);
    let task_id = hard.then(|| erase(&stream, call.cid.clone(), deleted_at));
    let call = Shown::new(&stream, ask.speech()).call(&glimpse);
    Ok(axum::Json(DeleteCallResponse { call, task_id, duration: ask.spent() }))
}

/// Begins the task that erases what can still be read of a call up to where it was deleted.
fn erase(stream: &Arc<Stream>, cid: Cid, deleted_at: Seq) -> String {
    let now = |stream: &Stream| Timestamp(stream.clock.now_ms());
    let task = stream.tasks.begin(now(stream));
    let (id, stream) = (task.id().to_owned(), Arc::clone(stream));
    tokio::spawn(async move {
        match stream.hub.erase(&cid, deleted_at).await {
            Ok(()) => {
                let result = BTreeMap::from([
                    ("cid".to_owned(), Value::from(cid.as_str())),
                    ("hard".to_owned(), Value::Bool(true)),
                ]);
                task.complete(now(&stream), result);
            }
            Err(error) => {
                tracing::error!(room = %cid, %error, "room {cid} cannot be erased: {error}");
                task.fail(now(&stream), "the call's audit trail cannot be erased now");
            }
        }
    });
    id
}
