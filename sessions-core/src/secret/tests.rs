//! What a secret is not, and what wipes it.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
};

use aws_lc_rs::hmac;
use serde::Serialize;

use zeroize::ZeroizeOnDrop;

use super::{STOCK, Secret, SecretHash, Still, Token, differing};
use crate::Key;

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

// It is compared through its hash, which compares in constant time.
is_none_of!(Secret: Display, Serialize, Copy, PartialEq, Hash);
is_none_of!(Still: Display, Debug, Serialize, Copy, PartialEq, AsRef<[u8]>, Hash);
is_none_of!(SecretHash: Display, Hash);

// Does not compile where what holds the bytes is not wiped. `tests/wiped.rs` looks for what is left of them.
const _: fn(&Still, &Secret, &Token) = |Still(bytes), Secret(still), Token(text)| {
    fn is_wiped(_: &impl ZeroizeOnDrop) {}
    is_wiped(&**bytes);
    is_wiped(&**text);
    let _: &Still = still;
};

/// Rack and cookie-signature compared with `==`, whose time tells how much is right of what was guessed. Of the types that
/// hold such a thing none has it; `SecretHash` has one in constant time.
#[test]
fn cve_2013_0263_and_cve_2016_1000236_no_secret_and_no_tag_can_be_compared_with_equal_signs() {
    is_none_of!(Secret: PartialEq);
    is_none_of!(Still: PartialEq);
    is_none_of!(Token: PartialEq);
    is_none_of!(Key: PartialEq);
    is_none_of!(hmac::Tag: PartialEq);
}

#[test]
fn a_secret_is_not_printed() {
    let secret = Secret::from_bytes(&[0x5a; Secret::LEN]);
    assert_eq!(
        format!("{secret:?} {:?}", secret.hash()),
        "Secret(..) SecretHash(..)"
    );
}

#[test]
fn nothing_in_stock_is_given_out_twice_whatever_its_length() {
    let mut pieces = Vec::new();
    // Of a stock that is used up within a draw, the rest is left.
    while pieces.len() * 8 < 100 * STOCK {
        pieces.push(differing::<8>().unwrap());
        pieces.extend_from_slice(differing::<24>().unwrap().as_chunks().0);
    }
    let count = pieces.len();
    pieces.sort_unstable();
    pieces.dedup();
    assert_eq!(pieces.len(), count);
}
