//! A net for secrets: what was seen of them on a thread may stand in none of its log lines, errors and bodies.

use std::{
    cell::RefCell,
    collections::HashSet,
    error::Error,
    fmt::{Debug, Write as _},
    sync::Once,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use tracing::{
    Event, Level, Metadata, Subscriber, callsite,
    field::{Field, Visit},
    span, subscriber,
};

/// A secret is cut into pieces of so many octets, so that a part of it is caught, too.
const PIECE: usize = 16;
/// A public id has so many characters, and no secret is written in as few.
const PUBLIC_ID: usize = 22;

#[derive(Default)]
struct Net {
    pieces: HashSet<[u8; PIECE]>,
    lines: Vec<(Level, String)>,
    checked: usize,
}

thread_local! {
    static NET: RefCell<Net> = RefCell::default();
}

/// Collects what the session crates log, at every level and on every thread, from now on.
pub fn watch() {
    static ONCE: Once = Once::new();
    // One for all threads: what a thread without a subscriber finds uninteresting is lost to the others too.
    ONCE.call_once(|| {
        if subscriber::set_global_default(Collector).is_ok() {
            callsite::rebuild_interest_cache();
        }
    });
}

/// Remembers a token that was sent.
///
/// The secret of one by id is at its end. What is before it is the public id, which may be shown.
pub fn remember_token(token: &[u8]) {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
        return remember(token);
    };
    // An id with its secret, the same with a signature, and a sealed value.
    let start = match bytes.len() {
        ..32 => 0,
        32..80 => bytes.len() - 32,
        80 => 16,
        _ => 0,
    };
    remember(&token[(start * 8).div_ceil(6)..]);
    remember_secret(&bytes[start..]);
}

/// Remembers a key, from how it is written down.
pub fn remember_key(base64: &str) {
    remember(base64.as_bytes());
    let bytes = STANDARD
        .decode(base64)
        .or_else(|_| URL_SAFE_NO_PAD.decode(base64));
    remember_secret(&bytes.unwrap_or_default());
}

/// Remembers octets, in every form in which one would write them.
pub fn remember_secret(secret: &[u8]) {
    let hex: String = secret.iter().fold(String::new(), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    });
    remember(secret);
    remember(URL_SAFE_NO_PAD.encode(secret).as_bytes());
    remember(STANDARD.encode(secret).as_bytes());
    remember(hex.to_ascii_uppercase().as_bytes());
    remember(hex.as_bytes());
    remember(format!("{secret:?}").trim_matches(['[', ']']).as_bytes());
}

/// Remembers a text of at least 16 octets.
pub fn remember(text: &[u8]) {
    NET.with_borrow_mut(|net| {
        let pieces = text.windows(PIECE).filter_map(|piece| piece.first_chunk());
        net.pieces.extend(pieces);
    });
}

/// The piece of a secret that stands in here, if it is no part of a public id, which a token that is only signed shows.
fn caught(text: &[u8]) -> Option<String> {
    NET.with_borrow(|net| {
        let mut pieces = text.windows(PIECE).enumerate();
        let found = pieces.find(|(at, piece)| {
            let is_known = piece
                .first_chunk::<PIECE>()
                .is_some_and(|piece| net.pieces.contains(piece));
            is_known && word_around(text, *at) != PUBLIC_ID
        });
        found.map(|(_, piece)| piece.escape_ascii().to_string())
    })
}

/// The length of the word of base64url that this is within.
fn word_around(text: &[u8], at: usize) -> usize {
    let is_of_a_word = |octet: &&u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let before = text[..at].iter().rev().take_while(is_of_a_word).count();
    before + text[at..].iter().take_while(is_of_a_word).count()
}

/// # Panics
/// A piece of a secret stands in here.
pub fn check(place: &str, text: &[u8]) {
    if let Some(piece) = caught(text) {
        panic!("`{piece}` of a secret is in {place}: {}", text.escape_ascii());
    }
}

/// As [`check`], of an error and of all that caused it.
///
/// # Panics
/// See [`check`].
pub fn check_error(error: &dyn Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        check("an error", error.to_string().as_bytes());
        check("an error's Debug", format!("{error:?} {error:#?}").as_bytes());
        next = error.source();
    }
}

/// As [`check`], of what this thread has logged since it was checked last.
///
/// # Panics
/// See [`check`].
pub fn check_log() {
    let unchecked: Vec<_> = NET.with_borrow_mut(|net| {
        let from = std::mem::replace(&mut net.checked, net.lines.len());
        net.lines[from..].iter().map(|(_, line)| line.clone()).collect()
    });
    for line in unchecked {
        check("the log", line.as_bytes());
    }
}

/// What this thread logs from now on.
#[derive(Debug)]
pub struct Log {
    from: usize,
}

impl Log {
    /// Begins here.
    #[must_use]
    pub fn begin() -> Self {
        watch();
        Self {
            from: NET.with_borrow(|net| net.lines.len()),
        }
    }

    fn all(&self) -> Vec<(Level, String)> {
        NET.with_borrow(|net| net.lines[self.from..].to_vec())
    }

    /// The lines of warnings and errors of the session crates.
    pub fn complaints(&self) -> Vec<String> {
        let loud = self.all().into_iter().filter(|(level, _)| *level <= Level::WARN);
        loud.map(|(_, line)| line).collect()
    }

    /// The lines that contain this, at every level.
    pub fn lines(&self, needle: &str) -> Vec<String> {
        let lines = self
            .all()
            .into_iter()
            .map(|(level, line)| format!("{level} {line}"));
        lines.filter(|line| line.contains(needle)).collect()
    }

    /// Everything, at every level.
    pub fn everything(&self) -> String {
        self.lines("").join("\n")
    }
}

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sessions_")
    }

    fn event(&self, event: &Event<'_>) {
        keep(*event.metadata().level(), |line| event.record(line));
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        keep(*span.metadata().level(), |line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        keep(Level::TRACE, |line| values.record(line));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A value that logs while it is dropped or shown within the net itself is not heard.
fn keep(level: Level, record: impl FnOnce(&mut Line)) {
    let mut line = Line(String::new());
    record(&mut line);
    let _ = NET.try_with(|net| {
        if let Ok(mut net) = net.try_borrow_mut() {
            net.lines.push((level, line.0));
        }
    });
}

struct Line(String);

impl Visit for Line {
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let _ = write!(self.0, "{}={error} ", field.name());
        let mut next = Some(error);
        while let Some(error) = next {
            let _ = write!(self.0, "{error:?} ");
            next = error.source();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By id: a handle, then a secret.
    const ID: [u8; 48] = {
        let mut bytes = [0; 48];
        let mut index = 0;
        while index < 48 {
            bytes[index] = 37u8.wrapping_mul(index as u8).wrapping_add(11);
            index += 1;
        }
        bytes
    };

    #[test]
    fn every_form_and_every_part_of_a_secret_is_caught() {
        remember_token(URL_SAFE_NO_PAD.encode(ID).as_bytes());
        let secret = &ID[16..];
        let hex: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
        for shown in [
            URL_SAFE_NO_PAD.encode(ID),
            URL_SAFE_NO_PAD.encode(ID)[22..38].to_owned(),
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(secret),
            hex.to_uppercase(),
            hex[40..56].to_owned(),
            format!("{secret:?}"),
            format!("{:?}", &secret[10..20]),
        ] {
            assert!(
                caught(format!("so it is: {shown}").as_bytes()).is_some(),
                "{shown}"
            );
        }
        assert!(caught(&ID).is_some());
    }

    #[test]
    fn a_public_id_may_be_shown() {
        remember_token(URL_SAFE_NO_PAD.encode(ID).as_bytes());
        let public_id = URL_SAFE_NO_PAD.encode(&ID[..16]);
        assert_eq!(caught(public_id.as_bytes()), None);
        assert_eq!(caught(format!("{:?}", &ID[..16]).as_bytes()), None);
    }

    #[test]
    fn a_public_id_may_be_shown_that_a_signed_token_shows() {
        let public_id = URL_SAFE_NO_PAD.encode(&ID[..16]);
        let token = format!("{public_id}{public_id}{}", "A-_z".repeat(30));
        remember_token(token.as_bytes());
        let shows = |text: String| caught(text.as_bytes()).is_some();
        assert!(!shows(format!("id={public_id} is live")));
        assert!(!shows(format!("PublicId({public_id})")));
        assert!(shows(format!("id={public_id}A")));
        assert!(shows(public_id[..21].to_owned()));
        assert!(shows(token));
    }

    #[test]
    fn of_a_sealed_token_everything_is_secret() {
        let sealed: Vec<u8> = ID.iter().chain(&ID).map(|octet| octet ^ 85).collect();
        let token = URL_SAFE_NO_PAD.encode(sealed);
        remember_token(token.as_bytes());
        for at in 0..token.len() - PIECE {
            assert!(caught(&token.as_bytes()[at..at + PIECE]).is_some());
        }
    }

    #[test]
    fn what_is_logged_is_caught_at_every_level_and_in_spans_and_causes() {
        watch();
        let secret = "a secret of some length";
        remember(secret.as_bytes());
        let caught = |log: fn(&str)| {
            log(secret);
            std::panic::catch_unwind(check_log).is_err()
        };
        assert!(!caught(|_| tracing::error!(target: "sessions_test", "nothing")));
        assert!(caught(
            |secret| tracing::trace!(target: "sessions_test", "{secret}")
        ));
        assert!(caught(
            |secret| tracing::error!(target: "sessions_test", token = ?secret)
        ));
        assert!(caught(|secret| drop(
            tracing::trace_span!(target: "sessions_test", "span", secret)
        )));
        assert!(caught(|secret| {
            let error = std::io::Error::other(secret.to_owned());
            tracing::warn!(target: "sessions_test", error = &error as &dyn Error, "it failed");
        }));
        assert!(!caught(|_| ()), "each is told once");
    }

    #[test]
    #[should_panic(expected = "an error")]
    fn what_caused_an_error_is_caught() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("it failed")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        remember(b"a secret of some length");
        check_error(&Outer(std::io::Error::other("a secret of some length")));
    }
}
