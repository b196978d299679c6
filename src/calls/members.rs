//! Questions about the members of one call. They stand in no index: there are 10,000 at most, and
//! each is looked at.

use rolecall_protocol::{
    id::UserId,
    room::{Room, member::Member},
};

use crate::query::{
    Direction, Facets, Field, Fields, Filter, Kind, Op, Page, Paging, QueryError, Sort, select,
};

/// What may be asked of members.
pub static MEMBER_FIELDS: Fields = Fields {
    fields: &[
        Field { name: "user_id", kind: Kind::Text, ops: Op::ORDERED, sortable: true },
        Field { name: "role", kind: Kind::Text, ops: Op::ORDERED, sortable: false },
        Field { name: "created_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
        Field { name: "updated_at", kind: Kind::Time, ops: Op::ORDERED, sortable: true },
    ],
    custom: true,
    custom_sortable: false,
};

/// The order of members where none is asked for: who came last first.
#[must_use]
pub fn default_member_sort() -> Sort {
    Sort::by(&MEMBER_FIELDS, &[("created_at", Direction::Descending)])
}

/// One page of a call's members that a filter admits.
///
/// # Errors
/// [`QueryError`] for a cursor that is none, or is another query's.
pub fn members(
    room: &Room,
    filter: &Filter,
    sort: &Sort,
    paging: Paging<'_>,
) -> Result<Page<UserId>, QueryError> {
    let all = room.members.iter();
    let records =
        all.map(|(user, member)| (user.as_str().to_owned(), user.clone(), facets(user, member)));
    select(records, filter, sort, paging)
}

fn facets(user: &UserId, member: &Member) -> Facets {
    Facets::of(&MEMBER_FIELDS)
        .text("user_id", user.as_str())
        .text("role", member.role().as_str())
        .time("created_at", Some(member.created_at))
        .time("updated_at", Some(member.updated_at))
        .custom(member.custom.as_str())
}
