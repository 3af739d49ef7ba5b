//! Tokens that are put together from good ones, and what reaches a storage of what is no token at all.

use proptest::prelude::*;
use sessions_core::{
    engine::{Engine, SessionStatus},
    protection::{Encrypted, Key, KeyRing, Protection, Signed, Suite},
};

use crate::support::{Client, Login, Note, World, at_once, decode, encode, key, login, ring};

fn kinds(world: &World) -> Vec<Engine<Login>> {
    let keys = ring(1).rotate(key(2));
    let (encrypted, signed) = (Encrypted::new(&keys), Signed::new(&keys));
    vec![
        world.server(),
        world.server_with(|options| options.signed(&keys)),
        world.client_side(&encrypted),
        world.client_side(&signed),
        world.client_side(&signed.then(encrypted.clone())),
        world.client_side(&Encrypted::new(&other_suite())),
    ]
}

fn other_suite() -> KeyRing {
    let key = |seed| key(seed).with_suite(Suite::ChaCha20Poly1305);
    KeyRing::new(key(1)).rotate(key(2))
}

fn bytes_of(world: &World, engine: &Engine<Login>) -> Vec<u8> {
    decode(at_once(world.alice(engine)).token())
}

#[track_caller]
fn is_no_session(engine: &Engine<Login>, bytes: &[u8]) {
    let slot = at_once(Client::showing(engine, [encode(bytes)]).open());
    let status = slot.status();
    assert!(
        matches!(status, SessionStatus::Invalid | SessionStatus::Stale),
        "{status:?}"
    );
    assert_eq!(slot.get(), None);
}

#[test]
fn the_head_of_one_token_and_the_tail_of_another_are_no_session() {
    let world = World::new();
    for engine in kinds(&world) {
        let (one, other) = (bytes_of(&world, &engine), bytes_of(&world, &engine));
        assert_eq!(one.len(), other.len());
        for cut in 0..one.len() {
            let spliced = [&one[..cut], &other[cut..]].concat();
            // Where both have the same head, it is one of the two.
            if spliced != one && spliced != other {
                is_no_session(&engine, &spliced);
            }
        }
        is_no_session(&engine, &[&one[..], &other].concat());
    }
}

#[test]
fn two_parts_of_a_token_that_have_changed_places_are_no_session() {
    let world = World::new();
    for engine in kinds(&world) {
        let token = bytes_of(&world, &engine);
        for len in [1, 4, 16] {
            for at in 0..token.len() - 2 * len {
                let mut swapped = token.clone();
                swapped[at..at + 2 * len].rotate_left(len);
                if swapped != token {
                    is_no_session(&engine, &swapped);
                }
            }
        }
    }
}

#[test]
fn a_token_that_names_another_key_of_the_ring_or_another_version_is_no_session() {
    let world = World::new();
    for (index, engine) in kinds(&world).iter().enumerate().skip(1) {
        let suite = if index == 5 {
            Suite::ChaCha20Poly1305
        } else {
            Suite::Aes256GcmSiv
        };
        let key_id = |seed| key_id(&key(seed).with_suite(suite));
        let token = bytes_of(&world, engine);
        assert_eq!(token[1..5], key_id(2));
        let mut renamed = token.clone();
        renamed[1..5].copy_from_slice(&key_id(1));
        is_no_session(engine, &renamed);
        assert_eq!(
            at_once(Client::showing(engine, [encode(&renamed)]).status()),
            SessionStatus::Invalid,
            "a key that is known is not another node's"
        );
        for version in (0..=u8::MAX).filter(|version| *version != token[0]) {
            let mut renamed = token.clone();
            renamed[0] = version;
            is_no_session(engine, &renamed);
        }
    }
}

fn key_id(key: &Key) -> [u8; 4] {
    let id = u32::from_str_radix(&key.id().to_string(), 16).unwrap();
    id.to_be_bytes()
}

#[test]
fn a_token_of_another_data_class_under_the_same_name_is_no_session() {
    let world = World::new();
    let (encrypted, signed) = (Encrypted::new(&ring(1)), Signed::new(&ring(1)));
    let protections: [&dyn Protection; 2] = [&encrypted, &signed];
    for protection in protections {
        let notes = world.client_side_with::<Note>(protection, |options| options.name("login"));
        let mut client = Client::new(&notes);
        at_once(client.does(|slot| slot.start(Note::new("\u{1}"))));
        let logins = world.client_side::<Login>(protection);
        is_no_session(&logins, &decode(client.token()));
    }
}

#[test]
fn a_signed_token_that_was_changed_asks_nothing_of_the_storage() {
    let world = World::new();
    let keys = ring(1);
    let engine = world.server_with::<Login>(|options| options.signed(&keys));
    let token = bytes_of(&world, &engine);
    let strange = bytes_of(&world, &world.server_with(|options| options.signed(&ring(2))));
    world.storage.calls();
    for bit in 0..8 * token.len() {
        let mut changed = token.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        is_no_session(&engine, &changed);
    }
    for len in 0..token.len() {
        is_no_session(&engine, &token[..len]);
    }
    // The right handle and secret, without a signature or under a key that is not known.
    is_no_session(&engine, &token[5..token.len() - 32]);
    is_no_session(&engine, &strange);
    assert_eq!(world.storage.calls(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_at_all_reach_a_storage_whose_tokens_are_signed(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        named: bool,
    ) {
        let world = World::new();
        let keys = ring(1);
        let engine = world.server_with::<Login>(|options| options.signed(&keys));
        let mut forged = Vec::new();
        if named {
            forged.push(1);
            forged.extend(key_id(&key(1)));
        }
        forged.extend(&bytes);
        is_no_session(&engine, &forged);
        prop_assert_eq!(world.storage.calls(), []);
    }

    #[test]
    fn a_token_in_which_anything_is_replaced_is_no_session(
        at in any::<prop::sample::Index>(),
        len in 0..40_usize,
        with in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let world = World::new();
        for engine in kinds(&world) {
            let token = bytes_of(&world, &engine);
            let start = at.index(token.len());
            let end = (start + len).min(token.len());
            let changed = [&token[..start], &with, &token[end..]].concat();
            if changed != token {
                is_no_session(&engine, &changed);
            }
        }
    }
}

#[test]
fn what_is_put_together_here_is_a_session_where_nothing_is_changed() {
    let world = World::new();
    for engine in kinds(&world) {
        let token = encode(&bytes_of(&world, &engine));
        let seen = at_once(Client::showing(&engine, [token]).sees());
        assert_eq!(seen.as_deref(), Some(&login("alice", 1)));
    }
}
