//! What the tests ask.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What `redis-cli` prints when it is given these commands, a line each. It follows a cluster's redirections.
pub(crate) fn talk(url: &str, commands: &str) -> String {
    talk_with(&["-c", "-u", url], commands)
}

pub(crate) fn talk_with(options: &[&str], commands: &str) -> String {
    let mut cli = Command::new("redis-cli")
        .args(["--raw", "--no-auth-warning"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(cli.stdin.take().unwrap(), "{commands}").unwrap();
    let output = cli.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    // It says where it was sent.
    let answers: Vec<_> = text
        .trim()
        .lines()
        .filter(|line| !line.starts_with("-> "))
        .collect();
    answers.join("\n")
}

/// A field of what a Redis says of itself.
pub(crate) fn info(url: &str, field: &str) -> String {
    let info = talk(url, "INFO");
    let mut values = info
        .lines()
        .filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    values.next().unwrap().to_owned()
}

/// What a server leaves, unless it is ended: a process and a folder.
pub(crate) struct Traces(pub(crate) Vec<PathBuf>);

impl Traces {
    pub(crate) fn of(urls: &[String]) -> Self {
        let trace = |url: &String| {
            let folder = PathBuf::from(info(url, "config_file"));
            let process = Path::new("/proc").join(info(url, "process_id"));
            [process, folder.parent().unwrap().to_owned()]
        };
        let traces: Vec<_> = urls.iter().flat_map(trace).collect();
        assert!(traces.iter().all(|trace| trace.exists()), "{traces:?}");
        Self(traces)
    }

    pub(crate) fn are_gone(&self) {
        // One that has ended may wait for the system to forget it.
        let ended = |trace: &Path| {
            let status = fs::read_to_string(trace.join("status"));
            status.is_ok_and(|status| status.contains("State:\tZ"))
        };
        let is_left = |trace: &&PathBuf| trace.exists() && !ended(trace);
        let left: Vec<_> = self.0.iter().filter(is_left).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub(crate) fn until(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "it takes too long");
        thread::sleep(Duration::from_millis(50));
    }
}
