//! Tokens of 100ms's form, as its back ends sign them: each is good for one room. It must not know what
//! rooms do with them.

use rolecall_protocol::id::{NAME_MAX, USER_ID_MAX};
use serde::Serialize;

use crate::secret::Secret;

use super::{
    AuthError, Identity, SignError,
    claims::{CID, CID_MAX, Distinct, USER},
};

/// Claims that a token of this form has, both.
const MARKS: [&str; 2] = ["access_key", "room_id"];
/// Claims of tokens of other forms, by which it could be read in two ways.
const OTHERS: [&str; 3] = ["room", "call_cids", "r"];

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
    let expected = "this server's `api_key`";
    if claims.of_type::<String>("access_key", expected)?.as_deref() != Some(api_key) {
        return Err(AuthError::BadClaim { claim: "access_key", expected });
    }
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
