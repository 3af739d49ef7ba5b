use std::time::Duration;

use super::{culprits, days, header, minutes, only};
use crate::{Culprit, DEFAULT_ABSOLUTE_LIFETIME, DEFAULT_IDLE_TIMEOUT, MAX_LIFETIME, SessionSpec};

#[test]
fn limits_have_bounds() {
    for (value, fits) in [
        (Duration::ZERO, false),
        (Duration::from_millis(999), false),
        (Duration::from_secs(1), true),
        (MAX_LIFETIME, true),
        (MAX_LIFETIME + Duration::from_secs(1), false),
        (Duration::MAX, false),
    ] {
        let expected = |culprit| if fits { vec![] } else { vec![culprit] };
        let spec = SessionSpec::new("a");
        let max_age = SessionSpec {
            max_age: Some(value),
            ..spec.clone()
        };
        assert_eq!(culprits(&max_age), expected(Culprit::MaxAge), "{value:?}");
        let idle = SessionSpec {
            idle_timeout: Some(value),
            absolute_lifetime: Some(MAX_LIFETIME),
            ..spec.clone()
        };
        assert_eq!(culprits(&idle), expected(Culprit::IdleTimeout), "{value:?}");
        let absolute = SessionSpec {
            absolute_lifetime: Some(value),
            ..spec
        };
        assert_eq!(
            culprits(&absolute),
            expected(Culprit::AbsoluteLifetime),
            "{value:?}"
        );
    }
}

#[test]
fn max_age_counts_whole_seconds() {
    let spec = SessionSpec {
        max_age: Some(Duration::from_millis(1500)),
        ..SessionSpec::new("a")
    };
    assert_eq!(only(&spec).2, "`max_age = \"1s\"`");
    let spec = SessionSpec {
        idle_timeout: Some(Duration::from_millis(1500)),
        ..SessionSpec::new("a")
    };
    assert_eq!(spec.violations(), []);
}

#[test]
fn an_idle_timeout_fits_into_the_lifetime() {
    let spec = |idle, absolute| SessionSpec {
        idle_timeout: Some(idle),
        absolute_lifetime: absolute,
        ..SessionSpec::new("a")
    };
    assert_eq!(culprits(&spec(minutes(30), Some(minutes(30)))), []);
    assert_eq!(
        culprits(&spec(minutes(31), Some(minutes(30)))),
        [Culprit::IdleTimeout]
    );
    let (culprit, message, help) = only(&spec(minutes(24 * 60), None));
    assert_eq!(culprit, Culprit::IdleTimeout);
    assert_eq!(
        message,
        "`idle_timeout` is `1 day`, more than the default `absolute_lifetime`, `12h`: it would never be reached"
    );
    assert_eq!(
        help,
        "`absolute_lifetime = \"1 day\"`, or `idle_timeout = \"12h\"`"
    );
}

#[test]
fn a_cookie_does_not_outlive_its_session() {
    let spec = |idle, absolute| SessionSpec {
        max_age: Some(days(30)),
        idle_timeout: idle,
        absolute_lifetime: absolute,
        ..SessionSpec::new("a")
    };
    assert_eq!(culprits(&spec(None, None)), []);
    assert_eq!(culprits(&spec(Some(days(30)), None)), []);
    assert_eq!(culprits(&spec(Some(days(60)), None)), []);
    assert_eq!(culprits(&spec(None, Some(days(30)))), []);
    assert_eq!(culprits(&spec(Some(days(29)), None)), [Culprit::IdleTimeout]);
    assert_eq!(culprits(&spec(None, Some(days(29)))), [Culprit::AbsoluteLifetime]);
}

#[test]
fn a_header_has_no_max_age() {
    let spec = SessionSpec {
        max_age: Some(days(30)),
        ..header("X-Cart")
    };
    let (culprit, _, help) = only(&spec);
    assert_eq!(
        (culprit, help.as_str()),
        (Culprit::MaxAge, "`idle_timeout = \"30 days\"`")
    );
    let spec = SessionSpec {
        idle_timeout: Some(minutes(1)),
        ..spec
    };
    assert_eq!(only(&spec).2, "remove `max_age`");
}

#[test]
fn limits_default_to_each_other() {
    let defaults = |max_age, idle_timeout, absolute_lifetime| {
        let spec = SessionSpec {
            max_age,
            idle_timeout,
            absolute_lifetime,
            ..SessionSpec::new("a")
        };
        assert_eq!(spec.violations(), []);
        (
            spec.idle_timeout_or_default(),
            spec.absolute_lifetime_or_default(),
        )
    };
    assert_eq!(
        defaults(None, None, None),
        (DEFAULT_IDLE_TIMEOUT, DEFAULT_ABSOLUTE_LIFETIME)
    );
    assert_eq!(defaults(Some(days(30)), None, None), (days(30), MAX_LIFETIME));
    assert_eq!(
        defaults(Some(days(3)), Some(days(4)), None),
        (days(4), MAX_LIFETIME)
    );
    assert_eq!(defaults(Some(days(3)), None, Some(days(5))), (days(3), days(5)));
    assert_eq!(
        defaults(None, None, Some(minutes(10))),
        (minutes(10), minutes(10))
    );
    assert_eq!(
        defaults(None, Some(minutes(5)), None),
        (minutes(5), DEFAULT_ABSOLUTE_LIFETIME)
    );
}
