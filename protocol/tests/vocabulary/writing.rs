//! What somebody asks in a tongue gives what its word means, or less; what he only read and writes back
//! gives nothing. It must not look at how it is shown.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rolecall_protocol::{
    call_type::{CallType, Scope, definition::behind_flag},
    capability::{AdminGroup, Capabilities, Capability},
    dialect::stream::glimpse::words,
    grant::{Grant, Silent},
    media::{TrackKind, TrackKinds},
    permissions::{Overrides, Permissions},
    room::{
        Actor, Command, Peer,
        command::{MemberPatch, Recipient},
        request::Wanted,
    },
};
use serde_json::{Value, json};

use crate::house::{
    House, OVERRIDES, each_ann, name, odd, over_rest, peer_id, types, written, written_back,
};

const SCOPES: [Scope; 4] = [
    Scope::PLAIN,
    Scope { creator: true, foreign: false },
    Scope { creator: false, foreign: true },
    Scope { creator: true, foreign: true },
];

/// Those kinds, and the custom ones that their words give, too.
fn with_custom(kinds: TrackKinds) -> TrackKinds {
    let of = |kind, custom| {
        if kinds.contains(kind) { TrackKinds::of(&[custom]) } else { TrackKinds::NONE }
    };
    let sound = of(TrackKind::Audio, TrackKind::CustomAudio);
    kinds.union(sound).union(of(TrackKind::Video, TrackKind::CustomVideo))
}

/// Nothing is gained but what `before` had, and kinds that its words give, too.
#[track_caller]
fn no_more(after: &Permissions, before: &Permissions, of: &str) {
    let allowed = Permissions { can_send: with_custom(before.can_send), ..before.clone() };
    let more = after.capabilities.difference(before.capabilities);
    assert!(more.is_empty(), "{of} gains {more:?}");
    assert!(allowed.can_send.contains_all(after.can_send), "{of} sends {:?}", after.can_send);
    let (now, then) = (after.all_capabilities(), before.all_capabilities());
    assert!(then.contains_all(now), "{of} gains {:?}", now.difference(then));
    assert!(before.has_presence || !after.has_presence, "{of} is seen");
}

/// Nothing that `after` receives of anybody did `before` not receive.
#[track_caller]
fn receives_no_more(after: &Permissions, before: &Permissions, call_type: &CallType, of: &str) {
    for role in call_type.roles.keys() {
        for user in ["bo", "anybody"] {
            for kind in TrackKind::ALL {
                let may = |permissions: &Permissions| {
                    permissions.can_receive.allows(&peer_id(user), &name(user), role, kind, None)
                };
                assert!(!may(after) || may(before), "{of} receives {kind} of {user}, {role}");
            }
        }
    }
}

#[test]
fn a_role_of_100ms_written_back() {
    for call_type in types() {
        let mut house = House::of(&call_type);
        house.seat_owner("watcher");
        let known = house.roles_known("watcher");
        for (role, as_written) in call_type.roles.iter().filter(|(role, _)| role.as_str() != "host")
        {
            let again = written_back(&known[role.as_str()], call_type.roles.keys().cloned());
            let again = &again.roles[role];
            let of = format!("{role} of {}", call_type.name);
            for scope in SCOPES {
                let (after, before) = (again.permissions(scope), as_written.permissions(scope));
                no_more(&after, &before, &of);
                receives_no_more(&after, &before, &call_type, &of);
                for silent in Silent::ALL {
                    let more = again.permits(scope, *silent) && !as_written.permits(scope, *silent);
                    assert!(!more, "{of} gains {silent}");
                }
            }
            assert_eq!(again.max_peer_count, as_written.max_peer_count);
        }
    }
}

#[test]
fn ones_own_role_of_100ms_written_back() {
    each_ann(|house, ann| {
        let shown = house.role_known("ann", ann.role.as_str());
        let roles = house.room.call_type.roles.keys().cloned();
        let again = written_back(&shown, roles).roles[&ann.role].permissions(Scope::PLAIN);
        no_more(&again, &ann.permissions, ann.role.as_str());
    });
}

#[test]
fn grants_of_stream_written_back() {
    for call_type in types() {
        for (role, as_written) in &call_type.roles {
            let shown =
                as_written.grants_shown().into_iter().map(|text| Grant::parse(text).unwrap());
            let mut again = call_type.as_ref().clone();
            again.set_grants(role, shown.collect());
            let again = &again.roles[role];
            for scope in SCOPES {
                let (after, before) = (again.permissions(scope), as_written.permissions(scope));
                assert!(after.within(&before), "{role} of {}: {after:?}", call_type.name);
                for silent in Silent::ALL {
                    assert_eq!(again.permits(scope, *silent), as_written.permits(scope, *silent));
                }
            }
            // Presence, reception, bounds: Stream has no words for them, and they stay.
            assert_eq!(again.max_peer_count, as_written.max_peer_count);
        }
    }
}

#[test]
fn own_capabilities_written_back() {
    each_ann(|house, ann| {
        let own = house.own_capabilities("ann");
        let mut again = house.room.call_type.as_ref().clone();
        let grants = own.iter().map(|word| Grant::parse(word).unwrap());
        again.set_grants(&ann.role, grants.collect());
        let after = again.roles[&ann.role].permissions(Scope::PLAIN);
        assert_eq!(words(after.all_capabilities()), own);
        let before = Permissions { has_presence: true, ..ann.permissions.clone() };
        no_more(&after, &before, ann.role.as_str());
    });
}

/// What Daily's facade would write who read that.
fn read_in_daily(permissions: &Permissions) -> Value {
    let mut shown = serde_json::to_value(permissions).unwrap();
    shown["canReceive"].as_object_mut().unwrap().remove("byRole");
    let all = |list: &Value, of: usize| match list.as_array().unwrap().len() {
        0 => json!(false),
        whole if whole == of => json!(true),
        _ => list.clone(),
    };
    shown["canSend"] = all(&shown["canSend"], TrackKind::ALL.len());
    shown["canAdmin"] = all(&shown["canAdmin"], AdminGroup::ALL.len());
    shown
}

#[test]
fn permissions_of_daily_written_back() {
    each_ann(|house, ann| {
        let groups = AdminGroup::ALL.into_iter().map(AdminGroup::capabilities);
        let held = groups.filter(|its| {
            let part = its.intersection(ann.permissions.capabilities);
            !part.is_empty() && part != *its
        });
        let (in_part, by_role) = (held.count() > 0, &ann.permissions.can_receive.by_role);
        let mut house = house.clone();
        house.seat_owner("bo");
        let before = ann.permissions.clone();
        house.daily("bo", "ann", &read_in_daily(&before).to_string()).unwrap();
        let after = &house.peer("ann").permissions;
        assert_eq!((after.has_presence, after.can_send), (before.has_presence, before.can_send));
        no_more(after, &before, ann.role.as_str());
        if by_role.is_empty() {
            assert_eq!(after.can_receive, before.can_receive);
        }
        // None of the groups being his, `false` strips them all: what he held in part is gone.
        if !in_part || !before.can_admin().is_empty() {
            assert_eq!(after.capabilities, before.capabilities);
        }
    });
}

#[test]
fn a_base_for_everybody() {
    // His role says whom he receives by their roles; Daily, and the room's defaults, say it of all.
    let receives = |house: &House, of: &str| {
        let rule = &house.peer("bo").permissions.can_receive;
        rule.allows(&peer_id("cy"), &name("cy"), &name(of), TrackKind::Audio, None)
    };
    let mut house = House::built_in("breakout");
    house.seat_owner("ann");
    house.seat("bo", "group-1", "{}");
    let table = [
        (r#"{"canReceive":{"base":false}}"#, [false, false]),
        (r#"{"canReceive":{"byUserId":{"dee":true}}}"#, [false, false]),
        (r#"{"canReceive":{"base":true}}"#, [true, true]),
        (r#"{"canReceive":{"base":null}}"#, [true, false]),
    ];
    for (update, expected) in table {
        house.daily("ann", "bo", update).unwrap();
        assert_eq!(["group-1", "group-2"].map(|role| receives(&house, role)), expected, "{update}");
    }
    let patch = serde_json::from_str(r#"{"permissions":{"canReceive":{"base":false}}}"#).unwrap();
    house.take(Actor::Server, Command::SetAdmission { patch: Box::new(patch) }).unwrap();
    assert!(!receives(&house, "group-1"), "the room lets nobody but owners receive");
}

#[test]
fn can_admin_on_who_holds_a_part() {
    let part = Capabilities::of(&[Capability::MuteUsers]);
    let group = AdminGroup::Participants.capabilities();
    // Who asks has it whole: so has then who is given it. Groups that are not named stay as they are.
    let mut house = House::of(&odd());
    house.seat("ann", "unseen", "{}");
    house.seat("bo", "half", "{}");
    house.daily("ann", "bo", r#"{"canAdmin":["participants"]}"#).unwrap();
    assert!(house.peer("bo").permissions.capabilities.contains_all(group));
    house.daily("ann", "bo", r#"{"canAdmin":[]}"#).unwrap();
    assert!(house.peer("bo").permissions.capabilities.intersection(group).is_empty());
    house.seat("cy", "half", "{}");
    house.daily("ann", "cy", r#"{"canAdmin":null}"#).unwrap();
    assert!(house.peer("cy").permissions.capabilities.contains_all(part));
    // Who has a part of it himself gives none of it.
    house.seat("dee", "mute-hundred", "{}");
    let refused = house.daily("dee", "cy", r#"{"canAdmin":["participants"]}"#).unwrap_err();
    assert_eq!(refused.reason(), "escalation");
    let refused = house.daily("cy", "cy", r#"{"canAdmin":["participants"]}"#).unwrap_err();
    assert_eq!(refused.reason(), "not-allowed");
}

#[test]
fn can_send_true() {
    each_ann(|house, ann| {
        let mut house = house.clone();
        house.seat("bo", "host", "{}");
        if house.room.call_type.roles[&ann.role].permissions(Scope::PLAIN).can_send.is_empty() {
            return;
        }
        let before = ann.permissions.clone();
        house.daily("bo", "ann", r#"{"canSend":true}"#).unwrap();
        let after = &house.peer("ann").permissions;
        assert!(TrackKinds::ALL.contains_all(after.can_send));
        let same = Permissions { can_send: before.can_send, ..after.clone() };
        assert_eq!(same, before, "all kinds, and nothing beside them");
        // What the call's settings switch off, no word switches on.
        let off = TrackKind::ALL.into_iter().filter(|kind| {
            !house.room.settings.is_on(rolecall_protocol::call_type::Settings::of_kind(*kind))
        });
        assert!(off.into_iter().all(|kind| !after.can_send.contains(kind)));
    });
}

fn granting(user: &str, grant: &[Wanted], revoke: &[Wanted]) -> Command {
    let of = |list: &[Wanted]| list.iter().copied().collect();
    Command::GrantUser { user_id: name(user), grant: of(grant), revoke: of(revoke) }
}

#[test]
fn permissions_granted_in_stream() {
    let all = [Wanted::Presence, Wanted::Screenshare, Wanted::SendAudio, Wanted::SendVideo];
    each_ann(|house, ann| {
        for wanted in all {
            for grants in [true, false] {
                let mut there = house.clone();
                there.seat("bo", "host", "{}");
                let before = ann.permissions.clone();
                let (one, none) = ([wanted], []);
                let (grant, revoke) =
                    if grants { (&one[..], &none[..]) } else { (&none[..], &one[..]) };
                there.take(over_rest("bo"), granting("ann", grant, revoke)).unwrap();
                let after = &there.peer("ann").permissions;
                assert_eq!(Permissions { can_send: before.can_send, ..after.clone() }, before);
                let (gained, lost) = (
                    after.can_send.difference(before.can_send),
                    before.can_send.difference(after.can_send),
                );
                assert!(wanted.kinds().contains_all(gained.union(lost)), "{wanted:?}");
                assert!(if grants { lost.is_empty() } else { gained.is_empty() });
            }
        }
        // Without the right nobody gives anything, himself included.
        if !ann.holds(Capability::UpdateCallPermissions) {
            let mut there = house.clone();
            let refused = there.take(over_rest("ann"), granting("ann", &[Wanted::SendAudio], &[]));
            assert_eq!(refused.unwrap_err().reason(), "not-allowed");
        }
    });
}

#[test]
fn a_role_changed_in_any_tongue() {
    for overrides in OVERRIDES {
        let mut house = House::built_in("stage");
        house.seat_owner("ann");
        house.seat("bo", "moderator", overrides);
        let hidden = house.peer("bo").who.overrides.has_presence;
        let speaker = json!({ "requested_for": peer_id("bo"), "role": "speaker", "force": true });
        house.hms("ann", "role-change-request", &speaker).unwrap();
        let left = Overrides { has_presence: hidden, ..Overrides::default() };
        assert_eq!(house.peer("bo").who.overrides, left);
        let mut plain = House::built_in("stage");
        plain.seat("bo", "speaker", "{}");
        let seen = hidden.unwrap_or(true);
        let expected = Permissions { has_presence: seen, ..plain.peer("bo").permissions.clone() };
        assert_eq!(house.peer("bo").permissions, expected, "{overrides}");
    }
}

#[test]
fn a_bound_of_a_role() {
    let few = || MemberPatch { role: Some(Some(name("few"))), custom: None };
    let mut house = House::of(&odd());
    house.seat_owner("ann");
    for user in ["bo", "cy", "dee"] {
        house.seat_as(user, None, false, "{}");
    }
    let of = |users: &[&str]| Command::UpdateMembers {
        set: users.iter().map(|user| (name(user), few())).collect(),
        remove: BTreeSet::new(),
    };
    let before = house.room.clone();
    let refused = house.take(over_rest("ann"), of(&["bo", "cy"])).unwrap_err();
    assert_eq!((refused.reason(), &house.room), ("role-full", &before));
    house.take(over_rest("ann"), of(&["bo"])).unwrap();
    assert_eq!(house.peer("bo").role.as_str(), "few");
    let asks = json!({ "requested_for": peer_id("cy"), "role": "few", "force": true });
    assert_eq!(house.hms("ann", "role-change-request", &asks).unwrap_err().reason(), "role-full");
    assert_eq!(house.take(Actor::Server, of(&["dee"])).unwrap_err().reason(), "role-full");
    // Of members who are not here there may be any number.
    house.take(over_rest("ann"), of(&["eve", "bo"])).unwrap();
}

#[test]
fn blocking() {
    assert!(!behind_flag("removeOthers").contains(Capability::BlockUsers));
    let mut house = House::of(&odd());
    house.seat_owner("ann");
    house.seat("bo", "half", "{}");
    let remove = json!({ "requested_for": peer_id("bo"), "reason": "noise" });
    house.hms("ann", "peer-leave-request", &remove).unwrap();
    assert!(house.room.blocked.is_empty() && !house.room.peers.contains_key(&peer_id("bo")));
}

#[test]
fn unmuting_alone() {
    let may = |flags: Value| {
        let call_type = written(&json!({ "roles": { "one": { "permissions": flags } } }));
        call_type.roles["one"].permissions(Scope::PLAIN).capabilities
    };
    assert!(!may(json!({ "unmute": true, "mute": false })).contains(Capability::MuteUsers));
    assert!(may(json!({ "unmute": false, "mute": true })).contains(Capability::MuteUsers));
}

#[test]
fn ending_without_a_lock() {
    for (params, ends) in
        [(json!({}), false), (json!({ "lock": false }), false), (json!({ "lock": true }), true)]
    {
        let mut house = House::of(&odd());
        house.seat_owner("ann");
        house.seat("bo", "half", "{}");
        assert_eq!(house.hms("bo", "end-room", &params).unwrap_err().reason(), "not-allowed");
        house.hms("ann", "end-room", &params).unwrap();
        assert!(house.room.peers.is_empty() && house.room.session.is_none());
        assert_eq!(house.room.ended.is_some(), ends, "{params}");
    }
}

#[test]
fn muting_in_part() {
    // What a word names is muted, and nothing beside it.
    let table = [
        (json!({ "value": true, "type": "audio", "source": "regular" }), vec![TrackKind::Audio]),
        (
            json!({ "value": true, "type": "video" }),
            vec![TrackKind::Video, TrackKind::ScreenVideo, TrackKind::CustomVideo],
        ),
        (
            json!({ "value": true, "source": "screen" }),
            vec![TrackKind::ScreenVideo, TrackKind::ScreenAudio],
        ),
        (json!({ "value": true, "type": "smell" }), vec![]),
    ];
    for (params, kinds) in table {
        let mut house = House::of(&odd());
        house.seat_owner("ann");
        house.seat("bo", "starter", "{}");
        let on = Command::SetTracks { on: TrackKinds::ALL, off: TrackKinds::NONE };
        house.take(Actor::Peer(peer_id("bo")), on).unwrap();
        house.hms("ann", "change-track-mute-state-request", &params).unwrap();
        let off = TrackKinds::ALL.difference(house.peer("bo").on);
        assert_eq!(off, TrackKinds::of(&kinds), "{params}");
        house.take(Actor::Peer(peer_id("ann")), house.mute_all("bo")).unwrap();
        assert!(house.peer("bo").on.is_empty());
    }
}

#[test]
fn a_member_role_is_added_never_taken() {
    // Stream's roles unite: whatever he is as a member, what his app role gives he has as well.
    for call_type in types() {
        for role in call_type.roles.keys() {
            let mut house = House::of(&call_type);
            house.seat_as("ann", None, false, "{}");
            let before = house.peer("ann").permissions.clone();
            let patch = MemberPatch { role: Some(Some(role.clone())), custom: None };
            let set = BTreeMap::from([(name("ann"), patch)]);
            let set = Command::UpdateMembers { set, remove: BTreeSet::new() };
            if house.take(Actor::Server, set).is_err() {
                continue;
            }
            let ann: &Peer = house.peer("ann");
            let gives = call_type.roles[role].permissions(Scope::PLAIN);
            let both = before.union(&gives);
            assert!(both.capabilities.contains_all(ann.permissions.capabilities), "{role}");
            assert!(both.can_send.contains_all(ann.permissions.can_send), "{role}");
        }
    }
}

#[test]
fn speaking_for_somebody_else() {
    let mut house = House::of(&odd());
    house.seat_owner("ann");
    house.seat("bo", "half", "{}");
    let data = rolecall_protocol::json::MessageData::new(&json!({ "text": "hi" })).unwrap();
    let bo = Some(Box::new(house.peer("bo").person()));
    let say = Command::SendMessage { data, to: Recipient::Everybody, speaker: bo };
    assert!(house.take(over_rest("ann"), say).is_err(), "it is the server's alone");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The table above, of any role at all.
    #[test]
    fn any_role_in_any_tongue(bits in any::<u64>(), kinds in 0..64u8, silent in any::<u8>()) {
        let held = Capability::ALL.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0);
        let media = Capabilities::MEDIA;
        let held = held.map(|(_, one)| *one).filter(|one| !media.contains(*one));
        let mut grants: Vec<&str> = held.map(Capability::as_str).collect();
        let said = Silent::ALL.iter().enumerate().filter(|(i, _)| silent & (1 << i) != 0);
        grants.extend(said.map(|(_, one)| one.as_str()));
        let kinds = TrackKind::ALL.into_iter().enumerate().filter(|(i, _)| kinds & (1 << i) != 0);
        let mut call_type = odd().as_ref().clone();
        call_type.set_grants(&name("any"), grants.iter().map(|text| Grant::parse(text).unwrap()).collect());
        let role = call_type.roles.get_mut("any").unwrap();
        role.can_send = kinds.map(|(_, kind)| kind).collect();
        let before = role.permissions(Scope::PLAIN);
        let mut house = House::of(&std::sync::Arc::new(call_type.clone()));
        house.seat_owner("watcher");
        let shown = house.role_known("watcher", "any");
        let again = written_back(&shown, call_type.roles.keys().cloned());
        no_more(&again.roles["any"].permissions(Scope::PLAIN), &before, "any");
        for one in Silent::ALL {
            let as_written = &call_type.roles["any"];
            prop_assert!(as_written.permits(Scope::PLAIN, *one) || !again.roles["any"].permits(Scope::PLAIN, *one));
        }
    }
}
