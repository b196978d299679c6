//! Tokens of 100ms's form, as its back ends sign them: those of people, each good for one room, and those
//! of the back end itself, good for 100ms's REST API alone. It must not know what rooms do with them.

use rolecall_protocol::id::{NAME_MAX, USER_ID_MAX};
use serde::Serialize;

use crate::secret::Secret;

use super::{
    AuthError, Identity, SignError,
    claims::{CID, CID_MAX, Distinct, USER},
};

/// Claims that a token of this form has, both.
const MARKS: [&str; 2] = ["access_key", "room_id"];
/// What `type` says in a back end's.
const MANAGEMENT: &str = "management";
/// Claims that a back end's has not: with one it could be read in two ways.
const OF_PEOPLE: [&str; 5] = ["user_id", "room_id", "room", "call_cids", "r"];
/// Claims of tokens of other forms, by which it could be read in two ways.
const OTHERS: [&str; 3] = ["room", "call_cids", "r"];

/// Whether the claims are those of a back end's token: it says so, or speaks for nobody and no room.
pub(super) fn is_management(claims: &Distinct<'_>) -> bool {
    let kind = claims.of_type::<String>("type", "").ok().flatten();
    let says_so = kind.as_deref() == Some(MANAGEMENT);
    claims.has("access_key") && (says_so || !OF_PEOPLE.iter().any(|claim| claims.has(claim)))
}

/// What is said of a back end's token where people's or servers' own are wanted.
pub(super) const NOT_HERE: AuthError = AuthError::BadClaim {
    claim: "type",
    expected: "one for this door: management tokens are for `/v2` alone",
};

/// Whether it is a back end's token of this app's.
pub(super) fn management(claims: &Distinct<'_>, api_key: &str) -> Result<Identity, AuthError> {
    let expected = "`management`, as a back end's is";
    if claims.of_type::<String>("type", expected)?.as_deref() != Some(MANAGEMENT) {
        return Err(AuthError::BadClaim { claim: "type", expected });
    }
    if let Some(claim) = OF_PEOPLE.into_iter().find(|claim| claims.has(claim)) {
        return Err(AuthError::BadClaim { claim, expected: "to stand in a management token" });
    }
    is_of_app(claims, api_key)?;
    Ok(Identity { exp: claims.seconds("exp")?, iat: claims.seconds("iat")?, ..Identity::default() })
}

fn is_of_app(claims: &Distinct<'_>, api_key: &str) -> Result<(), AuthError> {
    let expected = "this server's `api_key`";
    if claims.of_type::<String>("access_key", expected)?.as_deref() == Some(api_key) {
        return Ok(());
    }
    Err(AuthError::BadClaim { claim: "access_key", expected })
}

/// Whether the claims are of this form.
///
/// # Errors
/// A token that could be read in two ways is not read.
pub(super) fn is_its_own(claims: &Distinct<'_>) -> Result<bool, AuthError> {
    if !MARKS.iter().all(|claim| claims.has(claim)) {
        return Ok(false);
    }
    if OTHERS.iter().any(|claim| claims.has(claim)) {
        let expected = "to stand beside `room`, `call_cids` or `r`";
        return Err(AuthError::BadClaim { claim: "room_id", expected });
    }
    Ok(true)
}

/// Who such a token says its bearer is. Its times are for coming in: who is in stays.
pub(super) fn identity(claims: &Distinct<'_>, api_key: &str) -> Result<Identity, AuthError> {
    is_of_app(claims, api_key)?;
    let room = claims.text("room_id", CID_MAX, CID)?;
    let expected = "app, as tokens of people are";
    let kind: Option<String> = claims.of_type("type", expected)?;
    if kind.is_some_and(|kind| kind != "app") {
        return Err(AuthError::BadClaim { claim: "type", expected });
    }
    // Without it the id that the client chooses would be his user's.
    let user_id = claims.text("user_id", USER_ID_MAX, USER)?;
    let user_id = user_id.ok_or(AuthError::BadClaim { claim: "user_id", expected: USER })?;
    Ok(Identity {
        // Rooms of 100ms's are there before anybody comes: in a room of its token whoever is first is.
        opens: true,
        user_id: Some(user_id),
        room,
        role: claims.text("role", NAME_MAX, "text of 1 to 64 characters")?,
        exp: claims.seconds("exp")?,
        iat: claims.seconds("iat")?,
        ..Identity::default()
    })
}

/// How often another id is tried, for a token that 100ms's SDK can read.
const ROLLS_MAX: usize = 1000;

/// Signs a token of this form. The SDK reads claims with `atob`, which knows base64 without the two
/// characters of URLs: ids are tried until the claims have neither.
///
/// # Errors
/// [`SignError`], also where no id helps: claims that are not ASCII, most often.
pub fn sign(
    claims: Claims,
    secret: &Secret,
    mut jti: impl FnMut() -> String,
) -> Result<String, SignError> {
    for _ in 0..ROLLS_MAX {
        let token = super::sign(&Claims { jti: jti(), ..claims.clone() }, secret)?;
        let read = token.split('.').nth(1).unwrap_or_default();
        if !read.contains(['-', '_']) {
            return Ok(token);
        }
    }
    Err(SignError)
}

/// What a minted token of a back end says.
#[derive(Clone, Debug, Serialize)]
pub struct ManagementClaims {
    /// The app's public name.
    access_key: String,
    /// `management`.
    r#type: &'static str,
    /// 2.
    version: u8,
    /// An id of the token's own.
    jti: String,
    /// When it is made, in seconds since the epoch.
    iat: u64,
    /// From when on it counts.
    nbf: u64,
    /// When it ends.
    exp: u64,
}

impl ManagementClaims {
    /// Those of that app, from now on and so long.
    pub fn new(access_key: String, jti: String, now_s: u64, ttl_s: u64) -> Self {
        let (iat, exp) = (now_s, now_s.saturating_add(ttl_s));
        Self { access_key, r#type: MANAGEMENT, version: 2, jti, iat, nbf: iat, exp }
    }
}

/// What a minted token of this form says.
#[derive(Clone, Debug, Serialize)]
pub struct Claims {
    /// The app's public name.
    pub access_key: String,
    /// `app`.
    pub r#type: &'static str,
    /// 2.
    pub version: u8,
    /// The room: a cid, or a bare id of the default call type.
    pub room_id: String,
    /// The user.
    pub user_id: String,
    /// His role there.
    pub role: String,
    /// An id of the token's own.
    pub jti: String,
    /// When it is made, in seconds since the epoch.
    pub iat: u64,
    /// From when on it counts.
    pub nbf: u64,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
}
