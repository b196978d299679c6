//! Why a right is held or not. It must not decide anything: it reads what [`super::state`] derived.

use serde::Serialize;

use super::{
    command::Right,
    state::{Peer, Room},
};
use crate::{
    call_type::{Role, Scope, Settings},
    capability::{AdminGroup, Capabilities, Capability},
    id::RoleName,
    media::{TrackKind, TrackKinds},
    permissions::Permissions,
};

/// The answer to `explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether the right is held now.
    pub allowed: bool,
    /// What speaks for and against it, in the order in which it counts: the later overrules.
    pub because: Vec<Because>,
}

/// One thing that speaks for or against a right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Because {
    /// What kind of thing.
    pub rule: Rule,
    /// The role concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// The override concerned, by the patch's key.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub override_: Option<&'static str>,
    /// The setting concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<&'static str>,
}

/// The rules by which rights come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The role grants it.
    RoleGrants,
    /// The role grants it to the room's creator, who this is.
    CreatorGrants,
    /// The role does not grant it.
    RoleLacks,
    /// The role grants it, but not in another team's rooms, of which this is one.
    OtherTeam,
    /// The room's defaults give it.
    DefaultGrants,
    /// The room's defaults take it.
    DefaultRevokes,
    /// An override gives it.
    OverrideGrants,
    /// An override takes it.
    OverrideRevokes,
    /// The room's settings switch it off.
    SettingOff,
    /// The peer is hidden, and a hidden peer sends nothing.
    Hidden,
    /// The user is blocked here.
    Blocked,
}

/// Explains one right of one peer.
#[must_use]
pub fn explain(room: &Room, peer: &Peer, right: Right) -> Explanation {
    let subject = match right {
        Right::Track(kind) => {
            Subject { kinds: TrackKinds::of(&[kind]), capability: kind.capability() }
        }
        Right::Capability(capability) => {
            let kinds = match capability {
                Capability::SendAudio => TrackKinds::of(&[TrackKind::Audio]),
                Capability::SendVideo => TrackKinds::of(&[TrackKind::Video]),
                other => TrackKinds::granted_by(other),
            };
            Subject { kinds, capability }
        }
    };
    let allowed = match right {
        Right::Track(kind) => peer.sendable().contains(kind),
        Right::Capability(capability) => peer.permissions.all_capabilities().contains(capability),
    };
    let blocked = room.blocked.contains(&peer.who.user_id);
    let allowed = allowed && !blocked;
    let mut because = by_roles(room, peer, subject);
    because.extend(by_default(room, peer, subject));
    because.extend(by_override(room, peer, subject));
    let setting = Settings::of_capability(subject.capability);
    if let Some(setting) = setting.filter(|setting| !room.settings.is_on(setting)) {
        because.push(Because { setting: Some(setting), ..plain(Rule::SettingOff) });
    }
    if matches!(right, Right::Track(_)) && !peer.is_visible() {
        because.push(plain(Rule::Hidden));
    }
    if blocked {
        because.push(plain(Rule::Blocked));
    }
    Explanation { allowed, because }
}

#[derive(Clone, Copy)]
struct Subject {
    kinds: TrackKinds,
    capability: Capability,
}

impl Subject {
    fn is_in(self, role: &Role, scope: Scope) -> bool {
        let given = role.permissions(scope);
        if self.kinds.is_empty() {
            given.capabilities.contains(self.capability)
        } else {
            given.can_send.contains_all(self.kinds)
        }
    }
}

fn by_roles(room: &Room, peer: &Peer, subject: Subject) -> Vec<Because> {
    let roles = room.roles_of(&peer.who);
    if roles.is_empty() {
        return vec![Because { role: Some(peer.role.clone()), ..plain(Rule::RoleLacks) }];
    }
    let scope = room.scope_of(&peer.who);
    let each = roles.into_iter().map(|role| {
        let rule = if subject.is_in(role, Scope { creator: false, ..scope }) {
            Rule::RoleGrants
        } else if subject.is_in(role, scope) {
            Rule::CreatorGrants
        } else if subject.is_in(role, Scope { foreign: false, ..scope }) {
            Rule::OtherTeam
        } else {
            Rule::RoleLacks
        };
        Because { role: Some(role.name.clone()), ..plain(rule) }
    });
    each.collect()
}

/// "The room's defaults", where they speak of it at all.
fn by_default(room: &Room, peer: &Peer, subject: Subject) -> Option<Because> {
    let defaults = room.admission.permissions.as_ref().filter(|_| !peer.who.owner)?;
    let given = defaults.over(&Permissions::none());
    let (grants, key) = if subject.kinds.is_empty() {
        let groups = AdminGroup::ALL.into_iter();
        let mut of_groups = groups.filter(|g| g.capabilities().contains(subject.capability));
        defaults.can_admin.as_ref().filter(|_| of_groups.next().is_some())?;
        (given.capabilities.contains(subject.capability), "canAdmin")
    } else {
        defaults.can_send?;
        (given.can_send.contains_all(subject.kinds), "canSend")
    };
    let rule = if grants { Rule::DefaultGrants } else { Rule::DefaultRevokes };
    Some(Because { override_: Some(key), ..plain(rule) })
}

fn by_override(room: &Room, peer: &Peer, subject: Subject) -> Option<Because> {
    let overrides = &peer.who.overrides;
    let (grants, key) = if subject.kinds.is_empty() {
        let one = Capabilities::of(&[subject.capability]);
        if overrides.revoked.contains_all(one) {
            (false, "canAdmin")
        } else if overrides.granted.contains_all(one) {
            (true, "canAdmin")
        } else {
            return None;
        }
    } else {
        let touched = overrides.send_granted.union(overrides.send_revoked);
        if overrides.can_send.is_none() && touched.intersection(subject.kinds).is_empty() {
            return None;
        }
        (room.ungated(peer).can_send.contains_all(subject.kinds), "canSend")
    };
    let rule = if grants { Rule::OverrideGrants } else { Rule::OverrideRevokes };
    Some(Because { override_: Some(key), ..plain(rule) })
}

const fn plain(rule: Rule) -> Because {
    Because { rule, role: None, override_: None, setting: None }
}
