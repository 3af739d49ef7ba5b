use std::borrow::Cow;

use super::{cookie, culprits, header, only};
use crate::{CookieSpec, Culprit, SessionSpec, default_name};

#[test]
fn a_cookie_name_is_a_token() {
    for name in [
        "",
        "my cart",
        "a;b",
        "a=b",
        "a,b",
        "\"a\"",
        "a\tb",
        "a\r\nSet-Cookie:x",
        "корзина",
        "a\u{7f}",
    ] {
        assert_eq!(culprits(&SessionSpec::new(name)), [Culprit::Name], "{name:?}");
        assert_eq!(culprits(&header(name)), [Culprit::Name], "{name:?}");
    }
    for name in ["a", "LOGIN_SESSION", "a.b-c", "!#$%&'*+-.^_`|~", "x_Host-"] {
        assert_eq!(culprits(&SessionSpec::new(name)), [], "{name:?}");
    }
}

#[test]
fn an_illegal_character_is_shown_with_its_place_and_a_name_to_paste() {
    let (_, message, help) = only(&SessionSpec::new("my cart"));
    assert_eq!(message, "cookie name `my cart` contains a space at byte 2");
    assert_eq!(help, "`name = \"my_cart\"`");
    let (_, message, help) = only(&header("X Cart"));
    assert_eq!(message, "header name `X Cart` contains a space at byte 1");
    assert_eq!(help, "`name = \"X-Cart\"`");
    let (_, message, help) = only(&SessionSpec::new("корзина"));
    assert_eq!(
        message,
        "cookie name `корзина` contains `к`, which is not ASCII, at byte 0"
    );
    assert_eq!(help, "`name = \"session\"`");
}

#[test]
fn a_name_has_a_length_that_a_cookie_can_carry() {
    let named = |length| SessionSpec {
        name: Cow::Owned("a".repeat(length)),
        ..SessionSpec::new("")
    };
    assert_eq!(culprits(&named(256)), []);
    assert_eq!(culprits(&named(257)), [Culprit::Name]);
}

#[test]
fn a_prefix_in_another_case_is_refused_and_still_demands() {
    let (culprit, _, help) = only(&SessionSpec::new("__host-cart"));
    assert_eq!(
        (culprit, help.as_str()),
        (Culprit::Name, "`name = \"__Host-cart\"`")
    );
    assert_eq!(
        culprits(&cookie("__HOST-a", |c| c.path = "/a".into())),
        [Culprit::Name, Culprit::Path]
    );
    assert_eq!(
        culprits(&cookie("__sEcUrE-a", |c| c.secure = false)),
        [Culprit::Name, Culprit::Secure]
    );
}

#[test]
fn a_prefix_alone_is_no_name() {
    for name in ["__Host-", "__Secure-", "__Host-Http-", "__Host-__Secure-"] {
        assert_eq!(culprits(&SessionSpec::new(name)), [Culprit::Name], "{name}");
    }
}

#[test]
fn a_header_with_a_meaning_of_its_own_carries_no_session() {
    for name in [
        "Cookie",
        "set-cookie",
        "AUTHORIZATION",
        "Proxy-Authorization",
        "Host",
        "Content-Length",
        "If-Match",
        "Sec-Fetch-Site",
        "Transfer-Encoding",
        "X-Forwarded-For",
        "Origin",
        "Vary",
        "accept",
    ] {
        assert_eq!(culprits(&header(name)), [Culprit::Name], "{name}");
    }
    for name in ["X-Cart", "Session", "Hosting", "__Host-cart", "x-authorization"] {
        assert_eq!(culprits(&header(name)), [], "{name}");
    }
}

#[test]
fn the_default_name_is_the_type_in_snake_case_behind_a_prefix() {
    for (type_name, snake) in [
        ("LoginSession", "login_session"),
        ("HTTPSession", "http_session"),
        ("LoginV1", "login_v1"),
        ("V2Login", "v2_login"),
        ("OAuth2State", "o_auth2_state"),
        ("r#Type", "type"),
        ("Cart", "cart"),
        ("Cart_Item", "cart_item"),
        ("A", "a"),
        ("ABC", "abc"),
    ] {
        assert_eq!(
            default_name(type_name, &CookieSpec::new()),
            format!("__Host-{snake}")
        );
    }
    let mut elsewhere = CookieSpec::new();
    elsewhere.path = "/shop".into();
    assert_eq!(default_name("Cart", &elsewhere), "__Secure-cart");
    let mut shared = CookieSpec::new();
    shared.domain = Some("example.org".into());
    assert_eq!(default_name("Cart", &shared), "__Secure-cart");
}
