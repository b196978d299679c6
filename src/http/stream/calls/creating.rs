//! Getting and creating calls.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    directory::{self, Directory},
    id::UserId,
    room::{
        Command, Reply,
        command::{Creation, MemberPatch},
    },
    team::Reach,
};
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
        fault::Fault,
        input::{Json, Path, Query},
        users,
    },
    Call, CallPath, bounded, custom, limit,
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
    let call = path.of(&stream, &ask)?;
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
    let call = path.of(&stream, &ask)?;
    let members = limit("members_limit", request.members_limit)?;
    let data = request.data.unwrap_or_default();
    let order = order_of(&data);
    let (created, glimpse) = match call.there(members).await? {
        Some(glimpse) => (false, glimpse),
        None => {
            let creation = call.creation(data).await?;
            let command = Command::Create(Box::new(creation));
            let (reply, mut glimpse) = call.act_and_look(command, members).await?;
            let created = reply == Reply::Created { created: true };
            if created {
                // All of them came at one moment: the last of the request is the last added.
                glimpse.members.sort_by_key(|(user, _)| order.get(user).copied());
            }
            (created, glimpse)
        }
    };
    let state = Shown::new(&stream, ask.speech()).state(&glimpse);
    Ok(axum::Json(GetOrCreateCallResponse { state, created, duration: ask.spent() }))
}
