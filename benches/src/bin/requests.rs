//! What a request costs with sessions, beside what it costs without: in one process, on one thread, without sockets.

use std::{env, process::Command, time::Duration};

use benches::{
    Entry, field,
    table::{median, print, thousands},
};
use workloads::{Failure, Party, Workload, callgrind, timed};

const ROUNDS: usize = 201;
const PER_ROUND: usize = 512;
/// Of what waits for a disk.
const WAITING_PER_ROUND: usize = 16;

const HEADING: &str = "\
## Requests, in process

One thread, no socket. In each round each contestant gets its requests, in turns that change from round to round; the figures
are medians over the rounds, of each contestant's difference with the bare framework in the same round. Requests are made
before the clock starts. Responses are dropped before it stops.
";

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let contestants = || Ok(field()?.into_iter().map(|entry| entry.contestant).collect());
    if callgrind::if_asked(contestants).await? {
        return Ok(());
    }
    println!("{HEADING}");
    for workload in Workload::ALL {
        println!("### {}: {}\n", workload.code(), workload.title());
        let field: Vec<Entry> = field()?
            .into_iter()
            .filter(|entry| entry.contestant.workloads.contains(&workload))
            .collect();
        let times = times(&field, workload).await?;
        let mut counts = Vec::new();
        for entry in &field {
            counts.push(Counts::of(entry.contestant.name, workload)?);
        }
        print(
            &[
                "contestant",
                "ns",
                "over the bare",
                "times less than actix-session",
                "allocations over",
                "bytes over",
                "instructions over",
            ],
            &rows(&field, &times, &counts),
        );
    }
    Ok(())
}

/// For each contestant, how many nanoseconds a request took in each round.
async fn times(field: &[Entry], workload: Workload) -> Result<Vec<Vec<f64>>, Failure> {
    let mut parties: Vec<Box<dyn Party>> = Vec::new();
    for entry in field {
        parties.push(entry.contestant.start().await?);
    }
    let mut times = vec![Vec::new(); field.len()];
    // The first round is for pools and tables to grow.
    for round in 0..=ROUNDS {
        for place in 0..field.len() {
            let turn = (place + round) % field.len();
            let requests = if field[turn].contestant.waits.contains(&workload) {
                WAITING_PER_ROUND
            } else {
                PER_ROUND
            };
            let (time, _) = timed(&mut *parties[turn], workload, requests).await?;
            if round > 0 {
                times[turn].push(nanoseconds(time) / requests as f64);
            }
        }
    }
    Ok(times)
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// What is the same each time.
struct Counts {
    allocations: f64,
    bytes: f64,
    instructions: Option<f64>,
}

impl Counts {
    fn of(name: &str, workload: Workload) -> Result<Self, Failure> {
        let program = env::current_exe()?.with_file_name("allocations");
        let output = Command::new(program).args([name, workload.code()]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
        let [allocations, bytes] = numbers?[..] else {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        };
        Ok(Self {
            allocations,
            bytes,
            instructions: callgrind::instructions(name, workload)?,
        })
    }
}

fn rows(field: &[Entry], times: &[Vec<f64>], counts: &[Counts]) -> Vec<Vec<String>> {
    let place = |name: &str| field.iter().position(|entry| entry.contestant.name == name);
    let over = |place: usize, floor: usize| {
        let rounds = times[place].iter().zip(&times[floor]);
        median(rounds.map(|(time, bare)| time - bare).collect())
    };
    let row = |(at, entry): (usize, &Entry)| {
        let mut row = vec![
            entry.contestant.name.to_owned(),
            thousands(median(times[at].clone())),
        ];
        let count = &counts[at];
        let instructions = |number: Option<f64>| number.map_or("-".to_owned(), thousands);
        let Some(floor) = entry.floor.and_then(place) else {
            row.extend(["-".to_owned(), "-".to_owned()]);
            row.push(format!("({:.1} in all)", count.allocations));
            row.push(format!("({} in all)", thousands(count.bytes)));
            row.push(format!("({} in all)", instructions(count.instructions)));
            return row;
        };
        let bare = &counts[floor];
        let ours = over(at, floor);
        row.push(thousands(ours));
        let rival = entry.rival.and_then(place);
        row.push(rival.map_or("-".to_owned(), |rival| {
            format!("{:.1}", over(rival, floor) / ours)
        }));
        row.push(format!("{:.1}", count.allocations - bare.allocations));
        row.push(thousands(count.bytes - bare.bytes));
        let difference = count
            .instructions
            .zip(bare.instructions)
            .map(|(of, bare)| of - bare);
        row.push(instructions(difference));
        row
    };
    field.iter().enumerate().map(row).collect()
}
