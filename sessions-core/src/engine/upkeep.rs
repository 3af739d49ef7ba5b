//! Freeing what has expired, in the background.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{Engine, server::PATIENCE};
use crate::{Clock, Session, SessionStorage, StorageError, log, secret::random};

/// How many sessions are freed before others get their turn. A folder is read from its beginning for each of them.
const BATCH: usize = 10_000;
/// The shortest time between two rounds.
const SHORTEST: Duration = Duration::from_secs(1);

/// Frees the expired sessions of one storage.
#[derive(Clone)]
pub struct Purger {
    name: Arc<str>,
    storage: Arc<dyn SessionStorage>,
    clock: Arc<dyn Clock>,
}

impl<T: Session> Engine<T> {
    /// What frees its expired sessions, or what is known of those that were ended, if a storage keeps them.
    #[must_use]
    pub fn purger(&self) -> Option<Purger> {
        let backend = self.backend()?;
        Some(Purger {
            name: Arc::clone(&backend.name),
            storage: Arc::clone(&backend.storage),
            clock: Arc::clone(&self.0.environment.clock),
        })
    }
}

/// Lets purgers work once in `every` (at least a second), until `purgers` gives none any more. The first time is at
/// random within the first `every`, so that processes that are started together do not work together.
///
/// A storage that fails, panics or hangs is told to the log, and asked again in the next round; one batch is given as
/// long as `every`, and at least a minute. To be polled in a runtime of `tokio`.
pub async fn keep_up(every: Duration, purgers: impl Fn() -> Option<Vec<Purger>>) {
    let every = every.max(SHORTEST);
    let mut wait = part_of(every);
    loop {
        sleep(wait).await;
        let Some(purgers) = purgers() else { return };
        for purger in purgers {
            purger.work(every.max(PATIENCE)).await;
        }
        wait = every;
    }
}

/// A random part of it.
fn part_of(time: Duration) -> Duration {
    let [random] = random::<1>().unwrap_or_default();
    time / 256 * u32::from(random)
}

impl Purger {
    /// Frees all that has expired, batch by batch.
    async fn work(&self, patience: Duration) {
        let mut freed = 0;
        loop {
            match self.batch(patience).await {
                Ok(some) => {
                    freed += some;
                    if some < BATCH {
                        break;
                    }
                }
                Err(failure) => {
                    log::storage_failed(&self.name, "purge", &failure);
                    break;
                }
            }
        }
        log::purged(&self.name, freed);
    }

    async fn batch(&self, patience: Duration) -> Result<usize, StorageError> {
        let (storage, now) = (Arc::clone(&self.storage), self.clock.now());
        // A task of its own: if the storage panics, this one goes on.
        let batch = tokio::spawn(async move { storage.purge_expired(BATCH, now).await });
        let abort = batch.abort_handle();
        match timeout(patience, batch).await {
            Ok(Ok(freed)) => freed,
            Ok(Err(ended)) => Err(StorageError::outcome_unknown(ended)),
            Err(_) => {
                abort.abort();
                Err(StorageError::Timeout(patience))
            }
        }
    }
}

impl fmt::Debug for Purger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purger")
            .field("session", &self.name)
            .finish_non_exhaustive()
    }
}
