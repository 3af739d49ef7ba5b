//! What a key can be made of.

use zeroize::Zeroizing;

/// Bytes that a key can be made of: slices, arrays and vectors of them, by reference.
///
/// Text is none. A key that is written down is read with [`Key::from_base64`](super::Key::from_base64), and one that stands
/// in the source is known to whoever has the source or the program.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key material",
    label = "a key is made of random bytes, which come from outside the program",
    note = "`KeyRing::from_env(\"SESSION_KEY\")?` or `KeyRing::from_file(path)?` reads keys, `Key::from_base64(text)?` one that is \
            written down; `openssl rand -base64 32` makes one"
)]
pub trait KeyMaterial: sealed::Bytes {}

mod sealed {
    pub trait Bytes {
        fn bytes(&self) -> &[u8];
    }
}

macro_rules! bytes {
    ($(($($generics:tt)*) $type:ty),+ $(,)?) => {$(
        impl<$($generics)*> KeyMaterial for $type {}

        impl<$($generics)*> sealed::Bytes for $type {
            fn bytes(&self) -> &[u8] {
                &self[..]
            }
        }
    )+};
}

bytes! {
    () [u8],
    (const N: usize) [u8; N],
    () Vec<u8>,
    () Box<[u8]>,
    () Zeroizing<Vec<u8>>,
    (const N: usize) Zeroizing<[u8; N]>,
}
