//! The index of calls says what was published last, to whoever reaches it.

use rolecall_protocol::{
    call_type::builtin,
    id::{CallTypeName, Cid, TeamId, Timestamp, UserId},
    json::Metadata,
    room::{Room, member::Member, people::Doer, state::Ended},
    team::Reach,
};
use serde_json::json;

use super::*;
use crate::query::Direction;

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn cid(name: &str) -> Cid {
    Cid::parse(name, &CallTypeName::parse("default").unwrap()).unwrap()
}

fn team(name: &str) -> TeamId {
    TeamId::parse(name).unwrap()
}

fn within(names: &[&str]) -> Reach {
    Reach::Within(names.iter().map(|name| team(name)).collect())
}

/// A call created at that second.
fn call(name: &str, at: u64) -> Room {
    let cid = cid(name);
    let call_type = builtin::all().remove(cid.call_type()).unwrap();
    let mut room = Room::vacant(cid, call_type);
    room.created_at = Some(Timestamp(at * 1000));
    room.updated_at = room.created_at;
    room
}

fn of_team(name: &str, at: u64, of: &str) -> Room {
    Room { team: Some(team(of)), ..call(name, at) }
}

fn member(role: Option<&str>, at: u64) -> Member {
    let role = role.map(|role| role.parse().unwrap());
    let at = Timestamp(at * 1000);
    Member { role, custom: Metadata::empty_object(), created_at: at, updated_at: at }
}

fn asked(calls: &CallIndex, filter: &serde_json::Value, reach: &Reach) -> Vec<String> {
    let filter = Filter::parse(filter, &CALL_FIELDS).unwrap();
    let paging = Paging::Cursor { limit: 25, from: None };
    let page = calls.query(filter, &default_call_sort(), paging, reach, None, |_| true).unwrap();
    page.records.iter().map(|card| card.room.cid.to_string()).collect()
}

fn everywhere(calls: &CallIndex, filter: &serde_json::Value) -> Vec<String> {
    asked(calls, filter, &Reach::Everywhere)
}

#[test]
fn calls_are_found_by_every_field_the_newest_first() {
    let calls = CallIndex::default();
    let mut standup = call("default:standup", 3);
    standup.created_by = Some(user("ann"));
    standup.custom = Metadata::new(&json!({"topic": {"name": "plans"}, "size": 3})).unwrap();
    standup.members.insert(user("ann"), member(Some("host"), 3));
    standup.members.insert(user("bob"), member(None, 3));
    let mut show = of_team("livestream:show", 2, "red");
    show.backstage = true;
    show.starts_at = Some(Timestamp(9000));
    show.ended = Some(Ended { at: Timestamp(5000), by: Doer::Server, reason: None });
    calls.place(standup, [user("bob")]);
    calls.place(show, []);
    calls.place(call("default:late", 7), []);
    let all = ["default:late", "default:standup", "livestream:show"];
    assert_eq!(everywhere(&calls, &json!({})), all);
    let table = [
        (json!({"id": "standup"}), &all[1..2]),
        (json!({"cid": {"$in": ["livestream:show", "default:standup"]}}), &all[1..]),
        (json!({"type": {"$lt": "e"}}), &all[..2]),
        (json!({"team": "red"}), &all[2..]),
        (json!({"team": null}), &all[..2]),
        (json!({"team": {"$exists": true}}), &all[2..]),
        (json!({"created_by_user_id": "ann"}), &all[1..2]),
        (json!({"created_at": {"$gte": "1970-01-01T00:00:03Z"}}), &all[..2]),
        (json!({"updated_at": "1970-01-01T00:00:02Z"}), &all[2..]),
        (json!({"starts_at": {"$gt": "1970-01-01T00:00:08Z"}}), &all[2..]),
        (json!({"ended_at": null}), &all[..2]),
        (json!({"backstage": true}), &all[2..]),
        (json!({"ongoing": {"$eq": true}}), &all[1..2]),
        (json!({"members": {"$in": ["bob", "eve"]}}), &all[1..2]),
        (json!({"members": "eve"}), &all[..0]),
        (json!({"custom.topic.name": "plans", "custom.size": {"$gt": 2}}), &all[1..2]),
        (json!({"$or": [{"id": "late"}, {"team": "red"}]}), &[all[0], all[2]][..]),
    ];
    for (filter, expected) in table {
        assert_eq!(everywhere(&calls, &filter), expected, "{filter}");
    }
    let error = Filter::parse(&json!({"session": 1}), &CALL_FIELDS).unwrap_err().to_string();
    assert!(error.starts_with("unknown field `session`; known: `id`, `cid`,"), "{error}");
    let error = Filter::parse(&json!({"id": {"$autocomplete": "s"}}), &CALL_FIELDS).unwrap_err();
    assert!(error.to_string().contains("unknown operator `$autocomplete`"), "{error}");
}

#[test]
fn no_filter_widens_what_a_team_sees() {
    let calls = CallIndex::default();
    calls.place(of_team("default:red", 3, "red"), []);
    calls.place(of_team("livestream:blue", 2, "blue"), []);
    calls.place(call("default:open", 1), []);
    let filters = [
        json!({}),
        json!(null),
        json!({"team": {}}),
        json!({"team": {"$in": ["red", "blue", null]}}),
        json!({"$or": [{"team": "blue"}, {"team": {"$exists": false}}, {"team": "red"}]}),
        json!({"$and": [{"team": {"$exists": true}}, {"$or": [{"team": {}}, {"id": "blue"}]}]}),
    ];
    for filter in &filters {
        let red = asked(&calls, filter, &within(&["red"]));
        assert!(red.iter().all(|cid| cid == "default:red"), "{filter}: {red:?}");
        let teamless = asked(&calls, filter, &within(&[]));
        assert!(teamless.iter().all(|cid| cid == "default:open"), "{filter}: {teamless:?}");
    }
    assert_eq!(
        asked(&calls, &json!({}), &within(&["red", "blue"])),
        ["default:red", "livestream:blue"]
    );
    assert_eq!(asked(&calls, &json!({"team": {}}), &within(&["red"])), ["default:red"]);
    assert_eq!(everywhere(&calls, &json!({})).len(), 3);

    // A grant for any team lets through what it is for, and only where teams are spoken of.
    let with_grant = |filter: &serde_json::Value| {
        let filter = Filter::parse(filter, &CALL_FIELDS).unwrap();
        let beyond = Filter::one_of(&CALL_FIELDS, "type", ["livestream"]);
        let paging = Paging::Cursor { limit: 25, from: None };
        let sort = default_call_sort();
        let reach = within(&["red"]);
        let page = calls.query(filter, &sort, paging, &reach, Some(beyond), |_| true).unwrap();
        page.records.iter().map(|card| card.room.cid.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(with_grant(&json!({})), ["default:red"]);
    assert_eq!(with_grant(&json!({"team": {}})), ["default:red", "livestream:blue"]);
    assert_eq!(with_grant(&json!({"team": "blue"})), ["livestream:blue"]);
}

#[test]
fn what_may_not_be_seen_leaves_no_hole_in_a_page() {
    let calls = CallIndex::default();
    for at in 0..40 {
        calls.place(call(&format!("default:{at:02}"), at), []);
    }
    let even = |card: &Card| card.room.created_at.is_some_and(|at| at.0.is_multiple_of(2000));
    let (sort, mut from, mut pages) = (default_call_sort(), None::<String>, Vec::new());
    loop {
        let paging = Paging::Cursor { limit: 6, from: from.as_deref() };
        let filter = Filter::everything();
        let page = calls.query(filter, &sort, paging, &Reach::Everywhere, None, even).unwrap();
        pages.push(
            page.records.iter().map(|card| card.room.cid.id().to_owned()).collect::<Vec<_>>(),
        );
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6, 6, 2]);
    assert_eq!((pages[0][0].as_str(), pages[3][1].as_str()), ("38", "00"));
}

#[test]
fn who_is_in_a_call_is_known_and_makes_it_ongoing() {
    let calls = CallIndex::default();
    let (a, b) = (cid("default:a"), cid("default:b"));
    calls.place(call("default:a", 1), []);
    calls.place(call("default:b", 2), [user("ann")]);
    let ongoing = || everywhere(&calls, &json!({"ongoing": true}));
    let moved = |cid: &Cid, name: &str, here| {
        calls.change(cid, Change { card: None, present: vec![(user(name), here)] });
    };
    assert_eq!(ongoing(), ["default:b"]);
    moved(&a, "ann", true);
    moved(&a, "bob", true);
    assert_eq!(ongoing(), ["default:b", "default:a"]);
    assert_eq!(calls.rooms_of_user(&user("ann")), [a.clone(), b.clone()]);
    assert_eq!(calls.get(&a).unwrap().present.len(), 2);
    moved(&a, "ann", false);
    assert_eq!(calls.rooms_of_user(&user("ann")), std::slice::from_ref(&b));
    assert_eq!(ongoing().len(), 2);
    moved(&a, "bob", false);
    assert_eq!(ongoing(), ["default:b"]);
    // A card published anew says who is in it; what was said of others is gone.
    calls.place(call("default:b", 2), [user("eve")]);
    assert!(calls.rooms_of_user(&user("ann")).is_empty());
    assert_eq!(calls.rooms_of_user(&user("eve")), [b]);
    // One whose name is the beginning of another's is somebody else.
    assert!(calls.rooms_of_user(&user("ev")).is_empty());
}

#[test]
fn a_call_that_is_no_more_is_forgotten_and_types_keep_apart() {
    let calls = CallIndex::default();
    for name in ["default:a", "default:b", "livestream:a"] {
        calls.place(call(name, 1), [user("ann")]);
    }
    let default = CallTypeName::parse("default").unwrap();
    assert_eq!(calls.rooms_of_type(&default), [cid("default:a"), cid("default:b")]);
    calls.forget(&cid("default:a"));
    let gone = Room { created_at: None, ..call("default:b", 1) };
    calls.change(&gone.cid.clone(), Change { card: Some(gone), present: vec![] });
    assert!(calls.rooms_of_type(&default).is_empty());
    assert_eq!(calls.rooms_of_user(&user("ann")), [cid("livestream:a")]);
    calls.place(Room { created_at: None, ..call("livestream:a", 1) }, []);
    assert!(calls.is_empty() && calls.rooms_of_user(&user("ann")).is_empty());
    // Somebody leaving what is not there any more is nothing.
    calls.change(&cid("default:a"), Change { card: None, present: vec![(user("ann"), false)] });
    assert!(calls.is_empty());
}

#[test]
fn a_reader_keeps_what_it_began_with() {
    let calls = CallIndex::default();
    calls.place(call("default:a", 1), []);
    let before = calls.read();
    calls.place(call("default:b", 2), []);
    assert_eq!((before.cards.len(), calls.len()), (1, 2));
}

#[test]
fn members_are_found_by_role_and_data() {
    let mut room = call("default:a", 1);
    for (name, role, at) in
        [("ann", Some("host"), 3), ("bob", None, 5), ("eve", Some("call_member"), 4)]
    {
        room.members.insert(user(name), member(role, at));
    }
    room.members.get_mut(&user("bob")).unwrap().custom =
        Metadata::new(&json!({"desk": 7})).unwrap();
    let ask = |filter: serde_json::Value, sort: &Sort, from: Option<&str>| {
        let filter = Filter::parse(&filter, &MEMBER_FIELDS).unwrap();
        let page = members(&room, &filter, sort, Paging::Cursor { limit: 2, from }).unwrap();
        let names = page.records.iter().map(|user| user.to_string()).collect::<Vec<_>>().join(" ");
        (names, page.next, page.prev)
    };
    let newest = default_member_sort();
    let (names, next, prev) = ask(json!({}), &newest, None);
    assert_eq!((names.as_str(), prev), ("bob eve", None));
    let (names, next, prev) = ask(json!({}), &newest, next.as_deref());
    assert_eq!((names.as_str(), next), ("ann", None));
    assert_eq!(ask(json!({}), &newest, prev.as_deref()).0, "bob eve");
    let by_name = Sort::by(&MEMBER_FIELDS, &[("user_id", Direction::Descending)]);
    assert_eq!(ask(json!({"role": "call_member"}), &by_name, None).0, "eve bob");
    assert_eq!(ask(json!({"custom.desk": {"$gte": 7}}), &by_name, None).0, "bob");
    assert_eq!(ask(json!({"user_id": {"$in": ["ann", "zoe"]}}), &by_name, None).0, "ann");
    assert!(Filter::parse(&json!({"name": "ann"}), &MEMBER_FIELDS).is_err());
}

#[test]
fn a_sleeping_call_follows_its_type() {
    let calls = CallIndex::default();
    calls.place(call("default:a", 1), [user("bob")]);
    calls.place(call("livestream:b", 1), []);
    let mut other = (*builtin::all()["default"]).clone();
    other.settings.video = false;
    let other = Arc::new(other);
    calls.follow(&calls.rooms_of_type(&other.name), &other);
    let card = calls.get(&cid("default:a")).unwrap();
    assert!(Arc::ptr_eq(&card.room.call_type, &other) && !card.room.settings.video);
    assert_eq!(card.room.created_at, Some(Timestamp(1000)));
    assert!(card.present.contains(&user("bob")));
    assert!(calls.get(&cid("livestream:b")).unwrap().room.settings.video);
}
