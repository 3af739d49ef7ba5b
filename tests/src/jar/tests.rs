use super::*;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn page(path: &str) -> Fetch<'_> {
    Fetch::of("www.example.com", path)
}

fn jar(lines: &[&str]) -> Jar {
    let mut jar = Jar::default();
    for line in lines {
        assert_eq!(jar.store(line.as_bytes(), &page("/"), now()), Ok(()), "{line}");
    }
    jar
}

fn sent(jar: &Jar, fetch: &Fetch<'_>) -> String {
    String::from_utf8(jar.header(fetch, now()).unwrap_or_default()).unwrap()
}

fn refused(line: &str) -> Option<Refusal> {
    Jar::default().store(line.as_bytes(), &page("/"), now()).err()
}

/// For how many seconds it is kept.
fn life(line: &str) -> u64 {
    let jar = jar(&[line]);
    let is_kept = |seconds: u64| {
        jar.header(&page("/"), now() + Duration::from_secs(seconds))
            .is_some()
    };
    let (mut kept, mut gone) = (0, 1 << 40);
    while gone - kept > 1 {
        let middle = u64::midpoint(kept, gone);
        *(if is_kept(middle) { &mut kept } else { &mut gone }) = middle;
    }
    gone
}

// The examples of RFC 6265, section 3.1.

#[test]
fn a_cookie_is_sent_until_it_is_told_otherwise() {
    assert_eq!(
        sent(&jar(&["SID=31d4d96e407aad42"]), &page("/")),
        "SID=31d4d96e407aad42"
    );
}

#[test]
fn a_cookie_can_be_for_all_hosts_of_a_domain() {
    let jar = jar(&["SID=31d4d96e407aad42; Path=/; Domain=example.com"]);
    for host in ["example.com", "www.example.com", "a.b.example.com"] {
        assert_eq!(
            sent(&jar, &Fetch::of(host, "/")),
            "SID=31d4d96e407aad42",
            "{host}"
        );
    }
    for host in ["ample.com", "badexample.com", "example.com.org", "com"] {
        assert_eq!(sent(&jar, &Fetch::of(host, "/")), "", "{host}");
    }
}

#[test]
fn two_cookies_are_sent_in_one_line() {
    let jar = jar(&[
        "SID=31d4d96e407aad42; Path=/; Secure; HttpOnly",
        "lang=en-US; Path=/; Domain=example.com",
    ]);
    assert_eq!(sent(&jar, &page("/")), "SID=31d4d96e407aad42; lang=en-US");
}

#[test]
fn a_date_of_the_past_takes_a_cookie_away() {
    let mut jar = jar(&[
        "SID=31d4d96e407aad42; Path=/; Secure; HttpOnly",
        "lang=en-US; Expires=Wed, 09 Jun 2027 10:18:14 GMT",
    ]);
    let gone = b"lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT";
    jar.store(gone, &page("/"), now()).unwrap();
    assert_eq!(sent(&jar, &page("/")), "SID=31d4d96e407aad42");
    assert_eq!(jar.names(now()), ["SID"]);
}

#[test]
fn a_cookie_is_taken_away_only_by_one_of_its_name_domain_and_path() {
    let kept = "a=1; Path=/shop; Domain=example.com";
    for other in [
        "a=; Path=/; Domain=example.com; Max-Age=0",
        "a=; Path=/shop; Max-Age=0",
        "a=; Path=/shop; Domain=www.example.com; Max-Age=0",
        "A=; Path=/shop; Domain=example.com; Max-Age=0",
        "a=; Path=/shop/; Domain=example.com; Max-Age=0",
    ] {
        assert_eq!(jar(&[kept, other]).names(now()), ["a"], "{other}");
    }
    assert!(
        jar(&[kept, "a=; Path=/shop; Domain=example.com; Max-Age=0"])
            .names(now())
            .is_empty()
    );
}

// Section 5.1.

#[test]
fn dates_are_read_whatever_their_order_and_separators() {
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "6 nov 94 8:49:37",
        "08:49:37 06 November 1994",
        "08:49:37x 6th Novel 1994ad",
        "1994/Nov/06,08:49:37",
    ] {
        assert_eq!(cookie_date(text.as_bytes()), Some(784_111_777), "{text}");
    }
    assert_eq!(cookie_date(b"01 Jan 70 00:00:00"), Some(0));
    assert_eq!(cookie_date(b"31 Dec 69 23:59:59"), Some(3_155_759_999));
    assert_eq!(cookie_date(b"29 Feb 2024 00:00:00"), Some(1_709_164_800));
    assert_eq!(cookie_date(b"01 Jan 1601 00:00:00"), Some(-11_644_473_600));
}

#[test]
fn dates_that_do_not_exist_are_none() {
    for text in [
        "",
        "Sun, 06 Nov 1994",
        "06 Nov 08:49:37",
        "1994 Nov 08:49:37",
        "06 1994 08:49:37",
        "00 Nov 1994 08:49:37",
        "31 Nov 1994 08:49:37",
        "29 Feb 2023 08:49:37",
        "29 Feb 2100 08:49:37",
        "06 Nov 1600 08:49:37",
        "06 Nov 19940 08:49:37",
        "06 Nov 1994 24:49:37",
        "06 Nov 1994 08:60:37",
        "06 Nov 1994 08:49:60",
        "06 Nov 1994 08:49",
        "06 Nov 1994 08:49:377",
        "06 Nov 1994 a8:49:37",
    ] {
        assert_eq!(cookie_date(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn dates_are_written_as_servers_write_them() {
    for (seconds, text) in [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        assert_eq!(imf_fixdate(seconds), text);
        assert_eq!(cookie_date(text.as_bytes()), Some(seconds));
    }
}

#[test]
fn a_path_is_its_folder_and_what_is_below() {
    let jar = jar(&["a=1; Path=/shop", "b=2; Path=/shop/", "c=3; Path=/"]);
    for (path, expected) in [
        ("/shop", "a=1; c=3"),
        ("/shop/", "b=2; a=1; c=3"),
        ("/shop/cart", "b=2; a=1; c=3"),
        ("/shopping", "c=3"),
        ("/SHOP", "c=3"),
        ("/", "c=3"),
    ] {
        assert_eq!(sent(&jar, &page(path)), expected, "{path}");
    }
}

#[test]
fn without_a_path_it_is_for_the_folder_of_the_request() {
    for (path, folder) in [
        ("/", "/"),
        ("/shop", "/"),
        ("/shop/", "/shop"),
        ("/shop/cart", "/shop"),
        ("", "/"),
        ("*", "/"),
    ] {
        assert_eq!(default_path(path.as_bytes()), folder.as_bytes(), "{path}");
    }
    for line in ["a=1", "a=1; Path", "a=1; Path=", "a=1; Path=shop"] {
        let mut jar = Jar::default();
        jar.store(line.as_bytes(), &page("/shop/cart"), now()).unwrap();
        assert_eq!(sent(&jar, &page("/shop/till")), "a=1", "{line}");
        assert_eq!(sent(&jar, &page("/")), "", "{line}");
    }
}

// Section 5.6.

#[test]
fn a_line_with_a_control_character_is_refused_whole() {
    for octet in (0..=0x1f).chain([0x7f]).filter(|octet| *octet != b'\t') {
        for template in ["a*=1", "a=*1", "a=1; Path=/*", "a=1; x*"] {
            let line = template.replace('*', &char::from(octet).to_string());
            assert_eq!(refused(&line), Some(Refusal::ControlCharacter), "{line:?}");
        }
    }
    assert_eq!(sent(&jar(&["a\tb=1\t2"]), &page("/")), "a\tb=1\t2");
}

#[test]
fn only_spaces_and_tabs_around_names_and_values_are_no_part_of_them() {
    assert_eq!(sent(&jar(&[" \ta \t=\t 1 2 \t;Path=/"]), &page("/")), "a=1 2");
    assert_eq!(
        sent(&jar(&["\u{2003}a=\u{a0}1"]), &page("/")),
        "\u{2003}a=\u{a0}1"
    );
}

#[test]
fn a_value_may_have_quotes_and_equals_signs_and_they_stay() {
    assert_eq!(sent(&jar(&["a=\"x=y\""]), &page("/")), "a=\"x=y\"");
}

#[test]
fn a_pair_without_a_name_is_a_value() {
    assert_eq!(sent(&jar(&["alone"]), &page("/")), "alone");
    assert_eq!(sent(&jar(&["=alone"]), &page("/")), "alone");
    assert_eq!(sent(&jar(&["name="]), &page("/")), "name=");
    for nothing in ["", "=", " = ", ";", "; Path=/"] {
        assert_eq!(refused(nothing), Some(Refusal::Empty), "{nothing}");
    }
}

#[test]
fn a_nameless_cookie_does_not_pose_as_one_with_a_prefix() {
    for line in [
        "=__Host-a=1",
        "__Secure-a",
        "=__hOsT-a=1; Path=/; Secure",
        "=__Http-a=1",
        "=__HOST-HTTP-a",
    ] {
        let refusal = refused(line);
        let is_refused = matches!(refusal, Some(Refusal::NamelessPrefix | Refusal::Prefix));
        assert!(is_refused, "{line}: {refusal:?}");
    }
    assert_eq!(refused("=__Hos-a=1"), None);
}

#[test]
fn a_name_and_value_have_at_most_4096_octets() {
    for name in ["a", "a-longer-name", ""] {
        let line = |more: usize| format!("{name}={}", "x".repeat(4096 - name.len() + more));
        assert_eq!(refused(&line(0)), None);
        assert_eq!(refused(&line(1)), Some(Refusal::TooLong));
    }
    assert_eq!(refused(&format!("a=1; x={}", "y".repeat(5000))), None);
}

#[test]
fn an_attribute_of_more_than_1024_octets_is_none() {
    let path = |octets: usize| format!("a=1; Path=/{}", "x".repeat(octets - 1));
    assert_eq!(sent(&jar(&[&path(1024)]), &page("/")), "");
    assert_eq!(sent(&jar(&[&path(1025)]), &page("/")), "a=1");
}

#[test]
fn of_an_attribute_that_is_there_twice_the_last_one_counts() {
    assert_eq!(sent(&jar(&["a=1; Path=/; Path=/shop"]), &page("/")), "");
    assert_eq!(sent(&jar(&["a=1; Path=/shop; Path=x"]), &page("/")), "a=1");
    assert_eq!(
        refused("a=1; Domain=example.com; Domain=example.org"),
        Some(Refusal::ForeignDomain)
    );
    assert_eq!(life("a=1; Max-Age=5; Max-Age=7"), 7);
}

#[test]
fn names_of_attributes_have_no_case_and_unknown_ones_say_nothing() {
    let jar = jar(&["a=1; pAtH=/shop; hTTPonly=x; SECURE=no; Priority=High; ;;"]);
    assert_eq!(sent(&jar, &page("/shop")), "a=1");
    assert_eq!(sent(&jar, &page("/shop").from(From::Script)), "");
    assert_eq!(sent(&jar, &page("/shop").over(Channel::Plain)), "");
}

#[test]
fn max_age_is_a_number_and_stronger_than_expires() {
    assert_eq!(life("a=1; Max-Age=60"), 60);
    assert_eq!(life("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), 60);
    assert_eq!(life("a=1; Expires=Thu, 01 Jan 2026 00:01:00 GMT; Max-Age=6"), 6);
    assert_eq!(life("a=1; Expires=Thu, 01 Jan 2026 00:01:00 GMT"), 60);
    for unread in ["", "1x", "+60", "6.0", "-", "--1", " "] {
        let line = format!("a=1; Max-Age={unread}; Expires=Thu, 01 Jan 2026 00:01:00 GMT");
        assert_eq!(life(&line), 60, "{unread}");
    }
    for past in ["0", "-1", "-99999999999999999999", "00"] {
        assert!(
            jar(&[&format!("a=1; Max-Age={past}")]).names(now()).is_empty(),
            "{past}"
        );
    }
}

#[test]
fn no_cookie_lives_for_more_than_400_days() {
    for line in [
        "a=1; Max-Age=34560000",
        "a=1; Max-Age=34560001",
        "a=1; Max-Age=99999999999999999999999",
        "a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        assert_eq!(life(line), 400 * DAY.as_secs(), "{line}");
    }
}

#[test]
fn a_cookie_without_a_lifetime_goes_when_the_browser_does() {
    let mut jar = jar(&["a=1", "b=2; Max-Age=60", "c=3; Expires=junk"]);
    jar.close();
    assert_eq!(jar.names(now()), ["b"]);
}

#[test]
fn a_cookie_that_has_expired_is_neither_sent_nor_kept() {
    let mut jar = jar(&["a=1; Max-Age=60"]);
    assert!(jar.get("a", now() + 59 * SECOND).is_some());
    assert!(jar.get("a", now() + 60 * SECOND).is_none());
    jar.store(b"b=2", &page("/"), now() + DAY).unwrap();
    assert_eq!(jar.cookies.len(), 1);
}

// Section 5.7.

#[test]
fn a_domain_has_to_be_that_of_the_host_or_above_it() {
    for domain in ["example.com", ".example.com", "EXAMPLE.com", "www.example.com"] {
        assert_eq!(refused(&format!("a=1; Domain={domain}")), None, "{domain}");
    }
    for domain in [
        "com",
        "example.org",
        "a.www.example.com",
        "..example.com",
        "xample.com",
        "www",
        "ex\u{e4}mple.com",
    ] {
        let refusal = refused(&format!("a=1; Domain={domain}"));
        assert_eq!(refusal, Some(Refusal::ForeignDomain), "{domain}");
    }
}

#[test]
fn without_a_domain_a_cookie_is_its_hosts_alone() {
    for line in ["a=1", "a=1; Domain", "a=1; Domain=", "a=1; Domain=."] {
        let jar = jar(&[line]);
        assert_eq!(sent(&jar, &page("/")), "a=1", "{line}");
        assert_eq!(sent(&jar, &Fetch::of("b.www.example.com", "/")), "", "{line}");
        assert_eq!(sent(&jar, &Fetch::of("example.com", "/")), "", "{line}");
    }
}

#[test]
fn a_public_suffix_is_no_domain_except_for_itself() {
    let mut jar = Jar::default();
    let local = Fetch::of("localhost", "/");
    assert_eq!(jar.store(b"a=1; Domain=localhost", &local, now()), Ok(()));
    assert_eq!(sent(&jar, &local), "a=1");
    assert_eq!(sent(&jar, &Fetch::of("a.localhost", "/")), "");
}

#[test]
fn an_address_has_no_hosts_below_it() {
    let mut jar = Jar::default();
    let refusal = jar.store(b"a=1; Domain=0.0.1", &Fetch::of("127.0.0.1", "/"), now());
    assert_eq!(refusal, Err(Refusal::ForeignDomain));
    assert_eq!(
        jar.store(b"a=1; Domain=127.0.0.1", &Fetch::of("127.0.0.1", "/"), now()),
        Ok(())
    );
}

#[test]
fn secure_cookies_neither_come_nor_go_over_plain_http() {
    let plain = page("/").over(Channel::Plain);
    let mut jar = jar(&["a=1; Secure", "b=2"]);
    assert_eq!(sent(&jar, &plain), "b=2");
    assert_eq!(
        jar.store(b"c=3; Secure", &plain, now()),
        Err(Refusal::SecureOverPlainHttp)
    );
}

#[test]
fn plain_http_leaves_secure_cookies_alone() {
    let plain = page("/login/en").over(Channel::Plain);
    let mut jar = jar(&["a=1; Secure; Path=/login; Domain=example.com"]);
    let mut store = |line: &str| jar.store(line.as_bytes(), &plain, now());
    for overlay in [
        "a=2; Path=/login",
        "a=2; Path=/login/en",
        "a=2; Path=/login; Domain=example.com",
        "a=; Path=/login; Domain=example.com; Max-Age=0",
    ] {
        assert_eq!(store(overlay), Err(Refusal::OverSecureCookie), "{overlay}");
    }
    // Its path is not below the secure one's.
    assert_eq!(store("a=2; Path=/"), Ok(()));
    assert_eq!(store("A=2; Path=/login"), Ok(()));
    // TLS may.
    assert_eq!(
        jar.store(b"a=3; Path=/login; Domain=example.com", &page("/"), now()),
        Ok(())
    );
}

#[test]
fn scripts_neither_see_nor_change_http_only_cookies() {
    let script = page("/").from(From::Script);
    let mut jar = jar(&["a=1; HttpOnly", "b=2"]);
    assert_eq!(sent(&jar, &script), "b=2");
    assert_eq!(
        jar.store(b"a=3", &script, now()),
        Err(Refusal::HttpOnlyFromScript)
    );
    assert_eq!(
        jar.store(b"c=3; HttpOnly", &script, now()),
        Err(Refusal::HttpOnlyFromScript)
    );
    assert_eq!(jar.store(b"b=3", &script, now()), Ok(()));
    assert_eq!(sent(&jar, &page("/")), "a=1; b=3");
}

#[test]
fn same_site_says_which_pages_of_other_sites_send_it() {
    let jar = jar(&[
        "strict=1; SameSite=Strict",
        "lax=2; SameSite=lAX",
        "none=3; SameSite=None; Secure",
        "unsaid=4",
        "unknown=5; SameSite=Sometimes",
    ]);
    for (from, expected) in [
        (From::SameSite, "strict=1; lax=2; none=3; unsaid=4; unknown=5"),
        (From::ForeignLink, "lax=2; none=3; unsaid=4; unknown=5"),
        (From::ForeignForm, "none=3"),
        (From::ForeignPart, "none=3"),
    ] {
        assert_eq!(sent(&jar, &page("/").from(from)), expected, "{from:?}");
    }
}

#[test]
fn a_part_of_another_sites_page_may_set_only_what_it_would_be_sent() {
    let mut jar = Jar::default();
    let part = page("/").from(From::ForeignPart);
    for same_site in ["Strict", "Lax", ""] {
        let line = format!("a=1; SameSite={same_site}");
        assert_eq!(jar.store(line.as_bytes(), &part, now()), Err(Refusal::CrossSite));
        assert_eq!(
            jar.store(line.as_bytes(), &part.from(From::ForeignForm), now()),
            Ok(())
        );
    }
    assert_eq!(jar.store(b"a=1; SameSite=None; Secure", &part, now()), Ok(()));
}

#[test]
fn same_site_none_has_to_be_secure() {
    assert_eq!(
        refused("a=1; SameSite=None"),
        Some(Refusal::SameSiteNoneWithoutSecure)
    );
}

#[test]
fn prefixes_are_kept_to_whatever_their_case() {
    for (name, kept) in [
        (
            "__Secure-a",
            &["Secure", "Secure; Domain=example.com; Path=/shop"][..],
        ),
        (
            "__Host-a",
            &["Secure; Path=/", "HttpOnly; Secure; SameSite=Strict; Path=/"],
        ),
        (
            "__Http-a",
            &["Secure; HttpOnly", "Secure; HttpOnly; Domain=example.com"],
        ),
        ("__Host-Http-a", &["Secure; HttpOnly; Path=/"]),
    ] {
        for name in [
            name.to_owned(),
            name.to_ascii_lowercase(),
            name.to_ascii_uppercase(),
        ] {
            for attributes in kept {
                assert_eq!(
                    refused(&format!("{name}=1; {attributes}")),
                    None,
                    "{name}; {attributes}"
                );
            }
            assert_eq!(
                refused(&format!("{name}=1; HttpOnly; Path=/")),
                Some(Refusal::Prefix),
                "{name}"
            );
        }
    }
    for line in [
        "__Host-a=1; Secure",
        "__Host-a=1; Secure; Path=/shop",
        "__Host-a=1; Secure; Path=/; Domain=example.com",
        "__Host-a=1; Secure; Path=/; Domain=www.example.com",
        "__Http-a=1; Secure",
        "__Host-Http-a=1; Secure; Path=/",
        "__Host-Http-a=1; Secure; HttpOnly",
        "__Host-Http-a=1; Secure; HttpOnly; Path=/; Domain=example.com",
    ] {
        assert_eq!(refused(line), Some(Refusal::Prefix), "{line}");
    }
    assert_eq!(refused("__Hosta=1"), None);
}

#[test]
fn a_cookie_that_replaces_one_keeps_its_place() {
    let mut jar = jar(&["a=1", "b=2", "a=3"]);
    assert_eq!(sent(&jar, &page("/")), "a=3; b=2");
    jar.store(b"a=; Max-Age=0", &page("/"), now()).unwrap();
    jar.store(b"a=4", &page("/"), now()).unwrap();
    assert_eq!(sent(&jar, &page("/")), "b=2; a=4");
}

#[test]
fn a_partitioned_cookie_is_the_top_sites_own() {
    let mut jar = Jar::default();
    let here = page("/").under("here.test").from(From::ForeignPart);
    let there = page("/").under("there.test").from(From::ForeignPart);
    let line = b"a=1; Secure; SameSite=None; Partitioned";
    assert_eq!(jar.store(line, &here, now()), Ok(()));
    assert_eq!(
        jar.store(b"a=2; Secure; SameSite=None; Partitioned", &there, now()),
        Ok(())
    );
    assert_eq!(
        (sent(&jar, &here), sent(&jar, &there)),
        ("a=1".into(), "a=2".into())
    );
    assert_eq!(sent(&jar, &page("/")), "");
    assert_eq!(
        refused("a=1; Partitioned"),
        Some(Refusal::PartitionedWithoutSecure)
    );
}
