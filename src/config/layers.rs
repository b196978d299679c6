//! The layers a setting may come from besides the file: the environment and the flags.

use std::{collections::BTreeMap, ffi::OsString};

use figment::{
    Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use serde::Serialize;

use super::{ConfigError, LogFormat};

/// What the variables are called: this, then the key in capitals, `_` for `.`.
pub(super) const PREFIX: &str = "ROLECALL_";
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const FLAGS: &str = "flags";

/// The settings that `rolecall serve` takes as flags; what is absent leaves the layers below alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    /// `--listen`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// `--data`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `--allowed-origins`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
    /// `--demo`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demo: Option<bool>,
    /// `--log`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// `--log-format`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
}

/// A named dictionary, so that an error can say where a value came from.
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(BTreeMap::from([(Profile::Default, self.dict.clone())]))
    }
}

/// The variable that sets `key`: `ROLECALL_LIMITS_MAILBOX` for `limits.mailbox`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

/// The dictionary that the `ROLECALL_…` variables among `vars` make. `defaults` tells which keys
/// there are and of what type: text stays text even where it looks like a number.
pub(super) fn environment(
    vars: &[(OsString, OsString)],
    defaults: &Dict,
) -> Result<Dict, ConfigError> {
    let mut dict = Dict::new();
    let mut tables = TABLES.map(|table| (table, Dict::new()));
    for (name, value) in vars {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if name == "ROLECALL_CONFIG" || is_kubernetes(name) || OF_THE_TOOLS.contains(&name) {
            continue;
        }
        let refused = |problem: String| ConfigError {
            key: name.to_owned(),
            problem,
            origin: "the environment".to_owned(),
        };
        let text = value.to_str().ok_or_else(|| refused("not valid UTF-8".to_owned()))?;
        let key = name[PREFIX.len()..].to_ascii_lowercase();
        if name != variable(&key) {
            return Err(refused("no such setting; variables are written in capitals".to_owned()));
        }
        let within = |table: &str| {
            let inner = key.strip_prefix(table)?.strip_prefix('_')?;
            Some((inner.to_owned(), defaults.get(table)?.as_dict()?.get(inner)?))
        };
        let found = tables.iter_mut().find_map(|(table, dict)| Some((within(table)?, dict)));
        if let Some(((inner, default), dict)) = found {
            if inner == "ice_servers" {
                return Err(refused("a table, which only the file can set".to_owned()));
            }
            dict.insert(inner, typed(text, default));
            continue;
        }
        let value = match (key.as_str(), defaults.get(&key)) {
            ("keys" | "call_types" | "limits" | "media", _) => {
                return Err(refused("a table, which only the file can set".to_owned()));
            }
            ("nats_url", _) if text.is_empty() => continue,
            ("nats_url", _) => {
                return Err(refused("several nodes are not there yet; unset it".to_owned()));
            }
            ("api_secret", _) => Value::from(text),
            ("demo", _) => typed(text, &Value::from(false)),
            (_, Some(default)) => typed(text, default),
            (_, None) => return Err(refused("no such setting".to_owned())),
        };
        dict.insert(key, value);
    }
    let given = tables.into_iter().filter(|(_, inner)| !inner.is_empty());
    dict.extend(given.map(|(table, inner)| (table.to_owned(), Value::from(inner))));
    Ok(dict)
}

/// Tables whose keys variables can set.
const TABLES: [&str; 2] = ["limits", "media"];
/// Variables of the tests and the SDK's tools, which say where a server is.
const OF_THE_TOOLS: [&str; 3] = ["ROLECALL_BIN", "ROLECALL_URL", "ROLECALL_OWNER_TOKEN"];

/// Kubernetes puts such variables into every pod beside a service called `rolecall`.
fn is_kubernetes(name: &str) -> bool {
    name == "ROLECALL_PORT"
        || name.starts_with("ROLECALL_PORT_")
        || name.starts_with("ROLECALL_SERVICE_")
}

/// `text` as the type of `default`, or as text where it is not of that type: the setting's own
/// reader then says what is wrong with it.
fn typed(text: &str, default: &Value) -> Value {
    match default {
        Value::Bool(..) => text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
        Value::Num(..) => text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
        Value::Array(..) => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect::<Vec<_>>()
            .into(),
        _ => Value::from(text),
    }
}
