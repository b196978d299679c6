//! Rooms: made, listed, shown, changed, deleted. It must not know how a property is written down in
//! a room, nor who is in it.

use std::{
    cmp::Reverse,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use rolecall_protocol::{
    call_type::CallType,
    id::{Cid, Timestamp},
    json::Metadata,
    room::{Command, Creation, Reply, Room, admission::AdmissionPatch},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        address,
        input::{Json, Path, Query},
    },
    Answer, Daily, Fault, RoomPath, Routes,
    room_properties::RoomProperties,
};
use crate::{
    auth::daily::{CALL_TYPE, room},
    calls::Card,
    http::back_end::Fault as _,
    mint,
};

/// Most rooms of one answer, and how many there are unless it is said.
const LIMIT_MAX: usize = 100;
/// How many rooms' changes go on at once.
const TURNS: usize = 32;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(create_room, list_rooms)).routes(routes!(
        get_room,
        update_room,
        delete_room
    ))
}

/// One change of a room's properties at a time: what is kept of them is read before it is written.
#[derive(Default)]
pub struct Turns([Mutex<()>; TURNS]);

impl Turns {
    /// Waits for a room's turn.
    async fn of(&self, cid: &Cid) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        cid.hash(&mut hasher);
        let place = hasher.finish() % TURNS as u64;
        self.0[usize::try_from(place).unwrap_or_default()].lock().await
    }
}

/// Who comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DailyRoomPrivacy)]
enum Privacy {
    /// Anybody.
    Public,
    /// Who has a meeting token, or is admitted as he knocks.
    Private,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyRoom)]
struct Shown {
    /// Its id; a room that is made again under its name has another.
    #[schema(value_type = String)]
    id: Arc<str>,
    /// Its name.
    name: String,
    /// Whether it was made over REST, and not by somebody's joining it.
    api_created: bool,
    /// Who comes in.
    privacy: Privacy,
    /// Where it is joined.
    #[schema(format = "uri")]
    url: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// What differs from what every room is.
    config: RoomProperties,
}

impl Shown {
    fn of(room: &Room, house: &str) -> Self {
        let name = room.cid.id();
        Self {
            id: Arc::clone(&room.epoch),
            name: name.to_owned(),
            api_created: room.kept,
            privacy: if room.admission.private { Privacy::Private } else { Privacy::Public },
            url: format!("{house}/{name}"),
            created_at: room.created_at.unwrap_or_default(),
            config: RoomProperties::of(room),
        }
    }
}

/// Where the house is, as who asks has reached it: scheme, host and port.
struct House(String);

impl FromRequestParts<Arc<Daily>> for House {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, daily: &Arc<Daily>) -> Result<Self, Fault> {
        Ok(Self(address::of(&parts.headers, &daily.config)))
    }
}

/// A room that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DailyCreateRoomRequest)]
struct CreateRequest {
    /// Its name; one that nobody guesses unless given.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "standup")]
    name: Option<String>,
    /// Who comes in: anybody unless given.
    privacy: Option<Privacy>,
    /// What differs from what every room is.
    #[schema(value_type = Option<RoomProperties>)]
    properties: Option<Map<String, Value>>,
}

/// Makes a room. It stays until it is deleted, whoever is in it.
#[utoipa::path(
    post, path = "/rooms", operation_id = "DailyCreateRoom", tag = "daily",
    security(("server_token" = [])), request_body = CreateRequest,
    responses((status = 200, description = "It.", body = Shown)),
)]
async fn create_room(
    State(daily): State<Arc<Daily>>,
    House(house): House,
    Json(request): Json<CreateRequest>,
) -> Answer<Shown> {
    let cid = match &request.name {
        Some(name) => room(name).map_err(|error| Fault::input(format!("`name`: {error}")))?,
        None => room(&mint::room_name()).map_err(|_| Fault::internal())?,
    };
    let said = RoomProperties::default().with(request.properties)?;
    let private = request.privacy == Some(Privacy::Private);
    let call_type = daily.call_type()?;
    let admission = said.whole.admission(private, &call_type)?;
    let custom = said.whole.kept_in(&Metadata::empty_object())?;
    let _turn = daily.turns.of(&cid).await;
    // To ask for one that is there would keep it where it is to go with its last participant.
    match daily.look(&cid, |_| ()).await {
        Ok(()) => return Err(exists(&cid)),
        Err(fault) if fault.is_unknown() => {}
        Err(fault) => return Err(fault),
    }
    let creation = Creation {
        epoch: mint::epoch(),
        custom,
        admission: Some(Box::new(admission)),
        ..Creation::default()
    };
    let command = Some(Command::Create(Box::new(creation)));
    let made = daily.asked(&cid, command, move |room| Shown::of(room, &house)).await?;
    match made {
        (Reply::Created { created: true }, shown) => Ok(axum::Json(shown)),
        (Reply::Created { created: false }, _) => Err(exists(&cid)),
        _ => Err(Fault::internal()),
    }
}

fn exists(cid: &Cid) -> Fault {
    Fault::input(format!("a room named `{}` already exists", cid.id()))
}

/// Some rooms.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyRooms)]
struct Listed {
    /// How many there are, whichever are asked for.
    total_count: usize,
    /// Them, the newest first.
    data: Vec<Shown>,
}

/// Which rooms.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// How many at most.
    #[param(minimum = 0, maximum = 100)]
    limit: Option<usize>,
    /// The id of a room: those that stand right before it.
    ending_before: Option<String>,
    /// The id of a room: those that stand behind it.
    starting_after: Option<String>,
}

/// All rooms, the newest first, a page at a time.
#[utoipa::path(
    get, path = "/rooms", operation_id = "DailyListRooms", tag = "daily",
    security(("server_token" = [])), params(ListQuery),
    responses((status = 200, description = "Them.", body = Listed)),
)]
async fn list_rooms(
    State(daily): State<Arc<Daily>>,
    House(house): House,
    Query(query): Query<ListQuery>,
) -> Answer<Listed> {
    let limit = query.limit.unwrap_or(LIMIT_MAX);
    if limit > LIMIT_MAX {
        return Err(Fault::input(format!("`limit`: is more than {LIMIT_MAX}")));
    }
    let mut cards = daily.hub.shared().calls.cards_of_type(CALL_TYPE);
    let age = |card: &Card| (card.room.created_at, Arc::clone(&card.room.epoch));
    cards.sort_by_cached_key(|card| Reverse(age(card)));
    let place = |field: &str, id: &str| {
        let place = cards.iter().position(|card| *card.room.epoch == *id);
        place.ok_or_else(|| Fault::input(format!("`{field}`: no room has the id `{id}`")))
    };
    let page = match (&query.starting_after, &query.ending_before) {
        (None, None) => 0..limit,
        (Some(id), None) => {
            let from = place("starting_after", id)? + 1;
            from..from + limit
        }
        (None, Some(id)) => {
            let to = place("ending_before", id)?;
            to.saturating_sub(limit)..to
        }
        (Some(_), Some(_)) => {
            let info = "`starting_after` and `ending_before` cannot both be given";
            return Err(Fault::input(info));
        }
    };
    let shown = cards.iter().skip(page.start).take(page.len());
    let data = shown.map(|card| Shown::of(&card.room, &house)).collect();
    Ok(axum::Json(Listed { total_count: cards.len(), data }))
}

/// A room.
#[utoipa::path(
    get, path = "/rooms/{room}", operation_id = "DailyGetRoom", tag = "daily",
    security(("server_token" = [])), params(RoomPath),
    responses((status = 200, description = "It.", body = Shown)),
)]
async fn get_room(
    State(daily): State<Arc<Daily>>,
    House(house): House,
    Path(path): Path<RoomPath>,
) -> Answer<Shown> {
    daily.look(&path.cid()?, move |room| Shown::of(room, &house)).await.map(axum::Json)
}

/// How a room is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DailyUpdateRoomRequest)]
struct UpdateRequest {
    /// Who comes in; who is in stays.
    privacy: Option<Privacy>,
    /// What is to differ from what every room is; what is not given stays, null takes it back.
    #[schema(value_type = Option<RoomProperties>)]
    properties: Option<Map<String, Value>>,
}

/// Changes a room. Who is in feels it before the answer comes.
#[utoipa::path(
    post, path = "/rooms/{room}", operation_id = "DailyUpdateRoom", tag = "daily",
    security(("server_token" = [])), params(RoomPath), request_body = UpdateRequest,
    responses((status = 200, description = "It, as it is then.", body = Shown)),
)]
async fn update_room(
    State(daily): State<Arc<Daily>>,
    House(house): House,
    Path(path): Path<RoomPath>,
    Json(request): Json<UpdateRequest>,
) -> Answer<Shown> {
    let cid = path.cid()?;
    let _turn = daily.turns.of(&cid).await;
    let see = |room: &Room| (RoomProperties::of(room), room.custom.clone(), room.call_type.clone());
    let (now, custom, call_type) = daily.look(&cid, see).await?;
    let said = now.with(request.properties)?;
    let private = request.privacy.map(|privacy| privacy == Privacy::Private);
    let patch = said.patch(private, &call_type)?;
    let custom = said.whole.kept_in(&custom)?;
    if patch != AdmissionPatch::default() {
        daily.act(&cid, Command::SetAdmission { patch: Box::new(patch) }).await?;
    }
    if custom.is_some() {
        daily.act(&cid, Command::UpdateRoom { custom, settings: None, starts_at: None }).await?;
    }
    daily.look(&cid, move |room| Shown::of(room, &house)).await.map(axum::Json)
}

/// A room that is no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyDeleteRoomResponse)]
struct Deleted {
    /// That it is.
    deleted: bool,
    /// Which it was.
    name: String,
}

/// Deletes a room. Who is in has to go.
#[utoipa::path(
    delete, path = "/rooms/{room}", operation_id = "DailyDeleteRoom", tag = "daily",
    security(("server_token" = [])), params(RoomPath),
    responses((status = 200, description = "It is deleted.", body = Deleted)),
)]
async fn delete_room(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
) -> Answer<Deleted> {
    let cid = path.cid()?;
    daily.act(&cid, Command::Delete).await?;
    Ok(axum::Json(Deleted { deleted: true, name: path.room }))
}

impl Daily {
    /// The call type of rooms that are yet to be.
    fn call_type(&self) -> Result<Arc<CallType>, Fault> {
        let directory = self.hub.shared().directory.now();
        let entry = directory.call_type(CALL_TYPE);
        let entry = entry.ok_or_else(|| Fault::unknown("there is no call type `daily`"))?;
        Ok(Arc::clone(&entry.call_type))
    }
}
