//! What bincode makes of numbers, options and the like, by hand: for what is read and written with each token and each record,
//! whose parts are known beforehand.

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{PublicId, Times, Timestamp};

/// The kinds of ids, as numbers.
const RANDOM: u32 = 0;
const CUSTOM: u32 = 1;

/// Appends a number: one byte below 251, else a byte that says how many follow, and these, the least significant first.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u64) {
    let bytes = number.to_le_bytes();
    match number {
        0..=250 => out.push(bytes[0]),
        251..=0xffff => out.extend_from_slice(&[251, bytes[0], bytes[1]]),
        0x1_0000..=0xffff_ffff => out.extend_from_slice(&[252, bytes[0], bytes[1], bytes[2], bytes[3]]),
        _ => {
            out.push(253);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Appends what may be missing: a byte that says whether it is there, and then `put`.
pub(crate) fn put_optional<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(value.is_some().into());
    if let Some(value) = value {
        put(out, value);
    }
}

/// Appends bytes, and before them how many they are.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_id(out: &mut Vec<u8>, id: &PublicId) {
    let id = id.as_bytes();
    if id.len() == PublicId::MIN_LEN {
        put_number(out, RANDOM.into());
        out.extend_from_slice(id);
    } else {
        put_number(out, CUSTOM.into());
        put_bytes(out, id);
    }
}

pub(crate) fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_number(out, time.as_millis());
}

pub(crate) fn put_times(out: &mut Vec<u8>, times: &Times) {
    let Times {
        created,
        authenticated,
        last_seen,
        idle_deadline,
        absolute_deadline,
        not_after,
        remembered,
    } = *times;
    put_time(out, created);
    put_optional(out, authenticated, put_time);
    put_time(out, last_seen);
    put_time(out, idle_deadline);
    put_time(out, absolute_deadline);
    put_optional(out, not_after, put_time);
    put_optional(out, remembered, |out, time| {
        put_number(out, time.as_secs());
        put_number(out, time.subsec_nanos().into());
    });
}

/// Reads what was appended. `None` where the bytes are something else.
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        Some(match self.array()? {
            [251] => u16::from_le_bytes(self.array()?).into(),
            [252] => u32::from_le_bytes(self.array()?).into(),
            [253] => u64::from_le_bytes(self.array()?),
            // Of 128 bits, or none.
            [254 | 255] => return None,
            [number] => number.into(),
        })
    }

    /// A number of 32 bits, which never takes the form of longer ones.
    pub(crate) fn number_32(&mut self) -> Option<u32> {
        match self.0.first()? {
            253 => None,
            _ => self.number()?.try_into().ok(),
        }
    }

    /// As many bytes as the number before them says.
    pub(crate) fn bytes(&mut self) -> Option<&'b [u8]> {
        let len = self.number()?.try_into().ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.array()? {
            [0] => Some(None),
            [1] => read(self).map(Some),
            _ => None,
        }
    }

    pub(crate) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn id(&mut self) -> Option<PublicId> {
        let id = match self.number_32()? {
            RANDOM => PublicId::from_bytes(&self.array::<{ PublicId::MIN_LEN }>()?),
            CUSTOM => PublicId::from_bytes(self.bytes()?),
            _ => return None,
        };
        id.ok()
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        self.number().map(Timestamp::from_millis)
    }

    pub(crate) fn times(&mut self) -> Option<Times> {
        Some(Times {
            created: self.time()?,
            authenticated: self.optional(Self::time)?,
            last_seen: self.time()?,
            idle_deadline: self.time()?,
            absolute_deadline: self.time()?,
            not_after: self.optional(Self::time)?,
            remembered: self.optional(|reader| {
                let seconds = Duration::from_secs(reader.number()?);
                seconds.checked_add(Duration::from_nanos(reader.number_32()?.into()))
            })?,
        })
    }
}
