//! Two suites at once: the key says how a token is read, and the token never does.

use sessions_core::{
    ConfigError, KeyError,
    engine::{Engine, SessionStatus},
    options::Options,
    protection::{Encrypted, Key, KeyRing, Signed, Suite},
};

use crate::support::{Client, Login, Note, Said, World, at_once, decode, encode, key, login, mins, ring};

fn other(seed: u8) -> Key {
    key(seed).with_suite(Suite::ChaCha20Poly1305)
}

fn engine(world: &World, keys: &KeyRing) -> Engine<Login> {
    world.client_side(&Encrypted::new(keys))
}

/// Whether the token is of this key.
fn is_of(client: &Client<Login>, key: &Key) -> bool {
    let named: String = decode(client.token())[1..5]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    named == key.id().to_string()
}

#[test]
fn a_token_of_the_other_suite_opens_and_is_sealed_anew_under_the_current_one() {
    let world = World::new();
    for (old, new) in [(key(1), other(2)), (other(1), key(2)), (key(1), other(1))] {
        let before = engine(&world, &KeyRing::new(old.clone()));
        let after = engine(&world, &KeyRing::new(old.clone()).rotate(new.clone()));
        let client = at_once(world.alice(&before));
        assert!(is_of(&client, &old));

        let mut reads = client.at(&after);
        assert_eq!(at_once(reads.reads()), Said::Nothing);
        let mut writes = client.at(&after);
        at_once(writes.does(|slot| slot.set(login("alice", 2))));
        // Its activity is written down.
        world.pass(mins(5));
        assert_eq!(at_once(reads.reads()), Said::Sent);
        for (client, visits) in [(reads, 1), (writes, 2)] {
            assert!(is_of(&client, &new));
            let alone = engine(&world, &KeyRing::new(new.clone()));
            assert_eq!(at_once(client.at(&alone).sees()).unwrap().visits, visits);
        }
    }
}

#[test]
fn one_key_in_two_suites_is_two_keys_so_that_nodes_that_disagree_leave_each_others_tokens() {
    let world = World::new();
    let engines = [KeyRing::new(key(1)), KeyRing::new(other(1))].map(|keys| engine(&world, &keys));
    for (made, opened) in [(0, 1), (1, 0)] {
        let mut client = at_once(world.alice(&engines[made])).at(&engines[opened]);
        assert_eq!(at_once(client.status()), SessionStatus::Stale);
        assert_eq!(at_once(client.reads()), Said::Nothing);
    }
}

#[test]
fn a_token_that_claims_the_other_suite_is_forged() {
    let world = World::new();
    let (one, two) = (
        KeyRing::new(key(1)).rotate(other(1)),
        KeyRing::new(other(1)).rotate(key(1)),
    );
    for (made, claimed) in [(&one, key(1)), (&two, other(1))] {
        let engine = engine(&world, made);
        let mut token = decode(at_once(world.alice(&engine)).token());
        let id = u32::from_str_radix(&claimed.id().to_string(), 16).unwrap();
        token[1..5].copy_from_slice(&id.to_be_bytes());
        let client = Client::showing(&engine, [encode(&token)]);
        assert_eq!(at_once(client.status()), SessionStatus::Invalid);
    }
}

#[test]
fn a_key_is_of_no_suite_where_it_only_signs() {
    let world = World::new();
    let engine: Engine<Login> = world.client_side(&Signed::new(&KeyRing::new(other(1)).rotate(key(1))));
    for key in [key(1), other(1)] {
        let client = at_once(world.alice(&world.client_side(&Signed::new(&KeyRing::new(key)))));
        assert!(at_once(client.at(&engine).sees()).is_some());
    }
}

#[test]
fn the_same_key_and_suite_twice_is_a_mistake() {
    let built = Engine::<Login>::client_side(
        &World::new().environment,
        &Encrypted::new(&KeyRing::new(other(1)).rotate(key(2)).rotate(other(1))),
        &Options::of::<Login>(),
    );
    assert!(matches!(built, Err(ConfigError::DuplicateKey)));
}

#[test]
fn a_rings_text_names_the_suite_of_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let read = |text: String| {
        std::fs::write(&path, text).unwrap();
        KeyRing::from_file(&path)
    };
    let [one, two, three] = [1, 2, 3].map(|seed| key(seed).expose_base64().to_string());
    let keys = read(format!(
        "chacha20-poly1305:{one}\naes-256-gcm-siv:{two}\nrevoked chacha20-poly1305:{three}"
    ));
    let keys = keys.unwrap();
    assert_eq!(keys.current(), other(1).id());
    let world = World::new();
    let status = |key: Key| {
        let client = at_once(world.alice(&engine(&world, &KeyRing::new(key))));
        at_once(client.at(&engine(&world, &keys)).status())
    };
    assert_eq!(status(other(1)), SessionStatus::Live);
    assert_eq!(status(key(2)), SessionStatus::Live);
    assert_eq!(status(other(3)), SessionStatus::Invalid);
    assert_eq!(status(key(3)), SessionStatus::Invalid);
    let Err(KeyError::InFile { line: 1, source, .. }) = read(format!("current rot13:{one}")) else {
        panic!("it was taken");
    };
    assert!(matches!(*source, KeyError::Suite));
    assert!(ring(1).current() == key(1).id() && key(1).suite() == Suite::Aes256GcmSiv);
}

#[test]
fn a_key_that_is_revoked_is_that_for_the_other_suite_too() {
    let world = World::new();
    for (one, two) in [(key(1), other(1)), (other(1), key(1))] {
        let clients =
            [&one, &two].map(|key| at_once(world.alice(&engine(&world, &KeyRing::new(key.clone())))));
        for ring in [
            KeyRing::new(key(2))
                .with_upcoming(one.clone())
                .with_upcoming(two.clone()),
            KeyRing::new(one.clone()).rotate(two.clone()).rotate(key(2)),
            KeyRing::new(one.clone()).rotate(key(2)),
        ] {
            let engine = engine(&world, &ring.revoke(one.id()));
            for client in &clients {
                assert_eq!(at_once(client.at(&engine).status()), SessionStatus::Invalid);
                assert_eq!(at_once(client.at(&engine).reads()), Said::Removed);
            }
        }
        for ring in [
            KeyRing::new(two.clone()).revoke(one.id()),
            ring(2).revoke(one.id()).with_upcoming(two.clone()),
        ] {
            let built = ring_error(&world, &ring);
            assert!(
                matches!(built, ConfigError::RevokedKey(id) if [one.id(), two.id()].contains(&id)),
                "{built}"
            );
        }
    }
}

fn ring_error(world: &World, ring: &KeyRing) -> ConfigError {
    let options = Options::of::<Login>();
    match Engine::<Login>::client_side(&world.environment, &Encrypted::new(ring), &options) {
        Err(error) => error,
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn a_rings_text_cannot_use_what_it_has_revoked_for_another_suite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let [one, two] = [1, 2].map(|seed| key(seed).expose_base64().to_string());
    let (id, other_id) = (key(2).id(), other(2).id());
    for (text, line) in [
        (format!("{one}\nretired {two}\nrevoked {other_id}"), Some(3)),
        (
            format!("{one}\nretired {two}\nrevoked chacha20-poly1305:{two}"),
            Some(3),
        ),
        (
            format!("{one}\nrevoked {id}\nretired chacha20-poly1305:{two}"),
            Some(3),
        ),
        (
            format!("{one}\nrevoked {two}\nretired chacha20-poly1305:{two}"),
            Some(3),
        ),
        (
            format!("{one}\nrevoked {two}\nrevoked chacha20-poly1305:{two}"),
            None,
        ),
        (format!("{one}\nrevoked {id}\nrevoked {other_id}"), None),
        (
            format!("{one}\nretired {two}\nretired chacha20-poly1305:{two}"),
            None,
        ),
    ] {
        std::fs::write(&path, &text).unwrap();
        let mistake = match KeyRing::from_file(&path) {
            Ok(_) => None,
            Err(KeyError::InFile { line, source, .. }) => {
                assert!(matches!(*source, KeyError::Listed), "{source}");
                Some(line)
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(mistake, line);
    }
}

#[test]
fn a_session_that_fits_no_longer_under_the_suite_of_the_new_key_is_read_and_stays_as_it_is() {
    let world = World::new();
    let ring = KeyRing::new(key(1));
    let before = world.client_side::<Note>(&Encrypted::new(&ring));
    let after = world.client_side::<Note>(&Encrypted::new(&ring.rotate(other(2))));
    // As long as fits: the other suite's tokens are longer by some bytes.
    let longest = (2000..4000).rev().map(|length| "x".repeat(length));
    let mut client = Client::new(&before);
    let slot = at_once(client.open());
    let text = { longest }
        .find(|text| slot.set(Note::new(text.clone())).is_ok())
        .unwrap();
    at_once(client.ends(&slot)).unwrap();
    world.pass(mins(5));
    let mut reads = client.at(&after);
    assert_eq!(
        at_once(reads.reads()),
        Said::Nothing,
        "its activity cannot be sent"
    );
    assert_eq!(at_once(reads.sees()).unwrap().text, text);
    let slot = at_once(reads.open());
    assert!(
        slot.set(Note::new(format!("{text}y"))).is_err(),
        "who writes is told"
    );
}
