//! A cookie's attributes, and which of them its name demands.

use crate::{CookieSpec, SameSite};

use super::{
    Culprit, Violation,
    name::{Prefix, without_prefixes},
};

/// Browsers ignore an attribute whose value is longer (RFC 6265bis, section 5.6).
const MAX_ATTRIBUTE: usize = 1024;

pub(super) fn check(name: &str, cookie: &CookieSpec, found: &mut Vec<Violation>) {
    let domain_fits = cookie
        .domain
        .as_ref()
        .is_none_or(|domain| check_domain(domain, found));
    let path_fits = check_path(&cookie.path, found);
    if let Some(prefix) = Prefix::of(name) {
        check_prefix(prefix, name, cookie, path_fits, domain_fits, found);
    }
    if cookie.secure {
        return;
    }
    if cookie.same_site == SameSite::None {
        found.push(Violation::new(
            Culprit::SameSite,
            "browsers drop a cookie with `SameSite=None` and without `Secure`",
            "remove `secure = false`, or write `same_site = lax`",
        ));
    }
    if cookie.partitioned {
        found.push(Violation::new(
            Culprit::Partitioned,
            "browsers drop a cookie with `Partitioned` and without `Secure`",
            "remove `secure = false`, or `partitioned`",
        ));
    }
}

pub(super) fn make_insecure(cookie: &mut CookieSpec) {
    cookie.secure = false;
    cookie.partitioned = false;
    if cookie.same_site == SameSite::None {
        cookie.same_site = SameSite::Lax;
    }
}

fn check_prefix(
    prefix: Prefix,
    name: &str,
    cookie: &CookieSpec,
    path_fits: bool,
    domain_fits: bool,
    found: &mut Vec<Violation>,
) {
    let shown = prefix.as_str();
    let bare = without_prefixes(name);
    let elsewhere = format!("`name = \"{}{bare}\"`", prefix.without_host().as_str());
    if !cookie.secure {
        found.push(Violation::new(
            Culprit::Secure,
            format!("browsers drop a `{shown}` cookie without `Secure`, and `{name}` is one"),
            format!("remove `secure = false`, or write `name = \"{bare}\"`"),
        ));
    }
    if prefix.needs_http_only() && !cookie.http_only {
        let readable = if prefix.needs_host() {
            Prefix::Host
        } else {
            Prefix::Secure
        }
        .as_str();
        found.push(Violation::new(
            Culprit::HttpOnly,
            format!("browsers drop a `{shown}` cookie without `HttpOnly`, and `{name}` is one"),
            format!("remove `http_only = false`, or write `name = \"{readable}{bare}\"`"),
        ));
    }
    if !prefix.needs_host() {
        return;
    }
    if path_fits && cookie.path != "/" {
        found.push(Violation::new(
            Culprit::Path,
            format!(
                "browsers drop a `{shown}` cookie with a path other than `/`, and it is `{}`",
                cookie.path
            ),
            format!("`path = \"/\"`, or {elsewhere}"),
        ));
    }
    if let Some(domain) = cookie.domain.as_ref().filter(|_| domain_fits) {
        found.push(Violation::new(
            Culprit::Domain,
            format!("browsers drop a `{shown}` cookie with a domain, and it is `{domain}`"),
            format!("remove `domain`, or write {elsewhere}"),
        ));
    }
}

fn check_path(path: &str, found: &mut Vec<Violation>) -> bool {
    let shown = path.escape_debug();
    let (message, help) = if path.len() > MAX_ATTRIBUTE {
        (
            format!(
                "the path is {} bytes long, and browsers ignore one above {MAX_ATTRIBUTE}",
                path.len()
            ),
            "/".into(),
        )
    } else if let Some(at) = path.find(|c: char| !c.is_ascii_graphic() || matches!(c, ';' | '?' | '#')) {
        let kept = if path.starts_with('/') { &path[..at] } else { "/" };
        (
            format!("path `{shown}` contains a character at byte {at} that no cookie's path can have"),
            kept.to_owned(),
        )
    } else if !path.starts_with('/') {
        (
            format!("path `{shown}` does not start with `/`"),
            format!("/{path}"),
        )
    } else {
        return true;
    };
    found.push(Violation::new(
        Culprit::Path,
        message,
        format!("`path = \"{help}\"`"),
    ));
    false
}

fn check_domain(domain: &str, found: &mut Vec<Violation>) -> bool {
    if is_host_name(domain) {
        return true;
    }
    // What is left of a URL or of the old notation with a leading dot.
    let host = domain.split_once("://").map_or(domain, |(_, rest)| rest);
    let host = host
        .split(['/', ':', ';', ',', '?', '#'])
        .next()
        .unwrap_or_default();
    let host = host.trim().trim_matches('.');
    let message = if domain.is_empty() {
        "the domain is empty".to_owned()
    } else {
        format!("domain `{}` is not a host name", domain.escape_debug())
    };
    let help = if is_host_name(host) {
        format!("`domain = \"{host}\"`")
    } else if !domain.is_ascii() {
        "write an international name in its ASCII form, `xn--…`".to_owned()
    } else {
        "remove `domain`, or write a name such as `domain = \"example.org\"`".to_owned()
    };
    found.push(Violation::new(Culprit::Domain, message, help));
    false
}

fn is_host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}
