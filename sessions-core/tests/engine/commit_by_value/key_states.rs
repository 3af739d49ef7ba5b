//! What the state of a key means for the tokens that were made under it.

use sessions_core::{
    ConfigError, KeyError, KeyId,
    engine::{Engine, SessionStatus},
    options::Options,
    protection::{Encrypted, Key, KeyRing, Signed},
};

use crate::support::{Client, Login, Said, World, at_once, decode, key, login, ring};

/// One engine of each kind that has keys: by value, and by id.
fn kinds(world: &World, keys: &KeyRing) -> [Engine<Login>; 3] {
    [
        world.client_side(&Encrypted::new(keys)),
        world.client_side(&Signed::new(keys)),
        world.server_with(|options| options.signed(keys)),
    ]
}

/// Clients with a session of each kind under these keys.
fn clients(world: &World, keys: &KeyRing) -> Vec<Client<Login>> {
    kinds(world, keys)
        .iter()
        .map(|engine| at_once(world.alice(engine)))
        .collect()
}

/// The id of the key that a token names.
fn named(client: &Client<Login>) -> String {
    let bytes = decode(client.token());
    bytes[1..5].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_upcoming_key_opens_and_makes_nothing() {
    let world = World::new();
    let keys = ring(1).with_upcoming(key(2));
    for (client, engine) in clients(&world, &ring(2)).iter().zip(kinds(&world, &keys)) {
        assert_eq!(at_once(client.at(&engine).sees()).unwrap().visits, 1);
        assert_eq!(named(&at_once(world.alice(&engine))), key(1).id().to_string());
        // What it opened is made anew under the current one.
        let mut client = client.at(&engine);
        at_once(client.does(|slot| slot.start(login("alice", 2))));
        assert_eq!(named(&client), key(1).id().to_string());
    }
}

#[test]
fn a_token_of_a_revoked_key_is_dead_and_removed_and_one_of_an_unknown_key_is_kept() {
    let world = World::new();
    let old = clients(&world, &ring(1));
    let revoked = ring(1).rotate(key(2)).revoke(key(1).id());
    let (gone, rotated) = (ring(2), ring(1).rotate(key(2)));
    for (index, client) in old.iter().enumerate() {
        let at = |keys: &KeyRing| client.at(&kinds(&world, keys)[index]);
        assert_eq!(at_once(at(&rotated).status()), SessionStatus::Live);
        world.storage.calls();
        assert_eq!(at_once(at(&revoked).status()), SessionStatus::Invalid);
        assert_eq!(at_once(at(&revoked).reads()), Said::Removed);
        assert_eq!(at_once(at(&gone).status()), SessionStatus::Stale);
        assert_eq!(at_once(at(&gone).reads()), Said::Nothing);
        assert_eq!(world.storage.calls(), [], "nothing is asked for either");
    }
}

#[test]
fn taking_a_key_away_ends_its_own_tokens_and_no_others() {
    let world = World::new();
    let tokens: Vec<_> = (1..=4).map(|seed| clients(&world, &ring(seed))).collect();
    let all = ring(1).rotate(key(2)).rotate(key(3)).with_upcoming(key(4));
    for (revoked, seed) in [(1, 0), (2, 1), (4, 3)] {
        let engines = kinds(&world, &all.clone().revoke(key(revoked).id()));
        for (index, clients) in tokens.iter().enumerate() {
            for (client, engine) in clients.iter().zip(&engines) {
                let status = at_once(client.at(engine).status());
                let expected = if index == seed {
                    SessionStatus::Invalid
                } else {
                    SessionStatus::Live
                };
                assert_eq!(status, expected, "key {}, revoked {revoked}", index + 1);
            }
        }
    }
}

#[test]
fn a_key_is_rotated_through_two_nodes_and_nobody_is_logged_out() {
    let world = World::new();
    let (old, new) = (key(1), key(2));
    let steps = |old: &Key, new: &Key| {
        [
            KeyRing::new(old.clone()),
            KeyRing::new(old.clone()).with_upcoming(new.clone()),
            KeyRing::new(old.clone()).rotate(new.clone()),
        ]
    };
    // At each step one node is ahead of the other by at most one.
    for [ahead, behind] in [[1, 0], [1, 1], [2, 1], [2, 2]] {
        let nodes = [ahead, behind].map(|step| kinds(&world, &steps(&old, &new)[step]));
        let [one, other] = &nodes;
        let (there, back) = (one.iter().zip(other), other.iter().zip(one));
        for (makes, opens) in there.chain(back) {
            let client = at_once(world.alice(makes));
            let mut client = client.at(opens);
            assert_eq!(at_once(client.sees()).unwrap().visits, 1);
            at_once(client.does(|slot| slot.start(login("alice", 2))));
            assert_eq!(at_once(client.at(makes).sees()).unwrap().visits, 2);
        }
    }
}

#[test]
fn a_running_server_takes_other_keys_in_all_clones_and_protections_at_once() {
    let world = World::new();
    let keys = ring(1);
    let engines = kinds(&world, &keys.clone());
    let before = clients(&world, &ring(1));
    let after = clients(&world, &ring(2));

    keys.replace(&ring(1).rotate(key(2))).unwrap();
    for ((engine, before), after) in engines.iter().zip(&before).zip(&after) {
        assert!(at_once(before.at(engine).sees()).is_some());
        assert!(at_once(after.at(engine).sees()).is_some());
        assert_eq!(named(&at_once(world.alice(engine))), key(2).id().to_string());
    }
    assert_eq!(keys.clone().current(), key(2).id());

    keys.replace(&ring(2).revoke(key(1).id())).unwrap();
    for (engine, before) in engines.iter().zip(&before) {
        assert_eq!(at_once(before.at(engine).status()), SessionStatus::Invalid);
    }
    // And a protection that is bound later has them, too.
    for (engine, after) in kinds(&world, &keys).iter().zip(&after) {
        assert!(at_once(after.at(engine).sees()).is_some());
    }
}

#[test]
fn keys_that_cannot_be_together_change_nothing() {
    let world = World::new();
    let keys = ring(1);
    let engines = kinds(&world, &keys);
    let clients = clients(&world, &ring(1));
    let twice = ring(2).with_upcoming(key(2));
    assert!(matches!(keys.replace(&twice), Err(ConfigError::DuplicateKey)));
    let revoked = ring(2).revoke(key(2).id());
    assert!(matches!(keys.replace(&revoked), Err(ConfigError::RevokedKey(id)) if id == key(2).id()));
    for (engine, client) in engines.iter().zip(&clients) {
        assert!(at_once(client.at(engine).sees()).is_some());
        assert_eq!(named(&at_once(world.alice(engine))), key(1).id().to_string());
    }
}

#[test]
fn a_ring_whose_current_key_is_revoked_is_a_mistake_that_names_it() {
    let world = World::new();
    let built = Engine::<Login>::client_side(
        &world.environment,
        &Encrypted::new(&ring(1).revoke(key(1).id())),
        &Options::of::<Login>(),
    );
    let Err(error @ ConfigError::RevokedKey(_)) = built else {
        panic!("it was accepted");
    };
    assert!(error.to_string().contains(&key(1).id().to_string()), "{error}");
}

#[test]
fn rotating_to_an_upcoming_key_makes_it_the_current_one() {
    let keys = ring(1).with_upcoming(key(2)).rotate(key(2));
    World::new().client_side::<Login>(&Encrypted::new(&keys));
    assert_eq!(keys.current(), key(2).id());
}

#[test]
fn the_id_of_a_key_is_read_as_it_is_shown() {
    let id = key(1).id();
    assert_eq!(id.to_string().len(), 8);
    assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
    assert_eq!(id.to_string().to_uppercase().parse::<KeyId>().unwrap(), id);
    for text in [
        "",
        "1f0c44a",
        "1f0c44ab0",
        "+1f0c44a",
        "1f0c44ag",
        " 1f0c44ab",
        "ä1f0c44",
    ] {
        assert!(matches!(text.parse::<KeyId>(), Err(KeyError::Id)), "{text}");
    }
}

#[test]
fn one_secret_leads_to_one_key_and_a_weak_one_to_none() {
    let secret = |last: u8| [&[7; 40][..], &[last]].concat();
    let derived = |last| Key::derived_from(&secret(last)).unwrap();
    assert_eq!(derived(1).expose_base64(), derived(1).expose_base64());
    assert_ne!(derived(1).id(), derived(2).id());
    // A secret that is a key already leads to another one.
    let own = Key::from_bytes(&secret(1)[9..]).unwrap();
    assert_ne!(Key::derived_from(&secret(1)[9..]).unwrap().id(), own.id());
    assert!(matches!(
        Key::derived_from(&secret(1)[10..]),
        Err(KeyError::Secret(31))
    ));
    assert!(matches!(Key::derived_from(&[7; 64]), Err(KeyError::Weak)));
    assert!(matches!(Key::derived_from(b""), Err(KeyError::Secret(0))));
}
