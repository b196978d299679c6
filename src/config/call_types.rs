//! The tables `[call_types.NAME]` as call types, beside the built-in ones.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::{
        CallType, builtin,
        definition::{Definition, build_all},
    },
    id::CallTypeName,
};
use sha2::{Digest, Sha256};

use super::Config;

/// Every call type by name.
pub type CallTypes = BTreeMap<CallTypeName, Arc<CallType>>;

/// A call type that was configured, with a hash of what was written.
#[derive(Clone, Debug)]
pub struct Configured {
    /// As built from its table.
    pub call_type: Arc<CallType>,
    /// By which a change of the table is known.
    pub hash: Arc<str>,
}

/// A hash of each table, by which it is known when one is another than at the last start.
pub(super) fn hashes(
    tables: &BTreeMap<String, serde_json::Value>,
) -> BTreeMap<CallTypeName, Arc<str>> {
    let named = |(name, table): (&String, &serde_json::Value)| {
        Some((CallTypeName::parse(name).ok()?, hash(table)))
    };
    tables.iter().filter_map(named).collect()
}

impl Config {
    /// The call types that are none of the built-in ones as they are: what the Directory takes over
    /// when it is another than at the last start.
    #[must_use]
    pub fn configured_call_types(&self) -> Vec<Configured> {
        let built_in = builtin::all();
        let own = self.call_types.iter().filter_map(|(name, call_type)| {
            let hash = match self.call_type_hashes.get(name) {
                Some(hash) => Arc::clone(hash),
                None if built_in.get(name) == Some(call_type) => return None,
                None => hash(call_type),
            };
            Some(Configured { call_type: Arc::clone(call_type), hash })
        });
        own.collect()
    }
}

fn hash(written: &impl serde::Serialize) -> Arc<str> {
    // What was read from text can be written as text.
    let text = serde_json::to_string(written).unwrap_or_default();
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Reads the tables and builds them upon the built-in call types.
///
/// # Errors
/// The key and what is wrong there.
pub(super) fn build(
    tables: &BTreeMap<String, serde_json::Value>,
) -> Result<CallTypes, (String, String)> {
    let mut definitions = BTreeMap::new();
    for (name, table) in tables {
        let key = format!("call_types.{name}");
        let parsed = CallTypeName::parse(name).map_err(|error| (key.clone(), error.to_string()))?;
        let definition: Definition = serde_path_to_error::deserialize(table).map_err(|error| {
            match error.path().to_string() {
                path if path == "." => (key.clone(), error.into_inner().to_string()),
                path => (format!("{key}.{path}"), error.into_inner().to_string()),
            }
        })?;
        definitions.insert(parsed, definition);
    }
    build_all(&definitions).map_err(|error| (error.field, error.problem))
}
