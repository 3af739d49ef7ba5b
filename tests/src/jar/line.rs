//! One `Set-Cookie` line, as a browser takes it apart (5.6).

use super::{LONGEST, Refusal, SameSite, cookie_date};

/// Octets of name and value together.
const PAIR: usize = 4096;
/// Octets of one attribute's value.
const VALUE: usize = 1024;

/// A line, as far as it is understood; of attributes that are there twice, the last one counts.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attribute<'a> {
    Expires(i64),
    /// In seconds; not above zero is the past.
    MaxAge(i64),
    Domain(&'a [u8]),
    /// None is the default path.
    Path(Option<&'a [u8]>),
    Secure,
    HttpOnly,
    SameSite(SameSite),
    Partitioned,
}

impl<'a> Line<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
        if line
            .iter()
            .any(|octet| octet.is_ascii_control() && *octet != b'\t')
        {
            return Err(Refusal::ControlCharacter);
        }
        let mut parts = line.split(|octet| *octet == b';');
        let pair = parts.next().unwrap_or_default();
        // Without an equals sign it is a value without a name.
        let (name, value) = cut(pair).unwrap_or((b"", pair));
        let (name, value) = (trim(name), trim(value));
        if name.len() + value.len() > PAIR {
            return Err(Refusal::TooLong);
        }
        Ok(Self {
            name,
            value,
            attributes: parts.filter_map(attribute).collect(),
        })
    }

    pub(super) fn has(&self, attribute: &Attribute<'_>) -> bool {
        self.attributes.contains(attribute)
    }

    /// Max-Age has precedence over Expires.
    pub(super) fn expires(&self, now: i64) -> Option<i64> {
        let age = self.last(|attribute| match attribute {
            Attribute::MaxAge(seconds) => Some(*seconds),
            _ => None,
        });
        let date = self.last(|attribute| match attribute {
            Attribute::Expires(at) => Some((*at).min(now.saturating_add(LONGEST))),
            _ => None,
        });
        match age {
            Some(seconds) if seconds <= 0 => Some(i64::MIN),
            Some(seconds) => Some(now.saturating_add(seconds.min(LONGEST))),
            None => date,
        }
    }

    pub(super) fn domain(&self) -> Option<&'a [u8]> {
        self.last(|attribute| match attribute {
            Attribute::Domain(domain) => Some(*domain),
            _ => None,
        })
    }

    pub(super) fn path(&self) -> Option<&'a [u8]> {
        self.last(|attribute| match attribute {
            Attribute::Path(path) => Some(*path),
            _ => None,
        })?
    }

    pub(super) fn same_site(&self) -> SameSite {
        let said = self.last(|attribute| match attribute {
            Attribute::SameSite(same_site) => Some(*same_site),
            _ => None,
        });
        said.unwrap_or(SameSite::Lax)
    }

    fn last<T>(&self, find: impl Fn(&Attribute<'a>) -> Option<T>) -> Option<T> {
        self.attributes.iter().rev().find_map(find)
    }
}

/// None if it is unknown, or its value is of no use.
fn attribute(part: &[u8]) -> Option<Attribute<'_>> {
    let (name, value) = cut(part).unwrap_or((part, b""));
    let value = trim(value);
    if value.len() > VALUE {
        return None;
    }
    match &*trim(name).to_ascii_lowercase() {
        b"expires" => cookie_date(value).map(Attribute::Expires),
        b"max-age" => max_age(value).map(Attribute::MaxAge),
        b"domain" => Some(Attribute::Domain(value.strip_prefix(b".").unwrap_or(value))),
        b"path" => Some(Attribute::Path(value.starts_with(b"/").then_some(value))),
        b"secure" => Some(Attribute::Secure),
        b"httponly" => Some(Attribute::HttpOnly),
        b"samesite" => Some(Attribute::SameSite(match &*value.to_ascii_lowercase() {
            b"none" => SameSite::None,
            b"strict" => SameSite::Strict,
            _ => SameSite::Lax,
        })),
        b"partitioned" => Some(Attribute::Partitioned),
        _ => None,
    }
}

/// A number that is too large for any clock is as large as the clock's largest.
fn max_age(value: &[u8]) -> Option<i64> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = str::from_utf8(digits).ok()?.parse().unwrap_or(i64::MAX);
    Some(if negative { -number } else { number })
}

fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|octet| *octet == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

/// Space and tab, and nothing else that looks like them.
fn trim(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}
