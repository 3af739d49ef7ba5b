//! Servers that are real processes, on one storage.

use std::{net::SocketAddr, process::Command, time::Duration};

use tests::{client::Client, process::Process, storage::Place};

/// How old a copy may be where others write, too; so short that a test can wait for its end.
pub(crate) const STALENESS: Duration = Duration::from_millis(100);
/// Of so many acknowledged writes another server may not know when it takes the place of the one that is lost: of those of
/// some hundredths of a second.
pub(crate) const REPLICATED_LATE: u64 = 100;

/// Servers of one storage, each a process of its own.
pub(crate) struct Servers {
    cached: bool,
    pub(crate) addresses: Vec<SocketAddr>,
    _processes: Vec<Process>,
    pub(crate) place: Place,
}

impl Servers {
    pub(crate) fn start(kind: &str, count: usize) -> Self {
        let place = Place::of(kind).unwrap();
        let started = (0..count).map(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_session_server"));
            let staleness = STALENESS.as_millis().to_string();
            command.arg(kind).arg(place.path()).arg(staleness);
            let process = Process::start(command).unwrap();
            let address = process
                .wait_for(Duration::from_secs(30), |line| {
                    line.strip_prefix("Listening on http://")?
                        .parse::<SocketAddr>()
                        .ok()
                })
                .unwrap();
            (address, process)
        });
        let (addresses, processes) = started.unzip();
        Self {
            cached: kind.starts_with("cached-") || kind.starts_with("tracked-"),
            addresses,
            _processes: processes,
            place,
        }
    }

    /// The address of one of them, by turns.
    pub(crate) fn address(&self, number: u64) -> SocketAddr {
        self.addresses[usize::try_from(number).unwrap() % self.addresses.len()]
    }

    /// Whether one of them may not know yet what another one has done.
    pub(crate) fn may_be_stale(&self) -> bool {
        self.cached && self.addresses.len() > 1
    }

    pub(crate) fn logged_in(&self) -> Client {
        let mut client = Client::new(self.addresses[0]);
        // Many at once are of one principal, and may have to try again.
        while client.cookie_names().is_empty() {
            let status = client.send("POST", "/login", &[], b"").unwrap().status;
            assert!(matches!(status, 204 | 503), "{status}");
        }
        client
    }
}
