//! Members of calls: who is to be one, who is one. It must not decide who may make somebody one.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    id::UserId,
    room::{Command, Room, command::MemberPatch, member::Member},
    team::Caller as Somebody,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::member::{
            QueryCallMembersRequest, QueryCallMembersResponse, UpdateCallMembersRequest,
            UpdateCallMembersResponse,
        },
        fault::Fault,
        input::{Json, Path},
    },
    Call, CallPath, bounded,
    creating::{listed, patch_of},
    queries::{Asked, wrong},
    shown::Shown,
};
use crate::{
    calls::{MEMBER_FIELDS, default_member_sort, members},
    query::{Filter, Sort},
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(update_call_members))
        .routes(routes!(query_call_members))
}

/// Makes users members, changes what is given of those who are, and removes others. A member's role
/// reaches him at once where he is in.
#[utoipa::path(
    post, path = "/call/{type}/{id}/members", operation_id = "UpdateCallMembers", tag = "calls",
    params(CallPath), request_body = UpdateCallMembersRequest,
    responses((status = 201, description = "Who was added or changed.", body = UpdateCallMembersResponse)),
)]
async fn update_call_members(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<UpdateCallMembersRequest>,
) -> Answer<UpdateCallMembersResponse> {
    let call = path.of(&stream, &ask)?;
    let (mut order, mut set) = (Vec::new(), BTreeMap::<UserId, MemberPatch>::new());
    let wished = bounded("update_members", request.update_members)?;
    for (place, member) in wished.into_iter().enumerate() {
        let (user, patch) = patch_of(&format!("update_members[{place}]"), member)?;
        if set.insert(user.clone(), patch).is_some() {
            return Err(Fault::field("update_members", format!("`{user}` is there twice")));
        }
        order.push(user);
    }
    let remove = bounded("remove_members", request.remove_members)?;
    let directory = stream.directory.now();
    let strangers = call.strangers(&directory, &order);
    if !strangers.is_empty() {
        // Of a call that is not for him he is told that, first.
        call.look(0).await?;
        return Err(Fault::input(format!("the provided users {} don't exist", listed(&strangers))));
    }
    let command = Command::UpdateMembers { set, remove: remove.into_iter().collect() };
    let updated = move |room: &Room, _: Option<&Somebody>| -> Vec<(UserId, Member)> {
        let there = |user: UserId| room.members.get(&user).cloned().map(|member| (user, member));
        order.into_iter().filter_map(there).collect()
    };
    let (_, updated) = call.act_and(command, updated).await?;
    let members = Shown::new(&stream, ask.speech()).members(&updated);
    Ok(axum::Json(UpdateCallMembersResponse { members, duration: ask.spent() }))
}

/// Members of a call, page by page.
#[utoipa::path(
    post, path = "/call/members", operation_id = "QueryCallMembers", tag = "calls",
    request_body = QueryCallMembersRequest,
    responses((status = 201, description = "A page of them.", body = QueryCallMembersResponse)),
)]
async fn query_call_members(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Json(request): Json<QueryCallMembersRequest>,
) -> Answer<QueryCallMembersResponse> {
    let call = Call::new(&stream, &ask, &request.call_type, &request.id)?;
    let filter = request.filter_conditions.unwrap_or_default();
    let filter = Filter::parse(&filter, &MEMBER_FIELDS).map_err(wrong("filter_conditions"))?;
    let sort = request.sort.unwrap_or_default();
    let sort = Sort::parse(&sort, &MEMBER_FIELDS, default_member_sort()).map_err(wrong("sort"))?;
    let asked = Asked::new(request.limit, request.next, request.prev)?;
    call.look(0).await?;
    // Whether he may look was decided by the room; the rest would keep its task from others.
    let card = stream.hub.shared().calls.get(&call.cid).ok_or_else(|| call.unknown())?;
    let page = members(&card.room, &filter, &sort, asked.paging()).map_err(asked.wrong())?;
    let shown = Shown::new(&stream, ask.speech());
    let there = |user: &UserId| Some(shown.member(user, card.room.members.get(user)?));
    let members = page.records.iter().filter_map(there).collect();
    Ok(axum::Json(QueryCallMembersResponse {
        members,
        next: page.next,
        prev: page.prev,
        duration: ask.spent(),
    }))
}
