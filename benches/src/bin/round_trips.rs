//! What a request costs with sessions in Redis, beside a client of Redis that sends the same commands.

use benches::{Monitor, median, over, peers, rounds, table::print};
use redis::{Client, cmd};
use servers::Redis;
use sessions_actix::storage::RedisStorage;
use workloads::{Contestant, Failure, Workload, Writes, bare, server_side, timed, with_cookie};

const ROUNDS: usize = 201;
/// As many as are asked of whom it is counted.
const COUNTED: usize = 128;

const HEADING: &str = "\
## Requests, with sessions in Redis

One request after the other, in process, and a Redis on loopback. In each of 201 rounds each contestant sends 16 requests (eight
times 64, where it waits for nothing). The bare client is a handler that sends what our storage sends, the same scripts included, and does
nothing else; \"over\" is the median over the rounds of the difference with it in the same round. Commands are those of a
request, on the average, as Redis sees them; each is a round trip. Tracked copies are used for at most a second, and Redis is
asked four times in it whether it is still there: that is no part of a request.
";

const CLIENT: &str = "bare client of Redis";
/// What stands in the place of a number that there is none for.
const NONE: &str = "-";

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let server = Redis::start();
    let url = server.url();
    let field = field(&url).await?;
    let contestants: Vec<&Contestant> = field.iter().collect();
    let client = field.iter().position(|contestant| contestant.name == CLIENT);
    let client = client.ok_or("no bare client")?;
    println!("{HEADING}");
    for workload in Workload::ALL {
        println!("### {}: {}\n", workload.code(), workload.title());
        let times = rounds(&contestants, workload, ROUNDS).await?;
        let floor = &times[client];
        let mut monitor = Monitor::of(&url)?;
        let mut rows = Vec::new();
        let is_compared = |contestant: &Contestant| {
            field[client].waits.contains(&workload) && ![CLIENT, bare().name].contains(&contestant.name)
        };
        for (contestant, times) in field.iter().zip(&times) {
            let own = over(times, floor);
            let each = median(times.clone());
            let mut row = vec![contestant.name.to_owned(), format!("{:.2}", each / 1e3)];
            if !is_compared(contestant) {
                row.extend([NONE.to_owned(), NONE.to_owned()]);
            } else {
                row.push(format!("{:.2}", own / 1e3));
                row.push(format!("{:.0} %", own / median(floor.clone()) * 100.0));
            }
            row.push(commands(contestant, workload, &mut monitor).await?);
            rows.push(row);
        }
        print(
            &["contestant", "µs", "over the client, µs", "of it", "commands"],
            &rows,
        );
    }
    Ok(())
}

async fn field(url: &str) -> Result<Vec<Contestant>, Failure> {
    const WAITS: &[Workload] = &[Workload::Read, Workload::Write, Workload::Login];
    let storage = RedisStorage::connect(url).await?;
    let ours = with_cookie("Redis", server_side(storage.clone())?, Writes::Update).waiting_in(WAITS);
    let tracked = with_cookie("Redis, tracked", server_side(storage.tracked())?, Writes::Update)
        .waiting_in(&[Workload::Write, Workload::Login]);
    // It begins a session.
    ours.start().await?;
    let client = peers::bare_redis::contestant(CLIENT, url, session(url)?).await?;
    let theirs = peers::actix_session::in_redis("actix-session Redis", url).await?;
    Ok(vec![bare(), client, ours, tracked, theirs])
}

/// What the only session is in Redis.
fn session(url: &str) -> Result<Vec<u8>, Failure> {
    let mut connection = Client::open(url)?.get_connection()?;
    let keys: Vec<String> = cmd("KEYS").arg("*id:*").query(&mut connection)?;
    let key = keys.first().ok_or("no session")?;
    Ok(cmd("GET").arg(key).query(&mut connection)?)
}

async fn commands(
    contestant: &Contestant,
    workload: Workload,
    monitor: &mut Monitor,
) -> Result<String, Failure> {
    let mut party = contestant.start().await?;
    monitor.since_last()?;
    timed(&mut *party, workload, COUNTED).await?;
    let commands = monitor.since_last()?;
    let of_requests =
        |(name, _): &(String, usize)| !["ROLE", "PING", "CLIENT", "HELLO"].contains(&name.as_str());
    let each = commands.into_iter().filter(of_requests);
    let each: Vec<String> = each
        .map(|(name, count)| format!("{name} {:.2}", count as f64 / COUNTED as f64))
        .collect();
    Ok(if each.is_empty() {
        "none".to_owned()
    } else {
        each.join(", ")
    })
}
