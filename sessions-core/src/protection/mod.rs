//! What keeps a token that the client holds from being read or forged.

mod bound;
mod chain;
mod encrypted;
mod file;
mod key;
mod layer;
mod material;
mod plain;
mod ring;
mod signed;
mod suite;
mod text;

pub(crate) use self::encrypted::BoundEncrypted;
pub use self::{
    chain::Chain,
    encrypted::Encrypted,
    key::{Key, KeyError, KeyId},
    layer::{KeyState, Layer, LayerKey},
    material::KeyMaterial,
    plain::Plain,
    ring::KeyRing,
    signed::Signed,
    suite::Suite,
};
use crate::{ConfigError, RandomError, lp::put, policy::short_name};

/// Wraps what goes to the client, and unwraps what comes back: a step of a chain.
///
/// [`Encrypted`] and [`Signed`] are two; one's own (compression, say) goes before them:
/// `Compressed.then(Encrypted::new(&keys))`. What a protection unwraps is authentic only if a later one of the chain
/// has authenticated it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protection",
    label = "does not implement `Protection`",
    note = "use `Encrypted::new(&keys)` or `Signed::new(&keys)`, with `KeyRing::from_env(\"SESSION_KEY\")?` for the keys"
)]
pub trait Protection: Send + Sync + 'static {
    /// What it guarantees by itself.
    fn guarantee(&self) -> Guarantee;

    /// The protection of the tokens of one purpose: whatever it makes for one is refused for every other.
    ///
    /// # Errors
    /// The keys are of no use.
    fn bind(&self, purpose: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError>;

    /// This one first, then `outer` around it.
    fn then<P: Protection>(self, outer: P) -> Chain<Self, P>
    where
        Self: Sized,
    {
        Chain::new(self, outer)
    }
}

/// A [`Protection`] of the tokens of one purpose.
pub trait BoundProtection: Send + Sync {
    /// Wraps `bytes` in place.
    ///
    /// # Errors
    /// [`ProtectionError::Failed`] when it cannot be done.
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError>;

    /// Unwraps `bytes` in place. They come from the client: any bytes at all, and no panic on any.
    ///
    /// # Errors
    /// [`ProtectionError::Forged`] when the bytes were not made by [`protect`](Self::protect) for this purpose: the token
    /// is removed from the client. [`ProtectionError::Failed`] when that cannot be told now: whoever wants the session gets
    /// an error, and the client keeps its token. Never `Failed` for what a client can cause.
    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError>;

    /// What it is, for a [`Policy`](crate::Policy): by default the name of its type. Of a chain each of its parts, the
    /// innermost first.
    fn layers(&self) -> Vec<Layer> {
        vec![Layer::new(short_name::<Self>())]
    }
}

/// What a protection guarantees; a chain, what the strongest of its parts does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    /// Nothing: it only changes the form.
    Nothing,
    /// Nothing, and the programmer has said that nothing is needed.
    Waived,
    /// That nobody else made it.
    Authentic,
    /// That nobody else made it or can read it.
    Confidential,
}

/// Why a token was not unwrapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectionError {
    /// It was not made here, for this purpose, or it was changed since.
    #[error("the token is not authentic")]
    Forged,
    /// It names a key or a version that is not known (here, yet, or any more).
    #[error("the token was made under a key or a version that is not known here")]
    UnknownKey,
    /// It names a key that is revoked.
    #[error("the token was made under a key that is revoked")]
    RevokedKey,
    /// It could not be made, or not be looked at: whatever the token is, a service that is needed for it failed.
    #[error("the protection failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<RandomError> for ProtectionError {
    fn from(error: RandomError) -> Self {
        Self::Failed(error.into())
    }
}

/// What the tokens, or whatever else is protected, are for: part of what is authenticated, and of every key's derivation.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The kind of token.
    pub mode: Mode,
    /// The application's name.
    pub application: &'a str,
    /// The session's name.
    pub name: &'a str,
}

/// The kinds of tokens, and what is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The token names a session on the server.
    ById,
    /// The token is the session.
    ByValue,
    /// No token: a session as a storage keeps it.
    Record,
    /// No session: the token shows that a request comes from a page that was made for one.
    Csrf,
}

impl Purpose<'_> {
    /// Bytes that no other purpose has, for one's own protections to authenticate.
    #[must_use]
    pub fn context(&self) -> Vec<u8> {
        let mode: &[u8] = match self.mode {
            Mode::ById => b"by-id",
            Mode::ByValue => b"by-value",
            Mode::Record => b"record",
            Mode::Csrf => b"csrf",
        };
        let mut context = Vec::new();
        put(&mut context, mode);
        put(&mut context, self.application.as_bytes());
        put(&mut context, self.name.as_bytes());
        context
    }
}
