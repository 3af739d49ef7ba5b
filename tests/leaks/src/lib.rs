//! A net for secrets: what was seen of them anywhere in this process may stand in none of its log lines, errors and
//! bodies, whichever thread has written them.
//!
//! Whose line a spawned thread's is cannot be known, so every line is searched for every secret: for those that are known
//! when it comes then, and for each other one when that is remembered. What was told before counts, too.

mod forms;
mod log;
#[cfg(target_os = "linux")]
pub mod memory;
mod net;
#[cfg(test)]
mod tests;

use std::{
    cell::{Cell, RefCell},
    error::Error,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

pub use self::log::{Log, watch};
use self::net::net;

thread_local! {
    /// Whether a test runs here, which fails for its own lines.
    static IS_A_TEST: Cell<bool> = const { Cell::new(false) };
    static LEAKS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Remembers a token that was sent.
///
/// The secret of one by id is at its end. What is before it is the public id, which may be shown.
#[track_caller]
pub fn remember_token(token: &[u8]) {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
        return remember(token);
    };
    // An id with its secret, and everything else: the same with a signature, and sealed values.
    let start = match bytes.len() {
        32..80 => bytes.len() - 32,
        _ => 0,
    };
    remember_secret(&bytes[start..]);
}

/// Remembers a key, from how it is written down.
#[track_caller]
pub fn remember_key(base64: &str) {
    let bytes = STANDARD
        .decode(base64)
        .or_else(|_| URL_SAFE_NO_PAD.decode(base64));
    match bytes {
        Ok(bytes) => remember_secret(&bytes),
        Err(_) => remember(base64.as_bytes()),
    }
}

/// Remembers octets, in every form in which one would write them.
#[track_caller]
pub fn remember_secret(secret: &[u8]) {
    watch();
    found(net().remember_octets(secret));
}

/// Remembers a text of at least 16 octets.
#[track_caller]
pub fn remember(text: &[u8]) {
    watch();
    found(net().remember_text(text));
}

#[track_caller]
fn found(leak: Option<String>) {
    if let Some(line) = leak {
        panic!("{line}");
    }
}

/// # Panics
/// A piece of a secret stands in here.
#[track_caller]
pub fn check(place: &str, text: &[u8]) {
    let caught = net().caught(text);
    if let Some(piece) = caught {
        panic!("`{piece}` of a secret is in {place}: {}", text.escape_ascii());
    }
}

/// As [`check`], of an error and of all that caused it.
///
/// # Panics
/// See [`check`].
#[track_caller]
pub fn check_error(error: &dyn Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        check("an error", error.to_string().as_bytes());
        check("an error's Debug", format!("{error:?} {error:#?}").as_bytes());
        next = error.source();
    }
}

/// As [`check`], of what this thread has logged since it was checked last, and of what threads that no test runs on have
/// logged at any time: that fails every test from then on.
///
/// # Panics
/// See [`check`].
#[track_caller]
pub fn check_log() {
    let own = LEAKS.with_borrow_mut(std::mem::take);
    let leaks = [own, net().others()].concat();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// A line that shows a piece of a secret: told by the test that it is of, and by all if it is of none.
fn report(leak: String) {
    if IS_A_TEST.get() {
        LEAKS.with_borrow_mut(|leaks| leaks.push(leak));
    } else {
        net().report(leak);
    }
}
