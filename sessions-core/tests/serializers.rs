//! What both serializers promise, whatever bytes they get.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use sessions_core::{
    SerializerError, SessionSerializer,
    serializer::{Bincode, Json},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    user: Option<u64>,
    note: String,
    items: Vec<Item>,
    prices: BTreeMap<String, i64>,
    address: Option<IpAddr>,
    state: State,
    wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u128,
    letter: char,
    pair: (bool, i8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    Open,
    Paid(u32),
    Sent { to: String, boxes: Vec<u8> },
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Self>>,
}

prop_compose! {
    fn item()(id: u128, letter: char, pair: (bool, i8)) -> Item {
        Item { id, letter, pair }
    }
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Open),
        any::<u32>().prop_map(State::Paid),
        any::<(String, Vec<u8>)>().prop_map(|(to, boxes)| State::Sent { to, boxes }),
    ]
}

prop_compose! {
    fn cart()(
        user: Option<u64>,
        note: String,
        items in proptest::collection::vec(item(), 0..5),
        prices: BTreeMap<String, i64>,
        address: Option<IpAddr>,
        state in state(),
        wait: Duration,
    ) -> Cart {
        Cart { user, note, items, prices, address, state, wait }
    }
}

fn write<S: SessionSerializer<T>, T>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    S::serialize(value, &mut out).unwrap();
    out
}

fn round_trip<S: SessionSerializer<T>, T>(value: &T) -> T {
    S::deserialize(&write::<S, T>(value)).unwrap()
}

fn refused<S: SessionSerializer<T>, T: std::fmt::Debug>(bytes: &[u8]) -> SerializerError {
    S::deserialize(bytes).unwrap_err()
}

proptest! {
    #[test]
    fn what_is_written_is_read(cart in cart()) {
        prop_assert_eq!(&round_trip::<Bincode, _>(&cart), &cart);
        prop_assert_eq!(&round_trip::<Json, _>(&cart), &cart);
    }

    #[test]
    fn a_fraction_is_read_to_the_last_bit(double in any::<u64>(), single in any::<u32>()) {
        let (double, single) = (f64::from_bits(double), f32::from_bits(single));
        prop_assume!(double.is_finite() && single.is_finite());
        let bits = |(double, single): (f64, f32)| (double.to_bits(), single.to_bits());
        prop_assert_eq!(bits(round_trip::<Bincode, _>(&(double, single))), bits((double, single)));
        prop_assert_eq!(bits(round_trip::<Json, _>(&(double, single))), bits((double, single)));
    }

    #[test]
    fn junk_never_panics(bytes: Vec<u8>) {
        let _ = <Bincode as SessionSerializer<Cart>>::deserialize(&bytes);
        let _ = <Json as SessionSerializer<Cart>>::deserialize(&bytes);
        let _ = <Bincode as SessionSerializer<Chain>>::deserialize(&bytes);
        let _ = <Bincode as SessionSerializer<Vec<()>>>::deserialize(&bytes);
    }

    #[test]
    fn a_flipped_bit_or_a_cut_never_panics(cart in cart(), at: prop::sample::Index, bit in 0..8) {
        for mut bytes in [write::<Bincode, _>(&cart), write::<Json, _>(&cart)] {
            let at = at.index(bytes.len());
            let _ = <Bincode as SessionSerializer<Cart>>::deserialize(&bytes[..at]);
            prop_assert!(<Json as SessionSerializer<Cart>>::deserialize(&bytes[..at]).is_err());
            bytes[at] ^= 1_u8 << bit;
            let _ = <Bincode as SessionSerializer<Cart>>::deserialize(&bytes);
            let _ = <Json as SessionSerializer<Cart>>::deserialize(&bytes);
        }
    }

    #[test]
    fn a_byte_left_over_is_refused(cart in cart(), byte in 0x21_u8..) {
        let mut bytes = write::<Bincode, _>(&cart);
        bytes.push(byte);
        refused::<Bincode, Cart>(&bytes);
        let mut bytes = write::<Json, _>(&cart);
        bytes.push(byte);
        refused::<Json, Cart>(&bytes);
    }
}

#[test]
fn a_value_is_appended_to_what_is_there() {
    let mut out = vec![1, 2];
    Bincode::serialize(&3_u8, &mut out).unwrap();
    Json::serialize(&4_u8, &mut out).unwrap();
    assert_eq!(out, [1, 2, 3, b'4']);
}

#[test]
fn a_value_that_cannot_be_written_leaves_the_buffer_as_it_was() {
    let mut out = vec![1, 2];
    let unwritable = (7_u8, BTreeMap::from([(vec![1_u8], 2_u8)]));
    assert!(Json::serialize(&unwritable, &mut out).is_err());
    assert_eq!(out, [1, 2]);
}

/// The longest string within the limit takes this many bytes beside itself.
fn limit<S: SessionSerializer<String>>(around: usize) {
    let most = 4 * 1024 * 1024 - around;
    let mut text = "x".repeat(most);
    assert!(round_trip::<S, _>(&text) == text);
    text.push('x');
    let mut out = vec![1];
    assert!(S::serialize(&text, &mut out).is_err());
    assert_eq!(out, [1]);
}

#[test]
fn four_mebibytes_are_the_limit() {
    limit::<Bincode>(5);
    limit::<Json>(2);
    refused::<Json, String>(format!("\"{}\"", "x".repeat(4 * 1024 * 1024)).as_bytes());
}

#[test]
fn small_numbers_are_read_back_up_to_the_limit() {
    let numbers = vec![1_u128; 4 * 1024 * 1024 - 5];
    assert!(round_trip::<Bincode, _>(&numbers) == numbers);
}

#[test]
fn a_huge_claimed_length_fails_at_once() {
    for claimed in [1 << 60, u64::MAX, 1 << 32, 1 << 26] {
        let mut bytes = vec![253];
        bytes.extend_from_slice(&u64::to_le_bytes(claimed));
        refused::<Bincode, Vec<u8>>(&bytes);
        refused::<Bincode, Vec<u64>>(&bytes);
        refused::<Bincode, Vec<[u64; 32]>>(&bytes);
        refused::<Bincode, String>(&bytes);
        refused::<Bincode, BTreeMap<String, u8>>(&bytes);
        refused::<Bincode, Vec<()>>(&bytes);
        refused::<Bincode, BTreeMap<(), ()>>(&bytes);
        refused::<Bincode, Vec<Vec<()>>>(&[[3].as_slice(), &bytes].concat());
    }
}

/// A list in a list, as deep as may be.
#[derive(Debug, Serialize, Deserialize)]
struct Tree {
    branches: Vec<Self>,
}

#[test]
fn lists_in_lists_take_no_memory_for_elements_that_are_only_claimed() {
    let claimed = [251, 0xff, 0xff].repeat(60);
    let taken = allocation_counter::measure(|| drop(refused::<Bincode, Tree>(&claimed)));
    assert!(taken.bytes_max < 1 << 20, "{} bytes", taken.bytes_max);
}

/// Takes no bytes, but a place in memory.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Skipped {
    #[serde(skip)]
    seen: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Only {
    One,
}

#[test]
fn elements_that_take_no_bytes_cannot_be_claimed_without_end() {
    let mut claimed = vec![252];
    claimed.extend_from_slice(&u32::to_le_bytes(30_000_000));
    refused::<Bincode, Vec<Skipped>>(&claimed);
    refused::<Bincode, Vec<(Skipped, [Skipped; 2])>>(&claimed);
    refused::<Bincode, Vec<()>>(&claimed);
    refused::<Bincode, BTreeMap<Skipped, Skipped>>(&claimed);
    // In many small parts as little as in a large one.
    refused::<Bincode, Vec<Vec<Skipped>>>(&[vec![250], [251, 0, 200].repeat(250)].concat());
    let few: Vec<_> = (0..1000).map(|_| Skipped::default()).collect();
    assert_eq!(round_trip::<Bincode, _>(&few), few);
}

#[test]
fn elements_that_take_bytes_are_not_counted_as_empty() {
    let many: Vec<_> = (0..100_000)
        .map(|_| (Only::One, Some(()), Vec::<()>::new()))
        .collect();
    assert_eq!(round_trip::<Bincode, _>(&many), many);
}

#[test]
fn endless_nesting_is_refused() {
    refused::<Bincode, Chain>(&vec![1; 4 * 1024 * 1024]);
    refused::<Json, Chain>("{\"next\":".repeat(400_000).as_bytes());
    let mut chain = Chain::default();
    for _ in 0..50 {
        chain = Chain {
            next: Some(Box::new(chain)),
        };
    }
    assert_eq!(round_trip::<Bincode, _>(&chain), chain);
    assert_eq!(round_trip::<Json, _>(&chain), chain);
}

#[test]
fn an_error_does_not_quote_the_value() {
    let secret = "hunter2";
    let errors = [
        refused::<Json, Vec<u8>>(br#""hunter2""#),
        refused::<Json, State>(br#""hunter2""#),
        refused::<Json, uuid::Uuid>(br#""hunter2""#),
        refused::<Bincode, Picky>(&write::<Bincode, _>(&secret.to_owned())),
    ];
    for error in errors {
        assert!(!format!("{error:?} {error}").contains(secret), "{error:?}");
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Picky;

impl TryFrom<String> for Picky {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Err(format!("not a picky: {text}"))
    }
}

impl From<Picky> for String {
    fn from(_: Picky) -> Self {
        Self::new()
    }
}

impl Clone for Picky {
    fn clone(&self) -> Self {
        Self
    }
}
