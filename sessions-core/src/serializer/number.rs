//! Bincode's numbers and options, by hand: for what is read and written with each token, whose parts are known beforehand.

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
}
