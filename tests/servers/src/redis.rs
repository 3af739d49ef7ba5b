//! Redis.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
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

/// Who vouches for the certificate of a Redis with TLS.
const AUTHORITY: &str = "ca.crt";

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

    /// One that speaks nothing but TLS, with a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Panics
    /// Redis or OpenSSL is not installed, or Redis does not start.
    #[must_use]
    pub fn start_with_tls() -> Self {
        Self::launch("", |folder, port| {
            certify(folder);
            let at = |name: &str| folder.join(name).display().to_string();
            let (authority, certificate, key) = (at(AUTHORITY), at("server.crt"), at("server.key"));
            let ports = ["--port", "0", "--tls-port", port, "--tls-auth-clients", "no"];
            let files = [
                "--tls-ca-cert-file",
                &authority,
                "--tls-cert-file",
                &certificate,
                "--tls-key-file",
                &key,
            ];
            words(&[&ports, &files, &KEEPS])
        })
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

    /// Where one is that `start_with_tls` has started.
    pub fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }

    /// The certificate that whoever connects to such a one has to trust. Everyone may read it.
    pub fn certificate_authority(&self) -> PathBuf {
        self.process.folder().join(AUTHORITY)
    }

    /// Where one is that does not speak TLS.
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

/// Makes a certificate, and an authority that vouches for it.
fn certify(folder: &Path) {
    // `runuser` would not say that it is missing.
    output(Command::new("openssl").arg("version"));
    let request = |words: &str| {
        let new = "req -x509 -days 365 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        let mut command = USER.command("openssl");
        command.current_dir(folder).args(new.split(' '));
        output(command.args(words.split(' ')));
    };
    // Strict verifiers want it said what an authority's key is for, and refuse an authority's certificate as a server's.
    request("-subj /CN=authority -keyout ca.key -out ca.crt -addext keyUsage=critical,keyCertSign");
    request(
        "-subj /CN=localhost -keyout server.key -out server.crt -CA ca.crt -CAkey ca.key \
         -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1",
    );
    let passable = Permissions::from_mode(0o711);
    fs::set_permissions(folder, passable).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

/// Parts of a command line as one.
pub(crate) fn words(parts: &[&[&str]]) -> Vec<String> {
    let words = parts.iter().copied().flatten();
    words.map(|&word| word.to_owned()).collect()
}
