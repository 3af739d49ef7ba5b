//! Why there is a session, or none.

/// Why there is a session, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
    /// The client showed no token.
    Absent,
    /// The token is no session: malformed, forged, expired, ended or unreadable. The response removes it.
    Invalid,
    /// The token was good once, or is for other nodes of the application: rotated away, or of a key, a format or a
    /// schema that is not known here. It is not removed.
    Stale,
    /// A newer version of the application wrote the session; this one leaves it alone.
    Foreign,
    /// The client showed the tokens of several live sessions of this name; none is used.
    Ambiguous,
    /// There is a session.
    Live,
    /// There is a session that this request has started.
    New,
    /// This request has ended the session, or another one did meanwhile.
    Ended,
}
