//! Random walks: anybody asks anything of the Directory, and what was committed always replays and
//! restores to what is. The house checks each step; a walk that falls is shrunk by proptest.

use proptest::prelude::*;
use rolecall_protocol::directory::{Actor, Command, user::Ban};
use serde_json::{Value, json};

use crate::house::{House, app, call_type, create, ids, input, patch, role, update, upsert, user};

const USERS: &[&str] = &["ann", "bo", "cy", "dee"];
const ROLES: &[&str] = &["user", "admin", "nurse", "cook", "pilot", "speaker"];
const TYPES: &[&str] = &["default", "stage", "ward", "kitchen"];
const TEAMS: &[&str] = &["red", "blue"];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(64, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn walks(steps in proptest::collection::vec(any::<[u8; 5]>(), 1..120)) {
        let mut house = House::new();
        house.now.users_max = 3;
        let mut refused = 0;
        for step in &steps {
            let (actor, command) = asked(&house, *step);
            let before = house.now.clone();
            if house.ask(&actor, command).is_err() {
                refused += 1;
                prop_assert_eq!(&house.now, &before, "a refusal changes nothing");
            }
            prop_assert!(house.now.users.len() <= 3);
        }
        prop_assert!(refused + house.records.len() <= steps.len());
        house.now.users_max = rolecall_protocol::directory::state::USERS_MAX;
        house.restarted();
    }
}

fn pick<'a>(from: &[&'a str], by: u8) -> &'a str {
    from[usize::from(by) % from.len()]
}

/// What these numbers ask, and of whom.
fn asked(house: &House, [who, what, a, b, c]: [u8; 5]) -> (Actor, Command) {
    let actor = match who % 8 {
        0 => Actor::User(user(pick(USERS, a))),
        1 => Actor::Nobody,
        2 => Actor::Timer,
        _ => Actor::Server,
    };
    let id = pick(USERS, a);
    let command = match what % 20 {
        0..3 => upsert(id, fields(b, c)),
        3..5 => patch(id, fields(b, c), &[pick(&["name", "role", "teams", "x", "teams_role"], c)]),
        5 => Command::CreateGuest { user: Box::new(input(id, json!({}))) },
        6 => Command::DeactivateUsers { ids: ids(&[id]) },
        7 => Command::ReactivateUsers { ids: ids(&[id]) },
        8 => Command::DeleteUsers { ids: ids(&[id]), hard: b % 2 == 0 },
        9 => Command::RestoreUsers { ids: ids(&[id]) },
        10 => {
            let until = (b % 2 == 0).then(|| house.at.plus(u64::from(c) * 50));
            Command::BanUser { id: user(id), ban: Box::new(Ban { until, ..Ban::default() }) }
        }
        11 => Command::UnbanUser { id: user(id) },
        12 => Command::TouchUser { id: user(id) },
        13 => Command::CreateRole { name: role(pick(ROLES, b)) },
        14 => Command::DeleteRole { name: role(pick(ROLES, b)) },
        15 => create(pick(TYPES, a), written(b, c)),
        16 => update(pick(TYPES, a), written(b, c)),
        17 => Command::DeleteCallType { name: call_type(pick(TYPES, a)) },
        18 => Command::Tick,
        _ => app(json!({
            "multi_tenant_enabled": a % 2 == 0,
            "guest_user_creation_disabled": b % 4 == 0,
            "grants": {pick(ROLES, b): if c % 2 == 0 { json!([]) } else { json!(["ban-user"]) }},
        })),
    };
    (actor, command)
}

fn fields(a: u8, b: u8) -> Value {
    match a % 5 {
        0 => json!({"name": pick(ROLES, b)}),
        1 => json!({"role": pick(ROLES, b)}),
        2 => json!({"teams": [pick(TEAMS, b)]}),
        3 => json!({"teams_role": {pick(TEAMS, b): pick(ROLES, a)}}),
        _ => json!({"custom": {"x": b}, "role": pick(ROLES, b)}),
    }
}

fn written(a: u8, b: u8) -> Value {
    match a % 6 {
        0 => json!({"grants": {pick(ROLES, b): ["join-call", "send-audio-owner"]}}),
        1 => json!({"grants": {pick(ROLES, b): []}}),
        2 => json!({"grants": null}),
        3 => json!({"settings": {"video": {"enabled": b.is_multiple_of(2)}}}),
        4 => json!({"roles": {pick(ROLES, b): {"canSend": true}}, "default_role": pick(ROLES, b)}),
        _ => json!({"open": b.is_multiple_of(2), "external_storage": pick(ROLES, b)}),
    }
}
