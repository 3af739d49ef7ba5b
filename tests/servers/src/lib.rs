//! Servers that tests start for themselves, from Debian's packages: each in a folder of its own, reached by a socket in it
//! or by a port of 127.0.0.1, and gone when the process is that started it, however that ends.
//!
//! `tests/run` installs them. Where one is missing, it is said and the test fails.

mod mariadb;
mod nginx;
mod ports;
mod postgres;
mod process;
mod redis;
mod redis_cluster;
mod redis_sentinels;

pub use self::{
    mariadb::MariaDb, nginx::Nginx, postgres::Postgres, redis::Redis, redis_cluster::RedisCluster,
    redis_sentinels::RedisSentinels,
};

macro_rules! shared {
    ($server:ty) => {
        impl $server {
            /// The one that the tests of a process share. It is gone when the process is.
            pub fn shared() -> &'static Self {
                static SERVER: std::sync::OnceLock<$server> = std::sync::OnceLock::new();
                SERVER.get_or_init(Self::start)
            }
        }
    };
}

macro_rules! server {
    ($server:ty, $process:tt) => {
        impl $server {
            /// Ends it at once, as the lack of memory or of power does.
            pub fn kill(&self) {
                self.$process.kill();
            }

            /// Starts it, after it was killed, with what it had written.
            pub fn run_again(&self) {
                self.$process.run_again();
            }

            /// Lets nothing of it run, and its connections open.
            pub fn pause(&self) {
                self.$process.pause();
            }

            /// Lets it go on.
            pub fn resume(&self) {
                self.$process.resume();
            }
        }
    };
}

server!(MariaDb, 0);
server!(Nginx, process);
server!(Postgres, 0);
server!(Redis, process);
shared!(MariaDb);
shared!(Postgres);
shared!(Redis);
shared!(RedisCluster);
