//! A short name for a device, made of what it says of itself.

/// What is part of a `User-Agent`, and whose it is. Most browsers claim to be others as well, so the first that fits
/// counts.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same for systems: an Android is a Linux, and an iPhone is "like Mac OS X".
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

const UNKNOWN: &str = "Unknown device";

/// The longest name of a program that is taken over.
const MAX_PROGRAM_LEN: usize = 24;

/// A label for the device that sent this `User-Agent`; of a header that is absent or no text, the empty one.
///
/// It helps its user to remember and proves nothing, since anybody can send anything. So it is short, whatever was
/// sent: words of this file, or a program's name if that is a plain one.
pub(crate) fn label(user_agent: &str) -> String {
    // Every browser begins with this, and hardly anything else does.
    if !user_agent.starts_with("Mozilla/") {
        return program(user_agent).unwrap_or(UNKNOWN).to_owned();
    }
    match (first(&BROWSERS, user_agent), first(&SYSTEMS, user_agent)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Unknown browser on {system}"),
        (None, None) => UNKNOWN.to_owned(),
    }
}

fn first(known: &[(&str, &'static str)], user_agent: &str) -> Option<&'static str> {
    known
        .iter()
        .find(|(part, _)| user_agent.contains(part))
        .map(|&(_, name)| name)
}

/// The name of a program that is no browser: `curl` of `curl/8.14.1`.
fn program(user_agent: &str) -> Option<&str> {
    let name = user_agent.split(['/', ' ']).next()?;
    let plain = name
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'));
    (plain && (1..=MAX_PROGRAM_LEN).contains(&name.len())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_with_its_system() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/138.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 HeadlessChrome/142.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            ("Mozilla/5.0 Firefox/128.0", "Firefox"),
            ("Mozilla/5.0 (Linux; U) Something/1.0", "Unknown browser on Linux"),
            ("Mozilla/5.0", "Unknown device"),
        ] {
            assert_eq!(label(user_agent), expected, "{user_agent}");
        }
    }

    #[test]
    fn another_program_is_named_as_it_names_itself() {
        for (user_agent, expected) in [
            ("curl/8.14.1", "curl"),
            ("python-requests/2.32.4", "python-requests"),
            ("Wget", "Wget"),
            ("okhttp/4.12.0 Android", "okhttp"),
        ] {
            assert_eq!(label(user_agent), expected);
        }
    }

    #[test]
    fn what_names_nothing_is_an_unknown_device() {
        for user_agent in ["", " ", "/", "/1.0", "<script>alert(1)</script>", "Ünïcode/1.0"] {
            assert_eq!(label(user_agent), "Unknown device", "{user_agent}");
        }
    }

    #[test]
    fn a_label_is_short_and_plain_whatever_was_sent() {
        let long = "A".repeat(10_000);
        for start in ["", "Mozilla/5.0 ", "Mozilla/5.0 (Linux) ", "<b>", "curl/"] {
            for end in [&long, "<script>", "\"'&", "Firefox/<script>", "\u{202e}Linux"] {
                let label = label(&format!("{start}{end}"));
                assert!((1..=40).contains(&label.len()), "{label}");
                assert!(
                    label
                        .chars()
                        .all(|character| character.is_ascii_alphanumeric() || " -_.".contains(character)),
                    "{label}"
                );
            }
        }
    }
}
