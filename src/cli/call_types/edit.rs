//! An edit of a call type: what was asked, what the server would then have, and what is to be sent.
//! It computes as the server does: the list of each role mentioned is replaced, every other role
//! stays; settings are merged. It must not know how the two are reached.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_protocol::grant::Grant;
use serde_json::{Map, Value, json};

use super::shape::{self, OWN};
use crate::cli::change::{leaves, lost_and_gained, merged, unified};

/// What a definition may hold, as the server's request does, beside Rolecall's own.
const KEYS: [&str; 4] = ["grants", "settings", "notification_settings", "external_storage"];
/// What an answer of the server holds beside that; a definition may be such an answer, edited.
const ANSWERED: [&str; 4] = ["name", "created_at", "updated_at", "duration"];

/// A role and some grants, as `ROLE=a,b` says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleGrants {
    role: String,
    grants: Vec<String>,
}

/// Reads `ROLE=a,b`; `ROLE=` names no grant.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse_role_grants(text: &str) -> Result<RoleGrants, String> {
    let (role, list) = text.split_once('=').ok_or("it is written `ROLE=grant,grant`")?;
    if role.trim().is_empty() {
        return Err("no role is named before `=`".to_owned());
    }
    let grants = list.split(',').map(str::trim).filter(|grant| !grant.is_empty());
    Ok(RoleGrants { role: role.trim().to_owned(), grants: grants.map(str::to_owned).collect() })
}

/// What was asked of one role, in the order in which it counts.
#[derive(Clone, Debug, Default)]
struct RoleEdit {
    exactly: Option<Vec<String>>,
    more: Vec<String>,
    fewer: Vec<String>,
}

/// What was asked of a call type.
#[derive(Clone, Debug, Default)]
pub(super) struct Edit {
    roles: BTreeMap<String, RoleEdit>,
    rest: BTreeMap<&'static str, Value>,
    own: Map<String, Value>,
}

impl Edit {
    /// Takes a definition: grants and settings as the server's request has them.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn define(&mut self, name: &str, definition: &Value) -> Result<(), String> {
        let fields = definition.as_object().ok_or("a definition is an object")?;
        if let Some(other) = fields.get("name").filter(|other| *other != name) {
            return Err(format!("it defines {other}, not `{name}`"));
        }
        for (key, value) in fields {
            match KEYS.iter().find(|known| *known == key) {
                Some(&"grants") => self.define_grants(value)?,
                Some(&known) if known != "external_storage" && !value.is_object() => {
                    return Err(format!("`{key}` is not an object"));
                }
                Some(known) => {
                    self.rest.insert(known, value.clone());
                }
                None if ANSWERED.contains(&key.as_str()) => {}
                None if OWN.contains(&key.as_str()) => {
                    self.own.insert(key.clone(), value.clone());
                }
                None => {
                    let known = [KEYS, OWN].concat().join("`, `");
                    return Err(format!("`{key}` is not one of `{known}`"));
                }
            }
        }
        Ok(())
    }

    fn define_grants(&mut self, grants: &Value) -> Result<(), String> {
        let roles = grants.as_object().ok_or("`grants` is not an object of roles")?;
        for (role, list) in roles {
            let texts = list.as_array().map(|list| list.iter().map(Value::as_str).collect());
            let Some(Some(texts)) = texts.map(|texts: Option<Vec<&str>>| texts) else {
                return Err(format!("`grants.{role}` is not a list of texts"));
            };
            let texts = texts.into_iter().map(str::to_owned).collect();
            self.roles.entry(role.clone()).or_default().exactly = Some(texts);
        }
        Ok(())
    }

    /// Asks for settings; they win over a definition's.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(super) fn settings(&mut self, settings: &Value) -> Result<(), String> {
        if !settings.is_object() {
            return Err("settings are an object".to_owned());
        }
        let whole = self.rest.get("settings").map(|defined| merged(defined, settings));
        self.rest.insert("settings", whole.unwrap_or_else(|| settings.clone()));
        Ok(())
    }

    /// Asks for exactly these grants, then for more, then for fewer.
    ///
    /// # Errors
    /// Where one role is given two lists.
    pub(super) fn grants(
        &mut self,
        exactly: &[RoleGrants],
        more: &[RoleGrants],
        fewer: &[RoleGrants],
    ) -> Result<(), String> {
        let mut given = BTreeSet::new();
        for RoleGrants { role, grants } in exactly {
            if !given.insert(role) {
                return Err(format!("--grant gives `{role}` two lists; --add adds to one"));
            }
            self.roles.entry(role.clone()).or_default().exactly = Some(grants.clone());
        }
        for RoleGrants { role, grants } in more {
            self.roles.entry(role.clone()).or_default().more.extend_from_slice(grants);
        }
        for RoleGrants { role, grants } in fewer {
            self.roles.entry(role.clone()).or_default().fewer.extend_from_slice(grants);
        }
        Ok(())
    }

    /// Whether nothing was asked.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.rest.is_empty() && self.own.is_empty()
    }

    /// The call type that a new one starts from, if one is named.
    #[must_use]
    pub(super) fn extends(&self) -> Option<&str> {
        self.own.get("extends")?.as_str()
    }

    /// What a new call type is before this is laid over it.
    ///
    /// # Errors
    /// What is wrong with its roles, in words.
    pub(super) fn beginning(&self, name: &str) -> Result<Value, String> {
        shape::beginning(name, &self.own)
    }

    /// What follows for a call type that is as `present` says (the server's answer).
    ///
    /// # Errors
    /// What is wrong with the roles that have a shape of their own, in words.
    pub(super) fn plan(&self, name: &str, present: &Value) -> Result<Plan, String> {
        let mut plan = Plan { name: name.to_owned(), own: self.own.clone(), ..Plan::default() };
        let shaped = shape::grants(name, &self.own, present)?;
        let untouched = RoleEdit::default();
        let all: BTreeSet<&String> = self.roles.keys().chain(shaped.keys()).collect();
        for role in all {
            let edit = self.roles.get(role).unwrap_or(&untouched);
            let before = granted(present, role);
            let start = shaped.get(role).cloned().map(sorted);
            let exactly = edit.exactly.as_ref().or(start.as_ref()).or(before.as_ref());
            let mut after = exactly.cloned().unwrap_or_default();
            for grant in &edit.more {
                if !after.iter().any(|held| is_same(held, grant)) {
                    after.push(grant.clone());
                }
            }
            for grant in &edit.fewer {
                let held = after.len();
                after.retain(|held| !is_same(held, grant));
                if after.len() == held {
                    plan.remarks.push(format!("`{role}` does not have `{grant}`"));
                }
            }
            let after = sorted(after);
            if before.as_ref() != Some(&after) {
                // What the shape says by itself need not be said again.
                let sent = start.as_ref() != Some(&after);
                plan.roles.push(RoleChange { role: role.clone(), before, after, sent });
            }
        }
        for (key, asked) in &self.rest {
            let before = present.get(key).cloned().unwrap_or_default();
            let after = merged(&before, asked);
            if leaves(&before) != leaves(&after) {
                let sent = changed_parts(&before, &after);
                plan.rest.push(Part { key, before, after, sent });
            }
        }
        if !self.own.is_empty() {
            let keys: Vec<&str> = self.own.keys().map(String::as_str).collect();
            let keys = keys.join("`, `");
            plan.remarks.push(format!(
                "`{keys}` cannot be compared but by the grants that follow: the server does not say them"
            ));
        }
        Ok(plan)
    }
}

/// The grants of a role as the server's answer has them, sorted; `None` where it has no such role.
fn granted(call_type: &Value, role: &str) -> Option<Vec<String>> {
    let list = call_type.get("grants")?.get(role)?.as_array()?;
    Some(sorted(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
}

fn sorted(mut grants: Vec<String>) -> Vec<String> {
    grants.sort();
    grants.dedup();
    grants
}

/// Whether two grants give the same, by whichever of its names: `block-user` and `block-users`.
fn is_same(one: &str, other: &str) -> bool {
    let meaning = |grant: Grant| {
        let capability = grant.capability()?;
        Some((capability, grant.owner, grant.any_team))
    };
    let read = |text: &str| Grant::parse(text).ok().and_then(meaning);
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}

/// The parts of `after` that differ from `before`, each whole: a server that replaces a part and one
/// that merges it then come to the same.
fn changed_parts(before: &Value, after: &Value) -> Value {
    match after {
        Value::Object(parts) => {
            let differs = |(key, value): &(&String, &Value)| before.get(key) != Some(value);
            parts.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        whole => whole.clone(),
    }
}

/// One role's grants, before and after.
#[derive(Clone, Debug)]
struct RoleChange {
    role: String,
    before: Option<Vec<String>>,
    after: Vec<String>,
    sent: bool,
}

/// Another part of a call type, before and after, and what is sent of it.
#[derive(Clone, Debug)]
struct Part {
    key: &'static str,
    before: Value,
    after: Value,
    sent: Value,
}

/// What an edit would change.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    name: String,
    roles: Vec<RoleChange>,
    rest: Vec<Part>,
    own: Map<String, Value>,
    /// What is to be known beside the diff.
    pub(super) remarks: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to send.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        !self.differs() && self.own.is_empty()
    }

    /// Whether anything that can be seen would change.
    #[must_use]
    pub(super) fn differs(&self) -> bool {
        !self.roles.is_empty() || !self.rest.is_empty()
    }

    /// The request's body.
    #[must_use]
    pub(super) fn body(&self) -> Value {
        let mut body = self.own.clone();
        let sent = self.roles.iter().filter(|change| change.sent);
        let grants: Map<String, Value> =
            sent.map(|change| (change.role.clone(), json!(change.after))).collect();
        if !grants.is_empty() {
            body.insert("grants".to_owned(), Value::Object(grants));
        }
        for part in &self.rest {
            body.insert(part.key.to_owned(), part.sent.clone());
        }
        Value::Object(body)
    }

    /// A unified diff for each role, and one for each other part.
    #[must_use]
    pub(super) fn diff(&self) -> String {
        let roles = self.roles.iter().map(|change| {
            let before = change.before.as_deref().unwrap_or_default();
            let diff = unified(&format!("{}/{}", self.name, change.role), before, &change.after);
            match diff.as_str() {
                "" => format!("{}/{}: a role without grants\n", self.name, change.role),
                _ => diff,
            }
        });
        let rest = self.rest.iter().map(|part| {
            unified(
                &format!("{}.{}", self.name, part.key),
                &leaves(&part.before),
                &leaves(&part.after),
            )
        });
        roles.chain(rest).collect()
    }

    /// The same for programs.
    #[must_use]
    pub(super) fn changes(&self) -> Value {
        let roles = self.roles.iter().map(|change| {
            let before = change.before.as_deref().unwrap_or_default();
            let (removed, added) = lost_and_gained(before, &change.after);
            (change.role.clone(), json!({ "added": added, "removed": removed }))
        });
        let mut changes = Map::new();
        changes.insert("grants".to_owned(), Value::Object(roles.collect()));
        for part in &self.rest {
            let (removed, added) = lost_and_gained(&leaves(&part.before), &leaves(&part.after));
            changes.insert(part.key.to_owned(), json!({ "added": added, "removed": removed }));
        }
        Value::Object(changes)
    }

    /// What a server of this version would refuse, in its words; `known` are the roles there are.
    #[must_use]
    pub(super) fn refused(&self, known: &BTreeSet<String>) -> Vec<String> {
        let mut problems = Vec::new();
        for change in self.roles.iter().filter(|change| change.sent) {
            let unknown = change.after.iter().filter_map(|grant| Grant::parse(grant).err());
            problems.extend(unknown.map(|unknown| format!("`{}`: {unknown}", change.role)));
            let shaped = self.own.get("roles").and_then(|roles| roles.get(&change.role));
            if change.before.is_none() && shaped.is_none() && !known.contains(&change.role) {
                problems.push(format!(
                    "there is no role `{0}`: make it with `rolecall roles add {0}`",
                    change.role
                ));
            }
        }
        problems.extend(self.rest.iter().filter_map(|part| shape::refused(part.key, &part.sent)));
        problems
    }

    /// How the server's state differs from what was asked, as a diff; nothing where it does not.
    #[must_use]
    pub(super) fn remaining(&self, read_back: &Value) -> String {
        let roles = self.roles.iter().map(|change| {
            let now = granted(read_back, &change.role).unwrap_or_default();
            unified(&format!("{}/{}", self.name, change.role), &change.after, &now)
        });
        let rest = self.rest.iter().map(|part| {
            let now = read_back.get(part.key).map(leaves).unwrap_or_default();
            unified(&format!("{}.{}", self.name, part.key), &leaves(&part.after), &now)
        });
        roles.chain(rest).collect()
    }
}

#[cfg(test)]
mod tests;
