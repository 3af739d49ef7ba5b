//! What a session holds.

use serde::{Deserialize, Serialize};
use sessions_actix::Session;

/// What every contestant keeps: five fields, 49 bytes in bincode and 120 in JSON.
#[derive(Session, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is read.
    pub user_id: u64,
    /// Twelve characters.
    pub user_name: String,
    /// Twenty-four characters.
    pub email: String,
    /// What is changed.
    pub page_views: u32,
    /// In seconds.
    pub logged_in: u64,
}

impl Account {
    /// What a login puts into the session.
    #[must_use]
    pub fn new() -> Self {
        Self {
            user_id: 81_237_123,
            user_name: "Ada Lovelace".to_owned(),
            email: "ada.lovelace@example.com".to_owned(),
            // So that an answer has as many digits after a million requests.
            page_views: 1_000_000,
            logged_in: 1_763_900_000,
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}
