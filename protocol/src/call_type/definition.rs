//! Call types as people write them (`rolecall.toml`, REST): Stream's `grants`, and roles in 100ms's
//! HMSRole shape or the native one. It must not know where the text came from.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    CallType, GRANTS_MAX, HOST, ROLES_MAX, Role, Scope, Settings,
    builtin::{self, blank, full, may},
    settings::SettingsDocument,
};
use crate::{
    capability::{AdminGroup, Capabilities, Capability},
    grant::Grant,
    id::{CallTypeName, RoleName},
    json::Metadata,
    media::{Reception, TrackKind, TrackKinds},
    permissions::Listed,
};

/// A call type as written. `extends` names the one it starts from; with `grants` alone that is
/// `default` (Stream: a new call type "comes with a default set of configurations"), with `roles`
/// it starts empty. Either way it has a `host` who may everything unless it says otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Definition {
    /// The call type whose roles and settings it starts from.
    pub extends: Option<CallTypeName>,
    /// Stream's form: each role mentioned gets exactly these grants.
    #[serde(deserialize_with = "grants")]
    pub grants: BTreeMap<RoleName, Vec<Grant>>,
    /// Roles in 100ms's shape or the native one.
    #[serde(deserialize_with = "roles")]
    pub roles: BTreeMap<RoleName, RoleDefinition>,
    /// The role of whoever has none of the others.
    pub default_role: Option<RoleName>,
    /// Whether the default role stands in for people without a token too; unset: as in the type it
    /// starts from.
    pub open: Option<bool>,
    /// What is switched on; unset: as in the type it starts from.
    pub settings: Option<SettingsPatch>,
}

/// Settings as written; what is not mentioned stays.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of `Settings`")]
pub struct SettingsPatch {
    pub audio: Option<bool>,
    pub video: Option<bool>,
    pub screensharing: Option<bool>,
    pub recording: Option<bool>,
    pub broadcasting: Option<bool>,
    pub transcription: Option<bool>,
    pub closed_captions: Option<bool>,
    pub backstage: Option<bool>,
}

impl SettingsPatch {
    fn onto(&self, s: Settings) -> Settings {
        Settings {
            audio: self.audio.unwrap_or(s.audio),
            video: self.video.unwrap_or(s.video),
            screensharing: self.screensharing.unwrap_or(s.screensharing),
            recording: self.recording.unwrap_or(s.recording),
            broadcasting: self.broadcasting.unwrap_or(s.broadcasting),
            transcription: self.transcription.unwrap_or(s.transcription),
            closed_captions: self.closed_captions.unwrap_or(s.closed_captions),
            backstage: self.backstage.unwrap_or(s.backstage),
        }
    }
}

/// A role as written: 100ms's HMSRole, or the native shape; not a mixture of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RoleDefinition {
    /// Must be the role's own name where given (100ms repeats it).
    pub name: Option<RoleName>,
    /// 1 is highest.
    pub priority: Option<u16>,
    /// 100ms: 0 any number, -1 nobody.
    pub max_peer_count: Option<i64>,
    /// 100ms: `allowed` of `audio`, `video`, `screen`; the rest is kept for its SDK.
    pub publish_params: Option<serde_json::Value>,
    /// 100ms: `subscribeToRoles`; the rest is ignored.
    pub subscribe_params: Option<SubscribeParams>,
    /// 100ms: `changeRole`, `mute`, `removeOthers`, `endRoom` and the rest of its flags.
    pub permissions: Option<BTreeMap<String, serde_json::Value>>,
    /// Native: seen by the others; true unless given.
    pub has_presence: Option<bool>,
    /// Native: kinds it may send; none unless given.
    pub can_send: Option<Listed<TrackKind>>,
    /// Native: whom it receives; everybody unless given.
    pub can_receive: Option<Reception>,
    /// Native: groups it administers; none unless given.
    pub can_admin: Option<Listed<AdminGroup>>,
    /// Native: further grants or capabilities; joining and looking are always in.
    pub capabilities: Option<Vec<Grant>>,
}

/// 100ms `subscribeParams`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscribeParams {
    /// The roles it receives.
    pub subscribe_to_roles: BTreeSet<RoleName>,
}

/// Why a definition was refused; names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct DefinitionError {
    /// Where, as a path of keys.
    pub field: String,
    /// What is wrong there.
    pub problem: String,
}

fn wrong(field: impl Into<String>, problem: impl Into<String>) -> DefinitionError {
    DefinitionError { field: field.into(), problem: problem.into() }
}

impl Definition {
    /// Builds the call type of this name upon the ones already known.
    ///
    /// # Errors
    /// [`DefinitionError`] naming the place.
    pub fn build(
        &self,
        name: &CallTypeName,
        known: &BTreeMap<CallTypeName, Arc<CallType>>,
    ) -> Result<CallType, DefinitionError> {
        let start = match (&self.extends, known.get(name)) {
            (Some(base), _) => {
                let found = known.get(base);
                Some(found.ok_or_else(|| wrong("extends", format!("unknown call type `{base}`")))?)
            }
            (None, Some(own)) => Some(own),
            (None, None) if self.roles.is_empty() => known.get("default"),
            (None, None) => None,
        };
        let mut built = start.map_or_else(
            || CallType {
                name: name.clone(),
                roles: BTreeMap::new(),
                default_role: None,
                open: false,
                settings: Settings::default(),
                document: SettingsDocument::defaults(),
            },
            |start| CallType::clone(start),
        );
        built.name = name.clone();
        for (role, grants) in &self.grants {
            let role = built.roles.entry(role.clone()).or_insert_with(|| blank(role.as_str(), 4));
            role.grants.clone_from(grants);
            role.can_send = TrackKinds::NONE;
        }
        for (role, definition) in &self.roles {
            let role = definition
                .build(role)
                .map_err(|e| wrong(format!("roles.{role}.{}", e.field), e.problem))?;
            built.roles.insert(role.name.clone(), role);
        }
        if !built.roles.contains_key(HOST) {
            let host = full(HOST, 1);
            built.roles.insert(host.name.clone(), host);
        }
        if let Some(role) = &self.default_role {
            built.default_role = Some(role.clone());
        }
        if let Some(role) = built.default_role.as_ref().filter(|r| !built.roles.contains_key(*r)) {
            return Err(wrong("default_role", format!("unknown role `{role}`")));
        }
        built.open = self.open.unwrap_or(built.open);
        if let Some(patch) = &self.settings {
            built.settings = patch.onto(built.settings);
            built.document = built.document.with_gates(built.settings);
        }
        for role in built.roles.values() {
            let mut receives = role.can_receive.by_role.keys();
            if let Some(other) = receives.find(|name| !built.roles.contains_key(*name)) {
                let field = format!("roles.{}.subscribeParams.subscribeToRoles", role.name);
                return Err(wrong(field, format!("unknown role `{other}`")));
            }
        }
        Ok(built)
    }
}

impl RoleDefinition {
    fn build(&self, name: &RoleName) -> Result<Role, DefinitionError> {
        if let Some(other) = self.name.as_ref().filter(|own| *own != name) {
            return Err(wrong("name", format!("`{other}` is not the role's own name `{name}`")));
        }
        let native = [
            ("hasPresence", self.has_presence.is_some()),
            ("canSend", self.can_send.is_some()),
            ("canReceive", self.can_receive.is_some()),
            ("canAdmin", self.can_admin.is_some()),
            ("capabilities", self.capabilities.is_some()),
        ];
        let hms = self.subscribe_params.is_some() || self.permissions.is_some();
        if let Some((field, _)) = native.iter().find(|(_, given)| *given && hms) {
            return Err(wrong(
                *field,
                "belongs to the native shape; the role is written in 100ms's",
            ));
        }
        let mut role = blank(name.as_str(), self.priority.unwrap_or(5));
        role.max_peer_count = match self.max_peer_count {
            None | Some(0) => None,
            Some(-1) => Some(0),
            Some(n) => Some(
                u32::try_from(n)
                    .map_err(|_| wrong("maxPeerCount", format!("`{n}` is less than -1")))?,
            ),
        };
        if let Some(params) = &self.publish_params {
            role.publish_params =
                Some(Metadata::new(params).map_err(|problem| wrong("publishParams", problem))?);
            for kind in allowed(params)? {
                role.can_send = role.can_send.union(kind);
            }
        }
        if let Some(params) = &self.subscribe_params {
            role.can_receive = Arc::new(Reception::of_roles(&params.subscribe_to_roles));
        }
        if let Some(flags) = &self.permissions {
            role = may(role, flagged(flags));
            let whole = serde_json::to_value(flags).unwrap_or_default();
            role.flags =
                Some(Metadata::new(&whole).map_err(|problem| wrong("permissions", problem))?);
        }
        if let Some(seen) = self.has_presence {
            role.has_presence = seen;
        }
        if let Some(kinds) = &self.can_send {
            role.can_send = kinds.0.iter().copied().collect();
        }
        if let Some(reception) = &self.can_receive {
            role.can_receive = Arc::new(reception.clone());
        }
        if let Some(groups) = &self.can_admin {
            role = may(
                role,
                groups.0.iter().fold(Capabilities::NONE, |all, g| all.union(g.capabilities())),
            );
        }
        if let Some(more) = &self.capabilities {
            if more.len() > GRANTS_MAX {
                return Err(wrong("capabilities", format!("more than {GRANTS_MAX} entries")));
            }
            role.grants.extend(more.iter().cloned());
            role.grants.sort();
            role.grants.dedup();
        }
        let rules =
            role.permissions(Scope::PLAIN).capabilities.contains(Capability::UpdateCallPermissions);
        if rules {
            role = may(role, Capabilities::of(&[Capability::CreateCall]));
        }
        let withheld = |flag: &str| {
            let flag = self.permissions.as_ref().and_then(|flags| flags.get(flag));
            flag.is_some_and(|on| on.as_bool() == Some(false))
        };
        role.grants.retain(|grant| !withheld(grant.as_str()));
        role.has_presence &= !withheld(HAS_PRESENCE);
        Ok(role)
    }
}

/// 100ms `publishParams.allowed`: what may be sent.
fn allowed(params: &serde_json::Value) -> Result<Vec<TrackKinds>, DefinitionError> {
    let Some(list) = params.get("allowed") else { return Ok(Vec::new()) };
    let not_a_list = || wrong("publishParams.allowed", format!("`{list}` is not an array"));
    let list = list.as_array().ok_or_else(not_a_list)?;
    list.iter()
        .map(|item| match item.as_str() {
            Some("audio") => Ok(TrackKinds::granted_by(Capability::SendAudio)),
            Some("video") => Ok(TrackKinds::granted_by(Capability::SendVideo)),
            Some("screen") => Ok(TrackKinds::granted_by(Capability::Screenshare)),
            _ => Err(wrong(
                "publishParams.allowed",
                format!("{item} is none of `audio`, `video`, `screen`"),
            )),
        })
        .collect()
}

/// The flag by which a role in 100ms's shape is hidden: `false`.
pub const HAS_PRESENCE: &str = "hasPresence";

/// The capabilities behind 100ms's permission flags.
fn flagged(flags: &BTreeMap<String, serde_json::Value>) -> Capabilities {
    // Who may only ask others to unmute may not mute them, and there is no right to that alone.
    let given = flags.iter().filter(|(flag, on)| on.as_bool() == Some(true) && *flag != "unmute");
    given.fold(Capabilities::NONE, |all, (flag, _)| all.union(behind_flag(flag)))
}

/// What one of 100ms's permission flags gives; flags of the user's own give nothing. Nobody is shown
/// a flag who does not hold all of it.
#[must_use]
pub fn behind_flag(flag: &str) -> Capabilities {
    match flag {
        "changeRole" => Capabilities::of(&[Capability::UpdateCallPermissions]),
        "mute" | "unmute" => Capabilities::of(&[Capability::MuteUsers]),
        // 100ms knows no blocking: who was removed may come again.
        "removeOthers" => Capabilities::of(&[Capability::RemoveCallMember, Capability::KickUser]),
        "endRoom" => Capabilities::of(&[Capability::EndCall]),
        "hlsStreaming" | "rtmpStreaming" => {
            Capabilities::of(&[Capability::StartBroadcastCall, Capability::StopBroadcastCall])
        }
        "browserRecording" => {
            Capabilities::of(&[Capability::StartRecordCall, Capability::StopRecordCall])
        }
        "transcriptions" => AdminGroup::Transcription.capabilities(),
        _ => Capabilities::NONE,
    }
}

fn grants<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<RoleName, Vec<Grant>>, D::Error> {
    crate::unique::map(d, ROLES_MAX)
}

fn roles<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<RoleName, RoleDefinition>, D::Error> {
    crate::unique::map(d, ROLES_MAX)
}

/// Builds all of these upon the built-in ones, in order of name; each may extend any built-in one
/// or an earlier one.
///
/// # Errors
/// [`DefinitionError`] naming call type and place.
pub fn build_all(
    definitions: &BTreeMap<CallTypeName, Definition>,
) -> Result<BTreeMap<CallTypeName, Arc<CallType>>, DefinitionError> {
    let mut known = builtin::all();
    for (name, definition) in definitions {
        let built = definition
            .build(name, &known)
            .map_err(|e| wrong(format!("call_types.{name}.{}", e.field), e.problem))?;
        known.insert(name.clone(), Arc::new(built));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(json: &str) -> Result<CallType, String> {
        let definition: Definition = serde_json::from_str(json).map_err(|e| e.to_string())?;
        definition
            .build(&CallTypeName::parse("mine").unwrap(), &builtin::all())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn grants_start_from_default_and_replace_the_roles_they_mention() {
        let mine =
            build(r#"{"grants":{"user":["join-call"],"nurse":["send-audio","mute-users"]}}"#)
                .unwrap();
        let user = mine.roles["user"].permissions(Scope { creator: true, ..Scope::PLAIN });
        assert_eq!(user.all_capabilities(), Capabilities::of(&[Capability::JoinCall]));
        assert!(mine.roles["nurse"].permissions(Scope::PLAIN).can_send.contains(TrackKind::Audio));
        assert_eq!(mine.roles["admin"], builtin::all()["default"].roles["admin"]);
    }

    #[test]
    fn the_two_shapes_of_a_role_are_read() {
        let mine = build(
            r#"{"default_role":"pupil","roles":{
                "tutor":{"name":"tutor","priority":1,"maxPeerCount":2,
                    "publishParams":{"allowed":["audio","screen"],"video":{"bitRate":300}},
                    "subscribeParams":{"subscribeToRoles":["pupil"],"maxSubsBitRate":3200},
                    "permissions":{"changeRole":true,"mute":true,"endRoom":false,"ownFlag":true}},
                "pupil":{"canSend":["video"],"canAdmin":false,"hasPresence":true,"capabilities":["pin-call-track"]}}}"#,
        )
        .unwrap();
        let tutor = mine.roles["tutor"].permissions(Scope::PLAIN);
        assert!(tutor.capabilities.contains(Capability::UpdateCallPermissions));
        assert!(tutor.capabilities.contains(Capability::CreateCall));
        assert!(!tutor.capabilities.contains(Capability::EndCall));
        assert_eq!(mine.roles["tutor"].max_peer_count, Some(2));
        assert_eq!(tutor.can_send.len(), 4);
        let pupil = mine.roles["pupil"].permissions(Scope::PLAIN);
        assert_eq!(pupil.can_send, TrackKinds::of(&[TrackKind::Video]));
        assert!(pupil.capabilities.contains(Capability::PinForEveryone));
        assert_eq!(
            mine.roles.keys().map(RoleName::as_str).collect::<Vec<_>>(),
            ["host", "pupil", "tutor"]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, place) in [
            (r#"{"extends":"nowhere"}"#, "extends: unknown call type `nowhere`"),
            (r#"{"roles":{"a":{}},"default_role":"b"}"#, "default_role: unknown role `b`"),
            (r#"{"grants":{"a":["fly"]}}"#, "unknown permission `fly`"),
            (
                r#"{"roles":{"a":{"publishParams":{"allowed":["smell"]}}}}"#,
                "roles.a.publishParams.allowed",
            ),
            (
                r#"{"roles":{"a":{"subscribeParams":{"subscribeToRoles":["b"]}}}}"#,
                "unknown role `b`",
            ),
            (r#"{"roles":{"a":{"canSend":true,"permissions":{}}}}"#, "roles.a.canSend"),
            (r#"{"roles":{"a":{"maxPeerCount":-2}}}"#, "roles.a.maxPeerCount"),
            (r#"{"roles":{"a":{"wings":2}}}"#, "unknown field `wings`"),
            (r#"{"roles":{"a":{},"a":{}}}"#, "duplicate field"),
            (r#"{"settings":{"smell":true}}"#, "unknown field `smell`"),
        ] {
            let error = build(json).unwrap_err();
            assert!(error.contains(place), "{json}: {error}");
        }
    }
}
