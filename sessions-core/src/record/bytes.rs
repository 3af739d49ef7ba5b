//! A record as bytes.
//!
//! They are what the serializer `Bincode` would make of it, and by hand, as a storage that keeps bytes reads them with each
//! request: a derived reader asks for each byte of a hash by itself.

#[cfg(test)]
mod tests;

use super::{Payload, Record, Revision};
use crate::{
    Fingerprint, Principal, Schema, SecretHash, Secrets,
    by_hand::{Reader, put_bytes, put_id, put_number, put_optional, put_time, put_times},
    secrets::{Predecessor, Successor},
};

impl Record {
    /// Appends it, with this payload.
    pub(super) fn put(&self, payload: &[u8], out: &mut Vec<u8>) {
        let Self {
            public_id,
            application,
            name,
            schema,
            revision,
            epoch,
            secrets,
            times,
            principal,
            label,
            client_context,
            payload: _,
        } = self;
        put_id(out, public_id);
        put_bytes(out, application.as_bytes());
        put_bytes(out, name.as_bytes());
        put_number(out, schema.version.into());
        out.extend_from_slice(&schema.fingerprint.0);
        out.extend_from_slice(&revision.0);
        put_number(out, *epoch);
        put_secrets(out, secrets);
        put_times(out, times);
        put_optional(out, principal.as_ref(), |out, principal| {
            put_bytes(out, principal.as_str().as_bytes());
        });
        put_optional(out, label.as_ref(), |out, label| put_bytes(out, label.as_bytes()));
        put_optional(out, client_context.as_ref(), |out, context| {
            put_bytes(out, context)
        });
        put_bytes(out, payload);
    }

    /// What [`put`](Self::put) appended, and nothing else; with this payload, if any, in place of the one in the bytes. They
    /// may be any at all.
    pub(super) fn read(bytes: &[u8], payload: Option<&[u8]>) -> Option<Self> {
        let reader = &mut Reader(bytes);
        let record = Self {
            public_id: reader.id()?,
            application: reader.text()?.into(),
            name: reader.text()?.into(),
            schema: Schema {
                version: reader.number_32()?,
                fingerprint: Fingerprint(reader.array()?),
            },
            revision: Revision(reader.array()?),
            epoch: reader.number()?,
            secrets: secrets(reader)?,
            times: reader.times()?,
            principal: reader.optional(|reader| reader.text().map(Principal::new))?,
            label: reader.optional(|reader| reader.text().map(Into::into))?,
            client_context: reader.optional(|reader| reader.bytes().map(Into::into))?,
            payload: {
                let own = reader.bytes()?;
                Payload::new(payload.unwrap_or(own))
            },
        };
        reader.0.is_empty().then_some(record)
    }
}

fn put_secrets(out: &mut Vec<u8>, secrets: &Secrets) {
    let Secrets {
        current,
        since,
        next,
        previous,
        past,
    } = secrets;
    out.extend_from_slice(&current.0);
    put_time(out, *since);
    put_optional(out, next.as_ref(), |out, next| {
        out.extend_from_slice(&next.hash.0);
        out.extend_from_slice(&next.salt);
        out.extend_from_slice(&next.mask);
    });
    put_optional(out, previous.as_ref(), |out, previous| {
        out.extend_from_slice(&previous.hash.0);
        put_time(out, previous.until);
        out.extend_from_slice(&previous.salt);
        out.extend_from_slice(&previous.mask);
    });
    put_number(out, past.len() as u64);
    for hash in past {
        out.extend_from_slice(&hash.0);
    }
}

fn secrets(reader: &mut Reader<'_>) -> Option<Secrets> {
    let hash = |reader: &mut Reader<'_>| reader.array().map(SecretHash);
    Some(Secrets {
        current: hash(reader)?,
        since: reader.time()?,
        next: reader.optional(|reader| {
            Some(Box::new(Successor {
                hash: hash(reader)?,
                salt: reader.array()?,
                mask: reader.array()?,
            }))
        })?,
        previous: reader.optional(|reader| {
            Some(Box::new(Predecessor {
                hash: hash(reader)?,
                until: reader.time()?,
                salt: reader.array()?,
                mask: reader.array()?,
            }))
        })?,
        // No room is made for what is only said to be there.
        past: (0..reader.number()?)
            .map(|_| hash(reader))
            .collect::<Option<_>>()?,
    })
}
