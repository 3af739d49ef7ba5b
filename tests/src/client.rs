//! A small HTTP/1.1 client over a socket that keeps cookies and hides nothing.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use sessions_actix::{Clock as _, SystemClock};

use crate::{
    jar::{Fetch, Jar},
    judge::{Author, Header, Judge, Seen},
};

/// Talks to one address, one connection per request. It follows no redirect.
///
/// To its cookies the address is a host that counts as secure, as loopback addresses do, whatever its port.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    cookies: Jar,
    patience: Duration,
    judge: Option<Arc<Mutex<Judge>>>,
}

/// Where all servers of tests are.
const HOST: &str = "127.0.0.1";

impl Client {
    /// A client without cookies that waits at most ten seconds for each read.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            cookies: Jar::default(),
            patience: Duration::from_secs(10),
            judge: Some(Arc::default()),
        }
    }

    /// Sets how long it waits for each read.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Lets every answer pass: it is of a program that has no sessions of ours.
    #[must_use]
    pub fn unjudged(mut self) -> Self {
        self.judge = None;
        self
    }

    /// Goes on at another address with the same cookies, as a browser does that knows no ports.
    pub fn moved_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// `GET path`.
    ///
    /// # Errors
    /// When the server can't be reached or answers something that is no HTTP.
    pub fn get(&mut self, path: &str) -> io::Result<Response> {
        self.send("GET", path, &[], b"")
    }

    /// `POST path` with form fields.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<Response> {
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
            .collect();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, pairs.join("&").as_bytes())
    }

    /// Any request. The kept cookies go with it, and those of the answer are kept.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.address
        );
        let bare_path = path.split('?').next().unwrap_or(path);
        let fetch = Fetch::of(HOST, bare_path);
        if let Some(cookies) = self.cookies.header(&fetch, now()) {
            request += &format!("cookie: {}\r\n", String::from_utf8_lossy(&cookies));
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" {
            request += &format!("content-length: {}\r\n", body.len());
        }
        request += "\r\n";
        let response = self.exchange(&[request.as_bytes(), body].concat())?;
        for (name, value) in &response.head {
            if name.eq_ignore_ascii_case("set-cookie") {
                let kept = self.cookies.store(value, &fetch, now());
                assert_eq!(kept, Ok(()), "{}", value.escape_ascii());
            }
        }
        Ok(response)
    }

    /// Sends these octets as they are and reads one answer; no cookie is added or kept.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn exchange(&self, request: &[u8]) -> io::Result<Response> {
        let mut stream = TcpStream::connect_timeout(&self.address, self.patience)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        stream.write_all(request)?;
        let bodiless = request.starts_with(b"HEAD ");
        let response = Response::read(&mut stream, bodiless)?;
        let Some(judge) = &self.judge else {
            return Ok(response);
        };
        judge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .assert(&Seen {
                status: response.status,
                headers: &response.judged(),
                body: &response.body,
                // No server of a test makes one of its own.
                author: match response.status {
                    500.. => Author::Sessions,
                    _ => Author::Others,
                },
            });
        Ok(response)
    }

    /// The value of a kept cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name, now())
    }

    /// Keeps a cookie for all paths, as if the server had sent it.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.put(name, value, HOST);
    }

    /// The names of the kept cookies.
    pub fn cookie_names(&self) -> Vec<String> {
        self.cookies.names(now())
    }
}

fn now() -> SystemTime {
    SystemClock.now().into()
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers as they came, in their order.
    pub head: Vec<(String, Vec<u8>)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    /// The values of a header that are text; the name's case doesn't matter.
    pub fn headers<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.head
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| str::from_utf8(value).ok())
    }

    /// The first value of a header.
    pub fn header<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// The `Set-Cookie` lines that name this cookie.
    pub fn set_cookies<'a>(&'a self, name: &str) -> Vec<&'a str> {
        self.headers("set-cookie")
            .filter(|line| line.split_once('=').is_some_and(|(key, _)| key == name))
            .collect()
    }

    /// Every cookie is one of the sessions'.
    fn judged(&self) -> Vec<Header<'_>> {
        let header = |line| {
            let (name, value): &(String, Vec<u8>) = line;
            Header {
                name,
                value,
                author: match name.eq_ignore_ascii_case("set-cookie") {
                    true => Author::Sessions,
                    false => Author::Others,
                },
            }
        };
        self.head.iter().map(header).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn read(stream: &mut impl Read, bodiless: bool) -> io::Result<Self> {
        let mut unread = Vec::new();
        let end = loop {
            if let Some(end) = position(&unread, b"\r\n\r\n") {
                break end;
            }
            if !more(stream, &mut unread)? {
                return Err(malformed("it ended within the head"));
            }
        };
        let mut body: Vec<u8> = unread.split_off(end + 4);
        let mut lines = unread[..end]
            .split(|&octet| octet == b'\n')
            .map(|line| line.trim_ascii());
        let status = lines
            .next()
            .and_then(|line| str::from_utf8(line).ok())
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| malformed("its first line has no status"))?;
        let mut head = Vec::new();
        for line in lines {
            let colon = position(line, b":").ok_or_else(|| malformed("a header has no colon"))?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            head.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        let mut response = Self {
            status,
            head,
            body: Vec::new(),
        };
        if bodiless || matches!(status, 100..=199 | 204 | 304) {
            return Ok(response);
        }
        if response
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            response.body = read_chunks(stream, body)?;
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().map_err(|_| malformed("its length is no number"))?;
            while body.len() < length {
                if !more(stream, &mut body)? {
                    return Err(malformed("it ended within the body"));
                }
            }
            body.truncate(length);
            response.body = body;
        } else {
            while more(stream, &mut body)? {}
            response.body = body;
        }
        Ok(response)
    }
}

fn read_chunks(stream: &mut impl Read, mut unread: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            match position(&unread, b"\r\n") {
                Some(end) => break end,
                None if more(stream, &mut unread)? => {}
                None => return Err(malformed("it ended within a chunk's length")),
            }
        };
        let length = str::from_utf8(&unread[..line])
            .ok()
            .and_then(|text| usize::from_str_radix(text.split(';').next()?.trim(), 16).ok())
            .ok_or_else(|| malformed("a chunk's length is no number"))?;
        let (start, end) = (line + 2, line + 2 + length);
        while unread.len() < end + 2 {
            if !more(stream, &mut unread)? {
                return Err(malformed("it ended within a chunk"));
            }
        }
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&unread[start..end]);
        unread.drain(..end + 2);
    }
}

/// Reads what has come; false at the end.
fn more(stream: &mut impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 8192];
    let read = stream.read(&mut buffer)?;
    into.extend_from_slice(&buffer[..read]);
    Ok(read > 0)
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer is malformed: {what}"),
    )
}

/// Percent-encodes all but letters, digits and `-._~`.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(octet).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &[u8]) -> io::Result<Response> {
        Response::read(&mut &answer[..], false)
    }

    #[test]
    fn a_body_of_known_length_ends_there() {
        let response = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \xff\r\n\r\nokHTTP").unwrap();
        assert_eq!((response.status, response.text().as_str()), (200, "ok"));
        assert_eq!(response.head[1], ("X".to_owned(), vec![0xff]));
    }

    #[test]
    fn chunks_are_put_together() {
        let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(read(answer).unwrap().text(), "abc0123456789");
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\ncontent-le"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc",
            b"nonsense\r\n\r\n",
        ] {
            assert_eq!(read(answer).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn form_fields_are_encoded_by_octet() {
        assert_eq!(percent("a b&ü=~"), "a%20b%26%C3%BC%3D~");
    }
}
