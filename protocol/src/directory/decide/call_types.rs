//! What becomes of call types: made, changed, unmade, taken over from the configuration.

use std::{collections::BTreeMap, sync::Arc};

use super::{Reply, Turn};
use crate::{
    call_type::{
        CallType, GRANTS_MAX, ROLES_MAX, builtin, definition::Definition,
        settings::SettingsPatchDocument,
    },
    directory::{
        call_types::{CALL_TYPES_MAX, CallTypeEntry, CallTypeInput, EXTERNAL_STORAGE_MAX},
        event::Event,
        notifications::NotificationSettings,
        refusal::Refusal,
    },
    grant::Grant,
    id::{CallTypeName, RoleName, check_text},
};

impl Turn<'_> {
    pub(super) fn create_call_type(
        &mut self,
        name: CallTypeName,
        input: CallTypeInput,
    ) -> Result<Reply, Refusal> {
        if self.next.call_types.contains_key(&name) {
            return Err(Refusal::CallTypeExists(name));
        }
        self.room_for_a_call_type()?;
        let present: BTreeMap<_, _> = self
            .next
            .call_types
            .iter()
            .map(|(name, entry)| (name.clone(), Arc::clone(&entry.call_type)))
            .collect();
        // Stream: a new call type "comes with a default set of configurations": those of the house,
        // whatever became of the call type `default` since. One that is named is taken as it is.
        let known = if input.extends.is_some() { present } else { builtin::all() };
        let definition = Definition {
            extends: input.extends.clone(),
            roles: input.roles.clone(),
            default_role: input.default_role.clone().flatten(),
            open: input.open,
            ..Definition::default()
        };
        let built = definition
            .build(&name, &known)
            .map_err(|error| Refusal::invalid(error.field, error.problem))?;
        let entry = CallTypeEntry {
            call_type: Arc::new(built),
            created_at: self.at,
            updated_at: self.at,
            notification_settings: NotificationSettings::default(),
            external_storage: None,
            from_file: None,
        };
        let plain = CallTypeInput { roles: BTreeMap::new(), default_role: None, ..input };
        let entry = self.written(entry, plain)?;
        Ok(self.put(entry))
    }

    pub(super) fn update_call_type(
        &mut self,
        name: &CallTypeName,
        input: CallTypeInput,
    ) -> Result<Reply, Refusal> {
        let Some(known) = self.next.call_types.get(name).cloned() else {
            return Err(Refusal::UnknownCallType(name.clone()));
        };
        if input.extends.is_some() {
            return Err(Refusal::invalid("extends", "only says what a new call type starts from"));
        }
        let mut entry = self.written(CallTypeEntry::clone(&known), input)?;
        if entry == *known {
            return Ok(Reply::CallType(known));
        }
        entry.updated_at = self.at;
        Ok(self.put(entry))
    }

    pub(super) fn delete_call_type(&mut self, name: CallTypeName) -> Result<Reply, Refusal> {
        if builtin::all().contains_key(&name) {
            return Err(Refusal::BuiltInCallType(name));
        }
        if !self.next.call_types.contains_key(&name) {
            return Err(Refusal::UnknownCallType(name));
        }
        self.happens(Event::CallTypeDeleted { name });
        Ok(Reply::Done)
    }

    /// The table in the configuration is another than when it was last taken: it holds again.
    pub(super) fn adopt_call_type(
        &mut self,
        call_type: Arc<CallType>,
        hash: Arc<str>,
    ) -> Result<Reply, Refusal> {
        let known = self.next.call_types.get(&call_type.name).cloned();
        match &known {
            Some(known) if known.from_file.as_ref() == Some(&hash) => {
                return Ok(Reply::CallType(Arc::clone(known)));
            }
            Some(_) => {}
            None => self.room_for_a_call_type()?,
        }
        let entry = match known {
            Some(known) => {
                let known = CallTypeEntry::clone(&known);
                CallTypeEntry { call_type, from_file: Some(hash), updated_at: self.at, ..known }
            }
            None => CallTypeEntry {
                call_type,
                created_at: self.at,
                updated_at: self.at,
                notification_settings: NotificationSettings::default(),
                external_storage: None,
                from_file: Some(hash),
            },
        };
        Ok(self.put(entry))
    }

    fn put(&mut self, entry: CallTypeEntry) -> Reply {
        let entry = Arc::new(entry);
        self.happens(Event::CallTypeSet { entry: Arc::clone(&entry) });
        Reply::CallType(entry)
    }

    fn room_for_a_call_type(&self) -> Result<(), Refusal> {
        if self.next.call_types.len() < CALL_TYPES_MAX {
            Ok(())
        } else {
            Err(Refusal::TooMany { what: "call types", max: CALL_TYPES_MAX })
        }
    }

    /// The call type with what was written laid over it.
    fn written(
        &self,
        mut entry: CallTypeEntry,
        input: CallTypeInput,
    ) -> Result<CallTypeEntry, Refusal> {
        let mut call_type = CallType::clone(&entry.call_type);
        let shaped = Definition {
            roles: input.roles,
            default_role: None,
            open: input.open,
            ..Definition::default()
        };
        if !shaped.roles.is_empty() || shaped.open.is_some() {
            let own = BTreeMap::from([(call_type.name.clone(), Arc::new(call_type.clone()))]);
            call_type = shaped
                .build(&call_type.name, &own)
                .map_err(|error| Refusal::invalid(error.field, error.problem))?;
        }
        match input.grants {
            None => {}
            Some(None) => reset_grants(&mut call_type),
            Some(Some(grants)) => {
                for (role, grants) in grants {
                    self.set_grants(&mut call_type, role, grants)?;
                }
            }
        }
        if let Some(default_role) = input.default_role {
            call_type.default_role = default_role;
        }
        let missing = call_type.default_role.as_ref();
        if let Some(role) = missing.filter(|role| !call_type.roles.contains_key(*role)) {
            return Err(Refusal::invalid("default_role", format!("unknown role `{role}`")));
        }
        if let Some(patch) = &input.settings {
            let patch = SettingsPatchDocument::new(patch)
                .map_err(|problem| Refusal::invalid("settings", problem))?;
            call_type.document = call_type.document.merged(&patch);
            call_type.settings = patch.onto(call_type.settings);
        }
        if call_type.roles.len() > ROLES_MAX {
            return Err(Refusal::TooMany { what: "roles of a call type", max: ROLES_MAX });
        }
        entry.call_type = Arc::new(call_type);
        if let Some(patch) = input.notification_settings {
            entry.notification_settings = entry
                .notification_settings
                .merged(&patch)
                .map_err(|problem| Refusal::invalid("notification_settings", problem))?;
        }
        if let Some(storage) = input.external_storage {
            if let Some(name) = &storage {
                check_text(name, "external_storage", EXTERNAL_STORAGE_MAX)
                    .map_err(|e| Refusal::invalid("external_storage", e.to_string()))?;
            }
            entry.external_storage = storage;
        }
        Ok(entry)
    }

    /// Stream: "update replaces the list of each role mentioned"; `[]` takes all of them.
    fn set_grants(
        &self,
        call_type: &mut CallType,
        name: RoleName,
        grants: Vec<Grant>,
    ) -> Result<(), Refusal> {
        if grants.len() > GRANTS_MAX {
            return Err(Refusal::TooMany { what: "grants of a role", max: GRANTS_MAX });
        }
        if !call_type.roles.contains_key(&name) {
            self.known_role(&name)?;
        }
        call_type.set_grants(&name, grants);
        Ok(())
    }
}

/// The grants that a call type of this name has when it is new.
fn reset_grants(call_type: &mut CallType) {
    let built_in = builtin::all();
    let fresh = built_in.get(&call_type.name).or_else(|| built_in.get("default"));
    if let Some(fresh) = fresh {
        call_type.roles.clone_from(&fresh.roles);
        call_type.default_role.clone_from(&fresh.default_role);
    }
}
