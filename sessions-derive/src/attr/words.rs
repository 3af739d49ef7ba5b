//! The options, and what else one may call them.

pub(super) const STRUCT: [&str; 9] = [
    "name",
    "transport",
    "max_age",
    "idle_timeout",
    "absolute_lifetime",
    "serializer",
    "version",
    "previous",
    "crate",
];
pub(super) const COOKIE: [&str; 6] = [
    "path",
    "domain",
    "secure",
    "http_only",
    "same_site",
    "partitioned",
];
pub(super) const SAME_SITE: [&str; 3] = ["strict", "lax", "none"];
pub(super) const BY_TYPE: [&str; 9] = [
    "renew_every",
    "grace",
    "touch_interval",
    "on_conflict",
    "max_per_principal",
    "always_send",
    "clear_site_data",
    "revocable",
    "signed",
];

/// What other libraries call an option, or what one would call it.
pub(super) const SYNONYMS: [(&str, &str); 19] = [
    ("cookie_name", "name"),
    ("rename", "name"),
    ("id", "name"),
    ("ttl", "idle_timeout"),
    ("timeout", "idle_timeout"),
    ("idle", "idle_timeout"),
    ("inactivity", "idle_timeout"),
    ("inactivity_timeout", "idle_timeout"),
    ("session_timeout", "idle_timeout"),
    ("expiry", "absolute_lifetime"),
    ("expires_in", "absolute_lifetime"),
    ("lifetime", "absolute_lifetime"),
    ("max_lifetime", "absolute_lifetime"),
    ("absolute_timeout", "absolute_lifetime"),
    ("expires", "max_age"),
    ("session_ttl", "max_age"),
    ("format", "serializer"),
    ("codec", "serializer"),
    ("schema", "version"),
];

/// Words of other libraries that are no option here: the word, what there is instead, and what to write.
pub(super) const ELSEWHERE: [(&str, &str, &str); 11] = [
    ("rolling", RENEWED, REMOVE_OR_TOUCH),
    ("resave", RENEWED, REMOVE_OR_TOUCH),
    ("touch", RENEWED, REMOVE_OR_TOUCH),
    (
        "save_uninitialized",
        "a session begins when something is set",
        "remove it",
    ),
    ("permanent", KEPT, "`max_age = \"30 days\"`"),
    ("persistent", KEPT, "`max_age = \"30 days\"`"),
    ("renew", NEW_ID, RENEW_EVERY),
    ("regenerate", NEW_ID, RENEW_EVERY),
    ("max_size", SIZE, SIZE_HELP),
    ("size_limit", SIZE, SIZE_HELP),
    ("limit", SIZE, SIZE_HELP),
];
const RENEWED: &str = "use prolongs a session by itself";
const REMOVE_OR_TOUCH: &str = "remove it; how often use is noted is the builder's `touch_interval`";
const KEPT: &str = "how long the browser keeps a session is its `max_age`";
const NEW_ID: &str = "how often a session gets a new id is set when the application starts";
const RENEW_EVERY: &str = "remove it; the builder has `renew_every`";
const SIZE: &str = "a session's size is not bounded by its type";
const SIZE_HELP: &str = "remove it; a cookie holds 4096 bytes, and a storage has the limits of its own";

/// The cookie's option that is meant by `httpOnly`, `same-site` or `cookie_path`.
pub(super) fn cookie_option(word: &str) -> Option<&'static str> {
    let bare = |word: &str| word.to_lowercase().replace(['_', '-'], "");
    let word = bare(word);
    let word = word.strip_prefix("cookie").unwrap_or(&word);
    COOKIE.into_iter().find(|option| bare(option) == word)
}

pub(super) fn list(known: &[&str]) -> String {
    known
        .iter()
        .map(|known| format!("`{known}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
