//! Which notifications a call type has sent, as Stream writes it. Rolecall sends none: it keeps
//! what is written for Stream's SDKs. It must not know call types.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    call_type::settings::shape::{
        Field,
        Kind::{Bool, Free, Object},
        Shape, field, merge,
    },
    json::Json,
};

const EVENT: Shape = Shape(&[field("enabled", Bool), field("apns", Free), field("fcm", Free)]);
const SETTINGS: Shape = Shape(&[
    field("enabled", Bool),
    event("call_live_started"),
    event("call_missed"),
    event("call_notification"),
    event("call_ring"),
    event("session_started"),
]);

const fn event(name: &'static str) -> Field {
    field(name, Object(EVENT))
}

/// Stream's `notification_settings`, whole: at most 8 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationSettings(Json<8192>);

impl Default for NotificationSettings {
    fn default() -> Self {
        let of = |enabled: bool| json!({"enabled": enabled, "apns": {"title": "", "body": ""}, "fcm": {}});
        let settings = json!({
            "enabled": true,
            "call_live_started": of(false),
            "call_missed": of(false),
            "call_notification": of(true),
            "call_ring": of(true),
            "session_started": of(false),
        });
        Self(Json::new(&settings).unwrap_or_default())
    }
}

impl NotificationSettings {
    /// The settings as JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// These settings with those written laid over them.
    ///
    /// # Errors
    /// A sentence naming the first one that is unknown or holds what it may not.
    pub fn merged(&self, patch: &Value) -> Result<Self, String> {
        let object = patch.as_object().ok_or("must be an object")?;
        let patch = SETTINGS.read(object, "")?;
        let mut settings: Map<String, Value> =
            serde_json::from_str(self.0.as_str()).unwrap_or_default();
        merge(&mut settings, &patch);
        Json::new(&Value::Object(settings)).map(Self)
    }
}
