//! Users looked for over REST. Whom somebody may find is the rule of teams; it must not be widened
//! here.

use std::sync::Arc;

use axum::extract::State;
use rolecall_protocol::{id::UserId, team::Reach};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::Ask,
    body::user::QueryUsersResponse,
    caller::Caller,
    fault::Fault,
    input::{Payload, Query},
};
use crate::{
    directory::{UserIndex, users::USERS},
    query::{Filter, OFFSET_MAX, PAGE_MAX, Paging, QueryError, Sort},
};

/// Users of a page where no limit is given.
const LIMIT: usize = 30;
/// The permission to look for users, and the one to look beyond one's teams.
const SEARCH: (&str, &str) = ("search-user", "search-user-any-team");
/// The field by which teams are kept apart.
const TEAMS: &str = "teams";

/// The routes, under `/api/v2` and under `/video`.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(query_users))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Params {
    /// What is looked for, as JSON.
    #[param(value_type = Option<String>, example = json!(r#"{"filter_conditions":{"name":"Nick"},"limit":10}"#))]
    payload: Option<Payload<QueryUsersPayload>>,
}

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct QueryUsersPayload {
    /// A filter: fields with values or operators, `$and`, `$or`.
    filter_conditions: Value,
    /// `[{"field", "direction": 1 | -1}]`.
    sort: Value,
    /// How many at most.
    limit: Option<usize>,
    /// Behind how many.
    offset: Option<usize>,
    /// Whether those who may not connect are found too.
    include_deactivated_users: Option<bool>,
    id_gt: Option<String>,
    id_gte: Option<String>,
    id_lt: Option<String>,
    id_lte: Option<String>,
}

/// Looks for users. `payload` is a JSON object: `filter_conditions`, `sort`, `limit` (at most 100),
/// `offset` (at most 1000), `include_deactivated_users`. While teams are kept apart, users find
/// those of their own teams; a filter that mentions `teams` does not widen that.
#[utoipa::path(
    get, path = "/users", operation_id = "QueryUsers", tag = "users",

    responses((status = 200, description = "Those found.", body = QueryUsersResponse)),
)]
async fn query_users(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Query(params): Query<Params>,
) -> Answer<QueryUsersResponse> {
    let Payload(payload) = params.payload.unwrap_or_default();
    let (wrong_filter, wrong_sort) = (at("filter_conditions"), at("sort"));
    let filter = Filter::parse(&payload.filter_conditions, &USERS).map_err(wrong_filter)?;
    let filter = ids(&payload).into_iter().fold(filter, Filter::and);
    let filter = match &ask.caller {
        Caller::Server => filter,
        Caller::User(user) => seen_by(&stream, &ask, &user.id, filter)?,
        Caller::Anonymous(_) => return Err(ask.refuse(&stream)),
    };
    let sort = Sort::parse(&payload.sort, &USERS, UserIndex::default_sort()).map_err(wrong_sort)?;
    let (limit, offset) = (payload.limit.unwrap_or(0), payload.offset.unwrap_or(0));
    if limit > PAGE_MAX {
        return Err(Fault::field("limit", format!("is at most {PAGE_MAX}")));
    }
    if offset > OFFSET_MAX {
        return Err(Fault::field("offset", format!("is at most {OFFSET_MAX}")));
    }
    let limit = if limit == 0 { LIMIT } else { limit };
    let deactivated = payload.include_deactivated_users.unwrap_or_default();
    let paging = Paging::Offset { limit, offset };
    let page = stream.directory.users().query(filter, &sort, paging, deactivated);
    let page = page.map_err(at("offset"))?;
    let users = page.records.iter().map(|user| stream.shown(user, ask.speech()).into());
    Ok(axum::Json(QueryUsersResponse { users: users.collect(), duration: ask.spent() }))
}

/// What is wrong with that part of the payload.
fn at(part: &'static str) -> impl Fn(QueryError) -> Fault {
    move |error| {
        let QueryError { at, problem } = error.under(part);
        Fault::field(at, problem)
    }
}

/// Stream's older way to turn pages.
fn ids(payload: &QueryUsersPayload) -> Vec<Filter> {
    let bounds = [
        ("$gt", &payload.id_gt),
        ("$gte", &payload.id_gte),
        ("$lt", &payload.id_lt),
        ("$lte", &payload.id_lte),
    ];
    let filter = |(operator, id): (&str, &Option<String>)| {
        Filter::parse(&json!({ "id": { operator: id.as_ref()? } }), &USERS).ok()
    };
    bounds.into_iter().filter_map(filter).collect()
}

/// The filter with what this user may not find left out.
fn seen_by(stream: &Stream, ask: &Ask, user: &UserId, filter: Filter) -> Result<Filter, Fault> {
    let directory = stream.directory.now();
    let role = directory.standing(user, None).app_role;
    let (here, anywhere) = SEARCH;
    let anywhere = directory.app.grants(&role, anywhere);
    if !anywhere && !directory.app.grants(&role, here) {
        return Err(stream.subject(&ask.caller).may_not("SearchUser", ".app"));
    }
    Ok(match stream.reach(&ask.caller) {
        Reach::Everywhere => filter,
        // "API injects filter {team: {$in: [<user_teams>]}} for every request that doesn't already
        // contain filter for teams field." Whoever may search across teams asks for more by
        // mentioning them; to all others their own teams are all there is.
        Reach::Within(_) if anywhere && filter.mentions(TEAMS) => filter,
        Reach::Within(teams) => filter.and(Filter::of_teams(&USERS, TEAMS, &teams)),
    })
}
