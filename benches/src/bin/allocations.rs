//! Counts what one request allocates: `allocations "memory" W3`. `requests` asks it.

use allocation_counter::measure;
use workloads::{Failure, allocations};

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    let contestants = || {
        let field = benches::field()?;
        Ok(field.into_iter().map(|entry| entry.contestant).collect())
    };
    allocations::print(contestants, |step| {
        let measured = measure(step);
        (measured.count_total, measured.bytes_total)
    })
    .await
}
