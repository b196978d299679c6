//! Roles in a shape of their own (100ms's or Rolecall's), and what their grants come to, by the same
//! code that the server uses. It must not know what is asked of the server.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::{
        CallType, builtin,
        definition::Definition,
        settings::{SettingsDocument, SettingsPatchDocument},
    },
    directory::notifications::NotificationSettings,
    grant::Grant,
    id::{CallTypeName, RoleName},
};
use serde_json::{Map, Value, json};

/// What is Rolecall's own in a definition. The server takes it and does not show it again.
pub(super) const OWN: [&str; 4] = ["roles", "default_role", "open", "extends"];

/// The grants that these roles get beside those that `present` has, by role.
///
/// # Errors
/// What is wrong with the roles, in the server's words.
pub(super) fn grants(
    name: &str,
    own: &Map<String, Value>,
    present: &Value,
) -> Result<BTreeMap<String, Vec<String>>, String> {
    if !own.contains_key("roles") {
        return Ok(BTreeMap::new());
    }
    let mut definition = read(own)?;
    definition.extends = None;
    definition.default_role = None;
    let name = CallTypeName::parse(name).map_err(|error| error.to_string())?;
    let known = BTreeMap::from([(name.clone(), Arc::new(known(&name, present)))]);
    let built = definition.build(&name, &known).map_err(|error| error.to_string())?;
    let roles = definition.roles.keys().filter_map(|role| built.roles.get(role));
    Ok(roles.map(|role| (role.name.to_string(), owned(role.grants_shown()))).collect())
}

/// What a new call type of that name is before anything is laid over it, as an answer would say it.
///
/// # Errors
/// What is wrong with its roles, in the server's words.
pub(super) fn beginning(name: &str, own: &Map<String, Value>) -> Result<Value, String> {
    let definition = read(own)?;
    let name = CallTypeName::parse(name).map_err(|error| error.to_string())?;
    let built = definition.build(&name, &builtin::all()).map_err(|error| error.to_string())?;
    let grants: BTreeMap<String, Vec<String>> = built
        .roles
        .values()
        .map(|role| (role.name.to_string(), owned(role.grants_shown())))
        .collect();
    let notifications: Value =
        serde_json::from_str(NotificationSettings::default().as_str()).unwrap_or_default();
    Ok(json!({
        "grants": grants,
        "settings": SettingsDocument::of_stream("default").sections(),
        "notification_settings": notifications,
    }))
}

/// What the server would refuse of these parts of a call type, in its words.
pub(super) fn refused(key: &str, part: &Value) -> Option<String> {
    let taken = match key {
        "settings" => SettingsPatchDocument::new(part).map(drop),
        "notification_settings" => NotificationSettings::default().merged(part).map(drop),
        _ => Ok(()),
    };
    taken.err().map(|problem| format!("{key}: {problem}"))
}

fn read(own: &Map<String, Value>) -> Result<Definition, String> {
    serde_path_to_error::deserialize(Value::Object(own.clone())).map_err(|error| error.to_string())
}

/// A call type with the roles that the server's answer names, for roles that name others.
fn known(name: &CallTypeName, present: &Value) -> CallType {
    let mut known = builtin::all().get("default").map_or_else(
        || unreachable!("`default` is built in"),
        |built_in| CallType::clone(built_in),
    );
    known.name = name.clone();
    known.roles.clear();
    known.default_role = None;
    for (role, grants) in present["grants"].as_object().into_iter().flatten() {
        let Ok(role) = RoleName::parse(role) else { continue };
        let grants = grants.as_array().into_iter().flatten().filter_map(Value::as_str);
        known.set_grants(&role, grants.filter_map(|grant| Grant::parse(grant).ok()).collect());
    }
    known
}

fn owned(grants: Vec<&str>) -> Vec<String> {
    grants.into_iter().map(str::to_owned).collect()
}
