//! Who somebody is before he comes into a room: what the Directory says of a user to the law of
//! rooms. It must not know rooms.

use std::sync::Arc;

use super::state::Directory;
use crate::{
    call_type::{ANONYMOUS, USER},
    id::{RoleName, TeamId, UserId},
    team::{Caller, Reach, Standing, Teams},
};

impl Directory {
    /// What is known of a user who comes into a room of that team. Somebody who was never written
    /// down (a token says who he is) is a user of no team.
    #[must_use]
    pub fn standing(&self, user: &UserId, room_team: Option<&TeamId>) -> Standing {
        let Some(known) = self.users.get(user) else {
            return Standing {
                app_role: built_in(USER),
                reach: self.reach(&Teams::new()),
                banned: false,
                name: None,
            };
        };
        // "`teams_role` … is used instead of `user.role` on calls of that team; only when
        // multi-tenant is on."
        let in_team = room_team
            .filter(|team| self.app.multi_tenant_enabled && known.teams.contains(*team))
            .and_then(|team| known.teams_role.get(team));
        Standing {
            app_role: in_team.unwrap_or(&known.role).clone(),
            reach: self.reach(&known.teams),
            banned: !known.is_welcome(),
            name: known.name.clone(),
        }
    }

    /// The same of somebody without a token.
    #[must_use]
    pub fn stranger(&self) -> Standing {
        let reach = self.reach(&Teams::new());
        Standing { app_role: built_in(ANONYMOUS), reach, banned: false, name: None }
    }

    /// Somebody who asks something of a room of that team, in it or not.
    #[must_use]
    pub fn caller(
        &self,
        user: &UserId,
        name: Option<&str>,
        token_role: Option<RoleName>,
        room_team: Option<&TeamId>,
    ) -> Caller {
        let standing = self.standing(user, room_team);
        let name = name.map(Arc::from).or(standing.name);
        Caller {
            user_id: user.clone(),
            name: name.unwrap_or_else(|| user.as_str().into()),
            app_role: standing.app_role,
            token_role,
            reach: standing.reach,
        }
    }

    /// How far somebody of these teams reaches.
    #[must_use]
    pub fn reach(&self, teams: &Teams) -> Reach {
        if self.app.multi_tenant_enabled { Reach::Within(teams.clone()) } else { Reach::Everywhere }
    }
}

fn built_in(role: &'static str) -> RoleName {
    #[expect(clippy::expect_used, reason = "a literal")]
    RoleName::parse(role).expect("a built-in name is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        directory::user::{Ban, User},
        id::Timestamp,
    };

    fn team(name: &str) -> TeamId {
        TeamId::parse(name).unwrap()
    }

    fn role(name: &str) -> RoleName {
        RoleName::parse(name).unwrap()
    }

    #[test]
    fn a_role_of_a_team_counts_in_its_rooms_while_teams_are_kept_apart() {
        let id = UserId::parse("ann").unwrap();
        let mut ann = User::new(id.clone(), role("user"), Timestamp(1));
        ann.teams = Teams::from([team("red"), team("blue")]);
        ann.teams_role = [(team("red"), role("admin")), (team("green"), role("host"))].into();
        ann.name = Some("Ann".into());
        let mut directory = Directory::new();
        directory.put_user(Arc::new(ann.clone()));
        let red = |d: &Directory, t: &str| d.standing(&id, Some(&team(t))).app_role;
        assert_eq!(red(&directory, "red"), role("user"), "only where they are kept apart");
        assert_eq!(directory.standing(&id, None).reach, Reach::Everywhere);
        Arc::make_mut(&mut directory.app).multi_tenant_enabled = true;
        assert_eq!(red(&directory, "red"), role("admin"));
        assert_eq!(red(&directory, "blue"), role("user"));
        assert_eq!(red(&directory, "green"), role("user"), "he is not in that team");
        assert_eq!(directory.standing(&id, None).app_role, role("user"));
        assert_eq!(directory.standing(&id, None).reach, Reach::Within(ann.teams.clone()));
        let caller = directory.caller(&id, None, Some(role("host")), Some(&team("red")));
        assert_eq!(
            (&*caller.name, caller.app_role, caller.token_role),
            ("Ann", role("admin"), Some(role("host")))
        );
    }

    #[test]
    fn the_unknown_are_users_of_no_team() {
        let mut directory = Directory::new();
        let id = UserId::parse("nobody").unwrap();
        assert_eq!(directory.standing(&id, None).app_role, role("user"));
        Arc::make_mut(&mut directory.app).multi_tenant_enabled = true;
        assert_eq!(directory.standing(&id, None).reach, Reach::Within(Teams::new()));
        assert_eq!(directory.stranger().reach, Reach::Within(Teams::new()));
        assert_eq!(&*directory.caller(&id, None, None, None).name, "nobody");
    }

    #[test]
    fn who_is_banned_deactivated_or_deleted_is_not_welcome() {
        let id = UserId::parse("ann").unwrap();
        let changes: [fn(&mut User); 3] = [
            |user| user.ban = Some(Ban::default()),
            |user| user.deactivated_at = Some(Timestamp(2)),
            |user| user.deleted_at = Some(Timestamp(2)),
        ];
        for change in changes {
            let mut user = User::new(id.clone(), role("user"), Timestamp(1));
            change(&mut user);
            let mut directory = Directory::new();
            directory.put_user(Arc::new(user));
            assert!(directory.standing(&id, None).banned);
        }
    }
}
