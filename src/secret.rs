//! `Secret`: text that never shows itself in a log, a debug print or an error.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A shared secret or a token. Its `Debug` is redacted, it has no `Display`, and it serializes as
/// `[redacted]`; [`Secret::expose`] is the one way to the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether `text` is this. How long that takes says nothing of how much of it is right.
    pub fn is(&self, text: &str) -> bool {
        let [own, given] = [self.0.as_str(), text].map(|text| Sha256::digest(text.as_bytes()));
        own.iter().zip(given.iter()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
    }

    /// The text itself, for the one place that verifies or signs with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_shows_itself_only_where_it_is_exposed() {
        let secret = Secret::new("hush");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[redacted] Some([redacted])");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[redacted]\"");
        assert_eq!(secret.expose(), "hush");
        assert!(secret.is("hush"));
        assert!(["", "hus", "hushh", "Hush"].iter().all(|other| !secret.is(other)));
    }
}
