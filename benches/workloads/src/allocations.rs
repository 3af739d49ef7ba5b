//! Allocations, counted in a program of its own, `allocations`: an allocator that counts makes each of them dearer, and with
//! them the time and the instructions of whoever has more of them.

use std::{env, process::Command};

use crate::{Contestant, Failure, Workload, metered};

/// Enough for pools and tables to have grown.
const WARM_UP: usize = 200;
/// A table that doubles when it is full does so once among these, if none was made before.
const REQUESTS: usize = 1024;

/// What one request allocates.
#[derive(Clone, Copy, Debug)]
pub struct Allocations {
    /// How many there are.
    pub count: f64,
    /// And of how many bytes.
    pub bytes: f64,
}

/// What the program does: its two arguments name a contestant and a workload, of which it prints numbers of allocations and of
/// bytes. `measure` says what a step has allocated.
///
/// # Errors
/// There is no such contestant or workload, or a request failed.
pub async fn print(
    contestants: impl FnOnce() -> Result<Vec<Contestant>, Failure>,
    mut measure: impl FnMut(&mut dyn FnMut()) -> (u64, u64),
) -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let (Some(name), Some(code)) = (arguments.next(), arguments.next()) else {
        return Err("a contestant and a workload, please".into());
    };
    let workload = Workload::of_code(&code).ok_or("no such workload")?;
    let contestant = contestants()?
        .into_iter()
        .find(|contestant| contestant.name == name)
        .ok_or("no such contestant")?;
    let mut party = contestant.start().await?;
    metered(&mut *party, workload, WARM_UP, |step| step()).await?;
    let requests = if contestant.waits.contains(&workload) {
        64
    } else {
        REQUESTS
    };
    let (mut count, mut bytes) = (0, 0);
    metered(&mut *party, workload, requests, |step| {
        let (more, larger) = measure(step);
        count += more;
        bytes += larger;
    })
    .await?;
    let each = |sum: u64| sum as f64 / requests as f64;
    println!("{} {}", each(count), each(bytes));
    Ok(())
}

/// What the program `allocations` says, which is beside this one.
///
/// # Errors
/// It is not, or it failed.
pub fn of(contestant: &str, workload: Workload) -> Result<Allocations, Failure> {
    let program = env::current_exe()?.with_file_name("allocations");
    let output = Command::new(program)
        .args([contestant, workload.code()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
    let [count, bytes] = numbers?[..] else {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    };
    Ok(Allocations { count, bytes })
}
