//! `rolecall rooms`: which rooms live, who is in one, what was done in it, and its beginning and end.
//! It must not know what an event means; `story` tells it.

mod story;

use std::{thread, time::Duration};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use self::story::Story;
use super::{
    CliError,
    remote::{Path, Remote, RemoteArgs},
    screen::Screen,
    table::{NOTHING, cell, facts, moment, plain, table},
};
use crate::clock::Clock;

/// Rooms or records asked for at once.
const PAGE: usize = 100;
/// How often a journal that is followed is looked at.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// Rooms of a running server.
#[derive(Args, Debug)]
pub struct RoomsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: Rooms,
}

#[derive(Debug, Subcommand)]
enum Rooms {
    /// List them, in order of their names
    #[command(after_help = "Example:\n  rolecall rooms ls --limit 1000")]
    Ls {
        /// Begin behind this room
        #[arg(long, value_name = "CID")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = PAGE)]
        limit: usize,
    },
    /// Show one: who is in it, and what each may send
    #[command(after_help = "Example:\n  rolecall rooms show lobby:demo")]
    Show {
        /// The room, `type:id`
        cid: String,
    },
    /// Tell what was done in one: when, by whom, what followed
    #[command(after_help = JOURNAL_EXAMPLES)]
    Journal {
        /// The room, `type:id`
        cid: String,
        /// Begin behind this position
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
        /// At most so many records
        #[arg(long, value_name = "N", default_value_t = PAGE)]
        limit: usize,
        /// Go on telling what happens, until interrupted
        #[arg(long, short, conflicts_with = "limit")]
        follow: bool,
    },
    /// Create one, or find it there
    #[command(after_help = "Example:\n  rolecall rooms create stage:keynote --by ann --team red")]
    Create {
        /// The room, `type:id`
        cid: String,
        /// The user who has created it
        #[arg(long, value_name = "USER")]
        by: String,
        /// The team it belongs to
        #[arg(long)]
        team: Option<String>,
        /// A member, with his role in it if he has one of his own; may be repeated
        #[arg(long, value_name = "USER[=ROLE]")]
        member: Vec<String>,
    },
    /// End one: everybody is out, and nobody comes in any more
    #[command(after_help = "Example:\n  rolecall rooms end stage:keynote --reason \"over\" --yes")]
    End {
        /// The room, `type:id`
        cid: String,
        /// What those in it are told
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

const JOURNAL_EXAMPLES: &str = "\
A line is one record: position, time, who asked, what was asked, what followed.

Examples:
  rolecall rooms journal lobby:demo
  rolecall rooms journal lobby:demo --after 40 --limit 10 --json
  rolecall rooms journal lobby:demo --follow";

impl RoomsArgs {
    pub(super) fn run(self, clock: &Clock) -> Result<(), CliError> {
        let screen = Screen::of_process(self.remote.json);
        let remote = Remote::open(&self.remote, clock)?;
        let (answer, text) = match self.command {
            Rooms::Ls { after, limit } => list(&remote, after, limit)?,
            Rooms::Show { cid } => {
                let answer = remote.get(&of_room(&cid))?;
                let text = shown(&answer);
                (answer, text)
            }
            Rooms::Journal { cid, after, limit, follow } => {
                let journal = Journal { remote: &remote, cid, after, story: Story::default() };
                return journal.tell(screen, if follow { None } else { Some(limit) });
            }
            Rooms::Create { cid, by, team, member } => {
                let answer = create(&remote, &cid, &by, team, &member)?;
                let words = if answer["created"] == true { "created" } else { "was there" };
                let cid = cell(&answer["call"]["cid"]);
                (answer, format!("{cid} {words}\n"))
            }
            Rooms::End { cid, reason, yes } => {
                screen.confirm(&format!("End the room `{}`?", plain(&cid)), yes)?;
                let params = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
                let call = json!({ "method": "endRoom", "params": params });
                let path = Path::of(&["v1", "rooms", &cid, "calls"]);
                (remote.post(&path, &call)?, format!("ended {}\n", plain(&cid)))
            }
        };
        if screen.json { screen.json(&answer) } else { screen.say(&text) }
    }
}

fn of_room(cid: &str) -> Path {
    Path::of(&["v1", "rooms", cid])
}

fn list(
    remote: &Remote,
    mut after: Option<String>,
    limit: usize,
) -> Result<(Value, String), CliError> {
    let mut found: Vec<Value> = Vec::new();
    let mut asked = 0;
    while asked < limit {
        let page = PAGE.min(limit - asked);
        asked += page;
        let mut path = Path::of(&["v1", "rooms"]).and("limit", &page.to_string());
        if let Some(after) = &after {
            path = path.and("after", after);
        }
        let answer = remote.get(&path)?;
        found.extend(answer["rooms"].as_array().cloned().unwrap_or_default());
        after = answer["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    let mut text = listed(&found);
    if let Some(after) = &after {
        text.push_str(&format!("there are more: --after {}\n", plain(after)));
    }
    Ok((json!({ "rooms": found, "next": after }), text))
}

fn listed(rooms: &[Value]) -> String {
    let rows: Vec<Vec<String>> = rooms
        .iter()
        .map(|state| {
            let room = &state["room"];
            vec![
                cell(&room["cid"]),
                cell(&state["counts"]["present"]),
                cell(&state["counts"]["hidden"]),
                condition(room).to_owned(),
                cell(&room["team"]),
                cell(&room["createdBy"]),
            ]
        })
        .collect();
    table(&["ROOM", "PRESENT", "HIDDEN", "STATE", "TEAM", "CREATED BY"], &rows)
}

/// Whether people can come in.
fn condition(room: &Value) -> &'static str {
    match (&room["endedAt"], &room["backstage"]) {
        (ended, _) if !ended.is_null() => "ended",
        (_, Value::Bool(true)) => "backstage",
        _ => "open",
    }
}

fn shown(state: &Value) -> String {
    let room = &state["room"];
    let counts = &state["counts"];
    let known = [
        ("room", cell(&room["cid"])),
        ("call type", cell(&room["callType"])),
        ("state", condition(room).to_owned()),
        ("team", cell(&room["team"])),
        ("created by", cell(&room["createdBy"])),
        ("created", moment(&room["createdAt"])),
        ("starts", moment(&room["startsAt"])),
        ("ended", moment(&room["endedAt"])),
        ("custom", cell(&room["custom"])),
        ("blocked", cell(&state["blocked"])),
        ("switched off", switched_off(&state["settings"])),
        ("present", cell(&counts["present"])),
        ("hidden", cell(&counts["hidden"])),
        ("epoch", cell(&state["epoch"])),
        ("seq", cell(&state["seq"])),
    ];
    let kept: Vec<_> = known.into_iter().filter(|(_, value)| value != NOTHING).collect();
    let mut text = facts(&kept);
    let members: Vec<Vec<String>> = state["members"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(user, member)| {
            let role = match &member["role"] {
                Value::Null => "call_member".to_owned(),
                role => cell(role),
            };
            vec![plain(user).into_owned(), role, moment(&member["createdAt"])]
        })
        .collect();
    if !members.is_empty() {
        text.push('\n');
        text.push_str(&table(&["MEMBER", "ROLE", "SINCE"], &members));
    }
    let people = state["participants"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !people.is_empty() {
        let rows: Vec<Vec<String>> = people
            .iter()
            .map(|peer| {
                vec![
                    cell(&peer["peerId"]),
                    cell(&peer["userId"]),
                    cell(&peer["name"]),
                    cell(&peer["role"]),
                    tracks(&peer["tracks"], "on"),
                    tracks(&peer["tracks"], "off"),
                    marks(peer),
                ]
            })
            .collect();
        text.push('\n');
        text.push_str(&table(&["PEER", "USER", "NAME", "ROLE", "SENDS", "MAY SEND", ""], &rows));
    }
    text
}

/// The settings that are off, `backstage` aside, which is a state of its own.
fn switched_off(settings: &Value) -> String {
    let off = settings.as_object().into_iter().flatten();
    let off = off.filter(|(name, on)| **on == false && *name != "backstage");
    cell(&json!(off.map(|(name, _)| name).collect::<Vec<_>>()))
}

/// The tracks in this state.
fn tracks(tracks: &Value, state: &str) -> String {
    let those = tracks.as_object().into_iter().flatten().filter(|(_, is)| *is == state);
    let names: Vec<&str> = those.map(|(kind, _)| kind.as_str()).collect();
    if names.is_empty() { NOTHING.to_owned() } else { names.join(" ") }
}

/// What is special about a peer.
fn marks(peer: &Value) -> String {
    let marks = [
        ("owner", peer["owner"] == true),
        ("hidden", peer["permissions"]["hasPresence"] == false),
        ("connection lost", peer["connected"] == false),
        ("hand raised", peer["handRaised"] == true),
    ];
    let those = marks.iter().filter(|(_, so)| *so).map(|(mark, _)| *mark);
    those.collect::<Vec<_>>().join(", ")
}

fn create(
    remote: &Remote,
    cid: &str,
    by: &str,
    team: Option<String>,
    members: &[String],
) -> Result<Value, CliError> {
    let Some((call_type, id)) = cid.split_once(':') else {
        return Err(CliError::Usage(format!("`{}` is not a room `type:id`", plain(cid))));
    };
    let members: Vec<Value> = members
        .iter()
        .map(|member| match member.rsplit_once('=') {
            Some((user, role)) => json!({ "user_id": user, "role": role }),
            None => json!({ "user_id": member }),
        })
        .collect();
    let mut data = Map::new();
    data.insert("created_by_id".to_owned(), json!(by));
    if let Some(team) = team {
        data.insert("team".to_owned(), json!(team));
    }
    if !members.is_empty() {
        data.insert("members".to_owned(), json!(members));
    }
    let path = Path::of(&["api", "v2", "video", "call", call_type, id]);
    remote.post(&path, &json!({ "data": data }))
}

/// A journal as it is told.
struct Journal<'a> {
    remote: &'a Remote,
    cid: String,
    after: u64,
    story: Story,
}

impl Journal<'_> {
    /// Tells at most `limit` records; without a limit it goes on until interrupted.
    fn tell(mut self, screen: Screen, limit: Option<usize>) -> Result<(), CliError> {
        let mut left = limit.unwrap_or(usize::MAX);
        let mut kept: Vec<Value> = Vec::new();
        while left > 0 {
            let (records, more) = self.page(PAGE.min(left))?;
            left -= records.len().min(left);
            match (screen.json, limit) {
                // Followed by a program: a record a line.
                (true, None) => {
                    records.iter().try_for_each(|record| screen.say(&format!("{record}\n")))?;
                }
                (true, Some(_)) => kept.extend(records),
                (false, _) => {
                    let lines: String =
                        records.iter().map(|record| self.story.line(record)).collect();
                    screen.say(&lines)?;
                }
            }
            match (more, limit) {
                (true, Some(_)) if left == 0 && !screen.json => {
                    screen.remark(&format!("there is more: --after {}", self.after));
                }
                (true, _) => {}
                (false, Some(_)) => break,
                (false, None) => thread::sleep(FOLLOW_EVERY),
            }
        }
        if screen.json && limit.is_some() {
            screen.json(&json!({ "records": kept, "next": self.after }))?;
        }
        Ok(())
    }

    fn page(&mut self, limit: usize) -> Result<(Vec<Value>, bool), CliError> {
        let path = Path::of(&["v1", "rooms", &self.cid, "journal"])
            .and("after", &self.after.to_string())
            .and("limit", &limit.to_string());
        let answer = self.remote.get(&path)?;
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        if let Some(last) = records.last().and_then(|record| record["seq"].as_u64()) {
            self.after = last;
        }
        Ok((records, !answer["next"].is_null()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_shown_with_who_is_in_it() {
        let state = json!({
            "room": { "cid": "stage:x", "callType": "stage", "team": null, "createdBy": "ann",
                "custom": {}, "endedAt": null, "backstage": true,
                "createdAt": "2026-01-01T00:00:00.000Z", "startsAt": null },
            "counts": { "present": 1, "hidden": 1 }, "seq": 9, "blocked": ["cy"],
            "settings": { "audio": true, "video": false, "backstage": false },
            "members": { "ann": { "role": "host", "createdAt": "2026-01-01T00:00:00.000Z" },
                "dee": { "role": null } },
            "participants": [
                { "peerId": "p1", "userId": "ann", "name": "Ann", "role": "host", "owner": true,
                  "permissions": { "hasPresence": true }, "connected": false, "handRaised": false,
                  "tracks": { "audio": "on", "video": "off", "screenVideo": "blocked" } },
                { "peerId": "p2", "userId": "bo", "name": "", "role": "listener",
                  "permissions": { "hasPresence": false }, "tracks": {} },
            ],
        });
        assert_eq!(
            shown(&state),
            "room          stage:x\ncall type     stage\nstate         backstage\n\
             created by    ann\ncreated       2026-01-01 00:00:00Z\nblocked       cy\n\
             switched off  video\npresent       1\nhidden        1\nseq           9\n\n\
             MEMBER  ROLE         SINCE\nann     host         2026-01-01 00:00:00Z\n\
             dee     call_member  –\n\n\
             PEER  USER  NAME  ROLE      SENDS  MAY SEND\n\
             p1    ann   Ann   host      audio  video     owner, connection lost\n\
             p2    bo    –     listener  –      –         hidden\n"
        );
        assert_eq!(
            listed(&[state]),
            "ROOM     PRESENT  HIDDEN  STATE      TEAM  CREATED BY\n\
             stage:x  1        1       backstage  –     ann\n"
        );
    }
}
