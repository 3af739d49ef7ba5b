//! Database servers that tests start for themselves, from Debian's packages: each in a folder of its own, reached by a
//! socket in it, and gone when the process is that started it, however that ends.
//!
//! `tests/run` installs them. Where one is missing, it is said and the test fails.

mod mariadb;
mod postgres;
mod process;

pub use self::{mariadb::MariaDb, postgres::Postgres};

macro_rules! server {
    ($server:ty) => {
        impl $server {
            /// The one that the tests of a process share. It is gone when the process is.
            pub fn shared() -> &'static Self {
                static SERVER: std::sync::OnceLock<$server> = std::sync::OnceLock::new();
                SERVER.get_or_init(Self::start)
            }

            /// Ends it at once, as the lack of memory or of power does.
            pub fn kill(&self) {
                self.0.kill();
            }

            /// Starts it, after it was killed, with what it had written.
            pub fn run_again(&self) {
                self.0.run_again();
            }

            /// Lets nothing of it run, and its connections open.
            pub fn pause(&self) {
                self.0.pause();
            }

            /// Lets it go on.
            pub fn resume(&self) {
                self.0.resume();
            }
        }
    };
}

server!(MariaDb);
server!(Postgres);
