//! A real Chromium, driven by its own driver over the WebDriver protocol
//! (<https://www.w3.org/TR/webdriver2/>).

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{program, wait};

const DRIVER: &str = "/usr/bin/chromedriver";
const CHROMIUM: &str = "/usr/bin/chromium";

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The keys that have no character of their own.
pub mod keys {
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
    /// Escape.
    pub const ESCAPE: &str = "\u{e00c}";
    /// Tab.
    pub const TAB: &str = "\u{e004}";
    /// Arrow down.
    pub const DOWN: &str = "\u{e015}";
}

/// One window. It ends with this value.
pub struct Browser {
    driver: Child,
    /// Kept open: the driver ends when nobody reads what it says.
    _words: BufReader<ChildStdout>,
    http: reqwest::Client,
    session: String,
}

/// What the driver answers to everything.
#[derive(Deserialize)]
struct Answer {
    value: Value,
}

/// Something on the page.
pub struct Element {
    id: String,
}

impl Browser {
    /// Opens a window of that size, in pixels; none when the machine has no browser and may go without
    /// (see [`program::tool`]).
    ///
    /// # Errors
    /// When it does not start.
    pub async fn open(width: u32, height: u32) -> Result<Option<Self>> {
        if !program::tool(DRIVER)? || !program::tool(CHROMIUM)? {
            return Ok(None);
        }
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut words = BufReader::new(driver.stdout.take().context("the driver is silent")?);
        let port = port(&mut words)?;
        let mut browser = Self {
            driver,
            _words: words,
            http: reqwest::Client::new(),
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let options = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": {
                "binary": CHROMIUM,
                "args": [
                    "--headless=new",
                    // Chromium's own sandbox does not work for root.
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    format!("--window-size={width},{height}"),
                ],
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let started = browser.send(Method::POST, "", options).await?;
        let id = started
            .pointer("/sessionId")
            .and_then(Value::as_str)
            .context("the driver gave no session")?;
        browser.session = format!("{}/{id}", browser.session);
        // A window has a least width; what the page sees has none.
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        browser
            .send(Method::POST, "/goog/cdp/execute", command)
            .await?;
        Ok(Some(browser))
    }

    /// Loads an address.
    ///
    /// # Errors
    /// When the driver says so; so does each call below.
    pub async fn go(&self, url: &str) -> Result<()> {
        self.send(Method::POST, "/url", json!({ "url": url }))
            .await?;
        Ok(())
    }

    /// Waits until an element matches a CSS selector.
    ///
    /// # Errors
    /// When none comes.
    pub async fn element(&self, css: &str) -> Result<Element> {
        self.find("css selector", css).await
    }

    /// Waits until there is a button with this word.
    ///
    /// # Errors
    /// When none comes.
    pub async fn button(&self, word: &str) -> Result<Element> {
        let path = format!("//button[normalize-space()='{word}']");
        self.find("xpath", &path).await
    }

    async fn find(&self, language: &str, place: &str) -> Result<Element> {
        wait::until(place, async || {
            let query = json!({ "using": language, "value": place });
            let found = self.send(Method::POST, "/elements", query).await?;
            let id = found.get(0).and_then(|element| element[ELEMENT].as_str());
            Ok(id.map(|id| Element { id: id.to_owned() }))
        })
        .await
    }

    /// Waits until the page's visible text holds `text`.
    ///
    /// # Errors
    /// When it never does; the error holds what it showed instead.
    pub async fn shows(&self, text: &str) -> Result<()> {
        let mut seen = String::new();
        let waited = wait::until(&format!("{text:?}"), async || {
            let answer = self.script("return document.body.innerText").await?;
            seen = answer.as_str().unwrap_or_default().to_owned();
            Ok(seen.contains(text).then_some(()))
        })
        .await;
        waited.with_context(|| format!("the page shows:\n{seen}"))
    }

    /// Clicks on an element.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn click(&self, element: &Element) -> Result<()> {
        let path = format!("/element/{}/click", element.id);
        self.send(Method::POST, &path, json!({})).await?;
        Ok(())
    }

    /// Types into an element; [`keys`] holds what has no character.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn type_into(&self, element: &Element, text: &str) -> Result<()> {
        let path = format!("/element/{}/value", element.id);
        self.send(Method::POST, &path, json!({ "text": text }))
            .await?;
        Ok(())
    }

    /// Presses keys, wherever the focus is.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn press(&self, text: &str) -> Result<()> {
        let actions: Vec<Value> = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let body = json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] });
        self.send(Method::POST, "/actions", body).await?;
        Ok(())
    }

    /// An element's visible text.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn text(&self, element: &Element) -> Result<String> {
        let path = format!("/element/{}/text", element.id);
        let text = self.send(Method::GET, &path, Value::Null).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until a condition, an expression of the page's language, holds.
    ///
    /// # Errors
    /// When it never does.
    pub async fn holds(&self, condition: &str) -> Result<()> {
        wait::until(condition, async || {
            let answer = self.script(&format!("return !!({condition})")).await?;
            Ok((answer == true).then_some(()))
        })
        .await
    }

    /// The value of a script's `return`.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn script(&self, source: &str) -> Result<Value> {
        let body = json!({ "script": source, "args": [] });
        self.send(Method::POST, "/execute/sync", body).await
    }

    /// Warnings and errors of the page's console since the last call: a policy that was broken is one.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let entries = self
            .send(Method::POST, "/se/log", json!({ "type": "browser" }))
            .await?;
        Ok(entries
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect())
    }

    /// Writes what the window shows as PNG.
    ///
    /// # Errors
    /// See [`Self::go`].
    pub async fn screenshot(&self, file: &Path) -> Result<()> {
        let image = self.send(Method::GET, "/screenshot", Value::Null).await?;
        let image = STANDARD.decode(image.as_str().unwrap_or_default())?;
        Ok(std::fs::write(file, image)?)
    }

    /// Blocking, for [`Drop`].
    fn end_session(&self) -> Result<()> {
        let (host, path) = self
            .session
            .trim_start_matches("http://")
            .split_once('/')
            .context("a session has an address")?;
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )?;
        // The answer comes when Chromium has ended; the driver keeps the connection.
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        BufReader::new(stream).read_line(&mut String::new())?;
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer: Answer = request.send().await?.json().await?;
        if let Some(error) = answer.value.get("error").and_then(Value::as_str) {
            let message = answer.value.get("message").and_then(Value::as_str);
            bail!("{path}: {error}: {}", message.unwrap_or_default());
        }
        Ok(answer.value)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ending the session ends Chromium, which the driver's own end would leave behind.
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// `ChromeDriver was started successfully on port 41234.`
fn port(words: &mut impl BufRead) -> Result<u16> {
    let mut line = String::new();
    while words.read_line(&mut line)? > 0 {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Ok(port.trim_end().trim_end_matches('.').parse()?);
        }
        line.clear();
    }
    bail!("the driver ended before it was ready")
}
