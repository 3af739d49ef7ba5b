use super::{cookie, culprits, header, only};
use crate::{CookieSpec, Culprit, SameSite, Transport};

#[test]
fn the_host_prefix_demands_secure_the_root_path_and_no_domain() {
    for name in ["__Host-a", "__Host-Http-a"] {
        assert_eq!(culprits(&cookie(name, |c| c.secure = false)), [Culprit::Secure]);
        assert_eq!(
            culprits(&cookie(name, |c| c.path = "/shop".into())),
            [Culprit::Path]
        );
        assert_eq!(
            culprits(&cookie(name, |c| c.domain = Some("example.org".into()))),
            [Culprit::Domain]
        );
    }
    let spec = cookie("__Host-a", |c| {
        c.secure = false;
        c.path = "/shop".into();
        c.domain = Some("example.org".into());
    });
    assert_eq!(culprits(&spec), [Culprit::Secure, Culprit::Path, Culprit::Domain]);
}

#[test]
fn the_other_prefixes_demand_what_they_promise() {
    let elsewhere = |c: &mut CookieSpec| {
        c.path = "/shop".into();
        c.domain = Some("example.org".into());
    };
    for name in ["__Secure-a", "__Http-a"] {
        assert_eq!(culprits(&cookie(name, elsewhere)), []);
        assert_eq!(culprits(&cookie(name, |c| c.secure = false)), [Culprit::Secure]);
    }
    for name in ["__Http-a", "__Host-Http-a"] {
        assert_eq!(
            culprits(&cookie(name, |c| c.http_only = false)),
            [Culprit::HttpOnly]
        );
    }
    for name in ["__Secure-a", "__Host-a", "a"] {
        assert_eq!(culprits(&cookie(name, |c| c.http_only = false)), []);
    }
}

#[test]
fn cross_site_cookies_need_secure() {
    let insecure = |edit: fn(&mut CookieSpec)| {
        cookie("a", |c| {
            c.secure = false;
            edit(c);
        })
    };
    assert_eq!(culprits(&insecure(|_| ())), []);
    assert_eq!(culprits(&insecure(|c| c.same_site = SameSite::Strict)), []);
    assert_eq!(
        culprits(&insecure(|c| c.same_site = SameSite::None)),
        [Culprit::SameSite]
    );
    assert_eq!(
        culprits(&insecure(|c| c.partitioned = true)),
        [Culprit::Partitioned]
    );
    assert_eq!(
        culprits(&cookie("a", |c| {
            c.same_site = SameSite::None;
            c.partitioned = true;
        })),
        []
    );
}

#[test]
fn a_path_is_one_that_a_request_can_have() {
    for path in ["", "shop", "/a;b", "/a b", "/a\n", "/ä", "/a?b", "/a#b", " /a"] {
        assert_eq!(
            culprits(&cookie("a", |c| c.path = path.into())),
            [Culprit::Path],
            "{path:?}"
        );
        assert_eq!(
            culprits(&cookie("__Host-a", |c| c.path = path.into())),
            [Culprit::Path],
            "{path:?}"
        );
    }
    for path in ["/", "/shop", "/shop/%20/", "/~a"] {
        assert_eq!(culprits(&cookie("a", |c| c.path = path.into())), [], "{path:?}");
    }
    assert_eq!(
        culprits(&cookie("a", |c| c.path = format!("/{}", "a".repeat(1024)).into())),
        [Culprit::Path]
    );
    let (_, _, help) = only(&cookie("a", |c| c.path = "shop".into()));
    assert_eq!(help, "`path = \"/shop\"`");
}

#[test]
fn a_domain_is_a_host_name() {
    for domain in [
        "",
        ".",
        ".example.org",
        "example.org.",
        "a..b",
        "a:80",
        "http://a.b",
        "a b",
        "a;b",
        "a\n",
        "ä.de",
        "-a.b",
        "a_b.c",
        "a-.b",
    ] {
        assert_eq!(
            culprits(&cookie("a", |c| c.domain = Some(domain.into()))),
            [Culprit::Domain],
            "{domain:?}"
        );
        assert_eq!(
            culprits(&cookie("__Host-a", |c| c.domain = Some(domain.into()))),
            [Culprit::Domain]
        );
    }
    for domain in [
        "example.org",
        "localhost",
        "a-b.EXAMPLE.org",
        "127.0.0.1",
        "xn--bcher-kva.example",
    ] {
        assert_eq!(
            culprits(&cookie("a", |c| c.domain = Some(domain.into()))),
            [],
            "{domain:?}"
        );
    }
}

#[test]
fn the_host_in_a_wrong_domain_is_offered() {
    for domain in [
        ".example.org",
        "https://example.org:443/x",
        "example.org:80",
        "example.org/",
    ] {
        let (_, _, help) = only(&cookie("a", |c| c.domain = Some(domain.into())));
        assert_eq!(help, "`domain = \"example.org\"`", "{domain}");
    }
}

#[test]
fn plain_http_takes_away_what_needs_secure() {
    for (name, bare) in [
        ("__Host-a", "a"),
        ("__Secure-a", "a"),
        ("__Http-a", "a"),
        ("__Host-Http-a", "a"),
        ("__Host-__Secure-a", "a"),
        ("LOGIN", "LOGIN"),
    ] {
        let spec = cookie(name, |c| {
            c.same_site = SameSite::None;
            c.partitioned = true;
        });
        let plain = spec.without_secure();
        assert_eq!(plain, cookie(bare, |c| c.secure = false));
        assert_eq!(plain.violations(), []);
    }
    let strict = cookie("a", |c| c.same_site = SameSite::Strict);
    let Transport::Cookie(plain) = strict.without_secure().transport else {
        panic!("a cookie stays one")
    };
    assert_eq!(plain.same_site, SameSite::Strict);
    assert_eq!(header("__Host-a").without_secure(), header("__Host-a"));
}
