//! What is: users, roles, call types, the app's settings. It must not know who may change them, nor
//! how.

use std::{collections::BTreeMap, sync::Arc};

use imbl::{OrdMap, OrdSet};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    app::App,
    call_types::CallTypeEntry,
    key::Key,
    notifications::NotificationSettings,
    role::{self, CustomRole},
    user::User,
};
use crate::{
    call_type::builtin,
    id::{CallTypeName, RoleName, Seq, Timestamp, UserId},
};

/// How many users there may be unless the house says otherwise.
pub const USERS_MAX: usize = 200_000;

/// Everything that is not in a room. Plain data, cheap to clone; [`super::apply`] is the only
/// writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// How the app is set.
    pub app: Arc<App>,
    /// Users by id, deleted ones that can be restored among them.
    pub users: OrdMap<UserId, Arc<User>>,
    /// Roles that somebody made, by name.
    pub roles: BTreeMap<RoleName, CustomRole>,
    /// Call types by name, built-in ones among them.
    pub call_types: OrdMap<CallTypeName, Arc<CallTypeEntry>>,
    /// How many records made it what it is.
    pub seq: Seq,
    /// How many users there may be. The house's setting; no event changes it.
    pub users_max: usize,
    /// How many users have a role, by its name. Derived.
    pub(super) holders: OrdMap<RoleName, usize>,
    /// When bans end. Derived.
    pub(super) ban_ends: OrdSet<(Timestamp, UserId)>,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory {
    /// A Directory in which nothing happened yet: the built-in call types, and nobody.
    #[must_use]
    pub fn new() -> Self {
        let built_in = builtin::all().into_iter().map(|(name, call_type)| {
            let entry = CallTypeEntry {
                call_type,
                created_at: Timestamp(0),
                updated_at: Timestamp(0),
                notification_settings: NotificationSettings::default(),
                external_storage: None,
                from_file: None,
            };
            (name, Arc::new(entry))
        });
        Self {
            app: Arc::new(App::default()),
            users: OrdMap::new(),
            roles: BTreeMap::new(),
            call_types: built_in.collect(),
            seq: Seq(0),
            users_max: USERS_MAX,
            holders: OrdMap::new(),
            ban_ends: OrdSet::new(),
        }
    }

    /// The user, if he is known and not deleted.
    #[must_use]
    pub fn user(&self, id: &UserId) -> Option<&Arc<User>> {
        self.users.get(id).filter(|user| user.deleted_at.is_none())
    }

    /// The call type, if there is one.
    #[must_use]
    pub fn call_type(&self, name: &str) -> Option<&Arc<CallTypeEntry>> {
        self.call_types.get(name)
    }

    /// Whether there is such a role: a built-in one, one that somebody made, or one that a call
    /// type brings along with its shape.
    #[must_use]
    pub fn knows_role(&self, name: &RoleName) -> bool {
        role::is_built_in(name.as_str())
            || self.roles.contains_key(name)
            || self.call_types.values().any(|entry| entry.gives(name))
    }

    /// How many users have that role, everywhere or in a team.
    #[must_use]
    pub fn holders_of(&self, role: &RoleName) -> usize {
        self.holders.get(role).copied().unwrap_or(0)
    }

    /// Where a role has grants: `.app`, and the call types that mention it.
    #[must_use]
    pub fn scopes_of(&self, role: &RoleName) -> Vec<String> {
        let app = self.app.grants.get(role).is_some_and(|grants| !grants.is_empty());
        let types = self.call_types.values().filter(|entry| entry.gives(role));
        let types = types.map(|entry| format!("video:{}", entry.call_type.name));
        app.then(|| ".app".to_owned()).into_iter().chain(types).collect()
    }

    /// The next moment at which time alone changes something here.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.ban_ends.get_min().map(|(until, _)| *until)
    }

    /// One thing of it, to be stored; nothing where there is none, or where it is as it always was.
    #[must_use]
    pub fn entity(&self, key: &Key) -> Option<Value> {
        let written = match key {
            Key::App => serde_json::to_value(&*self.app),
            Key::User(id) => serde_json::to_value(self.users.get(id)?),
            Key::Role(name) => serde_json::to_value(self.roles.get(name)?),
            Key::CallType(name) => serde_json::to_value(self.call_types.get(name)?),
        };
        written.ok()
    }

    /// Puts one stored thing in its place.
    ///
    /// # Errors
    /// A sentence naming the key, where the body is not what it should be.
    pub fn restore(&mut self, key: &str, body: &str) -> Result<(), String> {
        fn read<T: DeserializeOwned>(key: &str, body: &str) -> Result<T, String> {
            serde_json::from_str(body).map_err(|error| format!("`{key}` cannot be read: {error}"))
        }
        match key.parse()? {
            Key::App => self.app = read(key, body)?,
            Key::User(id) => {
                let user: Arc<User> = read(key, body)?;
                if user.id != id {
                    return Err(format!("`{key}` holds another user"));
                }
                self.put_user(user);
            }
            Key::Role(name) => {
                self.roles.insert(name, read(key, body)?);
            }
            Key::CallType(name) => {
                self.call_types.insert(name, read(key, body)?);
            }
        }
        Ok(())
    }

    /// Builds the Directory from what was stored of it.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn from_entities<K: AsRef<str>, B: AsRef<str>>(
        entities: impl IntoIterator<Item = (K, B)>,
        seq: Seq,
    ) -> Result<Self, String> {
        let mut directory = Self::new();
        for (key, body) in entities {
            directory.restore(key.as_ref(), body.as_ref())?;
        }
        directory.seq = seq;
        Ok(directory)
    }

    /// Breaks of what must always hold; empty in a sound Directory. For tests and debugging.
    #[must_use]
    pub fn broken_invariants(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut fresh = Self { holders: OrdMap::new(), ban_ends: OrdSet::new(), ..self.clone() };
        fresh.users = OrdMap::new();
        for (id, user) in &self.users {
            if *id != user.id {
                broken.push(format!("user {id} is under his own id"));
            }
            fresh.put_user(Arc::clone(user));
        }
        if fresh.holders != self.holders {
            broken.push("the count of holders".to_owned());
        }
        if fresh.ban_ends != self.ban_ends {
            broken.push("the ends of bans".to_owned());
        }
        for (name, entry) in &self.call_types {
            if *name != entry.call_type.name {
                broken.push(format!("call type {name} is under its own name"));
            }
        }
        broken
    }

    /// Puts a user in place of what was known of him; keeps what is derived.
    pub(super) fn put_user(&mut self, user: Arc<User>) {
        if let Some(was) = self.users.insert(user.id.clone(), Arc::clone(&user)) {
            self.count(&was, false);
        }
        self.count(&user, true);
    }

    /// Forgets a user.
    pub(super) fn drop_user(&mut self, id: &UserId) {
        if let Some(was) = self.users.remove(id) {
            self.count(&was, false);
        }
    }

    fn count(&mut self, user: &User, comes: bool) {
        for role in std::iter::once(&user.role).chain(user.teams_role.values()) {
            let held = self.holders_of(role);
            match if comes { held + 1 } else { held.saturating_sub(1) } {
                0 => self.holders.remove(role),
                held => self.holders.insert(role.clone(), held),
            };
        }
        let until = user.ban.as_ref().and_then(|ban| ban.until);
        if let Some(until) = until {
            let end = (until, user.id.clone());
            if comes {
                self.ban_ends.insert(end)
            } else {
                self.ban_ends.remove(&end)
            };
        }
    }
}
