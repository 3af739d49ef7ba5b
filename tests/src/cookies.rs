//! The cookies that a client keeps: enough of a browser's rules for one host.

/// One kept cookie.
#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

/// The cookies of one host. `Secure` is ignored, since loopback addresses count as trustworthy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jar(Vec<Cookie>);

impl Jar {
    /// Takes in one `Set-Cookie` value, in answer to a request for `request_path`.
    pub(crate) fn store(&mut self, header: &str, request_path: &str) {
        let mut parts = header.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let mut path = None;
        let mut expires_long_ago = false;
        let mut max_age = None;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => path = Some(value.to_owned()),
                "max-age" => max_age = value.parse::<i64>().ok(),
                // The only date in the past that anybody sends here is that of a removal.
                "expires" => expires_long_ago = value.contains(" 1970 "),
                _ => {}
            }
        }
        let path = path.unwrap_or_else(|| default_path(request_path));
        let (name, value) = (name.trim(), value.trim());
        self.0.retain(|cookie| cookie.name != name || cookie.path != path);
        // Max-Age has precedence over Expires.
        if !max_age.map_or(expires_long_ago, |seconds| seconds <= 0) {
            self.0.push(Cookie {
                name: name.to_owned(),
                value: value.to_owned(),
                path,
            });
        }
    }

    /// The `Cookie` header for this path, the longest paths first; none if nothing fits.
    pub(crate) fn header(&self, request_path: &str) -> Option<String> {
        let mut fitting: Vec<_> = self
            .0
            .iter()
            .filter(|cookie| matches(&cookie.path, request_path))
            .collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> = fitting
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|cookie| cookie.name == name)
            .map(|cookie| cookie.value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.store(&format!("{name}={value}; Path=/"), "/");
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|cookie| cookie.name.as_str()).collect()
    }
}

fn matches(cookie_path: &str, request_path: &str) -> bool {
    request_path
        .strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

/// The folder of the request's path, without the slash at its end.
fn default_path(request_path: &str) -> String {
    match request_path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => request_path[..end].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_to_its_path_and_below() {
        let mut jar = Jar::default();
        jar.store("a=1; Path=/shop; HttpOnly", "/");
        jar.store("b=2; Path=/", "/shop/cart");
        assert_eq!(jar.header("/shop").as_deref(), Some("a=1; b=2"));
        assert_eq!(jar.header("/shop/cart").as_deref(), Some("a=1; b=2"));
        assert_eq!(jar.header("/shopping").as_deref(), Some("b=2"));
    }

    #[test]
    fn a_removal_takes_away_only_the_cookie_of_its_path() {
        let mut jar = Jar::default();
        jar.store("a=1; Path=/", "/");
        jar.store("a=2; Path=/shop", "/");
        jar.store(
            "a=; Path=/shop; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "/",
        );
        assert_eq!(jar.header("/shop").as_deref(), Some("a=1"));
        jar.store("a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/");
        assert_eq!(jar.header("/shop"), None);
    }

    #[test]
    fn max_age_is_stronger_than_expires() {
        let mut jar = Jar::default();
        jar.store(
            "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "/shop/cart",
        );
        assert_eq!(jar.header("/shop/other").as_deref(), Some("a=1"));
        assert_eq!(jar.header("/"), None);
    }
}
