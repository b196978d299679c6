//! The call types every server has, in one readable place. It must not know configuration.
//!
//! Four are Stream's, with Stream's default grants; four are the ideas of 100ms's "Change Role"
//! page (audio stage, waiting room, breakout rooms, classroom); `daily` has Daily's defaults.
//! Every one grants `host` everything and gives `admin` and `host` `kick-user`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::{
    ANONYMOUS, CALL_MEMBER, CallType, HOST, Role, Settings, USER, settings::SettingsDocument,
};
use crate::{
    capability::{AdminGroup, Capabilities, Capability},
    grant::{Grant, Silent},
    id::{CallTypeName, RoleName},
    json::Metadata,
    media::{Reception, TrackKind, TrackKinds},
};

/// All built-in call types, by name.
#[must_use]
pub fn all() -> BTreeMap<CallTypeName, Arc<CallType>> {
    let types = Streams::ALL.into_iter().map(stream).chain([
        stage(),
        lobby(),
        breakout(),
        classroom(),
        daily(),
    ]);
    types.map(|call_type| (call_type.name.clone(), Arc::new(call_type))).collect()
}

/// Stream's default grants, a row per permission and a column per call type. `A` admin, `M`
/// moderator, `U` user and call_member, `G` guest, `N` anonymous; `u` is the user's `-owner`
/// variant: only in rooms he created. `host` has everything. Stream publishes no defaults for
/// `moderator` in calls: here he has what rules people and sends media.
#[rustfmt::skip]
const STREAM_GRANTS: &[(&str, [&str; 4])] = &[
    //                        default   development  audio_room  livestream
    ("block-user",           ["A M u",   "A M U",     "A M u",    "A M u"]),
    ("create-call",          ["A M U",   "A M U",     "A M U",    "A M U"]),
    ("create-call-reaction", ["A M U",   "A M U",     "A M U",    "A M U"]),
    ("delete-recording",     ["A",       "",          "",         ""]),
    ("end-call",             ["A M U",   "A M U",     "A M u",    "A M u"]),
    ("join-backstage",       ["A M",     "A M U",     "A M u",    "A M u"]),
    ("join-call",            ["A M U G", "A M U G N", "A M U N",  "A M U N"]),
    ("join-ended-call",      ["A M U",   "A M U",     "A M u",    "A M u"]),
    ("kick-user",            ["A M u",   "A M U",     "A M u",    "A M u"]),
    ("list-recordings",      ["A M U",   "A M U",     "",         ""]),
    ("mute-users",           ["A M u",   "A M U",     "A M u",    "A M u"]),
    ("pin-call-track",       ["A M u",   "A M U",     "",         "A M u"]),
    ("read-call",            ["A M U G", "A M U G N", "A M U N",  "A M U N"]),
    ("remove-call-member",   ["A M U",   "A M U",     "A M u",    "A M u"]),
    ("screenshare",          ["A M U",   "A M U",     "A M",      "A M u"]),
    ("send-audio",           ["A M U G", "A M U G",   "A M u",    "A M u"]),
    ("send-event",           ["A M U G", "A M U G",   "A M U",    "A M U"]),
    ("send-video",           ["A M U G", "A M U G",   "",         "A M u"]),
    ("start-broadcasting",   ["A U",     "A U",       "A u",      "A u"]),
    ("start-recording",      ["A U",     "A U",       "A u",      "A u"]),
    ("start-transcription",  ["A U",     "A U",       "A u",      ""]),
    ("stop-broadcasting",    ["A U",     "A U",       "A u",      "A u"]),
    ("stop-recording",       ["A U",     "A U",       "A u",      "A u"]),
    ("stop-transcription",   ["A U",     "A U",       "A u",      ""]),
    ("update-call",          ["A M u",   "A M U",     "A M u",    "A M u"]),
    ("update-call-member",   ["A M U",   "A M U",     "A M u",    "A M u"]),
    ("update-call-member-role", ["A M",  "A M U",     "A M u",    "A M u"]),
    ("update-call-permissions", ["A M u", "A M U",    "A M u",    "A M u"]),
    ("update-call-settings", ["A u",     "A U",       "A u",      "A"]),
];

#[derive(Clone, Copy)]
enum Streams {
    Default,
    Development,
    AudioRoom,
    Livestream,
}

impl Streams {
    const ALL: [Self; 4] = [Self::Default, Self::Development, Self::AudioRoom, Self::Livestream];
}

fn stream(which: Streams) -> CallType {
    let (name, settings) = match which {
        Streams::Default => ("default", Settings::default()),
        Streams::Development => ("development", Settings::default()),
        Streams::AudioRoom => (
            "audio_room",
            Settings { video: false, screensharing: false, backstage: true, ..Settings::default() },
        ),
        Streams::Livestream => ("livestream", Settings { backstage: true, ..Settings::default() }),
    };
    let grants = |letter: char, owner: Option<char>| -> Vec<String> {
        let rows = STREAM_GRANTS.iter().map(|(id, columns)| (*id, columns[which as usize]));
        rows.filter_map(|(id, cell)| {
            if cell.contains(letter) {
                Some(id.to_owned())
            } else if owner.is_some_and(|letter| cell.contains(letter)) {
                Some(format!("{id}-owner"))
            } else {
                None
            }
        })
        .collect()
    };
    let roles = [
        ("admin", 2, grants('A', None)),
        ("moderator", 3, grants('M', None)),
        (CALL_MEMBER, 4, grants('U', Some('u'))),
        (USER, 4, grants('U', Some('u'))),
        ("guest", 5, grants('G', None)),
        (ANONYMOUS, 5, grants('N', None)),
    ];
    let roles = roles.map(|(name, priority, grants)| {
        let mut role = blank(name, priority);
        role.grants = grants.iter().filter_map(|text| Grant::parse(text).ok()).collect();
        role
    });
    call_type(name, None, settings, roles)
}

/// "A moderator can promote a listener to speaker and vice versa."
fn stage() -> CallType {
    let audio = [TrackKind::Audio, TrackKind::CustomAudio];
    let roles = [
        full("admin", 1),
        may(sends(blank("moderator", 2), &audio), moderating().with(Capability::EndCall)),
        sends(blank("speaker", 3), &audio),
        blank("listener", 4),
    ];
    call_type("stage", Some("listener"), Settings::default(), roles)
}

/// "A specific role for a waiting room which doesn't subscribe to anyone else."
fn lobby() -> CallType {
    let mut waiting = receives(blank("waiting", 4), Reception::all(false));
    waiting.has_presence = false;
    let roles = [full("admin", 1), sends(blank("attendee", 3), &TrackKind::ALL), waiting];
    CallType { open: true, ..call_type("lobby", Some("waiting"), Settings::default(), roles) }
}

/// "Multiple roles which act as breakout rooms subscribing only to peers within the role."
fn breakout() -> CallType {
    let groups = ["group-1", "group-2", "group-3", "group-4"].map(|name| {
        let role = sends(blank(name, 3), &TrackKind::ALL);
        let within = Reception::of_roles([&role.name]);
        receives(role, within)
    });
    let plenary = sends(blank("plenary", 3), &TrackKind::ALL);
    let hall = Reception::of_roles([&plenary.name, &name(HOST), &name("admin")]);
    let roles = [full("admin", 1), receives(plenary, hall)].into_iter().chain(groups);
    call_type("breakout", Some("plenary"), Settings::default(), roles)
}

/// "muted-student (not allowed to unmute), student-spotlight (publishes higher quality video),
/// student-screen (allowed to screenshare), prefect (can mute others)".
fn classroom() -> CallType {
    use TrackKind::{Audio, CustomAudio, CustomVideo, ScreenAudio, ScreenVideo, Video};
    let student = [Audio, Video, CustomAudio, CustomVideo];
    let quality = |mut role: Role, width: u16, height: u16, rate: u16| {
        let video = json!({"width": width, "height": height, "frameRate": rate});
        role.publish_params = Metadata::new(&json!({"video": video})).ok();
        role
    };
    let plain = |role| quality(role, 640, 360, 24);
    let roles = [
        full("admin", 1),
        may(
            sends(blank("teacher", 2), &TrackKind::ALL),
            moderating()
                .union(AdminGroup::Streaming.capabilities())
                .union(AdminGroup::Transcription.capabilities())
                .with(Capability::EndCall),
        ),
        may(
            plain(sends(blank("prefect", 3), &student)),
            Capabilities::of(&[Capability::MuteUsers]),
        ),
        quality(sends(blank("student-spotlight", 3), &student), 1280, 720, 30),
        plain(sends(
            blank("student-screen", 4),
            &[Audio, Video, ScreenVideo, ScreenAudio, CustomAudio, CustomVideo],
        )),
        plain(sends(blank("student", 4), &student)),
        plain(sends(blank("muted-student", 5), &[Video, CustomVideo])),
    ];
    call_type("classroom", Some("student"), Settings::default(), roles)
}

/// Daily's defaults: anyone may join, be seen, send and receive everything; owners by token.
fn daily() -> CallType {
    let anyone = may(
        sends(blank("participant", 3), &TrackKind::ALL),
        Capabilities::of(&[Capability::CreateCall]),
    );
    let roles = [full("admin", 1), anyone];
    CallType { open: true, ..call_type("daily", Some("participant"), Settings::default(), roles) }
}

/// What rules people: the `participants` group, and setting up the room.
fn moderating() -> Capabilities {
    AdminGroup::Participants
        .capabilities()
        .with(Capability::CreateCall)
        .with(Capability::PinForEveryone)
        .with(Capability::UpdateCall)
        .with(Capability::JoinBackstage)
}

/// A seen role that receives everything, may join, look, react and write.
pub(super) fn blank(role: &str, priority: u16) -> Role {
    let base = [Capability::JoinCall, Capability::ReadCall, Capability::CreateReaction];
    let base = base.map(Capability::as_str).into_iter().chain([Silent::SendEvent.as_str()]);
    Role {
        name: name(role),
        priority,
        grants: base.filter_map(|id| Grant::parse(id).ok()).collect(),
        can_send: TrackKinds::NONE,
        has_presence: true,
        can_receive: Arc::new(Reception::all(true)),
        max_peer_count: None,
        flags: None,
        publish_params: None,
    }
}

/// A role with every capability and permission, sending and receiving everything.
pub(super) fn full(role: &str, priority: u16) -> Role {
    let mut role = blank(role, priority);
    role.grants.extend(Silent::ALL.iter().filter_map(|silent| Grant::parse(silent.as_str()).ok()));
    may(role, Capabilities::ALL)
}

/// The role with these capabilities granted too.
pub(super) fn may(mut role: Role, capabilities: Capabilities) -> Role {
    let more = capabilities.iter().filter_map(|c| Grant::parse(c.as_str()).ok());
    role.grants.extend(more);
    role.grants.sort();
    role.grants.dedup();
    role
}

fn sends(mut role: Role, kinds: &[TrackKind]) -> Role {
    role.can_send = TrackKinds::of(kinds);
    role
}

fn receives(mut role: Role, reception: Reception) -> Role {
    role.can_receive = Arc::new(reception);
    role
}

fn call_type(
    call_type: &str,
    default_role: Option<&str>,
    settings: Settings,
    roles: impl IntoIterator<Item = Role>,
) -> CallType {
    let roles = roles.into_iter().chain([full(HOST, 1)]);
    #[expect(clippy::expect_used, reason = "a literal of this file")]
    let named = CallTypeName::parse(call_type).expect("a built-in name is well formed");
    CallType {
        name: named,
        roles: roles.map(|role| (role.name.clone(), role)).collect(),
        default_role: default_role.map(name),
        open: false,
        settings,
        document: SettingsDocument::of_stream(call_type).with_gates(settings),
    }
}

#[expect(clippy::expect_used, reason = "a literal of this file")]
fn name(text: &str) -> RoleName {
    RoleName::parse(text).expect("a built-in name is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_type::Scope;

    #[test]
    fn every_built_in_type_has_a_host_who_may_everything_and_an_admin_who_may_kick() {
        let all = all();
        let names: Vec<_> = all.keys().map(CallTypeName::as_str).collect();
        assert_eq!(
            names,
            [
                "audio_room",
                "breakout",
                "classroom",
                "daily",
                "default",
                "development",
                "livestream",
                "lobby",
                "stage"
            ]
        );
        for call_type in all.values() {
            let host = call_type.roles[HOST].permissions(Scope::PLAIN);
            assert_eq!(host.all_capabilities(), Capabilities::ALL, "{}", call_type.name);
            assert_eq!(host.can_send, TrackKinds::ALL);
            let admin = call_type.roles["admin"].permissions(Scope::PLAIN);
            assert!(admin.capabilities.contains(Capability::KickUser), "{}", call_type.name);
            assert!(call_type.roles.iter().all(|(name, role)| *name == role.name));
            if let Some(default) = &call_type.default_role {
                assert!(call_type.roles.contains_key(default));
            }
        }
    }

    #[test]
    fn every_row_of_streams_table_is_a_permission() {
        for (id, cells) in STREAM_GRANTS {
            assert!(Grant::parse(id).is_ok(), "{id}");
            assert!(cells.iter().all(|cell| cell.chars().all(|c| "AMUuGN ".contains(c))), "{id}");
        }
    }

    #[test]
    fn the_seven_roles_of_streams_types_are_there() {
        let default = &all()["default"];
        for role in ["user", "moderator", "host", "admin", "call_member", "guest", "anonymous"] {
            assert!(default.roles.contains_key(role), "{role}");
        }
        let user = |creator| {
            default.roles[USER].permissions(Scope { creator, ..Scope::PLAIN }).capabilities
        };
        assert!(!user(false).contains(Capability::UpdateCallPermissions));
        assert!(user(true).contains(Capability::UpdateCallPermissions));
        assert!(
            !default.roles[ANONYMOUS]
                .permissions(Scope::PLAIN)
                .capabilities
                .contains(Capability::JoinCall)
        );
    }

    #[test]
    fn groups_receive_only_within_the_group() {
        let breakout = &all()["breakout"];
        let group = &breakout.roles["group-1"].can_receive;
        let hears = |role: &str| {
            let peer = crate::id::PeerId::parse("p").unwrap();
            let user = crate::id::UserId::parse("u").unwrap();
            group.allows(&peer, &user, &name(role), TrackKind::Audio, None)
        };
        assert!(hears("group-1"));
        assert!(!hears("group-2") && !hears("plenary") && !hears(HOST));
    }
}
