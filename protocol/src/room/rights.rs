//! What roles, overrides and settings come to for somebody, in the room or not (`PROTOCOL` 3.1). It
//! must not know what is asked with these rights.

use super::{
    command::Joining,
    member::Member,
    people::Newcomer,
    state::{Peer, Room},
};
use crate::{
    call_type::{Role, Scope},
    capability::Capabilities,
    grant::Silent,
    id::{PeerId, RoleName, Timestamp, UserId},
    json::Metadata,
    media::TrackKinds,
    permissions::{Overrides, Permissions},
    team::Caller,
};

impl Room {
    /// Who somebody would be here: with the role and permissions that this room gives him.
    #[must_use]
    pub fn seated(&self, who: Newcomer, at: Timestamp) -> Peer {
        let role = who.app_role.clone();
        let peer = Peer {
            who,
            joined_at: at,
            on: TrackKinds::NONE,
            hand_raised: false,
            dropped_until: None,
            role,
            permissions: Permissions::none(),
        };
        self.resolved(peer)
    }

    /// Who somebody would be who comes now, whether or not he is let in.
    #[must_use]
    pub fn would_be(&self, joining: &Joining, at: Timestamp) -> Peer {
        self.seated(self.newcomer(joining), at)
    }

    /// The peer with role and permissions derived anew (`PROTOCOL` 3.1): the role or roles, then
    /// his overrides, then what the settings switch off; tracks he may no longer send are off.
    #[must_use]
    pub fn resolved(&self, mut peer: Peer) -> Peer {
        let (role, base) = self.role_of(&peer.who);
        peer.role = role;
        let ungated = peer.who.overrides.over(&self.by_default(&peer.who, base));
        peer.permissions = self.settings.gate(ungated);
        peer.on = peer.on.intersection(peer.sendable());
        peer
    }

    /// What the peer's role, the room's defaults and his overrides give, whatever the settings switch
    /// off now: who grants and who gives up is measured by this, or a right would slip through while
    /// it sleeps.
    #[must_use]
    pub fn ungated(&self, peer: &Peer) -> Permissions {
        peer.who.overrides.over(&self.held_by_default(&peer.who))
    }

    /// The same without the room's defaults: what he would hold were they taken back.
    #[must_use]
    pub fn undefaulted(&self, peer: &Peer) -> Permissions {
        peer.who.overrides.over(&self.role_of(&peer.who).1)
    }

    /// What he has before it is said of him: what his role gives, and the room's defaults.
    #[must_use]
    pub fn held_by_default(&self, who: &Newcomer) -> Permissions {
        self.by_default(who, self.role_of(who).1)
    }

    /// What a role gives, with the room's defaults in their place; owners are not held by them.
    fn by_default(&self, who: &Newcomer, role: Permissions) -> Permissions {
        match &self.admission.permissions {
            Some(defaults) if !who.owner => defaults.over(&role),
            _ => role,
        }
    }

    /// What a role may be said to give here: what it gives as such, without what the room's defaults
    /// take from whoever is no owner and what the settings switch off. What defaults add is not the
    /// role's.
    #[must_use]
    pub fn given_by(&self, role: &Role) -> Permissions {
        let plain = role.permissions(Scope::PLAIN);
        let here = match &self.admission.permissions {
            Some(defaults) => plain.intersection(&defaults.over(&plain)),
            None => plain,
        };
        self.settings.gate(here)
    }

    /// Which administrative capabilities somebody newly gets who becomes `after` here and was
    /// `before` in `was`. Looked at with the room's defaults and without: a right that they strip now
    /// is given all the same, as they may be taken back.
    #[must_use]
    pub fn newly_administrative(&self, after: &Peer, was: &Self, before: &Peer) -> Capabilities {
        let now = self.ungated(after).newly_administrative(&was.ungated(before));
        let then = self.undefaulted(after).newly_administrative(&was.undefaulted(before));
        now.union(then)
    }

    /// The role shown and what the role or roles give, before overrides and settings.
    #[must_use]
    pub fn role_of(&self, who: &Newcomer) -> (RoleName, Permissions) {
        let scope = self.scope_of(who);
        if let Some(assigned) = &who.assigned {
            let role = self.call_type.roles.get(assigned);
            let base = role.map_or_else(Permissions::none, |role| role.permissions(scope));
            return (assigned.clone(), base);
        }
        let standing = self.standing_names(who);
        let base = self.call_type.standing(&standing, scope);
        let shown = self.call_type.standing_roles(&standing).last().map(|role| role.name.clone());
        (shown.unwrap_or_else(|| who.app_role.clone()), base)
    }

    /// The roles that count for him: the assigned one, or the standing ones.
    #[must_use]
    pub fn roles_of(&self, who: &Newcomer) -> Vec<&Role> {
        match &who.assigned {
            Some(assigned) => self.call_type.roles.get(assigned).into_iter().collect(),
            None => self.call_type.standing_roles(&self.standing_names(who)),
        }
    }

    /// Whether his roles give him what shows as no capability.
    #[must_use]
    pub fn permits(&self, who: &Newcomer, silent: Silent) -> bool {
        let scope = self.scope_of(who);
        self.roles_of(who).into_iter().any(|role| role.permits(scope, silent))
    }

    /// Which grants count for him.
    #[must_use]
    pub fn scope_of(&self, who: &Newcomer) -> Scope {
        Scope { creator: self.is_creator(&who.user_id), foreign: who.foreign }
    }

    /// The names of his standing roles, the most specific last.
    #[must_use]
    pub fn standing_names(&self, who: &Newcomer) -> Vec<RoleName> {
        let member = self.members.get(&who.user_id).map(Member::role);
        [Some(who.app_role.clone()), member, who.token_role.clone()].into_iter().flatten().collect()
    }

    /// Whether that user created the room.
    #[must_use]
    pub fn is_creator(&self, user: &UserId) -> bool {
        self.created_by.as_ref() == Some(user)
    }

    /// A peer with one thing about him changed, resolved anew.
    #[must_use]
    pub fn with(&self, peer: &Peer, change: impl FnOnce(&mut Peer)) -> Peer {
        let mut next = peer.clone();
        change(&mut next);
        self.resolved(next)
    }

    /// He in another role: overrides cleared but for presence, hand lowered.
    #[must_use]
    pub fn with_role(&self, peer: &Peer, role: &RoleName) -> Peer {
        self.with(peer, |peer| {
            peer.who.assigned = Some(role.clone());
            peer.who.overrides = peer.who.overrides.after_role_change();
            peer.hand_raised = false;
        })
    }

    /// He with other overrides.
    #[must_use]
    pub fn with_overrides(&self, peer: &Peer, overrides: &Overrides) -> Peer {
        self.with(peer, |peer| peer.who.overrides = overrides.clone())
    }

    /// He with another app role, and the room foreign to him or not.
    #[must_use]
    pub fn with_standing(&self, peer: &Peer, app_role: &RoleName, foreign: bool) -> Peer {
        self.with(peer, |peer| {
            peer.who.app_role = app_role.clone();
            peer.who.foreign = foreign;
        })
    }

    /// Every peer of that user.
    pub fn peers_of<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a Peer> + Clone {
        self.peers.values().filter(move |peer| peer.who.user_id == *user)
    }

    /// By which of his peers a user is named: the first, rather one who is seen.
    #[must_use]
    pub fn named_peer_of(&self, user: &UserId) -> Option<&Peer> {
        let mut own = self.peers.values().filter(|peer| peer.who.user_id == *user);
        own.clone().find(|peer| peer.is_visible()).or_else(|| own.next())
    }

    /// A caller as the peer he would be, with what he may send here beside what his roles say.
    #[must_use]
    pub fn absent(&self, caller: &Caller) -> Peer {
        let own = self.user_overrides.get(&caller.user_id).copied().unwrap_or_default();
        let who = Newcomer {
            peer_id: nobody(),
            user_id: caller.user_id.clone(),
            name: caller.name.clone(),
            metadata: Metadata::null(),
            owner: false,
            app_role: caller.app_role.clone(),
            token_role: caller.token_role.clone(),
            assigned: None,
            overrides: Overrides::default().sending(own.granted, own.revoked),
            session: "".into(),
            exp: None,
            foreign: !caller.reach.admits(self.team.as_ref()),
        };
        self.seated(who, Timestamp::default())
    }
}

fn nobody() -> PeerId {
    #[expect(clippy::expect_used, reason = "a literal")]
    PeerId::parse("-").expect("well formed")
}

/// What a caller may do here, his `own_capabilities`: what his peers here may together, or, where he
/// has none, what his standing roles and the room's word on him give. Nothing where he is blocked.
#[must_use]
pub fn rights_of(room: &Room, caller: &Caller) -> Permissions {
    together(room, caller, |peer| peer.permissions.clone())
}

/// The same, whatever the settings switch off now.
#[must_use]
pub fn ungated_rights_of(room: &Room, caller: &Caller) -> Permissions {
    together(room, caller, |peer| room.ungated(peer))
}

fn together(room: &Room, caller: &Caller, of: impl Fn(&Peer) -> Permissions) -> Permissions {
    if room.blocked.contains(&caller.user_id) {
        return Permissions::none();
    }
    let here = room.peers_of(&caller.user_id).map(&of).reduce(|a, b| a.union(&b));
    here.unwrap_or_else(|| of(&room.absent(caller)))
}

/// Whether a caller's roles here give him what shows as no capability.
#[must_use]
pub fn permits(room: &Room, caller: &Caller, silent: Silent) -> bool {
    if room.blocked.contains(&caller.user_id) {
        return false;
    }
    let mut here = room.peers_of(&caller.user_id).peekable();
    if here.peek().is_none() {
        return room.permits(&room.absent(caller).who, silent);
    }
    here.any(|peer| room.permits(&peer.who, silent))
}
