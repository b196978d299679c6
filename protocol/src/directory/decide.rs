//! What follows from a command: its events and its reply, or a refusal. It must not change anything.
//!
//! One file for each subject stands behind it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    app::App,
    apply::apply,
    call_types::CallTypeEntry,
    command::{Actor, Command},
    event::Event,
    permission,
    refusal::Refusal,
    role::{CUSTOM_ROLES_MAX, CustomRole, is_built_in},
    state::Directory,
    user::User,
};
use crate::{
    call_type::CallType,
    id::{RoleName, Timestamp},
};

mod call_types;
mod users;

/// What follows from a command.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What happens; nothing where all was so already.
    pub events: Vec<Event>,
    /// The Directory as it will be.
    pub next: Directory,
    /// What the caller gets.
    pub reply: Reply,
}

/// What the caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to tell.
    Done,
    /// These users as they are now, in the order they were named.
    Users(Vec<Arc<User>>),
    /// A role.
    Role(CustomRole),
    /// A call type as it is now.
    CallType(Arc<CallTypeEntry>),
}

/// Decides one command on the Directory as it is; commits nothing.
///
/// # Errors
/// The [`Refusal`]; then nothing follows from the command.
pub fn turn(
    directory: &Directory,
    actor: &Actor,
    command: Command,
    at: Timestamp,
) -> Result<Decision, Refusal> {
    let mut turn = Turn { actor, at, next: directory.clone(), events: Vec::new() };
    let reply = turn.decide(command)?;
    if !turn.events.is_empty() {
        turn.next.seq = directory.seq.next();
    }
    Ok(Decision { events: turn.events, next: turn.next, reply })
}

/// A command being decided: each event is applied at once to the Directory as it will be, on which
/// what comes after it is decided.
struct Turn<'a> {
    actor: &'a Actor,
    at: Timestamp,
    next: Directory,
    events: Vec<Event>,
}

impl Turn<'_> {
    fn decide(&mut self, command: Command) -> Result<Reply, Refusal> {
        let asked_of_the_server = !matches!(
            (self.actor, &command),
            (Actor::User(_), Command::UpsertUsers { .. } | Command::UpdateUsers { .. })
                | (Actor::Nobody, Command::CreateGuest { .. })
                | (Actor::Timer, Command::Tick)
        );
        if asked_of_the_server && *self.actor != Actor::Server {
            return Err(Refusal::ServerOnly);
        }
        match command {
            Command::UpdateApp(patch) => self.update_app(*patch),
            Command::UpsertUsers { users } => self.upsert_users(users),
            Command::UpdateUsers { patches } => self.update_users(patches),
            Command::CreateGuest { user } => self.create_guest(*user),
            Command::DeactivateUsers { ids } => self.deactivate_users(&ids),
            Command::ReactivateUsers { ids } => self.reactivate_users(&ids),
            Command::DeleteUsers { ids, hard } => self.delete_users(&ids, hard),
            Command::RestoreUsers { ids } => self.restore_users(&ids),
            Command::BanUser { id, ban } => self.ban_user(id, *ban),
            Command::UnbanUser { id } => self.unban_user(id),
            Command::TouchUser { id } => Ok(self.touch_user(id)),
            Command::CreateRole { name } => self.create_role(name),
            Command::DeleteRole { name } => self.delete_role(name),
            Command::CreateCallType { name, input } => self.create_call_type(name, *input),
            Command::UpdateCallType { name, input } => self.update_call_type(&name, *input),
            Command::DeleteCallType { name } => self.delete_call_type(name),
            Command::AdoptCallType { call_type, hash } => self.adopt_call_type(call_type, hash),
            Command::Tick => Ok(self.tick()),
        }
    }

    fn happens(&mut self, event: Event) {
        apply(&mut self.next, &event, self.at);
        self.events.push(event);
    }

    fn known_role(&self, name: &RoleName) -> Result<(), Refusal> {
        if self.next.knows_role(name) {
            Ok(())
        } else if name.as_str() == "call-member" {
            Err(Refusal::CallMember)
        } else {
            Err(Refusal::UnknownRole(name.clone()))
        }
    }

    fn update_app(&mut self, patch: super::app::AppPatch) -> Result<Reply, Refusal> {
        for (field, on) in [
            ("disable_auth_checks", patch.disable_auth_checks),
            ("disable_permissions_checks", patch.disable_permissions_checks),
        ] {
            if on == Some(true) {
                return Err(Refusal::invalid(field, "the checks cannot be switched off"));
            }
        }
        let mut app = App::clone(&self.next.app);
        if let Some(on) = patch.multi_tenant_enabled {
            app.multi_tenant_enabled = on;
        }
        if let Some(disabled) = patch.guest_user_creation_disabled {
            app.guest_user_creation_disabled = disabled;
        }
        if let Some(moment) = patch.revoke_tokens_issued_before {
            app.revoke_tokens_issued_before = moment;
        }
        match patch.grants {
            None => {}
            Some(None) => app.grants = permission::app_defaults(),
            Some(Some(grants)) => {
                for (role, list) in grants {
                    self.known_role(&role)?;
                    if list.len() > super::app::APP_GRANTS_MAX {
                        return Err(Refusal::TooMany {
                            what: "grants of a role",
                            max: super::app::APP_GRANTS_MAX,
                        });
                    }
                    // `[]` takes all of a role's grants.
                    if list.is_empty() {
                        app.grants.remove(&role);
                    } else {
                        app.grants.insert(role, list);
                    }
                }
                if app.grants.len() > super::app::APP_ROLES_MAX {
                    let max = super::app::APP_ROLES_MAX;
                    return Err(Refusal::TooMany { what: "roles with grants", max });
                }
            }
        }
        if app != *self.next.app {
            app.updated_at = Some(self.at);
            self.happens(Event::AppUpdated { app: Arc::new(app) });
        }
        Ok(Reply::Done)
    }

    fn create_role(&mut self, name: RoleName) -> Result<Reply, Refusal> {
        if is_built_in(name.as_str()) || self.next.roles.contains_key(&name) {
            return Err(Refusal::RoleExists(name));
        }
        if self.next.roles.len() >= CUSTOM_ROLES_MAX {
            return Err(Refusal::TooMany { what: "custom roles", max: CUSTOM_ROLES_MAX });
        }
        let role = CustomRole { name, created_at: self.at, updated_at: self.at };
        self.happens(Event::RoleCreated { role: role.clone() });
        Ok(Reply::Role(role))
    }

    fn delete_role(&mut self, name: RoleName) -> Result<Reply, Refusal> {
        if is_built_in(name.as_str()) {
            return Err(Refusal::BuiltInRole(name));
        }
        if !self.next.roles.contains_key(&name) {
            return Err(Refusal::UnknownRole(name));
        }
        // Stream: deleting "fails while the role still has grants or users hold it".
        let scopes = self.next.scopes_of(&name);
        let by = match self.next.holders_of(&name) {
            0 if scopes.is_empty() => None,
            0 => Some(format!("it has grants in {}", scopes.join(", "))),
            1 => Some("1 user has it".to_owned()),
            users => Some(format!("{users} users have it")),
        };
        if let Some(by) = by {
            return Err(Refusal::RoleInUse { role: name, by });
        }
        self.forget_role(&name);
        self.happens(Event::RoleDeleted { name });
        Ok(Reply::Done)
    }

    /// Call types that gave the role something once know its name still: there it goes too.
    fn forget_role(&mut self, name: &RoleName) {
        let knows = |entry: &&Arc<CallTypeEntry>| {
            let call_type = &entry.call_type;
            call_type.roles.contains_key(name) && call_type.default_role.as_ref() != Some(name)
        };
        let left: Vec<_> = self.next.call_types.values().filter(knows).cloned().collect();
        for entry in left {
            let mut call_type = CallType::clone(&entry.call_type);
            call_type.roles.remove(name);
            let entry = CallTypeEntry {
                call_type: Arc::new(call_type),
                updated_at: self.at,
                ..CallTypeEntry::clone(&entry)
            };
            self.happens(Event::CallTypeSet { entry: Arc::new(entry) });
        }
    }

    fn tick(&mut self) -> Reply {
        let over: BTreeSet<_> = self
            .next
            .ban_ends
            .iter()
            .take_while(|(until, _)| *until <= self.at)
            .map(|(_, id)| id.clone())
            .collect();
        for id in over {
            self.happens(Event::UserUnbanned { id });
        }
        Reply::Done
    }
}
