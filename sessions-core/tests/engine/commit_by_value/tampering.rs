//! What was changed, moved or made up is no session, whatever it is; and no panic, and no error.

use proptest::prelude::*;
use sessions_core::{
    engine::{Engine, SessionStatus},
    protection::{Encrypted, KeyRing, Plain, Protection, Signed, Suite},
};

use crate::support::{Client, Login, Said, World, at_once, decode, encode, key, login, ring};

/// One engine of each kind, with one key.
fn kinds(world: &World) -> Vec<(&'static str, Engine<Login>)> {
    let keys = ring(1);
    vec![
        ("by id", world.server()),
        (
            "by id, signed",
            world.server_with(|options| options.signed(&keys)),
        ),
        ("encrypted", world.client_side(&Encrypted::new(&keys))),
        ("signed", world.client_side(&Signed::new(&keys))),
        (
            "encrypted, in the other suite",
            world.client_side(&Encrypted::new(&KeyRing::new(
                key(1).with_suite(Suite::ChaCha20Poly1305),
            ))),
        ),
        (
            "signed and encrypted",
            world.client_side(&Signed::new(&keys).then(Encrypted::new(&keys))),
        ),
    ]
}

#[track_caller]
fn is_no_session(engine: &Engine<Login>, token: &str) {
    let mut client = Client::showing(engine, [token]);
    let slot = at_once(client.open());
    assert!(
        matches!(slot.status(), SessionStatus::Invalid | SessionStatus::Stale),
        "{:?}",
        slot.status()
    );
    assert_eq!(slot.get(), None);
    let said = at_once(client.ends(&slot)).unwrap();
    assert!(matches!(said, Said::Nothing | Said::Removed), "{said:?}");
}

#[test]
fn a_token_with_any_one_bit_changed_is_no_session() {
    let world = World::new();
    for (kind, engine) in kinds(&world) {
        let client = at_once(world.alice(&engine));
        let bytes = decode(client.token());
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            is_no_session(&engine, &encode(&changed));
        }
        assert_eq!(at_once(client.sees()).unwrap().visits, 1, "{kind}");
    }
}

#[test]
fn a_token_with_any_one_character_changed_is_no_session() {
    let world = World::new();
    for (_, engine) in kinds(&world) {
        let client = at_once(world.alice(&engine));
        for index in 0..client.token().len() {
            for character in ['A', 'z', '_', '-', '+', '/', '=', ' ', '%', '\0', '\u{7f}'] {
                let mut changed: Vec<char> = client.token().chars().collect();
                if std::mem::replace(&mut changed[index], character) != character {
                    is_no_session(&engine, &changed.into_iter().collect::<String>());
                }
            }
        }
    }
}

#[test]
fn one_token_has_one_text() {
    let world = World::new();
    for (_, engine) in kinds(&world) {
        let client = at_once(world.alice(&engine));
        let token = client.token();
        // The bits of the last character that carry nothing are nothing.
        for last in 'A'..='z' {
            let mut changed = token[..token.len() - 1].to_owned();
            changed.push(last);
            if changed != token {
                is_no_session(&engine, &changed);
            }
        }
        for text in [
            format!("{token}="),
            format!("{token}=="),
            format!(" {token}"),
            format!("{token} "),
            format!("{token}\n"),
            format!("\"{token}\""),
            format!("{token}{token}"),
        ] {
            is_no_session(&engine, &text);
        }
    }
}

#[test]
fn a_token_cut_short_or_drawn_out_is_no_session() {
    let world = World::new();
    for (_, engine) in kinds(&world) {
        let client = at_once(world.alice(&engine));
        let (token, bytes) = (client.token(), decode(client.token()));
        for len in 0..token.len() {
            is_no_session(&engine, &token[..len]);
            is_no_session(&engine, &token[len + 1..]);
        }
        for len in 0..bytes.len() {
            is_no_session(&engine, &encode(&bytes[..len]));
            is_no_session(&engine, &encode(&bytes[len + 1..]));
        }
        for more in [1, 2, 16, 32, 1000, 5000] {
            let mut longer = bytes.clone();
            longer.resize(bytes.len() + more, 0);
            is_no_session(&engine, &encode(&longer));
        }
    }
}

#[test]
fn a_token_opens_nothing_under_another_name_or_in_another_application() {
    let world = World::new();
    let mut shop = World::new();
    shop.environment.application = "shop".into();
    shop.storage = world.storage.clone();
    let keys = ring(1);
    for (index, (_, engine)) in kinds(&world).into_iter().enumerate() {
        let client = at_once(world.alice(&engine));
        is_no_session(&kinds(&shop)[index].1, client.token());
    }
    let (encrypted, signed) = (Encrypted::new(&keys), Signed::new(&keys));
    let protections: [&dyn Protection; 2] = [&encrypted, &signed];
    for protection in protections {
        let client = at_once(world.alice(&world.client_side(protection)));
        let renamed = world.client_side_with::<Login>(protection, |options| options.name("log"));
        is_no_session(&renamed, client.token());
    }
    // What moves from the application's name into the session's is another name all the same.
    let mut split = World::new();
    split.environment.application = "log".into();
    let one = split.client_side_with::<Login>(&encrypted, |options| options.name("in"));
    let other = world.client_side_with::<Login>(&encrypted, |options| options.name("login"));
    is_no_session(&other, at_once(split.alice(&one)).token());
}

#[test]
fn a_token_of_one_kind_opens_nothing_of_another_under_the_same_key() {
    let world = World::new();
    for (of, engine) in kinds(&world) {
        let client = at_once(world.alice(&engine));
        for (at, other) in kinds(&world) {
            if of != at {
                is_no_session(&other, client.token());
            }
        }
    }
}

#[test]
fn a_token_under_an_unknown_key_or_of_an_unknown_version_is_stale_and_is_replaced() {
    let world = World::new();
    let known = world.client_side::<Login>(&Encrypted::new(&ring(1)));
    let strange = at_once(world.alice(&world.client_side(&Encrypted::new(&ring(2)))));
    let mut newer = decode(at_once(world.alice(&known)).token());
    newer[0] += 1;
    for token in [strange.token().to_owned(), encode(&newer)] {
        let mut client = Client::showing(&known, [token]);
        assert_eq!(at_once(client.status()), SessionStatus::Stale);
        assert_eq!(at_once(client.reads()), Said::Nothing);
        assert_eq!(at_once(client.does(|slot| slot.rotate_id())), Said::Nothing);
        assert_eq!(at_once(client.clone().does(|slot| slot.clear())), Said::Removed);
        assert_eq!(at_once(client.does(|slot| slot.set(login("bob", 4)))), Said::Sent);
        assert_eq!(at_once(client.sees()).unwrap().visits, 4);
    }
}

/// Opens an unprotected token, which may well be a session, and does with it what handlers do.
fn survives(engine: &Engine<Login>, token: &str) {
    let mut client = Client::showing(engine, [token]);
    let slot = at_once(client.open());
    let _ = (slot.get(), slot.status(), slot.created_at(), slot.is_new());
    let _ = slot.expires_at().map(std::time::SystemTime::from);
    if let Some(id) = slot.public_id() {
        assert_eq!(id.to_string().parse::<sessions_core::PublicId>().unwrap(), id);
    }
    let _ = at_once(slot.update(|login| login.visits = login.visits.wrapping_add(1)));
    let _ = slot.rotate_id();
    let _ = at_once(client.ends(&slot));
}

#[test]
fn an_unprotected_token_can_be_changed_at_will_and_breaks_nothing() {
    let world = World::new();
    let engine = world.client_side::<Login>(&Plain);
    let client = at_once(world.alice(&engine));
    let bytes = decode(client.token());
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        survives(&engine, &encode(&changed));
    }
    for len in 0..bytes.len() {
        survives(&engine, &encode(&bytes[..len]));
    }
}

#[test]
fn a_forged_handle_of_any_length_can_be_shown() {
    let world = World::new();
    let engine = world.client_side::<Login>(&Plain);
    let client = at_once(world.alice(&engine));
    let id = at_once(client.open()).public_id().unwrap();
    let bytes = decode(client.token());
    let at = bytes
        .windows(16)
        .position(|window| window == id.as_bytes())
        .unwrap();
    assert_eq!(bytes[at - 1], 0, "the kind of handle");
    for len in [0_u8, 1, 15, 16, 17, 64, 65, 87, 100, 250] {
        let mut forged = bytes[3..at - 1].to_vec();
        forged.extend([1, len]);
        forged.resize(forged.len() + usize::from(len), 7);
        let rest = &bytes[at + 16..];
        let header = u16::from_be_bytes([bytes[1], bytes[2]]) + u16::from(len) + 1 - 16;
        forged.extend(rest);
        let token = [&[0][..], &header.to_be_bytes(), &forged].concat();
        survives(&engine, &encode(&token));
        let slot = at_once(Client::showing(&engine, [encode(&token)]).open());
        assert_eq!(slot.get().is_some(), (16..=64).contains(&len), "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_all_are_no_session(bytes: Vec<u8>, prefix in 0..3_u8) {
        let world = World::new();
        for (_, engine) in kinds(&world) {
            let own = decode(at_once(world.alice(&engine)).token());
            let mut forged = own[..usize::from(prefix) * 5].to_vec();
            forged.extend(&bytes);
            is_no_session(&engine, &encode(&forged));
            if let Ok(text) = std::str::from_utf8(&bytes) {
                is_no_session(&engine, text);
            }
        }
        let mut plain = vec![0];
        plain.extend(&bytes);
        survives(&world.client_side(&Plain), &encode(&plain));
    }
}

#[test]
fn a_retired_key_opens_and_what_is_sent_next_is_under_the_current_one() {
    let world = World::new();
    for signed in [false, true] {
        let engine = |keys: &KeyRing| {
            if signed {
                world.client_side::<Login>(&Signed::new(keys))
            } else {
                world.client_side::<Login>(&Encrypted::new(keys))
            }
        };
        let old = at_once(world.alice(&engine(&ring(1))));
        let rotated = engine(&ring(1).rotate(key(2)));
        let mut client = old.at(&rotated);
        assert_eq!(at_once(client.sees()).unwrap().visits, 1);
        assert_eq!(at_once(client.reads()), Said::Nothing);
        let set = |slot: &sessions_core::engine::Slot<Login>| slot.set(login("alice", 2));
        assert_eq!(at_once(client.does(set)), Said::Sent);
        let without = engine(&ring(2));
        assert_eq!(at_once(client.at(&without).sees()).unwrap().visits, 2);
        assert_eq!(at_once(old.at(&without).status()), SessionStatus::Stale);
    }
}
