//! What was known of a session's client when it began, compared with who shows its token now.

use std::{fmt, net::IpAddr, sync::Arc};

use crate::RequestView;

/// Compares the client that a session was started by with the one that shows its token: the network that it comes from, the
/// browser that it says it is.
///
/// A signal against stolen tokens, and no proof: addresses change under way, and a thief can copy every header. What should
/// end a session, and what should only ask for the password again, is for the application to say.
///
/// ```
/// use sessions_core::{ClientContext, ContextVerdict, RequestView};
///
/// /// The browser, as far as it says: another one has come by the token in another way.
/// struct SameBrowser;
///
/// impl ClientContext for SameBrowser {
///     fn observe(&self, request: &dyn RequestView) -> Vec<u8> {
///         request.header("user-agent").unwrap_or_default().to_vec()
///     }
///
///     fn judge(&self, stored: Option<&[u8]>, observed: &[u8]) -> ContextVerdict {
///         match stored {
///             Some(stored) if stored != observed => ContextVerdict::StepUp,
///             // The same, or a session of before this was asked for.
///             _ => ContextVerdict::Allow,
///         }
///     }
/// }
/// ```
pub trait ClientContext: Send + Sync + 'static {
    /// What is to be known of the client of this request: stored with a session that it starts, and compared with what is
    /// stored of the one that it shows. Of more than 256 bytes the first 256 are used; where clients keep the session they
    /// count to its size. It is called once for each session that a request asks for.
    ///
    /// It stands in the storage in the clear unless [`EncryptedStorage`](crate::storage::EncryptedStorage) is around it, and
    /// under the protection of what the client keeps.
    fn observe(&self, request: &dyn RequestView) -> Vec<u8>;

    /// What becomes of a live session for this request; `stored` is `None` if nothing was observed when it was started.
    fn judge(&self, stored: Option<&[u8]>, observed: &[u8]) -> ContextVerdict;
}

/// What becomes of a session whose token somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextVerdict {
    /// It is used.
    Allow,
    /// It is used, and is not fresh until its user logs in again: what asks for a recent login is refused.
    StepUp,
    /// It is ended, for everybody. Where clients keep it and it is not
    /// [`revocable`](crate::options::Options::revocable), it is only taken from this client: whoever else has the token
    /// goes on.
    Revoke,
}

/// The longest that is observed: it comes from the client, and is stored with every session.
const MAX_CONTEXT: usize = 256;

/// An application's [`ClientContext`].
#[derive(Clone)]
pub(crate) struct ContextHook(Arc<dyn ClientContext>);

impl ContextHook {
    pub(crate) fn new(context: impl ClientContext) -> Self {
        Self(Arc::new(context))
    }
}

impl fmt::Debug for ContextHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextHook")
    }
}

/// Who has sent the request.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) peer: Option<IpAddr>,
    /// What was observed, where somebody wants to know.
    pub(crate) context: Option<Arc<[u8]>>,
}

impl Caller {
    pub(crate) fn of(request: &dyn RequestView, hook: Option<&ContextHook>) -> Self {
        Self {
            peer: request.peer_addr(),
            context: hook.map(|hook| {
                let mut observed = hook.0.observe(request);
                observed.truncate(MAX_CONTEXT);
                observed.into()
            }),
        }
    }

    /// What becomes of a session that was started by a client of which this is known.
    pub(crate) fn judged(&self, stored: Option<&Arc<[u8]>>, hook: Option<&ContextHook>) -> ContextVerdict {
        match (hook, &self.context) {
            (Some(hook), Some(observed)) => hook.0.judge(stored.map(|stored| &**stored), observed),
            _ => ContextVerdict::Allow,
        }
    }
}
