//! What a server can do with sessions, over loopback: a check that the figures of `requests` are what a server sees.

use std::{
    process::{self, Command, Stdio},
    time::{Duration, Instant},
};

use benches::{
    client::{Connection, ask_for, header},
    field, median, over,
    server::{self, Server},
    table::{print, thousands},
};
use workloads::{Contestant, Failure, Workload, cookie_pair};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 32;
/// What W1 and W5 show is in `requests`; here the kernel's work would hide it.
const WORKLOADS: [Workload; 3] = [Workload::Untouched, Workload::Read, Workload::Write];

const HEADING: &str = "\
## Load, over loopback

Each contestant is a server with one worker on one processor, and is asked on 32 connections, which are kept, by a client on
another one: in each of 5 rounds for one second, one contestant after the other. Figures are medians over the rounds, and \"over\"
is that of the difference with the bare framework in the same round. The processor's time of the server, the kernel's for it
included, is told in hundredths of a second. The client sends the same token all the time.
";

const HEADS: [&str; 7] = [
    "contestant",
    "requests/s",
    "of the bare",
    "server's µs/request",
    "over the bare, µs",
    "p50, µs",
    "p99, µs",
];

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let contestants = || Ok(field()?.into_iter().map(|entry| entry.contestant).collect());
    if server::if_asked(contestants).await? {
        return Ok(());
    }
    // Threads that are begun later go along; without `taskset` the system decides.
    let _ = Command::new("taskset")
        .args(["-pc", "1", &process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    let mut field = field()?;
    field.retain(|entry| {
        let contestant = &entry.contestant;
        WORKLOADS
            .iter()
            .all(|workload| contestant.workloads.contains(workload))
            && contestant.waits.is_empty()
    });
    println!("{HEADING}");
    let servers: Result<Vec<Server>, Failure> = field
        .iter()
        .map(|entry| Server::start(entry.contestant.name))
        .collect();
    let servers = servers?;
    for workload in WORKLOADS {
        println!("### {}: {}\n", workload.code(), workload.title());
        let mut requests = Vec::new();
        for (entry, server) in field.iter().zip(&servers) {
            requests.push(request(&entry.contestant, server, workload).await?);
        }
        let mut figures = vec![Vec::new(); field.len()];
        for round in 0..ROUNDS {
            for place in 0..field.len() {
                let turn = (place + round) % field.len();
                figures[turn].push(Figures::of(&servers[turn], &requests[turn]).await?);
            }
        }
        let place = |name: &str| field.iter().position(|entry| entry.contestant.name == name);
        let row = |(at, entry): (usize, &benches::Entry)| {
            let of = |at: usize, figure: fn(&Figures) -> f64| -> Vec<f64> {
                figures[at].iter().map(figure).collect()
            };
            let floor = entry.floor.and_then(place).unwrap_or(at);
            let ratios = of(at, Figures::rate).into_iter().zip(of(floor, Figures::rate));
            let ratio = median(ratios.map(|(rate, bare)| rate / bare).collect());
            let processor: fn(&Figures) -> f64 = |figures| figures.processor;
            let own = over(&of(at, processor), &of(floor, processor));
            vec![
                entry.contestant.name.to_owned(),
                thousands(median(of(at, Figures::rate))),
                format!("{ratio:.2}"),
                format!("{:.2}", median(of(at, processor))),
                format!("{own:.2}"),
                format!("{:.0}", median(of(at, |figures| figures.p50))),
                format!("{:.0}", median(of(at, |figures| figures.p99))),
            ]
        };
        print(&HEADS, &field.iter().enumerate().map(row).collect::<Vec<_>>());
    }
    Ok(())
}

/// A request of this workload, with the token that a login gives.
async fn request(contestant: &Contestant, server: &Server, workload: Workload) -> Result<Vec<u8>, Failure> {
    let carrier = contestant.carrier.header();
    let mut connection = Connection::to(server.address).await?;
    let head = connection.ask(&text(Workload::Login, "")).await?;
    let token = match header(head, "set-cookie") {
        Some(line) => str::from_utf8(cookie_pair(line.as_bytes()))?,
        // The bare frameworks give none, and read none.
        None => header(head, carrier.as_str())
            .unwrap_or("bare=QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w"),
    };
    Ok(text(workload, &format!("{carrier}: {token}\r\n")))
}

fn text(workload: Workload, token: &str) -> Vec<u8> {
    format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n",
        workload.path()
    )
    .into_bytes()
}

/// Of one round.
#[derive(Clone, Debug)]
struct Figures {
    /// How many requests there were, in what time.
    requests: usize,
    time: Duration,
    /// Microseconds of the server's processor for a request.
    processor: f64,
    p50: f64,
    p99: f64,
}

impl Figures {
    async fn of(server: &Server, request: &[u8]) -> Result<Self, Failure> {
        let (before, begun) = (server.processor_time()?, Instant::now());
        let mut times = ask_for(ROUND, server.address, request, CONNECTIONS).await?;
        let (time, processor) = (begun.elapsed(), server.processor_time()? - before);
        times.sort_unstable();
        let at = |part: usize| micros(times[(times.len() - 1) * part / 100]);
        Ok(Self {
            requests: times.len(),
            time,
            processor: micros(processor) / times.len() as f64,
            p50: at(50),
            p99: at(99),
        })
    }

    fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
