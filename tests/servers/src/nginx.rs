//! nginx, in front of a test's own servers.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use crate::{
    ports,
    process::{Process, User, output, wait_until},
};

const USER: User = User("www-data");

/// It is not in the path of users.
const PROGRAM: &str = "/usr/sbin/nginx";

/// The file of those that requests go to.
const UPSTREAMS: &str = "upstreams";

/// A worker serves, and not only the master is there: that has written its file before.
const ASKS: &str = r#"
    read -r master <"$1"
    for worker in $(cat "/proc/$master/task/$master/children"); do
        grep -q "worker process" "/proc/$worker/cmdline" && exit
    done
    exit 1
"#;

/// An nginx of one's own, which passes requests on.
#[derive(Debug)]
pub struct Nginx {
    pub(crate) process: Process,
    port: u16,
}

impl Nginx {
    /// One that gives requests to these in turn, as nginx does when nothing else is said: what may have had an effect it does
    /// not try again elsewhere, if it is not idempotent. It is stopped when it is dropped.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn in_front_of(upstreams: &[SocketAddr]) -> Self {
        Self::start(upstreams, |port| {
            format!(
                "server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass http://upstreams;
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_set_header X-Forwarded-Proto $scheme;
                    }}
                }}"
            )
        })
    }

    /// One with settings of one's own, those of `http`, made of the port: `http://upstreams` is what is given. Relative paths
    /// are in its folder.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn start(upstreams: &[SocketAddr], http: impl Fn(u16) -> String) -> Self {
        output(Command::new(PROGRAM).arg("-v"));
        loop {
            let (folder, port) = (USER.folder(), ports::free());
            let at = |name: &str| folder.join(name).display().to_string();
            let (prefix, config, log, pid) = (at(""), at("nginx.conf"), at("log"), at("pid"));
            USER.write(&folder.join("nginx.conf"), &settings(&http(port)));
            write(&folder, upstreams);
            let command = [PROGRAM, "-p", &prefix, "-c", &config, "-e", &log];
            let asks = ["sh", "-c", ASKS, "sh", &pid];
            if let Some(process) = Process::start_with_port(&USER, folder.clone(), &command, &asks) {
                return Self { process, port };
            }
        }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Gives the requests that follow to others; those that it has begun end as they would have.
    ///
    /// # Panics
    /// It does not run.
    pub fn reload(&self, upstreams: &[SocketAddr]) {
        write(self.process.folder(), upstreams);
        let before = self.workers();
        self.process.reload();
        wait_until(
            || {
                let now = self.workers();
                !now.is_empty() && now.iter().all(|worker| !before.contains(worker))
            },
            || format!("nginx does not reload: {}", self.process.log()),
        );
    }

    /// The processes that accept connections.
    fn workers(&self) -> Vec<u32> {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let master = read(&self.process.folder().join("pid").display().to_string());
        let master = master.trim();
        let children = read(&format!("/proc/{master}/task/{master}/children"));
        let accepts = |process: &u32| {
            let title = read(&format!("/proc/{process}/cmdline"));
            title.contains("worker process") && !title.contains("shutting down")
        };
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        children.filter(accepts).collect()
    }
}

/// One worker, because each gives its own requests in turn.
fn settings(http: &str) -> String {
    format!(
        "daemon off;
        worker_processes 1;
        pid pid;
        error_log log;
        events {{}}
        http {{
            access_log access.log;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            upstream upstreams {{ include {UPSTREAMS}; }}
            {http}
        }}"
    )
}

fn write(folder: &Path, upstreams: &[SocketAddr]) {
    let lines: String = upstreams
        .iter()
        .map(|address| format!("server {address};\n"))
        .collect();
    USER.write(&folder.join(UPSTREAMS), &lines);
}
