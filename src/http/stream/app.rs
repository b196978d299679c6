//! The app's settings over REST: read and changed by the back end. It must not know what they do.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    directory::{Actor, Command, Directory, app::AppPatch},
    json::given,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::ServerAsk,
    body::{
        app::{
            AppCallType, AppResponseFields, GetApplicationResponse, OtherProducts, UpdateAppRequest,
        },
        call_type::CallTypeView,
        client::DoneResponse,
    },
    fault::Fault,
    input::Json,
    speech::{Speech, When},
};

/// The one version of permissions there is.
const PERMISSION_VERSION: &str = "v2";
/// What of the app's settings is changed here.
const CHANGED_HERE: [&str; 6] = [
    "multi_tenant_enabled",
    "guest_user_creation_disabled",
    "revoke_tokens_issued_before",
    "grants",
    "disable_auth_checks",
    "disable_permissions_checks",
];

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(get_app, update_app))
}

/// How the app is set.
#[utoipa::path(
    get, path = "/app", operation_id = "GetApp", tag = "app",
    responses((status = 200, description = "The app's settings.", body = GetApplicationResponse)),
)]
async fn get_app(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
) -> Answer<GetApplicationResponse> {
    let app = shown(&stream, &stream.directory.now(), ask.speech());
    Ok(axum::Json(GetApplicationResponse { app, duration: ask.spent() }))
}

/// Changes the app's settings; those not mentioned stay.
#[utoipa::path(
    patch, path = "/app", operation_id = "UpdateApp", tag = "app",
    request_body = UpdateAppRequest,
    responses((status = 200, description = "Changed.", body = DoneResponse)),
)]
async fn update_app(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(said): Json<Map<String, Value>>,
) -> Answer<DoneResponse> {
    let patch = patch(said, || shown(&stream, &stream.directory.now(), ask.speech()))?;
    stream.directory.command(Actor::Server, Command::UpdateApp(Box::new(patch))).await?;
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}

fn shown(stream: &Stream, directory: &Directory, speech: Speech) -> AppResponseFields {
    let app = &directory.app;
    let grants = app.grants.iter().map(|(role, grants)| {
        (role.to_string(), grants.iter().map(|grant| grant.as_str().to_owned()).collect())
    });
    let call_types = directory.call_types.iter();
    AppResponseFields {
        id: 1,
        name: stream.config.api_key.clone(),
        organization: "",
        multi_tenant_enabled: app.multi_tenant_enabled,
        permission_version: PERMISSION_VERSION,
        grants: grants.collect(),
        call_types: (1..)
            .zip(call_types)
            .map(|(id, (name, entry))| {
                let call_type = CallTypeView::of(entry, speech);
                let recording_external_storage =
                    call_type.external_storage.clone().unwrap_or_default();
                let call_type = AppCallType { call_type, app: 1, id, recording_external_storage };
                (name.to_string(), call_type)
            })
            .collect(),
        guest_user_creation_disabled: app.guest_user_creation_disabled,
        disable_permissions_checks: false,
        disable_auth_checks: false,
        revoke_tokens_issued_before: speech.moments(app.revoke_tokens_issued_before),
        others: OtherProducts::default(),
    }
}

/// A moment as requests say it.
#[derive(Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "given")]
    revoke_tokens_issued_before: Option<Option<When>>,
}

/// The change that was said. What is not ours to set must be as it is anyway.
fn patch(
    mut said: Map<String, Value>,
    now: impl FnOnce() -> AppResponseFields,
) -> Result<AppPatch, Fault> {
    let others: BTreeMap<String, Value> = said
        .iter()
        .filter(|(field, value)| !CHANGED_HERE.contains(&field.as_str()) && !value.is_null())
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    if !others.is_empty() {
        let now = serde_json::to_value(now()).unwrap_or_default();
        if let Some((field, _)) =
            others.iter().find(|(field, value)| now.get(field.as_str()) != Some(value))
        {
            return Err(Fault::field(field.clone(), "cannot be set on this server"));
        }
    }
    let nullable = ["grants", "revoke_tokens_issued_before"];
    said.retain(|field, value| {
        CHANGED_HERE.contains(&field.as_str())
            && (!value.is_null() || nullable.contains(&field.as_str()))
    });
    let revoked = said.remove("revoke_tokens_issued_before").map(|moment| {
        let said = Map::from_iter([("revoke_tokens_issued_before".to_owned(), moment)]);
        read::<Said>(said)
    });
    let revoked = revoked.transpose()?.and_then(|said| said.revoke_tokens_issued_before);
    let patch: AppPatch = read(said)?;
    Ok(AppPatch {
        revoke_tokens_issued_before: revoked.map(|moment| moment.map(|When(at)| at)),
        ..patch
    })
}

fn read<T: serde::de::DeserializeOwned>(said: Map<String, Value>) -> Result<T, Fault> {
    serde_path_to_error::deserialize(Value::Object(said)).map_err(|error| {
        let field = error.path().to_string();
        Fault::field(field, error.into_inner().to_string())
    })
}
