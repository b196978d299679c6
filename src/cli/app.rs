//! `rolecall app`: the app's own settings. It must not know what they change.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{
    CliError,
    change::{leaves, unified},
    remote::{Path, Remote, RemoteArgs},
    screen::Screen,
    table::{cell, facts},
};
use crate::clock::Clock;

/// Settings of the app a running server is.
#[derive(Args, Debug)]
pub struct AppArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: App,
}

#[derive(Debug, Subcommand)]
enum App {
    /// Show them
    #[command(after_help = "Example:\n  rolecall app get")]
    Get,
    /// Change them
    #[command(after_help = SET_EXAMPLES)]
    Set(SetArgs),
}

const SET_EXAMPLES: &str = "\
While multi-tenant is on, a user reaches the rooms and users of his teams only, and users are
created by your backend only. Turning it on takes peers out of rooms that are not their team's.

Examples:
  rolecall app set --multi-tenant on --dry-run
  rolecall app set --multi-tenant off --yes";

#[derive(Args, Debug)]
struct SetArgs {
    /// Whether teams keep apart
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    multi_tenant: Switch,
    /// Only show what would change; nothing is sent
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl AppArgs {
    pub(super) fn run(self, clock: &Clock) -> Result<(), CliError> {
        let screen = Screen::of_process(self.remote.json);
        let remote = Remote::open(&self.remote, clock)?;
        match self.command {
            App::Get => {
                let answer = remote.get(&path())?;
                if screen.json { screen.json(&answer) } else { screen.say(&shown(&answer)) }
            }
            App::Set(args) => set(&remote, screen, &args),
        }
    }
}

fn path() -> Path {
    Path::of(&["api", "v2", "app"])
}

/// The settings that mean something here.
fn shown(answer: &Value) -> String {
    let app = &answer["app"];
    facts(&[
        ("name", cell(&app["name"])),
        ("multi-tenant", switched(&app["multi_tenant_enabled"])),
        ("guests by clients", switched(&json!(app["guest_user_creation_disabled"] != true))),
        ("call types", cell(&json!(names(&app["call_types"])))),
    ])
}

fn names(map: &Value) -> Vec<&String> {
    map.as_object().into_iter().flat_map(serde_json::Map::keys).collect()
}

fn switched(on: &Value) -> String {
    if *on == true { "on" } else { "off" }.to_owned()
}

fn set(remote: &Remote, screen: Screen, args: &SetArgs) -> Result<(), CliError> {
    let asked = json!({ "multi_tenant_enabled": args.multi_tenant == Switch::On });
    let present = remote.get(&path())?;
    let before = json!({ "multi_tenant_enabled": present["app"]["multi_tenant_enabled"] });
    let changed = before != asked;
    if !screen.json {
        screen.diff(&unified("app", &leaves(&before), &leaves(&asked)))?;
    }
    let conclude = |words: &str, sent: bool| {
        if screen.json {
            screen.json(
                &json!({ "before": before, "after": asked, "changed": changed, "sent": sent }),
            )
        } else {
            screen.say(&format!("{words}\n"))
        }
    };
    if !changed {
        return conclude("nothing to change", false);
    }
    if args.dry_run {
        return conclude("nothing was sent", false);
    }
    screen.confirm("Change the app like this?", args.yes)?;
    remote.patch(&path(), &asked)?;
    conclude("done", true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_shown_in_words() {
        let answer = json!({ "app": { "name": "rolecall", "multi_tenant_enabled": true,
            "guest_user_creation_disabled": true, "call_types": { "stage": {}, "daily": {} } } });
        assert_eq!(
            shown(&answer),
            "name               rolecall\nmulti-tenant       on\nguests by clients  off\n\
             call types         daily, stage\n"
        );
    }
}
