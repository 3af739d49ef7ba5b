//! A process that looks through its own memory, by reading files alone.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
};

/// Not a text, and not what any wiping leaves.
const MASK: u8 = 0xa5;

/// Bytes in a form that is not found when they are looked for.
#[derive(Debug, Clone)]
pub struct Masked(pub Vec<u8>);

impl Masked {
    /// These bytes, which stay where they are.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| byte ^ MASK).collect())
    }

    /// The bytes themselves, written where somebody will wipe them.
    pub fn show(&self, into: &mut [u8]) {
        for (shown, masked) in into.iter_mut().zip(&self.0) {
            *shown = masked ^ MASK;
        }
    }

    /// Whether its second half begins here: an allocator writes into the beginning of what is freed.
    fn is_at(&self, window: &[u8]) -> bool {
        let half = &self.0[self.0.len() / 2..];
        window.len() >= half.len()
            && window
                .iter()
                .zip(half)
                .all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

/// Where bytes are in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere else: what was allocated, statics, and the stacks of other threads.
    Elsewhere,
    /// That of the first thread, and what the process was started with.
    FirstStack,
}

/// All that can be written of it, as it was when it was opened.
#[derive(Debug)]
pub struct Memory(Vec<(Place, Vec<u8>)>);

impl Memory {
    /// As it is now.
    ///
    /// # Errors
    /// The system does not let a process read its own memory.
    pub fn now() -> io::Result<Self> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        let memory = File::open("/proc/self/mem")?;
        let mut mappings = Vec::new();
        for line in maps.lines() {
            let Some((range, rest)) = line.split_once(' ') else {
                continue;
            };
            let ends = range
                .split_once('-')
                .map(|(from, to)| [from, to].map(|end| u64::from_str_radix(end, 16)));
            let (Some([Ok(from), Ok(to)]), true) = (ends, rest.starts_with("rw")) else {
                continue;
            };
            let place = match line.ends_with("[stack]") {
                true => Place::FirstStack,
                false => Place::Elsewhere,
            };
            // Large copies have mappings of their own, which are not in the list.
            let mut bytes = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
            memory.read_exact_at(&mut bytes, from)?;
            mappings.push((place, bytes));
        }
        Ok(Self(mappings))
    }

    /// How much it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wherever these bytes are.
    #[must_use]
    pub fn places_of(&self, needle: &Masked) -> Vec<Place> {
        let mut places = Vec::new();
        for (place, bytes) in &self.0 {
            let found = (0..bytes.len()).filter(|at| needle.is_at(&bytes[*at..]));
            places.extend(found.map(|_| *place));
        }
        places
    }
}
