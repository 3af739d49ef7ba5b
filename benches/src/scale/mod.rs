//! What sessions cost by how many there are: the tables of the program `scale`.

mod directory;
mod expiry;
mod loads;
mod memory;
mod process;
mod random;
mod sessions;
mod threads;
mod waits;

use std::env;

use workloads::Failure;

/// Measures, and prints a table.
type Table = fn() -> Result<(), Failure>;

/// Measures what [`tables`] asks this program for in a process of its own, if it does: to be called first in `main`.
///
/// # Errors
/// A storage failed, or there is no such part.
pub fn if_asked() -> Result<bool, Failure> {
    let Some((part, arguments)) = process::asked() else {
        return Ok(false);
    };
    let numbers = match part.as_str() {
        memory::PART => memory::measure(&arguments)?,
        loads::PART => loads::measure(&arguments)?,
        _ => return Err(format!("no part {part}").into()),
    };
    process::answer(&numbers);
    Ok(true)
}

/// Measures what is named in the arguments, or everything, and prints it.
///
/// # Errors
/// A storage failed.
pub fn tables() -> Result<(), Failure> {
    let tables: [(&str, Table); 6] = [
        ("memory", memory::table),
        ("loads", loads::table),
        ("expiry", expiry::table),
        ("waits", waits::table),
        ("threads", threads::table),
        ("directory", directory::table),
    ];
    let named: Vec<String> = env::args().skip(1).collect();
    for (name, table) in tables {
        if named.is_empty() || named.iter().any(|one| one == name) {
            table()?;
        }
    }
    Ok(())
}
