//! The example programs, built once per test process and run on a port of their own.

use std::{
    collections::HashMap,
    env, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use tempfile::TempDir;

use crate::{client::Client, process::Process};

/// A running example, with a folder of its own for its sessions.
#[derive(Debug)]
pub struct Example {
    name: String,
    variables: Vec<(String, String)>,
    folder: TempDir,
    process: Process,
    address: SocketAddr,
}

impl Example {
    /// Starts the example of this name, with these variables added to its environment.
    ///
    /// # Errors
    /// When it cannot be built or started, or doesn't print its address in time.
    pub fn start(name: &str, variables: &[(&str, &str)]) -> io::Result<Self> {
        let variables: Vec<_> = variables
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let folder = tempfile::tempdir()?;
        let (process, address) = launch(name, &variables, folder.path())?;
        Ok(Self {
            name: name.to_owned(),
            variables,
            folder,
            process,
            address,
        })
    }

    /// Kills it and starts it again over the same sessions. It gets another port.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> io::Result<()> {
        self.process.kill()?;
        (self.process, self.address) = launch(&self.name, &self.variables, self.folder.path())?;
        Ok(())
    }

    /// Asks it to end, as who deploys another release does, and waits until it has.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn end(&mut self) -> io::Result<()> {
        self.process.end()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for a browser, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client without cookies.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The folder that it got as `SESSIONS_DIR`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything that it has printed since it was last started.
    pub fn output(&self) -> String {
        self.process.output()
    }
}

fn launch(name: &str, variables: &[(String, String)], folder: &Path) -> io::Result<(Process, SocketAddr)> {
    let program = programs()?
        .get(name)
        .ok_or_else(|| io::Error::other(format!("no example `{name}`")))?;
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_remove("BIND_ADDRESS")
        .env_remove("SESSION_KEY")
        .env("PORT", "0")
        .env("SESSIONS_DIR", folder)
        .envs(variables.iter().map(|(key, value)| (key, value)));
    let process = Process::start(command)?;
    let address = process.wait_for(Duration::from_secs(30), |line| {
        let rest = line.split_once("http://")?.1;
        rest.split(|c: char| c.is_whitespace() || c == '/')
            .next()?
            .parse()
            .ok()
    })?;
    Ok((process, address))
}

/// The paths of the examples by name.
fn programs() -> io::Result<&'static HashMap<String, PathBuf>> {
    static PROGRAMS: OnceLock<Result<HashMap<String, PathBuf>, String>> = OnceLock::new();
    PROGRAMS
        .get_or_init(|| build().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| io::Error::other(error.clone()))
}

/// `cargo test` builds the programs of another package only as test harnesses, so this asks cargo for
/// them. The whole workspace with its test dependencies is named, because that is what `cargo test
/// --workspace` names: the features come out the same, and nothing is built a second time.
fn build() -> io::Result<HashMap<String, PathBuf>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--workspace",
            "--bins",
            "--test",
            "login_example",
            "--message-format=json",
        ])
        .stderr(Stdio::inherit());
    command.args(["--features", "examples/redis,examples/sqlite"]);
    if cfg!(feature = "browser") {
        command.args(["--features", "tests/browser"]);
    }
    // The test runs from `<target folder>/<profile>/deps`.
    let executable = env::current_exe()?;
    if let Some(profile) = executable.parent().and_then(Path::parent) {
        if let Some(target) = profile.parent() {
            command.arg("--target-dir").arg(target);
        }
        if profile.ends_with("release") {
            command.arg("--release");
        }
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "the examples could not be built: {}",
            output.status
        )));
    }
    let mut programs = HashMap::new();
    for line in output
        .stdout
        .split(|&octet| octet == b'\n')
        .filter(|line| !line.is_empty())
    {
        let message: serde_json::Value = serde_json::from_slice(line)?;
        let target = &message["target"];
        if target["kind"][0] == "bin"
            && let (Some(name), Some(path)) = (target["name"].as_str(), message["executable"].as_str())
        {
            programs.insert(name.to_owned(), path.into());
        }
    }
    Ok(programs)
}
