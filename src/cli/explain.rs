//! `rolecall explain`: why somebody holds a right in a room or does not, in sentences. It must not
//! decide anything: the server explains.

use clap::Args;
use serde_json::Value;

use super::{
    CliError,
    remote::{Path, Remote, RemoteArgs},
    screen::Screen,
    table::{cell, plain},
};
use crate::clock::Clock;

/// Whose right, and which.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The room, `type:id`
    cid: String,
    /// A peer in it
    #[arg(long, value_name = "ID", required_unless_present = "user", conflicts_with = "user")]
    peer: Option<String>,
    /// A user, in it or not
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// A capability, such as `mute-users`
    #[arg(long, short, required_unless_present = "track", conflicts_with = "track")]
    capability: Option<String>,
    /// A kind of track, such as `audio` or `screenVideo`
    #[arg(long, short)]
    track: Option<String>,
}

impl ExplainArgs {
    pub(super) fn run(self, clock: &Clock) -> Result<(), CliError> {
        let screen = Screen::of_process(self.remote.json);
        let remote = Remote::open(&self.remote, clock)?;
        let mut path = Path::of(&["v1", "rooms", &self.cid, "explain"]);
        for (name, value) in [
            ("peer", &self.peer),
            ("user", &self.user),
            ("capability", &self.capability),
            ("track", &self.track),
        ] {
            if let Some(value) = value {
                path = path.and(name, value);
            }
        }
        let answer = remote.get(&path)?;
        if screen.json {
            return screen.json(&answer);
        }
        let who = self.peer.or(self.user).unwrap_or_default();
        let what = match (self.capability, self.track) {
            (Some(capability), _) => format!("`{}`", plain(&capability)),
            (None, track) => format!("send {}", plain(&track.unwrap_or_default())),
        };
        screen.say(&told(&plain(&who), &what, &plain(&self.cid), &answer))
    }
}

/// The answer in sentences, in the order in which things count.
fn told(who: &str, what: &str, room: &str, answer: &Value) -> String {
    let allowed = answer["allowed"] == true;
    let may = if allowed { "may" } else { "may not" };
    let mut text = format!("{who} {may} {what} in {room}\n");
    for because in answer["because"].as_array().into_iter().flatten() {
        text.push_str(&format!("  {}\n", sentence(because)));
    }
    text
}

fn sentence(because: &Value) -> String {
    let role = cell(&because["role"]);
    let key = cell(&because["override"]);
    let setting = cell(&because["setting"]);
    match because["rule"].as_str().unwrap_or_default() {
        "role-grants" => format!("+ the role `{role}` grants it"),
        "creator-grants" => {
            format!("+ the role `{role}` grants it to who created the room, as here")
        }
        "role-lacks" => format!("- the role `{role}` does not grant it"),
        "other-team" => {
            format!("- the role `{role}` grants it, but not in rooms of another team, as here")
        }
        "override-grants" => format!("+ it was given to this one alone (`{key}`)"),
        "override-revokes" => format!("- it was taken from this one alone (`{key}`)"),
        "setting-off" => format!("- the room's setting `{setting}` switches it off for everybody"),
        "hidden" => "- a hidden peer sends nothing".to_owned(),
        "blocked" => "- the user is blocked in this room".to_owned(),
        "banned" => "- the user is banned, deactivated or deleted".to_owned(),
        // A server newer than this program: its own word for it, with what comes along.
        other => format!("* {}: {}", plain(other), cell(because)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_explanation_is_told_in_sentences() {
        let answer = json!({ "allowed": false, "because": [
            { "rule": "role-grants", "role": "speaker" },
            { "rule": "override-revokes", "override": "canSend" },
            { "rule": "setting-off", "setting": "audio" },
            { "rule": "moon-is-full", "role": "host" },
        ] });
        assert_eq!(
            told("bo", "send audio", "stage:x", &answer),
            "bo may not send audio in stage:x\n\
             \x20 + the role `speaker` grants it\n\
             \x20 - it was taken from this one alone (`canSend`)\n\
             \x20 - the room's setting `audio` switches it off for everybody\n\
             \x20 * moon-is-full: {\"role\":\"host\",\"rule\":\"moon-is-full\"}\n"
        );
    }
}
