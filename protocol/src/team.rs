//! The one isolation rule: a team never sees another team's room. It must not know how teams are
//! stored or who asks.

use std::collections::BTreeSet;

use crate::id::TeamId;

/// Most teams of one user (Stream: "a user can be a member of up to 250 teams").
pub const TEAMS_MAX: usize = 250;

/// The teams of one user; none means the teamless world.
pub type Teams = BTreeSet<TeamId>;

/// Whether somebody of these teams may know of a room (or anything else) of that team.
///
/// Stream: "the API will ensure that such user will only be able to connect to calls from the
/// same team"; "if user doesn't have team set, it will only have access to users and channels
/// that don't have team".
#[must_use]
pub fn admits(room: Option<&TeamId>, user: &Teams) -> bool {
    match room {
        Some(team) => user.contains(team),
        None => user.is_empty(),
    }
}

/// The team of a room that a user creates: his only one; none for the teamless. Who is in
/// several has to say which, which is for whoever creates the room on his behalf.
#[must_use]
pub fn of_new_room(user: &Teams) -> Option<Option<TeamId>> {
    match user.len() {
        0 => Some(None),
        1 => Some(user.first().cloned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_sees_its_own_rooms_and_no_others() {
        let team = |name| TeamId::parse(name).unwrap();
        let red = Teams::from([team("red")]);
        let both = Teams::from([team("red"), team("blue")]);
        let table = [
            (Some("red"), &red, true),
            (Some("blue"), &red, false),
            (None, &red, false),
            (Some("blue"), &both, true),
            (None, &Teams::new(), true),
            (Some("red"), &Teams::new(), false),
        ];
        for (room, user, expected) in table {
            assert_eq!(admits(room.map(team).as_ref(), user), expected, "{room:?} {user:?}");
        }
        assert_eq!(of_new_room(&Teams::new()), Some(None));
        assert_eq!(of_new_room(&red), Some(Some(team("red"))));
        assert_eq!(of_new_room(&both), None);
    }
}
