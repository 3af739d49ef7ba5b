//! The pages, as plain HTML without scripts.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    #[default]
    Light,
    Dark,
}

impl Theme {
    fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }
}

/// The login form; `user` is what was typed before, `message` what was wrong with it.
pub(crate) fn login(theme: Theme, user: &str, message: Option<&str>) -> String {
    let user = escape(user);
    let (alert, described) = match message {
        Some(message) => (
            format!(
                r#"<p id="message" class="message" role="alert">{}</p>"#,
                escape(message)
            ),
            r#" aria-describedby="message" aria-invalid="true""#,
        ),
        None => (String::new(), ""),
    };
    // No `required` on the fields: the server's own answer to an empty form is worth seeing.
    layout(
        theme,
        "Log in",
        &format!(
            r#"<h1>Log in</h1>
<p>Any name and any password will do.</p>
{alert}
<form method="post" action="/login">
<label for="user">User name</label>
<input id="user" name="user" value="{user}" autocomplete="username" autocapitalize="none" autofocus{described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"{described}>
<button id="login">Log in</button>
</form>"#
        ),
    )
}

/// The page of someone who is logged in; `csrf` is the token of its form.
pub(crate) fn welcome(theme: Theme, user: &str, visits: u32, csrf: &str) -> String {
    let user = escape(user);
    layout(
        theme,
        "Welcome",
        &format!(
            r#"<h1>Hello, <span id="name">{user}</span></h1>
<p>You have seen this page <strong id="visits">{visits}</strong> {times} since you logged in.
Reload it, or restart the server: the count goes on.</p>
<form method="post" action="/logout"><input type="hidden" name="csrf" value="{csrf}"><button id="logout">Log out</button></form>"#,
            times = if visits == 1 { "time" } else { "times" },
        ),
    )
}

/// A page that says one thing.
pub(crate) fn notice(theme: Theme, message: &str) -> String {
    let message = escape(message);
    layout(
        theme,
        "Sorry",
        &format!(r#"<h1>Sorry</h1><p class="message" role="alert">{message}</p><p><a href="/">Back</a></p>"#),
    )
}

fn layout(theme: Theme, title: &str, main: &str) -> String {
    let (name, other) = (theme.name(), theme.other().name());
    format!(
        r#"<!DOCTYPE html>
<html lang="en" data-theme="{name}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{name}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
{main}
</main>
<footer>
<form method="post" action="/theme"><button id="theme" name="theme" value="{other}">Use the {other} theme</button></form>
</footer>
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
:root { --page: #f3f4f7; --card: #fff; --text: #1c2330; --soft: #555e6e; --line: #858d9b; --accent: #2450c5; --on-accent: #fff; --alert: #a3162a; }
[data-theme=dark] { --page: #12151b; --card: #1d222b; --text: #eceff4; --soft: #aab3c2; --line: #6b7587; --accent: #9db8ff; --on-accent: #10182b; --alert: #ffa4ae; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1.5rem; padding: 1.5rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem; border-radius: .75rem; background: var(--card); box-shadow: 0 .25rem 1.5rem rgb(0 0 0 / .12); overflow-wrap: anywhere; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1.25rem; color: var(--soft); }
p strong { color: var(--text); }
a { color: var(--accent); }
.message { padding: .5rem .75rem; border-left: .25rem solid; color: var(--alert); }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input { width: 100%; margin-bottom: 1rem; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--page); color: inherit; font: inherit; }
button { padding: .6rem 1rem; border: 1px solid transparent; border-radius: .4rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.1); }
main button { width: 100%; }
footer button { border-color: var(--line); background: none; color: var(--text); font-weight: 400; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"#;
