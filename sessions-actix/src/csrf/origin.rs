//! Origins: those of other sites that are trusted, and the one that a request is for.

use std::fmt;

use crate::host;

/// The schemes of web pages, with the ports that are not written.
const SCHEMES: [(&str, u16); 2] = [("https://", 443), ("http://", 80)];

/// An origin that is trusted, as browsers write it.
#[derive(Clone, Debug)]
pub(super) struct Trusted(String);

impl Trusted {
    pub(super) fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let refused = |help| {
            Err(NotAnOrigin {
                text: text.to_owned(),
                help,
            })
        };
        let lower = text.to_ascii_lowercase();
        let Some((scheme, usual, authority)) = split(&lower) else {
            return refused("begin with `https://`");
        };
        if authority.contains('*') {
            return refused("name each origin, as there are no wildcards");
        }
        if authority.contains(['/', '?', '#']) {
            return refused("leave out what follows host and port, the last `/` included");
        }
        match host::split(authority) {
            Some((host, port)) if port.is_none_or(|port| port == usual) => {
                Ok(Self(format!("{scheme}{host}")))
            }
            Some(_) => Ok(Self(lower)),
            None => refused("write a host in ASCII (`xn--...`), and a port only if it is a number"),
        }
    }

    pub(super) fn is(&self, origin: &[u8]) -> bool {
        self.0.as_bytes() == origin
    }
}

/// Whether a page of this origin may be one of the host and port that a request was sent to. A request does not say which
/// scheme it came by, behind a proxy least of all; a port that is not written is that of the origin's scheme.
pub(super) fn is_of(origin: &[u8], authority: &str) -> bool {
    let parts = str::from_utf8(origin).ok().and_then(split);
    let Some((_, usual, from)) = parts else {
        return false;
    };
    match (host::split(from), host::split(authority)) {
        (Some((from, from_port)), Some((to, to_port))) => {
            from.eq_ignore_ascii_case(to) && from_port.unwrap_or(usual) == to_port.unwrap_or(usual)
        }
        _ => false,
    }
}

/// Scheme, its port, and what follows.
fn split(origin: &str) -> Option<(&'static str, u16, &str)> {
    SCHEMES
        .into_iter()
        .find_map(|(scheme, port)| Some((scheme, port, origin.strip_prefix(scheme)?)))
}

/// A text that is no origin, which cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnOrigin {
    text: String,
    help: &'static str,
}

impl fmt::Display for NotAnOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an origin, such as `https://shop.example` or `https://shop.example:8443`: {}",
            self.text.escape_debug(),
            self.help
        )
    }
}

impl std::error::Error for NotAnOrigin {}
