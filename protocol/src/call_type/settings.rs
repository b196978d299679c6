//! The whole settings of a call type as Stream writes them, and patches to them. It must not know
//! which of them are rules here beyond [`Settings`].

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

use super::Settings;
use crate::json::Json;

/// Largest settings, in bytes of JSON.
pub const SETTINGS_MAX: usize = 16_384;

type Sections = Map<String, Value>;

/// Every setting, section by section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsDocument(Arc<Sections>);

/// Some settings; what is not mentioned stays.
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
        let sections = json!({
            "backstage": {"enabled": false},
            "broadcasting": {"enabled": true},
            "recording": {"mode": "available"},
            "screensharing": {"enabled": true},
            "transcription": {"mode": "available", "closed_caption_mode": "available"},
            "video": {"enabled": true},
        });
        Self(Arc::new(sections.as_object().cloned().unwrap_or_default()))
    }

    /// These settings with a patch laid over them, section by section.
    #[must_use]
    pub fn merged(&self, patch: &SettingsPatchDocument) -> Self {
        let mut sections = Sections::clone(&self.0);
        merge(&mut sections, &patch.0);
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
                merge(
                    &mut sections,
                    &Sections::from_iter([(section.to_owned(), json!({key: value}))]),
                );
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
    /// Takes a patch over.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn new(value: &Value) -> Result<Self, String> {
        Json::<SETTINGS_MAX>::new(value)?;
        let sections = value.as_object().ok_or("settings are an object")?;
        if let Some((name, _)) = sections.iter().find(|(_, section)| !section.is_object()) {
            return Err(format!("`{name}` is not an object"));
        }
        Ok(Self(Arc::new(sections.clone())))
    }

    /// This patch with a later one laid over it.
    #[must_use]
    pub fn merged(&self, later: &Self) -> Self {
        let mut sections = Sections::clone(&self.0);
        merge(&mut sections, &later.0);
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

fn merge(sections: &mut Sections, patch: &Sections) {
    for (name, section) in patch {
        match (sections.get_mut(name).and_then(Value::as_object_mut), section.as_object()) {
            (Some(known), Some(new)) => {
                known.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => {
                sections.insert(name.clone(), section.clone());
            }
        }
    }
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

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let value = Value::deserialize(d)?;
                    let patch = SettingsPatchDocument::new(&value).map_err(de::Error::custom)?;
                    Ok(Self(patch.0))
                }
            }
        )*
    };
}

as_sections! { SettingsDocument SettingsPatchDocument }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_touches_what_it_mentions() {
        let patch = |value: Value| SettingsPatchDocument::new(&value).unwrap();
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
        for bad in [json!([]), json!({"video": true}), json!("x")] {
            assert!(SettingsPatchDocument::new(&bad).is_err(), "{bad}");
        }
    }
}
