//! Calls looked for, and who is in one of them. No filter widens what an asker may see: the index
//! leaves out other teams' calls, and the law each that he may not read.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use axum::extract::State;
use futures::future::join_all;
use rolecall_protocol::{
    call_type::Scope,
    capability::Capability,
    dialect::stream::glimpse::{Glimpse, Present},
    directory::Directory,
    id::TeamId,
    room::{Refusal, may_read},
    team::Caller as Somebody,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::call::{
            ParticipantsQuery, QueryCallParticipantsRequest, QueryCallParticipantsResponse,
            QueryCallsRequest, QueryCallsResponse,
        },
        caller::Caller,
        fault::Fault,
        input::{Json, Path, Query},
    },
    Call, CallPath, LIST_MAX, SHOWN, limit, reach,
    shown::Shown,
};
use crate::{
    calls::{CALL_FIELDS, Card, default_call_sort},
    query::{Facets, Field, Fields, Filter, Kind, Op, Paging, QueryError, Sort},
};

/// What may be asked of participants.
static PARTICIPANT_FIELDS: Fields = Fields {
    fields: &[
        Field { name: "user_id", kind: Kind::Text, ops: Op::ORDERED, sortable: false },
        Field { name: "user_session_id", kind: Kind::Text, ops: Op::ORDERED, sortable: false },
        Field { name: "role", kind: Kind::Text, ops: Op::ORDERED, sortable: false },
        Field { name: "name", kind: Kind::Text, ops: Op::WORDS, sortable: false },
        Field { name: "joined_at", kind: Kind::Time, ops: Op::ORDERED, sortable: false },
    ],
    custom: false,
    custom_sortable: false,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(query_calls)).routes(routes!(query_call_participants))
}

/// Calls, page by page. A user sees those that he may read; while teams are kept apart, only those
/// of his teams, unless the filter speaks of `team`: then also those of other teams that a grant
/// for any team lets him read.
#[utoipa::path(
    post, path = "/calls", operation_id = "QueryCalls", tag = "calls",
    request_body = QueryCallsRequest,
    responses((status = 201, description = "A page of them.", body = QueryCallsResponse)),
)]
async fn query_calls(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Json(request): Json<QueryCallsRequest>,
) -> Answer<QueryCallsResponse> {
    if let Caller::Anonymous(_) = ask.caller {
        return Err(ask.refuse(&stream));
    }
    let filter = request.filter_conditions.unwrap_or_default();
    let filter = Filter::parse(&filter, &CALL_FIELDS).map_err(wrong("filter_conditions"))?;
    let sort = request.sort.unwrap_or_default();
    let sort = Sort::parse(&sort, &CALL_FIELDS, default_call_sort()).map_err(wrong("sort"))?;
    if request.watch == Some(true) && ask.names_connection() && ask.connection(&stream).is_none() {
        return Err(Fault::field(
            "watch",
            "needs a `connection_id` that stands and is the asker's",
        ));
    }
    // A client that watches again names all it watched, and no limit.
    let most = if request.watch == Some(true) { LIST_MAX } else { SHOWN };
    let many = request.limit.or_else(|| u64::try_from(most).ok());
    let asked = Asked::new(many, request.next, request.prev)?;
    let directory = stream.directory.now();
    let reach = reach(&stream, &ask.caller, &directory);
    let beyond = (!ask.caller.is_server()).then(|| read_by_any_team(&directory));
    let page = {
        let reader = Reader::new(&stream, &ask, &directory);
        let seen = |card: &Card| reader.may_read(card);
        let calls = &stream.hub.shared().calls;
        calls.query(filter, &sort, asked.paging(), &reach, beyond, seen).map_err(asked.wrong())?
    };
    let watch = request.watch == Some(true) && ask.connection(&stream).is_some();
    let looks = page.records.iter().map(|card| look_at(&stream, &ask, card, watch));
    let glimpses: Result<Vec<_>, Fault> = join_all(looks).await.into_iter().collect();
    let glimpses = glimpses?.into_iter().flatten();
    let shown = Shown::new(&stream, ask.speech());
    Ok(axum::Json(QueryCallsResponse {
        calls: glimpses.map(|glimpse| shown.state(&glimpse)).collect(),
        next: page.next,
        prev: page.prev,
        duration: ask.spent(),
    }))
}

/// A call that was found, as whoever asks sees it now; nothing where that has become nothing.
///
/// # Errors
/// Where it cannot be watched that is to be: who asked would believe that he is told of it.
async fn look_at(
    stream: &Stream,
    ask: &Ask,
    card: &Card,
    watch: bool,
) -> Result<Option<Glimpse>, Fault> {
    let call = Call { stream, ask, cid: card.room.cid.clone(), connection: None };
    if watch {
        return match call.watched().look(SHOWN).await {
            Ok(glimpse) => Ok(Some(glimpse)),
            Err(fault) if fault.is_for_the_asker() => Ok(None),
            Err(fault) => Err(fault),
        };
    }
    if card.is_ongoing() {
        return Ok(call.look(SHOWN).await.ok());
    }
    let Ok(caller) = call.somebody(&stream.directory.now(), card.room.team.as_ref()) else {
        return Ok(None);
    };
    Ok(Some(Glimpse::of(&card.room, caller.as_ref(), SHOWN)))
}

/// The calls of the types in which anything lets somebody read another team's call.
fn read_by_any_team(directory: &Directory) -> Filter {
    let scope = Scope { creator: true, foreign: true };
    let types = directory.call_types.values().map(|entry| &entry.call_type);
    let open = types.filter(|call_type| {
        let mut roles = call_type.roles.values();
        roles.any(|role| role.permissions(scope).capabilities.contains(Capability::ReadCall))
    });
    Filter::one_of(&CALL_FIELDS, "type", open.map(|call_type| call_type.name.as_str()))
}

/// Who somebody is in calls of each team, found out once; nobody: the server side.
type Known = BTreeMap<Option<TeamId>, Result<Option<Somebody>, Refusal>>;

/// Somebody who reads many cards.
struct Reader<'a> {
    stream: &'a Stream,
    ask: &'a Ask,
    directory: &'a Directory,
    known: RefCell<Known>,
}

impl<'a> Reader<'a> {
    fn new(stream: &'a Stream, ask: &'a Ask, directory: &'a Directory) -> Self {
        Self { stream, ask, directory, known: RefCell::default() }
    }

    /// Whether he may read that call, as far as its card says.
    fn may_read(&self, card: &Card) -> bool {
        let Self { stream, ask, .. } = self;
        if !ask.caller.covers(&card.room.cid) {
            return false;
        }
        let call = Call { stream, ask, cid: card.room.cid.clone(), connection: None };
        let team = &card.room.team;
        let mut known = self.known.borrow_mut();
        let somebody = known
            .entry(team.clone())
            .or_insert_with(|| call.somebody(self.directory, team.as_ref()));
        let somebody = match somebody {
            Ok(Some(somebody)) => somebody,
            Ok(None) => return true,
            Err(_) => return false,
        };
        // The one thing that differs from call to call of one team.
        somebody.token_role = ask.caller.token_role(&card.room.cid);
        may_read(&card.room, somebody).is_ok()
    }
}

/// Who is in a call, as far as whoever asks sees them. Who has no token is only counted in it.
#[utoipa::path(
    post, path = "/call/{type}/{id}/participants", operation_id = "QueryCallParticipants",
    tag = "calls", params(CallPath, ParticipantsQuery),
    request_body = QueryCallParticipantsRequest,
    responses((status = 201, description = "They.", body = QueryCallParticipantsResponse)),
)]
async fn query_call_participants(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Query(query): Query<ParticipantsQuery>,
    Json(request): Json<QueryCallParticipantsRequest>,
) -> Answer<QueryCallParticipantsResponse> {
    let call = path.of(&stream, &ask)?;
    let many = limit("limit", query.limit)?;
    let filter = request.filter_conditions.unwrap_or_default();
    let filter = Filter::parse(&filter, &PARTICIPANT_FIELDS).map_err(wrong("filter_conditions"))?;
    let glimpse = call.look(SHOWN).await?;
    let shown = Shown::new(&stream, ask.speech());
    let is_asked_for = |present: &&Present| filter.admits(&facets(present).finish());
    let found: Vec<&Present> = glimpse.present.iter().filter(is_asked_for).collect();
    Ok(axum::Json(QueryCallParticipantsResponse {
        participants: found.iter().take(many).map(|present| shown.participant(present)).collect(),
        total_participants: found.len(),
        state: shown.state(&glimpse),
        duration: ask.spent(),
    }))
}

fn facets(present: &Present) -> Facets {
    Facets::of(&PARTICIPANT_FIELDS)
        .text("user_id", present.user_id.as_str())
        .text("user_session_id", present.peer_id.as_str())
        .text("role", present.role.as_str())
        .text("name", &present.name)
        .time("joined_at", Some(present.joined_at))
}

/// Which page is asked for.
pub(super) struct Asked {
    limit: usize,
    /// A cursor, and which of the two fields it came in.
    from: Option<(&'static str, String)>,
}

impl Asked {
    pub(super) fn new(
        many: Option<u64>,
        next: Option<String>,
        prev: Option<String>,
    ) -> Result<Self, Fault> {
        let given = |cursor: Option<String>| cursor.filter(|cursor| !cursor.is_empty());
        let from = match (given(next), given(prev)) {
            (Some(_), Some(_)) => {
                return Err(Fault::input("`next` and `prev` do not go together"));
            }
            (next, prev) => next.map(|from| ("next", from)).or(prev.map(|from| ("prev", from))),
        };
        Ok(Self { limit: limit("limit", many)?, from })
    }

    pub(super) fn paging(&self) -> Paging<'_> {
        let from = self.from.as_ref().map(|(_, cursor)| cursor.as_str());
        Paging::Cursor { limit: self.limit, from }
    }

    /// What is wrong with the page that is asked for: its cursor.
    pub(super) fn wrong(&self) -> impl FnOnce(QueryError) -> Fault + use<> {
        wrong(self.from.as_ref().map_or("", |(field, _)| field))
    }
}

/// What is wrong with a query, in that field of the request.
pub(super) fn wrong(field: &str) -> impl FnOnce(QueryError) -> Fault + use<> {
    let field = field.to_owned();
    move |error| {
        let place = match (field.as_str(), error.at.as_str()) {
            ("", at) | (at, "") => at.to_owned(),
            (field, at) => format!("{field}.{at}"),
        };
        Fault::field(place, error.problem)
    }
}
