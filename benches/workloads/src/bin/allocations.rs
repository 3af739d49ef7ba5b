//! Counts what one request allocates: `allocations "memory" W3`. `guard` asks it.

use allocation_counter::measure;
use workloads::{Failure, allocations, bare, ours};

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let contestants = || Ok(ours()?.into_iter().chain([bare()]).collect());
    allocations::print(contestants, |step| {
        let measured = measure(step);
        (measured.count_total, measured.bytes_total)
    })
    .await
}
