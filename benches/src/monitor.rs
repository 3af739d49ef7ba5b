//! What a Redis is told, as it says itself.

use std::collections::BTreeMap;

use redis::{Client, Connection, Value, cmd};
use workloads::Failure;

/// Sees each command that a Redis is sent. It makes the server slower, so nothing is timed meanwhile.
#[expect(missing_debug_implementations, reason = "a connection has none")]
pub struct Monitor {
    seeing: Connection,
    telling: Connection,
    marks: u32,
}

impl Monitor {
    /// Begins to look.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn of(url: &str) -> Result<Self, Failure> {
        let client = Client::open(url)?;
        let mut seeing = client.get_connection()?;
        cmd("MONITOR").exec(&mut seeing)?;
        let telling = client.get_connection()?;
        let mut monitor = Self {
            seeing,
            telling,
            marks: 0,
        };
        monitor.since_last()?;
        Ok(monitor)
    }

    /// How many commands of each name came since it was asked last, without those of scripts: each is a round trip.
    ///
    /// # Errors
    /// The server is gone.
    pub fn since_last(&mut self) -> Result<BTreeMap<String, usize>, Failure> {
        self.marks += 1;
        let mark = format!("mark {}", self.marks);
        cmd("ECHO").arg(&mark).exec(&mut self.telling)?;
        let mut commands = BTreeMap::new();
        loop {
            let Value::SimpleString(line) = self.seeing.recv_response()? else {
                continue;
            };
            if line.contains(&mark) {
                return Ok(commands);
            }
            // 1763900000.123456 [0 127.0.0.1:60000] "GET" "key"
            let name = line.split('"').nth(1).unwrap_or_default();
            if !line.contains(" lua] ") && name != "ECHO" {
                *commands.entry(name.to_uppercase()).or_default() += 1;
            }
        }
    }
}
