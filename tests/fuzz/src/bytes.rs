//! How the targets take their inputs apart: so that each byte means one thing, and a small change is a small change.

use sessions_core::Timestamp;

/// What is left of an input. Beyond its end there are zeros.
pub(crate) struct Input<'d>(&'d [u8]);

impl<'d> Input<'d> {
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub(crate) fn number(&mut self) -> usize {
        u16::from_le_bytes(self.array()).into()
    }

    pub(crate) fn time(&mut self) -> Timestamp {
        Timestamp::from_millis(u64::from_le_bytes(self.array()))
    }

    /// So many bytes as the number before them says.
    pub(crate) fn piece(&mut self) -> &'d [u8] {
        let len = self.number().min(self.0.len());
        let (piece, rest) = self.0.split_at(len);
        self.0 = rest;
        piece
    }

    pub(crate) fn rest(self) -> &'d [u8] {
        self.0
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut array = [0; N];
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// What becomes of something valid when it is changed as the rest of the input says.
    pub(crate) fn edited(mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        while !self.0.is_empty() {
            let (edit, byte, at) = (self.byte(), self.byte(), self.number());
            // From the beginning, or, of the upper numbers, from the end.
            let at = match at {
                0x8000.. => bytes.len().saturating_sub(0xffff - at),
                _ => at % (bytes.len() + 1),
            };
            match edit % 6 {
                0 if at < bytes.len() => bytes[at] ^= byte,
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.insert(at, byte),
                4 => bytes.truncate(at),
                5 => {
                    bytes.truncate(at);
                    bytes.extend_from_slice(self.0);
                    break;
                }
                _ => {}
            }
        }
        bytes
    }
}
