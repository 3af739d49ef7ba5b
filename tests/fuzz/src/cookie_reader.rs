//! The `Cookie` lines of a request, and the lines of a header of one's own.

mod reference;
mod server;

use std::{cell::LazyCell, mem::ManuallyDrop};

use sessions_core::engine::SessionStatus;

use self::server::{Answer, Seen, Server};
use crate::tokens::{is_an_id, may_be_elsewhere, prefix};

thread_local! {
    /// Never dropped: that takes values of the framework's own that are dropped before it.
    static SERVER: LazyCell<ManuallyDrop<Server>> = LazyCell::new(|| ManuallyDrop::new(Server::start()));
}

/// At most this many distinct tokens of one request are looked at.
const LOOKED_AT: usize = 3;

/// The lines of a request, as a server lets them through.
#[derive(Default)]
struct Lines {
    cookies: Vec<Vec<u8>>,
    header: Vec<Vec<u8>>,
}

/// The sessions of a request are those of the tokens that a plain reading of the standard finds in it: two in cookies, one
/// on the server and one at the client, and one in a header.
///
/// Each line of the input is one of the request; one that begins with octet 7 is the header's. Octets 1 to 6, which no
/// header has, stand for tokens: two live ones of each session.
pub fn cookie_reader(data: &[u8]) {
    SERVER.with(|server| {
        let lines = lines(data, &server.tokens());
        let answer = server.ask(&lines);
        let cookies = reference::cookies(&lines.cookies);
        let named = |name: &str| -> Vec<&[u8]> {
            let ours = cookies.iter().filter(|(is, _)| *is == name.as_bytes());
            ours.map(|(_, value)| *value).collect()
        };
        let header: Vec<_> = lines.header.iter().map(Vec::as_slice).collect();
        let header: Vec<_> = header.into_iter().filter(|value| !value.is_empty()).collect();
        let by_id = [named("__Host-login"), header].map(|tokens| distinct(&tokens));
        let expected = Answer {
            login: server.by_id(&by_id[0], &server.login),
            theme: server.by_value(&distinct(&named("theme"))),
            robot: server.by_id(&by_id[1], &server.robot),
            loads: by_id
                .iter()
                .flat_map(|(tokens, _)| tokens)
                .filter(|token| is_an_id(token))
                .count(),
        };
        assert_eq!(answer, expected);
    });
}

fn lines(data: &[u8], tokens: &[&str; 6]) -> Lines {
    let mut lines = Lines::default();
    for line in data.split(|octet| *octet == b'\n') {
        let (of_header, line) = match line.split_first() {
            Some((7, line)) => (true, line),
            _ => (false, line),
        };
        let with_tokens: Vec<u8> = line
            .iter()
            .flat_map(|octet| match octet {
                1..=6 => tokens[usize::from(*octet) - 1].as_bytes(),
                _ => std::slice::from_ref(octet),
            })
            .copied()
            .collect();
        let may_be_sent = with_tokens
            .iter()
            .all(|octet| *octet == b'\t' || (*octet >= b' ' && *octet != 0x7f));
        if may_be_sent && of_header {
            lines.header.push(with_tokens);
        } else if may_be_sent {
            lines.cookies.push(with_tokens);
        }
    }
    lines
}

/// Those that are looked at, and whether there are others.
fn distinct<'t>(tokens: &[&'t [u8]]) -> (Vec<&'t [u8]>, bool) {
    let mut distinct: Vec<&[u8]> = Vec::new();
    for token in tokens {
        if !distinct.contains(token) {
            distinct.push(token);
        }
    }
    let more = distinct.len() > LOOKED_AT;
    distinct.truncate(LOOKED_AT);
    (distinct, more)
}

impl Server {
    fn by_id(&self, (tokens, more): &(Vec<&[u8]>, bool), live: &[String; 2]) -> Seen {
        let found: Vec<_> = (0..2)
            .filter(|which| tokens.contains(&live[*which].as_bytes()))
            .collect();
        match found[..] {
            _ if *more => Seen::without(SessionStatus::Ambiguous),
            [which] => Seen::live(which),
            [] => nothing(tokens, false),
            _ => Seen::without(SessionStatus::Ambiguous),
        }
    }

    fn by_value(&self, (tokens, more): &(Vec<&[u8]>, bool)) -> Seen {
        let live: Vec<_> = (0..2)
            .filter(|which| tokens.contains(&self.theme[*which].as_bytes()))
            .collect();
        let prefix = prefix(&self.theme[0]);
        let elsewhere = tokens.iter().any(|token| may_be_elsewhere(token, &prefix));
        match live[..] {
            _ if *more => Seen::without(SessionStatus::Ambiguous),
            [which] => Seen::live(which),
            [] => nothing(tokens, elsewhere),
            // Two sessions of nobody are anybody's.
            _ => Seen::without(SessionStatus::Ambiguous),
        }
    }
}

/// What there is without a live token: if one may be live elsewhere, it stays with the client.
fn nothing(tokens: &[&[u8]], stays: bool) -> Seen {
    match (tokens, stays) {
        ([], _) => Seen::without(SessionStatus::Absent),
        (_, true) => Seen::without(SessionStatus::Stale),
        (_, false) => Seen::removed(),
    }
}
