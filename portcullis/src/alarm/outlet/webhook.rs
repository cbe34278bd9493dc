//! A message as an HTTP POST.

use super::Refusal;
use crate::config::used;
use anyhow::Context as _;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode};
use std::time::Duration;

/// Where messages are posted.
pub(super) struct Webhook {
    url: String,
    secret: Option<(HeaderName, HeaderValue)>,
    client: Client,
}

impl Webhook {
    /// Makes the client.
    ///
    /// # Errors
    /// When the secret fits no header, or the authorities cannot be read.
    pub(super) fn new(settings: &used::Webhook) -> anyhow::Result<Self> {
        let secret = settings.secret.as_ref().map(|secret| {
            let name = HeaderName::from_bytes(settings.header.as_bytes())
                .context("its header has no name of a header")?;
            let mut value = HeaderValue::from_str(secret.reveal()).context("its secret fits no header")?;
            value.set_sensitive(true);
            anyhow::Ok((name, value))
        });
        let mut builder = Client::builder()
            .timeout(Duration::from_secs(u64::from(settings.timeout_secs)))
            // Whoever answers with another address is not who was given our secret.
            .redirect(Policy::none());
        if let Some(file) = &settings.ca {
            let name = file.display();
            let pem = std::fs::read(file).with_context(|| format!("could not read {name}"))?;
            let authorities = Certificate::from_pem_bundle(&pem);
            builder = builder.tls_built_in_root_certs(false);
            for authority in authorities.with_context(|| format!("{name} holds no certificates as PEM"))? {
                builder = builder.add_root_certificate(authority);
            }
        }
        Ok(Self {
            url: settings.url.reveal().to_owned(),
            secret: secret.transpose()?,
            client: builder.build().context("could not make an HTTP client")?,
        })
    }

    /// Posts a message.
    pub(super) async fn post(&self, message: &str) -> Result<(), Refusal> {
        let mut request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(message.to_owned());
        if let Some((name, value)) = &self.secret {
            request = request.header(name, value);
        }
        // The address may hold a secret: errors are told without it.
        let sent = request.send().await;
        let answer = sent.map_err(|error| Refusal::Again(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let why = format!("it answered {}", status.as_u16());
        let is_later = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        Err(if is_later {
            Refusal::Again(why)
        } else {
            Refusal::Final(why)
        })
    }
}
