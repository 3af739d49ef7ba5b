//! Whose session it is.

use std::{fmt, sync::Arc};

/// The account that a session belongs to, as text; sessions are found and ended by it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Principal(Arc<str>);

impl Principal {
    /// A principal of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Often an e-mail address: not for logs.
        f.write_str("Principal(..)")
    }
}

/// What can name a session's principal: strings, integers, `Uuid` (feature `uuid`), and an `Option` of one, where
/// `None` is a session of nobody.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot name the principal of a session",
    label = "not a string, an integer, a `Uuid` or an `Option` of one",
    note = "implement `ToPrincipal` for it, or put `#[session(principal)]` on another field"
)]
pub trait ToPrincipal {
    /// The principal, `None` where there is nobody.
    fn to_principal(&self) -> Option<Principal>;
}

impl ToPrincipal for Principal {
    fn to_principal(&self) -> Option<Principal> {
        Some(self.clone())
    }
}

impl<P: ToPrincipal> ToPrincipal for Option<P> {
    fn to_principal(&self) -> Option<Principal> {
        self.as_ref().and_then(P::to_principal)
    }
}

#[diagnostic::do_not_recommend]
impl<P: ToPrincipal + ?Sized> ToPrincipal for &P {
    fn to_principal(&self) -> Option<Principal> {
        P::to_principal(self)
    }
}

macro_rules! strings {
    ($($text:ty),*) => {$(
        impl ToPrincipal for $text {
            fn to_principal(&self) -> Option<Principal> {
                Some(Principal::new(self))
            }
        }
    )*};
}
strings!(
    str,
    String,
    Box<str>,
    Arc<str>,
    std::rc::Rc<str>,
    std::borrow::Cow<'_, str>
);

macro_rules! integers {
    ($($number:ty),*) => {$(
        impl ToPrincipal for $number {
            fn to_principal(&self) -> Option<Principal> {
                Some(Principal::new(&self.to_string()))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);
integers!(
    std::num::NonZeroU8,
    std::num::NonZeroU16,
    std::num::NonZeroU32,
    std::num::NonZeroU64,
    std::num::NonZeroU128
);

#[cfg(feature = "uuid")]
impl ToPrincipal for uuid::Uuid {
    fn to_principal(&self) -> Option<Principal> {
        Some(Principal::new(
            self.hyphenated().encode_lower(&mut Self::encode_buffer()),
        ))
    }
}
