//! The params of each call as they stand on the wire: no unknown key, no key twice, every list and
//! text bounded. They must not know what is done with them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de};

use crate::{
    capability::Capability,
    id::{self, PeerId, RequestId, RoleName, SubscriptionId, UserId, check_text},
    json::{MessageData, Metadata, SignalData},
    media::{TrackKind, TrackKinds},
    permissions::PermissionsPatch,
    room::{command::Recipient, request::Wanted},
    unique,
};

/// Most entries of `updateParticipants`.
pub const UPDATES_MAX: usize = 1000;
/// Most names in a list of roles, tracks or permissions.
pub const LIST_MAX: usize = 64;
/// Longest token, in bytes.
pub const TOKEN_MAX: usize = 8192;

macro_rules! params {
    ($($name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            pub(super) struct $name { $($(#[$attr])* pub(super) $field: $type,)* }
        )*
    };
}

params! {
    Nothing {}
    RefreshToken {
        #[serde(deserialize_with = "bounded_token")]
        token: String,
    }
    ChangeRole {
        peer_id: PeerId,
        role: RoleName,
        #[serde(default)]
        force: bool,
    }
    ChangeRoles {
        of_roles: List<RoleName>,
        to_role: RoleName,
    }
    OfRequest {
        request_id: RequestId,
    }
    RejectRole {
        request_id: RequestId,
        #[serde(default, deserialize_with = "reason")]
        reason: Option<String>,
    }
    Update {
        peer_id: PeerId,
        update_permissions: PermissionsPatch,
    }
    Updates {
        #[serde(deserialize_with = "updates")]
        updates: BTreeMap<Target, UpdateOne>,
    }
    RequestPermissions {
        permissions: List<Wanted>,
    }
    AnswerPermissionRequest {
        request_id: RequestId,
        grant: bool,
        #[serde(default, deserialize_with = "reason")]
        reason: Option<String>,
    }
    WhoseTracks {
        #[serde(default)]
        peer_id: Option<PeerId>,
        #[serde(default)]
        roles: Option<List<RoleName>>,
        tracks: List<TrackKind>,
    }
    RemovePeer {
        peer_id: PeerId,
        #[serde(default, deserialize_with = "reason")]
        reason: Option<String>,
        #[serde(default)]
        block: bool,
    }
    AnswerWaiting {
        waiting_id: PeerId,
        admit: bool,
    }
    OfUser {
        user_id: UserId,
    }
    EndRoom {
        #[serde(default, deserialize_with = "reason")]
        reason: Option<String>,
        #[serde(default = "super::yes")]
        lock: bool,
    }
    SetName {
        #[serde(deserialize_with = "own_name")]
        name: Arc<str>,
        #[serde(default)]
        peer_id: Option<PeerId>,
    }
    SetMetadata {
        metadata: Metadata,
        #[serde(default)]
        peer_id: Option<PeerId>,
    }
    RaiseHand {
        raised: bool,
        #[serde(default)]
        peer_id: Option<PeerId>,
    }
    SendMessage {
        data: MessageData,
        #[serde(default)]
        to: To,
    }
    Signal {
        to: PeerId,
        data: MessageData,
    }
    Subscribe {
        peer_id: PeerId,
        #[serde(deserialize_with = "some_kinds")]
        tracks: TrackKinds,
    }
    Unsubscribe {
        subscription_id: SubscriptionId,
    }
    SignalSubscription {
        subscription_id: SubscriptionId,
        data: SignalData,
    }
    Explain {
        #[serde(default)]
        peer_id: Option<PeerId>,
        #[serde(default)]
        capability: Option<Capability>,
        #[serde(default)]
        track: Option<TrackKind>,
    }
    OfRoles {
        roles: List<RoleName>,
    }
}

/// One entry of `updates`.
#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UpdateOne {
    pub(super) update_permissions: PermissionsPatch,
}

unique::read_from_objects! { UpdateOne }

fn updates<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<Target, UpdateOne>, D::Error> {
    unique::map(d, UPDATES_MAX)
}

/// A key of `updates`: `*` or a peer id.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Everybody,
    Peer(PeerId),
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text == "*" {
            return Ok(Self::Everybody);
        }
        PeerId::parse(&text).map(Self::Peer).map_err(de::Error::custom)
    }
}

pub(super) struct SetTracks(pub(super) BTreeMap<TrackKind, bool>);

impl<'de> Deserialize<'de> for SetTracks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unique::map(deserializer, TrackKind::ALL.len()).map(Self)
    }
}

/// `to` of `sendMessage`: a peer id, `"*"` or `{roles: […]}`.
pub(super) struct To(pub(super) Recipient);

impl Default for To {
    fn default() -> Self {
        Self(Recipient::Everybody)
    }
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Recipient;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a peer id, \"*\" or {\"roles\": […]}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Recipient, E> {
                if text == "*" {
                    return Ok(Recipient::Everybody);
                }
                PeerId::parse(text).map(Recipient::Peer).map_err(E::custom)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Recipient, A::Error> {
                let of = OfRoles::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Recipient::Roles(of.roles.0.into_iter().collect()))
            }
        }
        deserializer.deserialize_any(Visitor).map(Self)
    }
}

/// A bounded list.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::deserialize(deserializer)?;
        if list.len() > LIST_MAX {
            return Err(de::Error::custom(format!("more than {LIST_MAX} entries")));
        }
        Ok(Self(list))
    }
}

fn some_kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TrackKinds, D::Error> {
    let List(kinds) = List::<TrackKind>::deserialize(deserializer)?;
    if kinds.is_empty() {
        return Err(de::Error::custom("at least one kind of track is needed"));
    }
    Ok(kinds.into_iter().collect())
}

fn bounded_token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let token = String::deserialize(deserializer)?;
    if token.len() > TOKEN_MAX {
        return Err(de::Error::custom(format!("a token has at most {TOKEN_MAX} bytes")));
    }
    Ok(token)
}

pub(super) fn token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Token(#[serde(deserialize_with = "bounded_token")] String);
    Ok(Option::<Token>::deserialize(deserializer)?.map(|Token(token)| token))
}

pub(super) fn display_name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Arc<str>>, D::Error> {
    Option::<String>::deserialize(d)?
        .map(|text| bounded(text, "name", id::DISPLAY_NAME_MAX))
        .transpose()
}

fn own_name<'de, D: Deserializer<'de>>(d: D) -> Result<Arc<str>, D::Error> {
    bounded(String::deserialize(d)?, "name", id::DISPLAY_NAME_MAX)
}

fn reason<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(d)?
        .map(|text| bounded(text, "reason", id::REASON_MAX))
        .transpose()
}

fn bounded<T: From<String>, E: de::Error>(
    text: String,
    what: &'static str,
    max: usize,
) -> Result<T, E> {
    check_text(&text, what, max).map_err(E::custom)?;
    Ok(T::from(text))
}
