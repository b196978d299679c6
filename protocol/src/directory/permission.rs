//! The catalogue of permissions: what a grant may name, as Stream lists it. It must not know who
//! holds one.
//!
//! There are permissions of calls and of the app's own scope (`.app`). Each has four variants:
//! plain, `-owner` (only on what the user made himself), `-any-team` (across teams), and both.

use std::collections::BTreeMap;

use serde::Serialize;

use super::app::AppGrant;
use crate::id::RoleName;

/// What may be done in calls: action, id, in words. A test holds it against what grants accept.
#[rustfmt::skip]
const CALL: &[(&str, &str, &str)] = &[
    ("BlockUser", "block-user", "block a user from a call"),
    ("ChangeMaxDuration", "change-max-duration", "change how long a call may last"),
    ("CreateCall", "create-call", "create a call"),
    ("CreateCallReaction", "create-call-reaction", "react in a call"),
    ("DeleteRecording", "delete-recording", "delete a recording of a call"),
    ("DeleteTranscription", "delete-transcription", "delete a transcription of a call"),
    ("EnableNoiseCancellation", "enable-noise-cancellation", "use noise cancellation"),
    ("EndCall", "end-call", "end a call for everybody"),
    ("JoinBackstage", "join-backstage", "join a call that is not live"),
    ("JoinCall", "join-call", "join a call"),
    ("JoinEndedCall", "join-ended-call", "join a call that has ended"),
    ("KickUser", "kick-user", "remove a user from a call"),
    ("ListRecordings", "list-recordings", "list the recordings of a call"),
    ("ListTranscriptions", "list-transcriptions", "list the transcriptions of a call"),
    ("MuteUsers", "mute-users", "mute users in a call"),
    ("PinCallTrack", "pin-call-track", "pin somebody in a call for everybody"),
    ("ReadCall", "read-call", "read a call"),
    ("ReadCallStats", "read-call-stats", "read the statistics of a call"),
    ("RemoveCallMember", "remove-call-member", "remove a member of a call"),
    ("Screenshare", "screenshare", "share a screen in a call"),
    ("SendAudio", "send-audio", "send audio in a call"),
    ("SendClosedCaptions", "send-closed-captions", "send closed captions in a call"),
    ("SendEvent", "send-event", "send custom events in a call"),
    ("SendVideo", "send-video", "send video in a call"),
    ("StartBroadcasting", "start-broadcasting", "start broadcasting a call"),
    ("StartClosedCaptions", "start-closed-captions", "start closed captions in a call"),
    ("StartFrameRecording", "start-frame-recording", "start recording frames of a call"),
    ("StartIndividualRecording", "start-individual-recording", "start recording each participant of a call"),
    ("StartRawRecording", "start-raw-recording", "start recording a call raw"),
    ("StartRecording", "start-recording", "start recording a call"),
    ("StartTranscription", "start-transcription", "start transcribing a call"),
    ("StopBroadcasting", "stop-broadcasting", "stop broadcasting a call"),
    ("StopClosedCaptions", "stop-closed-captions", "stop closed captions in a call"),
    ("StopFrameRecording", "stop-frame-recording", "stop recording frames of a call"),
    ("StopIndividualRecording", "stop-individual-recording", "stop recording each participant of a call"),
    ("StopRawRecording", "stop-raw-recording", "stop recording a call raw"),
    ("StopRecording", "stop-recording", "stop recording a call"),
    ("StopTranscription", "stop-transcription", "stop transcribing a call"),
    ("UpdateCall", "update-call", "change a call"),
    ("UpdateCallMember", "update-call-member", "add and change members of a call"),
    ("UpdateCallMemberRole", "update-call-member-role", "change the roles of members of a call"),
    ("UpdateCallPermissions", "update-call-permissions", "change what others may do in a call"),
    ("UpdateCallSettings", "update-call-settings", "change the settings of a call"),
];

/// What may be done outside of rooms: action, id, in words.
const APP: &[(&str, &str, &str)] = &[
    ("BanUser", "ban-user", "ban a user from everything"),
    ("FlagUser", "flag-user", "report a user"),
    ("MuteUser", "mute-user", "mute a user for oneself"),
    ("ReadFlagReports", "read-flag-reports", "read reports of users"),
    ("SearchUser", "search-user", "search for users"),
    ("UpdateFlagReport", "update-flag-report", "answer reports of users"),
    ("UpdateUser", "update-user", "change a user's name, image and custom data"),
    ("UpdateUserRole", "update-user-role", "change a user's role"),
    ("UpdateUserTeams", "update-user-teams", "change a user's teams"),
];

/// Who holds what outside of rooms unless somebody changed it (Stream's defaults).
const APP_DEFAULTS: &[(&[&str], &[&str])] = &[
    (
        &["admin", "moderator", "user", "guest"],
        &["flag-user", "mute-user", "search-user", "update-user-owner"],
    ),
    (&["admin", "moderator"], &["read-flag-reports", "update-flag-report"]),
    (
        &["global_admin", "global_moderator"],
        &[
            "flag-user-any-team",
            "mute-user-any-team",
            "read-flag-reports-any-team",
            "search-user-any-team",
            "update-flag-report-any-team",
        ],
    ),
];

/// The four variants of a permission: suffix, `owner`, `same_team`.
const VARIANTS: [(&str, bool, bool); 4] = [
    ("", false, true),
    ("-owner", true, true),
    ("-any-team", false, false),
    ("-owner-any-team", true, false),
];

/// A permission, as Stream lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// What a grant names it by.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// What is done.
    pub action: &'static str,
    /// Whether it counts only on what its holder made himself.
    pub owner: bool,
    /// Whether it counts only within his teams.
    pub same_team: bool,
    /// Whether somebody made it; never: all of them are built in.
    pub custom: bool,
    /// `app`, or `channel` for those of calls.
    pub level: &'static str,
    /// Whose owner `owner` is about.
    pub owner_resource: &'static str,
    /// What it is about.
    pub tags: Vec<&'static str>,
}

/// All of them, in order of their ids.
#[must_use]
pub fn all() -> Vec<Permission> {
    let of_calls = CALL.iter().flat_map(|row| VARIANTS.map(|v| permission(*row, v, Level::Call)));
    let of_app = APP.iter().flat_map(|row| VARIANTS.map(|v| permission(*row, v, Level::App)));
    let mut all: Vec<_> = of_calls.chain(of_app).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// The one of that id.
#[must_use]
pub fn find(id: &str) -> Option<Permission> {
    all().into_iter().find(|permission| permission.id == id)
}

#[derive(Clone, Copy)]
enum Level {
    App,
    Call,
}

fn permission(
    (action, id, words): (&'static str, &str, &str),
    (suffix, owner, same_team): (&str, bool, bool),
    level: Level,
) -> Permission {
    let (level, resource, tag) = match level {
        Level::App => ("app", "user", "user"),
        Level::Call => ("channel", "call", "video"),
    };
    let whose = match (tag, owner) {
        (_, false) => "",
        ("user", true) => ", oneself",
        (_, true) => ", in calls one created",
    };
    let teams = if same_team { "" } else { ", across teams" };
    let mut name = spaced(action);
    name.push_str(if owner { " (own)" } else { "" });
    name.push_str(if same_team { "" } else { " (any team)" });
    Permission {
        id: format!("{id}{suffix}"),
        name,
        description: format!("Allows one to {words}{whose}{teams}"),
        action,
        owner,
        same_team,
        custom: false,
        level,
        owner_resource: resource,
        tags: vec![tag],
    }
}

/// `BlockUser` as `Block User`.
fn spaced(action: &str) -> String {
    let mut spaced = String::with_capacity(action.len() + 4);
    for (place, letter) in action.char_indices() {
        if place > 0 && letter.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(letter);
    }
    spaced
}

/// Whether that is the id of a permission of the app's own scope.
#[must_use]
pub fn is_of_app(id: &str) -> bool {
    APP.iter().any(|(_, base, _)| {
        id.strip_prefix(base)
            .is_some_and(|rest| VARIANTS.iter().any(|(suffix, ..)| *suffix == rest))
    })
}

/// Who holds what outside of rooms unless somebody changed it.
#[must_use]
pub fn app_defaults() -> BTreeMap<RoleName, Vec<AppGrant>> {
    let mut defaults: BTreeMap<RoleName, Vec<AppGrant>> = BTreeMap::new();
    for (roles, grants) in APP_DEFAULTS {
        for role in roles.iter().filter_map(|role| RoleName::parse(role).ok()) {
            let list = defaults.entry(role).or_default();
            list.extend(grants.iter().filter_map(|id| AppGrant::parse(id).ok()));
        }
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{capability::Capability, grant::Grant};

    #[test]
    fn grants_accept_every_permission_of_calls_and_no_other() {
        for permission in all() {
            let accepted = Grant::parse(&permission.id);
            assert_eq!(accepted.is_ok(), permission.level == "channel", "{}", permission.id);
            assert_eq!(is_of_app(&permission.id), permission.level == "app", "{}", permission.id);
            if let Ok(grant) = accepted {
                assert_eq!(grant.owner, permission.owner, "{}", permission.id);
                assert_eq!(grant.any_team, !permission.same_team, "{}", permission.id);
            }
        }
    }

    #[test]
    fn every_capability_has_a_permission_that_gives_it() {
        let all = all();
        for capability in Capability::ALL {
            let given = all.iter().any(|permission| {
                Grant::parse(&permission.id).is_ok_and(|g| g.capability() == Some(*capability))
            });
            assert!(given, "{capability}");
        }
        let ids: std::collections::BTreeSet<_> = all.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
    }

    #[test]
    fn a_permission_reads_well() {
        let found = find("block-user-owner-any-team").unwrap();
        assert_eq!(found.name, "Block User (own) (any team)");
        let words = "Allows one to block a user from a call, in calls one created, across teams";
        assert_eq!(found.description, words);
        assert_eq!((found.action, found.owner, found.same_team), ("BlockUser", true, false));
        assert_eq!(find("fly"), None);
        assert_eq!(find("search-user").unwrap().level, "app");
    }

    #[test]
    fn every_default_is_a_permission() {
        let written: usize = APP_DEFAULTS.iter().map(|(r, grants)| r.len() * grants.len()).sum();
        assert_eq!(app_defaults().values().map(Vec::len).sum::<usize>(), written);
    }
}
