//! Keys and secrets are wiped when they are dropped: what is left of them is looked for in all memory of a process that
//! has used and dropped them.
//!
//! That process is this test again, by itself. It is told what to look for masked, so that it does not find what it
//! looks for in its own hands.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    io::{Read as _, Write as _},
    pin::pin,
    process::{Command, Stdio},
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
};

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use leaks::memory::{Masked, Memory};
use serde::{Deserialize, Serialize};
use sessions_core::{
    Session, SessionSpec,
    engine::{Engine, Environment, Opening, Outcome, TokenAction},
    options::Options,
    protection::{Encrypted, Key, KeyRing, Mode, Protection, Purpose, Signed, Suite},
    serializer::Bincode,
    storage::MemoryStorage,
};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// What the other process does, and where it finds a key that is not handed to it.
const CASE: &str = "SESSIONS_CORE_TEST_WIPED";
const VARIABLE: &str = "SESSIONS_CORE_TEST_WIPED_KEYS";

const BYTE_LEN: usize = 32;

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        BYTE_LEN
    }
}

fn purpose() -> Purpose<'static> {
    Purpose {
        mode: Mode::ByValue,
        application: "shop",
        name: "text",
    }
}

/// As `docs/tokens.md` has it.
fn subkey(key: &[u8], algorithm: &[u8]) -> [u8; BYTE_LEN] {
    let mut subkey = [0; BYTE_LEN];
    let purpose = purpose().context();
    let extracted = Salt::new(HKDF_SHA256, b"sessions").extract(key);
    extracted
        .expand(&[algorithm, &purpose], Length)
        .and_then(|it| it.fill(&mut subkey))
        .unwrap();
    subkey
}

/// What is left of a key and of all that is derived from it, after the other process has done this with it.
fn left_of_key(case: &str) -> Vec<String> {
    let text = Key::generate().unwrap().expose_base64();
    let key = STANDARD.decode(text.as_bytes()).unwrap();
    let mut needles = vec![("key", key.clone()), ("text", text.as_bytes().to_vec())];
    for algorithm in ["AES-256-GCM-SIV", "HKDF-SHA256+CHACHA20-POLY1305", "HMAC-SHA256"] {
        needles.push((algorithm, subkey(&key, algorithm.as_bytes()).to_vec()));
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys");
    fs::write(&file, text.as_bytes()).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "does_what_it_is_told_in_a_process_of_its_own",
        "--nocapture",
    ]);
    child.env(CASE, case).env(VARIABLE, &file);
    if case == "environment" {
        child.env(VARIABLE, &*text);
    }
    let mut child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut masked = Vec::new();
    for (_, needle) in &needles {
        masked.push(needle.len() as u8);
        masked.extend(Masked::new(needle).0);
    }
    child.stdin.take().unwrap().write_all(&masked).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("looked through"), "{said}");
    let left = said.lines().filter_map(|line| line.strip_prefix("left "));
    left.map(|line| {
        let (number, place) = line.split_once(' ').unwrap();
        format!("{} {place}", needles[number.parse::<usize>().unwrap()].0)
    })
    .collect()
}

#[test]
fn does_what_it_is_told_in_a_process_of_its_own() {
    let Ok(case) = env::var(CASE) else { return };
    let mut given = Vec::new();
    std::io::stdin().read_to_end(&mut given).unwrap();
    let mut needles = Vec::new();
    let mut rest = given.as_slice();
    while let Some((len, after)) = rest.split_first() {
        let (needle, after) = after.split_at((*len).into());
        needles.push(Masked(needle.to_vec()));
        rest = after;
    }
    if case == "session" {
        let needles = thread::spawn(use_a_session).join().unwrap();
        return report(&needles);
    }
    let told = needles[..2].to_vec();
    // As in a server, whose threads are not the one that has begun it.
    thread::spawn(move || use_keys(&case, &told)).join().unwrap();
    report(&needles);
}

fn report(needles: &[Masked]) {
    let memory = Memory::now().unwrap();
    for (number, needle) in needles.iter().enumerate() {
        for place in memory.places_of(needle) {
            println!("\nleft {number} {place:?}");
        }
    }
    println!("\nlooked through {} bytes", memory.len());
    assert!(!memory.is_empty());
}

fn shown(masked: &Masked) -> Zeroizing<Vec<u8>> {
    let mut shown = Zeroizing::new(vec![0; masked.0.len()]);
    masked.show(&mut shown);
    shown
}

fn use_keys(case: &str, told: &[Masked]) {
    let [bytes, text] = told else { unreachable!() };
    let keys = match case {
        "bytes" => KeyRing::new(Key::from_bytes(&shown(bytes)).unwrap()),
        "text" | "kept" => {
            let text = shown(text);
            KeyRing::new(Key::from_base64(str::from_utf8(&text).unwrap()).unwrap())
        }
        "file" | "reloaded" => KeyRing::from_file(env::var(VARIABLE).unwrap()).unwrap(),
        "environment" => KeyRing::from_env(VARIABLE).unwrap(),
        other => unreachable!("{other}"),
    };
    let key = Key::from_bytes(&shown(bytes)).unwrap();
    let chacha = KeyRing::new(key.with_suite(Suite::ChaCha20Poly1305));
    for protection in [
        Encrypted::new(&keys).bind(&purpose()),
        Encrypted::new(&chacha).bind(&purpose()),
        Signed::new(&keys).bind(&purpose()),
    ] {
        let protection = protection.unwrap();
        let mut token = b"a session".to_vec();
        protection.protect(&mut token).unwrap();
        protection.unprotect(&mut token).unwrap();
        assert_eq!(token, b"a session");
    }
    if case == "reloaded" {
        fs::write(
            env::var(VARIABLE).unwrap(),
            &*Key::generate().unwrap().expose_base64(),
        )
        .unwrap();
        assert!(keys.reload().unwrap());
    }
    if case == "kept" {
        std::mem::forget(keys);
    }
}

/// A login, and a request of its client; then what they were made with, to be looked for.
fn use_a_session() -> Vec<Masked> {
    let environment = Environment::default();
    let options = Options::of::<Visits>();
    let engine =
        Engine::<Visits>::server_side(&environment, Arc::new(MemoryStorage::new()), &options).unwrap();
    let opened = |tokens: Option<&[u8]>| match engine.open(tokens, &()) {
        Opening::Ready(slot) => slot,
        Opening::Failed(error) => panic!("{error}"),
        Opening::Loading(loading) => at_once(loading.finish()).unwrap(),
    };
    let slot = opened(None);
    slot.start(Visits { number: 1 }).unwrap();
    let TokenAction::Send { token, .. } = at_once(slot.commit(Outcome::Answered)).unwrap() else {
        panic!("no session was started")
    };
    drop(slot);
    let slot = opened(Some(token.expose().as_bytes()));
    assert!(slot.get().is_some());
    let _ = at_once(slot.commit(Outcome::Answered)).unwrap();
    let text = token.expose().as_bytes();
    let mut bytes = Zeroizing::new([0; 64]);
    let len = URL_SAFE_NO_PAD.decode_slice(text, &mut *bytes).unwrap();
    vec![Masked::new(&bytes[..len]), Masked::new(text)]
}

#[derive(Serialize, Deserialize)]
struct Visits {
    number: u32,
}

impl Session for Visits {
    const SPEC: SessionSpec = SessionSpec::new("visits");
    type Serializer = Bincode;
}

fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("memory needs no time"),
    }
}

#[test]
fn nothing_is_left_of_a_sessions_secret_or_token() {
    assert_eq!(left_of_key("session"), [""; 0]);
}

#[test]
fn nothing_is_left_of_the_bytes_of_a_key() {
    assert_eq!(left_of_key("bytes"), [""; 0]);
}

#[test]
fn nothing_is_left_of_a_key_that_was_text() {
    assert_eq!(left_of_key("text"), [""; 0]);
}

#[test]
fn nothing_is_left_of_a_key_from_a_file() {
    assert_eq!(left_of_key("file"), [""; 0]);
}

#[test]
fn nothing_is_left_of_a_key_that_a_file_no_longer_has() {
    assert_eq!(left_of_key("reloaded"), [""; 0]);
}

/// Where it stands until the end, whatever the process does.
#[test]
fn of_a_key_from_the_environment_only_the_environment_is_left() {
    assert_eq!(left_of_key("environment"), ["text FirstStack"]);
}

#[test]
fn a_key_that_is_kept_is_found() {
    let left = left_of_key("kept");
    assert!(left.contains(&"key Elsewhere".to_owned()), "{left:?}");
}
