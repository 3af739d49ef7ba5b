//! A million ids and secrets.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::PublicId;
use crate::secret::Secret;

const COUNT: usize = 1_000_000;
const LEN: usize = PublicId::MIN_LEN + Secret::LEN;

/// How far a sum of `COUNT` draws, each 1 with this probability, may be from its mean: six standard deviations, which
/// a good generator exceeds in one of five hundred million sums.
fn is_likely(sum: u32, draws: usize, probability: f64) -> bool {
    let mean = draws as f64 * probability;
    (f64::from(sum) - mean).abs() < 6.0 * (mean * (1.0 - probability)).sqrt()
}

#[test]
fn each_bit_of_an_id_and_a_secret_is_as_often_one_as_none_and_no_two_are_the_same() {
    let mut values = [[0_u32; 256]; LEN];
    let mut symbols = [0_u32; 128];
    let mut ids = Vec::with_capacity(COUNT);
    let mut secrets = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let (id, secret) = (PublicId::random().unwrap(), Secret::generate().unwrap());
        let mut token = [0; LEN];
        token[..PublicId::MIN_LEN].copy_from_slice(id.as_bytes());
        token[PublicId::MIN_LEN..].copy_from_slice(secret.as_bytes());
        for (values, byte) in values.iter_mut().zip(token) {
            values[usize::from(byte)] += 1;
        }
        let mut text = [0; LEN / 3 * 4];
        URL_SAFE_NO_PAD.encode_slice(token, &mut text).unwrap();
        for symbol in text {
            symbols[usize::from(symbol)] += 1;
        }
        ids.push(<[u8; PublicId::MIN_LEN]>::try_from(id.as_bytes()).unwrap());
        secrets.push(*secret.as_bytes());
    }
    for (index, values) in values.iter().enumerate() {
        for bit in 0..8 {
            let ones = values
                .iter()
                .enumerate()
                .filter(|(value, _)| value >> bit & 1 == 1);
            let count = ones.map(|(_, count)| count).sum();
            assert!(is_likely(count, COUNT, 0.5), "byte {index}, bit {bit}: {count}");
        }
    }
    for symbol in (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*b"-_") {
        let count = std::mem::take(&mut symbols[usize::from(symbol)]);
        assert!(
            is_likely(count, COUNT * LEN / 3 * 4, 1.0 / 64.0),
            "{symbol}: {count}"
        );
    }
    assert_eq!(symbols, [0; 128], "other symbols");
    ids.sort_unstable();
    secrets.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(secrets.windows(2).all(|pair| pair[0] != pair[1]));
}
