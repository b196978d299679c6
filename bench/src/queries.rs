//! What a page of users or calls costs, among ever more of them: in this process, without a server.

use std::{collections::BTreeMap, hint::black_box, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;
use rolecall::{
    calls::{CALL_FIELDS, CallIndex, default_call_sort},
    directory::{UserIndex, users::USERS},
    query::{Fields, Filter, Page, Paging, Sort},
};
use rolecall_protocol::{
    call_type::{CallType, builtin},
    directory::{Directory, User},
    id::{CallTypeName, Cid, TeamId, Timestamp, UserId},
    json::Metadata,
    room::{
        Room,
        member::{Member, call_member},
    },
    team::Reach,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{median, say};

/// Records of a page.
const LIMIT: usize = 25;
/// Where something leads the way, a page may look at so many times as much among ten times as many.
const LOOKS_RATIO_MAX: f64 = 2.0;
/// Up to so many looks are always good: few records that fulfil a condition are collected.
const LOOKS_ALWAYS: usize = 20 * LIMIT;
/// Teams among which users and calls are spread.
const TEAMS: usize = 50;

#[derive(Args, Debug)]
pub(crate) struct QueriesArgs {
    /// The most users; a tenth and a hundredth of them are measured, too
    #[arg(long, default_value_t = 100_000)]
    users: usize,
    /// The most calls
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// How often each page is asked for
    #[arg(long, default_value_t = 51)]
    times: usize,
}

/// One question.
struct Question {
    name: &'static str,
    filter: Value,
    sort: Value,
    /// Which page: so many `next`s behind the first.
    page: usize,
    /// Whether something leads the way to what is asked for.
    led: bool,
}

/// What one page cost.
struct Cost {
    micros: f64,
    looks: usize,
    found: usize,
}

/// Whether no page that something leads the way to looks at much more among many than among few.
pub(crate) fn run(args: &QueriesArgs) -> Result<bool> {
    say(&format!("queries: a page of {LIMIT}, in microseconds (entries and records looked at)"));
    let users = table("users", args.users, args.times, &user_questions(), |many| {
        let before = resident()?;
        let index = UserIndex::of(&directory(many)?);
        let bytes = resident()?.saturating_sub(before);
        let ask = move |question: &Question, from: Option<&str>| {
            let (filter, sort) = read(question, &USERS, UserIndex::default_sort())?;
            let begun = Instant::now();
            let page = index.query(filter, &sort, paging(from), false)?;
            Ok((begun.elapsed(), emptied(page)))
        };
        Ok((Box::new(ask), bytes))
    })?;
    let calls = table("calls", args.calls, args.times, &call_questions(), |many| {
        let before = resident()?;
        let index = CallIndex::default();
        let call_types = builtin::all();
        for at in 0..many {
            index.publish(&call(at, &call_types)?);
        }
        let bytes = resident()?.saturating_sub(before);
        let ask = move |question: &Question, from: Option<&str>| {
            let (filter, sort) = read(question, &CALL_FIELDS, default_call_sort())?;
            let begun = Instant::now();
            let all = Reach::Everywhere;
            let page = index.query(filter, &sort, paging(from), &all, None, |_| true)?;
            Ok((begun.elapsed(), emptied(page)))
        };
        Ok((Box::new(ask), bytes))
    })?;
    Ok(users && calls)
}

/// Asks for a page, and says how long that took.
type Asking = Box<dyn Fn(&Question, Option<&str>) -> Result<(Duration, Page<()>)>>;

fn table(
    what: &str,
    most: usize,
    times: usize,
    questions: &[Question],
    build: impl Fn(usize) -> Result<(Asking, usize)>,
) -> Result<bool> {
    let sizes = [most / 100, most / 10, most];
    let mut costs: Vec<Vec<Cost>> = questions.iter().map(|_| Vec::new()).collect();
    let mut memory = 0;
    for many in sizes {
        let (asking, bytes) = build(many)?;
        memory = bytes / many.max(1);
        for (question, costs) in questions.iter().zip(&mut costs) {
            costs.push(cost(&asking, question, times).context(question.name)?);
        }
    }
    let [few, some, many] = sizes;
    say(&format!(
        "\n| {what} | {few} | {some} | {many} | ratio of times | of looks | found |\n|---|--:|--:|--:|--:|--:|--:|"
    ));
    let mut good = true;
    for (question, costs) in questions.iter().zip(&costs) {
        let [few, some, many] = costs.as_slice() else { continue };
        let looks = many.looks as f64 / some.looks.max(1) as f64;
        good &= !question.led || looks <= LOOKS_RATIO_MAX || many.looks <= LOOKS_ALWAYS;
        let cell = |cost: &Cost| format!("{:.0} ({})", cost.micros, cost.looks);
        let times = format!("{:.1}, {:.1}", some.micros / few.micros, many.micros / some.micros);
        say(&format!(
            "| {} | {} | {} | {} | {times} | {looks:.1} | {} |",
            question.name,
            cell(few),
            cell(some),
            cell(many),
            many.found
        ));
    }
    say(&format!("\nmemory of one of {most} {what} and its place in the index: {memory} bytes"));
    Ok(good)
}

fn cost(asking: &Asking, question: &Question, times: usize) -> Result<Cost> {
    let mut from = None;
    for _ in 0..question.page {
        let (_, page) = asking(question, from.as_deref())?;
        match page.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    let (mut taken, mut looks, mut found) = (Vec::new(), 0, 0);
    for _ in 0..times.max(1) {
        let (took, page) = black_box(asking(question, from.as_deref())?);
        taken.push(took.as_secs_f64() * 1e6);
        (looks, found) = (page.examined, page.records.len());
    }
    Ok(Cost { micros: median(taken), looks, found })
}

fn read(question: &Question, fields: &Fields, default: Sort) -> Result<(Filter, Sort)> {
    let filter = Filter::parse(&question.filter, fields)?;
    Ok((filter, Sort::parse(&question.sort, fields, default)?))
}

fn paging(from: Option<&str>) -> Paging<'_> {
    Paging::Cursor { limit: LIMIT, from }
}

fn emptied<R>(page: Page<R>) -> Page<()> {
    let Page { records, next, prev, examined } = page;
    Page { records: records.into_iter().map(drop).collect(), next, prev, examined }
}

fn question(name: &'static str, filter: Value, sort: Value) -> Question {
    Question { name, filter, sort, page: 0, led: true }
}

fn user_questions() -> Vec<Question> {
    let by_name = json!([{"field": "name", "direction": 1}]);
    let newest = json!([{"field": "created_at", "direction": -1}]);
    let desk =
        json!([{"field": "role", "direction": 1}, {"field": "last_active", "direction": -1}]);
    let nowhere = json!({"custom.desk": null});
    vec![
        question("two by id", json!({"id": {"$in": ["user-7", "user-77"]}}), json!([])),
        question("name begins so, few do", json!({"name": {"$autocomplete": "nr77"}}), json!([])),
        question(
            "name begins so, all do",
            json!({"name": {"$autocomplete": "us"}}),
            by_name.clone(),
        ),
        question("one team, the newest", json!({"teams": {"$in": ["team-7"]}}), newest.clone()),
        question("custom data, twenty", json!({"custom.desk": 3}), by_name.clone()),
        question("everybody by name", json!({}), by_name.clone()),
        Question { page: 30, ..question("everybody by name, page 31", json!({}), by_name) },
        question("by role, then activity", json!({}), desk),
        question(
            "either of two rare things",
            json!({"$or": [{"role": "rare"}, {"custom.desk": 3}]}),
            newest.clone(),
        ),
        Question { led: false, ..question("nobody, nothing leads there", nowhere, newest) },
    ]
}

fn call_questions() -> Vec<Question> {
    let newest = json!([{"field": "created_at", "direction": -1}]);
    let team = json!({"team": "team-7", "created_at": {"$gt": "1970-01-01T00:01:00Z"}});
    let typed =
        json!([{"field": "type", "direction": 1}, {"field": "created_at", "direction": -1}]);
    let watched: Vec<String> = (0..25).map(|at| format!("default:call-{}", at * 2)).collect();
    let nowhere = json!({"custom.floor.desk": null});
    vec![
        question("of one member, twenty", json!({"members": {"$in": ["user-3"]}}), newest.clone()),
        question("one team, since then", team, newest.clone()),
        question("custom data, twenty", json!({"custom.floor.desk": 3}), newest.clone()),
        question("25 by name", json!({"cid": {"$in": watched}}), newest.clone()),
        question("all, the newest", json!({}), newest.clone()),
        Question { page: 5, ..question("all, page 6", json!({}), newest.clone()) },
        question("by type, then age", json!({"ended_at": null}), typed),
        Question { led: false, ..question("none, nothing leads there", nowhere, newest) },
    ]
}

fn directory(many: usize) -> Result<Directory> {
    let mut directory = Directory::new();
    for at in 0..many {
        let id: UserId = format!("user-{at}").parse()?;
        let role = if at % (many / 10).max(1) == 0 { "rare" } else { ["user", "guest"][at % 2] };
        let mut user = User::new(id.clone(), role.parse()?, time(at));
        user.name = Some(format!("User nr{at}").into());
        user.teams = [team(at)?].into();
        user.last_active = Some(time(many - at));
        let language = ["en", "de"][at % 2];
        user.custom = custom(&json!({"desk": at / 20, "ui": {"language": language}}))?;
        directory.users.insert(id, Arc::new(user));
    }
    Ok(directory)
}

/// A call with three members.
fn call(at: usize, call_types: &BTreeMap<CallTypeName, Arc<CallType>>) -> Result<Room> {
    let kind = ["default", "livestream"][at % 2];
    let call_type = Arc::clone(call_types.get(kind).context("a built-in call type")?);
    let cid = Cid::new(&kind.parse()?, &format!("call-{at}"))?;
    let mut room = Room::vacant(cid, call_type);
    room.created_at = Some(time(at));
    room.updated_at = Some(time(at));
    room.team = Some(team(at)?);
    room.custom = custom(&json!({"floor": {"desk": at / 20}, "topic": "plans"}))?;
    for user in [at / 20, at + 1_000_000, at + 2_000_000] {
        let (created_at, updated_at) = (time(at), time(at));
        let (role, custom) = (Some(call_member()), Metadata::empty_object());
        let member = Member { role, custom, created_at, updated_at };
        room.members.insert(format!("user-{user}").parse()?, member);
    }
    Ok(room)
}

fn team(at: usize) -> Result<TeamId> {
    Ok(format!("team-{}", at % TEAMS).parse()?)
}

fn time(at: usize) -> Timestamp {
    Timestamp(at as u64 * 1000)
}

fn custom(value: &Value) -> Result<Metadata> {
    Metadata::new(value).map_err(anyhow::Error::msg)
}

/// Memory of this process, in bytes.
fn resident() -> Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    Ok(pages.context("no resident pages in /proc/self/statm")? * rustix::param::page_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_ten_times_as_many_a_page_looks_at_no_more() {
        assert!(run(&QueriesArgs { users: 4000, calls: 4000, times: 1 }).unwrap());
    }
}
