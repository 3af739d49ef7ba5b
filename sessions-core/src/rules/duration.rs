//! Durations as text: `30m`, `12h`, `30 days`.

use std::{fmt, time::Duration};

use super::did_you_mean;
use crate::MAX_LIFETIME;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// A plural stands before its singular, to win where a mistyped word is as close to both.
const UNITS: [(&str, u64); 19] = [
    ("s", 1),
    ("secs", 1),
    ("sec", 1),
    ("seconds", 1),
    ("second", 1),
    ("m", MINUTE),
    ("mins", MINUTE),
    ("min", MINUTE),
    ("minutes", MINUTE),
    ("minute", MINUTE),
    ("h", HOUR),
    ("hours", HOUR),
    ("hour", HOUR),
    ("d", DAY),
    ("days", DAY),
    ("day", DAY),
    ("w", WEEK),
    ("weeks", WEEK),
    ("week", WEEK),
];

/// What is said where the text's number would be given a meaning that nobody wrote.
const FORM: &str = "write a number and one of `s`, `m`, `h`, `days`, `weeks`, such as `\"30m\"`";

/// Units that are known and not taken: they have no fixed length.
const CALENDAR: [(&str, u64, &[&str]); 2] = [
    ("month", 30, &["mo", "mos", "month", "months"]),
    ("year", 365, &["y", "yr", "yrs", "year", "years"]),
];

/// Short forms that are too far from the word for a guess.
const SHORT: [(&str, &str); 2] = [("hrs", "hours"), ("hr", "hour")];

/// Units below a second, with how many of them make one.
const FRACTIONS: [(&str, u64); 12] = [
    ("ms", 1_000),
    ("msec", 1_000),
    ("msecs", 1_000),
    ("millis", 1_000),
    ("millisecond", 1_000),
    ("milliseconds", 1_000),
    ("us", 1_000_000),
    ("µs", 1_000_000),
    ("micros", 1_000_000),
    ("microseconds", 1_000_000),
    ("ns", 1_000_000_000),
    ("nanos", 1_000_000_000),
];

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDuration {
    /// What is wrong, with the value shown.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl fmt::Display for InvalidDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; help: {}", self.message, self.help)
    }
}

impl std::error::Error for InvalidDuration {}

/// Reads a duration: one whole number above zero and one unit, as in `90 s`, `30m`, `12h`, `30 days`, `1 week`.
///
/// The units are `s`, `sec`, `second`, `m`, `min`, `minute`, `h`, `hour`, `d`, `day`, `w`, `week` and the plurals.
///
/// # Errors
/// The text is anything else; the error says what, and shows a text that works.
///
/// ```
/// use std::time::Duration;
/// use sessions_core::parse_duration;
///
/// assert_eq!(parse_duration("30m"), Ok(Duration::from_secs(1800)));
/// assert_eq!(parse_duration("1h30m").unwrap_err().help, r#"`"90m"`"#);
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let refuse_saying = |why: String, help: String| {
        let message = format!("`{}` is not a duration: {why}", text.escape_debug());
        Err(InvalidDuration { message, help })
    };
    let refuse = |why: String, help: &str| refuse_saying(why, format!("`\"{help}\"`"));
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return refuse("it is empty".into(), "30m");
    }
    if let Some(rest) = trimmed.strip_prefix(['-', '+']) {
        let help = parse_duration(rest).map_or_else(|_| "30m".into(), display);
        return refuse("a sign is not part of it, and it is never negative".into(), &help);
    }
    let (digits, unit) = split_number(trimmed);
    if digits.is_empty() {
        return refuse("it does not start with a number".into(), "30m");
    }
    if unit.is_empty() {
        return refuse("it has no unit".into(), &format!("{digits}m"));
    }
    if unit.starts_with(['.', ',', '_']) {
        let why = "the number has to be whole, without separators".into();
        return match without_separators(trimmed) {
            Some(whole) => refuse(why, &whole),
            None => refuse_saying(why, FORM.into()),
        };
    }
    let Some(seconds) = seconds_of(unit) else {
        return match compound(trimmed) {
            Some(sum) => refuse("it takes one number and one unit".into(), &display(sum)),
            None => {
                let (why, help) = unknown_unit(digits, unit);
                match help {
                    Some(help) => refuse(why, &help),
                    None => refuse_saying(why, FORM.into()),
                }
            }
        };
    };
    match digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
    {
        Some(0) => refuse("it is zero".into(), &format!("1{unit}")),
        Some(total) => Ok(Duration::from_secs(total)),
        None => refuse("the number is too large".into(), "400 days"),
    }
}

/// A duration as it can be written back: the largest unit that leaves no remainder.
pub(crate) fn display(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 {
        return format!("{duration:?}");
    }
    match seconds {
        DAY => "1 day".into(),
        s if s > 0 && s % DAY == 0 => format!("{} days", s / DAY),
        s if s > 0 && s % HOUR == 0 => format!("{}h", s / HOUR),
        s if s > 0 && s % MINUTE == 0 => format!("{}m", s / MINUTE),
        s => format!("{s}s"),
    }
}

fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits, rest.trim_start())
}

fn seconds_of(unit: &str) -> Option<u64> {
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|&(_, seconds)| seconds)
}

/// The sum of `1h30m`, for the help alone.
fn compound(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (digits, after) = split_number(rest);
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let part = digits.parse::<u64>().ok()?.checked_mul(seconds_of(unit)?)?;
        total = total.checked_add(part)?;
        rest = next.trim_start();
    }
    (total > 0).then(|| Duration::from_secs(total))
}

/// `2.5h` in a smaller unit and `1_000s` without its line, for the help alone.
fn without_separators(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '_'))?;
    let (number, unit) = text.split_at(end);
    let seconds = seconds_of(unit.trim_start())?;
    let number = number.replace('_', "");
    let Some((whole, fraction)) = number.split_once(['.', ',']) else {
        let text = format!("{number}{unit}");
        return parse_duration(&text).is_ok().then_some(text);
    };
    // Three digits may as well be thousands.
    if fraction.len() == 3 {
        return None;
    }
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let scaled = whole
        .parse::<u64>()
        .ok()?
        .checked_mul(scale)?
        .checked_add(fraction.parse().ok()?)?
        .checked_mul(seconds)?;
    (scaled > 0 && scaled % scale == 0).then(|| display(Duration::from_secs(scaled / scale)))
}

/// Why, and the duration that was most likely meant.
fn unknown_unit(digits: &str, unit: &str) -> (String, Option<String>) {
    let shown = unit.escape_debug();
    let word = unit.to_lowercase();
    for (of_no_fixed_length, about, names) in CALENDAR {
        if names.contains(&word.as_str()) {
            let most = MAX_LIFETIME.as_secs() / DAY;
            let days = digits
                .parse::<u64>()
                .unwrap_or(most)
                .saturating_mul(about)
                .clamp(1, most);
            return (
                format!("the length of a {of_no_fixed_length} is not fixed"),
                Some(format!("{days} days")),
            );
        }
    }
    if let Some((_, parts)) = FRACTIONS.iter().find(|(name, _)| *name == word) {
        let seconds = digits.parse::<u64>().unwrap_or(1).div_ceil(*parts).max(1);
        return ("the shortest is a second".into(), Some(format!("{seconds}s")));
    }
    let short = SHORT.iter().find(|(name, _)| *name == word);
    let known: Vec<&str> = UNITS.iter().map(|&(name, _)| name).collect();
    match short
        .map(|&(_, unit)| unit)
        .or_else(|| did_you_mean(unit, &known))
    {
        Some(close) => {
            let space = if close.len() > 1 { " " } else { "" };
            (
                format!("unknown unit `{shown}`, did you mean `{close}`?"),
                Some(format!("{digits}{space}{close}")),
            )
        }
        None => (format!("unknown unit `{shown}`"), None),
    }
}
