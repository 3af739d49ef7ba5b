//! Points in time, as people read them.

use std::time::SystemTime;

use actix_web::http::header::HttpDate;
use sessions_actix::Timestamp;

/// "25 Nov 2026, 16:10 UTC".
pub(crate) fn utc(moment: Timestamp) -> String {
    // HTTP's own form has a fixed width: "Wed, 25 Nov 2026 16:10:26 GMT".
    let date = HttpDate::from(SystemTime::from(moment)).to_string();
    format!("{}, {} UTC", &date[5..16], &date[17..22])
}

/// How long ago it was: "3 minutes ago".
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let minutes = now.since(moment).as_secs() / 60;
    let (count, unit) = match minutes {
        0 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_date_is_shown_in_utc_to_the_minute() {
        for (millis, expected) in [
            (0, "01 Jan 1970, 00:00 UTC"),
            (1_795_623_026_999, "25 Nov 2026, 16:10 UTC"),
            (1_835_481_540_000, "29 Feb 2028, 23:59 UTC"),
        ] {
            assert_eq!(utc(Timestamp::from_millis(millis)), expected);
        }
    }

    #[test]
    fn an_age_is_shown_in_its_largest_whole_unit() {
        let now = Timestamp::from_millis(1_795_623_026_000);
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (119, "1 minute ago"),
            (120, "2 minutes ago"),
            (60 * 60 - 1, "59 minutes ago"),
            (60 * 60, "1 hour ago"),
            (24 * 60 * 60 - 1, "23 hours ago"),
            (24 * 60 * 60, "1 day ago"),
            (90 * 24 * 60 * 60, "90 days ago"),
        ] {
            assert_eq!(ago(now, now.after(Duration::from_secs(seconds))), expected);
        }
        // Another machine's clock may be ahead.
        assert_eq!(ago(now.after(Duration::from_secs(5)), now), "just now");
    }
}
