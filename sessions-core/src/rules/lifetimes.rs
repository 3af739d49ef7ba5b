//! How long a session may last, and how the three limits go together.

use std::time::Duration;

use crate::{DEFAULT_ABSOLUTE_LIFETIME, DEFAULT_IDLE_TIMEOUT, MAX_LIFETIME, SessionSpec, Transport};

use super::{Culprit, Violation, duration::display};

const SECOND: Duration = Duration::from_secs(1);

impl SessionSpec {
    /// The idle timeout that holds: the one given, else `max_age`, else [`DEFAULT_IDLE_TIMEOUT`], which ends with
    /// a shorter absolute lifetime.
    #[must_use]
    pub fn idle_timeout_or_default(&self) -> Duration {
        self.idle_timeout
            .or(self.max_age)
            .unwrap_or_else(|| DEFAULT_IDLE_TIMEOUT.min(self.absolute_lifetime_or_default()))
    }

    /// The absolute lifetime that holds: the one given, else [`MAX_LIFETIME`] with a `max_age`, else
    /// [`DEFAULT_ABSOLUTE_LIFETIME`].
    #[must_use]
    pub fn absolute_lifetime_or_default(&self) -> Duration {
        self.absolute_lifetime.unwrap_or(match self.max_age {
            Some(_) => MAX_LIFETIME,
            None => DEFAULT_ABSOLUTE_LIFETIME,
        })
    }
}

pub(super) fn check(spec: &SessionSpec, found: &mut Vec<Violation>) {
    let in_cookie = matches!(spec.transport, Transport::Cookie(_));
    if !in_cookie && let Some(max_age) = spec.max_age {
        let shown = display(max_age);
        found.push(Violation::new(
            Culprit::MaxAge,
            format!(
                "`max_age` is `{shown}`, but it is an attribute of cookies, and `{}` is a header",
                spec.name
            ),
            match spec.idle_timeout {
                Some(_) => "remove `max_age`".to_owned(),
                None => format!("`idle_timeout = \"{shown}\"`"),
            },
        ));
    }
    // A limit that is out of bounds by itself is not compared with others: one mistake, one violation.
    let max_age = spec
        .max_age
        .filter(|_| in_cookie)
        .filter(|&d| in_bounds(Culprit::MaxAge, d, found));
    let idle = spec
        .idle_timeout
        .filter(|&d| in_bounds(Culprit::IdleTimeout, d, found));
    let absolute = spec
        .absolute_lifetime
        .filter(|&d| in_bounds(Culprit::AbsoluteLifetime, d, found));

    if let Some(max_age) = max_age {
        for (culprit, limit) in [
            (Culprit::IdleTimeout, idle),
            (Culprit::AbsoluteLifetime, absolute),
        ] {
            if let Some(limit) = limit.filter(|&limit| limit < max_age) {
                found.push(shorter_than_max_age(culprit, limit, max_age));
            }
        }
    }
    if let Some(idle) = idle {
        let default = if spec.absolute_lifetime.is_none() {
            Some(spec.absolute_lifetime_or_default())
        } else {
            None
        };
        if let Some(limit) = absolute.or(default).filter(|&limit| limit < idle) {
            found.push(longer_than_lifetime(idle, limit, default.is_some()));
        }
    }
}

fn in_bounds(culprit: Culprit, value: Duration, found: &mut Vec<Violation>) -> bool {
    let option = option(culprit);
    let shown = display(value);
    let (message, help) = if value < SECOND {
        (
            format!("`{option}` is `{shown}`, less than a second"),
            Duration::from_secs(30 * 60),
        )
    } else if value > MAX_LIFETIME {
        let max = display(MAX_LIFETIME);
        (
            format!("`{option}` is `{shown}`, more than the `{max}` that browsers keep a cookie"),
            MAX_LIFETIME,
        )
    } else if culprit == Culprit::MaxAge && value.subsec_nanos() != 0 {
        (
            format!("`{option}` is `{shown}`, and cookies count whole seconds"),
            Duration::from_secs(value.as_secs()),
        )
    } else {
        return true;
    };
    found.push(Violation::new(
        culprit,
        message,
        format!("`{option} = \"{}\"`", display(help)),
    ));
    false
}

fn shorter_than_max_age(culprit: Culprit, limit: Duration, max_age: Duration) -> Violation {
    let option = option(culprit);
    let (shown, max_age) = (display(limit), display(max_age));
    Violation::new(
        culprit,
        format!(
            "`{option}` is `{shown}`, less than `max_age`, `{max_age}`: the cookie would outlive the session"
        ),
        format!("`{option} = \"{max_age}\"`, or `max_age = \"{shown}\"`"),
    )
}

fn longer_than_lifetime(idle: Duration, lifetime: Duration, is_default: bool) -> Violation {
    let which = if is_default {
        "the default `absolute_lifetime`"
    } else {
        "`absolute_lifetime`"
    };
    let (idle, lifetime) = (display(idle), display(lifetime));
    Violation::new(
        Culprit::IdleTimeout,
        format!("`idle_timeout` is `{idle}`, more than {which}, `{lifetime}`: it would never be reached"),
        format!("`absolute_lifetime = \"{idle}\"`, or `idle_timeout = \"{lifetime}\"`"),
    )
}

const fn option(culprit: Culprit) -> &'static str {
    match culprit {
        Culprit::IdleTimeout => "idle_timeout",
        Culprit::AbsoluteLifetime => "absolute_lifetime",
        _ => "max_age",
    }
}
