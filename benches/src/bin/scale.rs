//! What a session costs where there are many: a million in memory, and a hundred thousand in a directory.

use benches::scale;
use workloads::Failure;

fn main() -> Result<(), Failure> {
    if scale::if_asked()? {
        return Ok(());
    }
    scale::tables()
}
