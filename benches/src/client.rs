//! A client of HTTP/1.1 that does as little as it can.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use workloads::Failure;

/// Asks again and again on so many connections for so long, and says how long each answer took.
///
/// # Errors
/// The server is gone, or refuses.
pub async fn ask_for(
    time: Duration,
    server: SocketAddr,
    request: &[u8],
    connections: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::to(server).await?);
    }
    let end = Instant::now() + time;
    let asking = open.into_iter().map(|mut connection| async move {
        let mut times = Vec::new();
        let mut begun = Instant::now();
        while begun < end {
            connection.ask(request).await?;
            let now = Instant::now();
            times.push(now - begun);
            begun = now;
        }
        Ok::<_, Failure>(times)
    });
    Ok(try_join_all(asking).await?.concat())
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody is there.
    pub async fn to(server: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Asks, and gives the head of the answer when the body is there, too.
    ///
    /// # Errors
    /// The server is gone, or refuses.
    pub async fn ask(&mut self, request: &[u8]) -> Result<&str, Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server has hung up".into());
            }
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
        };
        let length = header(str::from_utf8(&self.buffer[..head])?, "content-length");
        let length: usize = length.ok_or("an answer without a length")?.parse()?;
        while self.buffer.len() < head + 4 + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server has hung up".into());
            }
        }
        let head = str::from_utf8(&self.buffer[..head])?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(head.into());
        }
        Ok(head)
    }
}

/// The value of a header.
#[must_use]
pub fn header<'head>(head: &'head str, name: &str) -> Option<&'head str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(of, _)| of.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
