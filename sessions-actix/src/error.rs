//! What a request is answered with when its session cannot be read or written.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
};

use crate::SessionErrorKind;

/// A session that could not be read or written; answers a request with a status and an empty body.
///
/// | [`kind`](Self::kind) | status |
/// |---|---|
/// | `NotConfigured`, `Serializer`, `Protection`, `Id`, `TooLargeForTransport`, `AlreadyCommitted`, `PrincipalChanged`, `NotServerSide`, `NotIndexed` | 500 |
/// | `Missing` | 401, or the type's challenge |
/// | `Conflict`, `LimitReached` | 409 |
/// | `Throttled` | 429 |
/// | `Foreign` (with `Retry-After`), `Unavailable`, `OutcomeUnknown`, `Contended` | 503 |
#[derive(Clone)]
pub struct SessionError(SessionErrorKind);

impl SessionError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &SessionErrorKind {
        &self.0
    }

    /// Says in the log what the client is not told. What a storage or a missing registration has to say is there
    /// already, in its own words; the rest, server errors aside, is no more than an answer.
    fn tell(&self) {
        match self.0 {
            SessionErrorKind::Unavailable(_)
            | SessionErrorKind::OutcomeUnknown(_)
            | SessionErrorKind::NotConfigured { .. } => {}
            _ if self.status_code() == StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(
                    error = self as &dyn std::error::Error,
                    "a request failed for its session"
                );
            }
            _ => tracing::debug!("{self}"),
        }
    }
}

impl From<SessionErrorKind> for SessionError {
    fn from(kind: SessionErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Debug for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Seconds after which a node of the newer version will answer, in a rolling deploy.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

impl ResponseError for SessionError {
    fn status_code(&self) -> StatusCode {
        use SessionErrorKind as Kind;
        match self.0 {
            Kind::Missing { .. } => StatusCode::UNAUTHORIZED,
            Kind::Conflict | Kind::LimitReached => StatusCode::CONFLICT,
            Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Kind::Foreign | Kind::Unavailable(_) | Kind::OutcomeUnknown(_) | Kind::Contended => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.tell();
        let mut response = HttpResponse::new(self.status_code());
        if matches!(self.0, SessionErrorKind::Foreign) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}
