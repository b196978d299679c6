//! What a session's peers keep together: one JSON object, bounded, changed whole or key by key. It
//! must not know who may change it.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::json::Json;

/// Most bytes of session data that the server can be set to keep, and of one change of it.
pub const SESSION_DATA_CAP: usize = 1024 * 1024;
/// Most bytes of a session's data unless the house says otherwise.
pub(crate) const SESSION_DATA_BYTES: usize = 100 * 1024;
/// Most keys that one change removes.
pub const KEYS_REMOVED_MAX: usize = 1000;

/// A JSON object that belongs to the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SessionData(Json<SESSION_DATA_CAP>);

impl Default for SessionData {
    fn default() -> Self {
        Self(Json::empty_object())
    }
}

impl SessionData {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many bytes of JSON it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.as_str().len()
    }

    /// It after a change; nothing where that would be more than can ever be kept.
    #[must_use]
    pub fn changed(&self, change: &SessionDataChange) -> Option<Self> {
        let mut object = if change.merge { self.values() } else { Map::new() };
        object.extend(change.data.values());
        for key in &change.remove {
            object.remove(key);
        }
        Json::new(&Value::Object(object)).ok().map(Self)
    }

    /// What is in it, key by key.
    #[must_use]
    pub fn values(&self) -> Map<String, Value> {
        serde_json::from_str(self.0.as_str()).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for SessionData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_object() {
            return Err(de::Error::custom("session data is an object"));
        }
        Json::new(&value).map(Self).map_err(de::Error::custom)
    }
}

/// One change of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionDataChange {
    /// What is set.
    pub data: SessionData,
    /// Whether keys that are not mentioned stay.
    #[serde(default)]
    pub merge: bool,
    /// Keys that go, whatever else is said of them.
    #[serde(default, deserialize_with = "keys")]
    pub remove: Vec<String>,
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let keys = Vec::deserialize(deserializer)?;
    if keys.len() > KEYS_REMOVED_MAX {
        return Err(de::Error::custom(format!("more than {KEYS_REMOVED_MAX} keys")));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(changes: &[&str]) -> String {
        let mut data = SessionData::default();
        for text in changes {
            data = data.changed(&serde_json::from_str(text).unwrap()).unwrap();
        }
        serde_json::to_string(&data).unwrap()
    }

    #[test]
    fn it_is_replaced_or_merged_key_by_key() {
        let table: &[(&[&str], &str)] = &[
            (&[], "{}"),
            (&[r#"{"data":{"a":1}}"#, r#"{"data":{"b":2}}"#], r#"{"b":2}"#),
            (&[r#"{"data":{"a":1}}"#, r#"{"data":{"b":2},"merge":true}"#], r#"{"a":1,"b":2}"#),
            (
                &[r#"{"data":{"a":{"x":1}}}"#, r#"{"data":{"a":{"y":2}},"merge":true}"#],
                r#"{"a":{"y":2}}"#,
            ),
            (
                &[
                    r#"{"data":{"a":1,"b":2}}"#,
                    r#"{"data":{"c":null},"merge":true,"remove":["a","z"]}"#,
                ],
                r#"{"b":2,"c":null}"#,
            ),
            (&[r#"{"data":{"a":1},"remove":["a"]}"#], "{}"),
        ];
        for (changes, expected) in table {
            assert_eq!(&after(changes), expected, "{changes:?}");
        }
    }

    #[test]
    fn it_is_an_object_and_bounded() {
        for bad in ["[]", "1", "null", "\"a\""] {
            assert!(serde_json::from_str::<SessionData>(bad).is_err(), "{bad}");
        }
        let full = |key: &str, len: usize| {
            let data = serde_json::json!({ key: "x".repeat(len) });
            SessionDataChange {
                data: serde_json::from_value(data).unwrap(),
                merge: true,
                remove: Vec::new(),
            }
        };
        let half = SessionData::default().changed(&full("a", SESSION_DATA_CAP / 2)).unwrap();
        assert!(half.bytes() > SESSION_DATA_CAP / 2);
        assert_eq!(half.changed(&full("b", SESSION_DATA_CAP / 2)), None);
        assert!(half.changed(&full("a", SESSION_DATA_CAP / 2)).is_some());
        let many = serde_json::json!({ "data": {}, "remove": vec!["k"; KEYS_REMOVED_MAX + 1] });
        assert!(serde_json::from_value::<SessionDataChange>(many).is_err());
    }
}
