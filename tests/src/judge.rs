//! What every response with a session has to keep to, whichever test it is of.

use std::time::{Duration, SystemTime};

use actix_web::http::{StatusCode, header::HeaderMap};
use sessions_actix::SessionError;

use crate::{
    jar::{self, Fetch, Jar},
    leaks,
};

/// A response, as far as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The status code.
    pub status: u16,
    /// All headers, in their order.
    pub headers: &'a [Header<'a>],
    /// The whole body.
    pub body: &'a [u8],
    /// Who has made it.
    pub author: Author,
}

/// One line of a response's head.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// In any case.
    pub name: &'a str,
    /// As it came.
    pub value: &'a [u8],
    /// Who has written it.
    pub author: Author,
}

/// Who has made a response or a header of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The sessions' middleware, or an error of theirs.
    Sessions,
    /// A handler, or other middleware.
    Others,
}

/// What a test has on purpose that is wrong otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// A cookie that no browser keeps.
    RefusedCookie,
    /// A `Cache-Control` of the handler's that stays.
    CacheControl,
    /// A line of `Vary` that middleware outside the sessions has added.
    VaryOutside,
    /// A body that shows a token.
    ShownToken,
}

/// Judges the responses of one server, the removal of a cookie by what was sent of it before.
#[derive(Debug, Default)]
pub struct Judge {
    exceptions: Vec<Exception>,
    sent: Vec<(String, Vec<u8>)>,
}

impl Judge {
    /// Lets this pass from now on.
    pub fn except(&mut self, exception: Exception) {
        self.exceptions.push(exception);
    }

    /// Everything that is wrong with a response, in words.
    pub fn judge(&mut self, seen: &Seen<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut names = Vec::new();
        for line in seen.lines("set-cookie") {
            let text = line.value.escape_ascii().to_string();
            let pair = line
                .value
                .split(|octet| *octet == b';')
                .next()
                .unwrap_or_default();
            let name = pair.split(|octet| *octet == b'=').next().unwrap_or_default();
            if names.contains(&name) {
                wrong.push(format!("a second cookie of one name: {text}"));
            }
            names.push(name);
            if let Err(why) = grammar::check(line.value) {
                wrong.push(format!("{why}: {text}"));
            }
            self.cookie(&String::from_utf8_lossy(name), line.value, &mut wrong);
        }
        if seen.headers.iter().any(Header::is_a_token) {
            self.caches(seen, &mut wrong);
        }
        if seen.author == Author::Sessions && !seen.body.is_empty() {
            wrong.push(format!("a {} of the sessions has a body", seen.status));
        }
        wrong
    }

    /// As [`judge`](Self::judge).
    ///
    /// # Panics
    /// Something is wrong.
    pub fn assert(&mut self, seen: &Seen<'_>) {
        let wrong = self.judge(seen);
        assert!(
            wrong.is_empty(),
            "a response that must not be: {wrong:#?}\n{seen:?}"
        );
    }

    /// As [`assert`](Self::assert), of a response that never was on a socket: the sessions mark their headers as sensitive.
    /// And nothing that was ever sent to a client as a token on this thread stands anywhere else.
    ///
    /// # Panics
    /// Something is wrong.
    pub fn assert_response(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        error: Option<&actix_web::Error>,
    ) {
        let author = |is_ours| if is_ours { Author::Sessions } else { Author::Others };
        let mut lines = Vec::new();
        for (name, value) in headers {
            lines.push(Header {
                name: name.as_str(),
                value: value.as_bytes(),
                author: author(value.is_sensitive()),
            });
        }
        self.leaks(&lines, body, error);
        self.assert(&Seen {
            status: status.as_u16(),
            headers: &lines,
            body,
            author: author(error.is_some_and(|error| error.as_error::<SessionError>().is_some())),
        });
    }

    fn leaks(&self, headers: &[Header<'_>], body: &[u8], error: Option<&actix_web::Error>) {
        for token in headers.iter().filter(|header| header.is_a_token()) {
            // Of a cookie the value, without its name and its attributes.
            let is_cookie = token.name == "set-cookie";
            let mut parts = token.value.splitn(2, |octet| is_cookie && *octet == b'=');
            let (first, value) = (parts.next().unwrap_or_default(), parts.next());
            let value = value.unwrap_or(first).split(|octet| *octet == b';').next();
            leaks::remember_token(value.unwrap_or_default());
        }
        for header in headers.iter().filter(|header| !header.is_a_token()) {
            leaks::check(header.name, header.value);
        }
        if !self.exceptions.contains(&Exception::ShownToken) {
            leaks::check("a body", body);
        }
        if let Some(error) = error {
            leaks::check("an error", format!("{error} {error:?}").as_bytes());
            if let Some(error) = error.as_error::<SessionError>() {
                leaks::check_error(error);
            }
        }
        leaks::check_log();
    }

    /// Whether a browser keeps it, and whether it lets go of it when it is told to.
    fn cookie(&mut self, name: &str, line: &[u8], wrong: &mut Vec<String>) {
        let text = line.escape_ascii().to_string();
        let mut jar = Jar::default();
        if let Err(refusal) = jar.store(line, &anywhere(line), now()) {
            if !self.exceptions.contains(&Exception::RefusedCookie) {
                wrong.push(format!("browsers refuse it ({refusal:?}): {text}"));
            }
            return;
        }
        if !jar.names(now()).is_empty() {
            self.sent.push((name.to_owned(), line.to_owned()));
            return;
        }
        let mut sent = self.sent.iter().filter(|(sent, _)| sent == name).peekable();
        let removes = |(_, before): &(String, Vec<u8>)| {
            let mut jar = Jar::default();
            let kept = jar.store(before, &anywhere(before), now());
            let gone = jar.store(line, &anywhere(before), now());
            kept.is_ok() && gone.is_ok() && jar.names(now()).is_empty()
        };
        if sent.peek().is_some() && !sent.any(removes) {
            wrong.push(format!("it removes no cookie of that name that was sent: {text}"));
        }
    }

    /// No cache may keep a token, and none may take an answer for another client's.
    fn caches(&self, seen: &Seen<'_>, wrong: &mut Vec<String>) {
        let control: Vec<_> = seen.lines("cache-control").map(|line| line.value).collect();
        let is_expected = control == [b"no-store"]
            || (!control.is_empty() && self.exceptions.contains(&Exception::CacheControl));
        if !is_expected {
            wrong.push("a token, and caches may store it".to_owned());
        }
        let vary: Vec<_> = seen.lines("vary").map(|line| line.value).collect();
        if vary.len() != 1 && !self.exceptions.contains(&Exception::VaryOutside) {
            wrong.push(format!("a token, and {} lines of Vary", vary.len()));
            return;
        }
        let covers = |name: &str| {
            let mut names = vary.iter().flat_map(|line| line.split(|octet| *octet == b','));
            names.any(|known| {
                let known = known.trim_ascii();
                known == b"*" || known.eq_ignore_ascii_case(name.as_bytes())
            })
        };
        for token in seen.headers.iter().filter(|header| header.is_a_token()) {
            let name = match token.name.eq_ignore_ascii_case("set-cookie") {
                true => "cookie",
                false => token.name,
            };
            if !covers(name) {
                wrong.push(format!("a token, and Vary without {name}"));
            }
        }
    }
}

impl<'a> Seen<'a> {
    fn lines(&self, name: &'static str) -> impl Iterator<Item = &'a Header<'a>> {
        let headers = self.headers.iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name))
    }
}

impl Header<'_> {
    fn is_a_token(&self) -> bool {
        self.author == Author::Sessions
    }
}

/// The host that it names, and one of its pages: the judge knows of no other.
fn anywhere(line: &[u8]) -> Fetch<'_> {
    let attributes = line.split(|octet| *octet == b';').skip(1);
    let domain = attributes
        .filter_map(|attribute| str::from_utf8(attribute.trim_ascii()).ok())
        .find_map(|attribute| attribute.strip_prefix("Domain="));
    Fetch::of(domain.unwrap_or("localhost"), "/")
}

/// Any time will do: dates in answers are of clocks that stand still.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1)
}

/// RFC 6265bis, 4.1.1: what a server may send, which is less than what browsers understand.
mod grammar {
    use super::jar::{cookie_date, imf_fixdate};

    pub(super) fn check(line: &[u8]) -> Result<(), String> {
        let line = str::from_utf8(line).map_err(|_| "it is no text")?;
        let mut parts = line.split("; ");
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').ok_or("its pair has no name")?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("`{name}` is no token"));
        }
        let bare = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        if !bare.bytes().all(is_cookie_octet) {
            return Err("its value has other octets than a cookie's".to_owned());
        }
        let mut known: Vec<String> = Vec::new();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (part, None),
            };
            let name = name.to_ascii_lowercase();
            if !attribute(&name, value) {
                return Err(format!("`{part}` is no attribute"));
            }
            if known.contains(&name) {
                return Err(format!("`{name}` is there twice"));
            }
            known.push(name);
        }
        Ok(())
    }

    fn attribute(name: &str, value: Option<&str>) -> bool {
        match (name, value) {
            ("secure" | "httponly" | "partitioned", None) => true,
            ("expires", Some(date)) => {
                cookie_date(date.as_bytes()).is_some_and(|seconds| imf_fixdate(seconds) == date)
            }
            ("max-age", Some(age)) => !age.is_empty() && age.bytes().all(|octet| octet.is_ascii_digit()),
            ("domain", Some(domain)) => domain.split('.').all(|label| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label
                        .bytes()
                        .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            }),
            ("path", Some(path)) => path
                .bytes()
                .all(|octet| matches!(octet, 0x20..=0x7e) && octet != b';'),
            ("samesite", Some(same_site)) => ["Strict", "Lax", "None"].contains(&same_site),
            _ => false,
        }
    }

    fn is_token(octet: u8) -> bool {
        octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
    }

    fn is_cookie_octet(octet: u8) -> bool {
        matches!(octet, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"a=1; Path=/; Secure; HttpOnly; SameSite=Lax";
    const REMOVAL: &[u8] =
        b"a=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";

    fn judged(judge: &mut Judge, headers: &[(&str, &[u8])], body: &[u8], author: Author) -> Vec<String> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value,
                author: match *name {
                    "set-cookie" | "x-token" => Author::Sessions,
                    _ => Author::Others,
                },
            })
            .collect();
        judge.judge(&Seen {
            status: 500,
            headers: &headers,
            body,
            author,
        })
    }

    /// What is wrong with a response that has these headers, and those that go with a token.
    fn wrong(headers: &[(&str, &[u8])]) -> Vec<String> {
        let safe: [(&str, &[u8]); 2] = [
            ("cache-control", b"no-store"),
            ("vary", b"origin, Cookie, X-Token"),
        ];
        judged(
            &mut Judge::default(),
            &[headers, &safe[..]].concat(),
            b"",
            Author::Others,
        )
    }

    fn is_one(wrong: &[String], part: &str) -> bool {
        wrong.len() == 1 && wrong[0].contains(part)
    }

    #[test]
    fn what_is_right_passes() {
        assert!(wrong(&[("set-cookie", TOKEN), ("x-token", b"1")]).is_empty());
        assert!(wrong(&[("set-cookie", REMOVAL), ("set-cookie", b"b=2")]).is_empty());
    }

    #[test]
    fn two_lines_of_one_name_are_wrong() {
        let other: &[u8] = b"a=2; Path=/other";
        assert!(is_one(
            &wrong(&[("set-cookie", TOKEN), ("set-cookie", other)]),
            "a second"
        ));
    }

    #[test]
    fn what_is_not_in_the_grammar_is_wrong() {
        for line in [
            "a b=1",
            "ä=1",
            "a=1 2",
            "a=1,2",
            "a=\"1",
            "a=\\",
            "a=1;Path=/",
            "a=1; Path=/; Path=/",
            "a=1; path=/; PATH=/",
            "a=1; Max-Age=-1",
            "a=1; Max-Age=",
            "a=1; Max-Age=1.0",
            "a=1; Expires=Fri, 01 Jan 1970 00:00:00 GMT",
            "a=1; Expires=Thu, 1 Jan 1970 00:00:00 GMT",
            "a=1; Expires=Thu, 01-Jan-70 00:00:00 GMT",
            "a=1; SameSite=lax",
            "a=1; SameSite",
            "a=1; Secure=1",
            "a=1; Priority=High",
            "a=1; Domain=.example.com",
            "a=1;",
        ] {
            assert!(!wrong(&[("set-cookie", line.as_bytes())]).is_empty(), "{line}");
        }
    }

    #[test]
    fn what_browsers_refuse_is_wrong_unless_it_is_expected() {
        let line: &[u8] = b"__Host-a=1; Path=/";
        assert!(is_one(
            &wrong(&[("set-cookie", line)]),
            "browsers refuse it (Prefix)"
        ));
        let long = format!("a={}", "x".repeat(4096));
        assert!(is_one(&wrong(&[("set-cookie", long.as_bytes())]), "TooLong"));
        let mut judge = Judge::default();
        judge.except(Exception::RefusedCookie);
        let safe: [(&str, &[u8]); 2] = [("cache-control", b"no-store"), ("vary", b"cookie")];
        let headers = [&[("set-cookie", line)], &safe[..]].concat();
        assert!(judged(&mut judge, &headers, b"", Author::Others).is_empty());
    }

    #[test]
    fn a_removal_that_leaves_what_was_sent_is_wrong() {
        for (sent, is_wrong) in [
            (TOKEN, false),
            (b"a=1; Path=/shop", true),
            (b"a=1; Path=/; Domain=example.com", true),
            (b"b=1; Path=/shop", false),
        ] {
            let mut judge = Judge::default();
            let safe: [(&str, &[u8]); 2] = [("cache-control", b"no-store"), ("vary", b"cookie")];
            for line in [sent, REMOVAL] {
                let headers = [&[("set-cookie", line)], &safe[..]].concat();
                let wrong = judged(&mut judge, &headers, b"", Author::Others);
                let expected = is_wrong && line == REMOVAL;
                assert_eq!(!wrong.is_empty(), expected, "{}: {wrong:?}", sent.escape_ascii());
            }
        }
    }

    #[test]
    fn a_token_that_caches_may_keep_is_wrong() {
        let wrong = |headers: &[(&str, &[u8])]| {
            let headers = [headers, &[("set-cookie", TOKEN), ("x-token", b"1")]].concat();
            judged(&mut Judge::default(), &headers, b"", Author::Others)
        };
        let vary: (&str, &[u8]) = ("vary", b"cookie, x-token");
        assert!(is_one(&wrong(&[vary]), "caches may store it"));
        assert!(is_one(
            &wrong(&[vary, ("cache-control", b"private")]),
            "caches may store it"
        ));
        let no_store: (&str, &[u8]) = ("cache-control", b"no-store");
        assert!(is_one(&wrong(&[no_store]), "0 lines of Vary"));
        assert!(is_one(
            &wrong(&[no_store, ("vary", b"cookie"), ("vary", b"x-token")]),
            "2 lines"
        ));
        assert!(is_one(
            &wrong(&[no_store, ("vary", b"cookie")]),
            "Vary without x-token"
        ));
        assert!(is_one(
            &wrong(&[no_store, ("vary", b"x-token")]),
            "Vary without cookie"
        ));
        assert!(wrong(&[no_store, ("vary", b"*")]).is_empty());
    }

    #[test]
    fn an_error_of_the_sessions_with_a_body_is_wrong() {
        let wrong = |body, author| judged(&mut Judge::default(), &[], body, author);
        assert!(is_one(&wrong(b"oh", Author::Sessions), "has a body"));
        assert!(wrong(b"", Author::Sessions).is_empty());
        assert!(wrong(b"oh", Author::Others).is_empty());
    }
}
