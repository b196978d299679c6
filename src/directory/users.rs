//! Users as they are searched for: what may be asked of them, and the index that answers. It must
//! not know who asks.

use std::sync::Arc;

use rolecall_protocol::{
    directory::{Directory, User},
    id::UserId,
};

use crate::query::{
    Direction, Facets, Field, Fields, Filter, Index, Kind, Op, Page, Paging, QueryError, Sort,
};

/// Whether somebody is deactivated; the house's own field.
pub const DEACTIVATED: &str = "deactivated";
/// Whether somebody is deleted; the house's own field.
pub const DELETED: &str = "deleted";

/// What may be asked of users.
pub static USERS: Fields = Fields {
    fields: &[
        Field { name: "id", kind: Kind::Text, ops: Op::WORDS, sortable: true },
        Field { name: "name", kind: Kind::Text, ops: Op::WORDS, sortable: true },
        Field { name: "role", kind: Kind::Text, ops: Op::ORDERED, sortable: true },
        Field { name: "teams", kind: Kind::Texts, ops: Op::SEVERAL, sortable: false },
        Field { name: "banned", kind: Kind::Bool, ops: Op::EQUAL, sortable: true },
        Field { name: "created_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "updated_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "last_active", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: DEACTIVATED, kind: Kind::Bool, ops: &[], sortable: false },
        Field { name: DELETED, kind: Kind::Bool, ops: &[], sortable: false },
    ],
    custom: true,
    custom_sortable: true,
};

/// All users, deleted ones that can be restored included. A clone costs nothing and stays as it is.
#[derive(Clone, Default)]
pub struct UserIndex(Index<Arc<User>>);

impl UserIndex {
    /// The users of that Directory.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        let mut index = Self::default();
        for user in directory.users.values() {
            index.put(user);
        }
        index
    }

    /// That user is as he is there, or gone.
    pub(super) fn renew(&mut self, id: &UserId, directory: &Directory) {
        match directory.users.get(id) {
            Some(user) => self.put(user),
            None => drop(self.0.remove(id.as_str())),
        }
    }

    fn put(&mut self, user: &Arc<User>) {
        let facets = Facets::of(&USERS).text("id", user.id.as_str());
        let facets = match &user.name {
            Some(name) => facets.text("name", name),
            None => facets,
        };
        let facets = facets
            .text("role", user.role.as_str())
            .texts("teams", user.teams.iter().map(|team| team.as_str()))
            .flag("banned", user.is_banned())
            .time("created_at", Some(user.created_at))
            .time("updated_at", Some(user.updated_at))
            .time("last_active", user.last_active)
            .flag(DEACTIVATED, user.deactivated_at.is_some())
            .flag(DELETED, user.deleted_at.is_some())
            .custom(user.custom.as_str());
        self.0.put(user.id.as_str(), Arc::clone(user), facets);
    }

    /// One page of those users whom the filter admits and who are not deleted; deactivated ones only
    /// where they are asked for.
    ///
    /// # Errors
    /// [`QueryError`] for a cursor that is none, or is another query's.
    pub fn query(
        &self,
        filter: Filter,
        sort: &Sort,
        paging: Paging<'_>,
        deactivated: bool,
    ) -> Result<Page<Arc<User>>, QueryError> {
        let mut filter = filter.and(Filter::flag(&USERS, DELETED, false));
        if !deactivated {
            filter = filter.and(Filter::flag(&USERS, DEACTIVATED, false));
        }
        self.0.query(&filter, sort, paging)
    }

    /// The order where none is asked for: who was written down last comes first.
    #[must_use]
    pub fn default_sort() -> Sort {
        Sort::by(&USERS, &[("created_at", Direction::Descending)])
    }
}

#[cfg(test)]
mod tests {
    use rolecall_protocol::id::{RoleName, Timestamp};
    use serde_json::{Value, json};

    use super::*;

    fn found(index: &UserIndex, filter: &Value, deactivated: bool) -> Vec<String> {
        let filter = Filter::parse(filter, &USERS).unwrap();
        let paging = Paging::Offset { limit: 10, offset: 0 };
        let page = index.query(filter, &UserIndex::default_sort(), paging, deactivated).unwrap();
        page.records.iter().map(|user| user.id.to_string()).collect()
    }

    #[test]
    fn users_are_found_by_what_they_are() {
        let mut directory = Directory::new();
        let mut add = |id: &str, at: u64, change: fn(&mut User)| {
            let id = UserId::parse(id).unwrap();
            let mut user = User::new(id.clone(), RoleName::parse("user").unwrap(), Timestamp(at));
            change(&mut user);
            directory.users.insert(id, Arc::new(user));
        };
        add("ann", 1, |user| {
            user.name = Some("Ann Lee".into());
            user.teams = ["red".parse().unwrap()].into();
        });
        add("bo", 2, |user| user.ban = Some(Default::default()));
        add("cy", 3, |user| user.deactivated_at = Some(Timestamp(9)));
        add("dee", 4, |user| user.deleted_at = Some(Timestamp(9)));
        add("eve", 5, |user| {
            user.custom = serde_json::from_value(json!({"color": "blue"})).unwrap();
        });
        let mut index = UserIndex::of(&directory);
        assert_eq!(found(&index, &json!({}), false), ["eve", "bo", "ann"]);
        assert_eq!(found(&index, &json!({}), true), ["eve", "cy", "bo", "ann"]);
        assert_eq!(found(&index, &json!({"name": {"$autocomplete": "le"}}), false), ["ann"]);
        assert_eq!(found(&index, &json!({"teams": {"$in": ["red"]}}), false), ["ann"]);
        assert_eq!(found(&index, &json!({"teams": null}), false), ["eve", "bo"]);
        assert_eq!(found(&index, &json!({"banned": true}), false), ["bo"]);
        assert_eq!(found(&index, &json!({"custom.color": "blue"}), false), ["eve"]);
        assert!(Filter::parse(&json!({"deleted": true}), &USERS).is_err());
        let eve = UserId::parse("eve").unwrap();
        directory.users.remove(&eve);
        index.renew(&eve, &directory);
        assert_eq!(found(&index, &json!({}), false), ["bo", "ann"]);
    }
}
