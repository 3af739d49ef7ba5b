//! PostgreSQL.

use std::fs;

use crate::process::{Process, User, output};

const USER: User = User("postgres");

/// A PostgreSQL of one's own.
#[derive(Debug)]
pub struct Postgres(pub(crate) Process);

impl Postgres {
    /// One that is stopped when it is dropped.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = USER.folder();
        let (data, socket) = (format!("{}/data", folder.display()), folder.display().to_string());
        output(USER.command(&program("initdb")).args([
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--auth=trust",
            "--username=postgres",
            "-D",
            &data,
        ]));
        let server = program("postgres");
        let command = [
            server.as_str(),
            "-D",
            &data,
            "-k",
            &socket,
            "-c",
            "listen_addresses=",
            "-c",
            "max_connections=300",
            "-c",
            "fsync=off",
        ];
        let ready = program("pg_isready");
        Self(Process::start(
            &USER,
            folder,
            &command,
            &[&ready, "-q", "-h", &socket],
        ))
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            self.0.folder().display()
        )
    }
}

/// Debian keeps them out of the path, by version.
fn program(name: &str) -> String {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    versions.sort();
    let mut installed = versions
        .iter()
        .rev()
        .map(|version| version.join("bin").join(name));
    installed
        .find(|path| path.exists())
        .map_or_else(|| name.to_owned(), |path| path.display().to_string())
}
