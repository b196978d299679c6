//! Meeting tokens: made, and read back. It must not know what rooms do with them.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::input::{Json, Path, Query},
    Answer, Daily, Fault, Routes, properties,
};
use crate::{
    auth::{AuthError, daily, sign},
    http::back_end::Fault as _,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(create_meeting_token))
        .routes(routes!(validate_meeting_token))
}

/// Properties and the claims that say them. Some are for the client alone, which reads them out of
/// its token.
const CLAIMS: [(&str, &str); 20] = [
    ("room_name", "r"),
    ("user_id", "ud"),
    ("user_name", "u"),
    ("is_owner", "o"),
    ("knocking", "k"),
    ("nbf", "nbf"),
    ("exp", "exp"),
    ("eject_at_token_exp", "ejt"),
    ("eject_after_elapsed", "eje"),
    ("enable_screenshare", "ss"),
    ("permissions", "p"),
    ("start_video_off", "vo"),
    ("start_audio_off", "ao"),
    ("lang", "uil"),
    ("close_tab_on_exit", "ctoe"),
    ("redirect_on_meeting_exit", "rome"),
    ("enable_recording_ui", "erui"),
    ("enable_prejoin_ui", "enable_prejoin_ui"),
    ("enable_live_captions_ui", "enable_live_captions_ui"),
    ("enable_terse_logging", "enable_terse_logging"),
];
/// What nothing here does.
const UNSERVED: [&str; 7] = [
    "enable_recording",
    "start_cloud_recording",
    "start_cloud_recording_opts",
    "auto_start_transcription",
    "auto_transcription_settings",
    "intercom_join_alert",
    "meeting_join_hook",
];
/// Longest URL or language.
const TEXT_MAX: usize = 1000;

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateMeetingTokenRequest)]
struct TokenRequest {
    /// What it says.
    #[schema(value_type = TokenProperties)]
    properties: Option<Map<String, Value>>,
}

/// What a meeting token says.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MeetingTokenProperties)]
struct TokenProperties {
    /// The one room it is good for.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "standup")]
    room_name: String,
    /// Whose it is; where it is not said, who joins with it is nobody whom the server knows.
    #[schema(min_length = 1, max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The name to show.
    #[schema(max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    /// Whether he is an owner there.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_owner: Option<bool>,
    /// Whether he has to knock at a private room, as somebody without a token has; owners never do.
    #[serde(skip_serializing_if = "Option::is_none")]
    knocking: Option<bool>,
    /// Nobody joins with it before, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    /// Nobody joins with it after, in seconds since 1970; who is in stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    /// Whether who is in has to go at `exp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    eject_at_token_exp: Option<bool>,
    /// He has to go so many seconds after he came.
    #[serde(skip_serializing_if = "Option::is_none")]
    eject_after_elapsed: Option<u64>,
    /// Whether he may share his screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_screenshare: Option<bool>,
    /// What he may do unless he is an owner: `hasPresence`, `canSend`, `canReceive`, `canAdmin`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Map<String, Value>>,
    /// For the client: whether his camera begins off.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_video_off: Option<bool>,
    /// For the client: whether his microphone begins off.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_audio_off: Option<bool>,
    /// For the client: the language.
    #[schema(max_length = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    close_tab_on_exit: Option<bool>,
    /// For the client: where to go afterwards.
    #[schema(max_length = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_on_meeting_exit: Option<String>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_recording_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_prejoin_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_live_captions_ui: Option<bool>,
    /// For the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_terse_logging: Option<bool>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreateMeetingTokenResponse)]
struct TokenResponse {
    /// It.
    token: String,
}

/// Makes a meeting token, as one would sign it oneself with the API key.
#[utoipa::path(
    post, path = "/meeting-tokens", operation_id = "DailyCreateMeetingToken", tag = "daily",
    security(("server_token" = [])), request_body = TokenRequest,
    responses((status = 200, description = "It.", body = TokenResponse)),
)]
async fn create_meeting_token(
    State(daily): State<Arc<Daily>>,
    Json(request): Json<TokenRequest>,
) -> Answer<TokenResponse> {
    let known = CLAIMS.map(|(property, _)| property);
    let said: TokenProperties = properties::read(request.properties, &known, &UNSERVED)?;
    for (name, text) in
        [("lang", &said.lang), ("redirect_on_meeting_exit", &said.redirect_on_meeting_exit)]
    {
        if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
            let info = format!("properties: `{name}`: has more than {TEXT_MAX} characters");
            return Err(Fault::input(info));
        }
    }
    let Some(secret) = &daily.config.api_secret else {
        let info = "there is no `api_secret` to sign with: only `keys` are configured";
        return Err(Fault::input(info));
    };
    let said = serde_json::to_value(said).map_err(|_| Fault::internal())?;
    let mut claims = Map::new();
    for (property, claim) in CLAIMS {
        let Some(value) = said.get(property) else { continue };
        let value = match claim {
            "p" => daily::shortened(value).ok_or_else(|| {
                Fault::input("properties: `permissions`: is not what a participant may do")
            })?,
            _ => value.clone(),
        };
        claims.insert(claim.to_owned(), value);
    }
    claims.insert("d".to_owned(), Value::from(daily.config.api_key.as_str()));
    claims.insert("iat".to_owned(), Value::from(daily.clock.now_s()));
    let token = sign(&claims, secret).map_err(|_| Fault::internal())?;
    // What would not be taken is not given out.
    match daily.verifier.verify(&token) {
        Ok(_) | Err(AuthError::NotYetValid) => Ok(axum::Json(TokenResponse { token })),
        Err(AuthError::BadClaim { claim, expected }) => {
            let property = CLAIMS.iter().find(|(_, its)| *its == claim).map(|(name, _)| *name);
            let property = property.unwrap_or(claim);
            Err(Fault::input(format!("properties: `{property}`: is not {expected}")))
        }
        Err(error) => Err(Fault::input(error.to_string())),
    }
}

/// Which token.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    /// It.
    token: String,
}

/// How it is looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct TokenQuery {
    /// Whether it may be one whose time has not come.
    ignore_nbf: Option<bool>,
}

/// What a meeting token says, where it is good.
#[utoipa::path(
    get, path = "/meeting-tokens/{token}", operation_id = "DailyValidateMeetingToken",
    tag = "daily", security(("server_token" = [])), params(TokenPath, TokenQuery),
    responses((status = 200, description = "What it says.", body = TokenProperties)),
)]
async fn validate_meeting_token(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<TokenPath>,
    Query(query): Query<TokenQuery>,
) -> Answer<Map<String, Value>> {
    let early = query.ignore_nbf == Some(true);
    let claims = daily.verifier.claims_of_daily(&path.token, early);
    let claims = claims.map_err(|error| Fault::input(error.to_string()))?;
    let mut said = Map::new();
    for name in ["is_owner", "start_video_off", "start_audio_off"] {
        said.insert(name.to_owned(), Value::Bool(false));
    }
    for (property, claim) in CLAIMS {
        let Some(value) = claims.get(claim) else { continue };
        let value = match claim {
            "p" => daily::spelled_out(value).map_err(|error| Fault::input(error.to_string()))?,
            _ => value.clone(),
        };
        said.insert(property.to_owned(), value);
    }
    Ok(axum::Json(said))
}
