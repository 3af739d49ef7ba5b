//! A future that need not be one.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::StorageError;

/// The answer of a storage: there at once, without an allocation, or later.
#[must_use = "nothing happens until it is awaited"]
pub struct StorageFuture<'a, T>(State<'a, T>);

enum State<'a, T> {
    Ready(Option<Result<T, StorageError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>),
}

impl<'a, T> StorageFuture<'a, T> {
    /// An answer that is there.
    pub fn ready(answer: Result<T, StorageError>) -> Self {
        Self(State::Ready(Some(answer)))
    }

    /// An answer that comes later.
    pub fn boxed(future: impl Future<Output = Result<T, StorageError>> + Send + 'a) -> Self {
        Self(State::Boxed(Box::pin(future)))
    }

    /// The answer, if it is there; else what it is to be waited for with.
    pub(crate) fn at_once(mut self) -> Result<Result<T, StorageError>, Self> {
        match &mut self.0 {
            State::Ready(answer) => answer.take().ok_or(self),
            State::Boxed(_) => Err(self),
        }
    }

    /// Whether it can be had without waiting.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }
}

// Nothing in it is pinned in place: the boxed future is pinned on the heap.
impl<T> Unpin for StorageFuture<'_, T> {}

impl<T> Future for StorageFuture<'_, T> {
    type Output = Result<T, StorageError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Boxed(future) => future.as_mut().poll(context),
            // Pending for ever when polled after its answer, as a fused future is.
            State::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

impl<T> fmt::Debug for StorageFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageFuture")
            .field("ready", &self.is_ready())
            .finish()
    }
}
