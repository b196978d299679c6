//! A call, and the requests and answers about one or many.

use rolecall_protocol::{
    id::{TeamId, UserId},
    json::Metadata,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    member::{MemberRequest, MemberResponse},
    session::{CallParticipantResponse, CallSessionResponse},
    user::{UserRequest, UserResponse},
};
use crate::http::stream::{
    input::given,
    speech::{Moment, Spent, When},
};

/// A call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallResponse {
    /// Its call type.
    #[serde(rename = "type")]
    pub call_type: String,
    /// Its id within the call type.
    pub id: String,
    /// Both: `type:id`.
    pub cid: String,
    /// The team it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub team: Option<TeamId>,
    /// Who created it.
    pub created_by: UserResponse,
    /// When it was created.
    pub created_at: Moment,
    /// When anything of the call itself was changed.
    pub updated_at: Moment,
    /// When it is to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub starts_at: Option<Moment>,
    /// When it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub ended_at: Option<Moment>,
    /// The customer's own data.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub custom: Metadata,
    /// The settings in force: the call type's, under what is overridden in this call.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, Value>>)]
    pub settings: Map<String, Value>,
    /// Who may not come in.
    #[schema(value_type = Vec<String>)]
    pub blocked_user_ids: Vec<UserId>,
    /// Whether only those who may `join-backstage` get in.
    pub backstage: bool,
    /// How long before its start everybody gets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub join_ahead_time_seconds: Option<u64>,
    /// Never: media does not go through this server.
    pub recording: bool,
    /// Never.
    pub transcribing: bool,
    /// Never.
    pub captioning: bool,
    /// Never.
    pub translating: bool,
    /// The session that is on, or empty.
    pub current_session_id: String,
    /// Who is in; absent while nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = CallSessionResponse, required = false)]
    pub session: Option<CallSessionResponse>,
    /// What goes out: nothing.
    pub egress: EgressResponse,
    /// Where media could be sent: nowhere.
    pub ingress: CallIngressResponse,
}

/// What goes out of a call.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct EgressResponse {
    /// Never.
    pub broadcasting: bool,
    /// None.
    pub rtmps: Vec<Value>,
}

/// Where media could be sent. The addresses lead nowhere, and say so.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallIngressResponse {
    /// By RTMP.
    pub rtmp: IngressAddress,
    /// By SRT; SDKs fill in `{token}` and `{passphrase}`.
    pub srt: IngressAddress,
    /// By WHIP.
    pub whip: IngressAddress,
}

/// One address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IngressAddress {
    /// It; the domain `.invalid` never leads anywhere.
    pub address: String,
}

impl CallIngressResponse {
    /// The addresses of a call, which lead nowhere.
    pub fn nowhere() -> Self {
        let at = |address: &str| IngressAddress { address: address.to_owned() };
        Self {
            rtmp: at("rtmps://ingress.invalid:443/call"),
            srt: at("srt://ingress.invalid?streamid={token}&passphrase={passphrase}"),
            whip: at("https://ingress.invalid/whip"),
        }
    }
}

/// What is said of a call that is to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct CallRequest {
    /// Who creates it, where the back end does so for a user.
    #[schema(value_type = Option<String>, max_length = 128)]
    pub created_by_id: Option<UserId>,
    /// The same, with what is to be known of him; written down as with `POST /users` unless it is
    /// his id alone.
    pub created_by: Option<UserRequest>,
    /// Its first members.
    #[schema(max_items = 100)]
    pub members: Option<Vec<MemberRequest>>,
    /// The customer's own data.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub custom: Option<Map<String, Value>>,
    /// What its settings are beside the call type's.
    #[schema(value_type = Option<BTreeMap<String, BTreeMap<String, Value>>>)]
    pub settings_override: Option<Value>,
    /// When it is to start.
    pub starts_at: Option<When>,
    /// The team it is of; a user of teams has to say it while teams are kept apart.
    #[schema(value_type = Option<String>, max_length = 100)]
    pub team: Option<TeamId>,
    /// Taken, and not used.
    pub channel_cid: Option<String>,
    /// Taken, and not used: nobody is rung.
    pub video: Option<bool>,
}

/// `getOrCreate`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct GetOrCreateCallRequest {
    /// What is said of it, if it is to be created.
    pub data: Option<CallRequest>,
    /// How many members are shown.
    #[schema(minimum = 0, maximum = 100)]
    pub members_limit: Option<u64>,
    /// Taken, and not used: nobody is rung.
    pub ring: Option<bool>,
    /// Taken, and not used: nobody is notified.
    pub notify: Option<bool>,
    /// Taken, and not used.
    pub video: Option<bool>,
}

/// `join`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct JoinCallRequest {
    /// Where the client is; taken, and not used: there is one place.
    pub location: Option<String>,
    /// Whether the call is created where there is none.
    pub create: Option<bool>,
    /// What is said of it, if it is to be created.
    pub data: Option<CallRequest>,
    /// How many members are shown.
    #[schema(minimum = 0, maximum = 100)]
    pub members_limit: Option<u64>,
    /// Taken, and not used: nobody is rung.
    pub ring: Option<bool>,
    /// Taken, and not used: nobody is notified.
    pub notify: Option<bool>,
}

/// The query of `get`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GetCallQuery {
    /// How many members are shown.
    #[param(minimum = 0, maximum = 100)]
    pub members_limit: Option<u64>,
}

/// `update`: what is given is changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateCallRequest {
    /// The customer's own data, whole.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub custom: Option<Map<String, Value>>,
    /// Settings to be laid over those overridden already.
    #[schema(value_type = Option<BTreeMap<String, BTreeMap<String, Value>>>)]
    pub settings_override: Option<Value>,
    /// When it is to start; null: no more said.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<When>)]
    pub starts_at: Option<Option<When>>,
}

/// A call as whoever asked sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallStateResponseFields)]
pub struct CallState {
    /// The call.
    pub call: CallResponse,
    /// Its members, the last added first.
    pub members: Vec<MemberResponse>,
    /// What the asker may do in it, sorted; nothing for the back end, which may all.
    pub own_capabilities: Vec<&'static str>,
    /// The asker's own membership.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = MemberResponse, required = false)]
    pub membership: Option<MemberResponse>,
}

/// The answer to `getOrCreate`.
#[derive(Debug, Serialize, ToSchema)]
pub struct GetOrCreateCallResponse {
    /// The call as whoever asked sees it.
    #[serde(flatten)]
    pub state: CallState,
    /// Whether it was created just now.
    pub created: bool,
    /// How long the server took.
    pub duration: Spent,
}

/// The answer to `join`: what the client needs to be a participant.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinCallResponse {
    /// The call as whoever asked sees it.
    #[serde(flatten)]
    pub state: CallState,
    /// Whether it was created just now.
    pub created: bool,
    /// By which he comes in.
    pub credentials: Credentials,
    /// What the client is to tell of its media.
    pub stats_options: StatsOptions,
    /// How long the server took.
    pub duration: Spent,
}

/// By which somebody comes in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Credentials {
    /// Where.
    pub server: SfuResponse,
    /// Who he is: his own token, or a ticket where he has none.
    pub token: String,
    /// Always empty: no connection for media ever comes about.
    pub ice_servers: Vec<IceServer>,
}

/// Where somebody comes in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SFUResponse)]
pub struct SfuResponse {
    /// The address of remote calls.
    pub url: String,
    /// The address of the socket.
    pub ws_endpoint: String,
    /// Its name.
    pub edge_name: &'static str,
}

/// What would help media through.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ICEServer)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// Who asks it.
    pub username: String,
    /// And proves it.
    pub password: String,
}

/// What a client is to tell of its media: nothing.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct StatsOptions {
    /// Whether it tells anything.
    pub enable_rtc_stats: bool,
    /// How often, in milliseconds; 0: never.
    pub reporting_interval_ms: u64,
}

/// The answer to `get` and `update`.
#[derive(Debug, Serialize, ToSchema)]
pub struct GetCallResponse {
    /// The call as whoever asked sees it.
    #[serde(flatten)]
    pub state: CallState,
    /// How long the server took.
    pub duration: Spent,
}

/// An order of what is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SortParam {
    /// By what.
    pub field: Option<String>,
    /// 1 upwards, -1 downwards.
    pub direction: Option<i32>,
}

/// `queryCalls`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct QueryCallsRequest {
    /// Which calls.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub filter_conditions: Option<Value>,
    /// In which order.
    #[schema(value_type = Option<Vec<SortParam>>, max_items = 10)]
    pub sort: Option<Value>,
    /// How many.
    #[schema(minimum = 0, maximum = 100)]
    pub limit: Option<u64>,
    /// The `next` of an earlier page.
    pub next: Option<String>,
    /// The `prev` of an earlier page.
    pub prev: Option<String>,
    /// Taken, and not used: nothing is told over this connection.
    pub watch: Option<bool>,
}

/// The answer to `queryCalls`.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryCallsResponse {
    /// The calls that the asker may see.
    pub calls: Vec<CallState>,
    /// Where it goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub next: Option<String>,
    /// Where what comes before is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub prev: Option<String>,
    /// How long the server took.
    pub duration: Spent,
}

/// `goLive`. Whatever it asks to be started is not: there is no media here.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct GoLiveRequest {
    /// Taken, and not used.
    pub start_hls: Option<bool>,
    /// Taken, and not used.
    pub start_recording: Option<bool>,
    /// Taken, and not used.
    pub start_transcription: Option<bool>,
    /// Taken, and not used.
    pub start_closed_caption: Option<bool>,
}

/// `stopLive`. There is no media here that could go on.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct StopLiveRequest {
    /// Taken, and not used.
    pub continue_hls: Option<bool>,
    /// Taken, and not used.
    pub continue_recording: Option<bool>,
    /// Taken, and not used.
    pub continue_transcription: Option<bool>,
    /// Taken, and not used.
    pub continue_closed_caption: Option<bool>,
}

/// The answer to `goLive` and `stopLive`.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveResponse {
    /// The call as it is now.
    pub call: CallResponse,
    /// How long the server took.
    pub duration: Spent,
}

/// `delete`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct DeleteCallRequest {
    /// Whether its audit trail goes, too; the answer then names a task that says when.
    pub hard: Option<bool>,
}

/// The answer to `delete`.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeleteCallResponse {
    /// The call as it was.
    pub call: CallResponse,
    /// What to ask for at `/tasks/{id}`, where `hard` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub task_id: Option<String>,
    /// How long the server took.
    pub duration: Spent,
}

/// `participants`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct QueryCallParticipantsRequest {
    /// Which participants.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub filter_conditions: Option<Value>,
}

/// The query of `participants`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ParticipantsQuery {
    /// How many are shown.
    #[param(minimum = 0, maximum = 100)]
    pub limit: Option<u64>,
}

/// The answer to `participants`.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryCallParticipantsResponse {
    /// The call as whoever asked sees it.
    #[serde(flatten)]
    pub state: CallState,
    /// Who of those asked for is in, the first to come first.
    pub participants: Vec<CallParticipantResponse>,
    /// How many there are of them, shown or not.
    pub total_participants: usize,
    /// How long the server took.
    pub duration: Spent,
}
