//! Properties by their names: those that are served or kept, those that cannot be, and those that
//! nobody knows. It must not know what they mean.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{super::input::read_json, Fault};

/// Reads properties. One of `unserved` may be there as long as it asks for nothing.
///
/// # Errors
/// 400, naming the property.
pub(super) fn read<T: DeserializeOwned>(
    said: Option<Map<String, Value>>,
    known: &[&str],
    unserved: &[&str],
) -> Result<T, Fault> {
    let mut said = said.unwrap_or_default();
    for (name, value) in &said {
        let name = name.as_str();
        if unserved.contains(&name) {
            if !asks_for_nothing(value) {
                return Err(Fault::input(format!("property `{name}` is not served here")));
            }
        } else if !known.contains(&name) {
            return Err(Fault::input(format!("unknown property `{name}`")));
        }
    }
    said.retain(|name, value| known.contains(&name.as_str()) && !value.is_null());
    let text = Value::Object(said).to_string();
    read_json(text.as_bytes()).map_err(|unread| {
        let Fault { info, .. } = Fault::from(unread);
        Fault::input(format!("properties: {info}"))
    })
}

/// What a property says that is off.
fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || text == "<not set>",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
