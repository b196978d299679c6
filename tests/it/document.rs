//! The server's own document of its REST API, read for requests: every operation with a path, a
//! query and a body as the document wants them, made of ids of the test's choice.

use serde_json::{Map, Value, json};

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    value: Value,
}

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                let (method, path) = (method.to_uppercase(), path.clone());
                all.push(Operation { method, path, value: value.clone() });
            }
        }
    }
    all
}

/// Whose ids a request is made of.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(crate) user: &'a str,
    pub(crate) call: &'a str,
    pub(crate) peer: &'a str,
}

impl Operation {
    pub(crate) fn name(&self) -> &str {
        self.value["operationId"].as_str().unwrap()
    }

    /// Whether it is about one call that its path names.
    pub(crate) fn is_of_a_call(&self) -> bool {
        let parts = ["/call/{type}/{id}", "{cid}", "{room}"];
        parts.iter().any(|part| self.path.contains(part))
    }

    /// The request line with those ids.
    pub(crate) fn line(&self, ids: Ids<'_>) -> String {
        let mut path = self.path.clone();
        for (part, value) in [
            ("{type}", "default"),
            ("{cid}", &format!("default:{}", ids.call)),
            ("{room}", ids.call),
            ("{peer}", ids.peer),
            ("{token}", "none"),
            ("{name}", "default"),
            ("{user_id}", ids.user),
            ("/tasks/{id}", "/tasks/none"),
            ("/permissions/{id}", "/permissions/send-audio"),
            ("{id}", ids.call),
        ] {
            let value =
                if part.starts_with('/') { value.to_owned() } else { value.replace("{id}", "") };
            path = path.replace(part, &value);
        }
        assert!(!path.contains('{'), "no word for a part of {path}: add it here");
        let parameters = self.value["parameters"].as_array().into_iter().flatten();
        let query: Vec<String> = parameters
            .filter(|it| it["in"] == "query" && it["required"] == true)
            .map(|it| {
                let name = it["name"].as_str().unwrap();
                let value = if name.contains("user") { ids.user } else { "send-audio" };
                format!("{name}={value}")
            })
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {path}{mark}{}", self.method, query.join("&"))
    }

    /// A body as the document wants it, of those ids.
    pub(crate) fn body(&self, document: &Value, ids: Ids<'_>) -> Value {
        let content = &self.value["requestBody"]["content"];
        let schema = &content["application/json"]["schema"];
        if schema.is_null() { Value::Null } else { sample(document, schema, "", ids) }
    }
}

/// What is said where the document leaves it to the caller.
const SAID: [&str; 13] = [
    "user_ids",
    "audio",
    "grant_permissions",
    "custom",
    "data",
    "update_members",
    "custom",
    "filter_conditions",
    "block",
    "members",
    "created_by_id",
    "emoji_code",
    "users",
];

/// A value of that schema: what it requires, and whatever of [`SAID`] it knows.
fn sample(document: &Value, schema: &Value, key: &str, ids: Ids<'_>) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return sample(document, &document["components"]["schemas"][name], key, ids);
    }
    match key {
        "user_ids" | "remove_members" => return json!([ids.user]),
        "user_id" | "target_user_id" | "created_by_id" => return json!(ids.user),
        "session_id" => return json!(ids.peer),
        "permissions" | "grant_permissions" => return json!(["send-audio"]),
        "id" if schema.get("pattern").is_some() => return json!(ids.call),
        "id" => return json!(ids.user),
        "type" if schema.get("pattern").is_some() => return json!("default"),
        "method" => return json!("state"),
        "custom" | "filter_conditions" => return json!({}),
        _ => {}
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        let choices = schema[choice].as_array().into_iter().flatten();
        if let Some(first) = choices.into_iter().find(|it| it["type"] != "null") {
            return sample(document, first, key, ids);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").cloned().unwrap(),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or("object") {
        "string" => schema["enum"].get(0).cloned().unwrap_or_else(|| json!("like")),
        "boolean" => json!(true),
        "integer" | "number" => json!(1),
        "array" => json!([sample(document, &schema["items"], key, ids)]),
        _ => {
            let mut object = Map::new();
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if required.contains(&json!(name)) || SAID.contains(&name.as_str()) {
                    object.insert(name.clone(), sample(document, property, name, ids));
                }
            }
            let more = &schema["additionalProperties"];
            if more.is_object() {
                object.insert(ids.user.to_owned(), sample(document, more, "", ids));
            }
            Value::Object(object)
        }
    }
}
