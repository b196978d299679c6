//! Tokens: who a JWT says its bearer is, and the minting of one.

mod claims;
pub mod coming;
pub mod daily;
pub mod hms;
pub mod term;

use std::collections::HashMap;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode_header, errors::ErrorKind,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    clock::Clock,
    config::{Config, KeyAlgorithm, KeyMaterial, TokenKey, is_kid},
    secret::Secret,
};

/// Seconds that clocks may differ by, for `exp`, `nbf` and `iat`.
pub const LEEWAY_S: u64 = 5;
/// The longest token that is looked at.
pub use rolecall_protocol::dialect::native::call::TOKEN_MAX as TOKEN_BYTES_MAX;
/// Rooms that one token may name.
pub const CALL_CIDS_MAX: usize = 100;
/// Teams that one token may name.
pub use rolecall_protocol::team::TEAMS_MAX;

/// Who a good token says its bearer is. Rights are decided in the room, never from this alone.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The user; `None` is a server token, which speaks for the app and may not join.
    pub user_id: Option<String>,
    /// The name to show.
    pub name: Option<String>,
    /// The only room the token is good for.
    pub room: Option<String>,
    /// The only rooms the token is good for.
    pub call_cids: Option<Vec<String>>,
    /// A role in those rooms; `None` where the token names no room.
    pub role: Option<String>,
    /// An owner of those rooms; `false` where the token names no room.
    pub is_owner: bool,
    /// The user's teams; empty unless the server trusts tokens with them.
    pub teams: Vec<String>,
    /// Initial overrides: a JSON object which the law reads.
    pub permissions: Option<Box<RawValue>>,
    /// When the token ends, in seconds since the epoch; `None` never.
    pub exp: Option<u64>,
    /// How long its bearer may stay where he comes in with it.
    pub stay: Stay,
    /// When the token was made, in seconds since the epoch.
    pub iat: Option<u64>,
    /// Whether somebody without `user_id` may join with it: as nobody whom the Directory knows.
    pub unnamed: bool,
    /// Whether its bearer may begin its room, whatever his role.
    pub opens: bool,
    /// Whether it keeps its bearer from sharing his screen.
    pub no_screenshare: bool,
    /// Whether its bearer knocks at private rooms like somebody without a token.
    pub knocks: bool,
}

/// How long a seat is kept that was taken with a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stay {
    /// Until then, in seconds since the epoch; `None`: as far as this goes, for ever.
    pub until: Option<u64>,
    /// So many seconds; `None`: as far as this goes, for ever.
    pub seconds: Option<u64>,
}

impl Stay {
    /// When it ends for who came in at `came_s`, in seconds since the epoch; `None`: never.
    pub fn ends(self, came_s: u64) -> Option<u64> {
        let elapsed = self.seconds.map(|seconds| came_s.saturating_add(seconds));
        self.until.into_iter().chain(elapsed).min()
    }
}

impl Identity {
    /// Whether this speaks for the app itself: it names neither a user nor rooms. Backends hand out
    /// tokens without a user for some calls (Stream's anonymous viewers): such a one must not be
    /// good for everything.
    pub const fn is_server(&self) -> bool {
        self.user_id.is_none() && self.room.is_none() && self.call_cids.is_none()
    }

    /// Whether it is an invitation to the rooms it is good for: it names them, and does not have
    /// its bearer knock.
    pub const fn invites(&self) -> bool {
        (self.room.is_some() || self.call_cids.is_some()) && !self.knocks
    }

    /// When it was made, in seconds since the epoch; one that does not say is as old as can be.
    pub fn issued(&self) -> u64 {
        self.iat.unwrap_or(0)
    }

    /// Whether the term, leeway included, has passed at `now_s`.
    pub fn is_expired(&self, now_s: u64) -> bool {
        self.exp.is_some_and(|exp| exp.saturating_add(LEEWAY_S) <= now_s)
    }
}

/// Why a token is not taken. No variant holds any part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is not three parts of base64url with a JSON header.
    #[error("the token is not a JWT")]
    Malformed,
    /// It is longer than [`TOKEN_BYTES_MAX`].
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// The signature, the algorithm or the key is not one of ours; which of them is not told.
    #[error("the token's signature does not match")]
    BadSignature,
    /// Its header demands an extension to be understood.
    #[error("the token's header demands extensions (`crit`) that are not supported")]
    CriticalExtension,
    /// The signature is good but the claims are not a JSON object of distinct keys.
    #[error("the token's claims are not a JSON object, or name a claim twice")]
    BadClaims,
    /// A claim is of the wrong type or out of bounds.
    #[error("the token's claim `{claim}` is not {expected}")]
    BadClaim {
        /// The claim.
        claim: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
}

impl AuthError {
    /// The reason a peer is told: `token-expired`, and `bad-token` for all the rest.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Expired => "token-expired",
            _ => "bad-token",
        }
    }
}

/// A configured key that cannot verify anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `keys`: the public key of `{kid}` is not a key for its `alg`")]
pub struct KeyError {
    /// The key's name.
    pub kid: String,
}

/// A key with the one algorithm it is for.
struct Key {
    algorithm: Algorithm,
    decoding: DecodingKey,
}

/// Verifies tokens against the configured keys.
pub struct Verifier {
    unnamed: Option<Key>,
    named: HashMap<String, Key>,
    trust_teams: bool,
    /// What tokens of a vendor's form name as theirs.
    api_key: String,
    clock: Clock,
}

impl Verifier {
    /// The keys of `config`; a public key that does not fit its algorithm is refused here.
    pub fn new(config: &Config, clock: Clock) -> Result<Self, KeyError> {
        let unnamed = config.api_secret.as_ref().map(|secret| Key {
            algorithm: Algorithm::HS256,
            decoding: DecodingKey::from_secret(secret.expose().as_bytes()),
        });
        let mut named = HashMap::new();
        for key in &config.keys {
            let built = Key::new(key).ok_or_else(|| KeyError { kid: key.kid.clone() })?;
            named.insert(key.kid.clone(), built);
        }
        let (trust_teams, api_key) = (config.trust_token_teams, config.api_key.clone());
        Ok(Self { unnamed, named, trust_teams, api_key, clock })
    }

    /// Who `token` says its bearer is, as of now.
    pub fn verify(&self, token: &str) -> Result<Identity, AuthError> {
        self.verify_at(token, self.clock.now_s())
    }

    /// Whether `token` is a back end's of 100ms's form, as of now: good for its REST API and for nothing
    /// else, as no other token is good for that.
    pub fn verify_management(&self, token: &str) -> Result<(), AuthError> {
        let claims = self.opened(token)?;
        claims::read_management(claims.get(), &self.api_key, self.clock.now_s()).map(drop)
    }

    /// The claims of a good token of Daily's form; of one whose `nbf` has not come only where that
    /// is `early` enough.
    pub fn claims_of_daily(
        &self,
        token: &str,
        early: bool,
    ) -> Result<serde_json::Map<String, serde_json::Value>, AuthError> {
        let claims = self.opened(token)?;
        match claims::read(claims.get(), self.trust_teams, &self.api_key, self.clock.now_s()) {
            Ok(_) => {}
            Err(AuthError::NotYetValid) if early => {}
            Err(error) => return Err(error),
        }
        let claims: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(claims.get()).map_err(|_| AuthError::BadClaims)?;
        let expected = "given: it is a token of another form";
        if claims.contains_key("r") {
            Ok(claims)
        } else {
            Err(AuthError::BadClaim { claim: "r", expected })
        }
    }

    fn verify_at(&self, token: &str, now_s: u64) -> Result<Identity, AuthError> {
        claims::read(self.opened(token)?.get(), self.trust_teams, &self.api_key, now_s)
    }

    /// The text of the claims of a token that one of our keys has signed.
    fn opened(&self, token: &str) -> Result<Box<RawValue>, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::TooLong);
        }
        // An unknown `alg`, `none` among them, is not read as a header at all.
        let header = decode_header(token).map_err(|_| AuthError::Malformed)?;
        if header.crit.is_some() || header.extras.inner().contains_key("b64") {
            return Err(AuthError::CriticalExtension);
        }
        let key = match &header.kid {
            None => self.unnamed.as_ref(),
            Some(kid) if is_kid(kid) => self.named.get(kid),
            Some(_) => None,
        };
        // `jku`, `jwk`, `x5u` and `x5c` are never looked at: keys come from the settings alone.
        let key = key.filter(|key| key.algorithm == header.alg).ok_or(AuthError::BadSignature)?;
        key.verified_claims(token)
    }
}

impl Key {
    fn new(key: &TokenKey) -> Option<Self> {
        let (algorithm, decoding) = match (&key.material, key.alg) {
            (KeyMaterial::Secret(secret), alg) => {
                let algorithm = match alg {
                    KeyAlgorithm::Hs256 => Algorithm::HS256,
                    KeyAlgorithm::Hs384 => Algorithm::HS384,
                    KeyAlgorithm::Hs512 => Algorithm::HS512,
                    KeyAlgorithm::Rs256 | KeyAlgorithm::Es256 | KeyAlgorithm::EdDsa => return None,
                };
                (algorithm, DecodingKey::from_secret(secret.expose().as_bytes()))
            }
            (KeyMaterial::PublicKey(pem), alg) => {
                // jsonwebtoken takes a private key where it wants a public one.
                if !pem.contains("PUBLIC KEY-----") {
                    return None;
                }
                let pem = pem.as_bytes();
                let (algorithm, decoding) = match alg {
                    KeyAlgorithm::Rs256 => (Algorithm::RS256, DecodingKey::from_rsa_pem(pem)),
                    KeyAlgorithm::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem(pem)),
                    KeyAlgorithm::EdDsa => (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem)),
                    KeyAlgorithm::Hs256 | KeyAlgorithm::Hs384 | KeyAlgorithm::Hs512 => return None,
                };
                (algorithm, decoding.ok()?)
            }
        };
        // Its verifier slices 32 bytes without asking whether they are there.
        if algorithm == Algorithm::EdDSA && decoding.try_get_as_bytes().ok()?.len() != 32 {
            return None;
        }
        // A key of the wrong curve shows only when a verifier is made of it.
        jsonwebtoken::crypto::verify("AA", b"probe", &decoding, algorithm).ok()?;
        Some(Self { algorithm, decoding })
    }

    /// The claims' text, once the signature is known to be ours. Times are checked by our clock.
    fn verified_claims(&self, token: &str) -> Result<Box<RawValue>, AuthError> {
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Box<RawValue>>(token, &self.decoding, &validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::Json(_) | ErrorKind::Utf8(_) => AuthError::BadClaims,
                _ => AuthError::BadSignature,
            })
    }
}

/// What a minted token says. Absent fields are absent from the token.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Claims {
    /// The user; `None` makes a server token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The only room it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// The only rooms it is good for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub call_cids: Vec<String>,
    /// A role in those rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// An owner of those rooms.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_owner: bool,
    /// When it is made, in seconds since the epoch.
    pub iat: u64,
    /// When it ends, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
}

impl Claims {
    /// Signs the claims with the app's secret (HS256).
    pub fn sign(&self, secret: &Secret) -> Result<String, SignError> {
        sign(self, secret)
    }
}

/// Signs claims with the app's secret (HS256).
///
/// # Errors
/// [`SignError`].
pub fn sign(claims: &impl Serialize, secret: &Secret) -> Result<String, SignError> {
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).map_err(|_| SignError)
}

/// The claims could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token cannot be signed")]
pub struct SignError;

#[cfg(test)]
mod tests;
