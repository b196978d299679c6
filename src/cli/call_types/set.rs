//! `rolecall call-types set`: reads what is, shows what would be, asks, sends, and reads back. It must
//! not know how an edit is computed.

use std::{io::Read as _, path::PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    all,
    edit::{Edit, Plan, RoleGrants, parse_role_grants},
    one,
};
use crate::cli::{CliError, remote::Remote, roles, screen::Screen, table::plain};

pub(super) const SET_EXAMPLES: &str = "\
The roles mentioned get what is said, every other role stays as it is. For one role, --grant counts
first, then --add, then --ungrant. A grant is a permission id (`block-user`, `send-audio-owner`,
`join-call-any-team`) or the name of a capability (`block-users`).

Examples:
  rolecall call-types set default --ungrant user=screenshare --dry-run
  rolecall call-types set default --add guest=send-event --add call_member=pin-call-track
  rolecall call-types set livestream --grant user=join-call,read-call --yes
  rolecall call-types set default --settings '{\"screensharing\":{\"enabled\":false}}'
  rolecall call-types set webinar --file webinar.toml --create --yes
  rolecall call-types set default --file default.json --check     in CI: 1 where it has drifted

A definition (TOML or JSON) is what the server answers to `get --json`, or a part of it. Beside
grants and settings it may have `roles` in Rolecall's or 100ms's shape, `default_role`, `open`, and for
a new call type `extends`, as in rolecall.toml:
  [grants]
  user = [\"join-call\", \"send-audio\"]
  [settings.video]
  enabled = false

Exit status: 0 done or nothing to do, 1 refused, failed or (--check) different, 2 wrong flags.";

#[derive(Args, Debug)]
pub(super) struct SetArgs {
    /// The call type
    name: String,
    /// Give a role exactly these grants; `ROLE=` takes all of them. May be repeated
    #[arg(long, value_name = "ROLE=A,B", value_parser = parse_role_grants)]
    grant: Vec<RoleGrants>,
    /// Give a role these grants beside those it has. May be repeated
    #[arg(long, value_name = "ROLE=A,B", value_parser = parse_role_grants)]
    add: Vec<RoleGrants>,
    /// Take these grants from a role. May be repeated
    #[arg(long, value_name = "ROLE=A,B", value_parser = parse_role_grants)]
    ungrant: Vec<RoleGrants>,
    /// Settings to change: JSON, or a file of JSON or TOML; `-` is stdin
    #[arg(long, value_name = "FILE|JSON")]
    settings: Option<String>,
    /// A definition, see below: a file of JSON or TOML; `-` is stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Create the call type if there is none of that name; it starts as a fresh `default`
    #[arg(long)]
    create: bool,
    /// Only show what would change; nothing is sent
    #[arg(long)]
    dry_run: bool,
    /// As --dry-run, and exit with 1 where something would change
    #[arg(long)]
    check: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl SetArgs {
    pub(super) fn run(self, remote: &Remote, screen: Screen) -> Result<(), CliError> {
        let edit = self.edit()?;
        let found = look(remote, &self.name)?;
        if found.is_none() && !self.create {
            let name = plain(&self.name);
            let message = format!("there is no call type `{name}`; --create creates it");
            return Err(CliError::Failed(message));
        }
        let present = match &found {
            Some(found) => found.clone(),
            None => self.beginning(remote, &edit)?,
        };
        let plan =
            edit.plan(&self.name, &present).map_err(|problem| wrong(&self.name, &problem))?;
        let mut report = Report::new(screen, &self.name, found.is_none(), &plan)?;
        if !report.is_change() {
            return report.conclude("nothing to change");
        }
        if self.dry_run || self.check {
            return self.only_look(remote, &plan, report);
        }
        screen.confirm(&format!("Change `{}` like this?", plain(&self.name)), self.yes)?;
        if look(remote, &self.name)?.map(|now| now["updated_at"].clone())
            != found.map(|then| then["updated_at"].clone())
        {
            let message = "somebody else changed it meanwhile; nothing was sent: look again";
            return Err(CliError::Failed(message.to_owned()));
        }
        self.send(remote, &plan, report.is_new)?;
        report.said["sent"] = json!(true);
        let remaining = plan.remaining(&remote.get(&one(&self.name))?);
        report.said["asAsked"] = json!(remaining.is_empty());
        if remaining.is_empty() {
            return report.conclude("done; read back, it is as was asked");
        }
        report.conclude("sent; read back, it differs from what was asked:")?;
        if !screen.json {
            screen.diff(&remaining)?;
        }
        let message = "the server now has something else than what was asked";
        Err(CliError::Failed(message.to_owned()))
    }

    /// What was asked for.
    fn edit(&self) -> Result<Edit, CliError> {
        let mut edit = Edit::default();
        if let Some(file) = &self.file {
            let whence = file.display().to_string();
            let definition = read_file(&whence)?;
            edit.define(&self.name, &definition).map_err(|problem| wrong(&whence, &problem))?;
        }
        if let Some(settings) = &self.settings {
            let inline = settings.trim_start().starts_with('{');
            let value = if inline { parse("--settings", settings)? } else { read_file(settings)? };
            edit.settings(&value).map_err(|problem| wrong("--settings", &problem))?;
        }
        edit.grants(&self.grant, &self.add, &self.ungrant).map_err(CliError::Usage)?;
        if edit.is_empty() && !self.create {
            let message = "nothing to set: say --grant, --add, --ungrant, --settings or --file";
            return Err(CliError::Usage(message.to_owned()));
        }
        Ok(edit)
    }

    /// What a new one is before anything is laid over it.
    fn beginning(&self, remote: &Remote, edit: &Edit) -> Result<Value, CliError> {
        match edit.extends() {
            Some(base) => remote.get(&one(base)),
            None => edit.beginning(&self.name).map_err(|problem| wrong(&self.name, &problem)),
        }
    }

    /// Sends nothing; says what the server would refuse.
    fn only_look(
        &self,
        remote: &Remote,
        plan: &Plan,
        mut report: Report<'_>,
    ) -> Result<(), CliError> {
        let problems = plan.refused(&roles::known(remote)?);
        report.said["problems"] = json!(problems);
        report.conclude("nothing was sent")?;
        if !problems.is_empty() {
            let problems = problems.join("; ");
            let message = format!("the server would refuse this: {}", plain(&problems));
            return Err(CliError::Failed(message));
        }
        if self.check && (report.is_new || plan.differs()) {
            return Err(CliError::Failed(format!("`{}` is otherwise", plain(&self.name))));
        }
        Ok(())
    }

    fn send(&self, remote: &Remote, plan: &Plan, new: bool) -> Result<(), CliError> {
        let mut body = plan.body();
        if new {
            body["name"] = json!(self.name);
            remote.post(&all(), &body)?;
        } else {
            remote.put(&one(&self.name), &body)?;
        }
        Ok(())
    }
}

/// What is said of a change, to people as it goes, to programs at the end.
struct Report<'a> {
    screen: Screen,
    plan: &'a Plan,
    is_new: bool,
    said: Value,
}

impl<'a> Report<'a> {
    fn new(screen: Screen, name: &str, is_new: bool, plan: &'a Plan) -> Result<Self, CliError> {
        if !screen.json {
            for remark in &plan.remarks {
                screen.remark(&format!("note: {}", plain(remark)));
            }
            if is_new {
                let name = plain(name);
                let text =
                    format!("a new call type `{name}`; in what it differs from its start:\n");
                screen.say(&text)?;
            }
            screen.diff(&plan.diff())?;
        }
        let changed = is_new || !plan.is_empty();
        let said = json!({
            "name": name, "created": is_new, "changed": changed, "sent": false,
            "changes": plan.changes(), "remarks": plan.remarks,
        });
        Ok(Self { screen, plan, is_new, said })
    }

    fn is_change(&self) -> bool {
        self.is_new || !self.plan.is_empty()
    }

    fn conclude(&self, words: &str) -> Result<(), CliError> {
        if self.screen.json {
            self.screen.json(&self.said)
        } else {
            self.screen.say(&format!("{words}\n"))
        }
    }
}

/// The call type as the server has it now.
fn look(remote: &Remote, name: &str) -> Result<Option<Value>, CliError> {
    match remote.get(&one(name)) {
        Err(CliError::Remote(error)) if error.is_missing() => Ok(None),
        found => found.map(Some),
    }
}

/// What is wrong where; a problem may be several lines that point at a place.
fn wrong(whence: &str, problem: &str) -> CliError {
    let lines: Vec<_> = problem.trim().lines().map(plain).collect();
    CliError::Usage(format!("{}: {}", plain(whence), lines.join("\n")))
}

/// A file of JSON or TOML, or stdin.
fn read_file(path: &str) -> Result<Value, CliError> {
    let text = if path == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|error| wrong(path, &format!("cannot be read: {error}")))?;
    parse(path, &text)
}

/// JSON where it begins like an object, otherwise TOML.
fn parse(whence: &str, text: &str) -> Result<Value, CliError> {
    let parsed = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        toml::from_str(text).map_err(|error| error.to_string())
    };
    parsed.map_err(|problem| wrong(whence, &problem))
}
