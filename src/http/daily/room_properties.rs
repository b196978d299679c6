//! Properties of a room: which of them are the law's admission of it, which are kept for clients
//! to read, and how both become properties again. It must not know requests.

use std::{collections::BTreeSet, num::NonZeroU32};

use rolecall_protocol::{
    call_type::{CallType, Scope},
    id::Timestamp,
    json::Metadata,
    media::{TrackKind, TrackKinds},
    permissions::{Change, Listed, PermissionsPatch},
    room::{
        Room,
        admission::{Admission, AdmissionPatch, Defaults},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Fault, properties};

/// The key in a room's custom data under which stands what nothing else in the room says.
pub(super) const KEPT: &str = "daily_properties";

/// What the law's admission says one by one.
const RULES: [&str; 6] = [
    "nbf",
    "exp",
    "eject_at_room_exp",
    "max_participants",
    "enable_knocking",
    "enforce_unique_user_ids",
];
/// What together says what whoever is no owner may.
const RIGHTS: [&str; 4] =
    ["permissions", "owner_only_broadcast", "enable_hidden_participants", "enable_screenshare"];
/// For clients, which read them out of the room.
const HINTS: [&str; 17] = [
    "start_video_off",
    "start_audio_off",
    "lang",
    "enable_people_ui",
    "enable_pip_ui",
    "enable_emoji_reactions",
    "enable_hand_raising",
    "enable_prejoin_ui",
    "enable_live_captions_ui",
    "enable_network_ui",
    "enable_noise_cancellation_ui",
    "enable_video_processing_ui",
    "enable_chat",
    "enable_shared_chat_history",
    "enable_advanced_chat",
    "experimental_optimize_large_calls",
    "enable_terse_logging",
];
/// What nothing here does.
const UNSERVED: [&str; 23] = [
    "eject_after_elapsed",
    "enable_breakout_rooms",
    "enable_recording",
    "recordings_bucket",
    "recordings_template",
    "enable_transcription_storage",
    "transcription_bucket",
    "transcription_template",
    "auto_start_transcription",
    "auto_transcription_settings",
    "streaming_endpoints",
    "meeting_join_hook",
    "geo",
    "rtmp_geo",
    "disable_rtmp_geo_fallback",
    "enable_mesh_sfu",
    "sfu_switchover",
    "enable_adaptive_simulcast",
    "enable_multiparty_adaptive_simulcast",
    "enable_dialout",
    "dialin",
    "sip",
    "pinless_dialin",
];
/// What is so unless something else is said, and is not shown.
const DEFAULTS_OFF: [&str; 11] = [
    "eject_at_room_exp",
    "enable_knocking",
    "enforce_unique_user_ids",
    "owner_only_broadcast",
    "enable_hidden_participants",
    "start_video_off",
    "start_audio_off",
    "enable_chat",
    "enable_advanced_chat",
    "experimental_optimize_large_calls",
    "enable_terse_logging",
];
/// The same of what is on.
const DEFAULTS_ON: [&str; 3] =
    ["enable_screenshare", "enable_video_processing_ui", "enable_shared_chat_history"];
/// The last second of the year 9999; later ones cannot be written down as moments.
const SECONDS_MAX: u64 = 253_402_300_799;
/// Most characters of a language.
const LANG_MAX: usize = 100;

/// What a room is like beside what every room is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DailyRoomProperties)]
pub(super) struct RoomProperties {
    /// Nobody joins before, in seconds since 1970.
    #[schema(maximum = 253_402_300_799_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    /// Nobody joins from then on, in seconds since 1970; who is in stays.
    #[schema(maximum = 253_402_300_799_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    /// Whether who is in has to go at `exp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    eject_at_room_exp: Option<bool>,
    /// How many may be in at most.
    #[schema(value_type = Option<u32>, minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_participants: Option<NonZeroU32>,
    /// Whether who is not let into a private room may knock.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_knocking: Option<bool>,
    /// Whether a user's coming in again puts out who he was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce_unique_user_ids: Option<bool>,
    /// What whoever is no owner may: `hasPresence`, `canSend`, `canReceive`, `canAdmin`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Map<String, Value>>,
    /// Whether nobody but owners sends anything, unless `permissions` say what.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_only_broadcast: Option<bool>,
    /// Whether nobody but owners is seen, unless `permissions` say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_hidden_participants: Option<bool>,
    /// `false`: nobody but owners shares a screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_screenshare: Option<bool>,
    /// For the client: whether cameras begin off.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_video_off: Option<bool>,
    /// For the client: whether microphones begin off.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_audio_off: Option<bool>,
    /// For the client: the language.
    #[schema(max_length = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_people_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_pip_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_emoji_reactions: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_hand_raising: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_prejoin_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_live_captions_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_network_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_noise_cancellation_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_video_processing_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_chat: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_shared_chat_history: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_advanced_chat: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    experimental_optimize_large_calls: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_terse_logging: Option<bool>,
}

/// Properties with what was said laid over them.
#[derive(Debug)]
pub(super) struct Said {
    /// All of them.
    pub(super) whole: RoomProperties,
    /// The names that were said, whatever of them.
    named: BTreeSet<String>,
}

impl RoomProperties {
    /// What a room is like now.
    pub(super) fn of(room: &Room) -> Self {
        let kept = kept(&room.custom).unwrap_or_default();
        let Admission { permissions, .. } = &room.admission;
        let rights = kept.rights(sends(&room.call_type)).ok();
        let mut whole = kept;
        // What was said natively since counts, and is shown as it is.
        if rights.is_none_or(|rights| Defaults::of(&rights).as_ref() != permissions.as_deref()) {
            whole.owner_only_broadcast = None;
            whole.enable_hidden_participants = None;
            whole.enable_screenshare = None;
            whole.permissions = permissions
                .as_ref()
                .and_then(|defaults| serde_json::to_value(defaults).ok()?.as_object().cloned());
        }
        let admission = &room.admission;
        let on = |flag: bool| flag.then_some(true);
        whole.nbf = admission.opens_at.map(|at| at.0 / 1000);
        whole.exp = admission.closes_at.map(|at| at.0 / 1000);
        whole.eject_at_room_exp = on(admission.eject_at_close);
        whole.max_participants = admission.max_peers;
        whole.enable_knocking = on(admission.knocking);
        whole.enforce_unique_user_ids = on(admission.one_per_user);
        whole
    }

    /// These with what is said laid over them; `null` takes a property back.
    ///
    /// # Errors
    /// 400, naming the property.
    pub(super) fn with(&self, said: Option<Map<String, Value>>) -> Result<Said, Fault> {
        let known = [&RULES[..], &RIGHTS[..], &HINTS[..]].concat();
        let said = said.unwrap_or_default();
        let named = said.keys().cloned().collect();
        let mut whole = self.map();
        whole.extend(said);
        let whole: Self = properties::read(Some(whole), &known, &UNSERVED)?;
        whole.checked()?;
        Ok(Said { whole: whole.without_defaults(), named })
    }

    /// What serde lets through and cannot be.
    fn checked(&self) -> Result<(), Fault> {
        let wrong =
            |name: &str, what: String| Fault::input(format!("properties: `{name}`: {what}"));
        for (name, seconds) in [("nbf", self.nbf), ("exp", self.exp)] {
            if seconds.is_some_and(|seconds| seconds > SECONDS_MAX) {
                return Err(wrong(name, format!("is after {SECONDS_MAX}")));
            }
        }
        if self.lang.as_ref().is_some_and(|lang| lang.chars().count() > LANG_MAX) {
            return Err(wrong("lang", format!("has more than {LANG_MAX} characters")));
        }
        self.rights(TrackKinds::NONE).map_err(|error| wrong("permissions", error))?;
        Ok(())
    }

    /// Only what differs from what every room is.
    fn without_defaults(&self) -> Self {
        let mut map = self.map();
        map.retain(|name, value| {
            let name = name.as_str();
            !(*value == Value::Bool(false) && DEFAULTS_OFF.contains(&name)
                || *value == Value::Bool(true) && DEFAULTS_ON.contains(&name)
                || name == "lang" && value == "en"
                || name == "permissions" && value.as_object().is_some_and(Map::is_empty))
        });
        read(map).unwrap_or_default()
    }

    fn map(&self) -> Map<String, Value> {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.as_object().cloned().unwrap_or_default()
    }

    /// What whoever is no owner may, in a room whose participants could send those kinds.
    fn rights(&self, sends: TrackKinds) -> Result<PermissionsPatch, String> {
        let said = Value::Object(self.permissions.clone().unwrap_or_default());
        let mut patch: PermissionsPatch =
            serde_json::from_str(&said.to_string()).map_err(|error| error.to_string())?;
        if self.enable_hidden_participants == Some(true) && !is_said(&patch.has_presence) {
            patch.has_presence = Change::Set(false);
        }
        if self.owner_only_broadcast == Some(true) && !is_said(&patch.can_send) {
            patch.can_send = Change::Set(Listed(Vec::new()));
        }
        if self.enable_screenshare == Some(false) {
            let now = match &patch.can_send {
                Change::Set(list) => list.0.iter().copied().collect(),
                Change::Keep | Change::Reset => sends,
            };
            let screens = TrackKinds::of(&[TrackKind::ScreenVideo, TrackKind::ScreenAudio]);
            patch.can_send = Change::Set(Listed(now.difference(screens).iter().collect()));
        }
        Ok(patch)
    }

    /// The law's admission of a room that is like this.
    ///
    /// # Errors
    /// 400.
    pub(super) fn admission(
        &self,
        private: bool,
        call_type: &CallType,
    ) -> Result<Admission, Fault> {
        let rights = self.rights(sends(call_type)).map_err(Fault::input)?;
        Ok(Admission {
            permissions: Defaults::of(&rights).map(Box::new),
            max_peers: self.max_participants,
            private,
            knocking: self.enable_knocking == Some(true),
            opens_at: self.nbf.map(moment),
            closes_at: self.exp.map(moment),
            eject_at_close: self.eject_at_room_exp == Some(true),
            one_per_user: self.enforce_unique_user_ids == Some(true),
        })
    }

    /// A room's custom data with what has to be kept of these in it; nothing where it would be as
    /// it is.
    ///
    /// # Errors
    /// 400 where it would be too large.
    pub(super) fn kept_in(&self, custom: &Metadata) -> Result<Option<Metadata>, Fault> {
        let mut all: Map<String, Value> = serde_json::from_str(custom.as_str()).unwrap_or_default();
        let mut kept = self.map();
        let composed = RIGHTS.iter().skip(1).any(|name| kept.contains_key(*name));
        kept.retain(|name, _| {
            HINTS.contains(&name.as_str()) || (composed && RIGHTS.contains(&name.as_str()))
        });
        if kept.is_empty() {
            all.remove(KEPT);
        } else {
            all.insert(KEPT.to_owned(), Value::Object(kept));
        }
        let next = Metadata::new(&Value::Object(all)).map_err(|error| {
            Fault::input(format!("properties: with the room's custom data they are {error}"))
        })?;
        Ok((next != *custom).then_some(next))
    }
}

impl Said {
    /// What changes of a room's admission. What was not named stays, whatever it is by now.
    ///
    /// # Errors
    /// 400.
    pub(super) fn patch(
        &self,
        private: Option<bool>,
        call_type: &CallType,
    ) -> Result<AdmissionPatch, Fault> {
        let whole = &self.whole;
        let named = |name: &str| self.named.contains(name);
        let flag = |name, flag: Option<bool>| named(name).then_some(flag == Some(true));
        let mut patch = AdmissionPatch {
            private,
            knocking: flag("enable_knocking", whole.enable_knocking),
            eject_at_close: flag("eject_at_room_exp", whole.eject_at_room_exp),
            one_per_user: flag("enforce_unique_user_ids", whole.enforce_unique_user_ids),
            ..AdmissionPatch::default()
        };
        if named("nbf") {
            patch.opens_at = change(whole.nbf.map(moment));
        }
        if named("exp") {
            patch.closes_at = change(whole.exp.map(moment));
        }
        if named("max_participants") {
            patch.max_peers = change(whole.max_participants);
        }
        if RIGHTS.iter().any(|name| named(name)) {
            let rights = whole.rights(sends(call_type)).map_err(Fault::input)?;
            patch.permissions = Change::Set(rights);
        }
        Ok(patch)
    }
}

/// What is kept in a room's custom data; nothing where that is not what was put there.
fn kept(custom: &Metadata) -> Option<RoomProperties> {
    let mut custom: Map<String, Value> = serde_json::from_str(custom.as_str()).ok()?;
    match custom.remove(KEPT)? {
        Value::Object(kept) => read(kept),
        _ => None,
    }
}

fn read(map: Map<String, Value>) -> Option<RoomProperties> {
    serde_json::from_value(Value::Object(map)).ok()
}

/// What those may send who come with no role of their own.
fn sends(call_type: &CallType) -> TrackKinds {
    call_type.standing(&[], Scope::PLAIN).can_send
}

fn moment(seconds: u64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

const fn is_said<T>(change: &Change<T>) -> bool {
    matches!(change, Change::Set(_))
}

fn change<T>(value: Option<T>) -> Change<T> {
    value.map_or(Change::Reset, Change::Set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The call type `daily`, whose participants may send only that.
    fn sending(kinds: &[TrackKind]) -> CallType {
        let all = rolecall_protocol::call_type::builtin::all();
        let found = all.into_iter().find(|(name, _)| name.as_str() == "daily");
        let mut call_type = CallType::clone(&found.unwrap().1);
        for role in call_type.roles.values_mut() {
            role.can_send = TrackKinds::of(kinds);
        }
        call_type
    }

    fn can_send(said: Value, call_type: &CallType) -> Option<TrackKinds> {
        let said = RoomProperties::default().with(said.as_object().cloned()).unwrap();
        said.whole.admission(false, call_type).unwrap().permissions?.can_send
    }

    #[test]
    fn to_take_screens_away_gives_nothing() {
        use TrackKind::{Audio, ScreenAudio, ScreenVideo, Video};
        let call_type = sending(&[Audio, ScreenVideo]);
        let off = json!({ "enable_screenshare": false });
        assert_eq!(can_send(off, &call_type), Some(TrackKinds::of(&[Audio])));
        let camera = json!({ "canSend": ["video", "screenAudio", "screenVideo"] });
        let off = json!({ "enable_screenshare": false, "permissions": camera });
        assert_eq!(can_send(off, &call_type), Some(TrackKinds::of(&[Video])));
        let on = json!({ "enable_screenshare": true, "permissions": camera });
        let all = TrackKinds::of(&[Video, ScreenAudio, ScreenVideo]);
        assert_eq!(can_send(on, &call_type), Some(all));
        let silent = json!({ "owner_only_broadcast": true, "enable_screenshare": false });
        assert_eq!(can_send(silent, &call_type), Some(TrackKinds::NONE));
        assert_eq!(can_send(json!({}), &call_type), None);
    }

    #[test]
    fn every_property_is_of_one_kind_and_every_field_has_a_name() {
        let known = [&RULES[..], &RIGHTS[..], &HINTS[..]].concat();
        let all: BTreeSet<&str> = known.iter().chain(&UNSERVED).copied().collect();
        assert_eq!(all.len(), known.len() + UNSERVED.len());
        for name in DEFAULTS_OFF.iter().chain(&DEFAULTS_ON) {
            assert!(known.contains(name), "{name}");
        }
        // What serde knows of is what the lists say.
        for name in &known {
            let wrong = json!({ *name: [] });
            let read = serde_json::from_value::<RoomProperties>(wrong).unwrap_err().to_string();
            assert!(!read.contains("unknown field"), "{name}: {read}");
        }
        let read = serde_json::from_value::<RoomProperties>(json!({ "x": 1 })).unwrap_err();
        for name in &known {
            assert!(read.to_string().contains(&format!("`{name}`")), "{name}: {read}");
        }
        assert_eq!(read.to_string().matches('`').count(), 2 * (known.len() + 1), "{read}");
    }
}
