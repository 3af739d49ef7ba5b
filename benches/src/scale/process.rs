//! Numbers that this program measures in a process of its own, whose memory nobody has used before.

use std::{
    env,
    process::{Command, Stdio},
};

use workloads::Failure;

/// The argument for one part alone.
const ONE: &str = "--one";

/// What this program, run again, measures.
pub(super) fn measured(part: &str, arguments: &[String]) -> Result<Vec<f64>, Failure> {
    let run = Command::new(env::current_exe()?)
        .args([ONE, part])
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    let told = String::from_utf8(run.stdout)?;
    Ok(told
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?)
}

/// The part that this process is to measure, and its arguments; `None` if it is the whole.
pub(super) fn asked() -> Option<(String, Vec<String>)> {
    let mut arguments = env::args().skip(1);
    if arguments.next()? != ONE {
        return None;
    }
    Some((arguments.next()?, arguments.collect()))
}

/// Tells what was [`measured`].
pub(super) fn answer(numbers: &[f64]) {
    for number in numbers {
        println!("{number}");
    }
}
