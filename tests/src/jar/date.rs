//! Dates: what browsers make of one (5.1.1), and the one form in which servers send them.

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Seconds since 1970, whatever the order and the words around; none if a browser makes nothing of it.
pub(crate) fn cookie_date(text: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|octet| is_delimiter(*octet)) {
        if time.is_none()
            && let Some(found) = hms(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1..=2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2..=4)
        {
            year = Some(match found {
                70..=99 => found + 1900,
                0..=69 => found + 2000,
                _ => found,
            });
        }
    }
    let ([hour, minute, second], day, month, year) = (time?, day?, month?, year?);
    if year < 1601 || hour > 23 || minute > 59 || second > 59 || day < 1 || day > days_in(month, year) {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn imf_fixdate(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The year of about this day, or the one before or after it.
    let about = 1970 + days / 366 - 1;
    let year = (about..)
        .find(|year| days_since_1970(year + 1, 1, 1) > days)
        .unwrap_or(about);
    let month = (1..12)
        .find(|month| days_since_1970(year, month + 1, 1) > days)
        .unwrap_or(12);
    let day = days - days_since_1970(year, month, 1) + 1;
    let name = MONTHS[usize::try_from(month - 1).unwrap_or_default()];
    let weekday = DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or_default()];
    format!(
        "{weekday}, {day:02} {}{} {year:04} {:02}:{:02}:{:02} GMT",
        name[..1].to_ascii_uppercase(),
        &name[1..],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn is_delimiter(octet: u8) -> bool {
    matches!(octet, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// Three numbers of one or two digits, and anything after them that is no digit.
fn hms(token: &[u8]) -> Option<[i64; 3]> {
    let mut fields = token.splitn(3, |octet| *octet == b':');
    let mut exact = || {
        let field = fields.next()?;
        (field.iter().all(u8::is_ascii_digit))
            .then(|| number(field, 1..=2))
            .flatten()
    };
    let (hour, minute) = (exact()?, exact()?);
    Some([hour, minute, number(fields.next()?, 1..=2)?])
}

/// So many digits, and anything after them that is no digit.
fn number(token: &[u8], digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let length = token.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let text = str::from_utf8(&token[..length]).ok()?;
    digits.contains(&length).then(|| text.parse().ok()).flatten()
}

fn month_of(token: &[u8]) -> Option<i64> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| month.as_bytes() == start)?;
    i64::try_from(at + 1).ok()
}

fn days_in(month: i64, year: i64) -> i64 {
    let next = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    days_since_1970(next.0, next.1, 1) - days_since_1970(year, month, 1)
}

/// Of the Gregorian calendar, counted in years that begin with March, so that the day that leaps is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}
