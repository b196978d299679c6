//! The whole settings of a call type as Stream writes them, and patches to them. It must not know
//! which of them are rules here beyond [`Settings`].

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

use super::Settings;
use crate::json::Json;

pub(crate) mod shape;

mod sections;

/// Largest settings, in bytes of JSON.
pub const SETTINGS_MAX: usize = 16 * 1024;

type Sections = Map<String, Value>;

/// Every setting, section by section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsDocument(Arc<Sections>);

/// Some settings; what is not mentioned stays. Whoever takes one from outside takes it by
/// [`Self::new`]: read by serde, it is one that was taken before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsPatchDocument(Arc<Sections>);

impl Default for SettingsDocument {
    fn default() -> Self {
        Self::defaults()
    }
}

impl SettingsDocument {
    /// What holds where nothing is said.
    #[must_use]
    pub fn defaults() -> Self {
        Self(Arc::new(sections::defaults()))
    }

    /// What holds in Stream's call type of that name.
    #[must_use]
    pub fn of_stream(call_type: &str) -> Self {
        let mut sections = sections::defaults();
        shape::merge(&mut sections, &sections::differing(call_type));
        Self(Arc::new(sections))
    }

    /// These settings with a patch laid over them, section by section and key by key.
    #[must_use]
    pub fn merged(&self, patch: &SettingsPatchDocument) -> Self {
        let mut sections = Sections::clone(&self.0);
        shape::merge(&mut sections, &patch.0);
        Self(Arc::new(sections))
    }

    /// What they switch on and off.
    #[must_use]
    pub fn gates(&self) -> Settings {
        onto(&self.0, Settings::default())
    }

    /// These settings with exactly that switched on.
    #[must_use]
    pub fn with_gates(&self, gates: Settings) -> Self {
        let mode = |on: bool| if on { "available" } else { "disabled" };
        let now = self.gates();
        let mut sections = Sections::clone(&self.0);
        let mut set = |differs: bool, section: &str, key: &str, value: Value| {
            if differs {
                let patch = Sections::from_iter([(section.to_owned(), json!({key: value}))]);
                shape::merge(&mut sections, &patch);
            }
        };
        let flags = [
            ("video", now.video, gates.video),
            ("screensharing", now.screensharing, gates.screensharing),
            ("broadcasting", now.broadcasting, gates.broadcasting),
            ("backstage", now.backstage, gates.backstage),
        ];
        for (section, was, is) in flags {
            set(was != is, section, "enabled", json!(is));
        }
        let modes = [
            ("recording", "mode", now.recording, gates.recording),
            ("transcription", "mode", now.transcription, gates.transcription),
            ("transcription", "closed_caption_mode", now.closed_captions, gates.closed_captions),
        ];
        for (section, key, was, is) in modes {
            set(was != is, section, key, json!(mode(is)));
        }
        Self(Arc::new(sections))
    }

    /// The sections.
    #[must_use]
    pub fn sections(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl SettingsPatchDocument {
    /// Takes a patch over; what is null in it is not said.
    ///
    /// # Errors
    /// A sentence naming the first setting that is unknown, missing, or holds what it may not.
    pub fn new(value: &Value) -> Result<Self, String> {
        let object = bounded(value)?;
        sections::SECTIONS.read(object, "").map(|read| Self(Arc::new(read)))
    }

    /// This patch with a later one laid over it.
    #[must_use]
    pub fn merged(&self, later: &Self) -> Self {
        let mut sections = Sections::clone(&self.0);
        shape::merge(&mut sections, &later.0);
        Self(Arc::new(sections))
    }

    /// What is switched on and off once this patch is laid over those.
    #[must_use]
    pub fn onto(&self, settings: Settings) -> Settings {
        onto(&self.0, settings)
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sections.
    #[must_use]
    pub fn sections(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn bounded(value: &Value) -> Result<&Sections, String> {
    Json::<SETTINGS_MAX>::new(value)?;
    value.as_object().ok_or_else(|| "must be an object".to_owned())
}

fn onto(sections: &Sections, now: Settings) -> Settings {
    let at = |section: &str, key: &str| sections.get(section)?.get(key);
    let flag =
        |section: &str, now: bool| at(section, "enabled").and_then(Value::as_bool).unwrap_or(now);
    let mode = |section: &str, key: &str, now: bool| {
        at(section, key).and_then(Value::as_str).map_or(now, |mode| mode != "disabled")
    };
    Settings {
        audio: now.audio,
        video: flag("video", now.video),
        screensharing: flag("screensharing", now.screensharing),
        recording: mode("recording", "mode", now.recording),
        broadcasting: flag("broadcasting", now.broadcasting),
        transcription: mode("transcription", "mode", now.transcription),
        closed_captions: mode("transcription", "closed_caption_mode", now.closed_captions),
        backstage: flag("backstage", now.backstage),
    }
}

macro_rules! as_sections {
    ($($name:ident)*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    self.0.serialize(serializer)
                }
            }

            // What was stored was taken once, by the rules of its time: only its bound is looked at.
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let value = Value::deserialize(d)?;
                    bounded(&value).map(|s| Self(Arc::new(s.clone()))).map_err(de::Error::custom)
                }
            }
        )*
    };
}

as_sections! { SettingsDocument SettingsPatchDocument }

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(value: Value) -> SettingsPatchDocument {
        SettingsPatchDocument::new(&value).unwrap()
    }

    #[test]
    fn a_patch_touches_what_it_mentions() {
        let off = patch(json!({"video": {"enabled": false}, "recording": {"mode": "disabled"}}));
        let merged = SettingsDocument::defaults().merged(&off);
        let gates = merged.gates();
        assert!(!gates.video && !gates.recording && gates.screensharing);
        assert_eq!(off.onto(Settings::default()), gates);
        let on = patch(json!({"video": {"enabled": true}}));
        assert!(merged.merged(&on).gates().video && !merged.merged(&on).gates().recording);
        assert_eq!(off.merged(&on).onto(Settings::default()), merged.merged(&on).gates());
        let gated = SettingsDocument::defaults().with_gates(gates);
        assert_eq!(gated.gates(), gates);
        assert_eq!(gated.with_gates(Settings::default()), SettingsDocument::defaults());
        let quiet = Settings { audio: false, ..Settings::default() };
        assert!(!on.onto(quiet).audio);
        // Objects within a section are merged too, and null says nothing.
        let deep = json!({"broadcasting": {"hls": {"quality_tracks": ["1080p"], "auto_on": null}}});
        let merged = SettingsDocument::defaults().merged(&patch(deep));
        let hls = &merged.sections()["broadcasting"]["hls"];
        assert_eq!(hls["quality_tracks"], json!(["1080p"]));
        assert_eq!((&hls["auto_on"], &hls["layout"]["name"]), (&json!(false), &json!("spotlight")));
    }

    #[test]
    fn the_defaults_are_settings_themselves() {
        for name in ["default", "development", "audio_room", "livestream"] {
            let document = SettingsDocument::of_stream(name);
            let value = serde_json::to_value(&document).unwrap();
            let read = patch(value.clone());
            assert_eq!(Value::Object(read.sections().clone()), value, "{name}");
            assert_eq!(serde_json::from_value::<SettingsDocument>(value).unwrap(), document);
        }
        let room = SettingsDocument::of_stream("audio_room");
        assert!(room.gates().backstage && !room.gates().video && !room.gates().screensharing);
        assert_eq!(room.sections()["ring"]["auto_cancel_timeout_ms"], json!(0));
        assert_eq!(SettingsDocument::of_stream("stage"), SettingsDocument::defaults());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, problem) in [
            (json!([]), "must be an object"),
            (json!({"smell": {}}), "unknown setting `smell`"),
            (json!({"video": {"smell": 1}}), "unknown setting `video.smell`"),
            (json!({"video": true}), "`video` must be an object"),
            (json!({"video": {"enabled": "yes"}}), "`video.enabled` must be true or false"),
            (json!({"audio": {"mic_default_on": true}}), "`audio.default_device` is required"),
            (json!({"audio": {"default_device": null}}), "`audio.default_device` is required"),
            (
                json!({"audio": {"default_device": "horn"}}),
                "`audio.default_device` must be one of `speaker`, `earpiece`",
            ),
            (json!({"recording": {"quality": "720p"}}), "`recording.mode` is required"),
            (json!({"ring": {"auto_cancel_timeout_ms": 5}}), "`ring.incoming_call_timeout_ms` is"),
            (
                json!({"session": {"inactivity_timeout_seconds": 4}}),
                "`session.inactivity_timeout_seconds` must be a whole number from 5 to 900",
            ),
            (
                json!({"session": {"inactivity_timeout_seconds": 5.5}}),
                "must be a whole number from 5 to 900",
            ),
            (
                json!({"frame_recording": {"mode": "available", "capture_interval_in_seconds": 61}}),
                "must be a whole number from 2 to 60",
            ),
            (
                json!({"video": {"target_resolution": {"width": 239, "height": 240}}}),
                "`video.target_resolution.width` must be a whole number from 240",
            ),
            (json!({"broadcasting": {"hls": {}}}), "`broadcasting.hls.quality_tracks` is required"),
            (
                json!({"broadcasting": {"hls": {"quality_tracks": ["8k"]}}}),
                "`broadcasting.hls.quality_tracks` must be a list",
            ),
            (
                json!({"geofencing": {"names": ["x".repeat(65)]}}),
                "`geofencing.names` must be a list",
            ),
            (
                json!({"recording": {"mode": "available", "layout": {"name": "x"}}}),
                "layout.name` must",
            ),
            (
                json!({"transcription": {"language": "klingon"}}),
                "`transcription.language` must be one",
            ),
            (
                json!({"limits": {"max_participants": -1}}),
                "`limits.max_participants` must be a whole",
            ),
        ] {
            let error = SettingsPatchDocument::new(&value).unwrap_err();
            assert!(error.contains(problem), "{value}: {error}");
        }
        let long = json!({"recording": {"mode": "available", "layout": {"name": "custom",
            "options": {"x": "y".repeat(SETTINGS_MAX)}}}});
        assert!(SettingsPatchDocument::new(&long).unwrap_err().contains("larger than"));
    }
}
