//! Random bytes, secrets and their hashes: never shown, wiped when dropped, compared in constant time.

#[cfg(test)]
mod tests;

use std::{cell::RefCell, fmt, sync::Arc};

use aws_lc_rs::{constant_time, digest, hkdf, rand};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct RandomError;

/// The one source of randomness, with the kernel's help at each call: for what nobody may guess, and what must never come
/// twice.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| RandomError)?;
    Ok(bytes)
}

/// Random bytes that are no secret and only have to differ, of which each thread has some in stock: the kernel's help costs as
/// much for one as for all of them.
///
/// What is in stock when a process is forked, or a machine is copied while it runs, comes twice. So no secret is made of it,
/// and nothing that gives one away by coming twice.
pub(crate) fn differing<const N: usize>() -> Result<[u8; N], RandomError> {
    const { assert!(N <= STOCK) };
    STOCKED.with_borrow_mut(|stock| {
        if stock.left < N {
            // Nothing of a filling that has failed is used.
            stock.left = 0;
            rand::fill(&mut stock.bytes).map_err(|_| RandomError)?;
            stock.left = STOCK;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&stock.bytes[stock.left - N..stock.left]);
        stock.left -= N;
        Ok(bytes)
    })
}

const STOCK: usize = 512;

struct Stock {
    bytes: [u8; STOCK],
    /// How many of them, from the first on, nobody has had.
    left: usize,
}

thread_local! {
    static STOCKED: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK], left: 0 }) };
}

/// Secret bytes that are wiped when they are dropped: in one go, where `Zeroizing` wipes an array byte by byte.
pub(crate) struct Wiped<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Drop for Wiped<N> {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Wiped<N> {}

/// 32 secret bytes that stay where they are until they are wiped: each move would leave a copy behind on the stack. Clones
/// are the same bytes.
#[derive(Clone)]
pub(crate) struct Still(Arc<Wiped<32>>);

impl Still {
    /// What is put into them where they are.
    pub(crate) fn of(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut bytes = Arc::new(Wiped([0; 32]));
        if let Some(Wiped(bytes)) = Arc::get_mut(&mut bytes) {
            fill(bytes);
        }
        Self(bytes)
    }

    pub(crate) fn random() -> Result<Self, RandomError> {
        let mut filled = Err(RandomError);
        let bytes = Self::of(|bytes| filled = rand::fill(bytes).map_err(|_| RandomError));
        filled.map(|()| bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

/// The secret half of a token by id: 256 random bits.
#[derive(Clone)]
pub(crate) struct Secret(Still);

impl Secret {
    pub(crate) const LEN: usize = 32;

    pub(crate) fn generate() -> Result<Self, RandomError> {
        Ok(Self(Still::random()?))
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(Still::of(|secret| secret.copy_from_slice(bytes)))
    }

    /// Masks it, or takes the mask off again.
    pub(crate) fn masked(bytes: &[u8; Self::LEN], mask: &Still) -> Self {
        Self(Still::of(|masked| {
            for ((masked, byte), mask) in masked.iter_mut().zip(bytes).zip(mask.as_bytes()) {
                *masked = byte ^ mask;
            }
        }))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.as_bytes()
    }

    pub(crate) fn hash(&self) -> SecretHash {
        let digest = digest::digest(&digest::SHA256, self.0.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        SecretHash(hash)
    }

    /// A key that only its holder can derive (HKDF-SHA256).
    pub(crate) fn derive(&self, salt: &[u8], info: &[u8]) -> Still {
        derive(salt, self.as_bytes(), &[info])
    }
}

/// HKDF-SHA256 (RFC 5869), for 32 bytes.
pub(crate) fn derive(salt: &[u8], from: &[u8], info: &[&[u8]]) -> Still {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(from);
    Still::of(|key| {
        // Fails only beyond 255 blocks of output, and this is one.
        let filled = extracted.expand(info, Length).and_then(|output| output.fill(key));
        debug_assert!(filled.is_ok());
    })
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a secret; all that a record holds of it. Comparing two takes the same time whatever they hold.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct SecretHash(pub [u8; 32]);

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// What the client holds: text that proves the session. Wiped when dropped, and shown nowhere. Clones are the same text.
// Not a `String`, which is wiped byte by byte.
#[derive(Clone)]
pub struct Token(Arc<Zeroizing<Box<str>>>);

impl Token {
    /// Of a text that has no room to spare: else it would be copied, and the copy left behind.
    pub(crate) fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text.into_boxed_str())))
    }

    /// The text, for the transport that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
