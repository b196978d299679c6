//! The keys tokens are verified with, as the settings give them.

use std::{fs, path::Path, str::FromStr};

use super::settings::KeySettings;
use crate::secret::Secret;

/// The algorithms a key may be for. A key has exactly one; a token never chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl KeyAlgorithm {
    /// Whether both sides share a secret, rather than one holding a private key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

impl FromStr for KeyAlgorithm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "ES256" => Self::Es256,
            "EdDSA" => Self::EdDsa,
            _ => {
                return Err(format!(
                    "`{name}` is not one of HS256, HS384, HS512, RS256, ES256, EdDSA"
                ));
            }
        })
    }
}

/// What a key verifies with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// A shared secret.
    Secret(Secret),
    /// A public key in PEM.
    PublicKey(String),
}

/// A further key: tokens name it by `kid` in their header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// The name a token gives in its header.
    pub kid: String,
    /// The one algorithm it is for.
    pub alg: KeyAlgorithm,
    /// The secret or the public key, as `alg` needs.
    pub material: KeyMaterial,
}

/// Whether `kid` is 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
pub(crate) fn is_kid(kid: &str) -> bool {
    (1..=64).contains(&kid.len())
        && kid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether `text` is a key in PEM, which is no secret whatever it is called.
pub(super) fn is_pem(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN")
}

impl TokenKey {
    /// Checks one `[[keys]]` table; an error is the field and what is wrong with it. A `public_key`
    /// that is not PEM itself is a path, seen from `base`.
    pub(super) fn parse(
        settings: KeySettings,
        base: &Path,
    ) -> Result<Self, (&'static str, String)> {
        let KeySettings { kid, alg, secret, public_key } = settings;
        if !is_kid(&kid) {
            return Err(("kid", format!("`{kid}` is not 1 to 64 characters of A-Z a-z 0-9 . _ -")));
        }
        let alg: KeyAlgorithm = alg.parse().map_err(|problem| ("alg", problem))?;
        let material = match (alg.is_symmetric(), secret, public_key) {
            (_, Some(_), Some(_)) => {
                return Err(("secret", "a key has a `secret` or a `public_key`, not both".into()));
            }
            (true, None, _) => {
                return Err(("secret", "missing: HS256, HS384 and HS512 need it".into()));
            }
            (false, _, None) => {
                return Err(("public_key", "missing: RS256, ES256 and EdDSA need it".into()));
            }
            (true, Some(secret), None) => {
                if secret.expose().is_empty() {
                    return Err(("secret", "empty".into()));
                }
                if is_pem(secret.expose()) {
                    return Err(("secret", "a PEM key is no secret: use `public_key`".into()));
                }
                KeyMaterial::Secret(secret)
            }
            (false, _, Some(key)) if is_pem(&key) => KeyMaterial::PublicKey(key),
            (false, _, Some(path)) => match fs::read_to_string(base.join(&path)) {
                Ok(key) if is_pem(&key) => KeyMaterial::PublicKey(key),
                Ok(_) => return Err(("public_key", format!("`{path}` holds no PEM key"))),
                Err(error) => return Err(("public_key", format!("cannot read `{path}`: {error}"))),
            },
        };
        Ok(Self { kid, alg, material })
    }
}
