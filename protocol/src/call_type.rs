//! Call types: a named set of roles and settings, and what a role gives. It must not know rooms.
//!
//! [`builtin`] holds the call types every server has; [`definition`] reads further ones.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize, ser::SerializeStruct};

use crate::{
    capability::{Capabilities, Capability},
    grant::{Grant, Silent},
    id::{CallTypeName, RoleName},
    json::Metadata,
    media::{Reception, TrackKind, TrackKinds},
    permissions::Permissions,
};

pub mod builtin;
pub mod definition;
pub mod settings;

use settings::{SettingsDocument, SettingsPatchDocument};

/// The role of an owner (`is_owner` in a token).
pub const HOST: &str = "host";
/// The app role of a user of whom nothing else is known.
pub const USER: &str = "user";
/// The app role of somebody without a token.
pub const ANONYMOUS: &str = "anonymous";
/// The member role of a member of whom nothing else is known.
pub const CALL_MEMBER: &str = "call_member";

/// Most roles of one call type.
pub const ROLES_MAX: usize = 64;
/// Most grants of one role.
pub const GRANTS_MAX: usize = 256;

/// A named set of grants with a priority, and what it may receive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name within the call type.
    pub name: RoleName,
    /// 1 is highest (100ms).
    pub priority: u16,
    /// What it is made of, as written.
    pub grants: Vec<Grant>,
    /// Track kinds it may send beyond what its grants say (or where it names kinds itself).
    pub can_send: TrackKinds,
    /// Whether its holders are seen by the others.
    pub has_presence: bool,
    /// Whom its holders receive.
    pub can_receive: Arc<Reception>,
    /// How many peers may hold it at once; unset: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_peer_count: Option<u32>,
    /// 100ms `permissions` as given: the flags of the customer's own among them are shown, and give
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Metadata>,
    /// 100ms `publishParams` as given: how its media should be encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_params: Option<Metadata>,
}

/// To whom a role gives: which of its grants count for him.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Whether he created the room: its `-owner` grants count too.
    pub creator: bool,
    /// Whether the room is of a team that he is not in: only its `-any-team` grants count.
    pub foreign: bool,
}

impl Scope {
    /// Somebody who did not create the room, in a room of his own team.
    pub const PLAIN: Self = Self { creator: false, foreign: false };

    const fn counts(self, grant: &Grant) -> bool {
        (self.creator || !grant.owner) && (!self.foreign || grant.any_team)
    }
}

impl Role {
    /// What the role gives to somebody of that scope. The kinds that it may send beyond its grants
    /// are for no other team.
    #[must_use]
    pub fn permissions(&self, scope: Scope) -> Permissions {
        let granted: Capabilities = self
            .grants
            .iter()
            .filter(|grant| scope.counts(grant))
            .filter_map(Grant::capability)
            .collect();
        let own = if scope.foreign { TrackKinds::NONE } else { self.can_send };
        let can_send = granted
            .intersection(Capabilities::MEDIA)
            .iter()
            .map(TrackKinds::granted_by)
            .fold(own, TrackKinds::union);
        Permissions {
            has_presence: self.has_presence,
            can_send,
            can_receive: Arc::clone(&self.can_receive),
            capabilities: granted.difference(Capabilities::MEDIA),
        }
    }

    /// Whether it gives that to somebody of that scope.
    #[must_use]
    pub fn permits(&self, scope: Scope, silent: Silent) -> bool {
        self.grants.iter().any(|grant| scope.counts(grant) && grant.silent() == Some(silent))
    }
}

impl Role {
    /// Its grants as Stream writes them: those written, and where its shape says what it may send
    /// beside them, what would say that.
    #[must_use]
    pub fn grants_shown(&self) -> Vec<&str> {
        let media = Capabilities::MEDIA.iter().filter(|capability| {
            self.can_send.contains_all(TrackKinds::granted_by(*capability))
                && !self.grants.iter().any(|grant| grant.as_str() == capability.as_str())
        });
        let mut shown: Vec<&str> = self.grants.iter().map(Grant::as_str).collect();
        shown.extend(media.map(|capability| capability.as_str()));
        shown
    }
}

/// The wire form of a role, in the join reply.
#[derive(Clone, Copy, Debug)]
pub struct RoleView<'a>(pub &'a Role);

impl Serialize for RoleView<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let role = self.0;
        let permissions = role.permissions(Scope::PLAIN);
        let mut object = serializer.serialize_struct("Role", 9)?;
        object.serialize_field("name", &role.name)?;
        object.serialize_field("priority", &role.priority)?;
        object.serialize_field("canSend", &permissions.can_send)?;
        object.serialize_field("canReceive", &permissions.can_receive)?;
        object.serialize_field("canAdmin", &permissions.can_admin())?;
        object.serialize_field("hasPresence", &permissions.has_presence)?;
        object.serialize_field("capabilities", &permissions.all_capabilities())?;
        match role.max_peer_count {
            Some(max) => object.serialize_field("maxPeerCount", &max)?,
            None => object.skip_field("maxPeerCount")?,
        }
        match &role.publish_params {
            Some(params) => object.serialize_field("publishParams", params)?,
            None => object.skip_field("publishParams")?,
        }
        object.end()
    }
}

/// What a room of this type has switched on; what is off, nobody may do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Microphones.
    pub audio: bool,
    /// Cameras.
    pub video: bool,
    /// Shared screens.
    pub screensharing: bool,
    /// Recordings of every kind.
    pub recording: bool,
    /// Broadcasts.
    pub broadcasting: bool,
    /// Transcription.
    pub transcription: bool,
    /// Closed captions.
    pub closed_captions: bool,
    /// New rooms begin backstage: only who may `join-backstage` gets in until the room goes live.
    pub backstage: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            audio: true,
            video: true,
            screensharing: true,
            recording: true,
            broadcasting: true,
            transcription: true,
            closed_captions: true,
            backstage: false,
        }
    }
}

impl Settings {
    /// The name of the setting that rules this track kind.
    #[must_use]
    pub const fn of_kind(kind: TrackKind) -> &'static str {
        match kind.capability() {
            Capability::SendAudio => "audio",
            Capability::SendVideo => "video",
            _ => "screensharing",
        }
    }

    /// The name of the setting that rules this capability, if one does.
    #[must_use]
    pub const fn of_capability(capability: Capability) -> Option<&'static str> {
        use Capability as C;
        match capability {
            C::SendAudio => Some("audio"),
            C::SendVideo => Some("video"),
            C::Screenshare => Some("screensharing"),
            C::StartRecordCall
            | C::StopRecordCall
            | C::StartFrameRecordCall
            | C::StopFrameRecordCall
            | C::StartIndividualRecordCall
            | C::StopIndividualRecordCall
            | C::StartRawRecordCall
            | C::StopRawRecordCall => Some("recording"),
            C::StartBroadcastCall | C::StopBroadcastCall => Some("broadcasting"),
            C::StartTranscriptionCall | C::StopTranscriptionCall => Some("transcription"),
            C::StartClosedCaptionsCall | C::StopClosedCaptionsCall | C::SendClosedCaptionsCall => {
                Some("closed_captions")
            }
            _ => None,
        }
    }

    /// Whether the setting of that name is on; unknown names are.
    #[must_use]
    pub fn is_on(&self, setting: &str) -> bool {
        match setting {
            "audio" => self.audio,
            "video" => self.video,
            "screensharing" => self.screensharing,
            "recording" => self.recording,
            "broadcasting" => self.broadcasting,
            "transcription" => self.transcription,
            "closed_captions" => self.closed_captions,
            _ => true,
        }
    }

    /// The permissions without what these settings switch off.
    #[must_use]
    pub fn gate(&self, permissions: Permissions) -> Permissions {
        if *self == (Self { backstage: self.backstage, ..Self::default() }) {
            return permissions;
        }
        let can_send =
            permissions.can_send.iter().filter(|k| self.is_on(Self::of_kind(*k))).collect();
        let capabilities = permissions
            .capabilities
            .iter()
            .filter(|c| Self::of_capability(*c).is_none_or(|setting| self.is_on(setting)))
            .collect();
        Permissions { can_send, capabilities, ..permissions }
    }
}

/// A named set of roles and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallType {
    /// Its name, the first part of a cid.
    pub name: CallTypeName,
    /// Its roles by name.
    pub roles: BTreeMap<RoleName, Role>,
    /// The role of whoever has none of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_role: Option<RoleName>,
    /// Whether the default role stands in for people without a token too.
    #[serde(default)]
    pub open: bool,
    /// What is switched on. Derived from the document, but for `audio`, of which that says nothing.
    pub settings: Settings,
    /// The whole settings, as Stream writes them.
    #[serde(default)]
    pub document: SettingsDocument,
}

impl CallType {
    /// What is switched on in a room with that override.
    #[must_use]
    pub fn settings_under(&self, override_: Option<&SettingsPatchDocument>) -> Settings {
        override_.map_or(self.settings, |patch| patch.onto(self.settings))
    }

    /// What standing roles give together, before overrides and settings. Roles the call type does
    /// not have give nothing; where it has none of them, the default role stands in.
    #[must_use]
    pub fn standing(&self, roles: &[RoleName], scope: Scope) -> Permissions {
        self.standing_roles(roles)
            .into_iter()
            .map(|role| role.permissions(scope))
            .reduce(|a, b| a.union(&b))
            .unwrap_or_else(Permissions::none)
    }

    /// The roles of those names that the call type has, or its default role.
    #[must_use]
    pub fn standing_roles(&self, names: &[RoleName]) -> Vec<&Role> {
        let own: Vec<&Role> = names.iter().filter_map(|name| self.roles.get(name)).collect();
        let stranger = names.iter().any(|name| name.as_str() == ANONYMOUS);
        if !own.is_empty() || (stranger && !self.open) {
            return own;
        }
        self.default_role.iter().filter_map(|name| self.roles.get(name)).collect()
    }

    /// The role of that name gets exactly these grants; it comes to be where there was none.
    pub fn set_grants(&mut self, name: &RoleName, grants: Vec<Grant>) {
        let role = self.roles.entry(name.clone());
        let role = role.or_insert_with(|| builtin::blank(name.as_str(), 4));
        role.grants = grants;
        role.can_send = TrackKinds::NONE;
    }

    /// The roles as the join reply shows them.
    #[must_use]
    pub fn role_views(&self) -> BTreeMap<&RoleName, RoleView<'_>> {
        self.roles.iter().map(|(name, role)| (name, RoleView(role))).collect()
    }
}
