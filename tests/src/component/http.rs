//! HTTP for tests that are not asynchronous: a question is asked, its answer comes back whole.

use anyhow::{Context as _, Result, anyhow, ensure};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long one answer may take before the test fails with the reason.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON; fails unless the status says that the request succeeded.
    pub fn json(&self) -> Result<Value> {
        ensure!(
            (200..300).contains(&self.status),
            "the answer is {}: {}",
            self.status,
            self.body
        );
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.body).with_context(|| format!("the answer is no JSON: {}", self.body))
    }
}

/// A client for [`ask`].
pub fn http_client() -> Result<Client> {
    Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .build()
        .context("could not make an HTTP client")
}

/// Sends a request and waits for its answer. May be called from anywhere, an asynchronous test included.
pub fn ask(request: RequestBuilder) -> Result<Answer> {
    wait(async move {
        let answer = request.send().await?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await?,
        })
    })
}

/// Runs a future to its end on a runtime that all tests of this process share.
fn wait<T: Send + 'static>(future: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
    });
    let runtime = runtime
        .as_ref()
        .map_err(|error| anyhow!("could not start a runtime: {error}"))?;
    let (sender, receiver) = channel();
    runtime.spawn(async move {
        // Nobody waits any more when the test has failed meanwhile.
        let _ = sender.send(future.await);
    });
    receiver.recv().context("the request was dropped")?
}
