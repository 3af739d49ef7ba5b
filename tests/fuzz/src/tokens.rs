//! What is known of a token by its form alone.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sessions_core::PublicId;

/// Longer ones are not looked at.
const MAX_LEN: usize = 4096;

/// Whether it has the form of a handle and a secret.
pub(crate) fn is_an_id(token: &[u8]) -> bool {
    let ids = PublicId::MIN_LEN + 32..=PublicId::MAX_LEN + 32;
    URL_SAFE_NO_PAD
        .decode(token)
        .is_ok_and(|bytes| ids.contains(&bytes.len()))
}

/// The version and the key's id that a protected token begins with.
pub(crate) fn prefix(token: &str) -> [u8; 5] {
    *URL_SAFE_NO_PAD.decode(token).unwrap().first_chunk().unwrap()
}

/// Whether it names another version or key than this one, so that it may be good on another node.
pub(crate) fn may_be_elsewhere(token: &[u8], prefix: &[u8; 5]) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    token.len() <= MAX_LEN && bytes.len() >= prefix.len() && !bytes.starts_with(prefix)
}
