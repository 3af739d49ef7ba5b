//! Instructions, counted by valgrind's callgrind in a process of their own.
//!
//! They are the same in each run but for what is random (tables that grow, the text of numbers), to about one in a hundred.
//! Valgrind has no SHA and no wide AES instructions, so signatures look dearer than they are.

use std::{
    env, fs, io,
    process::{Command, Stdio},
};

use crate::{Contestant, Failure, Workload, metered};

/// The argument that makes a program do what is counted; see [`if_asked`].
const ONE: &str = "--one";

/// Requests before those that are counted, for pools and tables to grow.
const WARM_UP: usize = 200;

/// Does what [`instructions`] asks the program for, if it does: to be called first in `main`, in a runtime.
///
/// # Errors
/// There is no such contestant or workload, or a request failed.
pub async fn if_asked(
    contestants: impl FnOnce() -> Result<Vec<Contestant>, Failure>,
) -> Result<bool, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [flag, name, code, requests] = arguments.as_slice() else {
        return Ok(false);
    };
    if flag != ONE {
        return Ok(false);
    }
    let contestants = contestants()?;
    let contestant = contestants.iter().find(|contestant| contestant.name == name);
    let contestant = contestant.ok_or_else(|| format!("no contestant {name}"))?;
    let workload = Workload::of_code(code).ok_or_else(|| format!("no workload {code}"))?;
    let mut party = contestant.start().await?;
    metered(&mut *party, workload, WARM_UP, |step| step()).await?;
    metered(&mut *party, workload, requests.parse()?, counted).await?;
    Ok(true)
}

/// Only what is in here is counted; callgrind is told so by its name.
#[inline(never)]
fn counted(step: &mut dyn FnMut()) {
    step();
}

/// How many instructions one request takes: this program is run again, for two numbers of requests, and has to call
/// [`if_asked`] first. `None` if there is no valgrind.
///
/// # Errors
/// Valgrind failed.
pub fn instructions(contestant: &str, workload: Workload) -> Result<Option<f64>, Failure> {
    // A table that doubles when it is full does so once between the two, whatever its size is.
    let (few, many) = (1024, 2048);
    let total = |requests: usize| {
        let arguments = [ONE, contestant, workload.code(), &requests.to_string()];
        total("workloads::callgrind::counted", &arguments)
    };
    let Some(first) = total(few)? else {
        return Ok(None);
    };
    let second = total(many)?.ok_or("valgrind is gone")?;
    Ok(Some((second - first) as f64 / (many - few) as f64))
}

/// How many instructions this program, run again with these arguments, takes inside the function of this name. `None` if
/// there is no valgrind.
///
/// # Errors
/// Valgrind or the program failed.
pub fn total(function: &str, arguments: &[&str]) -> Result<Option<i64>, Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("callgrind.out");
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let output = match run {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        run => run?,
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let profile = fs::read_to_string(file)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(Some(total.ok_or("a profile without a total")?.trim().parse()?))
}
