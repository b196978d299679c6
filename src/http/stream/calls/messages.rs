//! What is told to everybody in a call: custom events and reactions.

use std::sync::Arc;

use axum::extract::State;
use rolecall_protocol::{
    id::check_text,
    json::{MessageData, Metadata},
    room::{Command, command::Recipient, people::Person},
};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::{
            client::DoneResponse,
            moderation::{
                ReactionResponse, SendCallEventRequest, SendReactionRequest, SendReactionResponse,
            },
        },
        fault::Fault,
        input::{Json, Path},
    },
    CallPath, custom, done,
    shown::Shown,
};

/// Longest type or emoji code of a reaction, in characters.
const WORD_MAX: usize = 64;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(send_call_event))
}

/// The routes that only browsers know.
pub(super) fn browser_routes() -> Routes {
    OpenApiRouter::default().routes(routes!(send_reaction))
}

/// Tells everybody in the call, as `sendMessage` of the native protocol does.
#[utoipa::path(
    post, path = "/call/{type}/{id}/event", operation_id = "SendCallEvent", tag = "calls",
    params(CallPath), request_body = SendCallEventRequest,
    responses((status = 201, description = "They are told.", body = DoneResponse)),
)]
async fn send_call_event(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<SendCallEventRequest>,
) -> Answer<DoneResponse> {
    let call = path.of(&stream, &ask)?;
    let speaker = call.on_behalf("user_id", request.user_id, request.user)?;
    let said = Value::Object(request.custom.unwrap_or_default());
    let data = MessageData::new(&said).map_err(|error| Fault::field("custom", error))?;
    let speaker = speaker.filter(|_| ask.caller.is_server()).map(|id| {
        let somebody = stream.directory.now().caller(&id, None, None, None);
        Box::new(Person { peer_id: None, user_id: Some(id), name: somebody.name })
    });
    call.act(Command::SendMessage { data, to: Recipient::Everybody, speaker }).await?;
    done(&ask)
}

/// Shows everybody in the call a reaction.
#[utoipa::path(
    post, path = "/call/{type}/{id}/reaction", operation_id = "SendVideoReaction", tag = "calls",
    params(CallPath), request_body = SendReactionRequest,
    responses((status = 201, description = "They are shown it.", body = SendReactionResponse)),
)]
async fn send_reaction(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    Json(request): Json<SendReactionRequest>,
) -> Answer<SendReactionResponse> {
    let call = path.of(&stream, &ask)?;
    let Some(user) = ask.caller.user_id() else { return Err(call.refuse()) };
    let word = |field: &str, text: &str| match check_text(text, "a reaction", WORD_MAX) {
        Ok(()) if !text.is_empty() => Ok(()),
        Ok(()) => Err(Fault::field(field, "must not be empty")),
        Err(error) => Err(Fault::field(field, error.to_string())),
    };
    word("type", &request.kind)?;
    if let Some(code) = &request.emoji_code {
        word("emoji_code", code)?;
    }
    let own = custom("custom", request.custom)?.unwrap_or_else(Metadata::empty_object);
    let mut said = Map::from_iter([
        ("type".to_owned(), Value::from(request.kind.as_str())),
        ("custom".to_owned(), serde_json::from_str(own.as_str()).unwrap_or_default()),
    ]);
    if let Some(code) = &request.emoji_code {
        said.insert("emoji_code".to_owned(), Value::from(code.as_str()));
    }
    let data =
        Metadata::new(&Value::Object(said)).map_err(|error| Fault::field("custom", error))?;
    call.act(Command::SendReaction { data }).await?;
    let reaction = ReactionResponse {
        user: Shown::new(&stream, ask.speech()).user(user, None),
        kind: request.kind,
        emoji_code: request.emoji_code,
        custom: own,
    };
    Ok(axum::Json(SendReactionResponse { reaction, duration: ask.spent() }))
}
