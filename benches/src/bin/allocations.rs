//! Counts what one contestant allocates for one request: `allocations "memory" W3` prints a number of allocations and one of
//! bytes. `requests` asks it, as an allocator that counts would make its times wrong.

use std::env;

use allocation_counter::{AllocationInfo, measure};
use workloads::{Failure, Workload, metered};

/// Enough for pools and tables to have grown.
const WARM_UP: usize = 200;

/// A table that doubles when it is full does so once among these, if none was made before.
const REQUESTS: usize = 1024;

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let (Some(name), Some(code)) = (arguments.next(), arguments.next()) else {
        return Err("a contestant and a workload, please".into());
    };
    let workload = Workload::of_code(&code).ok_or("no such workload")?;
    let contestant = benches::field()?
        .into_iter()
        .map(|entry| entry.contestant)
        .find(|contestant| contestant.name == name)
        .ok_or("no such contestant")?;
    let mut party = contestant.start().await?;
    metered(&mut *party, workload, WARM_UP, |step| step()).await?;
    let requests = if contestant.waits.contains(&workload) {
        64
    } else {
        REQUESTS
    };
    let mut total = AllocationInfo::default();
    metered(&mut *party, workload, requests, |step| total += measure(step)).await?;
    let each = |count: u64| count as f64 / requests as f64;
    println!("{} {}", each(total.count_total), each(total.bytes_total));
    Ok(())
}
