//! Who calls: the app's own back end, one of its users, or nobody in particular. It must not know
//! what is called; rights are decided by the law and the directory.

use axum::{
    extract::Query,
    http::{HeaderMap, Uri, header::AUTHORIZATION},
};
use rolecall_protocol::{
    directory::Directory,
    id::{Cid, RoleName, UserId},
};
use serde::Deserialize;

use super::{
    Stream,
    fault::{Fault, code},
};
use crate::auth::Identity;

/// How Stream's SDKs say what kind of token they send.
pub const AUTH_TYPE: &str = "stream-auth-type";
/// The user id that Stream's SDKs give to who is anonymous.
pub const ANONYMOUS_ID: &str = "!anon";

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The app's own back end, which may all.
    Server,
    /// One of the app's users.
    User(Box<User>),
    /// Somebody without a name; a token may still bind him to some calls.
    Anonymous(Box<Identity>),
}

/// A user, by his token.
#[derive(Clone, Debug)]
pub struct User {
    /// Who he is.
    pub id: UserId,
    /// What his token says.
    pub identity: Identity,
}

impl Caller {
    /// The user's id; `None` for the server and for somebody anonymous.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::User(user) => Some(&user.id),
            Self::Server | Self::Anonymous(_) => None,
        }
    }

    /// Whether this is the back end.
    pub const fn is_server(&self) -> bool {
        matches!(self, Self::Server)
    }

    /// What the token says; `None` for the server.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Server => None,
            Self::User(user) => Some(&user.identity),
            Self::Anonymous(identity) => Some(identity),
        }
    }

    /// Whether the token is good for `cid`: one that names calls is good for those alone.
    pub fn covers(&self, cid: &Cid) -> bool {
        let Some(identity) = self.identity() else { return true };
        let named = |text: &String| text == cid.as_str();
        identity.call_cids.as_ref().is_none_or(|cids| cids.iter().any(named))
            && identity.room.as_ref().is_none_or(named)
    }

    /// The role that the token gives in the calls it names, `cid` among them.
    pub fn token_role(&self, cid: &Cid) -> Option<RoleName> {
        let identity = self.identity().filter(|_| self.covers(cid))?;
        RoleName::parse(identity.role.as_deref()?).ok()
    }
}

/// The parts of a query that say who calls.
#[derive(Deserialize)]
struct Credentials {
    api_key: Option<String>,
    #[serde(rename = "stream-auth-type")]
    auth_type: Option<String>,
}

/// The connection by which a request is to be told more, as its query names it.
#[derive(Deserialize)]
struct ByConnection {
    connection_id: Option<String>,
}

/// The connection that a request to `uri` names.
pub fn connection_id(uri: &Uri) -> Option<String> {
    let query = Query::<ByConnection>::try_from_uri(uri).ok()?;
    query.0.connection_id.filter(|id| !id.is_empty())
}

/// Whether a request to `uri` is for this app.
///
/// # Errors
/// 401, code 2.
pub fn check_key(stream: &Stream, uri: &Uri) -> Result<(), Fault> {
    credentials(stream, uri).map(drop)
}

fn credentials(stream: &Stream, uri: &Uri) -> Result<Credentials, Fault> {
    let query = Query::<Credentials>::try_from_uri(uri);
    let Query(query) = query.map_err(|error| Fault::input(error.body_text()))?;
    match query.api_key.as_deref() {
        Some(key) if key == stream.config.api_key => Ok(query),
        Some(_) => Err(Fault::unauthorized(code::API_KEY, "api_key is not valid")),
        None => Err(Fault::unauthorized(code::API_KEY, "api_key not found")),
    }
}

/// Who sent a request with these headers to `uri`.
///
/// # Errors
/// 401: code 2 for the key, 5 and 40 to 43 for the token.
pub fn authenticate(stream: &Stream, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Fault> {
    let query = credentials(stream, uri)?;
    let auth_type = match headers.get(AUTH_TYPE) {
        Some(value) => value.to_str().unwrap_or_default(),
        None => query.auth_type.as_deref().unwrap_or("jwt"),
    };
    match (auth_type, token(headers)) {
        ("jwt", Some(token)) => {
            let caller = named(stream.verifier.verify(token)?)?;
            if let Caller::User(user) = &caller {
                welcome(&stream.directory.now(), user)?;
            }
            Ok(caller)
        }
        ("jwt", None) => {
            let text = "`Authorization` is missing: a JWT signed with the app's secret is needed";
            Err(Fault::unauthorized(code::AUTH, text))
        }
        ("anonymous", None) => Ok(Caller::Anonymous(Box::default())),
        ("anonymous", Some(token)) => {
            let identity = stream.verifier.verify(token)?;
            // A server's token must not be worth less by a header, nor a user's be taken for another.
            match identity.user_id.as_deref() {
                None if identity.is_server() => Ok(Caller::Anonymous(Box::default())),
                None | Some(ANONYMOUS_ID) => Ok(Caller::Anonymous(Box::new(identity))),
                Some(_) => {
                    let text = "`stream-auth-type: anonymous` does not go with a user's token";
                    Err(Fault::unauthorized(code::AUTH, text))
                }
            }
        }
        (_, _) => {
            let text = "`stream-auth-type` is neither `jwt` nor `anonymous`";
            Err(Fault::unauthorized(code::AUTH, text))
        }
    }
}

/// The token of a request.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    token.map(without_scheme).filter(|token| !token.is_empty())
}

/// A token without user is the back end's, unless it names calls: one that was meant for some calls
/// must not be good for everything.
fn named(identity: Identity) -> Result<Caller, Fault> {
    if identity.is_server() {
        return Ok(Caller::Server);
    }
    let Some(id) = &identity.user_id else { return Ok(Caller::Anonymous(Box::new(identity))) };
    if id == ANONYMOUS_ID {
        return Ok(Caller::Anonymous(Box::new(identity)));
    }
    let id = UserId::parse(id)
        .map_err(|error| Fault::unauthorized(code::AUTH, format!("JWTAuth error: {error}")))?;
    Ok(Caller::User(Box::new(User { id, identity })))
}

/// The user whose token this is, if he may come.
///
/// # Errors
/// 401 for a token that is none, or no user's; 403 for who may not come.
pub fn user_of(stream: &Stream, token: &str) -> Result<User, Fault> {
    match named(stream.verifier.verify(token)?)? {
        Caller::User(user) => {
            welcome(&stream.directory.now(), &user)?;
            Ok(*user)
        }
        Caller::Server | Caller::Anonymous(_) => {
            let text = "JWTAuth error: a user's token is needed, one with `user_id`";
            Err(Fault::unauthorized(code::AUTH, text))
        }
    }
}

/// Whether the user's token still counts, and whether he may come in at all.
///
/// # Errors
/// 401, code 40, where tokens of that age were revoked: a fresh one is needed. 403 where he was
/// banned, deactivated or deleted.
pub fn welcome(directory: &Directory, user: &User) -> Result<(), Fault> {
    if let Some(before) = directory.app.revoke_tokens_issued_before {
        let issued = user.identity.iat.map(|iat| iat.saturating_mul(1000));
        if issued.is_none_or(|issued| issued < before.0) {
            return Err(Fault::unauthorized(
                code::TOKEN_EXPIRED,
                "JWTAuth error: token was revoked",
            ));
        }
    }
    let Some(known) = directory.users.get(&user.id).filter(|known| !known.is_welcome()) else {
        return Ok(());
    };
    let why = match (&known.deleted_at, &known.deactivated_at) {
        (Some(_), _) => "deleted",
        (None, Some(_)) => "deactivated",
        (None, None) => "banned",
    };
    Err(unwelcome(user, why))
}

/// 403: he is banned, or the like.
pub fn unwelcome(user: &User, why: &str) -> Fault {
    Fault::not_allowed(format!("user '{}' is {why}", user.id))
}

/// Stream's SDKs send the bare JWT; people write `Bearer` before it.
fn without_scheme(value: &str) -> &str {
    let value = value.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    }
}
