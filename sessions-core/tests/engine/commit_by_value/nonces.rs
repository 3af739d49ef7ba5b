//! Half a million tokens under one key, made on all threads (ASVS 5.0, 11.3.4).

use std::thread;

use sessions_core::{
    Key,
    protection::{BoundProtection, Encrypted, KeyRing, Mode, Protection, Purpose, Suite},
};

use crate::support::key_bytes;

const THREADS: usize = 4;
const EACH: usize = 125_000;
/// Version and key id.
const PREFIX: usize = 5;

/// What each token of one key begins with behind its prefix, as many bytes as its suite has for it.
fn nonces<const N: usize>(suite: Suite) -> Vec<[u8; N]> {
    let ring = KeyRing::new(Key::from_bytes(&key_bytes(1)).unwrap().with_suite(suite));
    let purpose = Purpose {
        mode: Mode::ByValue,
        application: "",
        name: "login",
    };
    let protection = Encrypted::new(&ring).bind(&purpose).unwrap();
    let make = |protection: &dyn BoundProtection| {
        let token = |_| {
            let mut bytes = b"data".to_vec();
            protection.protect(&mut bytes).unwrap();
            bytes[PREFIX..PREFIX + N].try_into().unwrap()
        };
        (0..EACH).map(token).collect::<Vec<[u8; N]>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| make(protection.as_ref())))
            .collect();
        let made = threads.into_iter().map(|thread| thread.join().unwrap());
        made.collect::<Vec<_>>().concat()
    })
}

fn assert_distinct<const N: usize>(mut nonces: Vec<[u8; N]>) {
    nonces.sort_unstable();
    assert_eq!(nonces.len(), THREADS * EACH);
    assert!(nonces.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn of_half_a_million_tokens_on_all_threads_no_two_have_one_nonce_under_one_key() {
    assert_distinct(nonces::<12>(Suite::Aes256GcmSiv));
    assert_distinct(nonces::<24>(Suite::ChaCha20Poly1305));
}
