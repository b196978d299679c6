//! `rolecall call-types`: which there are, what their roles may do, and changing it with a look at
//! what would change. It must not know what a grant means.

mod edit;
mod set;
mod shape;

use clap::{Args, Subcommand};

use self::set::{SET_EXAMPLES, SetArgs};
use super::{
    CliError,
    change::leaves,
    remote::{Path, Remote, RemoteArgs},
    screen::Screen,
    table::{cell, facts, moment, paragraph, plain, table},
};
use crate::clock::Clock;

/// Call types of a running server.
#[derive(Args, Debug)]
pub struct CallTypesArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: CallTypes,
}

#[derive(Debug, Subcommand)]
enum CallTypes {
    /// List them with their roles
    #[command(after_help = "Example:\n  rolecall call-types ls")]
    Ls,
    /// Show one: what each role is granted, and the settings
    #[command(after_help = GET_EXAMPLES)]
    Get(GetArgs),
    /// Change one: shows what would change, asks, changes it, and reads it back
    #[command(after_help = SET_EXAMPLES)]
    Set(Box<SetArgs>),
    /// Delete one
    #[command(after_help = "Example:\n  rolecall call-types rm webinar --yes")]
    Rm {
        /// The call type
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

const GET_EXAMPLES: &str = "\
Examples:
  rolecall call-types get default
  rolecall call-types get livestream --grants
  rolecall call-types get default --json > default.json      edit it, then `set --file`";

#[derive(Args, Debug)]
struct GetArgs {
    /// The call type
    name: String,
    /// Only the roles and their grants
    #[arg(long)]
    grants: bool,
    /// Only the settings
    #[arg(long, conflicts_with = "grants")]
    settings: bool,
}

impl CallTypesArgs {
    pub(super) fn run(self, clock: &Clock) -> Result<(), CliError> {
        let screen = Screen::of_process(self.remote.json);
        let remote = Remote::open(&self.remote, clock)?;
        match self.command {
            CallTypes::Ls => list(&remote, screen),
            CallTypes::Get(args) => get(&remote, screen, &args),
            CallTypes::Set(args) => args.run(&remote, screen),
            CallTypes::Rm { name, yes } => {
                let question = format!("Delete the call type `{}`?", plain(&name));
                screen.confirm(&question, yes)?;
                let answer = remote.delete(&one(&name))?;
                if screen.json { screen.json(&answer) } else { screen.say("deleted\n") }
            }
        }
    }
}

fn all() -> Path {
    Path::of(&["api", "v2", "video", "calltypes"])
}

fn one(name: &str) -> Path {
    Path::of(&["api", "v2", "video", "calltypes", name])
}

fn list(remote: &Remote, screen: Screen) -> Result<(), CliError> {
    let answer = remote.get(&all())?;
    if screen.json {
        return screen.json(&answer);
    }
    let call_types = answer["call_types"].as_object();
    let rows: Vec<Vec<String>> = call_types
        .into_iter()
        .flatten()
        .map(|(name, call_type)| {
            let roles = call_type["grants"].as_object().into_iter().flatten();
            let roles: Vec<_> = roles.map(|(role, _)| plain(role).into_owned()).collect();
            vec![plain(name).into_owned(), moment(&call_type["updated_at"]), roles.join(" ")]
        })
        .collect();
    screen.say(&table(&["NAME", "UPDATED", "ROLES"], &rows))
}

fn get(remote: &Remote, screen: Screen, args: &GetArgs) -> Result<(), CliError> {
    let answer = remote.get(&one(&args.name))?;
    if screen.json {
        return screen.json(match args {
            GetArgs { grants: true, .. } => &answer["grants"],
            GetArgs { settings: true, .. } => &answer["settings"],
            _ => &answer,
        });
    }
    let mut text = String::new();
    if !args.grants && !args.settings {
        text.push_str(&facts(&[
            ("name", cell(&answer["name"])),
            ("created", moment(&answer["created_at"])),
            ("updated", moment(&answer["updated_at"])),
        ]));
        text.push_str("\ngrants\n");
    }
    if !args.settings {
        for (role, grants) in answer["grants"].as_object().into_iter().flatten() {
            let mut words: Vec<String> =
                grants.as_array().into_iter().flatten().map(cell).collect();
            words.sort();
            text.push_str(&paragraph(&plain(role), &words));
        }
    }
    if !args.grants && !args.settings {
        text.push_str("\nsettings\n");
    }
    if !args.grants {
        let lines = leaves(&answer["settings"]);
        text.extend(lines.iter().map(|line| format!("  {}\n", plain(line))));
    }
    screen.say(&text)
}
