//! What becomes of users: written down, changed, guests, gone and back, banned, seen.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::{Reply, Turn};
use crate::{
    directory::{
        command::Actor,
        event::Event,
        refusal::Refusal,
        role::GUEST,
        user::{
            Ban, IMAGE_MAX, LANGUAGE_MAX, SEEN_AGAIN_MS, USER_NAME_MAX, USERS_PER_COMMAND_MAX,
            User, UserInput, UserPatch,
        },
    },
    id::{REASON_MAX, RoleName, UserId, check_text},
    json::Metadata,
    team::{TEAMS_MAX, Teams},
};

/// What of a user the server keeps: nobody sets it.
const KEPT_BY_THE_SERVER: &[&str] = &[
    "banned",
    "blocked_user_ids",
    "channel_mutes",
    "created_at",
    "deactivated_at",
    "deleted_at",
    "devices",
    "id",
    "last_active",
    "mutes",
    "online",
    "shadow_banned",
    "total_unread_count",
    "unread_channels",
    "unread_count",
    "unread_threads",
    "updated_at",
];

impl Turn<'_> {
    pub(super) fn upsert_users(&mut self, users: Vec<UserInput>) -> Result<Reply, Refusal> {
        let ids: Vec<_> = users.iter().map(|user| user.id.clone()).collect();
        bounded(&ids)?;
        for input in users {
            self.upsert(input)?;
        }
        Ok(self.users(&ids))
    }

    /// Writes one user down.
    fn upsert(&mut self, input: UserInput) -> Result<(), Refusal> {
        let own = self.is_of_himself(&input.id)?;
        let known = self.next.users.get(&input.id).cloned();
        if known.as_ref().is_some_and(|user| user.deleted_at.is_some()) {
            return Err(Refusal::UserDeleted(input.id));
        }
        let mut user = match &known {
            Some(known) => User::clone(known),
            None => {
                // "When multi-tenant is enabled, users can only be created from your back-end."
                if own && self.next.app.multi_tenant_enabled {
                    return Err(Refusal::MultiTenant);
                }
                self.room_for_one_more()?;
                User::new(input.id, named("user"), self.at)
            }
        };
        // The server side says all of a user; he himself, what he mentions.
        let whole = !own;
        if whole || input.name.is_some() {
            user.name = input.name;
        }
        if whole || input.image.is_some() {
            user.image = input.image;
        }
        if whole || input.custom.is_some() {
            user.custom = input.custom.unwrap_or_else(Metadata::empty_object);
        }
        if whole || input.language.is_some() {
            user.language = input.language.unwrap_or_default();
        }
        if whole || input.invisible.is_some() {
            user.invisible = input.invisible.unwrap_or_default();
        }
        if let Some(role) = input.role {
            user.role = role;
        }
        if let Some(teams) = input.teams {
            user.teams = teams;
        }
        if let Some(roles) = input.teams_role {
            user.teams_role = roles;
        }
        self.set(known.as_deref(), user)
    }

    pub(super) fn update_users(&mut self, patches: Vec<UserPatch>) -> Result<Reply, Refusal> {
        let ids: Vec<_> = patches.iter().map(|patch| patch.id.clone()).collect();
        bounded(&ids)?;
        for id in &ids {
            self.is_of_himself(id)?;
        }
        self.all_known(&ids)?;
        for patch in patches {
            let Some(known) = self.next.user(&patch.id).cloned() else { continue };
            let mut user = User::clone(&known);
            patched(&mut user, patch)?;
            self.set(Some(&known), user)?;
        }
        Ok(self.users(&ids))
    }

    pub(super) fn create_guest(&mut self, mut input: UserInput) -> Result<Reply, Refusal> {
        if self.next.app.guest_user_creation_disabled {
            return Err(Refusal::GuestsDisabled);
        }
        if *self.actor != Actor::Server {
            if self.next.app.multi_tenant_enabled {
                return Err(Refusal::MultiTenant);
            }
            if input.teams.is_some() {
                return Err(Refusal::NotYours("teams"));
            }
            if input.teams_role.is_some() {
                return Err(Refusal::NotYours("teams_role"));
            }
        }
        if self.next.users.contains_key(&input.id) {
            return Err(Refusal::UserExists(input.id));
        }
        if let Some(role) = input.role.replace(named(GUEST)).filter(|r| r.as_str() != GUEST) {
            return Err(Refusal::invalid(
                "role",
                format!("a guest's role is `guest`, not `{role}`"),
            ));
        }
        self.room_for_one_more()?;
        let id = input.id.clone();
        let mut user = User::new(input.id, named(GUEST), self.at);
        user.name = input.name;
        user.image = input.image;
        user.custom = input.custom.unwrap_or_else(Metadata::empty_object);
        user.language = input.language.unwrap_or_default();
        user.invisible = input.invisible.unwrap_or_default();
        user.teams = input.teams.unwrap_or_default();
        user.teams_role = input.teams_role.unwrap_or_default();
        self.set(None, user)?;
        Ok(self.users(&[id]))
    }

    pub(super) fn deactivate_users(&mut self, ids: &[UserId]) -> Result<Reply, Refusal> {
        self.each(ids, |user| match user.deactivated_at {
            Some(_) => Err(Refusal::UserDeactivated(user.id.clone())),
            None => Ok(Event::UserDeactivated { id: user.id.clone() }),
        })
    }

    pub(super) fn reactivate_users(&mut self, ids: &[UserId]) -> Result<Reply, Refusal> {
        self.each(ids, |user| match user.deactivated_at {
            None => Err(Refusal::UserNotDeactivated(user.id.clone())),
            Some(_) => Ok(Event::UserReactivated { id: user.id.clone() }),
        })
    }

    pub(super) fn delete_users(&mut self, ids: &[UserId], hard: bool) -> Result<Reply, Refusal> {
        bounded(ids)?;
        if !hard {
            self.all_known(ids)?;
        }
        let stored = |id: &&UserId| !self.next.users.contains_key(*id);
        let unknown: Vec<_> = ids.iter().filter(stored).cloned().collect();
        if !unknown.is_empty() {
            return Err(Refusal::UnknownUsers(unknown));
        }
        for id in ids.iter().cloned() {
            self.happens(if hard { Event::UserErased { id } } else { Event::UserDeleted { id } });
        }
        Ok(Reply::Done)
    }

    pub(super) fn restore_users(&mut self, ids: &[UserId]) -> Result<Reply, Refusal> {
        bounded(ids)?;
        for id in ids {
            match self.next.users.get(id) {
                None => return Err(Refusal::UnknownUsers(vec![id.clone()])),
                Some(user) if user.deleted_at.is_none() => {
                    return Err(Refusal::UserNotDeleted(id.clone()));
                }
                Some(_) => {}
            }
        }
        for id in ids.iter().cloned() {
            self.happens(Event::UserRestored { id });
        }
        Ok(self.users(ids))
    }

    pub(super) fn ban_user(&mut self, id: UserId, ban: Ban) -> Result<Reply, Refusal> {
        self.all_known(std::slice::from_ref(&id))?;
        if let Some(reason) = &ban.reason {
            text("reason", reason, REASON_MAX)?;
        }
        if ban.until.is_some_and(|until| until <= self.at) {
            return Err(Refusal::invalid("until", "is over already"));
        }
        let is_new = self.next.user(&id).is_some_and(|user| user.ban.as_ref() != Some(&ban));
        if is_new {
            self.happens(Event::UserBanned { id: id.clone(), ban });
        }
        Ok(self.users(&[id]))
    }

    pub(super) fn unban_user(&mut self, id: UserId) -> Result<Reply, Refusal> {
        self.all_known(std::slice::from_ref(&id))?;
        if self.next.user(&id).is_some_and(|user| user.is_banned()) {
            self.happens(Event::UserUnbanned { id: id.clone() });
        }
        Ok(self.users(&[id]))
    }

    /// Not each coming is worth a record: only the first one in a while.
    pub(super) fn touch_user(&mut self, id: UserId) -> Reply {
        let long_ago = |user: &Arc<User>| {
            user.last_active.is_none_or(|last| self.at.since(last) >= SEEN_AGAIN_MS)
        };
        if self.next.user(&id).is_some_and(long_ago) {
            self.happens(Event::UserSeen { id });
        }
        Reply::Done
    }

    /// Whether a user asks this, for himself; nobody else's data is his to change.
    fn is_of_himself(&self, id: &UserId) -> Result<bool, Refusal> {
        match self.actor {
            Actor::User(user) if user == id => Ok(true),
            Actor::User(_) => Err(Refusal::NotYourself),
            Actor::Server | Actor::Nobody | Actor::Timer => Ok(false),
        }
    }

    fn room_for_one_more(&self) -> Result<(), Refusal> {
        let max = self.next.users_max;
        if self.next.users.len() < max {
            Ok(())
        } else {
            Err(Refusal::TooMany { what: "users", max })
        }
    }

    fn all_known(&self, ids: &[UserId]) -> Result<(), Refusal> {
        let unknown = |id: &&UserId| self.next.user(id).is_none();
        let unknown: Vec<_> = ids.iter().filter(unknown).cloned().collect();
        if unknown.is_empty() { Ok(()) } else { Err(Refusal::UnknownUsers(unknown)) }
    }

    /// The same for each of these users: for all or for none.
    fn each(
        &mut self,
        ids: &[UserId],
        event: impl Fn(&User) -> Result<Event, Refusal>,
    ) -> Result<Reply, Refusal> {
        bounded(ids)?;
        self.all_known(ids)?;
        for id in ids {
            let Some(user) = self.next.user(id) else { continue };
            let event = event(user)?;
            self.happens(event);
        }
        Ok(self.users(ids))
    }

    /// A user is to be like this, where that is another than he was.
    fn set(&mut self, was: Option<&User>, mut user: User) -> Result<(), Refusal> {
        if was.is_none_or(|was| was.role != user.role) {
            self.known_role(&user.role)?;
        }
        if was.is_none_or(|was| was.teams_role != user.teams_role) {
            for role in user.teams_role.values() {
                self.known_role(role)?;
            }
        }
        check(&user)?;
        user.updated_at = was.map_or(self.at, |was| was.updated_at);
        if was == Some(&user) {
            return Ok(());
        }
        if let Actor::User(_) = self.actor {
            self.may_himself(was, &user)?;
        }
        user.updated_at = self.at;
        self.happens(Event::UserSet { user: Arc::new(user) });
        Ok(())
    }

    /// Whether a user may make that of himself: what he is, is not his to say unless the app says so.
    fn may_himself(&self, was: Option<&User>, user: &User) -> Result<(), Refusal> {
        let fresh = User::new(user.id.clone(), named("user"), self.at);
        let (before, known) = (was.unwrap_or(&fresh), was.is_some());
        let app = &self.next.app;
        let may = |permission: &str| {
            let granted = |suffix| app.grants(&before.role, &format!("{permission}{suffix}"));
            known && ["", "-owner", "-any-team", "-owner-any-team"].into_iter().any(granted)
        };
        let what_he_is = before.role != user.role || before.teams_role != user.teams_role;
        if what_he_is && !may("update-user-role") {
            return Err(Refusal::NotYours("role"));
        }
        if before.teams != user.teams && !may("update-user-teams") {
            return Err(Refusal::NotYours("teams"));
        }
        if known && !may("update-user") { Err(Refusal::NotYours("user")) } else { Ok(()) }
    }

    fn users(&self, ids: &[UserId]) -> Reply {
        Reply::Users(ids.iter().filter_map(|id| self.next.users.get(id)).cloned().collect())
    }
}

/// Everybody once, and not too many at once.
fn bounded(ids: &[UserId]) -> Result<(), Refusal> {
    if ids.len() > USERS_PER_COMMAND_MAX {
        return Err(Refusal::TooMany { what: "users in one request", max: USERS_PER_COMMAND_MAX });
    }
    if ids.is_empty() {
        return Err(Refusal::invalid("users", "must not be empty"));
    }
    let mut seen = BTreeSet::new();
    match ids.iter().find(|id| !seen.insert(*id)) {
        Some(twice) => Err(Refusal::invalid("users", format!("`{twice}` is there twice"))),
        None => Ok(()),
    }
}

/// What is written of a user is within its bounds.
fn check(user: &User) -> Result<(), Refusal> {
    if let Some(name) = &user.name {
        text("name", name, USER_NAME_MAX)?;
    }
    if let Some(image) = &user.image {
        text("image", image, IMAGE_MAX)?;
    }
    text("language", &user.language, LANGUAGE_MAX)?;
    if user.teams.len() > TEAMS_MAX || user.teams_role.len() > TEAMS_MAX {
        return Err(Refusal::TooMany { what: "teams of a user", max: TEAMS_MAX });
    }
    if !user.custom.as_str().starts_with('{') {
        return Err(Refusal::invalid("custom", "must be an object"));
    }
    Ok(())
}

fn text(field: &'static str, value: &str, max: usize) -> Result<(), Refusal> {
    check_text(value, field, max).map_err(|error| Refusal::invalid(field, error.to_string()))
}

/// The user with a patch applied: first what is set, then what is taken away.
fn patched(user: &mut User, patch: UserPatch) -> Result<(), Refusal> {
    let custom = serde_json::from_str(user.custom.as_str());
    let mut custom: Map<String, Value> = custom.unwrap_or_default();
    for (key, value) in patch.set {
        set_field(user, &mut custom, &key, Some(value))?;
    }
    for key in patch.unset {
        set_field(user, &mut custom, &key, None)?;
    }
    user.custom = Metadata::new(&Value::Object(custom))
        .map_err(|problem| Refusal::invalid("custom", problem))?;
    Ok(())
}

fn set_field(
    user: &mut User,
    custom: &mut Map<String, Value>,
    key: &str,
    value: Option<Value>,
) -> Result<(), Refusal> {
    fn read<T: serde::de::DeserializeOwned + Default>(
        key: &str,
        value: Option<Value>,
    ) -> Result<T, Refusal> {
        match value {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => serde_json::from_value(value)
                .map_err(|error| Refusal::invalid(format!("set.{key}"), error.to_string())),
        }
    }
    match key {
        "name" => user.name = read(key, value)?,
        "image" => user.image = read(key, value)?,
        "language" => user.language = read(key, value)?,
        "invisible" => user.invisible = read(key, value)?,
        "role" => {
            user.role = read::<Option<RoleName>>(key, value)?.unwrap_or_else(|| named("user"))
        }
        "teams" => user.teams = read::<Teams>(key, value)?,
        "teams_role" => user.teams_role = read(key, value)?,
        "custom" => *custom = read(key, value)?,
        // Stream keeps these for its chat; nothing here would heed them.
        "privacy_settings" => {
            return Err(Refusal::invalid(format!("set.{key}"), "is not supported"));
        }
        key if KEPT_BY_THE_SERVER.contains(&key) => {
            return Err(Refusal::invalid(format!("set.{key}"), "is kept by the server"));
        }
        key => {
            let path = key.strip_prefix("custom.").unwrap_or(key);
            if path.split('.').any(str::is_empty) {
                return Err(Refusal::invalid(format!("set.{key}"), "names nothing"));
            }
            put(custom, path, value)
                .map_err(|problem| Refusal::invalid(format!("set.{key}"), problem))?;
        }
    }
    Ok(())
}

/// Puts a value at that path of keys, or takes what is there away.
fn put(object: &mut Map<String, Value>, path: &str, value: Option<Value>) -> Result<(), String> {
    match (path.split_once('.'), value) {
        (None, Some(value)) => {
            object.insert(path.to_owned(), value);
            Ok(())
        }
        (None, None) => {
            object.remove(path);
            Ok(())
        }
        (Some((first, rest)), value) => {
            if value.is_none() && !object.contains_key(first) {
                return Ok(());
            }
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            let inner = inner.as_object_mut().ok_or_else(|| format!("`{first}` is no object"))?;
            put(inner, rest, value)
        }
    }
}

#[expect(clippy::expect_used, reason = "literals of this file")]
fn named(role: &'static str) -> RoleName {
    RoleName::parse(role).expect("a built-in name is well formed")
}
