//! What is known of secrets, and what was told.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use crate::forms::{OCTETS, TEXT, masked, written};

/// What is secret.
#[derive(Default)]
struct Secrets {
    texts: Pieces<u128>,
    octets: Pieces<u64>,
}

/// What was told.
#[derive(Default)]
struct Told {
    /// Each line once, without the public ids: few, however much is logged.
    lines: HashSet<Vec<u8>>,
    texts: Pieces<u128>,
    /// Of what the lines could be, if it is octets that were written as something else.
    octets: Pieces<u64>,
}

#[derive(Default)]
pub(crate) struct Net {
    secrets: Secrets,
    told: Told,
    /// What threads have told that no test runs on.
    others: Vec<String>,
}

/// The net of this process.
pub(crate) fn net() -> MutexGuard<'static, Net> {
    static NET: LazyLock<Mutex<Net>> = LazyLock::new(Mutex::default);
    // A test that fails while it holds it fails for a reason of its own.
    NET.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Net {
    /// The line that has told a piece of this text already.
    pub(crate) fn remember_text(&mut self, text: &[u8]) -> Option<String> {
        self.secrets.texts.extend(texts(text));
        self.line_with(text)
    }

    /// The line that has told a piece of these octets already, in whatever form.
    pub(crate) fn remember_octets(&mut self, secret: &[u8]) -> Option<String> {
        self.secrets.octets.extend(octets(secret));
        let was_told = octets(secret).any(|piece| self.told.octets.contains(&piece));
        let is_secret = |piece| octets(secret).any(|it| it == piece);
        let shows = |line: &[u8]| written(line).iter().any(|form| octets(form).any(is_secret));
        was_told
            .then(|| self.told.line(shows))
            .or_else(|| self.line_with(secret))
    }

    fn line_with(&self, text: &[u8]) -> Option<String> {
        let was_told = texts(text).any(|piece| self.told.texts.contains(&piece));
        let shows = |line: &[u8]| texts(line).any(|piece| texts(text).any(|it| it == piece));
        was_told.then(|| self.told.line(shows))
    }

    /// The piece of a secret that stands in here.
    pub(crate) fn caught(&self, text: &[u8]) -> Option<String> {
        let text = masked(text);
        let mut pieces = text.windows(TEXT).zip(texts(&text));
        let is_secret = |(piece, known): &(&[u8], u128)| {
            // Octets as they are, too; only in so many of them, as what is in a token may be a text.
            let (one, other) = piece.split_at(OCTETS);
            self.secrets.texts.contains(known)
                || [one, other]
                    .iter()
                    .all(|half| octets(half).all(|it| self.secrets.octets.contains(&it)))
        };
        if let Some((piece, _)) = pieces.find(is_secret) {
            return Some(piece.escape_ascii().to_string());
        }
        let forms = written(&text);
        let mut pieces = forms
            .iter()
            .flat_map(|form| form.windows(OCTETS).zip(octets(form)));
        let (piece, _) = pieces.find(|(_, known)| self.secrets.octets.contains(known))?;
        Some(format!("{piece:?}"))
    }

    /// Takes a line of the log, and says that it shows a piece of a secret.
    pub(crate) fn told(&mut self, line: &str) -> Option<String> {
        let masked = masked(line.as_bytes());
        if self.told.lines.contains(&masked) {
            return None;
        }
        if let Some(piece) = self.caught(&masked) {
            return Some(format!("`{piece}` of a secret is in the log: {line}"));
        }
        self.told.texts.extend(texts(&masked));
        for form in written(&masked) {
            self.told.octets.extend(octets(&form));
        }
        self.told.lines.insert(masked);
        None
    }

    pub(crate) fn report(&mut self, leak: String) {
        self.others.push(leak);
    }

    /// What threads have told that no test runs on.
    pub(crate) fn others(&self) -> Vec<String> {
        self.others.clone()
    }
}

impl Told {
    fn line(&self, shows: impl Fn(&[u8]) -> bool) -> String {
        let line = self.lines.iter().find(|line| shows(line));
        let line = line.map(|line| line.escape_ascii().to_string());
        format!("a piece of a secret is in the log: {}", line.unwrap_or_default())
    }
}

fn texts(text: &[u8]) -> impl Iterator<Item = u128> {
    let windows = text.windows(TEXT);
    windows.filter_map(|piece| piece.first_chunk().map(|piece| u128::from_le_bytes(*piece)))
}

fn octets(secret: &[u8]) -> impl Iterator<Item = u64> {
    let windows = secret.windows(OCTETS);
    windows.filter_map(|piece| piece.first_chunk().map(|piece| u64::from_le_bytes(*piece)))
}

type Pieces<P> = HashSet<P, BuildHasherDefault<Folded>>;

/// Nobody makes pieces that collide, and there are millions.
#[derive(Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u64(&mut self, piece: u64) {
        let product = u128::from(self.0 ^ piece) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_u128(&mut self, piece: u128) {
        self.write_u64(piece as u64);
        self.write_u64((piece >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
