//! The tables `[call_types.NAME]` as call types, beside the built-in ones.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::{
        CallType,
        definition::{Definition, build_all},
    },
    id::CallTypeName,
};

/// Every call type by name.
pub type CallTypes = BTreeMap<CallTypeName, Arc<CallType>>;

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
