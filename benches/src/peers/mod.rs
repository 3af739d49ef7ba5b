//! Other libraries, each with its defaults and the handlers that its documentation shows.

pub mod actix_session;
