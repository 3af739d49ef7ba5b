//! Keeps requests over plain http away from sessions, and believes only known proxies.

use std::{
    fmt,
    future::{Ready, ready},
    net::IpAddr,
    sync::Arc,
};

use actix_service::{Service, Transform};
use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

use crate::{
    guard::{Gate, GuardMiddleware, Verdict},
    host,
};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Middleware that lets nothing through that came over plain http: wrap it last, around the
/// [`Sessions`](crate::Sessions), so that no session is read.
///
/// A request came over https if
/// 1. its connection to this server is TLS itself, and no trusted proxy says that it was plain http before; or
/// 2. its connection comes from a [trusted](Self::trust) address, an IPv4 one that is written as IPv6 included, the
///    request has `X-Forwarded-Proto` or `Forwarded` (RFC 7239) headers, and every element of every one of them says
///    `https`. One that says something else, says it twice or says nothing makes it plain http: a client may have added
///    what the proxy has left as it was.
///
/// From all other addresses, and from none as over a Unix socket, these headers say nothing.
///
/// What did not is answered
/// 3. by 308 Permanent Redirect to the same place over https, if it is a GET or a HEAD and says which host it is for.
///    Its port is not that of https, so it is left out, which stands for 443; where https is at another one, say so with
///    [`redirect_to_port`](Self::redirect_to_port). The redirect is not to be stored, so that one by mistake is not there
///    for good;
/// 4. by 403 Forbidden without a body otherwise: a redirect would work, so that its client would go on to send what it
///    sends in the clear first.
///
/// ```
/// use actix_web::App;
/// use sessions_actix::HttpsGuard;
///
/// # fn main() -> Result<(), sessions_actix::NotANetwork> {
/// let https = HttpsGuard::new().trust(["10.0.0.0/8", "fd00::/8", "192.0.2.1"])?;
/// let app = App::new().wrap(https);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct HttpsGuard(Arc<Rules>);

#[derive(Clone, Debug, Default)]
struct Rules {
    trusted: Vec<Network>,
    loopback: Loopback,
    port: HttpsPort,
}

/// Where clients reach the server over https, which nothing in a request over http says.
#[derive(Clone, Copy, Debug, Default)]
enum HttpsPort {
    /// 443, which is not written.
    #[default]
    Usual,
    Other(u16),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Loopback {
    #[default]
    AsAnyOther,
    Passes,
}

impl HttpsGuard {
    /// Trusts nobody: only what is TLS itself passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes what these proxies say, each an address or a network (`10.0.0.0/8`). Only those that overwrite these
    /// headers or append to them: whoever can reach the server from such an address can claim https.
    ///
    /// # Errors
    /// One of them is neither.
    pub fn trust<'a>(mut self, proxies: impl IntoIterator<Item = &'a str>) -> Result<Self, NotANetwork> {
        let rules = Arc::make_mut(&mut self.0);
        for proxy in proxies {
            rules.trusted.push(Network::parse(proxy)?);
        }
        Ok(self)
    }

    /// The port at which clients find https, if it is not 443: redirects go there.
    #[must_use]
    pub fn redirect_to_port(mut self, port: u16) -> Self {
        Arc::make_mut(&mut self.0).port = match port {
            443 => HttpsPort::Usual,
            other => HttpsPort::Other(other),
        };
        self
    }

    /// Lets plain http through that comes from this machine and from no proxy that says so: for development. Never where
    /// a proxy runs on the same machine, which makes everybody come from here.
    #[must_use]
    pub fn plain_http_from_loopback_for_development(mut self) -> Self {
        Arc::make_mut(&mut self.0).loopback = Loopback::Passes;
        self
    }
}

impl Rules {
    fn came_over_https(&self, request: &ServiceRequest) -> bool {
        let is_tls = request.app_config().secure();
        let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else {
            return is_tls;
        };
        let is_trusted = self.trusted.iter().any(|network| network.contains(peer));
        match said(request.headers()) {
            Said::Https if is_trusted => true,
            // TLS from the proxy to here says nothing of the way to the proxy.
            Said::Otherwise if is_trusted => false,
            Said::Nothing => is_tls || self.loopback == Loopback::Passes && peer.is_loopback(),
            Said::Https | Said::Otherwise => is_tls,
        }
    }
}

/// What all headers together say of how a request began its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Https,
    Otherwise,
}

fn said(headers: &HeaderMap) -> Said {
    let elements = |name| {
        headers
            .get_all(name)
            .flat_map(|line| split(line.as_bytes(), b','))
    };
    let mut said = Said::Nothing;
    // What an open quote has swallowed may be what the proxy has added.
    let whole = headers
        .get_all(header::FORWARDED)
        .all(|line| ends_outside_quotes(line.as_bytes()));
    let each = elements(FORWARDED_PROTO)
        .map(<[u8]>::trim_ascii)
        .map(is_https)
        .chain(elements(header::FORWARDED).map(has_https))
        .chain((!whole).then_some(false));
    for is_https in each {
        match is_https {
            true if said != Said::Otherwise => said = Said::Https,
            _ => said = Said::Otherwise,
        }
    }
    said
}

fn is_https(proto: &[u8]) -> bool {
    proto.eq_ignore_ascii_case(b"https")
}

/// Whether an element of `Forwarded` has one `proto` and it is `https`, in quotes or without, and is otherwise as RFC 7239
/// says.
fn has_https(element: &[u8]) -> bool {
    let well_formed = split(element, b';').all(|pair| {
        let at = pair.iter().position(|octet| *octet == b'=');
        at.is_some_and(|at| is_value(pair[at + 1..].trim_ascii()))
    });
    if !well_formed {
        return false;
    }
    let mut protos = split(element, b';').filter_map(|pair| {
        let at = pair.iter().position(|octet| *octet == b'=')?;
        let (name, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
        name.eq_ignore_ascii_case(b"proto").then_some(value)
    });
    let only = (protos.next(), protos.next());
    let (Some(proto), None) = only else {
        return false;
    };
    is_https(proto) || proto.eq_ignore_ascii_case(b"\"https\"")
}

/// A token, or one whole string in quotes.
fn is_value(value: &[u8]) -> bool {
    match value {
        [b'"', inner @ .., b'"'] => {
            let mut escaped = false;
            inner.iter().all(|octet| {
                let inside = escaped || *octet != b'"';
                escaped = !escaped && *octet == b'\\';
                inside
            }) && !escaped
        }
        token => !token.is_empty() && !token.contains(&b'"'),
    }
}

fn ends_outside_quotes(line: &[u8]) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for octet in line {
        match (*octet, quoted, escaped) {
            (_, true, true) => escaped = false,
            (b'\\', true, false) => escaped = true,
            (b'"', ..) => quoted = !quoted,
            _ => {}
        }
    }
    !quoted
}

/// At this octet, unless it is in quotes.
fn split(text: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |octet| {
        match (*octet, quoted, escaped) {
            (_, true, true) => escaped = false,
            (b'\\', true, false) => escaped = true,
            (b'"', ..) => quoted = !quoted,
            _ => {}
        }
        *octet == at && !quoted
    })
}

/// The same place over https; none if it is not known of which host.
fn over_https(request: &ServiceRequest, port: HttpsPort) -> Option<HeaderValue> {
    let (host, _) = host::split(host::of(request.head())?)?;
    let place = request.uri().path_and_query().map_or("/", |place| place.as_str());
    let place = match port {
        HttpsPort::Usual => format!("https://{host}{place}"),
        HttpsPort::Other(port) => format!("https://{host}:{port}{place}"),
    };
    HeaderValue::try_from(place).ok()
}

/// An address, or all that begin as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many of its bits count.
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.bytes().all(|octet| octet.is_ascii_digit()) => {
                (address, Some(bits))
            }
            Some(_) => return Err(refused()),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let length = length(address);
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| refused())?,
            None => length,
        };
        // Of an IPv4 network that is written as an IPv6 one, peers are compared as IPv4.
        let canonical = address.to_canonical();
        let more = length - self::length(canonical);
        let network = Self {
            address: canonical,
            bits: bits.checked_sub(more).ok_or_else(refused)?,
        };
        // More bits than there are, or an address within a network where the network is meant.
        if bits > length || network.address_bits() & !network.mask() != 0 {
            return Err(refused());
        }
        Ok(network)
    }

    fn contains(self, peer: IpAddr) -> bool {
        length(peer) == length(self.address) && (left_aligned(peer) ^ self.address_bits()) & self.mask() == 0
    }

    fn address_bits(self) -> u128 {
        left_aligned(self.address)
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - self.bits.min(128)).unwrap_or(0)
    }
}

fn length(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn left_aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// A text that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotANetwork(String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is neither an address nor a network, such as `10.0.0.0/8` (all bits after the eighth are 0)",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for NotANetwork {}

impl Gate for HttpsGuard {
    fn ask(&self, request: &ServiceRequest) -> Verdict {
        if self.0.came_over_https(request) {
            return Verdict::Passes;
        }
        let redirect = match *request.method() {
            Method::GET | Method::HEAD => over_https(request, self.0.port),
            _ => None,
        };
        Verdict::Refused(match redirect {
            Some(place) => HttpResponse::PermanentRedirect()
                .insert_header((header::LOCATION, place))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish(),
            None => HttpResponse::Forbidden().finish(),
        })
    }
}

impl<S, B> Transform<S, ServiceRequest> for HttpsGuard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GuardMiddleware<S, Self>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(GuardMiddleware::new(service, self.clone())))
    }
}
