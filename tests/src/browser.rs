//! Headless Chromium, driven through chromedriver over the `WebDriver` protocol.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{client::Client, process::Process};

/// The key under which the protocol puts an element's reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long an element may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// One browser window with a profile of its own. Dropping it ends the browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    session: String,
    // Declared before the folder: the driver has to be gone before what it writes to goes.
    _driver: Process,
    _profile: TempDir,
}

/// An element of the page that was open when it was found.
#[derive(Debug, Clone)]
pub struct Element(String);

impl Browser {
    /// Starts chromedriver and a window.
    ///
    /// # Errors
    /// When either isn't installed or doesn't start; the message has what they said.
    pub fn start() -> io::Result<Self> {
        // All that the browser writes goes into one folder, so that nothing stays behind.
        let profile = tempfile::tempdir()?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0");
        for variable in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, profile.path());
        }
        let driver = Process::start(command)?;
        let port = driver.wait_for(Duration::from_secs(30), |line| {
            line.split_once("started successfully on port ")?
                .1
                .trim_end_matches('.')
                .parse()
                .ok()
        })?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut browser = Self {
            client: Client::new(address).patience(Duration::from_secs(60)).unjudged(),
            session: String::new(),
            _driver: driver,
            _profile: profile,
        };
        let opened = browser.call(
            "POST",
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": { "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--window-size=900,900",
                ] },
            } } }),
        )?;
        browser.session = text(&opened["sessionId"])?;
        Ok(browser)
    }

    /// Opens an address and waits until it has loaded.
    ///
    /// # Errors
    /// This and all other methods fail when the browser doesn't answer or answers with an error.
    pub fn open(&mut self, url: &str) -> io::Result<()> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn reload(&mut self) -> io::Result<()> {
        self.post("/refresh", &json!({})).map(drop)
    }

    /// Goes back by one page, as the button does.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn back(&mut self) -> io::Result<()> {
        self.post("/back", &json!({})).map(drop)
    }

    /// Shows pages as wide as this from now on, and as high, in CSS pixels: a telephone is narrower than any window.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn resize(&mut self, width: u32, height: u32) -> io::Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics)
    }

    /// Asks pages for their dark colours from now on.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn prefer_dark(&mut self) -> io::Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        self.devtools("Emulation.setEmulatedMedia", &features)
    }

    fn devtools(&mut self, command: &str, parameters: &Value) -> io::Result<()> {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &body).map(drop)
    }

    /// The address of the open page.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn url(&mut self) -> io::Result<String> {
        text(&self.get("/url")?)
    }

    /// The first element that fits this CSS selector; waits for one to appear.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when none appears in time.
    pub fn find(&mut self, selector: &str) -> io::Result<Element> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.post("/element", &json!({ "using": "css selector", "value": selector })) {
                Ok(found) => return text(&found[ELEMENT]).map(Element),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Clicks on the element that fits this selector. If that opens a page, it may still be on its way afterwards: where
    /// both pages have what is asked for next, [`shows`](Self::shows) waits for the new one.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn click(&mut self, selector: &str) -> io::Result<()> {
        let Element(id) = self.find(selector)?;
        self.post(&format!("/element/{id}/click"), &json!({})).map(drop)
    }

    /// Types into the element that fits this selector; `\n` is the enter key.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn type_into(&mut self, selector: &str, keys: &str) -> io::Result<()> {
        let Element(id) = self.find(selector)?;
        self.type_keys(&id, keys)
    }

    /// Types wherever the focus is, as somebody at a keyboard does.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn type_at_focus(&mut self, keys: &str) -> io::Result<()> {
        let id = text(&self.get("/element/active")?[ELEMENT])?;
        self.type_keys(&id, keys)
    }

    fn type_keys(&mut self, id: &str, keys: &str) -> io::Result<()> {
        // The protocol's code for the enter key.
        let keys = keys.replace('\n', "\u{e007}");
        self.post(&format!("/element/{id}/value"), &json!({ "text": keys }))
            .map(drop)
    }

    /// Waits until the first element that fits this selector shows this text, on this page or on one that is on its
    /// way.
    ///
    /// # Errors
    /// As [`find`](Self::find), and when it shows something else for too long; the message says what.
    pub fn shows(&mut self, selector: &str, expected: &str) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.text(selector) {
                Ok(text) if text == expected => return Ok(()),
                Ok(text) if Instant::now() >= deadline => {
                    return Err(io::Error::other(format!(
                        "{selector} shows {text:?}, not {expected:?}"
                    )));
                }
                // It was of a page that has gone meanwhile.
                Err(error) if error.kind() != io::ErrorKind::NotFound || Instant::now() >= deadline => {
                    return Err(error);
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// The visible text of the element that fits this selector.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn text(&mut self, selector: &str) -> io::Result<String> {
        let Element(id) = self.find(selector)?;
        text(&self.get(&format!("/element/{id}/text"))?)
    }

    /// The cookies that the browser would send to the open page, with all their attributes.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn cookies(&mut self) -> io::Result<Vec<Value>> {
        match self.get("/cookie")? {
            Value::Array(cookies) => Ok(cookies),
            other => Err(io::Error::other(format!("no list of cookies: {other}"))),
        }
    }

    /// Runs a script in the page and returns what it returns.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the script throws.
    pub fn run(&mut self, script: &str) -> io::Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Writes what the window shows to a PNG file.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the file can't be written.
    pub fn screenshot(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        let image = text(&self.get("/screenshot")?)?;
        fs::write(path, STANDARD.decode(image).map_err(io::Error::other)?)
    }

    fn get(&mut self, command: &str) -> io::Result<Value> {
        let path = format!("/session/{}{command}", self.session);
        self.call("GET", &path, &Value::Null)
    }

    fn post(&mut self, command: &str, body: &Value) -> io::Result<Value> {
        let path = format!("/session/{}{command}", self.session);
        self.call("POST", &path, body)
    }

    fn call(&mut self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let headers = [("content-type", "application/json; charset=utf-8")];
        let response = self.client.send(method, path, &headers, body.as_bytes())?;
        let mut answer: Value = serde_json::from_slice(&response.body)?;
        let value = answer["value"].take();
        if response.status == 200 {
            return Ok(value);
        }
        let message = value["message"].as_str().unwrap_or_default();
        let kind = match value["error"].as_str() {
            Some("no such element" | "stale element reference") => io::ErrorKind::NotFound,
            // What the driver says of an element whose page goes while it looks at it.
            Some("unknown error") if message.contains("does not belong to the document") => {
                io::ErrorKind::NotFound
            }
            _ => io::ErrorKind::Other,
        };
        Err(io::Error::new(
            kind,
            format!("{method} {path}: {} {message}", value["error"]),
        ))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The browser is the driver's child, and only the driver can end it.
            let path = format!("/session/{}", self.session);
            let _ = self.call("DELETE", &path, &Value::Null);
        }
    }
}

fn text(value: &Value) -> io::Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other(format!("no text: {value}")))
}
