//! What a secret is not.

use std::{fmt::Display, hash::Hash};

use serde::Serialize;

use super::{Secret, SecretHash};

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
is_none_of!(SecretHash: Display, Hash);

#[test]
fn a_secret_is_not_printed() {
    let secret = Secret::from_bytes([0x5a; Secret::LEN]);
    assert_eq!(
        format!("{secret:?} {:?}", secret.hash()),
        "Secret(..) SecretHash(..)"
    );
}
