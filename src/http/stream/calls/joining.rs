//! Joining a call: whether somebody may be a participant, and where and by which he becomes one. He
//! is none until he comes to the socket. It must not know what he hears there.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use rolecall_protocol::room::{Reply, reply::Access};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Answer, Routes, Stream,
        ask::Ask,
        body::call::{Credentials, JoinCallRequest, JoinCallResponse, SfuResponse, StatsOptions},
        caller::{self, Caller},
        fault::{self, Fault},
        input::{Json, Path},
        sfu,
    },
    Call, CallPath, limit,
    shown::Shown,
};
use crate::{
    auth::coming::{Coming, Entrance},
    hub::{AccessAsk, Ask as HubAsk},
    mint,
};

/// The routes that only browsers know.
pub(super) fn browser_routes() -> Routes {
    OpenApiRouter::default().routes(routes!(join_call))
}

/// What a client needs to be a participant of the call, if it may be: where the server is that it
/// takes for one of media, and credentials. No media is served there. The call is created where there
/// is none and `create` says so.
#[utoipa::path(
    post, path = "/call/{type}/{id}/join", operation_id = "JoinCall", tag = "calls",
    params(CallPath), request_body = JoinCallRequest,
    responses((status = 201, description = "He may come in.", body = JoinCallResponse)),
)]
async fn join_call(
    State(stream): State<Arc<Stream>>,
    ask: Ask,
    Path(path): Path<CallPath>,
    headers: HeaderMap,
    Json(request): Json<JoinCallRequest>,
) -> Answer<JoinCallResponse> {
    let joined = async {
        let call = path.of(&stream, &ask)?.watched();
        if ask.caller.is_server() {
            return Err(Fault::input("the back end takes no part in calls; a user's token does"));
        }
        let members = limit("members_limit", request.members_limit)?;
        let (created, glimpse) = match request.create {
            Some(true) => call.get_or_create(request.data.unwrap_or_default(), members).await?,
            _ => (false, call.look(members).await?),
        };
        call.may_join().await?;
        let (url, ws_endpoint) = sfu::addresses(&headers, &stream, &call.cid);
        let own = caller::token(&headers).filter(|_| ask.caller.user_id().is_some());
        Ok(JoinCallResponse {
            state: Shown::new(&stream, ask.speech()).state(&glimpse),
            created,
            credentials: Credentials {
                server: SfuResponse { url, ws_endpoint, edge_name: sfu::EDGE },
                token: own.map_or_else(sfu::ticket, str::to_owned),
                ice_servers: Vec::new(),
            },
            stats_options: StatsOptions::default(),
            duration: ask.spent(),
        })
    };
    // Its SDK would try three times what will not be.
    joined.await.map(axum::Json).map_err(Fault::for_good)
}

impl Call<'_> {
    /// Whether the asker would be let in now.
    async fn may_join(&self) -> Result<(), Fault> {
        let Stream { config, default_call_type, .. } = self.stream;
        let identity = match &self.ask.caller {
            Caller::User(user) => Some(&user.identity),
            Caller::Server | Caller::Anonymous(_) => None,
        };
        let entrance = Entrance { config, default_call_type };
        let coming = Coming::to(self.cid.to_string());
        let subject = self.stream.subject(&self.ask.caller);
        let refused = |error| fault::refused(&error, Some(&subject), self.cid.as_str());
        let (_, joining) = entrance.joining(coming, identity, mint::peer_id()).map_err(refused)?;
        let ask = |answer| HubAsk::Access(Box::new(AccessAsk { joining, answer }));
        let asked = self.stream.hub.asked(&self.cid, ask).await;
        match asked.flatten().map_err(refused)? {
            Reply::Access(Access { refused: Some(why), .. }) => Err(refused((&why).into())),
            _ => Ok(()),
        }
    }
}
