//! Pages found through the index are those that looking at everything gives, whatever is asked.

use proptest::prelude::*;
use serde_json::json;

use super::{filter::DEPTH_MAX, *};

static FIELDS: Fields = Fields {
    fields: &[
        Field { name: "id", kind: Kind::Text, ops: Op::WORDS, sortable: true },
        Field { name: "name", kind: Kind::Text, ops: Op::WORDS, sortable: true },
        Field { name: "teams", kind: Kind::Texts, ops: Op::SEVERAL, sortable: false },
        Field { name: "at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "live", kind: Kind::Bool, ops: Op::EQUAL, sortable: false },
        Field { name: "size", kind: Kind::Number, ops: Op::ORDERED, sortable: true },
    ],
    custom: true,
    custom_sortable: true,
};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    id: String,
    name: Option<String>,
    teams: Vec<String>,
    at: Option<u64>,
    live: bool,
    size: Option<i8>,
    custom: String,
}

impl Thing {
    fn facets(&self) -> Facets {
        let mut facets = Facets::of(&FIELDS)
            .text("id", &self.id)
            .texts("teams", self.teams.iter().map(String::as_str))
            .time("at", self.at.map(rolecall_protocol::id::Timestamp))
            .flag("live", self.live)
            .custom(&self.custom);
        if let Some(name) = &self.name {
            facets = facets.text("name", name);
        }
        if let Some(size) = self.size {
            facets = facets.key("size", value::Key::number(&size.into()));
        }
        facets
    }
}

fn thing(id: usize) -> Thing {
    Thing {
        id: format!("thing-{id:06}"),
        name: Some(format!("Thing number {id}")),
        teams: vec![format!("team-{}", id % 50)],
        at: Some(1000 * id as u64),
        live: id.is_multiple_of(2),
        size: None,
        custom: json!({"shelf": id % 200, "door": {"color": "red"}}).to_string(),
    }
}

fn index_of(things: &[Thing]) -> Index<Thing> {
    let mut index = Index::default();
    for thing in things {
        index.put(&thing.id, thing.clone(), thing.facets());
    }
    index
}

fn filter(text: &serde_json::Value) -> Filter {
    Filter::parse(text, &FIELDS).unwrap()
}

fn sort(text: &serde_json::Value) -> Sort {
    Sort::parse(text, &FIELDS, Sort::default()).unwrap()
}

fn first(limit: usize) -> Paging<'static> {
    Paging::Cursor { limit, from: None }
}

fn ids(page: &Page<Thing>) -> Vec<&str> {
    page.records.iter().map(|thing| thing.id.as_str()).collect()
}

// What everything gives: written a second time, on the records themselves.

fn naive(things: &[Thing], filter: &Filter, order: &[(&str, i8)]) -> Vec<Thing> {
    let mut found: Vec<Thing> =
        things.iter().filter(|thing| filter.admits(&thing.facets().finish())).cloned().collect();
    found.sort_by(|a, b| {
        let mut by = std::cmp::Ordering::Equal;
        for (field, direction) in order {
            let of = |thing: &Thing| match *field {
                "id" => Some(Sorted::Text(thing.id.clone())),
                "name" => thing.name.clone().map(Sorted::Text),
                "at" => thing.at.map(|at| Sorted::Number(i64::try_from(at).unwrap())),
                "size" => thing.size.map(|size| Sorted::Number(size.into())),
                _ => {
                    let custom: serde_json::Value = serde_json::from_str(&thing.custom).unwrap();
                    let key = |value: &serde_json::Value| match value {
                        serde_json::Value::Bool(is) => Some(Sorted::Bool(*is)),
                        serde_json::Value::Number(n) => Some(Sorted::Number(n.as_i64().unwrap())),
                        serde_json::Value::String(text) => Some(Sorted::Text(text.clone())),
                        _ => None,
                    };
                    let value = custom.get("x").unwrap_or(&serde_json::Value::Null);
                    match value {
                        serde_json::Value::Array(all) => all.iter().filter_map(key).min(),
                        one => key(one),
                    }
                }
            };
            by = by.then_with(|| match (of(a), of(b)) {
                (None, None) => std::cmp::Ordering::Equal,
                (None, _) => std::cmp::Ordering::Greater,
                (_, None) => std::cmp::Ordering::Less,
                (a, b) if *direction == 1 => a.cmp(&b),
                (a, b) => b.cmp(&a),
            });
        }
        by.then_with(|| a.id.cmp(&b.id))
    });
    found
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Sorted {
    Bool(bool),
    Number(i64),
    Text(String),
}

fn any_thing() -> impl Strategy<Value = Thing> {
    let custom = prop_oneof![
        Just("{}".to_owned()),
        (-2i8..2).prop_map(|n| json!({"x": n}).to_string()),
        "[ab]{0,2}".prop_map(|text| json!({"x": text, "y": true}).to_string()),
        prop::collection::vec("[ab]", 0..3).prop_map(|list| json!({"x": list}).to_string()),
    ];
    (
        "[a-d][a-d]{0,2}",
        prop::option::of("[ab]{1,2}( [AB]{1,2})?"),
        prop::collection::vec("[rgb]", 0..3),
        prop::option::of(0..6u64),
        any::<bool>(),
        prop::option::of(-2..3i8),
        custom,
    )
        .prop_map(|(id, name, teams, at, live, size, custom)| Thing {
            id,
            name,
            teams,
            at,
            live,
            size,
            custom,
        })
}

fn any_filter() -> impl Strategy<Value = serde_json::Value> {
    let text = |field: &'static str| {
        ("[a-d]{1,2}", 0..5usize).prop_map(move |(text, op)| match op {
            0 => json!({field: text}),
            1 => json!({field: {"$in": [text, "a", "bb"]}}),
            2 => json!({field: {"$gte": text}}),
            3 => json!({field: {"$gt": "a", "$lt": text}}),
            _ => json!({field: {"$exists": text.len() == 1}}),
        })
    };
    let time = (0..6i64, 0..4usize).prop_map(|(ms, op)| {
        let at = format!("1970-01-01T01:00:00.00{ms}+01:00");
        match op {
            0 => json!({"at": at}),
            1 => json!({"at": {"$lte": at}}),
            2 => json!({"at": {"$in": [at, null]}}),
            _ => json!({"at": {"$gt": at}}),
        }
    });
    let leaf = prop_oneof![
        Just(json!({})),
        text("id"),
        text("name"),
        text("custom.x"),
        "[a-b]{1,2}".prop_map(|text| json!({"name": {"$autocomplete": text}})),
        "[rgb]".prop_map(|team| json!({"teams": {"$contains": team}})),
        "[rgb]".prop_map(|team| json!({"teams": {"$in": [team, "b"]}})),
        Just(json!({"teams": null})),
        Just(json!({"custom.x": null})),
        Just(json!({"custom.y": true})),
        Just(json!({"custom.x": {"$in": [null, 1]}})),
        any::<bool>().prop_map(|live| json!({"live": live})),
        (-2..3i8).prop_map(|size| json!({"size": {"$gt": size}})),
        time,
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        (prop::collection::vec(inner, 1..3), any::<bool>()).prop_map(|(parts, all)| {
            if all { json!({"$and": parts}) } else { json!({"$or": parts}) }
        })
    })
}

fn any_order() -> impl Strategy<Value = Vec<(&'static str, i8)>> {
    let field = prop::sample::select(vec!["id", "name", "at", "size", "custom.x"]);
    let direction = prop::sample::select(vec![1i8, -1]);
    prop::collection::vec((field, direction), 0..3).prop_map(|order| {
        let mut known = Vec::new();
        order
            .into_iter()
            .filter(|(field, _)| {
                !known.contains(field) && {
                    known.push(*field);
                    true
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn paging_forth_and_back_gives_what_everything_gives(
        mut things in prop::collection::vec(any_thing(), 0..180),
        asked in any_filter(),
        order in any_order(),
        limit in 1..9usize,
    ) {
        things.sort_by(|a, b| a.id.cmp(&b.id));
        things.dedup_by(|a, b| a.id == b.id);
        let index = index_of(&things);
        let filter = filter(&asked);
        let listed: Vec<_> =
            order.iter().map(|(field, way)| json!({"field": field, "direction": way})).collect();
        let sort = sort(&json!(listed));
        let expected = naive(&things, &filter, &order);

        let mut forth: Vec<Page<Thing>> = Vec::new();
        loop {
            let from = forth.last().map(|page| page.next.as_deref());
            let Some(from) = from.map_or(Some(None), |next| next.map(Some)) else { break };
            let page = index.query(&filter, &sort, Paging::Cursor { limit, from }).unwrap();
            prop_assert!(page.records.len() <= limit);
            forth.push(page);
        }
        let all: Vec<Thing> = forth.iter().flat_map(|page| page.records.clone()).collect();
        prop_assert_eq!(&all, &expected);
        prop_assert!(forth.len() == expected.len().div_ceil(limit).max(1), "no empty page");
        prop_assert!(forth[0].prev.is_none());

        // And back, from the last page: the same pages.
        let mut back = forth.last().cloned();
        for there in forth.iter().rev() {
            let here = back.take().unwrap();
            prop_assert_eq!(&here.records, &there.records);
            if let Some(prev) = &here.prev {
                let paging = Paging::Cursor { limit, from: Some(prev) };
                back = Some(index.query(&filter, &sort, paging).unwrap());
            }
        }
        prop_assert!(back.is_none());

        // The same by offset, and without an index.
        let paging = Paging::Offset { limit, offset: limit };
        let page = index.query(&filter, &sort, paging).unwrap();
        let part: Vec<Thing> = expected.iter().skip(limit).take(limit).cloned().collect();
        prop_assert_eq!(&page.records, &part);
        let records = things.iter().map(|thing| (thing.id.clone(), thing.clone(), thing.facets()));
        let page = select(records, &filter, &sort, paging).unwrap();
        prop_assert_eq!(&page.records, &part);
    }

    #[test]
    fn an_index_that_changed_is_the_index_of_what_is_left(
        steps in prop::collection::vec((any_thing(), any::<bool>()), 0..60),
    ) {
        let (mut index, mut left) = (Index::default(), std::collections::BTreeMap::new());
        for (thing, put) in steps {
            if put {
                index.put(&thing.id, thing.clone(), thing.facets());
                left.insert(thing.id.clone(), thing);
            } else {
                prop_assert_eq!(index.remove(&thing.id), left.remove(&thing.id));
            }
        }
        let left: Vec<Thing> = left.into_values().collect();
        let fresh = index_of(&left);
        prop_assert!(index.is_the_same(&fresh));
        prop_assert_eq!(index.iter().cloned().collect::<Vec<_>>(), left);
    }
}

// What it costs.

/// How many entries and records the dearest page of a walk to the end looks at, of at most `pages`.
fn cost(
    things: usize,
    asked: &serde_json::Value,
    order: &serde_json::Value,
    pages: usize,
) -> usize {
    let things: Vec<Thing> = (0..things).map(thing).collect();
    let index = index_of(&things);
    let (filter, sort) = (filter(asked), sort(order));
    let (mut from, mut most) = (None, 0);
    for _ in 0..pages {
        let paging = Paging::Cursor { limit: 25, from: from.as_deref() };
        let page = index.query(&filter, &sort, paging).unwrap();
        most = most.max(page.examined);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    most
}

#[test]
fn a_page_costs_the_same_among_ten_times_as_many_records() {
    let by_time = json!([{"field": "at", "direction": -1}]);
    let queries = [
        (json!({"id": {"$in": ["thing-000001", "thing-000077"]}}), by_time.clone(), 4),
        (json!({}), by_time.clone(), 52),
        (json!({"live": true}), by_time.clone(), 160),
        (json!({}), json!([{"field": "id", "direction": 1}]), 52),
        (json!({"at": {"$lt": "1970-01-01T00:00:20Z"}}), json!([]), 40),
        (
            json!({"$or": [{"name": {"$autocomplete": "77"}}, {"id": "thing-000003"}]}),
            json!([]),
            60,
        ),
    ];
    for (asked, order, most) in queries {
        let (few, many) = (cost(400, &asked, &order, 5), cost(4000, &asked, &order, 5));
        assert!(many <= most, "{asked} {order}: {few} entries among 400, {many} among 4000");
    }
}

#[test]
fn a_page_of_what_hardly_anything_fulfils_costs_no_more_than_a_few_looks_at_everything() {
    let (many, by_time) = (4000, json!([{"field": "live", "direction": 1}]));
    assert!(Sort::parse(&by_time, &FIELDS, Sort::default()).is_err());
    let nowhere = json!({"custom.shelf": null, "live": true});
    let by_size = json!([{"field": "size", "direction": 1}, {"field": "at", "direction": 1}]);
    let worst = cost(many, &nowhere, &by_size, 1);
    assert!(worst <= 4 * many, "{worst} entries and records among {many}");
    // One of two wide conditions narrows what the other walks through.
    let narrow = json!({"teams": "team-7", "custom.shelf": {"$gt": 190}});
    let cost = cost(many, &narrow, &json!([{"field": "at", "direction": 1}]), 3);
    assert!(cost <= 400, "{cost} entries and records among {many}");
}

#[test]
fn a_group_of_thousands_is_walked_by_the_next_field() {
    let order =
        json!([{"field": "custom.door.color", "direction": 1}, {"field": "at", "direction": -1}]);
    let (few, many) = (cost(400, &json!({}), &order, 3), cost(4000, &json!({}), &order, 3));
    assert!(many < 800, "{few} entries and records among 400, {many} among 4000");
}

// Cursors.

#[test]
fn a_cursor_stays_good_when_records_come_and_go() {
    let things: Vec<Thing> = (0..30).map(thing).collect();
    let mut index = index_of(&things);
    let (all, by_time) = (filter(&json!({})), sort(&json!([{"field": "at", "direction": 1}])));
    let page = index.query(&all, &by_time, first(10)).unwrap();
    let next = page.next.unwrap();
    // The record beside the gap goes, two come around it.
    index.remove(&things[9].id);
    index.remove(&things[10].id);
    for (id, at) in [(100, 8_500), (101, 9_500)] {
        let new = Thing { at: Some(at), ..thing(id) };
        index.put(&new.id.clone(), new.clone(), new.facets());
    }
    let paging = Paging::Cursor { limit: 3, from: Some(&next) };
    let page = index.query(&all, &by_time, paging).unwrap();
    assert_eq!(ids(&page), ["thing-000101", "thing-000011", "thing-000012"]);
    let prev = page.prev.unwrap();
    let paging = Paging::Cursor { limit: 2, from: Some(&prev) };
    let page = index.query(&all, &by_time, paging).unwrap();
    assert_eq!(ids(&page), ["thing-000008", "thing-000100"]);
    // All of what a cursor led to goes: an empty page, and from there the way back.
    for thing in &things[9..] {
        index.remove(&thing.id);
    }
    index.remove("thing-000101");
    let paging = Paging::Cursor { limit: 3, from: Some(&next) };
    let page = index.query(&all, &by_time, paging).unwrap();
    assert!(page.records.is_empty() && page.next.is_none());
    let paging = Paging::Cursor { limit: 1, from: page.prev.as_deref() };
    assert_eq!(ids(&index.query(&all, &by_time, paging).unwrap()), ["thing-000100"]);
}

#[test]
fn a_cursor_is_good_for_its_own_query_only() {
    let things: Vec<Thing> = (0..30).map(thing).collect();
    let index = index_of(&things);
    let (one, other) = (filter(&json!({"live": true})), filter(&json!({"live": false})));
    let (by_time, by_id) = (
        sort(&json!([{"field": "at", "direction": 1}])),
        sort(&json!([{"field": "id", "direction": 1}])),
    );
    let next = index.query(&one, &by_time, first(2)).unwrap().next.unwrap();
    let paging = Paging::Cursor { limit: 2, from: Some(&next) };
    assert!(index.query(&one, &by_time, paging).is_ok());
    for (filter, sort) in [(&other, &by_time), (&one, &by_id)] {
        let error = index.query(filter, sort, paging).unwrap_err();
        assert_eq!(error.to_string(), "belongs to a query with another filter or sort");
    }
    for bad in ["", "x", "bm90IG9uZQ", &next[1..], &"A".repeat(cursor::CURSOR_BYTES_MAX + 1)] {
        let paging = Paging::Cursor { limit: 2, from: Some(bad) };
        let error = index.query(&one, &by_time, paging).unwrap_err();
        assert_eq!(error.to_string(), "is not a cursor of this server");
    }
    // The same filter written in another order is the same filter.
    let (ab, ba) =
        (json!({"$and": [{"live": true}, {"id": "a"}]}), json!({"id": "a", "live": true}));
    assert_eq!(filter(&ab), filter(&ba));
}

#[test]
fn pages_and_offsets_are_bounded() {
    let index = index_of(&[]);
    let (all, order) = (Filter::everything(), Sort::default());
    let ask = |paging| index.query(&all, &order, paging).map(|page| page.records.len());
    assert_eq!(ask(first(PAGE_MAX)), Ok(0));
    assert!(ask(first(PAGE_MAX + 1)).unwrap_err().to_string().contains("at most 100"));
    assert_eq!(ask(Paging::Offset { limit: 0, offset: OFFSET_MAX }), Ok(0));
    assert!(ask(Paging::Offset { limit: 1, offset: OFFSET_MAX + 1 }).is_err());
}

// What is refused, and how.

#[test]
fn what_is_not_known_is_refused_by_its_name() {
    let known = "known: `id`, `name`, `teams`, `at`, `live`, `size`, `custom.<path>`";
    let long = "x".repeat(300);
    let many: Vec<usize> = (0..1001).collect();
    let table = [
        (json!([]), "a filter is an object".to_owned()),
        (json!({"colour": 1}), format!("unknown field `colour`; {known}")),
        (json!({"custom": {"x": 1}}), format!("unknown field `custom`; {known}")),
        (json!({"$nor": [{"id": "a"}]}), "unknown operator `$nor`; known: `$and`, `$or`".into()),
        (
            json!({"live": {"$ne": true}}),
            "`live`: unknown operator `$ne`; known here: `$eq`".into(),
        ),
        (
            json!({"$or": [{"id": "a"}, {"$and": [{"id": 1}]}]}),
            "`$or.1.$and.0.id`: must be a text".into(),
        ),
        (json!({"$or": []}), "`$or` needs a part".into()),
        (json!({"$and": {"id": "a"}}), "`$and`: must be a list of filters".into()),
        (json!({"$and": [1]}), "`$and.0`: a filter is an object".into()),
        (json!({"at": 1_700_000_000}), "`at`: must be a time like `2026-01-31T09:30:00Z`".into()),
        (json!({"at": "yesterday"}), "`at`: must be a time like `2026-01-31T09:30:00Z`".into()),
        (json!({"at": {"$gt": null}}), "`at.$gt`: must not be null".into()),
        (json!({"live": "yes"}), "`live`: must be true or false".into()),
        (json!({"size": {"$gte": "3"}}), "`size.$gte`: must be a number".into()),
        (json!({"name": {"$exists": 1}}), "`name.$exists`: must be true or false".into()),
        (json!({"name": {"$autocomplete": 1}}), "`name.$autocomplete`: must be a text".into()),
        (json!({"name": ["a"]}), "`name`: must be a text".into()),
        (json!({"name": {"$in": "a"}}), "`name.$in`: must be a list".into()),
        (json!({"name": {"$in": ["a", 1]}}), "`name.$in.1`: must be a text".into()),
        (json!({"name": long}), "`name`: longer than 256 characters".into()),
        (json!({"custom.x": {"$in": many}}), "`custom.x.$in`: more than 1000 values".into()),
        (json!({"custom.x": {"$gt": true}}), "`custom.x.$gt`: must be a number or a text".into()),
        (json!({"custom.x": [1]}), "`custom.x`: must be a text, a number, true or false".into()),
    ];
    for (asked, expected) in table {
        let error = Filter::parse(&asked, &FIELDS).expect_err(&asked.to_string());
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_filter_is_bounded_in_depth_and_number() {
    let nested = |depth| (0..depth).fold(json!({"id": "a"}), |inner, _| json!({"$or": [inner]}));
    assert!(Filter::parse(&nested(DEPTH_MAX), &FIELDS).is_ok());
    let error = Filter::parse(&nested(DEPTH_MAX + 1), &FIELDS).unwrap_err();
    assert!(error.to_string().ends_with("nested deeper than 8"), "{error}");
    for part in [json!({"id": "a"}), json!({})] {
        let wide = json!({"$or": vec![part; filter::CONDITIONS_MAX + 1]});
        let error = Filter::parse(&wide, &FIELDS).unwrap_err();
        assert!(error.to_string().ends_with("more than 100 conditions"), "{error}");
    }
}

#[test]
fn a_field_is_mentioned_wherever_it_stands_and_with_no_condition_too() {
    let table = [
        (json!(null), false),
        (json!({"name": "teams"}), false),
        (json!({"teams": {}}), true),
        (json!({"teams": null}), true),
        (json!({"$or": [{"name": "a"}, {"$and": [{"teams": {"$in": ["a"]}}]}]}), true),
    ];
    for (asked, expected) in table {
        assert_eq!(filter(&asked).mentions("teams"), expected, "{asked}");
    }
    let open = filter(&json!({"teams": {}}));
    assert!(thing(1).facets().finish().len() > 3 && open.admits(&thing(1).facets().finish()));
}

#[test]
fn conditions_mean_what_they_say() {
    let mut it = thing(7);
    it.custom = json!({"tags": ["a", "c"], "n": 5, "when": {"day": "mon"}, "big": "y".repeat(999)})
        .to_string();
    let facets = it.facets().finish();
    let table = [
        (json!({"name": {"$autocomplete": "NUM thing"}}), true),
        (json!({"name": {"$autocomplete": "umber"}}), false),
        (json!({"name": {"$autocomplete": ""}}), true),
        (json!({"name": "thing number 7"}), false),
        (json!({"at": "1970-01-01T00:00:07Z"}), true),
        (json!({"at": "1970-01-01T02:00:07.000+02:00"}), true),
        (json!({"at": "1970-01-01T00:00:07.0000001Z"}), false),
        (json!({"at": {"$gte": "1970-01-01T00:00:07.0000001Z"}}), false),
        (json!({"at": {"$lt": "1970-01-01T00:00:07.0000001Z"}}), true),
        (json!({"at": {"$gt": "1970-01-01T00:00:06Z", "$lt": "1970-01-01T00:00:07Z"}}), false),
        (json!({"at": {"$exists": true}, "size": {"$exists": false}}), true),
        (json!({"teams": {"$in": []}}), false),
        (json!({"teams": {"$in": ["team-7", null]}}), true),
        (json!({"custom.tags": {"$contains": "c"}}), true),
        (json!({"custom.tags": "a", "custom.n": {"$gt": 4.5, "$lte": 5}}), true),
        // Of one object all is asked of one value; "b" would be between "a" and "c".
        (json!({"custom.tags": {"$gt": "a", "$lt": "c"}}), false),
        (json!({"custom.n": {"$gt": "4"}}), false),
        (json!({"custom.when.day": "mon"}), true),
        (json!({"custom.when": {"$exists": true}}), false),
        (json!({"custom.big": {"$exists": true}}), true),
        (json!({"custom.big": "y".repeat(256)}), false),
        (json!({"live": {"$eq": false}}), true),
    ];
    for (asked, expected) in table {
        assert_eq!(filter(&asked).admits(&facets), expected, "{asked}");
    }
}

#[test]
fn a_sort_is_read_or_refused_by_name() {
    let table = [
        (json!({}), "a sort is a list of `{field, direction}`"),
        (json!(["at"]), "`0`: must be `{field, direction}`"),
        (json!([{"field": "at", "direction": 2}]), "`0.direction`: must be 1 or -1"),
        (
            json!([{"field": "at", "type": "date"}]),
            "`0.type`: must be `string`, `number` or `boolean`",
        ),
        (json!([{"field": "at"}, {"direction": 1}]), "`1.field`: must be the name of a field"),
        (
            json!([{"field": "at", "order": "x"}]),
            "`0`: unknown key `order`; known: `field`, `direction`",
        ),
        (
            json!([{"field": "teams", "direction": 1}]),
            "`0.field`: cannot sort by `teams`; known: `id`, `name`, `at`, `size`, `custom.<path>`",
        ),
        (json!(vec![json!({"field": "at"}); 11]), "more than 10 fields"),
    ];
    for (asked, expected) in table {
        let error = Sort::parse(&asked, &FIELDS, Sort::default()).expect_err(&asked.to_string());
        assert_eq!(error.to_string(), expected);
    }
    let default = Sort::by(&FIELDS, &[("at", Direction::Descending)]);
    for none in [json!(null), json!([])] {
        assert_eq!(Sort::parse(&none, &FIELDS, default.clone()), Ok(default.clone()));
    }
    for of in [json!(null), json!(""), json!("number")] {
        assert_eq!(sort(&json!([{"field": "at", "direction": -1, "type": of}])), default);
    }
}

#[test]
fn the_teamless_are_of_no_team_and_teams_of_theirs() {
    let team = |name: &str| rolecall_protocol::id::TeamId::parse(name).unwrap();
    let (red, none) =
        (Filter::of_teams(&FIELDS, "teams", &[team("red")].into()), Default::default());
    let teamless = Filter::of_teams(&FIELDS, "teams", &none);
    let of = |teams: &[&str]| {
        let teams = teams.iter().map(|&team| team.to_owned()).collect();
        Thing { teams, ..thing(1) }.facets().finish()
    };
    assert!(
        red.admits(&of(&["blue", "red"])) && !red.admits(&of(&["blue"])) && !red.admits(&of(&[]))
    );
    assert!(teamless.admits(&of(&[])) && !teamless.admits(&of(&["red"])));
    // A field that is not there admits nobody.
    assert!(!Filter::flag(&FIELDS, "gone", true).admits(&of(&[])));
}
