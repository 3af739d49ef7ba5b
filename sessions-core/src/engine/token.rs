//! The token of a session that is kept on the server: base64url of handle and secret, signed where asked for.

use base64::Engine as _;

use super::base64url::{self, BASE64URL};
use crate::{
    PublicId, SessionError, Token,
    protection::{BoundProtection, ProtectionError},
    scratch,
    secret::{Secret, Wiped},
};

/// Beyond this no token of either kind is looked at: what every browser keeps of a cookie, name and attributes aside.
pub(super) const MAX_TOKEN_LEN: usize = 4096;

/// Base64url, for both kinds of tokens.
pub(super) fn encode(bytes: &[u8]) -> Token {
    Token::new(BASE64URL.encode(bytes))
}

/// Base64url, for both kinds of tokens. Exact: one token has one text. The bytes are wiped after `read` has had them.
pub(super) fn decoded<R>(
    text: &[u8],
    read: impl FnOnce(&mut Vec<u8>) -> Result<R, ProtectionError>,
) -> Result<R, ProtectionError> {
    if text.len() > MAX_TOKEN_LEN {
        return Err(ProtectionError::Forged);
    }
    scratch::with(text.len(), |bytes| {
        BASE64URL
            .decode_vec(text, bytes)
            .map_err(|_| ProtectionError::Forged)?;
        read(bytes)
    })
}

/// The token of the session `id` that `secret` opens.
pub(super) fn by_id(
    id: &PublicId,
    secret: &Secret,
    signed: Option<&dyn BoundProtection>,
) -> Result<Token, SessionError> {
    // With what a signature adds.
    scratch::with(id.as_bytes().len() + Secret::LEN + 64, |bytes| {
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(secret.as_bytes());
        if let Some(protection) = signed {
            protection.protect(bytes)?;
        }
        Ok(encode(bytes))
    })
}

/// Reads what [`by_id`] made.
pub(super) fn parse(
    text: &[u8],
    signed: Option<&dyn BoundProtection>,
) -> Result<(PublicId, Secret), ProtectionError> {
    if let Some(protection) = signed {
        return decoded(text, |bytes| {
            protection.unprotect(bytes)?;
            split(bytes)
        });
    }
    // With the room that `decode` wants beyond that.
    let mut bytes = Wiped([0; PublicId::MAX_LEN + Secret::LEN + 3]);
    let len = base64url::decode(text, &mut bytes.0).map_err(|_| ProtectionError::Forged)?;
    split(&bytes.0[..len])
}

fn split(bytes: &[u8]) -> Result<(PublicId, Secret), ProtectionError> {
    let (handle, secret) = bytes.split_last_chunk().ok_or(ProtectionError::Forged)?;
    let id = PublicId::from_bytes(handle).map_err(|_| ProtectionError::Forged)?;
    Ok((id, Secret::from_bytes(secret)))
}
