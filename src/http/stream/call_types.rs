//! Call types over REST: made, read, changed and unmade by the back end. It must not know what
//! their settings mean.

use std::sync::Arc;

use axum::extract::State;
use rolecall_protocol::{
    directory::{Actor, Command, Refusal, Reply},
    id::CallTypeName,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::{Ask, ServerAsk},
    body::{
        call_type::{
            CallTypeResponse, CallTypeView, CreateCallTypeRequest, ListCallTypeResponse,
            UpdateCallTypeRequest,
        },
        client::DoneResponse,
    },
    fault::Fault,
    input::{Json, Path},
};

/// The routes, under `/api/v2/video`.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list_call_types, create_call_type)).routes(routes!(
        get_call_type,
        update_call_type,
        delete_call_type
    ))
}

/// All call types by name.
#[utoipa::path(
    get, path = "/calltypes", operation_id = "ListCallTypes", tag = "call types",
    responses((status = 200, description = "All of them.", body = ListCallTypeResponse)),
)]
async fn list_call_types(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
) -> Answer<ListCallTypeResponse> {
    let directory = stream.directory.now();
    let shown = directory
        .call_types
        .iter()
        .map(|(name, entry)| (name.to_string(), CallTypeView::of(entry, ask.speech())));
    Ok(axum::Json(ListCallTypeResponse { call_types: shown.collect(), duration: ask.spent() }))
}

/// Makes a call type: it has the default grants and settings, but for what is said here.
#[utoipa::path(
    post, path = "/calltypes", operation_id = "CreateCallType", tag = "call types",
    request_body = CreateCallTypeRequest,
    responses((status = 201, description = "Made.", body = CallTypeResponse)),
)]
async fn create_call_type(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<UpdateCallTypeRequest>,
) -> Answer<CallTypeResponse> {
    let name = request.name.clone().ok_or_else(|| Fault::field("name", "is missing"))?;
    let command = Command::CreateCallType { name, input: Box::new(request.into()) };
    done(&stream, &ask, command).await
}

/// One call type.
#[utoipa::path(
    get, path = "/calltypes/{name}", operation_id = "GetCallType", tag = "call types",
    params(("name" = String, Path, description = "Which.", max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "default")),
    responses((status = 200, description = "It.", body = CallTypeResponse)),
)]
async fn get_call_type(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(name): Path<CallTypeName>,
) -> Answer<CallTypeResponse> {
    let directory = stream.directory.now();
    let entry =
        directory.call_type(name.as_str()).ok_or_else(|| Refusal::UnknownCallType(name.clone()))?;
    let call_type = CallTypeView::of(entry, ask.speech());
    Ok(axum::Json(CallTypeResponse { call_type, duration: ask.spent() }))
}

/// Changes a call type, and with it what peers in its live calls may do. Each role mentioned gets
/// exactly the grants said here, the others keep theirs; settings are laid over those there are.
#[utoipa::path(
    put, path = "/calltypes/{name}", operation_id = "UpdateCallType", tag = "call types",
    params(("name" = String, Path, description = "Which.", max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "default")),
    request_body = UpdateCallTypeRequest,
    responses((status = 201, description = "Changed.", body = CallTypeResponse)),
)]
async fn update_call_type(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(name): Path<CallTypeName>,
    Json(request): Json<UpdateCallTypeRequest>,
) -> Answer<CallTypeResponse> {
    done(&stream, &ask, Command::UpdateCallType { name, input: Box::new(request.into()) }).await
}

/// Unmakes a call type that is not built in.
#[utoipa::path(
    delete, path = "/calltypes/{name}", operation_id = "DeleteCallType", tag = "call types",
    params(("name" = String, Path, description = "Which.", max_length = 64, pattern = "^[A-Za-z0-9_-]+$")),
    responses((status = 200, description = "Gone.", body = DoneResponse)),
)]
async fn delete_call_type(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(name): Path<CallTypeName>,
) -> Answer<DoneResponse> {
    // Without their type nobody would get at them any more. The Directory knows no calls.
    match stream.hub.shared().calls.rooms_of_type(&name).len() {
        0 => {}
        1 => return Err(in_use(&name, "1 call")),
        calls => return Err(in_use(&name, &format!("{calls} calls"))),
    }
    stream.directory.command(Actor::Server, Command::DeleteCallType { name }).await?;
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}

async fn done(stream: &Stream, ask: &Ask, command: Command) -> Answer<CallTypeResponse> {
    match stream.directory.command(Actor::Server, command).await? {
        Reply::CallType(entry) => {
            let call_type = CallTypeView::of(&entry, ask.speech());
            Ok(axum::Json(CallTypeResponse { call_type, duration: ask.spent() }))
        }
        Reply::Done | Reply::Users(_) | Reply::Role(_) => Err(Fault::internal()),
    }
}

fn in_use(name: &CallTypeName, calls: &str) -> Fault {
    Fault::input(format!("call type `{name}` cannot be deleted: it has {calls}"))
}
