//! A child process whose output is captured and which ends when its value is dropped.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: Arc<Output>,
}

/// The lines so far, of both streams, and how many streams are still open.
#[derive(Debug, Default)]
struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    open: usize,
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        self.state().open += 1;
        let output = Arc::clone(self);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // Octets, not `lines()`: one that is no UTF-8 must not end the capture.
            while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
                output
                    .state()
                    .lines
                    .push(String::from_utf8_lossy(&line).trim_end().to_owned());
                output.changed.notify_all();
                line.clear();
            }
            output.state().open -= 1;
            output.changed.notify_all();
        });
    }
}

impl Process {
    /// Starts the program with its output captured and nothing to read.
    ///
    /// # Errors
    /// When it cannot be started; the message names it.
    pub fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{command:?}: {error}")))?;
        let output = Arc::new(Output::default());
        if let Some(stdout) = child.stdout.take() {
            output.follow(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.follow(stderr);
        }
        Ok(Self { child, output })
    }

    /// Waits for a line that `find` makes something of.
    ///
    /// # Errors
    /// When the program ends before that, or `patience` does; the message has what it said.
    pub fn wait_for<T>(&self, patience: Duration, find: impl Fn(&str) -> Option<T>) -> io::Result<T> {
        let deadline = Instant::now() + patience;
        let mut seen = 0;
        let mut state = self.output.state();
        loop {
            if let Some(found) = state.lines[seen..].iter().find_map(|line| find(line)) {
                return Ok(found);
            }
            seen = state.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if state.open == 0 || left.is_zero() {
                let why = if left.is_zero() {
                    "said nothing of the kind in time"
                } else {
                    "ended too early"
                };
                return Err(io::Error::other(format!(
                    "the program {why}:\n{}",
                    state.lines.join("\n")
                )));
            }
            state = self
                .output
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Everything that it has said so far, on both streams.
    pub fn output(&self) -> String {
        self.output.state().lines.join("\n")
    }

    /// Asks it to end, as who deploys another release does, and waits until it has.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn end(&mut self) -> io::Result<()> {
        let process = self.child.id().to_string();
        Command::new("kill").args(["-s", "TERM", &process]).status()?;
        self.child.wait().map(drop)
    }

    /// Ends it at once, as a crash would, and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell, and an ended program is what was wanted.
        let _ = self.kill();
    }
}
