//! How far a query reaches: the injected filter of teams, and the bound that no filter widens. It
//! must not know who is in which team; what a team may see is `protocol/src/team.rs`.

use rolecall_protocol::team::Reach;

use super::{Fields, Filter};

/// The filter of somebody who reaches so far, `teams` being the field in which records say what
/// teams they are of.
///
/// Where the filter does not speak of teams, it is of those within reach alone (Stream: "API
/// injects filter `{team: {$in: [<user_teams>]}}` for every request that doesn't already contain
/// filter for team field"). Where it does, be it with `{}`, `beyond` says what else may be seen
/// (by a grant for any team); unset: nothing else.
#[must_use]
pub fn scoped(
    filter: Filter,
    fields: &Fields,
    teams: &str,
    reach: &Reach,
    beyond: Option<Filter>,
) -> Filter {
    let Reach::Within(own) = reach else { return filter };
    let within = Filter::of_teams(fields, teams, own);
    match beyond.filter(|_| filter.mentions(teams)) {
        Some(beyond) => filter.and(within.or(beyond)),
        None => filter.and(within),
    }
}
