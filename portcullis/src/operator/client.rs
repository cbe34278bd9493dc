//! Questions to the REST API, and its errors in a person's words.

use super::Output;
use anyhow::{Context as _, anyhow, bail};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Items asked for at a time.
const SLICE: usize = 500;

/// How to reach the API.
#[derive(Debug, clap::Args)]
pub(crate) struct ApiOptions {
    /// Where the API listens
    #[arg(
        long,
        env = "PORTCULLIS_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8600"
    )]
    url: String,
    /// A key of yours; the environment is a better place for it than the command line, which others can read
    #[arg(long, env = "PORTCULLIS_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,
    /// The authority that signed the API's certificate, as PEM, if the system does not know it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_enum, default_value = "table")]
    pub output: Output,
}

impl ApiOptions {
    /// Whether there is a key to ask with.
    #[must_use]
    pub(crate) fn has_key(&self) -> bool {
        self.key.as_ref().is_some_and(|key| !key.is_empty())
    }
}

/// The API, ready to be asked.
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
    runtime: tokio::runtime::Runtime,
}

impl Api {
    /// Makes the client; nothing is asked yet.
    ///
    /// # Errors
    /// When there is no key, or the authority's file cannot be read.
    pub(crate) fn new(options: &ApiOptions) -> anyhow::Result<Self> {
        let key = options.key.clone().context(
            "no key: set PORTCULLIS_KEY, or give --key (`portcullis keys bootstrap` makes the first one)",
        )?;
        let mut builder = reqwest::Client::builder().timeout(ANSWER_TIMEOUT);
        if let Some(file) = &options.ca {
            let pem = std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
            let authority = reqwest::Certificate::from_pem(&pem)
                .with_context(|| format!("{} holds no certificate", file.display()))?;
            builder = builder.add_root_certificate(authority);
        }
        Ok(Self {
            http: builder.build().context("could not make an HTTP client")?,
            base: format!("{}/api/v1", options.url.trim_end_matches('/')),
            key,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("could not start the runtime")?,
        })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// When the API cannot be reached or refuses; the message says why.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, query, None)
    }

    /// Sends something.
    ///
    /// # Errors
    /// Like [`Self::get`].
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, &[], Some(body))
    }

    /// Removes something.
    ///
    /// # Errors
    /// Like [`Self::get`].
    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::DELETE, path, &[], None)
    }

    /// Reads a list to its end, or to `limit` items.
    ///
    /// # Errors
    /// Like [`Self::get`].
    pub(crate) fn list(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", SLICE.min(limit - items.len()).to_string()));
            if let Some(cursor) = cursor {
                query.push(("cursor", cursor));
            }
            let mut answer = self.get(path, &query)?;
            match answer["items"].take() {
                Value::Array(more) => items.extend(more),
                _ => bail!("the API's answer is no list"),
            }
            cursor = answer["next"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .query(query)
            .bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request
                .send()
                .await
                .with_context(|| format!("could not reach {}: is portcullis running there?", self.base))?;
            let status = answer.status();
            let bytes = answer.bytes().await.context("the answer broke off")?;
            if status.is_success() {
                return match bytes.is_empty() {
                    true => Ok(Value::Null),
                    false => serde_json::from_slice(&bytes).context("the answer is no JSON"),
                };
            }
            Err(refusal(status, &bytes))
        })
    }
}

/// A problem (RFC 9457) in one line.
fn refusal(status: StatusCode, body: &[u8]) -> anyhow::Error {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().map(str::to_owned);
    let title = text("title").unwrap_or_else(|| status.to_string());
    match text("detail") {
        Some(detail) => anyhow!("the API refused: {title}: {detail}"),
        None => anyhow!("the API refused: {title}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_api_said() {
        let body = br#"{"title":"Forbidden","status":403,"detail":"the role viewer does not suffice"}"#;
        assert_eq!(
            refusal(StatusCode::FORBIDDEN, body).to_string(),
            "the API refused: Forbidden: the role viewer does not suffice"
        );
        assert_eq!(
            refusal(StatusCode::BAD_GATEWAY, b"<html>").to_string(),
            "the API refused: 502 Bad Gateway"
        );
    }
}
