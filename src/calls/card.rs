//! A call's card, and what may be asked of it (the words are Stream's). It must not know how cards
//! are found.

use std::sync::Arc;

use imbl::OrdSet;
use rolecall_protocol::{id::UserId, room::Room};

use crate::query::{Direction, Facets, Field, Fields, Kind, Op, Sort};

/// A call as it was last committed, without its peers, and who is in it.
#[derive(Clone, Debug)]
pub struct Card {
    /// The call itself.
    pub room: Arc<Room>,
    /// Users with a peer in it, hidden ones among them: it is for the house, not to be shown.
    pub present: OrdSet<UserId>,
}

/// What may be asked of calls.
pub static CALL_FIELDS: Fields = Fields {
    fields: &[
        Field { name: "id", kind: Kind::Text, ops: Op::ORDERED, sortable: true },
        Field { name: "cid", kind: Kind::Text, ops: Op::ORDERED, sortable: true },
        Field { name: "type", kind: Kind::Text, ops: Op::ORDERED, sortable: true },
        Field { name: "team", kind: Kind::Text, ops: Op::ORDERED, sortable: false },
        Field { name: "created_by_user_id", kind: Kind::Text, ops: Op::ORDERED, sortable: false },
        Field { name: "created_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "updated_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "starts_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "ended_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "backstage", kind: Kind::Bool, ops: Op::EQUAL, sortable: false },
        Field { name: "ongoing", kind: Kind::Bool, ops: Op::EQUAL, sortable: false },
        Field { name: "members", kind: Kind::Texts, ops: &[Op::Eq, Op::In], sortable: false },
    ],
    custom: true,
    custom_sortable: false,
};

/// The order of calls where none is asked for: the newest first.
#[must_use]
pub fn default_call_sort() -> Sort {
    Sort::by(&CALL_FIELDS, &[("created_at", Direction::Descending)])
}

impl Card {
    /// Whether somebody is in it.
    #[must_use]
    pub fn is_ongoing(&self) -> bool {
        !self.present.is_empty()
    }

    pub(super) fn facets(&self) -> Facets {
        let room = &*self.room;
        let mut facets = Facets::of(&CALL_FIELDS)
            .text("id", room.cid.id())
            .text("cid", room.cid.as_str())
            .text("type", room.cid.call_type())
            .time("created_at", room.created_at)
            .time("updated_at", room.updated_at)
            .time("starts_at", room.starts_at)
            .time("ended_at", room.ended.as_ref().map(|ended| ended.at))
            .flag("backstage", room.backstage)
            .flag("ongoing", self.is_ongoing())
            .texts("members", room.members.keys().map(UserId::as_str))
            .custom(room.custom.as_str());
        if let Some(team) = &room.team {
            facets = facets.text("team", team.as_str());
        }
        if let Some(user) = &room.created_by {
            facets = facets.text("created_by_user_id", user.as_str());
        }
        facets
    }
}
