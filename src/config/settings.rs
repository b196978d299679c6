//! `Settings`: the file's keys and types as they are written, before their meaning is checked.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Durability, Limits, LogFormat, media::MediaSettings, units};
use crate::secret::Secret;

/// One `rolecall.toml`, laid over by the environment and the flags.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) listen: String,
    pub(super) data: String,
    pub(super) durability: Durability,
    #[serde(with = "units::duration")]
    pub(super) audit_kept: Duration,
    pub(super) api_key: String,
    pub(super) api_secret: Option<Secret>,
    pub(super) keys: Vec<KeySettings>,
    pub(super) trust_token_teams: bool,
    pub(super) allowed_origins: Vec<String>,
    pub(super) default_call_type: String,
    #[serde(with = "units::duration")]
    pub(super) grace: Duration,
    pub(super) demo: Option<bool>,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
    pub(super) limits: Limits,
    pub(super) media: MediaSettings,
    pub(super) call_types: BTreeMap<String, serde_json::Value>,
}

/// One `[[keys]]` table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeySettings {
    pub(super) kid: String,
    pub(super) alg: String,
    pub(super) secret: Option<Secret>,
    pub(super) public_key: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7400".to_owned(),
            data: "./rolecall-data".to_owned(),
            durability: Durability::Process,
            audit_kept: Duration::from_secs(7 * 24 * 60 * 60),
            api_key: super::DEVELOPMENT_KEY.to_owned(),
            api_secret: None,
            keys: Vec::new(),
            trust_token_teams: false,
            allowed_origins: Vec::new(),
            default_call_type: "default".to_owned(),
            grace: Duration::from_secs(30),
            demo: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            limits: Limits::default(),
            media: MediaSettings::default(),
            call_types: BTreeMap::new(),
        }
    }
}
