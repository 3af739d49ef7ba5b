//! What a server is told, as it says itself.

use redis::{Client, Connection, Value, cmd};

pub(crate) struct Monitor {
    seeing: Connection,
    telling: Connection,
    marks: u32,
}

impl Monitor {
    pub(crate) fn of(url: &str) -> Self {
        let client = Client::open(url).unwrap();
        let mut seeing = client.get_connection().unwrap();
        cmd("MONITOR").exec(&mut seeing).unwrap();
        let telling = client.get_connection().unwrap();
        let mut monitor = Self {
            seeing,
            telling,
            marks: 0,
        };
        monitor.since_last();
        monitor
    }

    /// The commands that came since it was asked last, without those of scripts: each is a round trip.
    pub(crate) fn since_last(&mut self) -> Vec<String> {
        self.marks += 1;
        let mark = format!("mark {}", self.marks);
        cmd("ECHO").arg(&mark).exec(&mut self.telling).unwrap();
        let mut commands = Vec::new();
        loop {
            let Value::SimpleString(line) = self.seeing.recv_response().unwrap() else {
                continue;
            };
            if line.contains(&mark) {
                return commands;
            }
            if !line.contains(" lua] ") && !line.contains("\"ECHO\"") {
                commands.push(line);
            }
        }
    }

    /// How many of them are about a session or a roster.
    pub(crate) fn about_sessions(&mut self) -> usize {
        let commands = self.since_last();
        commands.iter().filter(|line| line.contains("test")).count()
    }
}
