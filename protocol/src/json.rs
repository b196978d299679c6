//! Free-form JSON that users bring (metadata, messages): bounded in size and depth, kept as text.
//! It must not know what is in it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// Deepest nesting of free-form JSON.
pub const DEPTH_MAX: usize = 32;

/// How the refusal of a value over its bound begins.
pub const TOO_LARGE: &str = "larger than";

/// A JSON value of the user's own, compact, at most `MAX` bytes and [`DEPTH_MAX`] deep.
#[derive(Clone, PartialEq, Eq)]
pub struct Json<const MAX: usize>(Arc<str>);

/// Room and peer metadata: at most 4 KiB.
pub type Metadata = Json<4096>;
/// What `sendMessage` and `signal` carry: at most 16 KiB.
pub type MessageData = Json<16384>;
/// What `signalSubscription` carries: at most 32 KiB.
pub type SignalData = Json<32768>;

impl<const MAX: usize> Json<MAX> {
    /// The value `null`.
    #[must_use]
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The value `{}`.
    #[must_use]
    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// Takes a value over.
    ///
    /// # Errors
    /// A sentence saying which bound it breaks.
    pub fn new(value: &serde_json::Value) -> Result<Self, String> {
        if depth(value) > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX}"));
        }
        let text = value.to_string();
        if text.len() > MAX {
            return Err(format!("{TOO_LARGE} {MAX} bytes"));
        }
        Ok(Self(text.into()))
    }

    /// The value as compact JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the value `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }
}

/// Reads a field that may be given as null: `Some(None)` then, where serde would take it for not
/// given. Beside it stands `#[serde(default)]`.
///
/// # Errors
/// The deserializer's.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl<const MAX: usize> Default for Json<MAX> {
    fn default() -> Self {
        Self::null()
    }
}

impl<const MAX: usize> fmt::Debug for Json<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Serialize for Json<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Json<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::new(&value).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_in_size_and_depth() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(serde_json::from_str::<Metadata>(&nested(32)).is_ok());
        assert!(serde_json::from_str::<Metadata>(&nested(33)).is_err());
        let long = serde_json::Value::from("x".repeat(4095));
        assert!(Metadata::new(&long).is_err());
        assert!(MessageData::new(&long).is_ok());
    }

    #[test]
    fn it_reads_back_as_it_was() {
        let json: Metadata = serde_json::from_str(r#" { "a" : [1, "zwei", null] } "#).unwrap();
        assert_eq!(json.as_str(), r#"{"a":[1,"zwei",null]}"#);
        assert_eq!(serde_json::to_string(&json).unwrap(), json.as_str());
    }
}
