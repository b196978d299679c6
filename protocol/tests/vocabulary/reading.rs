//! What somebody is shown is never more than is so. It must not ask for what he could then do.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_protocol::{
    call_type::{Scope, definition::behind_flag},
    capability::{AdminGroup, Capability},
    dialect::stream::{
        ear::{self, What, by_role},
        glimpse::words,
    },
    media::{TrackKind, TrackKinds},
    room::{
        Actor, Command, Peer, Room,
        command::{Joining, MemberPatch, Recipient},
        people::Newcomer,
        request::Wanted,
    },
    team::{Reach, Standing},
};
use serde_json::{Value, json};

use crate::house::{House, each_ann, name, odd, over_rest, peer_id, types};

/// Flags of 100ms's own that are a right here.
const FLAGS: [&str; 8] = [
    "changeRole",
    "mute",
    "unmute",
    "removeOthers",
    "endRoom",
    "hlsStreaming",
    "rtmpStreaming",
    "browserRecording",
];

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// The tracks of Bo that Ann's client of 100ms's was told of, as it would be if she came in now.
fn tracks_told(room: &Room) -> TrackKinds {
    let mut ear = rolecall_protocol::dialect::hms::Ear::new(peer_id("ann"));
    let list: Value = serde_json::from_str(&ear.arrive(room, false)[0]).unwrap();
    let tracks = list["params"]["peers"]["p-bo"]["tracks"].as_object().cloned();
    let ids = tracks.unwrap_or_default().into_iter().map(|(id, _)| id);
    ids.map(|id| TrackKind::from_name(id.rsplit_once('.').unwrap().1).unwrap()).collect()
}

/// What Ann may receive of somebody of that role, whoever he is.
fn received(ann: &Peer, user: &str, role: &str, kind: TrackKind) -> bool {
    let rule = &ann.permissions.can_receive;
    rule.allows(&peer_id(user), &name(user), &name(role), kind, None)
}

#[test]
fn receiving_of_single_senders() {
    each_ann(|house, _| {
        let mut house = house.clone();
        house.seat("bo", "host", "{}");
        let all = Command::SetTracks { on: TrackKinds::ALL, off: TrackKinds::NONE };
        let _ = house.take(Actor::Peer(peer_id("bo")), all);
        let (ann, bo) = (house.peer("ann"), house.peer("bo"));
        let may = TrackKind::ALL.into_iter().filter(|kind| received(ann, "bo", "host", *kind));
        let may: TrackKinds = may.collect();
        let told = tracks_told(&house.room);
        assert!(may.contains_all(told), "{} is told of {told:?} of {may:?}", ann.role);
        assert!(bo.sendable().contains_all(told));
    });
}

#[test]
fn receiving_a_role_in_part() {
    for call_type in types() {
        let mut house = House::of(&call_type);
        house.seat("watcher", "host", "{}");
        let known = house.roles_known("watcher");
        for (role, as_written) in &call_type.roles {
            let shown = &known[role.as_str()];
            let rule = &as_written.can_receive;
            for of in texts(&shown["subscribeParams"]["subscribeToRoles"]) {
                for user in ["bo", "anybody"] {
                    let all = TrackKind::ALL.into_iter().all(|kind| {
                        rule.allows(&peer_id(user), &name(user), &name(of), kind, None)
                    });
                    assert!(all || role.as_str() == "host", "{role} receives all of {of}");
                }
            }
        }
    }
    each_ann(|house, ann| {
        // In one's own role: roles of which something at all is received.
        let shown = house.role_known("ann", ann.role.as_str());
        for of in texts(&shown["subscribeParams"]["subscribeToRoles"]) {
            let any = |kind: TrackKind| received(ann, "anybody", of, kind);
            assert!(TrackKind::ALL.into_iter().any(any), "{} receives something of {of}", ann.role);
        }
    });
}

#[test]
fn half_a_screen() {
    let both = TrackKinds::of(&[TrackKind::ScreenVideo, TrackKind::ScreenAudio]);
    each_ann(|house, ann| {
        let shown = house.role_known("ann", ann.role.as_str());
        let screen = texts(&shown["publishParams"]["allowed"]).contains("screen");
        assert_eq!(screen, ann.sendable().contains_all(both), "{:?}", ann.sendable());
        let share = house.own_capabilities("ann").contains(&"screenshare");
        assert_eq!(share, ann.permissions.can_send.contains_all(both));
    });
}

#[test]
fn custom_kinds() {
    let words = [("audio", TrackKind::Audio), ("video", TrackKind::Video)];
    each_ann(|house, ann| {
        let shown = house.role_known("ann", ann.role.as_str());
        let (allowed, own) =
            (texts(&shown["publishParams"]["allowed"]), house.own_capabilities("ann"));
        for (word, kind) in words {
            assert_eq!(allowed.contains(word), ann.sendable().contains(kind), "{word}");
            let stream = own.contains(&format!("send-{word}").as_str());
            assert_eq!(stream, ann.permissions.can_send.contains(kind), "send-{word}");
        }
    });
}

#[test]
fn a_part_of_a_group() {
    each_ann(|_, ann| {
        let shown = serde_json::to_value(&ann.permissions).unwrap();
        for group in texts(&shown["canAdmin"]) {
            let group = AdminGroup::ALL.into_iter().find(|known| known.as_str() == group).unwrap();
            let its = group.capabilities();
            assert!(ann.permissions.capabilities.contains_all(its), "{} holds {group:?}", ann.role);
        }
    });
}

#[test]
fn a_part_of_a_flag() {
    each_ann(|house, ann| {
        let shown = house.role_known("ann", ann.role.as_str());
        for flag in FLAGS {
            let all = ann.permissions.capabilities.contains_all(behind_flag(flag));
            assert_eq!(shown["permissions"][flag], all, "{flag} of {}", ann.role);
        }
    });
    let mut house = House::of(&odd());
    house.seat("ann", "sound", "{}");
    assert_eq!(house.role_known("ann", "sound")["permissions"]["removeOthers"], false);
    assert_eq!(house.role_known("ann", "sound")["permissions"]["rtmpStreaming"], false);
    assert_eq!(house.role_known("ann", "starter")["permissions"]["browserRecording"], false);
}

#[test]
fn flags_of_what_is_not_here() {
    each_ann(|house, ann| {
        let known = house.roles_known("ann");
        for role in house.room.call_type.roles.keys() {
            let shown = &known[role.as_str()]["permissions"];
            assert_eq!((&shown["pollRead"], &shown["pollWrite"]), (&json!(false), &json!(false)));
            assert!(shown.get("whiteboard").is_none() && shown.get("sendRoomState").is_none());
        }
        let transcribes = AdminGroup::Transcription.capabilities();
        let shown = &known[ann.role.as_str()];
        if shown["permissions"].get("transcriptions").is_some() {
            assert!(ann.permissions.capabilities.contains_all(transcribes), "{}", ann.role);
        }
    });
    let mut house = House::of(&odd());
    house.seat("ann", "hundred", "{}");
    assert_eq!(house.role_known("ann", "hundred")["permissions"]["transcriptions"], true);
    assert_eq!(house.role_known("ann", "hundred")["permissions"]["own"], true);
    house.seat("bo", "hundred", r#"{"canAdmin":false}"#);
    assert!(house.role_known("bo", "hundred")["permissions"].get("transcriptions").is_none());
}

#[test]
fn ending_the_room() {
    // In Daily's words there is nobody who may: nor do they give or take it.
    for update in [r#"{"canAdmin":true}"#, r#"{"canAdmin":false}"#, r#"{"canAdmin":null}"#] {
        for (role, may) in [("host", true), ("listener", false)] {
            let mut house = House::built_in("stage");
            house.seat_owner("ann");
            house.seat("bo", role, "{}");
            house.daily("ann", "bo", update).unwrap();
            assert_eq!(house.peer("bo").holds(Capability::EndCall), may, "{role} {update}");
        }
    }
}

#[test]
fn hidden_people() {
    each_ann(|house, ann| {
        if ann.sees_hidden() {
            return;
        }
        let mut house = house.clone();
        let before = house.clone();
        house.seat("ghost", "host", r#"{"hasPresence":false}"#);
        house.take(Actor::Peer(peer_id("ghost")), Command::SetName { name: "Boo".into() }).unwrap();
        house
            .take(Actor::Server, Command::RaiseHandOf { peer_id: peer_id("ghost"), raised: true })
            .unwrap();
        let frames = &house.frames[&peer_id("ann")][before.frames[&peer_id("ann")].len()..];
        assert!(!format!("{frames:?}").contains("ghost"), "{frames:?}");
        for heard in &house.heard[before.heard.len()..] {
            let reached = heard.to.reaches(&name("ann"), false);
            assert!(!reached || !format!("{:?}", heard.what).contains("ghost"), "{heard:?}");
        }
    });
}

#[test]
fn owners() {
    // Shown as what their role is; in any tongue they are touched by nobody.
    let mut house = House::built_in("stage");
    house.seat("ann", "admin", "{}");
    house.seat_owner("bo");
    assert!(!format!("{:?}", house.frames[&peer_id("ann")]).contains("owner"));
    let before = house.room.clone();
    let bo = json!(peer_id("bo"));
    let hms = [
        ("role-change-request", json!({ "requested_for": bo, "role": "listener", "force": true })),
        ("peer-leave-request", json!({ "requested_for": bo, "reason": "" })),
    ];
    for (method, params) in hms {
        assert_eq!(house.hms("ann", method, &params).unwrap_err().reason(), "owner");
    }
    for update in [r#"{"canSend":false}"#, r#"{"canAdmin":true}"#, r#"{"hasPresence":false}"#] {
        assert_eq!(house.daily("ann", "bo", update).unwrap_err().reason(), "owner");
    }
    let listener = MemberPatch { role: Some(Some(name("listener"))), custom: None };
    let streams = [
        Command::KickUser { user_id: name("bo"), block: false, reason: None },
        Command::BlockUser { user_id: name("bo") },
        Command::GrantUser {
            user_id: name("bo"),
            grant: BTreeSet::new(),
            revoke: BTreeSet::from([Wanted::SendAudio]),
        },
        Command::UpdateMembers {
            set: BTreeMap::from([(name("bo"), listener)]),
            remove: BTreeSet::new(),
        },
    ];
    for command in streams {
        assert_eq!(house.take(over_rest("ann"), command).unwrap_err().reason(), "owner");
    }
    assert_eq!(before, house.room);
}

#[test]
fn one_peers_overrides() {
    each_ann(|house, ann| {
        let mut house = house.clone();
        let plain = House::of(&house.room.call_type);
        house.seat("bo", "host", "{}");
        let mut beside = plain;
        beside.seat("bo", "host", "{}");
        if ann.role.as_str() == "host" {
            return;
        }
        // Others know her role as it is without what was said of her.
        let role = ann.role.as_str();
        assert_eq!(house.role_known("bo", role), beside.role_known("bo", role));
        assert_eq!(by_role(&house.room), by_role(&beside.room));
    });
}

#[test]
fn what_the_room_takes_from_everybody() {
    let defaults = [
        r#"{"permissions":{"canSend":[],"canAdmin":false}}"#,
        r#"{"permissions":{"canSend":["audio"],"hasPresence":false}}"#,
        r#"{"permissions":{"canReceive":{"base":false}}}"#,
        r#"{"permissions":{"canSend":true,"canAdmin":true,"canReceive":{"base":true}}}"#,
    ];
    for call_type in types() {
        for text in defaults {
            let mut house = House::of(&call_type);
            let patch = Box::new(serde_json::from_str(text).unwrap());
            house.take(Actor::Server, Command::SetAdmission { patch }).unwrap();
            house.seat_owner("watcher");
            let known = house.roles_known("watcher");
            for (role, as_written) in
                call_type.roles.iter().filter(|(role, _)| role.as_str() != "host")
            {
                let mut there = house.clone();
                there.seat("ann", role.as_str(), "{}");
                let (ann, gives) = (there.peer("ann"), as_written.permissions(Scope::PLAIN));
                let shown = house.room.given_by(as_written);
                assert!(shown.within(&ann.permissions), "{role} in a room of {text}");
                assert!(shown.within(&gives), "{role} is given no more than its own by {text}");
                let all: BTreeSet<_> =
                    words(ann.permissions.all_capabilities()).into_iter().collect();
                assert!(by_role(&house.room)[role].iter().all(|word| all.contains(word)));
                let hms = &known[role.as_str()];
                let own = there.role_known("ann", role.as_str());
                let allowed = |of: &Value| of["publishParams"]["allowed"].clone();
                assert!(texts(&allowed(hms)).is_subset(&texts(&allowed(&own))), "{role} {text}");
                for flag in FLAGS.iter().filter(|flag| hms["permissions"][**flag] == true) {
                    assert!(
                        ann.permissions.capabilities.contains_all(behind_flag(flag)),
                        "{flag} of {role}"
                    );
                }
            }
        }
    }
}

#[test]
fn rights_of_who_made_the_room() {
    for call_type in types() {
        let mut house = House::of(&call_type);
        house.seat("watcher", "host", "{}");
        let known = house.roles_known("watcher");
        for (role, as_written) in &call_type.roles {
            let plain = as_written.permissions(Scope::PLAIN);
            let all = words(plain.all_capabilities());
            assert!(by_role(&house.room)[role].iter().all(|word| all.contains(word)), "{role}");
            let flags = &known[role.as_str()]["permissions"];
            for flag in FLAGS.iter().filter(|flag| flags[**flag] == true) {
                assert!(plain.capabilities.contains_all(behind_flag(flag)), "{flag} of {role}");
            }
        }
    }
}

#[test]
fn permissions_without_a_capability() {
    for call_type in types() {
        for (role, as_written) in &call_type.roles {
            let silent = as_written.grants.iter().filter_map(|grant| grant.silent());
            let silent: Vec<&str> = silent.map(|silent| silent.as_str()).collect();
            let mut house = House::of(&call_type);
            house.seat("ann", role.as_str(), "{}");
            let own = house.own_capabilities("ann");
            assert!(!own.iter().any(|word| silent.contains(word)), "{role}");
            let shown = &house.role_known("ann", role.as_str())["permissions"];
            assert!(silent.iter().all(|word| shown.get(*word).is_none()), "{role}");
        }
    }
}

#[test]
fn asking_for_permissions() {
    let mut house = House::built_in("lobby");
    house.seat("ann", "admin", "{}");
    house.seat("bo", "waiting", "{}");
    let before = house.clone();
    let permissions = BTreeSet::from([Wanted::Presence, Wanted::SendAudio]);
    house.take(Actor::Peer(peer_id("bo")), Command::RequestPermissions { permissions }).unwrap();
    let all = &house.heard[before.heard.len()..];
    let [heard] = all else { panic!("{all:?}") };
    // To be seen is no word of Stream's; to be asked, no word of 100ms's.
    let What::PermissionRequest { permissions, .. } = &heard.what else { panic!("{heard:?}") };
    assert_eq!(*permissions, ["send-audio"]);
    assert!(!heard.to.reaches(&name("ann"), false) && heard.to.reaches(&name("ann"), true));
    assert_eq!(house.frames, before.frames);
    let grant = BTreeSet::from([Wanted::SendAudio]);
    let grant = Command::GrantUser { user_id: name("bo"), grant, revoke: BTreeSet::new() };
    house.take(over_rest("ann"), grant).unwrap();
    assert!(!house.peer("bo").is_visible() && house.peer("bo").sendable().is_empty());
    let only_to_be_seen =
        Command::RequestPermissions { permissions: BTreeSet::from([Wanted::Presence]) };
    let before = house.clone();
    house.take(Actor::Peer(peer_id("bo")), only_to_be_seen).unwrap();
    assert_eq!((&house.heard, &house.frames), (&before.heard, &before.frames));
}

#[test]
fn being_asked_into_a_role() {
    let mut house = House::built_in("stage");
    house.seat("ann", "admin", "{}");
    house.seat("bo", "listener", "{}");
    let before = house.clone();
    let speaker = json!({ "requested_for": peer_id("bo"), "role": "speaker", "force": false });
    house.hms("ann", "role-change-request", &speaker).unwrap();
    assert_eq!(house.heard, before.heard, "Stream has no word for what is only offered");
    assert_eq!(house.peer("bo"), before.peer("bo"));
    assert_eq!(house.own_capabilities("bo"), before.own_capabilities("bo"));
}

#[test]
fn asking_to_unmute() {
    let mut house = House::of(&odd());
    house.seat_owner("ann");
    house.seat("bo", "starter", "{}");
    house.seat("cy", "starter", "{}");
    let before = house.clone();
    let ask = json!({ "value": false, "type": "audio" });
    house.hms("ann", "change-track-mute-state-request", &ask).unwrap();
    // It is asked for: nothing is on, and in Stream's words nothing is said.
    assert_eq!((&house.room, &house.heard), (&before.room, &before.heard));
    assert!(house.since("bo", &before).contains("on-change-track-mute-state-request"));
    let refused = house.hms("bo", "change-track-mute-state-request", &ask).unwrap_err();
    assert_eq!(refused.reason(), "not-allowed");
}

#[test]
fn who_waits() {
    let mut house = House::built_in("daily");
    let patch = Box::new(serde_json::from_str(r#"{"private":true,"knocking":true}"#).unwrap());
    house.take(Actor::Server, Command::SetAdmission { patch }).unwrap();
    house.seat_owner("ann");
    let before = house.clone();
    let newcomer = Newcomer {
        peer_id: peer_id("wait"),
        user_id: name("wait"),
        assigned: None,
        owner: false,
        ..before.peer("ann").who.clone()
    };
    let standing =
        Standing { app_role: name("user"), reach: Reach::Everywhere, banned: false, name: None };
    let joining = Joining {
        newcomer,
        standing,
        permissions: None,
        invited: false,
        create: false,
        opens: false,
        epoch: "".into(),
        peers_max: 10,
    };
    let knock = Command::Knock { joining: Box::new(joining.clone()), waiting_max: 10 };
    house.take(Actor::Newcomer, knock).unwrap();
    assert_eq!((&house.heard, &house.frames), (&before.heard, &before.frames));
    assert_eq!(house.room.waiting.len(), 1);
    // Nor does any of their words let him in.
    let join = Command::Join(Box::new(joining));
    assert_eq!(house.take(Actor::Newcomer, join).unwrap_err().reason(), "private");
    let grant = BTreeSet::from([Wanted::SendAudio]);
    let grant = Command::GrantUser { user_id: name("wait"), grant, revoke: BTreeSet::new() };
    house.take(over_rest("ann"), grant).unwrap();
    assert!(house.room.waiting[&peer_id("wait")].is_open());
}

#[test]
fn session_data() {
    let mut house = House::of(&odd());
    house.seat("ann", "half", "{}");
    let before = house.clone();
    let change = serde_json::from_value(json!({ "data": { "secret": 1 } })).unwrap();
    let set = Command::SetSessionData { change: Box::new(change) };
    house.take(Actor::Peer(peer_id("ann")), set).unwrap();
    assert_eq!(house.heard, before.heard, "Stream has no word for it");
    // At 100ms one is told of what one observes.
    assert_eq!(house.frames, before.frames);
}

#[test]
fn backstage() {
    let mut house = House::built_in("stage");
    house.seat("ann", "listener", "{}");
    let before = house.clone();
    house.take(Actor::Server, Command::SetBackstage { backstage: true }).unwrap();
    assert_eq!(house.frames, before.frames, "100ms has no word for it");
    assert_eq!(house.role_known("ann", "listener"), before.role_known("ann", "listener"));
    let shown = serde_json::to_string(&house.peer("ann").permissions).unwrap();
    assert!(!shown.contains("backstage"), "nor has Daily: {shown}");
}

#[test]
fn messages_to_some() {
    let mut house = House::of(&odd());
    house.seat("ann", "half", "{}");
    house.seat("bo", "half", "{}");
    house.seat("cy", "picky", "{}");
    for to in [Recipient::Peer(peer_id("bo")), Recipient::Roles(BTreeSet::from([name("half")]))] {
        let before = house.clone();
        let data = rolecall_protocol::json::MessageData::new(
            &json!({ "type": "chat", "message": "psst" }),
        )
        .unwrap();
        let say = Command::SendMessage { data, to, speaker: None };
        house.take(Actor::Peer(peer_id("ann")), say).unwrap();
        assert_eq!(house.heard, before.heard, "Stream has no word but for all");
        assert!(house.since("bo", &before).contains("psst"));
        assert!(!house.since("cy", &before).contains("psst"));
    }
}

#[test]
fn a_member_role_beside_an_assigned_one() {
    for assigned in ["listener", "moderator"] {
        let mut house = House::built_in("stage");
        house.seat("bo", assigned, "{}");
        let before = house.clone();
        let admin = MemberPatch { role: Some(Some(name("admin"))), custom: None };
        let set = BTreeMap::from([(name("bo"), admin)]);
        house.take(Actor::Server, Command::UpdateMembers { set, remove: BTreeSet::new() }).unwrap();
        // The list of members says what he would be; what he is and may, his own words say.
        assert_eq!(house.own_capabilities("bo"), before.own_capabilities("bo"));
        assert_eq!(house.peer("bo"), before.peer("bo"));
        let Some(What::MemberAdded { call, members }) = house.heard.last().map(|heard| &heard.what)
        else {
            panic!()
        };
        assert_eq!(members[0].1.role().as_str(), "admin");
        assert_eq!(call.present[0].role.as_str(), assigned);
    }
}

#[test]
fn what_somebody_else_may() {
    // Stream tells it to himself alone; 100ms shows others his role, and no more.
    each_ann(|house, ann| {
        let told = ear::permissions_updated(
            &house.room,
            &ann.who.user_id,
            ann.permissions.all_capabilities(),
            house.room.created_at.unwrap(),
        );
        assert!(told.to.reaches(&name("ann"), false) && !told.to.reaches(&name("bo"), true));
        let mut house = house.clone();
        house.seat_owner("bo");
        let list = format!("{:?}", house.frames[&peer_id("bo")][0]);
        assert!(!list.contains("permissions") && !list.contains("capabilities"), "{list}");
    });
}

#[test]
fn the_patch_of_a_token() {
    // What Daily's token says of its bearer is in what each tongue shows of him.
    let mut house = House::built_in("daily");
    house.seat_as("ann", None, false, r#"{"canSend":["audio"]}"#);
    assert_eq!(house.peer("ann").who.overrides.can_send, Some(TrackKinds::of(&[TrackKind::Audio])));
    let role = house.role_known("ann", "participant");
    assert_eq!(role["publishParams"]["allowed"], json!(["audio"]));
    let own = house.own_capabilities("ann");
    assert!(own.contains(&"send-audio") && !own.contains(&"send-video"), "{own:?}");
}
