//! `rolecall users set`: what would change of a user, and the change. It must not know who the user is.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{find, path, shown};
use crate::cli::{
    CliError,
    change::{leaves, unified},
    remote::Remote,
    roles,
    screen::Screen,
    table::plain,
};

#[derive(Args, Clone, Debug, Default)]
pub(super) struct SetArgs {
    /// The user
    id: String,
    /// His role
    #[arg(long)]
    role: Option<String>,
    /// A team of his; may be repeated, and all he is in are to be named
    #[arg(long = "team", value_name = "TEAM")]
    teams: Vec<String>,
    /// Take him out of all teams
    #[arg(long, conflicts_with = "teams")]
    no_teams: bool,
    /// His role in one team, `TEAM=` for none of its own; may be repeated
    #[arg(long, value_name = "TEAM=ROLE", value_parser = parse_team_role)]
    teams_role: Vec<(String, String)>,
    /// The name to show
    #[arg(long)]
    name: Option<String>,
    /// A picture's address
    #[arg(long, value_name = "URL")]
    image: Option<String>,
    /// Only show what would change; nothing is sent
    #[arg(long)]
    dry_run: bool,
}

/// Reads `TEAM=ROLE`. A team's name may hold `=`, a role's may not.
fn parse_team_role(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((team, role)) if !team.is_empty() => Ok((team.to_owned(), role.to_owned())),
        _ => Err("it is written `TEAM=ROLE`".to_owned()),
    }
}

impl SetArgs {
    pub(super) fn run(self, remote: &Remote, screen: Screen) -> Result<(), CliError> {
        let present = find(remote, &self.id)?;
        let change = self.change(present.as_ref());
        let (before, after) = (leaves(&change.before), leaves(&change.after));
        let new = present.is_none();
        let changed = new || before != after;
        if !screen.json {
            if new {
                screen.say("a new user\n")?;
            }
            screen.diff(&unified(&self.id, &before, &after))?;
        }
        let mut report = json!({
            "id": self.id, "created": new, "changed": changed, "sent": false,
            "before": change.before, "after": change.after,
        });
        let conclude = |report: &Value, words: &str| {
            if screen.json { screen.json(report) } else { screen.say(&format!("{words}\n")) }
        };
        if !changed {
            return conclude(&report, "nothing to change");
        }
        if self.dry_run {
            let known = roles::known(remote)?;
            let unknown: Vec<_> = self.roles().filter(|role| !known.contains(*role)).collect();
            report["problems"] = json!(unknown);
            conclude(&report, "nothing was sent")?;
            return match unknown.first() {
                None => Ok(()),
                Some(role) => Err(CliError::Failed(format!(
                    "the server would refuse this: there is no role `{0}`: make it with `rolecall \
                     roles add {0}`",
                    plain(role)
                ))),
            };
        }
        self.send(remote, new, &change)?;
        report["sent"] = json!(true);
        let now = find(remote, &self.id)?.unwrap_or_default();
        report["user"] = now.clone();
        let wanted = change.set.iter().all(|(field, value)| is_now(&now[field], value));
        report["asAsked"] = json!(wanted);
        conclude(&report, shown(&now).trim_end())?;
        if wanted {
            return Ok(());
        }
        let message = "the server now has something else than what was asked";
        Err(CliError::Failed(message.to_owned()))
    }

    /// The roles he is to have, everywhere and in teams.
    fn roles(&self) -> impl Iterator<Item = &String> {
        let in_teams = self.teams_role.iter().map(|(_, role)| role).filter(|role| !role.is_empty());
        self.role.iter().chain(in_teams)
    }

    /// What the user would be, and what is to be set for it.
    fn change(&self, present: Option<&Value>) -> Change {
        let mut set = Map::new();
        for (field, value) in [("name", &self.name), ("image", &self.image), ("role", &self.role)] {
            if let Some(value) = value {
                set.insert(field.to_owned(), json!(value));
            }
        }
        if self.no_teams || !self.teams.is_empty() {
            let teams: BTreeSet<&String> = self.teams.iter().collect();
            set.insert("teams".to_owned(), json!(teams));
        }
        if !self.teams_role.is_empty() {
            let held = present.and_then(|user| user["teams_role"].as_object());
            let mut roles: BTreeMap<String, Value> = held
                .into_iter()
                .flatten()
                .map(|(team, role)| (team.clone(), role.clone()))
                .collect();
            for (team, role) in &self.teams_role {
                match role.as_str() {
                    "" => roles.remove(team),
                    role => roles.insert(team.clone(), json!(role)),
                };
            }
            set.insert("teams_role".to_owned(), json!(roles));
        }
        let before: Map<String, Value> = set
            .keys()
            .filter_map(|field| {
                let value = present?.get(field).filter(|value| !value.is_null())?;
                Some((field.clone(), sorted(value)))
            })
            .collect();
        Change { before: Value::Object(before), after: Value::Object(set.clone()), set }
    }

    fn send(&self, remote: &Remote, new: bool, change: &Change) -> Result<(), CliError> {
        if new {
            let mut user = change.set.clone();
            user.insert("id".to_owned(), json!(self.id));
            let mut users = Map::new();
            users.insert(self.id.clone(), Value::Object(user));
            remote.post(&path(), &json!({ "users": users }))?;
        } else {
            let one = json!({ "id": self.id, "set": change.set });
            remote.patch(&path(), &json!({ "users": [one] }))?;
        }
        Ok(())
    }
}

/// The fields asked for, before and after.
struct Change {
    before: Value,
    after: Value,
    set: Map<String, Value>,
}

/// Whether a field is as asked; no value and an empty one are the same.
fn is_now(now: &Value, asked: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    (empty(now) && empty(asked)) || sorted(now) == sorted(asked)
}

/// A list in order: those of a user have none of their own.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items = items.clone();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mentioned_is_set() {
        let present = json!({ "id": "bo", "name": "Bo", "role": "user", "teams": ["red"],
            "teams_role": { "red": "admin", "a=b": "user" } });
        let args = SetArgs {
            id: "bo".into(),
            role: Some("admin".into()),
            teams_role: ["red=", "a=b=host"].map(|text| parse_team_role(text).unwrap()).into(),
            ..SetArgs::default()
        };
        let change = args.change(Some(&present));
        assert_eq!(
            Value::Object(change.set.clone()),
            json!({ "role": "admin", "teams_role": { "a=b": "host" } })
        );
        assert_eq!(
            unified("bo", &leaves(&change.before), &leaves(&change.after)),
            "--- bo\n+++ bo\n@@ -1,3 +1,2 @@\n-role = \"user\"\n-teams_role.a=b = \"user\"\n\
             -teams_role.red = \"admin\"\n+role = \"admin\"\n+teams_role.a=b = \"host\"\n"
        );
        let teams = ["red", "blue"].map(str::to_owned).into();
        let more = SetArgs { teams, ..SetArgs::default() }.change(Some(&present));
        assert_eq!(more.after, json!({ "teams": ["blue", "red"] }));
        let out = SetArgs { no_teams: true, ..SetArgs::default() }.change(Some(&present));
        assert_eq!(Value::Object(out.set), json!({ "teams": [] }));
        let new = SetArgs { name: Some("Cy".into()), ..SetArgs::default() }.change(None);
        assert_eq!((new.before, new.after), (json!({}), json!({ "name": "Cy" })));
    }

    #[test]
    fn nothing_and_emptiness_are_the_same_and_order_is_none() {
        for (now, asked, so) in [
            (json!(null), json!([]), true),
            (json!(["a", "b"]), json!(["b", "a"]), true),
            (json!(["a"]), json!(["a", "b"]), false),
            (json!({}), json!({ "red": "host" }), false),
            (json!("x"), json!("x"), true),
        ] {
            assert_eq!(is_now(&now, &asked), so, "{now} {asked}");
        }
        assert!(parse_team_role("red").is_err() && parse_team_role("=x").is_err());
    }
}
