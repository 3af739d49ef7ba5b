//! What a failure of a server says about a command.

use std::fmt;

use redis::{ErrorKind, RedisError};

use crate::{RecordError, StorageError};

/// A command that was not done, or of which nobody knows.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not sent, or the server refused it: nothing has happened.
    NotDone(RedisError),
    /// There was no answer.
    Unknown(RedisError),
}

impl Failure {
    /// Of a command that was sent.
    pub(super) fn of(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => Self::NotDone(error),
            _ => Self::Unknown(error),
        }
    }

    /// Of a command that changes nothing.
    pub(super) fn reading(self) -> StorageError {
        let (Self::NotDone(error) | Self::Unknown(error)) = self;
        not_done(&error)
    }

    pub(super) fn writing(self) -> StorageError {
        match self {
            Self::NotDone(error) => not_done(&error),
            Self::Unknown(error) => StorageError::outcome_unknown(Failed::of(&error)),
        }
    }
}

fn not_done(error: &RedisError) -> StorageError {
    match error.code() {
        Some("OOM") => StorageError::Full,
        // Something else is kept under this key.
        Some("WRONGTYPE") => RecordError::Version.into(),
        _ => StorageError::unavailable(Failed::of(error)),
    }
}

/// Something else than the command answers.
pub(super) fn no_answer() -> StorageError {
    StorageError::unavailable("Redis gave an answer that the command does not have")
}

/// What a server or the connection said, without what it was told.
#[derive(Debug)]
pub(super) struct Failed(String);

impl Failed {
    pub(super) fn of(error: &RedisError) -> Self {
        // It names another server.
        if error.redirect_node().is_some() {
            return Self("each server says that another one has the key".to_owned());
        }
        let told = error.to_string();
        // A server that does not know a command quotes what was to be done with it.
        let (before, _) = told.split_once(", with args").unwrap_or((&told, ""));
        Self(before.to_owned())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis: {}", self.0)
    }
}

impl std::error::Error for Failed {}
