//! Redis.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    ports,
    process::{Process, User, output},
};

pub(crate) const USER: User = User("redis");

/// What is written survives `kill`, which takes no more than what the system has not got yet.
pub(crate) const KEEPS: [&str; 6] = ["--save", "", "--appendonly", "yes", "--appendfsync", "no"];

/// Its settings, and what it writes of them itself.
const CONFIG: &str = "redis.conf";

/// For the tests' own questions, whatever its port speaks. An answer from there is no other server's.
const SOCKET: &str = "socket";

/// A Redis of one's own.
#[derive(Debug)]
pub struct Redis {
    pub(crate) process: Process,
    port: u16,
}

impl Redis {
    /// One that is stopped when it is dropped.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// One with more settings, as on the command line: `&["--maxmemory", "100mb"]`.
    ///
    /// Each word of a user is one of its own: `&["--user", "shop", "on", ">secret", "~sessions:*", "+@all"]`. Who gives no
    /// name is still let in, unless `"--user", "default", "off"` follows.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Self {
        Self::launch("", |_, port| words(&[&["--port", port], &KEEPS, settings]))
    }

    /// Starts one with a free port, which is among what `settings` makes of its folder and the port.
    pub(crate) fn launch(config: &str, settings: impl Fn(&Path, &str) -> Vec<String>) -> Self {
        output(Command::new("redis-server").arg("--version"));
        loop {
            let (folder, port) = (USER.folder(), ports::free());
            let at = |name: &str| folder.join(name).display().to_string();
            let (file, socket) = (at(CONFIG), at(SOCKET));
            USER.write(&folder.join(CONFIG), config);
            let settings = settings(&folder, &port.to_string());
            let data = folder.display().to_string();
            let mut command = vec!["redis-server", &file];
            command.extend(settings.iter().map(String::as_str));
            command.extend(["--bind", "127.0.0.1", "--protected-mode", "yes"]);
            command.extend(["--dir", &data, "--unixsocket", &socket]);
            // Asked for a name and a password, it can be used too.
            let asks = "redis-cli -s \"$1\" PING | grep -Eq 'PONG|NOAUTH'";
            let asks = ["sh", "-c", asks, "sh", &socket];
            if let Some(process) = Process::start_with_port(&USER, folder.clone(), &command, &asks) {
                return Self { process, port };
            }
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port of 127.0.0.1, which stays the same when it is run again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it answers, if it answers: one that is paused lets itself be asked, and says nothing.
    pub(crate) fn ask(&self, words: &[&str]) -> Result<String, String> {
        self.ask_for("1", words)
    }

    /// What it answers; it has to.
    pub(crate) fn tell(&self, words: &[&str]) -> String {
        self.ask_for("30", words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn ask_for(&self, seconds: &str, words: &[&str]) -> Result<String, String> {
        let output = Command::new("timeout")
            .args([seconds, "redis-cli", "-e", "--raw", "-s"])
            .arg(self.process.folder().join(SOCKET))
            .args(words)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(format!("{} {}", text(&output.stdout), text(&output.stderr)))
        }
    }
}

/// Parts of a command line as one.
pub(crate) fn words(parts: &[&[&str]]) -> Vec<String> {
    let words = parts.iter().copied().flatten();
    words.map(|&word| word.to_owned()).collect()
}
