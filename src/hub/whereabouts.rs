//! In which rooms each user is, over all rooms of this node: known before anything about him is
//! decided there, so that a change of him reaches every room that may have missed it. It must not
//! know what a room does with it.

use std::{collections::BTreeMap, sync::Arc};

use dashmap::{DashMap, mapref::entry::Entry};
use rolecall_protocol::id::{Cid, UserId};

/// Users and the rooms they are in, or are about to be let into.
#[derive(Clone, Default)]
pub struct Whereabouts(Arc<DashMap<UserId, BTreeMap<Cid, usize>>>);

/// He is there for as long as this lives.
pub(super) struct Here {
    all: Whereabouts,
    user: UserId,
    cid: Cid,
}

impl Whereabouts {
    /// He is in that room from now on.
    pub(super) fn enter(&self, user: &UserId, cid: &Cid) -> Here {
        *self.0.entry(user.clone()).or_default().entry(cid.clone()).or_default() += 1;
        Here { all: self.clone(), user: user.clone(), cid: cid.clone() }
    }

    /// The rooms he is in.
    #[must_use]
    pub fn rooms_of(&self, user: &UserId) -> Vec<Cid> {
        self.0.get(user).map(|rooms| rooms.keys().cloned().collect()).unwrap_or_default()
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let Entry::Occupied(mut found) = self.all.0.entry(self.user.clone()) else { return };
        let rooms = found.get_mut();
        let left = rooms.get(&self.cid).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => drop(rooms.remove(&self.cid)),
            left => drop(rooms.insert(self.cid.clone(), left)),
        }
        if rooms.is_empty() {
            found.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use rolecall_protocol::id::CallTypeName;

    use super::*;

    #[test]
    fn a_user_is_somewhere_as_long_as_one_of_his_peers_is() {
        let all = Whereabouts::default();
        let cid = Cid::new(&CallTypeName::parse("stage").unwrap(), "a").unwrap();
        let ann = UserId::parse("ann").unwrap();
        let (one, two) = (all.enter(&ann, &cid), all.enter(&ann, &cid));
        drop(one);
        assert_eq!(all.rooms_of(&ann), [cid]);
        drop(two);
        assert!(all.rooms_of(&ann).is_empty() && all.0.is_empty());
    }
}
