//! How moments are said and heard: whole nanoseconds to servers, RFC 3339 to browsers. It must not
//! know what the moments are of.

use std::{borrow::Cow, fmt};

use rolecall_protocol::id::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor, value::StrDeserializer},
};
use tokio::time::Instant;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat,
        schema::{SchemaType, Type},
    },
};

/// The prefix of what servers call.
pub const SERVER_PREFIX: &str = "/api/v2";
/// The prefix of what browsers call.
pub const BROWSER_PREFIX: &str = "/video";

const NANOS_PER_MILLI: u64 = 1_000_000;

/// The form of the moments of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Whole nanoseconds since the epoch.
    Nanoseconds,
    /// RFC 3339 text.
    Rfc3339,
}

/// What the caller's SDK reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speech {
    /// The form of moments.
    pub times: Times,
}

impl Speech {
    /// What is spoken at `path`; `None` where it is neither of the two prefixes'.
    pub fn at_path(path: &str) -> Option<Self> {
        let under = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if under(SERVER_PREFIX) {
            Some(Self { times: Times::Nanoseconds })
        } else if under(BROWSER_PREFIX) {
            Some(Self { times: Times::Rfc3339 })
        } else {
            None
        }
    }

    /// `moment` as this caller reads it.
    pub const fn moment(self, moment: Timestamp) -> Moment {
        Moment { at: moment, times: self.times }
    }

    /// The same of a moment that may be unset.
    pub fn moments(self, moment: Option<Timestamp>) -> Option<Moment> {
        moment.map(|moment| self.moment(moment))
    }
}

/// A moment of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    at: Timestamp,
    times: Times,
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.times {
            Times::Nanoseconds => {
                serializer.serialize_u64(self.at.0.saturating_mul(NANOS_PER_MILLI))
            }
            Times::Rfc3339 => self.at.serialize(serializer),
        }
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        moment_schema(
            "A moment: whole nanoseconds since 1970 under `/api/v2`, RFC 3339 under `/video`.",
        )
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

fn moment_schema(description: &str) -> RefOr<Schema> {
    let number = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0_i64))
        .examples([serde_json::json!(1_767_225_600_000_000_000_u64)]);
    let text = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples([serde_json::json!("2026-01-01T00:00:00.000Z")]);
    OneOfBuilder::new().item(number).item(text).description(Some(description)).into()
}

/// A moment of a request: RFC 3339 text, or nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When(pub Timestamp);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = When;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a moment as RFC 3339 text or as nanoseconds since 1970")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<When, E> {
                let read = Timestamp::deserialize(StrDeserializer::<E>::new(text));
                read.map(When).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<When, E> {
                Ok(When(Timestamp(nanos / NANOS_PER_MILLI)))
            }

            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<When, E> {
                let unsigned = u64::try_from(nanos);
                let nanos =
                    unsigned.map_err(|_| E::invalid_value(de::Unexpected::Signed(nanos), &self))?;
                self.visit_u64(nanos)
            }

            fn visit_f64<E: de::Error>(self, nanos: f64) -> Result<When, E> {
                // What JavaScript's numbers make of nanoseconds.
                if !(0.0..9.0e18).contains(&nanos) {
                    return Err(E::invalid_value(de::Unexpected::Float(nanos), &self));
                }
                self.visit_u64(nanos as u64)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl PartialSchema for When {
    fn schema() -> RefOr<Schema> {
        moment_schema("A moment: RFC 3339 text, or whole nanoseconds since 1970.")
    }
}

impl ToSchema for When {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("When")
    }
}

/// How long a request has taken, as of when it is written: `"3.42ms"`.
#[derive(Clone, Copy, Debug)]
pub struct Spent(Instant);

impl Spent {
    /// Counts from `begun`.
    pub const fn since(begun: Instant) -> Self {
        Self(begun)
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}ms", self.0.elapsed().as_secs_f64() * 1000.0)
    }
}

impl Serialize for Spent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialSchema for Spent {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some("How long the server took."))
            .examples([serde_json::json!("3.42ms")])
            .into()
    }
}

impl ToSchema for Spent {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Duration")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NEW_YEAR: Timestamp = Timestamp(1_767_225_600_007);

    #[test]
    fn servers_hear_nanoseconds_and_browsers_text() {
        for (path, expected) in [
            ("/api/v2/app", Some(json!(1_767_225_600_007_000_000_u64))),
            ("/api/v2", Some(json!(1_767_225_600_007_000_000_u64))),
            ("/video/call/default/a", Some(json!("2026-01-01T00:00:00.007Z"))),
            ("/videos", None),
            ("/api/v20/app", None),
            ("/v1/rooms", None),
        ] {
            let said = Speech::at_path(path)
                .map(|speech| serde_json::to_value(speech.moment(NEW_YEAR)).unwrap());
            assert_eq!(said, expected, "{path}");
        }
    }

    #[test]
    fn a_request_may_say_a_moment_either_way() {
        for (said, expected) in [
            (json!("2026-01-01T00:00:00.007Z"), Some(NEW_YEAR)),
            (json!("2026-01-01T01:00:00.007+01:00"), Some(NEW_YEAR)),
            (json!("2026-01-01T00:00:00Z"), Some(Timestamp(1_767_225_600_000))),
            (json!(1_767_225_600_007_000_000_u64), Some(NEW_YEAR)),
            (json!(1.767_225_600_007e18), Some(NEW_YEAR)),
            (json!(0), Some(Timestamp(0))),
            (json!("yesterday"), None),
            (json!("2026-01-01"), None),
            (json!("1969-01-01T00:00:00Z"), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!(true), None),
            (json!({}), None),
        ] {
            let heard = serde_json::from_value::<When>(said.clone()).ok();
            assert_eq!(heard.map(|when| when.0), expected, "{said}");
        }
    }

    #[test]
    fn time_spent_is_in_milliseconds() {
        let earlier = Instant::now() - std::time::Duration::from_millis(1500);
        let said = serde_json::to_value(Spent::since(earlier)).unwrap();
        let (whole, rest) = said.as_str().unwrap().split_once('.').unwrap();
        assert!(whole.parse::<u64>().unwrap() >= 1500 && rest.len() == 4, "{said}");
        assert!(rest.ends_with("ms"), "{said}");
    }
}
