//! A browser's cookies: RFC 6265bis, section 5, to the letter, with the prefixes of the draft on layered cookies.
//!
//! Time is what its user says it is. Two things are simpler than in a browser: a domain without a dot is a public
//! suffix and no other is, and there is no limit to how many cookies it keeps.

mod date;
mod line;

use std::{
    cmp::Reverse,
    time::{Duration, SystemTime},
};

pub(crate) use self::date::{cookie_date, imf_fixdate};
use self::line::{Attribute, Line};

/// No cookie lives longer, whatever it says (5.5).
const LONGEST: i64 = 400 * 24 * 60 * 60;

/// Seconds since 1970; negative before.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}

/// What a browser asks a server for, and why: it decides which cookies go with it, and which may come back.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    /// In lower case.
    pub host: &'a str,
    /// Without its query.
    pub path: &'a str,
    /// Whether somebody on the way could read it.
    pub channel: Channel,
    /// Which page asks for it.
    pub from: From,
    /// The site in the address bar, which has partitioned cookies of its own.
    pub top: &'a str,
}

impl<'a> Fetch<'a> {
    /// Over TLS, and by a page of the same site.
    pub fn of(host: &'a str, path: &'a str) -> Self {
        Self {
            host,
            path,
            channel: Channel::Secure,
            from: From::SameSite,
            top: host,
        }
    }

    /// Over this channel.
    #[must_use]
    pub fn over(self, channel: Channel) -> Self {
        Self { channel, ..self }
    }

    /// By such a page.
    #[must_use]
    pub fn from(self, from: From) -> Self {
        Self { from, ..self }
    }

    /// In a frame of a page of this site.
    #[must_use]
    pub fn under(self, top: &'a str) -> Self {
        Self { top, ..self }
    }
}

/// Whether somebody on the way could read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// TLS, or loopback.
    Secure,
    /// Plain http.
    Plain,
}

/// Which page asks, and for what (5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// One of the same site, or the user.
    SameSite,
    /// One of another site, with a link that is followed: a top-level GET.
    ForeignLink,
    /// One of another site, with a form that is sent: a top-level POST.
    ForeignForm,
    /// One of another site, for a part of itself: an image, a frame, a script's request.
    ForeignPart,
    /// A script of the same site, with `document.cookie`.
    Script,
}

impl From {
    fn is_same_site(self) -> bool {
        matches!(self, Self::SameSite | Self::Script)
    }

    fn is_navigation(self) -> bool {
        matches!(self, Self::ForeignLink | Self::ForeignForm)
    }
}

/// Why a browser keeps no cookie of a `Set-Cookie` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Refusal {
    ControlCharacter,
    TooLong,
    Empty,
    ForeignDomain,
    SecureOverPlainHttp,
    HttpOnlyFromScript,
    OverSecureCookie,
    CrossSite,
    SameSiteNoneWithoutSecure,
    PartitionedWithoutSecure,
    Prefix,
    NamelessPrefix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SameSite {
    Strict,
    /// `Lax`, and what says nothing.
    Lax,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    HostOnly,
    HostsBelow,
}

/// One kept cookie.
#[derive(Debug, Clone)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    reach: Reach,
    path: Vec<u8>,
    /// None until the browser ends.
    expires: Option<i64>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
    partition: Option<String>,
    /// Its place among those that were made before and after it.
    made: u64,
}

impl Cookie {
    fn is_the_same(&self, other: &Self) -> bool {
        (&self.name, &self.domain, self.reach, &self.path, &self.partition)
            == (
                &other.name,
                &other.domain,
                other.reach,
                &other.path,
                &other.partition,
            )
    }

    fn has_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// 5.8.3, first step.
    fn goes_with(&self, fetch: &Fetch<'_>) -> bool {
        let host = match self.reach {
            Reach::HostOnly => self.domain == fetch.host,
            Reach::HostsBelow => domain_matches(fetch.host, &self.domain),
        };
        let site = match (fetch.from, self.same_site) {
            (from, _) if from.is_same_site() => true,
            (_, SameSite::None) | (From::ForeignLink, SameSite::Lax) => true,
            _ => false,
        };
        host && site
            && path_matches(fetch.path.as_bytes(), &self.path)
            && (!self.secure || fetch.channel == Channel::Secure)
            && (!self.http_only || fetch.from != From::Script)
            && self
                .partition
                .as_deref()
                .is_none_or(|partition| partition == fetch.top)
    }
}

/// The cookies of a browser.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    cookies: Vec<Cookie>,
    made: u64,
}

impl Jar {
    /// Takes in the value of one `Set-Cookie` header (5.6, 5.7).
    ///
    /// # Errors
    /// Why there is no such cookie. A cookie of the past is none, and takes away the one that it would replace.
    pub fn store(&mut self, line: &[u8], fetch: &Fetch<'_>, now: SystemTime) -> Result<(), Refusal> {
        let now = seconds(now);
        self.cookies.retain(|cookie| !cookie.has_expired(now));
        let mut cookie = Self::accept(&Line::parse(line)?, fetch, now)?;
        if !cookie.secure && fetch.channel == Channel::Plain {
            self.leave_secure_cookies_alone(&cookie)?;
        }
        cookie.made = self.made;
        self.made += 1;
        if let Some(old) = self.cookies.iter().position(|old| old.is_the_same(&cookie)) {
            if self.cookies[old].http_only && fetch.from == From::Script {
                return Err(Refusal::HttpOnlyFromScript);
            }
            cookie.made = self.cookies.remove(old).made;
        }
        if !cookie.has_expired(now) {
            self.cookies.push(cookie);
        }
        Ok(())
    }

    /// Everything of 5.7 that does not look at other cookies.
    fn accept(line: &Line<'_>, fetch: &Fetch<'_>, now: i64) -> Result<Cookie, Refusal> {
        if line.name.is_empty() && line.value.is_empty() {
            return Err(Refusal::Empty);
        }
        let (domain, reach) = domain(line.domain(), fetch.host)?;
        let cookie = Cookie {
            name: line.name.to_vec(),
            value: line.value.to_vec(),
            domain,
            reach,
            path: line
                .path()
                .map_or_else(|| default_path(fetch.path.as_bytes()), <[u8]>::to_vec),
            expires: line.expires(now),
            secure: line.has(&Attribute::Secure),
            http_only: line.has(&Attribute::HttpOnly),
            same_site: line.same_site(),
            partition: line.has(&Attribute::Partitioned).then(|| fetch.top.to_owned()),
            made: 0,
        };
        if cookie.secure && fetch.channel == Channel::Plain {
            return Err(Refusal::SecureOverPlainHttp);
        }
        if cookie.http_only && fetch.from == From::Script {
            return Err(Refusal::HttpOnlyFromScript);
        }
        if cookie.same_site != SameSite::None && !fetch.from.is_same_site() && !fetch.from.is_navigation() {
            return Err(Refusal::CrossSite);
        }
        if cookie.same_site == SameSite::None && !cookie.secure {
            return Err(Refusal::SameSiteNoneWithoutSecure);
        }
        if cookie.partition.is_some() && !cookie.secure {
            return Err(Refusal::PartitionedWithoutSecure);
        }
        let has_path = line.attributes.iter().any(|it| matches!(it, Attribute::Path(_)));
        let is_hosts =
            cookie.reach == Reach::HostOnly && line.domain().is_none() && has_path && cookie.path == b"/";
        let is_https = cookie.http_only && fetch.from != From::Script;
        let kept = match prefix(&cookie.name) {
            None => true,
            Some(Prefix::Secure) => cookie.secure,
            Some(Prefix::Host) => cookie.secure && is_hosts,
            Some(Prefix::Http) => cookie.secure && is_https,
            Some(Prefix::HostHttp) => cookie.secure && is_https && is_hosts,
        };
        if !kept {
            return Err(Refusal::Prefix);
        }
        if cookie.name.is_empty() && prefix(&cookie.value).is_some() {
            return Err(Refusal::NamelessPrefix);
        }
        Ok(cookie)
    }

    /// Whoever is on the way of plain http must not overlay what came over TLS.
    fn leave_secure_cookies_alone(&self, new: &Cookie) -> Result<(), Refusal> {
        let overlays = |old: &Cookie| {
            old.secure
                && old.name == new.name
                && (domain_matches(&old.domain, &new.domain) || domain_matches(&new.domain, &old.domain))
                && path_matches(&new.path, &old.path)
        };
        match self.cookies.iter().any(overlays) {
            true => Err(Refusal::OverSecureCookie),
            false => Ok(()),
        }
    }

    /// The `Cookie` header that goes with this; none if no cookie does (5.8.3).
    pub fn header(&self, fetch: &Fetch<'_>, now: SystemTime) -> Option<Vec<u8>> {
        let now = seconds(now);
        let mut cookies: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| !cookie.has_expired(now) && cookie.goes_with(fetch))
            .collect();
        cookies.sort_by_key(|cookie| (Reverse(cookie.path.len()), cookie.made));
        let pairs: Vec<_> = cookies
            .iter()
            .map(|cookie| {
                let name = match cookie.name.is_empty() {
                    true => Vec::new(),
                    false => [&cookie.name, &b"="[..]].concat(),
                };
                [name, cookie.value.clone()].concat()
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.join(&b"; "[..]))
    }

    /// The value of the oldest cookie of this name that has not expired.
    pub fn get(&self, name: &str, now: SystemTime) -> Option<&str> {
        let now = seconds(now);
        let mut cookies = self.cookies.iter().filter(|cookie| !cookie.has_expired(now));
        let cookie = cookies.find(|cookie| cookie.name == name.as_bytes())?;
        str::from_utf8(&cookie.value).ok()
    }

    /// The names of all cookies that have not expired, in the order in which they were made.
    pub fn names(&self, now: SystemTime) -> Vec<String> {
        let now = seconds(now);
        let mut cookies: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| !cookie.has_expired(now))
            .collect();
        cookies.sort_by_key(|cookie| cookie.made);
        let name = |cookie: &&Cookie| String::from_utf8_lossy(&cookie.name).into_owned();
        cookies.iter().map(name).collect()
    }

    /// Puts a value in by hand, whatever it is: into the one cookie of this name, or into a new one of this host.
    pub fn put(&mut self, name: &str, value: &str, host: &str) {
        let mut named: Vec<_> = self
            .cookies
            .iter_mut()
            .filter(|cookie| cookie.name == name.as_bytes())
            .collect();
        if let [cookie] = &mut named[..] {
            cookie.value = value.into();
            return;
        }
        self.cookies.retain(|cookie| cookie.name != name.as_bytes());
        self.cookies.push(Cookie {
            name: name.into(),
            value: value.into(),
            domain: host.to_owned(),
            reach: Reach::HostOnly,
            path: b"/".to_vec(),
            expires: None,
            secure: false,
            http_only: true,
            same_site: SameSite::Lax,
            partition: None,
            made: self.made,
        });
        self.made += 1;
    }

    /// What is left of it when the browser is closed.
    pub fn close(&mut self) {
        self.cookies.retain(|cookie| cookie.expires.is_some());
    }
}

/// 5.7, steps 6 to 10.
fn domain(attribute: Option<&[u8]>, host: &str) -> Result<(String, Reach), Refusal> {
    let named = attribute.unwrap_or_default();
    let named = str::from_utf8(named)
        .ok()
        .filter(|named| named.is_ascii())
        .ok_or(Refusal::ForeignDomain)?;
    let host_only = Ok((host.to_owned(), Reach::HostOnly));
    if named.is_empty() {
        return host_only;
    }
    let named = named.to_ascii_lowercase();
    match named.contains('.') {
        false if named == host => host_only,
        true if domain_matches(host, &named) => Ok((named, Reach::HostsBelow)),
        _ => Err(Refusal::ForeignDomain),
    }
}

enum Prefix {
    Secure,
    Host,
    Http,
    HostHttp,
}

/// Of a name, without regard to case, the longest first.
fn prefix(name: &[u8]) -> Option<Prefix> {
    let starts = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let known = [
        ("__Host-Http-", Prefix::HostHttp),
        ("__Host-", Prefix::Host),
        ("__Http-", Prefix::Http),
        ("__Secure-", Prefix::Secure),
    ];
    let mut known = known.into_iter().filter(|(prefix, _)| starts(prefix));
    known.next().map(|(_, prefix)| prefix)
}

/// 5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    let is_address = host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[');
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.') && !is_address)
}

/// 5.1.4.
fn path_matches(path: &[u8], cookie_path: &[u8]) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with(b"/") || rest.starts_with(b"/"))
}

/// 5.1.4: the folder of the request's path, without the slash at its end.
fn default_path(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|octet| *octet == b'/') {
        Some(end) if end > 0 && path.starts_with(b"/") => path[..end].to_vec(),
        _ => b"/".to_vec(),
    }
}

#[cfg(test)]
mod tests;
