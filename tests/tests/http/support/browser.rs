//! A client that keeps what it is given.

use std::{rc::Rc, time::SystemTime};

use actix_web::{
    http::header::{COOKIE, HeaderValue, SET_COOKIE},
    test::TestRequest,
};
use sessions_actix::{Clock, ManualClock};
use tests::jar::{Channel, Fetch, Jar};

use super::{Answer, Server};

/// A browser at one host, which also keeps tokens in headers. What it refuses to keep fails the test.
///
/// Its time stands still unless it is given a clock.
#[derive(Clone)]
pub(crate) struct Browser {
    server: Server,
    cookies: Jar,
    headers: Vec<(&'static str, String)>,
    host: &'static str,
    channel: Channel,
    clock: Rc<dyn Clock>,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            server: server.clone(),
            cookies: Jar::default(),
            headers: Vec::new(),
            host: "localhost",
            channel: Channel::Secure,
            clock: Rc::new(ManualClock::default()),
        }
    }

    /// At a host of this name.
    pub(crate) fn at(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// With another server at the same host.
    pub(crate) fn on(mut self, server: &Server) -> Self {
        self.server = server.clone();
        self
    }

    /// Over plain http.
    pub(crate) fn over_plain_http(mut self) -> Self {
        self.channel = Channel::Plain;
        self
    }

    /// Lets cookies expire by this clock.
    pub(crate) fn by(mut self, clock: &ManualClock) -> Self {
        self.clock = Rc::new(clock.clone());
        self
    }

    /// Sends back what comes in this header, from now on.
    pub(crate) fn minding(mut self, header: &'static str) -> Self {
        self.headers.push((header, String::new()));
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    pub(crate) async fn post(&mut self, path: &str) -> Answer {
        self.send(TestRequest::post().uri(path)).await
    }

    pub(crate) async fn send(&mut self, request: TestRequest) -> Answer {
        let mut request = request.to_request();
        let path = request.path().to_owned();
        let fetch = Fetch::of(self.host, &path).over(self.channel);
        if let Some(cookies) = self.cookies.header(&fetch, self.now()) {
            let line = HeaderValue::try_from(cookies).unwrap();
            request.headers_mut().insert(COOKIE, line);
        }
        for (name, token) in &self.headers {
            if !token.is_empty() {
                let name = name.to_ascii_lowercase().try_into().unwrap();
                request.headers_mut().insert(name, token.try_into().unwrap());
            }
        }
        let answer = self.server.call(request).await;
        let now = self.now();
        for line in answer.headers.get_all(SET_COOKIE) {
            let kept = self.cookies.store(line.as_bytes(), &fetch, now);
            assert_eq!(kept, Ok(()), "{}", line.as_bytes().escape_ascii());
        }
        for (name, token) in &mut self.headers {
            if let Some(line) = answer.lines(name).last() {
                *token = (*line).to_owned();
            }
        }
        answer
    }

    fn now(&self) -> SystemTime {
        self.clock.now().into()
    }

    /// What it keeps under this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.cookies.get(name, self.now())
    }

    /// Puts a cookie in by hand.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.cookies.put(name, value, self.host);
    }

    /// What is left when it is closed and opened again.
    pub(crate) fn reopened(mut self) -> Self {
        self.cookies.close();
        self
    }

    /// The token that it keeps in a header; empty if there is none.
    pub(crate) fn token(&self, header: &str) -> &str {
        let (_, token) = self.headers.iter().find(|(name, _)| *name == header).unwrap();
        token
    }

    /// Puts a token in by hand.
    pub(crate) fn put_token(&mut self, header: &'static str, token: &str) {
        self.headers.retain(|(name, _)| *name != header);
        self.headers.push((header, token.to_owned()));
    }
}
