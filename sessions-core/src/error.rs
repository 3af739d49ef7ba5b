//! What can go wrong, for those who run and for those who configure.

use std::{error::Error, fmt, sync::Arc};

use crate::{
    IdError, KeyError, KeyId, ProtectionError, RandomError, SerializerError, StorageError, Violation,
};

/// A session that could not be read or written. That there is none is never an error.
///
/// No variant holds a token, a key, a principal or a payload.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The type is registered nowhere around this request.
    #[error("the session type `{type_name}` is not registered: {help}")]
    NotConfigured {
        /// The session type.
        type_name: &'static str,
        /// How to mend it.
        help: String,
    },
    /// There is no session, and one is required.
    #[error("there is no session `{name}`")]
    Missing {
        /// The session's name.
        name: String,
    },
    /// The data class could not be encoded, or not be read back.
    #[error("the session could not be encoded")]
    Serializer(#[source] Arc<SerializerError>),
    /// A custom protection failed: the session could not be sealed, or its token not be opened.
    #[error("the session's protection failed")]
    Protection(#[source] Arc<ProtectionError>),
    /// The id generator's handle is of no use, or there are no random bytes.
    #[error("the session's id could not be made")]
    Id(#[source] Arc<IdError>),
    /// The session's name and token are longer than what every browser keeps.
    #[error(
        "the session takes {size} bytes in its transport, and {limit} are allowed: keep less in it, or keep it on the server"
    )]
    TooLargeForTransport {
        /// Bytes of name and value.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The response head has been sent; the session can only be read.
    #[error("the response head has been sent, so the session can no longer be changed")]
    AlreadyCommitted,
    /// `update` may not make the session another principal's.
    #[error("an update may not change the session's principal: use `start`")]
    PrincipalChanged,
    /// The session is kept by the client, where this cannot be done.
    #[error("this needs a session that is kept on the server, or, to end it, one that is `revocable`")]
    NotServerSide,
    /// The storage keeps no index of its sessions, so a principal's cannot be found.
    #[error("this needs a session storage that keeps an index, and this one keeps none")]
    NotIndexed,
    /// Another request has changed the session meanwhile, and it is built to tell.
    #[error("another request has changed the session")]
    Conflict,
    /// The principal has as many sessions as allowed.
    #[error("the principal has as many sessions as allowed")]
    LimitReached,
    /// The throttle of these sessions lets no token of this client be looked at now.
    #[error("the client has shown too many tokens")]
    Throttled,
    /// A newer version of the application wrote the session; this one leaves it alone.
    #[error("the session was written by a newer version of the application")]
    Foreign,
    /// The storage failed.
    #[error("the session storage failed")]
    Unavailable(#[source] Arc<StorageError>),
    /// The storage did not say whether a write happened.
    #[error("the session storage did not say whether it wrote")]
    OutcomeUnknown(#[source] Arc<StorageError>),
    /// Others were faster, as often as was tried. Nothing was written; try again.
    #[error("the session is under heavy contention")]
    Contended,
}

impl From<SerializerError> for SessionError {
    fn from(error: SerializerError) -> Self {
        Self::Serializer(Arc::new(error))
    }
}

impl From<ProtectionError> for SessionError {
    fn from(error: ProtectionError) -> Self {
        Self::Protection(Arc::new(error))
    }
}

impl From<IdError> for SessionError {
    fn from(error: IdError) -> Self {
        Self::Id(Arc::new(error))
    }
}

impl From<RandomError> for SessionError {
    fn from(error: RandomError) -> Self {
        IdError::from(error).into()
    }
}

impl SessionError {
    /// A storage that failed to answer a question: nothing was to be written.
    pub(crate) fn reading(error: StorageError) -> Self {
        Self::Unavailable(Arc::new(error))
    }

    /// A storage that failed to write.
    pub(crate) fn writing(error: StorageError) -> Self {
        if error.may_have_written() {
            Self::OutcomeUnknown(Arc::new(error))
        } else {
            Self::reading(error)
        }
    }
}

/// A mistake in how sessions are set up, found when they are built.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The type's spec, with the builder's overrides, breaks rules.
    #[error("the session type `{type_name}` cannot be used:{}", list(violations))]
    Spec {
        /// The session type.
        type_name: &'static str,
        /// Every broken rule.
        violations: Vec<Violation>,
    },
    /// Two session types go by one name.
    #[error(
        "`{first}` and `{second}` are both called `{name}`: give one of them another name, with `#[session(name = \"...\")]`"
    )]
    DuplicateName {
        /// The name.
        name: String,
        /// The type that was registered first.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// One type is registered twice.
    #[error("`{type_name}` is registered twice: remove one of the two")]
    DuplicateType {
        /// The session type.
        type_name: &'static str,
    },
    /// The client could read and change the session unnoticed.
    #[error(
        "nothing protects the session type `{type_name}`: use `Encrypted::new(&keys)` or `Signed::new(&keys)`, or, for \
         data that anyone may read and forge, put `Plain` into the chain"
    )]
    Unprotected {
        /// The session type.
        type_name: &'static str,
    },
    /// Two keys of one ring have the same id.
    #[error("two keys of the key ring are the same or share an id: remove one, or generate another")]
    DuplicateKey,
    /// A key of the ring is revoked.
    #[error(
        "the key {_0} is revoked, and cannot be on the ring, too, for whatever suite: rotate to another one first"
    )]
    RevokedKey(KeyId),
    /// A key is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A limit that contradicts another.
    #[error("the session type `{type_name}` cannot be used: {message}")]
    Option {
        /// The session type.
        type_name: &'static str,
        /// What is wrong, and how to mend it.
        message: String,
    },
}

/// As text with its causes: what a `main` that returns it prints.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_causes(self, f)
    }
}

pub(crate) fn with_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

fn list(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|violation| format!("\n- {violation}"))
        .collect()
}
