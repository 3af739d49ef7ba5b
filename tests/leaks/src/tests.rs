use std::{error::Error, panic::catch_unwind};

use super::*;

/// By id: a handle, then a secret.
const fn id(seed: u32) -> [u8; 48] {
    let mut bytes = [0; 48];
    let (mut index, mut state) = (0, seed);
    while index < 48 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes[index] = (state >> 24) as u8;
        index += 1;
    }
    bytes
}

const ID: [u8; 48] = id(11);

fn shows(text: impl AsRef<[u8]>) -> bool {
    net().caught(text.as_ref()).is_some()
}

/// Every form of a secret, and parts of them.
fn forms(id: &[u8; 48]) -> Vec<String> {
    let secret = &id[16..];
    let hex: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
    vec![
        URL_SAFE_NO_PAD.encode(id),
        URL_SAFE_NO_PAD.encode(id)[22..38].to_owned(),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(secret),
        STANDARD.encode(&secret[1..]),
        hex.to_uppercase(),
        hex[40..56].to_owned(),
        hex[41..58].to_owned(),
        format!("{secret:?}"),
        format!("{secret:#?}"),
        format!("{:?}", &secret[10..20]),
    ]
}

#[test]
fn every_form_and_every_part_of_a_secret_is_caught() {
    remember_token(URL_SAFE_NO_PAD.encode(ID).as_bytes());
    for shown in forms(&ID) {
        assert!(shows(format!("so it is: {shown}")), "{shown}");
    }
    assert!(shows(ID));
}

#[test]
fn a_public_id_may_be_shown() {
    remember_token(URL_SAFE_NO_PAD.encode(ID).as_bytes());
    assert!(!shows(URL_SAFE_NO_PAD.encode(&ID[..16])));
    assert!(!shows(format!("{:?}", &ID[..16])));
}

#[test]
fn a_public_id_may_be_shown_that_a_signed_token_shows() {
    let public_id = URL_SAFE_NO_PAD.encode(&id(12)[..16]);
    let token = format!("{public_id}{public_id}{}", "A-_z".repeat(30));
    remember_token(token.as_bytes());
    assert!(!shows(format!("id={public_id} is live")));
    assert!(!shows(format!("PublicId({public_id})")));
    assert!(shows(format!("id={public_id}A")));
    assert!(shows(&public_id[..21]));
    assert!(shows(token));
}

#[test]
fn of_a_sealed_token_everything_is_secret() {
    let sealed: Vec<u8> = ID.iter().chain(&ID).map(|octet| octet ^ 85).collect();
    let token = URL_SAFE_NO_PAD.encode(sealed);
    remember_token(token.as_bytes());
    for at in 0..token.len() - 16 {
        assert!(shows(&token[at..at + 16]));
    }
}

#[test]
fn what_is_logged_is_caught_at_every_level_and_in_spans_and_causes() {
    let secret = "a secret of some length";
    remember(secret.as_bytes());
    let caught = |log: fn(&str)| {
        log(secret);
        catch_unwind(check_log).is_err()
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
fn what_was_logged_before_it_is_known_as_a_secret_is_caught_in_every_form() {
    watch();
    for (seed, form) in (20..).zip(0..forms(&ID).len()) {
        let id = id(seed);
        tracing::trace!(target: "sessions_test", "{}", forms(&id)[form]);
        check_log();
        let remembered = catch_unwind(|| remember_token(URL_SAFE_NO_PAD.encode(id).as_bytes()));
        assert!(remembered.is_err(), "{form}");
    }
    tracing::trace!(target: "sessions_test", "what was a text before it was a secret");
    assert!(catch_unwind(|| remember(b"a text before it")).is_err());
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
    remember(b"another secret of some length");
    check_error(&Outer(std::io::Error::other("another secret of some length")));
}
