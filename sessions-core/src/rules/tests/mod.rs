mod cookie;
mod duration;
mod lifetimes;
mod name;

use std::time::Duration;

use proptest::prelude::*;

use crate::{CookieSpec, Culprit, SameSite, SessionSpec, Transport, parse_duration};

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

const fn days(n: u64) -> Duration {
    minutes(n * 24 * 60)
}

fn cookie(name: &'static str, edit: impl FnOnce(&mut CookieSpec)) -> SessionSpec {
    let mut attributes = CookieSpec::new();
    edit(&mut attributes);
    SessionSpec {
        transport: Transport::Cookie(attributes),
        ..SessionSpec::new(name)
    }
}

fn header(name: &'static str) -> SessionSpec {
    SessionSpec {
        transport: Transport::Header,
        ..SessionSpec::new(name)
    }
}

fn culprits(spec: &SessionSpec) -> Vec<Culprit> {
    spec.violations()
        .into_iter()
        .map(|violation| violation.culprit)
        .collect()
}

fn only(spec: &SessionSpec) -> (Culprit, String, String) {
    let mut found = spec.violations();
    assert_eq!(found.len(), 1, "{found:?}");
    let violation = found.remove(0);
    (violation.culprit, violation.message, violation.help)
}

#[test]
fn the_defaults_break_no_rule() {
    for spec in [
        SessionSpec::new("LOGIN"),
        SessionSpec::new("__Host-login"),
        header("X-Cart"),
    ] {
        assert_eq!(spec.violations(), []);
    }
}

#[test]
fn versions_count_from_one() {
    assert_eq!(
        culprits(&SessionSpec {
            version: 0,
            ..SessionSpec::new("a")
        }),
        [Culprit::Version]
    );
}

#[test]
fn all_violations_are_told_at_once() {
    let spec = SessionSpec {
        max_age: Some(Duration::ZERO),
        idle_timeout: Some(Duration::MAX),
        absolute_lifetime: Some(Duration::ZERO),
        version: 0,
        ..cookie("my cart", |c| {
            c.path = "x".into();
            c.domain = Some(".".into());
            c.secure = false;
            c.same_site = SameSite::None;
            c.partitioned = true;
        })
    };
    use Culprit::{AbsoluteLifetime, Domain, IdleTimeout, MaxAge, Name, Partitioned, Path, Version};
    assert_eq!(
        culprits(&spec),
        [
            Name,
            Domain,
            Path,
            Culprit::SameSite,
            Partitioned,
            MaxAge,
            IdleTimeout,
            AbsoluteLifetime,
            Version
        ]
    );
}

#[test]
fn a_violation_reads_as_a_sentence_with_its_help() {
    let violation = SessionSpec {
        version: 0,
        ..SessionSpec::new("a")
    }
    .violations()
    .remove(0);
    assert_eq!(
        violation.to_string(),
        "`version` is `0`, and versions count from 1; help: `version = 1`"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,20}") {
        let _ = parse_duration(&text);
    }

    #[test]
    fn what_is_shown_can_be_read_back(seconds in 1_u64..40_000_000) {
        let duration = Duration::from_secs(seconds);
        prop_assert_eq!(parse_duration(&crate::rules::duration::display(duration)), Ok(duration));
    }

    #[test]
    fn the_name_that_is_offered_breaks_no_rule(name in "\\PC{0,40}") {
        let spec = SessionSpec { name: name.clone().into(), ..SessionSpec::new("") };
        for violation in spec.violations() {
            let help = violation.help.strip_prefix("`name = \"").and_then(|help| help.strip_suffix("\"`"));
            let mended = SessionSpec { name: help.unwrap_or("a").to_owned().into(), ..SessionSpec::new("") };
            prop_assert_eq!(mended.violations(), []);
        }
    }

    #[test]
    fn no_spec_makes_the_rules_panic(
        name in "(__host-|__Http-)?\\PC{0,10}",
        path in ".{0,10}",
        domain in ".{0,10}",
        limits in any::<[Option<Duration>; 3]>(),
    ) {
        let spec = SessionSpec {
            name: name.into(),
            transport: Transport::Cookie(CookieSpec {
                path: path.into(),
                domain: Some(domain.into()),
                ..CookieSpec::new()
            }),
            idle_timeout: limits[0],
            absolute_lifetime: limits[1],
            max_age: limits[2],
            version: 1,
        };
        let _ = (spec.violations(), spec.without_secure(), spec.idle_timeout_or_default());
    }
}
