//! A client that keeps what it is given.

use actix_web::{
    http::header::{COOKIE, HeaderValue},
    test::TestRequest,
};

use super::{Answer, Server};

/// A client that keeps cookies by name and path, and tokens in headers.
#[derive(Clone)]
pub(crate) struct Browser {
    server: Server,
    cookies: Vec<Kept>,
    headers: Vec<(&'static str, String)>,
}

#[derive(Clone)]
struct Kept {
    name: String,
    path: String,
    value: String,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            server: server.clone(),
            cookies: Vec::new(),
            headers: Vec::new(),
        }
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
        let sent: Vec<_> = self
            .cookies
            .iter()
            .filter(|kept| path.starts_with(&kept.path))
            .map(|kept| format!("{}={}", kept.name, kept.value))
            .collect();
        if !sent.is_empty() {
            let line = HeaderValue::try_from(sent.join("; ")).unwrap();
            request.headers_mut().insert(COOKIE, line);
        }
        for (name, token) in &self.headers {
            if !token.is_empty() {
                let name = name.to_ascii_lowercase().try_into().unwrap();
                request.headers_mut().insert(name, token.try_into().unwrap());
            }
        }
        let answer = self.server.call(request).await;
        for cookie in answer.cookies() {
            let path = cookie.attribute("Path").unwrap().to_owned();
            self.cookies
                .retain(|kept| (&kept.name, &kept.path) != (&cookie.name, &path));
            if cookie.attribute("Max-Age") != Some("0") {
                self.cookies.push(Kept {
                    name: cookie.name,
                    path,
                    value: cookie.value,
                });
            }
        }
        for (name, token) in &mut self.headers {
            if let Some(line) = answer.lines(name).last() {
                *token = (*line).to_owned();
            }
        }
        answer
    }

    /// What it keeps under this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let cookie = self.cookies.iter().find(|kept| kept.name == name);
        cookie.map(|kept| kept.value.as_str())
    }

    /// Puts a cookie in by hand.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.cookies.retain(|kept| kept.name != name);
        self.cookies.push(Kept {
            name: name.to_owned(),
            path: "/".to_owned(),
            value: value.to_owned(),
        });
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
