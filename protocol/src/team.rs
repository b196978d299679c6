//! The one isolation rule: a team never sees another team's room. Beside it, what is known of a
//! user before any room: his standing. It must not know how teams are stored or who asks.

use std::{collections::BTreeSet, sync::Arc};

use crate::id::{RoleName, TeamId, UserId};

/// Most teams of one user (Stream: "a user can be a member of up to 250 teams").
pub const TEAMS_MAX: usize = 250;

/// The teams of one user; none means the teamless world.
pub type Teams = BTreeSet<TeamId>;

/// How far somebody reaches: into every team's rooms, or only into those of his own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The server side; everybody, where there is no isolation.
    Everywhere,
    /// Somebody of these teams; of none: the teamless world.
    Within(Teams),
}

impl Reach {
    /// Whether somebody who reaches so far may know of a room (or anything else) of that team.
    ///
    /// Stream: "the API will ensure that such user will only be able to connect to calls from the
    /// same team"; "if user doesn't have team set, it will only have access to users and channels
    /// that don't have team".
    #[must_use]
    pub fn admits(&self, team: Option<&TeamId>) -> bool {
        match (self, team) {
            (Self::Everywhere, _) => true,
            (Self::Within(own), Some(team)) => own.contains(team),
            (Self::Within(own), None) => own.is_empty(),
        }
    }

    /// Whether he may know of a user of those teams: they share one, or neither has any.
    #[must_use]
    pub fn admits_user(&self, teams: &Teams) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Within(own) if own.is_empty() => teams.is_empty(),
            Self::Within(own) => !own.is_disjoint(teams),
        }
    }

    /// The team of a room that he creates: the one asked for, if it is his; else his only one, or
    /// none for the teamless.
    ///
    /// # Errors
    /// [`TeamRefusal`] where he asks for a team that is not his, or is in several and names none.
    pub fn of_new_room(&self, asked: Option<&TeamId>) -> Result<Option<TeamId>, TeamRefusal> {
        match (self, asked) {
            (Self::Everywhere, _) => Ok(asked.cloned()),
            (Self::Within(own), Some(team)) if own.contains(team) => Ok(Some(team.clone())),
            (Self::Within(_), Some(team)) => Err(TeamRefusal::NotHis(team.clone())),
            (Self::Within(own), None) if own.len() > 1 => Err(TeamRefusal::WhichOne),
            (Self::Within(own), None) => Ok(own.first().cloned()),
        }
    }
}

/// Why a room cannot be of the team it was to be of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeamRefusal {
    /// He is in several and names none.
    #[error("a user of several teams has to say which one the room is of")]
    WhichOne,
    /// He is not in that one.
    #[error("the user is not in team `{0}`")]
    NotHis(TeamId),
}

/// What is known of a user before he comes into a room of one team, at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// His app role: in a room of a team that gives him another, that one.
    pub app_role: RoleName,
    /// Whose rooms he reaches.
    pub reach: Reach,
    /// Whether he is banned from everything.
    pub banned: bool,
    /// His display name, for where none is said.
    pub name: Option<Arc<str>>,
}

/// Somebody who asks over REST, in the room or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who he is.
    pub user_id: UserId,
    /// His display name.
    pub name: Arc<str>,
    /// His app role: in a room of a team that gives him another, that one.
    pub app_role: RoleName,
    /// A role that his token adds to the standing ones.
    pub token_role: Option<RoleName>,
    /// Whose rooms he reaches.
    pub reach: Reach,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(name: &str) -> TeamId {
        TeamId::parse(name).unwrap()
    }

    fn within(names: &[&str]) -> Reach {
        Reach::Within(names.iter().map(|name| team(name)).collect())
    }

    #[test]
    fn a_team_sees_its_own_rooms_and_no_others() {
        let table = [
            (Some("red"), within(&["red"]), true),
            (Some("blue"), within(&["red"]), false),
            (None, within(&["red"]), false),
            (Some("blue"), within(&["red", "blue"]), true),
            (None, within(&["red", "blue"]), false),
            (None, within(&[]), true),
            (Some("red"), within(&[]), false),
            (Some("red"), Reach::Everywhere, true),
            (None, Reach::Everywhere, true),
        ];
        for (room, reach, expected) in table {
            assert_eq!(reach.admits(room.map(team).as_ref()), expected, "{room:?} {reach:?}");
        }
    }

    #[test]
    fn users_see_who_shares_a_team_and_the_teamless_each_other() {
        let teams = |names: &[&str]| -> Teams { names.iter().map(|name| team(name)).collect() };
        let table = [
            (within(&["red"]), teams(&["red", "blue"]), true),
            (within(&["red"]), teams(&["blue"]), false),
            (within(&["red"]), teams(&[]), false),
            (within(&[]), teams(&["red"]), false),
            (within(&[]), teams(&[]), true),
            (Reach::Everywhere, teams(&["red"]), true),
        ];
        for (reach, other, expected) in table {
            assert_eq!(reach.admits_user(&other), expected, "{reach:?} {other:?}");
        }
    }

    #[test]
    fn a_new_room_is_of_a_team_of_its_creators() {
        let red = || Some(team("red"));
        assert_eq!(within(&[]).of_new_room(None), Ok(None));
        assert_eq!(within(&["red"]).of_new_room(None), Ok(red()));
        assert_eq!(within(&["red", "blue"]).of_new_room(None), Err(TeamRefusal::WhichOne));
        assert_eq!(within(&["red", "blue"]).of_new_room(red().as_ref()), Ok(red()));
        let not_his = Err(TeamRefusal::NotHis(team("red")));
        assert_eq!(within(&["blue"]).of_new_room(red().as_ref()), not_his);
        assert_eq!(within(&[]).of_new_room(red().as_ref()), not_his);
        assert_eq!(Reach::Everywhere.of_new_room(red().as_ref()), Ok(red()));
        assert_eq!(Reach::Everywhere.of_new_room(None), Ok(None));
    }
}
