//! The token of a session that the client keeps: header and payload, wrapped in the chain of protections.

pub(super) use super::header::Header;
use super::token;
use crate::{
    Payload, SerializerError, SessionError, Token,
    protection::{BoundProtection, ProtectionError},
    scratch,
};

/// Seals header and payload.
pub(super) fn seal(
    protection: &dyn BoundProtection,
    header: &Header,
    payload: &[u8],
) -> Result<Token, SessionError> {
    // Header, and what a protection adds.
    scratch::with(payload.len() + 192, |bytes| {
        bytes.extend_from_slice(&[0; 2]);
        header.write(bytes);
        // A header has a dozen numbers, a digest, an id of at most 64 bytes and a context of at most 256.
        let len = u16::try_from(bytes.len() - 2).map_err(SerializerError::new)?;
        bytes[..2].copy_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(payload);
        protection.protect(bytes)?;
        Ok(token::encode(bytes))
    })
}

/// Opens what [`seal`] made: the header, and the payload.
pub(super) fn open(
    protection: &dyn BoundProtection,
    text: &[u8],
) -> Result<(Header, Payload), ProtectionError> {
    token::decoded(text, |bytes| {
        protection.unprotect(bytes)?;
        let (len, rest) = bytes.split_first_chunk().ok_or(ProtectionError::Forged)?;
        let (header, payload) = rest
            .split_at_checked(u16::from_be_bytes(*len).into())
            .ok_or(ProtectionError::Forged)?;
        let header = Header::read(header).ok_or(ProtectionError::Forged)?;
        Ok((header, Payload::new(payload)))
    })
}
