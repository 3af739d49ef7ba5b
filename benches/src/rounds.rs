//! Contestants that take turns.

use std::time::Duration;

use actix_web::web::Bytes;
use workloads::{AT_ONCE, Contestant, Failure, Party, Workload, timed};

/// In each turn a contestant is timed so often, and the middle one counts: a process that gets in between does not.
const PARTS: usize = 8;
/// Of what waits for a disk or a server, in one part.
const WAITING: usize = 16;

/// For each contestant, how many nanoseconds a request took in each of so many rounds: in each round each contestant has one
/// turn of 512 requests, or, in rounds of their own, of 16 where it waits, and who begins changes from round to round.
///
/// # Errors
/// A request failed, or a contestant does not answer as the first one does, or does not write what it has to.
pub async fn rounds(
    contestants: &[&Contestant],
    workload: Workload,
    rounds: usize,
) -> Result<Vec<Vec<f64>>, Failure> {
    let mut parties: Vec<Box<dyn Party>> = Vec::new();
    for contestant in contestants {
        parties.push(contestant.start().await?);
    }
    let mut times = vec![Vec::new(); contestants.len()];
    let mut first = Vec::new();
    for (contestant, party) in contestants.iter().zip(&mut parties) {
        first.push(timed(&mut **party, workload, 1).await?.1);
        check(contestant, workload, &first)?;
    }
    let waits = |place: &usize| contestants[*place].waits.contains(&workload);
    let (waiting, others): (Vec<_>, Vec<_>) = (0..contestants.len()).partition(waits);
    // Those that wait come after all others: what the system does for them leaves the processor's caches to nobody.
    for (group, parts, requests) in [(others, PARTS, AT_ONCE), (waiting, 1, WAITING)] {
        // The first round is for pools and tables to grow.
        for (round, place) in (0..=rounds).flat_map(|round| (0..group.len()).map(move |place| (round, place)))
        {
            let turn = group[(place + round) % group.len()];
            let mut of_turn = Vec::new();
            for _ in 0..parts {
                let (time, answer) = timed(&mut *parties[turn], workload, requests).await?;
                if workload == Workload::Write && answer <= first[turn] {
                    return Err(format!("{} loses what is written", contestants[turn].name).into());
                }
                of_turn.push(nanoseconds(time) / requests as f64);
            }
            if round > 0 {
                times[turn].push(median(of_turn));
            }
        }
    }
    Ok(times)
}

/// Whether the last answer is as the first one is: equal, or a number with as many digits.
fn check(contestant: &Contestant, workload: Workload, answers: &[Bytes]) -> Result<(), Failure> {
    let alike = match (answers.first(), answers.last(), workload) {
        (Some(one), Some(other), Workload::Write) => one.len() == other.len(),
        (one, other, _) => one == other,
    };
    match alike {
        true => Ok(()),
        false => Err(format!("{} answers otherwise", contestant.name).into()),
    }
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// How much more one contestant took than another one: the median over the rounds.
#[must_use]
pub fn over(times: &[f64], floor: &[f64]) -> f64 {
    median(times.iter().zip(floor).map(|(time, bare)| time - bare).collect())
}

/// The middle one, or the upper of the two.
#[must_use]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
