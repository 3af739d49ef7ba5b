//! What a request costs with sessions, beside what it costs without: in one process, on one thread, without sockets.
//!
//! `requests W3 W4` measures only these workloads.

use std::env;

use benches::{
    Entry, field, median, over, rounds,
    table::{print, thousands},
};
use workloads::{Contestant, Failure, Workload, allocations, callgrind};

const ROUNDS: usize = 201;

const HEADING: &str = "\
## Requests, in process

One thread and no socket. In each of 201 rounds each contestant is sent eight times 64 requests, of which the middle time
counts, in an order that changes from round to round; a figure is the median over the rounds, \"over\" that of the difference with
the bare framework in the same round. Who waits for a disk is sent 16 in each of as many rounds that come later, so that the
others' are not disturbed, and is compared with nobody. Requests are made before the clock starts; responses are dropped
before it stops, each before the next request. A client has one session, and takes over the cookies
that it is sent after each 64 requests. Logins add up: each contestant that waits for nothing has a hundred thousand sessions
in the end.

Everything has its defaults, and the system's clock. What a session costs from time to time is not in the figures: that it
is in use is written down once a minute, or in three minutes where the client keeps it; and a cached directory is read again
once a second. An account has no principal, so a login keeps no list of a user's sessions; nor do the others.

Allocations and instructions are counted in processes of their own, without what other threads do (of the directory: the
writing). An instruction is counted by callgrind, which has neither SHA nor wide AES instructions, so signatures look dearer
than they are. What is random makes the figures of actix-session and of W5 differ by some in a hundred; the others do not.
";

const HEADS: [&str; 7] = [
    "contestant",
    "ns",
    "over the bare, ns",
    "times less than actix-session",
    "allocations over",
    "bytes over",
    "instructions over",
];

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let contestants = || Ok(field()?.into_iter().map(|entry| entry.contestant).collect());
    if callgrind::if_asked(contestants).await? {
        return Ok(());
    }
    let named: Vec<String> = env::args().skip(1).collect();
    let wanted = |workload: &Workload| named.is_empty() || named.iter().any(|code| code == workload.code());
    println!("{HEADING}");
    for workload in Workload::ALL.into_iter().filter(wanted) {
        println!("### {}: {}\n", workload.code(), workload.title());
        let mut field = field()?;
        field.retain(|entry| entry.contestant.workloads.contains(&workload));
        let contestants: Vec<&Contestant> = field.iter().map(|entry| &entry.contestant).collect();
        let times = rounds(&contestants, workload, ROUNDS).await?;
        let counts: Result<Vec<Counts>, Failure> = contestants
            .iter()
            .map(|contestant| Counts::of(contestant.name, workload))
            .collect();
        print(&HEADS, &rows(&field, workload, &times, &counts?));
    }
    Ok(())
}

/// What is the same each time.
struct Counts {
    allocations: f64,
    bytes: f64,
    instructions: Option<f64>,
}

impl Counts {
    fn of(name: &str, workload: Workload) -> Result<Self, Failure> {
        let allocations = allocations::of(name, workload)?;
        Ok(Self {
            allocations: allocations.count,
            bytes: allocations.bytes,
            instructions: callgrind::instructions(name, workload)?,
        })
    }
}

fn rows(field: &[Entry], workload: Workload, times: &[Vec<f64>], counts: &[Counts]) -> Vec<Vec<String>> {
    let place = |name: &str| field.iter().position(|entry| entry.contestant.name == name);
    let row = |(at, entry): (usize, &Entry)| {
        let (name, count) = (entry.contestant.name.to_owned(), &counts[at]);
        let time = thousands(median(times[at].clone()));
        let instructions = |number: Option<f64>| number.map_or("-".to_owned(), thousands);
        let Some(floor) = entry.floor.and_then(place) else {
            return vec![
                name,
                time,
                "-".to_owned(),
                "-".to_owned(),
                format!("({:.1} in all)", count.allocations),
                format!("({} in all)", thousands(count.bytes)),
                format!("({} in all)", instructions(count.instructions)),
            ];
        };
        let bare = &counts[floor];
        let own = over(&times[at], &times[floor]);
        // Who waits for a disk is compared with nobody who does not.
        let rival = entry
            .rival
            .filter(|_| !entry.contestant.waits.contains(&workload));
        let rival = rival.and_then(place);
        let less = rival.map(|rival| format!("{:.1}", over(&times[rival], &times[floor]) / own));
        let difference = count
            .instructions
            .zip(bare.instructions)
            .map(|(of, bare)| of - bare);
        vec![
            name,
            time,
            thousands(own),
            less.unwrap_or_else(|| "-".to_owned()),
            format!("{:.1}", count.allocations - bare.allocations),
            thousands(count.bytes - bare.bytes),
            instructions(difference),
        ]
    };
    field.iter().enumerate().map(row).collect()
}
