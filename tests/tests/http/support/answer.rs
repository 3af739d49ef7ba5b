//! A response, as a client looks at it.

use actix_web::{
    http::{
        StatusCode,
        header::{HeaderMap, SET_COOKIE},
    },
    web::Bytes,
};

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// All lines of this header.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .map(|line| line.to_str().unwrap())
            .collect()
    }

    pub(crate) fn cookies(&self) -> Vec<SetCookie> {
        self.headers
            .get_all(SET_COOKIE)
            .map(|line| SetCookie::parse(line.to_str().unwrap()))
            .collect()
    }

    /// The only line about this cookie, if there is one.
    pub(crate) fn cookie(&self, name: &str) -> Option<SetCookie> {
        let mut lines = self.cookies();
        lines.retain(|cookie| cookie.name == name);
        assert!(lines.len() <= 1, "several lines about one cookie: {lines:?}");
        lines.pop()
    }
}

/// One `Set-Cookie` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Sorted by name.
    pub(crate) attributes: Vec<(String, String)>,
}

impl SetCookie {
    fn parse(line: &str) -> Self {
        let mut pairs = line.split("; ").map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (pair.to_owned(), String::new()),
        });
        let (name, value) = pairs.next().unwrap();
        let mut attributes: Vec<_> = pairs.collect();
        attributes.sort();
        Self {
            name,
            value,
            attributes,
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(crate) fn is_removal(&self) -> bool {
        self.value.is_empty()
            && self.attribute("Max-Age") == Some("0")
            && self.attribute("Expires") == Some("Thu, 01 Jan 1970 00:00:00 GMT")
    }

    /// The attributes that say which cookie it is and who may have it, without those that say how long.
    pub(crate) fn scope(&self) -> Vec<(String, String)> {
        let mut scope = self.attributes.clone();
        scope.retain(|(name, _)| name != "Max-Age" && name != "Expires");
        scope
    }
}
