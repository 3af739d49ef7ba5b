//! What is printed shows no secret.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
};

use serde::Serialize;
use sessions_core::{
    Token,
    engine::{Opening, Outcome, TokenAction},
    protection::{Encrypted, Key, KeyRing, Protection, Signed},
};

use crate::support::{Checked, Client, Login, World, decode, encode, key, key_bytes, login, ring};

/// Does not compile where a type is what it must not be: then it is not known which of two traits is meant.
macro_rules! is_none_of {
    ($type:ty: $($trait:path),+) => {$(
        const _: fn() = || {
            trait Known<Of> {
                fn known() {}
            }
            struct IsOne;
            impl<T: ?Sized> Known<()> for T {}
            impl<T: ?Sized + $trait> Known<IsOne> for T {}
            let _ = <$type as Known<_>>::known;
        };
    )+};
}

// Nothing that holds a secret is shown, sent or copied by mistake, or compared in a time that depends on it.
is_none_of!(Key: Display, Serialize, Copy, PartialEq, AsRef<[u8]>, Hash);
is_none_of!(KeyRing: Display, Serialize, Copy, PartialEq, Hash);
is_none_of!(Encrypted: Display, Serialize, Copy, PartialEq, Hash);
is_none_of!(Signed: Display, Serialize, Copy, PartialEq, Hash);
is_none_of!(Token: Display, Serialize, Copy, PartialEq, AsRef<str>, Hash);

#[track_caller]
fn hides(shown: &dyn Debug, secrets: &[String]) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        for secret in secrets {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
    }
}

/// How bytes could be printed.
fn forms(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        format!("{bytes:?}"),
        format!("{:?}", &bytes[..4]).trim_end_matches(']').to_owned(),
        hex.to_uppercase(),
        hex,
        encode(bytes),
    ]
}

#[test]
fn keys_and_what_holds_them_are_not_printed() {
    let keys = ring(1).rotate(key(2));
    let mut secrets = Vec::new();
    for seed in [1, 2] {
        secrets.push(key(seed).expose_base64().to_string());
        secrets.extend(forms(&key_bytes(seed)));
    }
    assert_eq!(format!("{:?}", key(1)), "Key(..)");
    hides(&keys, &secrets);
    hides(&Encrypted::new(&keys), &secrets);
    hides(&Signed::new(&keys).then(Encrypted::new(&keys)), &secrets);
    let world = World::new();
    hides(
        &world.server_with::<Login>(|options| options.signed(&keys)),
        &secrets,
    );
    hides(&world.client_side::<Login>(&Encrypted::new(&keys)), &secrets);
    hides(
        &sessions_core::options::Options::of::<Login>().signed(&keys),
        &secrets,
    );
}

#[tokio::test]
async fn tokens_and_records_and_slots_are_printed_without_what_opens_or_fills_them() {
    let world = World::new();
    for engine in [
        world.server_with(|options| options.always_send()),
        world.client_side_with(&Encrypted::new(&ring(1)), |options| options.always_send()),
    ] {
        let mut client = Client::new(&engine);
        let slot = client.open().await;
        slot.start(login("alice@example.org", 4711)).unwrap();
        let pending = format!("{slot:?}");
        client.ends(&slot).await.unwrap();
        let token = client.token().to_owned();
        let mut secrets = vec![token.clone(), "alice".to_owned(), "4711".to_owned()];
        secrets.extend(forms(&decode(&token)[16..48]));

        let slot = client.open().await;
        hides(&pending, &secrets);
        hides(&slot, &secrets);
        hides(&engine, &secrets);
        hides(&engine.open([token.as_bytes()], &()), &secrets);
        if let Opening::Loading(loading) = engine.open([token.as_bytes()], &()) {
            hides(&loading, &secrets);
            let record = world.record(&client).unwrap();
            secrets.extend(forms(&record.secrets.current.0));
            secrets.extend(forms(record.payload.as_bytes()));
            hides(&record, &secrets);
        }
        let refused = slot
            .update(|login| login.user = None)
            .await
            .checked()
            .unwrap_err();
        hides(&refused, &secrets);
        assert!(!refused.to_string().contains("alice"));
        let action = slot.commit(Outcome::Answered).await.unwrap();
        assert!(matches!(action, TokenAction::Send { .. }));
        hides(&action, &secrets);
    }
}
