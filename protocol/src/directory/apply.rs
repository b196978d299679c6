//! How a fact changes the Directory: the only writer of [`Directory`]. It must not refuse or decide.

use std::sync::Arc;

use super::{event::Event, state::Directory, user::User};
use crate::id::{Timestamp, UserId};

/// Changes the Directory as all events of one record say: its position is one further.
pub fn replay(directory: &mut Directory, events: &[Event], at: Timestamp) {
    for event in events {
        apply(directory, event, at);
    }
    directory.seq = directory.seq.next();
}

/// Changes the Directory as the event says. An event about somebody who is not there changes
/// nothing: that way a journal can always be replayed.
pub(super) fn apply(directory: &mut Directory, event: &Event, at: Timestamp) {
    match event {
        Event::AppUpdated { app } => directory.app = Arc::clone(app),
        Event::UserSet { user } => directory.put_user(Arc::clone(user)),
        Event::UserSeen { id } => change(directory, id, |user| user.last_active = Some(at)),
        Event::UserBanned { id, ban } => changed(directory, id, at, |user| {
            user.ban = Some(ban.clone());
        }),
        Event::UserUnbanned { id } => changed(directory, id, at, |user| user.ban = None),
        Event::UserDeactivated { id } => {
            changed(directory, id, at, |user| user.deactivated_at = Some(at));
        }
        Event::UserReactivated { id } => {
            changed(directory, id, at, |user| user.deactivated_at = None);
        }
        Event::UserDeleted { id } => changed(directory, id, at, |user| user.deleted_at = Some(at)),
        Event::UserRestored { id } => changed(directory, id, at, |user| user.deleted_at = None),
        Event::UserErased { id } => directory.drop_user(id),
        Event::RoleCreated { role } => {
            directory.roles.insert(role.name.clone(), role.clone());
        }
        Event::RoleDeleted { name } => {
            directory.roles.remove(name);
        }
        Event::CallTypeSet { entry } => {
            directory.call_types.insert(entry.call_type.name.clone(), Arc::clone(entry));
        }
        Event::CallTypeDeleted { name } => {
            directory.call_types.remove(name);
        }
    }
}

fn change(directory: &mut Directory, id: &UserId, become_: impl FnOnce(&mut User)) {
    let Some(user) = directory.users.get(id) else { return };
    let mut next = User::clone(user);
    become_(&mut next);
    directory.put_user(Arc::new(next));
}

fn changed(directory: &mut Directory, id: &UserId, at: Timestamp, become_: impl FnOnce(&mut User)) {
    change(directory, id, |user| {
        become_(user);
        user.updated_at = at;
    });
}
