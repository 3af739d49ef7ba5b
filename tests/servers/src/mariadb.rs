//! MariaDB.

use crate::process::{Process, User, output};

const USER: User = User("mysql");

/// A MariaDB of one's own.
#[derive(Debug)]
pub struct MariaDb(pub(crate) Process);

impl MariaDb {
    /// One that is stopped when it is dropped.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = USER.folder();
        let at = |name: &str| folder.join(name).display().to_string();
        let (data, socket) = (format!("--datadir={}", at("data")), at("socket"));
        output(USER.command("mariadb-install-db").args([
            "--no-defaults",
            &data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]));
        let (socket_option, pid) = (format!("--socket={socket}"), format!("--pid-file={}", at("pid")));
        let command = [
            "/usr/sbin/mariadbd",
            "--no-defaults",
            &data,
            &socket_option,
            &pid,
            "--skip-networking",
            "--max-connections=300",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-buffer-pool-size=64M",
        ];
        let asks = [
            "mariadb-admin",
            "--no-defaults",
            "--user=root",
            &socket_option,
            "ping",
        ];
        Self(Process::start(&USER, folder, &command, &asks))
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!(
            "mysql://root@localhost/mysql?socket={}",
            self.0.folder().join("socket").display()
        )
    }
}
