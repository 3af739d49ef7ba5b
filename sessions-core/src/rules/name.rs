//! Names of cookies and headers.

use crate::CookieSpec;

use super::{Culprit, Violation};

/// Browsers drop a cookie whose name and value together exceed 4096 bytes, and the name is sent with every request.
const MAX_NAME: usize = 256;

/// A name prefix by which browsers enforce attributes (RFC 6265bis, section 4.1.3, and its successor's `Http` ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Secure,
    Host,
    Http,
    HostHttp,
}

impl Prefix {
    /// The longer of two that fit comes first.
    const ALL: [Self; 4] = [Self::HostHttp, Self::Host, Self::Http, Self::Secure];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "__Secure-",
            Self::Host => "__Host-",
            Self::Http => "__Http-",
            Self::HostHttp => "__Host-Http-",
        }
    }

    /// The prefix of a name. Browsers compare without case, and so do we.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|prefix| starts_with_ignoring_case(name, prefix.as_str()))
    }

    pub(super) const fn needs_http_only(self) -> bool {
        matches!(self, Self::Http | Self::HostHttp)
    }

    /// Whether the cookie has to stay on its host: path `/` and no domain.
    pub(super) const fn needs_host(self) -> bool {
        matches!(self, Self::Host | Self::HostHttp)
    }

    /// The prefix that promises all but the host.
    pub(super) const fn without_host(self) -> Self {
        match self {
            Self::Host | Self::Secure => Self::Secure,
            Self::HostHttp | Self::Http => Self::Http,
        }
    }
}

fn starts_with_ignoring_case(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The name without any prefix that needs `Secure`. One may hide another.
pub(super) fn without_prefixes(name: &str) -> &str {
    match Prefix::of(name) {
        Some(prefix) => without_prefixes(&name[prefix.as_str().len()..]),
        None => name,
    }
}

/// The name of a session's cookie where none is given: `__Host-` and the type's name in snake case, with `__Secure-`
/// for a cookie whose path or domain `__Host-` does not allow.
///
/// ```
/// use sessions_core::{CookieSpec, default_name};
///
/// assert_eq!(default_name("LoginSession", &CookieSpec::new()), "__Host-login_session");
/// ```
#[must_use]
pub fn default_name(type_name: &str, cookie: &CookieSpec) -> String {
    let prefix = if cookie.path == "/" && cookie.domain.is_none() {
        Prefix::Host
    } else {
        Prefix::Secure
    }
    .as_str();
    format!("{prefix}{}", snake_case(type_name))
}

fn snake_case(type_name: &str) -> String {
    let letters: Vec<char> = type_name
        .strip_prefix("r#")
        .unwrap_or(type_name)
        .chars()
        .collect();
    let mut snake = String::with_capacity(type_name.len() + 4);
    for (i, &letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && i > 0 {
            let before = letters[i - 1];
            // The last capital of an acronym begins the next word: `HTTPSession`.
            let ends_acronym =
                before.is_uppercase() && letters.get(i + 1).is_some_and(|next| next.is_lowercase());
            if before.is_lowercase() || before.is_numeric() || ends_acronym {
                snake.push('_');
            }
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

pub(super) fn check_cookie_name(name: &str, found: &mut Vec<Violation>) {
    if check_token("cookie", name, '_', found).is_err() {
        return;
    }
    let Some(prefix) = Prefix::of(name).map(Prefix::as_str) else {
        return;
    };
    let bare = without_prefixes(name);
    if bare.is_empty() {
        found.push(Violation::new(
            Culprit::Name,
            format!("cookie name `{name}` is a prefix and nothing else"),
            format!("`name = \"{prefix}session\"`"),
        ));
    } else if !name.starts_with(prefix) {
        let written = &name[..prefix.len()];
        found.push(Violation::new(
            Culprit::Name,
            format!(
                "cookie name `{name}`: browsers take `{written}` for `{prefix}`, servers and tools do not"
            ),
            format!("`name = \"{prefix}{}\"`", &name[prefix.len()..]),
        ));
    }
}

pub(super) fn check_header_name(name: &str, found: &mut Vec<Violation>) {
    if check_token("header", name, '-', found).is_ok() && has_its_own_meaning(name) {
        found.push(Violation::new(
            Culprit::Name,
            format!("header `{name}` has a meaning of its own and cannot carry a session"),
            "`name = \"X-Session\"`",
        ));
    }
}

/// Whether a header is one that clients, proxies or servers act upon, or that browsers don't let scripts set.
fn has_its_own_meaning(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "Accept-",
        "Access-Control-",
        "Content-",
        "If-",
        "Proxy-",
        "Sec-",
        "Cross-Origin-",
        "X-Forwarded-",
        "Alt-",
    ];
    const NAMES: [&str; 48] = [
        "Accept",
        "Age",
        "Allow",
        "Authorization",
        "Cache-Control",
        "Clear-Site-Data",
        "Connection",
        "Cookie",
        "Cookie2",
        "Date",
        "DNT",
        "Early-Data",
        "ETag",
        "Expect",
        "Expires",
        "Forwarded",
        "From",
        "Host",
        "HTTP2-Settings",
        "Keep-Alive",
        "Last-Modified",
        "Link",
        "Location",
        "Max-Forwards",
        "Origin",
        "Permissions-Policy",
        "Pragma",
        "Priority",
        "Range",
        "Referer",
        "Referrer-Policy",
        "Refresh",
        "Retry-After",
        "Server",
        "Server-Timing",
        "Set-Cookie",
        "Set-Cookie2",
        "Strict-Transport-Security",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Upgrade-Insecure-Requests",
        "User-Agent",
        "Vary",
        "Via",
        "Warning",
        "WWW-Authenticate",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        || PREFIXES
            .iter()
            .any(|prefix| starts_with_ignoring_case(name, prefix))
}

/// Names of cookies (RFC 6265, section 4.1.1) and headers (RFC 9110, section 5.1) are the same kind of token.
fn check_token(kind: &str, name: &str, replacement: char, found: &mut Vec<Violation>) -> Result<(), ()> {
    let mut refuse = |message: String, help: String| {
        found.push(Violation::new(Culprit::Name, message, help));
        Err(())
    };
    if name.is_empty() {
        let example = if kind == "cookie" {
            "__Host-session"
        } else {
            "X-Session"
        };
        return refuse(
            format!("the {kind} name is empty"),
            format!("`name = \"{example}\"`"),
        );
    }
    if name.len() > MAX_NAME {
        let length = name.len();
        return refuse(
            format!("the {kind} name is {length} bytes long, more than {MAX_NAME}"),
            "choose a shorter `name`".into(),
        );
    }
    let Some((at, bad)) = name.char_indices().find(|&(_, c)| !is_token_character(c)) else {
        return Ok(());
    };
    let what = match bad {
        ' ' => "a space".into(),
        c if c.is_control() => "a control character".into(),
        c if !c.is_ascii() => format!("`{c}`, which is not ASCII,"),
        c => format!("`{c}`"),
    };
    let mended: String = name
        .chars()
        .map(|c| if is_token_character(c) { c } else { replacement })
        .collect();
    let help = if without_prefixes(&mended)
        .chars()
        .any(|c| c.is_ascii_alphanumeric())
    {
        &mended
    } else {
        "session"
    };
    refuse(
        format!(
            "{kind} name `{}` contains {what} at byte {at}",
            name.escape_debug()
        ),
        format!("`name = \"{help}\"`"),
    )
}

const fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~'
        )
}
