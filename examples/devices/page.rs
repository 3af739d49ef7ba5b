//! The pages, as plain HTML without scripts.

use serde::{Deserialize, Serialize};
use sessions_actix::{PublicId, SessionInfo, Timestamp};

use crate::{
    MAX_DEVICES,
    moment::{ago, utc},
};

/// What a form has ended.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ended {
    Device(String),
    Others(usize),
    ThisOne,
}

impl Ended {
    fn told(&self) -> String {
        match self {
            Self::Device(name) => format!("Signed out: {name}."),
            Self::Others(0) => "There was no other device to sign out.".to_owned(),
            Self::Others(1) => "Signed out 1 other device.".to_owned(),
            Self::Others(count) => format!("Signed out {count} other devices."),
            Self::ThisOne => "You have logged out.".to_owned(),
        }
    }
}

/// What the list of devices shows.
pub(crate) struct Devices<'a> {
    pub(crate) user: &'a str,
    /// Oldest first.
    pub(crate) sessions: &'a [SessionInfo],
    /// The session of the page itself.
    pub(crate) here: Option<PublicId>,
    pub(crate) now: Timestamp,
    /// What was asked for just before.
    pub(crate) ended: Option<&'a Ended>,
}

/// What a session's device is called.
pub(crate) fn name(session: &SessionInfo) -> &str {
    session.label.as_deref().unwrap_or("Unknown device")
}

/// The login form; `user` is what was typed before, `message` what was wrong with it, `ended` what came before.
pub(crate) fn login(user: &str, message: Option<&str>, ended: Option<&Ended>) -> String {
    let user = escape(user);
    let (alert, described) = match message {
        Some(message) => (
            format!(
                r#"<p id="message" class="message alert" role="alert">{}</p>"#,
                escape(message)
            ),
            r#" aria-describedby="message" aria-invalid="true""#,
        ),
        None => (String::new(), ""),
    };
    // No `required` on the fields: the server's own answer to an empty form is worth seeing.
    layout(
        "Log in",
        &format!(
            r#"<h1>Log in</h1>
{status}<p>Any name and any password will do. Use one name in two browsers to see two devices.</p>
{alert}
<form class="login" method="post" action="/login">
<label for="user">User name</label>
<input id="user" name="user" value="{user}" autocomplete="username" autocapitalize="none" autofocus{described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"{described}>
<button id="login">Log in</button>
</form>"#,
            status = status(ended),
        ),
    )
}

/// The list of somebody's devices.
pub(crate) fn devices(page: &Devices<'_>) -> String {
    let entries: String = page
        .sessions
        .iter()
        .map(|session| {
            if page.here.as_ref() == Some(&session.public_id) {
                this_device(session)
            } else {
                other_device(session, page.now)
            }
        })
        .collect();
    let others = if page.sessions.len() > 1 {
        r#"
<form method="post" action="/sign-out-others"><button id="sign-out-others" class="strong">Sign out all other devices</button></form>"#
    } else {
        ""
    };
    layout(
        "Your devices",
        &format!(
            r#"<h1>Your devices</h1>
{status}<p>You are logged in as <strong id="name">{user}</strong>, on at most {MAX_DEVICES} devices. The one that logged in
first is on top: a login on one more signs it out.</p>
<ul>
{entries}</ul>{others}"#,
            status = status(page.ended),
            user = escape(page.user),
        ),
    )
}

fn this_device(session: &SessionInfo) -> String {
    let name = escape(name(session));
    format!(
        r#"<li class="here">
<div><h2>{name}</h2><p><strong>This device</strong></p><p>Logged in {since}</p></div>
<form method="post" action="/logout"><button id="logout" aria-label="Log out of {name}, this device">Log out</button></form>
</li>
"#,
        since = utc(session.created),
    )
}

/// The time is part of the button's name, since two devices may have one label.
fn other_device(session: &SessionInfo, now: Timestamp) -> String {
    let name = escape(name(session));
    format!(
        r#"<li>
<div><h2>{name}</h2><p>Last seen {seen}</p><p>Logged in {since}</p></div>
<form method="post" action="/sign-out"><button name="id" value="{id}" aria-label="Sign out {name}, logged in {since}">Sign out</button></form>
</li>
"#,
        seen = ago(session.last_seen, now),
        since = utc(session.created),
        id = session.public_id,
    )
}

/// In answer to a form that names no device of the user's.
pub(crate) fn no_such_device() -> String {
    layout(
        "No such device",
        r#"<h1>No such device</h1>
<p class="message alert" role="alert">You are not logged in on a device like that. Perhaps it is signed out already.</p>
<p><a href="/">Your devices</a></p>"#,
    )
}

fn status(ended: Option<&Ended>) -> String {
    ended.map_or_else(String::new, |ended| {
        format!(
            "<p class=\"message\" role=\"status\">{}</p>\n",
            escape(&ended.told())
        )
    })
}

fn layout(title: &str, main: &str) -> String {
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
{main}
</main>
</body>
</html>
"#
    )
}

/// Makes text safe between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

const STYLE: &str = r#"
:root { color-scheme: light dark; --page: #f3f4f7; --card: #fff; --text: #1c2330; --soft: #555e6e; --line: #858d9b; --rule: #d9dce3; --accent: #2450c5; --on-accent: #fff; --good: #1a6b3c; --alert: #a3162a; }
@media (prefers-color-scheme: dark) {
:root { --page: #12151b; --card: #1d222b; --text: #eceff4; --soft: #aab3c2; --line: #6b7587; --rule: #343b48; --accent: #9db8ff; --on-accent: #10182b; --good: #8fdcae; --alert: #ffa4ae; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1rem, 8vh, 5rem) 1rem 1rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: clamp(1.25rem, 5vw, 2rem); border-radius: .75rem; background: var(--card); box-shadow: 0 .25rem 1.5rem rgb(0 0 0 / .12); overflow-wrap: anywhere; }
main:has(.login) { max-width: 24rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 0; font-size: 1rem; }
p { margin: 0 0 1.25rem; color: var(--soft); }
p:last-child { margin-bottom: 0; }
p strong { color: var(--text); }
a { color: var(--accent); }
.message { padding: .5rem .75rem; border-left: .25rem solid; color: var(--good); }
.alert { color: var(--alert); }
ul { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--rule); }
li { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem 1rem; padding: 1rem 0; border-bottom: 1px solid var(--rule); }
li div { flex: 1 1 11rem; min-width: 0; }
li p { margin: 0; font-size: .9rem; }
li button { min-width: 7rem; }
.here p strong { color: var(--good); }
ul + form { margin-top: 1.5rem; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input { width: 100%; margin-bottom: 1rem; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--page); color: inherit; font: inherit; }
button { padding: .6rem 1rem; border: 1px solid var(--line); border-radius: .4rem; background: none; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
button:hover { border-color: currentcolor; }
.strong, .login button { width: 100%; border-color: transparent; background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"#;
