//! `rolecall users`: finding users, changing them with a look at what would change, keeping them out
//! and letting them back. It must not know what a role or a team gives.

mod edit;

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::edit::SetArgs;
use super::{
    CliError,
    remote::{Path, Remote, RemoteArgs},
    screen::Screen,
    table::{NOTHING, cell, facts, moment, plain, table},
};
use crate::{clock::Clock, config::parse_duration};

/// Users asked for at once.
const PAGE: usize = 100;

/// Users of a running server.
#[derive(Args, Debug)]
pub struct UsersArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: Users,
}

#[derive(Debug, Subcommand)]
enum Users {
    /// List them, in order of their ids
    #[command(after_help = LS_EXAMPLES)]
    Ls(ListArgs),
    /// Show one
    #[command(after_help = "Example:\n  rolecall users get ann")]
    Get {
        /// The user
        id: String,
    },
    /// Create or change one; what is not mentioned stays
    #[command(after_help = SET_EXAMPLES)]
    Set(SetArgs),
    /// Keep one out of everything; he leaves every room at once
    #[command(
        after_help = "Examples:\n  rolecall users ban bo --reason \"spam\"\n  rolecall users ban bo --for 24h"
    )]
    Ban {
        /// The user
        id: String,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
        /// For how long, in whole minutes [default: for good]
        #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
        term: Option<Duration>,
    },
    /// Let a banned one in again
    #[command(after_help = "Example:\n  rolecall users unban bo")]
    Unban {
        /// The user
        id: String,
    },
    /// Deactivate one: he stays, and may do nothing
    #[command(after_help = "Example:\n  rolecall users deactivate bo")]
    Deactivate {
        /// The user
        id: String,
    },
    /// Let a deactivated one act again
    #[command(after_help = "Example:\n  rolecall users reactivate bo")]
    Reactivate {
        /// The user
        id: String,
    },
    /// Delete one
    #[command(after_help = "Example:\n  rolecall users rm bo --yes")]
    Rm {
        /// The user
        id: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

const LS_EXAMPLES: &str = "\
The filter is the one of Stream's queryUsers: fields such as id, name, role, teams, banned,
created_at or custom.x, with a value, or with $eq, $in, $gt, $lt, $exists, $autocomplete, $contains;
joined by $and and $or.

Examples:
  rolecall users ls --team red
  rolecall users ls --filter '{\"role\":\"admin\"}'
  rolecall users ls --filter '{\"name\":{\"$autocomplete\":\"an\"}}' --limit 20 --json";

const SET_EXAMPLES: &str = "\
Examples:
  rolecall users set ann --role admin --dry-run
  rolecall users set bo --name \"Bo B.\" --team red --team blue
  rolecall users set bo --teams-role red=moderator        in team red instead of his role
  rolecall users set bo --no-teams";

#[derive(Args, Debug)]
struct ListArgs {
    /// Only whom this filter finds
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// Only members of this team
    #[arg(long)]
    team: Option<String>,
    /// Deactivated ones too
    #[arg(long)]
    deactivated: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = PAGE)]
    limit: usize,
}

impl UsersArgs {
    pub(super) fn run(self, clock: &Clock) -> Result<(), CliError> {
        let screen = Screen::of_process(self.remote.json);
        let remote = Remote::open(&self.remote, clock)?;
        let (answer, text) = match self.command {
            Users::Ls(args) => {
                let found = list(&remote, &args)?;
                let text = listed(&found);
                (json!({ "users": found }), text)
            }
            Users::Get { id } => {
                let user = find(&remote, &id)?.ok_or_else(|| missing(&id))?;
                let text = shown(&user);
                (user, text)
            }
            Users::Set(args) => return args.run(&remote, screen),
            Users::Ban { id, reason, term } => {
                let mut body = json!({ "target_user_id": id });
                if let Some(reason) = reason {
                    body["reason"] = json!(reason);
                }
                if let Some(term) = term {
                    body["timeout"] = json!(term.as_secs().div_ceil(60));
                }
                (remote.post(&moderation("ban"), &body)?, format!("banned {}\n", plain(&id)))
            }
            Users::Unban { id } => {
                let path = moderation("unban").and("target_user_id", &id);
                let answer = remote.post(&path, &json!({}))?;
                (answer, format!("{} may come in again\n", plain(&id)))
            }
            Users::Deactivate { id } => {
                let answer = remote.post(&of_user(&id, "deactivate"), &json!({}))?;
                (answer, format!("deactivated {}\n", plain(&id)))
            }
            Users::Reactivate { id } => {
                let answer = remote.post(&of_user(&id, "reactivate"), &json!({}))?;
                (answer, format!("reactivated {}\n", plain(&id)))
            }
            Users::Rm { id, yes } => {
                screen.confirm(&format!("Delete the user `{}`?", plain(&id)), yes)?;
                let body = json!({ "user_ids": [id], "user": "hard" });
                let path = Path::of(&["api", "v2", "users", "delete"]);
                (remote.post(&path, &body)?, format!("deleted {}\n", plain(&id)))
            }
        };
        if screen.json { screen.json(&answer) } else { screen.say(&text) }
    }
}

fn path() -> Path {
    Path::of(&["api", "v2", "users"])
}

fn of_user(id: &str, act: &str) -> Path {
    Path::of(&["api", "v2", "users", id, act])
}

fn moderation(act: &str) -> Path {
    Path::of(&["api", "v2", "moderation", act])
}

fn missing(id: &str) -> CliError {
    CliError::Failed(format!("there is no user `{}`", plain(id)))
}

/// Users by pages, each after the last one's id, so that nobody is told twice or left out while
/// others come.
fn list(remote: &Remote, args: &ListArgs) -> Result<Vec<Value>, CliError> {
    let filter = args.filter()?;
    let mut found: Vec<Value> = Vec::new();
    while found.len() < args.limit {
        let limit = PAGE.min(args.limit - found.len());
        let mut payload = json!({
            "filter_conditions": filter, "limit": limit,
            "sort": [{ "field": "id", "direction": 1 }],
            "include_deactivated_users": args.deactivated,
        });
        if let Some(last) = found.last() {
            payload["id_gt"] = last["id"].clone();
        }
        let answer = remote.get(&path().and("payload", &payload.to_string()))?;
        let page = answer["users"].as_array().cloned().unwrap_or_default();
        let more = page.len() == limit;
        found.extend(page);
        if !more {
            break;
        }
    }
    Ok(found)
}

impl ListArgs {
    /// Both conditions together.
    fn filter(&self) -> Result<Value, CliError> {
        let filter = match self.filter.as_deref().map(serde_json::from_str::<Value>) {
            None => json!({}),
            Some(Ok(filter)) if filter.is_object() => filter,
            Some(Ok(_)) => return Err(CliError::Usage("--filter is not an object".to_owned())),
            Some(Err(error)) => {
                return Err(CliError::Usage(format!("--filter is not JSON: {error}")));
            }
        };
        let Some(team) = &self.team else { return Ok(filter) };
        let of_team = json!({ "teams": { "$in": [team] } });
        Ok(match filter.as_object() {
            Some(fields) if !fields.is_empty() => json!({ "$and": [filter, of_team] }),
            _ => of_team,
        })
    }
}

/// One user, deactivated or not.
fn find(remote: &Remote, id: &str) -> Result<Option<Value>, CliError> {
    let payload = json!({
        "filter_conditions": { "id": { "$eq": id } }, "limit": 1, "include_deactivated_users": true,
    });
    let mut answer = remote.get(&path().and("payload", &payload.to_string()))?;
    Ok(answer["users"].get_mut(0).map(Value::take))
}

fn listed(users: &[Value]) -> String {
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| {
            vec![
                cell(&user["id"]),
                cell(&user["name"]),
                cell(&user["role"]),
                cell(&user["teams"]),
                state(user),
                moment(&user["last_active"]),
            ]
        })
        .collect();
    table(&["ID", "NAME", "ROLE", "TEAMS", "STATE", "LAST ACTIVE"], &rows)
}

/// What keeps a user from acting, or that he is here.
fn state(user: &Value) -> String {
    let mut words = Vec::new();
    for (word, so) in [
        ("deleted", !user["deleted_at"].is_null()),
        ("deactivated", !user["deactivated_at"].is_null()),
        ("banned", user["banned"] == true),
        ("online", user["online"] == true),
    ] {
        if so {
            words.push(word);
        }
    }
    if words.is_empty() { NOTHING.to_owned() } else { words.join(", ") }
}

fn shown(user: &Value) -> String {
    let known = [
        ("id", cell(&user["id"])),
        ("name", cell(&user["name"])),
        ("image", cell(&user["image"])),
        ("role", cell(&user["role"])),
        ("teams", cell(&user["teams"])),
        ("role in teams", cell(&user["teams_role"])),
        ("custom", cell(&user["custom"])),
        ("state", state(user)),
        ("created", moment(&user["created_at"])),
        ("updated", moment(&user["updated_at"])),
        ("last active", moment(&user["last_active"])),
    ];
    let kept: Vec<_> = known.into_iter().filter(|(_, value)| value != NOTHING).collect();
    facts(&kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(filter: Option<&str>, team: Option<&str>) -> Result<Value, CliError> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ListArgs { filter: owned(filter), team: owned(team), deactivated: false, limit: 1 }.filter()
    }

    #[test]
    fn filter_and_team_narrow_together() {
        let red = json!({ "teams": { "$in": ["red"] } });
        assert_eq!(filter(None, None).unwrap(), json!({}));
        assert_eq!(filter(Some("{}"), Some("red")).unwrap(), red);
        let both = filter(Some(r#"{"$or":[{"id":"a"}]}"#), Some("red")).unwrap();
        assert_eq!(both, json!({ "$and": [{ "$or": [{ "id": "a" }] }, red] }));
        for bad in ["[]", "role=admin"] {
            assert_eq!(filter(Some(bad), None).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn users_are_shown_with_what_is_known_of_them() {
        let ann = json!({ "id": "ann", "name": "Ann", "role": "admin", "teams": ["red", "blue"],
            "custom": {}, "banned": true, "online": true, "created_at": 1_000_000_000 });
        let bo = json!({ "id": "bo", "role": "user", "teams": [] });
        assert_eq!(
            listed(&[ann.clone(), bo]),
            "ID   NAME  ROLE   TEAMS      STATE           LAST ACTIVE\n\
             ann  Ann   admin  red, blue  banned, online  –\n\
             bo   –     user   –          –               –\n"
        );
        assert_eq!(
            shown(&ann),
            "id       ann\nname     Ann\nrole     admin\nteams    red, blue\n\
             state    banned, online\ncreated  1970-01-01 00:00:01Z\n"
        );
    }
}
