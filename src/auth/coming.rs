//! Coming in: who a token's bearer is to the law of the room that he comes to. It must not know how
//! he comes.

use std::sync::Arc;

use rolecall_protocol::{
    call_type::{HOST, USER},
    id::{CallTypeName, Cid, NameError, PeerId, RoleName, TeamId, UserId},
    json::Metadata,
    media::{TrackKind, TrackKinds},
    permissions::{Overrides, PermissionsPatch},
    room::{
        command::Joining,
        people::{Newcomer, anonymous_role},
    },
    team::{Reach, Standing, Teams},
    wire::code::ErrorBody,
};

use super::Identity;
use crate::{config::Config, mint};

/// What somebody says who comes to a room.
#[derive(Debug)]
pub struct Coming {
    /// Which; its name may be bare.
    pub room: String,
    /// What he calls himself, if he does.
    pub name: Option<Arc<str>>,
    /// What he says of himself.
    pub metadata: Metadata,
    /// Whether the room may begin with him.
    pub create: bool,
}

impl Coming {
    /// Nobody in particular, to that room.
    #[must_use]
    pub fn to(room: String) -> Self {
        Self { room, name: None, metadata: Metadata::null(), create: false }
    }
}

/// The house's rules for whoever comes in.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The call type of bare room ids.
    pub default_call_type: &'a CallTypeName,
}

impl Entrance<'_> {
    /// The room of that name.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn cid(self, room: &str) -> Result<Cid, NameError> {
        Cid::parse(room, self.default_call_type)
    }

    /// Whether the token is good for that room.
    #[must_use]
    pub fn is_for(self, identity: &Identity, cid: &Cid) -> bool {
        let named = |room: &String| self.cid(room).is_ok_and(|named| named == *cid);
        identity.room.as_ref().is_none_or(named)
            && identity.call_cids.as_ref().is_none_or(|cids| cids.iter().any(named))
    }

    /// Who comes in where, as the law wants to know it (`PROTOCOL` 1.1, 3.1).
    ///
    /// # Errors
    /// 400 for a room's name that is none, 401 for a claim that is wrong, 403 where the token is for
    /// other rooms.
    pub fn joining(
        self,
        coming: Coming,
        identity: Option<&Identity>,
        peer_id: PeerId,
    ) -> Result<(Cid, Joining), ErrorBody> {
        let cid =
            self.cid(&coming.room).map_err(|e| ErrorBody::bad_params("room", e.to_string()))?;
        let mut newcomer = Newcomer {
            user_id: UserId::parse(peer_id.as_str()).map_err(|e| bad_claim(&e))?,
            peer_id,
            name: "".into(),
            metadata: coming.metadata,
            owner: false,
            app_role: anonymous_role(),
            token_role: None,
            assigned: None,
            overrides: Overrides::default(),
            session: "".into(),
            exp: None,
            foreign: false,
        };
        let mut standing = Standing {
            app_role: anonymous_role(),
            reach: Reach::Everywhere,
            banned: false,
            name: None,
        };
        let mut permissions = None;
        let mut teams = Teams::new();
        if let Some(identity) = identity {
            if !self.is_for(identity, &cid) {
                return Err(ErrorBody::wrong_room());
            }
            // Who is not named has his peer id for a user id, as if he had no token.
            if let Some(user_id) = identity.user_id.as_deref() {
                newcomer.user_id = UserId::parse(user_id).map_err(|e| bad_claim(&e))?;
                standing.app_role = role(USER)?;
            }
            newcomer.name = identity.name.as_deref().unwrap_or_default().into();
            if identity.no_screenshare {
                let screens = TrackKinds::of(&[TrackKind::ScreenVideo, TrackKind::ScreenAudio]);
                newcomer.overrides = newcomer.overrides.sending(TrackKinds::NONE, screens);
            }
            newcomer.owner = identity.is_owner;
            let given = identity.role.as_deref().map(role).transpose()?;
            if identity.is_owner {
                newcomer.assigned = Some(given.map_or_else(|| role(HOST), Ok)?);
            } else if identity.room.is_some() {
                newcomer.assigned = given;
            } else {
                newcomer.token_role = given;
            }
            for team in &identity.teams {
                teams.insert(TeamId::parse(team).map_err(|e| bad_claim(&e))?);
            }
            if let Some(raw) = &identity.permissions {
                permissions = Some(Box::new(patch(raw.get())?));
            }
        }
        if let Some(name) = coming.name {
            newcomer.name = name;
        }
        if self.config.trust_token_teams {
            standing.reach = Reach::Within(teams);
        }
        let joining = Joining {
            newcomer,
            standing,
            permissions,
            invited: identity.is_some_and(Identity::invites),
            create: coming.create,
            opens: identity.is_some_and(|identity| identity.opens),
            epoch: mint::epoch(),
            peers_max: self.config.limits.peers_per_room,
        };
        Ok((cid, joining))
    }
}

/// The token's claim `permissions`.
fn patch(raw: &str) -> Result<PermissionsPatch, ErrorBody> {
    serde_json::from_str(raw)
        .map_err(|e| ErrorBody::bad_token(format!("the claim `permissions` is wrong: {e}")))
}

fn role(name: &str) -> Result<RoleName, ErrorBody> {
    RoleName::parse(name).map_err(|e| bad_claim(&e))
}

fn bad_claim(error: &NameError) -> ErrorBody {
    ErrorBody::bad_token(format!("a claim of the token is wrong: {error}"))
}
