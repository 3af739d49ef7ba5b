use std::time::Duration;

use crate::parse_duration;

#[test]
fn durations_are_read_with_every_unit() {
    for (text, seconds) in [
        ("90s", 90),
        ("90 s", 90),
        ("90 sec", 90),
        ("1 second", 1),
        ("2 seconds", 2),
        ("30m", 1800),
        ("30 min", 1800),
        ("1 minute", 60),
        ("2 minutes", 120),
        ("12h", 43200),
        ("1 hour", 3600),
        ("2 hours", 7200),
        ("1d", 86400),
        ("1 day", 86400),
        ("30 days", 30 * 86400),
        ("2w", 14 * 86400),
        ("1 week", 7 * 86400),
        ("2 weeks", 14 * 86400),
        (" 5 m ", 300),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused_with_one_that_is() {
    for (text, why, help) in [
        ("", "it is empty", "30m"),
        ("30", "it has no unit", "30m"),
        ("m", "it does not start with a number", "30m"),
        ("soon", "it does not start with a number", "30m"),
        (
            "-30m",
            "a sign is not part of it, and it is never negative",
            "30m",
        ),
        ("0m", "it is zero", "1m"),
        ("1.5h", "the number has to be whole, without separators", "90m"),
        ("1h30m", "it takes one number and one unit", "90m"),
        ("1 day 12 hours", "it takes one number and one unit", "36h"),
        (
            "30 minuts",
            "unknown unit `minuts`, did you mean `minutes`?",
            "30 minutes",
        ),
        ("30M", "unknown unit `M`, did you mean `m`?", "30m"),
        ("3 months", "the length of a month is not fixed", "90 days"),
        ("2 years", "the length of a year is not fixed", "400 days"),
        ("1y", "the length of a year is not fixed", "365 days"),
        ("1yr", "the length of a year is not fixed", "365 days"),
        ("2 yrs", "the length of a year is not fixed", "400 days"),
        ("2 hrs", "unknown unit `hrs`, did you mean `hours`?", "2 hours"),
        ("1 hr", "unknown unit `hr`, did you mean `hour`?", "1 hour"),
        ("500ms", "the shortest is a second", "1s"),
        ("1500 ms", "the shortest is a second", "2s"),
        ("2.5h", "the number has to be whole, without separators", "150m"),
        (
            "0,5 days",
            "the number has to be whole, without separators",
            "12h",
        ),
        (
            "1_000s",
            "the number has to be whole, without separators",
            "1000s",
        ),
        ("99999999999999999999s", "the number is too large", "400 days"),
        (
            "18446744073709551615 weeks",
            "the number is too large",
            "400 days",
        ),
    ] {
        let error = parse_duration(text).unwrap_err();
        assert_eq!(error.message, format!("`{text}` is not a duration: {why}"));
        assert_eq!(error.help, format!("`\"{help}\"`"), "{text}");
        assert!(parse_duration(help).is_ok(), "{help}");
    }
}

#[test]
fn a_number_whose_unit_is_not_known_gets_no_other_unit() {
    for (text, why) in [
        ("7 Tage", "unknown unit `Tage`"),
        ("30 parsecs", "unknown unit `parsecs`"),
        ("0.5s", "the number has to be whole, without separators"),
        ("1,000s", "the number has to be whole, without separators"),
    ] {
        let error = parse_duration(text).unwrap_err();
        assert_eq!(error.message, format!("`{text}` is not a duration: {why}"));
        assert_eq!(
            error.help,
            "write a number and one of `s`, `m`, `h`, `days`, `weeks`, such as `\"30m\"`"
        );
    }
}
