//! How requests are measured.

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use actix_web::web::Bytes;
use futures_util::FutureExt as _;
use tokio::task::coop::unconstrained;

use crate::{Failure, Party, Workload};

/// How many requests are made at once, before they are measured. The framework keeps the parts of 128 for those that follow;
/// of more it would have to free some, which a server does not do.
const AT_ONCE: usize = 64;

/// Sends requests, and says how long all of them took and what the last one's answer was.
///
/// # Errors
/// A request failed.
pub async fn timed(
    party: &mut dyn Party,
    workload: Workload,
    requests: usize,
) -> Result<(Duration, Bytes), Failure> {
    let (mut elapsed, mut answer) = (Duration::ZERO, Bytes::new());
    for requests in batches(requests) {
        party.prepare(workload, requests);
        let run = party.run();
        let begun = Instant::now();
        // A server has a task for each connection; here all requests are one task, which tokio would stop now and then.
        unconstrained(run).await?;
        elapsed += begun.elapsed();
        answer = party.settle()?;
    }
    Ok((elapsed, answer))
}

/// Sends requests, each step of that inside a call of `meter`, which has to call what it is given, once.
///
/// What other threads do for it is not inside.
///
/// # Errors
/// A request failed.
pub async fn metered(
    party: &mut dyn Party,
    workload: Workload,
    requests: usize,
    mut meter: impl FnMut(&mut dyn FnMut()),
) -> Result<(), Failure> {
    for requests in batches(requests) {
        party.prepare(workload, requests);
        let mut run = unconstrained(party.run());
        poll_fn(|context| {
            let mut polled = Poll::Pending;
            meter(&mut || polled = run.poll_unpin(context));
            polled
        })
        .await?;
        drop(run);
        party.settle()?;
    }
    Ok(())
}

fn batches(requests: usize) -> impl Iterator<Item = usize> {
    (0..requests)
        .step_by(AT_ONCE)
        .map(move |done| AT_ONCE.min(requests - done))
}
