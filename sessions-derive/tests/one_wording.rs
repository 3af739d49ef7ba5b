//! A rule is told in one wording, whoever breaks it: the derive's attributes, a hand-written spec, or the builder.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use sessions_core::{
    ConfigError, CookieSpec, SameSite, Session, SessionSpec, Transport,
    engine::{Engine, Environment},
    options::{Options, ServerSide},
    storage::MemoryStorage,
};
use sessions_derive::CoreSession;

/// The messages that the compiler shows for a case, each with its help.
fn compiler(case: &str) -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ui/{case}.stderr"));
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let told = lines.windows(2).filter_map(|pair| {
        let message = pair[0].strip_prefix("error: ")?;
        let help = pair[1].trim_start().strip_prefix("help: ")?;
        Some((message.to_owned(), help.to_owned()))
    });
    told.collect()
}

fn named(name: &'static str) -> SessionSpec {
    SessionSpec::new(name)
}

fn header(name: &'static str) -> SessionSpec {
    SessionSpec {
        transport: Transport::Header,
        ..SessionSpec::new(name)
    }
}

fn cookie(name: &'static str, change: impl FnOnce(&mut CookieSpec)) -> SessionSpec {
    let mut cookie = CookieSpec::new();
    change(&mut cookie);
    SessionSpec {
        transport: Transport::Cookie(cookie),
        ..SessionSpec::new(name)
    }
}

fn limits(max_age: Option<u64>, idle_timeout: Option<u64>, absolute_lifetime: Option<u64>) -> SessionSpec {
    SessionSpec {
        max_age: max_age.map(Duration::from_secs),
        idle_timeout: idle_timeout.map(Duration::from_secs),
        absolute_lifetime: absolute_lifetime.map(Duration::from_secs),
        ..SessionSpec::new("__Host-cart")
    }
}

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// The cases of the derive and what one would write by hand to break the same rules.
fn cases() -> Vec<(&'static str, SessionSpec)> {
    vec![
        ("name/empty", named("")),
        ("name/illegal", named("my cart")),
        ("name/not_ascii", named("корзина")),
        ("name/prefix_in_another_case", named("__host-cart")),
        ("name/empty_header", header("")),
        ("name/illegal_header", header("X Cart")),
        ("name/reserved_header", header("authorization")),
        (
            "cookie/host_prefix_with_domain",
            cookie("__Host-cart", |c| c.domain = Some("example.org".into())),
        ),
        (
            "cookie/host_prefix_with_path",
            cookie("__Host-cart", |c| c.path = "/shop".into()),
        ),
        (
            "cookie/host_prefix_without_secure",
            cookie("__Host-cart", |c| c.secure = false),
        ),
        (
            "cookie/secure_prefix_without_secure",
            cookie("__Secure-cart", |c| c.secure = false),
        ),
        (
            "cookie/http_prefix",
            cookie("__Http-cart", |c| c.http_only = false),
        ),
        (
            "cookie/host_http_prefix",
            cookie("__Host-Http-cart", |c| c.http_only = false),
        ),
        (
            "cookie/same_site_none_without_secure",
            cookie("cart", |c| {
                c.same_site = SameSite::None;
                c.secure = false;
            }),
        ),
        (
            "cookie/partitioned_without_secure",
            cookie("cart", |c| {
                c.partitioned = true;
                c.secure = false;
            }),
        ),
        ("cookie/path", cookie("__Secure-cart", |c| c.path = "shop".into())),
        (
            "cookie/domain",
            cookie("__Secure-cart", |c| {
                c.domain = Some("https://example.org:443".into());
            }),
        ),
        (
            "several/cookie_prefix",
            cookie("__Host-cart", |c| {
                c.path = "/shop".into();
                c.domain = Some("example.org".into());
                c.secure = false;
            }),
        ),
        (
            "duration/max_age_above_the_browsers",
            limits(Some(401 * DAY), None, None),
        ),
        (
            "duration/idle_above_the_default_lifetime",
            limits(None, Some(DAY), None),
        ),
        (
            "duration/lifetime_shorter_than_idle",
            limits(None, Some(30 * MINUTE), Some(10 * MINUTE)),
        ),
        (
            "duration/shorter_than_max_age",
            limits(Some(30 * DAY), Some(30 * MINUTE), Some(DAY / 2)),
        ),
    ]
}

#[derive(CoreSession, Serialize, Deserialize)]
struct Cart;

/// The builder's options that lead to this spec.
fn overridden(spec: &SessionSpec) -> Options<ServerSide> {
    let mut options = Options::of::<Cart>()
        .name(spec.name.clone())
        .transport(spec.transport.clone());
    if let Some(max_age) = spec.max_age {
        options = options.max_age(max_age);
    }
    if let Some(idle_timeout) = spec.idle_timeout {
        options = options.idle_timeout(idle_timeout);
    }
    if let Some(absolute_lifetime) = spec.absolute_lifetime {
        options = options.absolute_lifetime(absolute_lifetime);
    }
    options
}

#[test]
fn the_derive_a_hand_written_spec_and_the_builder_fail_on_the_same_rules_with_the_same_words() {
    for (case, spec) in cases() {
        let told = compiler(case);
        assert!(!told.is_empty(), "{case}");

        let by_hand: Vec<_> = spec
            .violations()
            .into_iter()
            .map(|violation| (violation.message, violation.help))
            .collect();
        assert_eq!(by_hand, told, "{case}");

        let built = Engine::<Cart>::server_side(
            &Environment::default(),
            Arc::new(MemoryStorage::new()),
            &overridden(&spec),
        );
        let Err(ConfigError::Spec {
            type_name,
            violations,
        }) = built
        else {
            panic!("{case} was built");
        };
        assert!(type_name.ends_with("Cart"));
        let by_builder: Vec<_> = violations
            .into_iter()
            .map(|violation| (violation.message, violation.help))
            .collect();
        assert_eq!(by_builder, told, "{case}");
    }
}

#[test]
fn what_the_builder_refuses_is_told_with_every_rule_and_how_to_mend_it() {
    let options = overridden(&cookie("__Host-cart", |c| {
        c.path = "/shop".into();
        c.secure = false;
    }));
    let error =
        Engine::<Cart>::server_side(&Environment::default(), Arc::new(MemoryStorage::new()), &options)
            .unwrap_err()
            .to_string();
    assert!(error.contains("one_wording::Cart"), "{error}");
    assert_eq!(error.lines().count(), 3, "{error}");
    assert!(error.contains("; help: `path = \"/\"`"), "{error}");
    assert_eq!(Cart::SPEC.violations(), []);
}
