//! The token of a session that the client keeps: header and payload, wrapped in the chain of protections.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::token;
use crate::{
    Payload, PublicId, Schema, SerializerError, SessionError, SessionSerializer, Times, Timestamp, Token,
    protection::{BoundProtection, ProtectionError},
    scratch,
    serializer::Bincode,
};

/// What stands before the payload.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) schema: Schema,
    pub(super) id: PublicId,
    pub(super) issued: Timestamp,
    pub(super) times: Times,
    /// What a revocation compares with.
    pub(super) mark: Timestamp,
    /// What was known of the client that has started it; follows all else, where it is.
    #[serde(skip)]
    pub(super) context: Option<Arc<[u8]>>,
}

/// Seals header and payload.
pub(super) fn seal(
    protection: &dyn BoundProtection,
    header: &Header,
    payload: &[u8],
) -> Result<Token, SessionError> {
    // Header, and what a protection adds.
    scratch::with(payload.len() + 192, |bytes| {
        bytes.extend_from_slice(&[0; 2]);
        <Bincode as SessionSerializer<Header>>::serialize(header, bytes)?;
        if let Some(context) = &header.context {
            <Bincode as SessionSerializer<Arc<[u8]>>>::serialize(context, bytes)?;
        }
        // A header has a dozen numbers, a digest, an id of at most 64 bytes and a context of at most 256.
        let len = u16::try_from(bytes.len() - 2).map_err(SerializerError::new)?;
        bytes[..2].copy_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(payload);
        protection.protect(bytes)?;
        Ok(token::encode(bytes))
    })
}

/// A header without a context, or with one.
fn read(bytes: &[u8]) -> Result<Header, SerializerError> {
    let without = <Bincode as SessionSerializer<Header>>::deserialize(bytes);
    without.or_else(|_| {
        let (header, context) = <Bincode as SessionSerializer<(Header, Arc<[u8]>)>>::deserialize(bytes)?;
        Ok(Header {
            context: Some(context),
            ..header
        })
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
        let header = read(header).map_err(|_| ProtectionError::Forged)?;
        Ok((header, Payload::new(payload)))
    })
}
