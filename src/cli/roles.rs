//! `rolecall roles`: which roles there are, and roles of one's own. It must not know what they give:
//! that is the call types' affair.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    CliError,
    remote::{Path, Remote, RemoteArgs},
    screen::Screen,
    table::{cell, moment, plain, table},
};
use crate::clock::Clock;

/// Roles of a running server.
#[derive(Args, Debug)]
pub struct RolesArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: Roles,
}

#[derive(Debug, Subcommand)]
enum Roles {
    /// List them, and where each has grants
    #[command(after_help = "Example:\n  rolecall roles ls")]
    Ls,
    /// Make a role of your own; `call-types set --grant` then gives it something
    #[command(after_help = "Example:\n  rolecall roles add nurse\n  \
                      rolecall call-types set default --grant nurse=join-call,send-audio")]
    Add {
        /// Its name, 1 to 64 characters
        name: String,
    },
    /// Delete a role of your own that no call type and no user has any more
    #[command(after_help = "Example:\n  rolecall roles rm nurse")]
    Rm {
        /// Its name
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl RolesArgs {
    pub(super) fn run(self, clock: &Clock) -> Result<(), CliError> {
        let screen = Screen::of_process(self.remote.json);
        let remote = Remote::open(&self.remote, clock)?;
        let path = Path::of(&["api", "v2", "roles"]);
        let (answer, text) = match self.command {
            Roles::Ls => {
                let answer = remote.get(&path)?;
                let text = listed(&answer);
                (answer, text)
            }
            Roles::Add { name } => {
                let answer = remote.post(&path, &json!({ "name": name }))?;
                (answer, format!("added `{}`\n", plain(&name)))
            }
            Roles::Rm { name, yes } => {
                screen.confirm(&format!("Delete the role `{}`?", plain(&name)), yes)?;
                let answer = remote.delete(&Path::of(&["api", "v2", "roles", &name]))?;
                (answer, format!("deleted `{}`\n", plain(&name)))
            }
        };
        if screen.json { screen.json(&answer) } else { screen.say(&text) }
    }
}

/// The names of all roles.
pub(super) fn known(remote: &Remote) -> Result<BTreeSet<String>, CliError> {
    let answer = remote.get(&Path::of(&["api", "v2", "roles"]))?;
    let roles = answer["roles"].as_array().into_iter().flatten();
    Ok(roles.filter_map(|role| role["name"].as_str().map(str::to_owned)).collect())
}

fn listed(answer: &Value) -> String {
    let roles = answer["roles"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = roles
        .map(|role| {
            let kind = if role["custom"] == true { "custom" } else { "built in" };
            vec![
                cell(&role["name"]),
                kind.to_owned(),
                moment(&role["updated_at"]),
                cell(&role["scopes"]),
            ]
        })
        .collect();
    table(&["NAME", "KIND", "UPDATED", "HAS GRANTS IN"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_listed_with_where_they_count() {
        let answer = json!({ "roles": [
            { "name": "nurse", "custom": true, "scopes": [], "updated_at": 1_000_000_000 },
            { "name": "user", "custom": false, "scopes": [".app", "video:default"],
              "updated_at": 0 },
        ] });
        assert_eq!(
            listed(&answer),
            "NAME   KIND      UPDATED               HAS GRANTS IN\n\
             nurse  custom    1970-01-01 00:00:01Z  –\n\
             user   built in  –                     .app, video:default\n"
        );
    }
}
