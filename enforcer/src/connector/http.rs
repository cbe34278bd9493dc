//! Talking JSON to a gateway's own API: bounded, never led elsewhere, and silent about secrets.

use super::PointError;
use http_body_util::{BodyExt as _, Limited};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Longest time for an answer: some write long lists to a disk before they answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer that is read: a list of a hundred thousand entries with what stands around them.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most of a gateway's own words that are told on, in characters.
const WORDS_MAX: usize = 300;

/// Who asks. CrowdSec answers nobody who does not say.
const USER_AGENT: &str = concat!("portcullis/v", env!("CARGO_PKG_VERSION"));

/// A way to an API.
pub(super) struct Http {
    /// What it is called in messages.
    name: &'static str,
    /// What all addresses begin with; it may hold a password, and is not told.
    base: String,
    client: reqwest::Client,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Its body; nothing when it is no JSON.
    pub(super) body: Value,
}

impl Http {
    /// A way to the API below `base`. A gateway of one's own (`is_near`) is never reached through a proxy.
    pub(super) fn new(name: &'static str, base: &str, is_near: bool) -> Result<Self, PointError> {
        let mut client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none());
        if is_near {
            client = client.no_proxy();
        }
        let client = client
            .build()
            .map_err(|error| PointError::Refused(error.to_string()))?;
        Ok(Self {
            name,
            base: base.trim_end_matches('/').to_owned(),
            client,
        })
    }

    /// Asks; `header` is whatever proves who we are.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        header: Option<(&'static str, &str)>,
        body: Option<&Value>,
    ) -> Result<Answer, PointError> {
        let unreachable = |why: String| PointError::Unreachable(format!("{}: {why}", self.name));
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| unreachable(error.without_url().to_string()))?;
        let answer = http::Response::<reqwest::Body>::from(answer);
        let status = answer.status();
        let whole = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let whole = whole.map_err(|error| unreachable(error.to_string()))?;
        let body = serde_json::from_slice(&whole.to_bytes()).unwrap_or_default();
        Ok(Answer { status, body })
    }

    /// What is to be said of an answer that is none: what can pass by itself is no refusal.
    pub(super) fn refused(&self, answer: &Answer) -> PointError {
        let (status, body) = (answer.status, &answer.body);
        let words = [
            &body["message"],
            &body["error_msg"],
            &body["errors"][0]["message"],
        ];
        let words = words.iter().find_map(|words| words.as_str());
        let words: String = words
            .unwrap_or("no reason was given")
            .chars()
            .take(WORDS_MAX)
            .collect();
        let told = format!("{}: {status}: {words}", self.name);
        let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if passes {
            PointError::Unreachable(told)
        } else {
            PointError::Refused(told)
        }
    }
}
