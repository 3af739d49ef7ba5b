//! What a request is answered with that may be forged.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};

/// A request that another site may have made in its client's name: 403 Forbidden without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfRefusal {
    /// Its headers say that it comes from elsewhere, or do not say where it comes from as browsers do.
    #[error("the request comes from another origin")]
    Origin,
    /// It has no token, or one that is not good for its session.
    #[error("the request has no valid token against cross-site request forgery")]
    Token,
}

impl ResponseError for CsrfRefusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    fn error_response(&self) -> HttpResponse {
        // Anyone can cause it at will.
        tracing::debug!("{self}");
        HttpResponse::new(self.status_code())
    }
}
