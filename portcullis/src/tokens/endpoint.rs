//! Tokens from an OAuth 2.0 endpoint, for our id and secret (RFC 6749, client credentials).

use super::{TOKEN_BYTES_MAX, checked};
use crate::service::wall_clock;
use ingest::source::kafka::{KafkaToken, TokenSource};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How long the endpoint may take. Reading stands still meanwhile, and brokers' patience with a silent reader is minutes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest answer that is read, in bytes: a token, and what is said about it.
const ANSWER_BYTES_MAX: usize = 2 * TOKEN_BYTES_MAX;

/// Longest error code of an endpoint that is shown, in bytes: those of RFC 6749 are shorter.
const CODE_BYTES_MAX: usize = 64;

/// Where tokens are given, and who we are there.
pub(crate) struct TokenEndpoint {
    /// Its address.
    pub(crate) url: String,
    /// Our id.
    pub(crate) client_id: String,
    /// Our secret.
    pub(crate) client_secret: String,
    /// What a token is asked for.
    pub(crate) scope: Option<String>,
    /// The authorities that sign its certificate; `None` for those that browsers know.
    pub(crate) ca: Option<PathBuf>,
}

impl fmt::Debug for TokenEndpoint {
    /// Never shows the secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TokenEndpoint")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A good answer (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

/// A bad one (section 5.2). Its free text is left alone: some endpoints repeat there what they were sent.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl TokenSource for TokenEndpoint {
    fn token(&self) -> Result<KafkaToken, String> {
        let granted = self.ask()?;
        checked(granted.access_token, granted.expires_in, wall_clock())
            .map_err(|why| format!("the token endpoint gave {why}"))
    }
}

impl TokenEndpoint {
    fn ask(&self) -> Result<Granted, String> {
        // Called every few minutes on a thread that polls Kafka: a runtime of its own costs nothing that counts.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("could not ask the token endpoint: {error}"))?;
        runtime.block_on(self.send())
    }

    async fn send(&self) -> Result<Granted, String> {
        let client = self.client()?;
        let mut form = vec![("grant_type", "client_credentials")];
        if let Some(scope) = &self.scope {
            form.push(("scope", scope));
        }
        let form: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let answer = client
            .post(&self.url)
            // Section 2.3.1: both are encoded like a form's values before they become a user's name and password.
            .basic_auth(encoded(&self.client_id), Some(encoded(&self.client_secret)))
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.join("&"))
            .send()
            .await
            .map_err(|error| format!("could not reach the token endpoint: {}", why(&error)))?;
        let status = answer.status();
        let body = body(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| "the token endpoint's answer holds no access_token".to_owned());
        }
        let code =
            serde_json::from_slice::<Refused>(&body).map_or_else(|_| String::new(), |refused| refused.error);
        let is_plain = code.len() <= CODE_BYTES_MAX
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let code = if is_plain { code } else { String::new() };
        Err(format!("the token endpoint answered {} {code}", status.as_u16())
            .trim_end()
            .to_owned())
    }

    fn client(&self) -> Result<Client, String> {
        let mut builder = Client::builder()
            .timeout(ANSWER_TIMEOUT)
            // Whoever answers with another address is not who was given our secret.
            .redirect(Policy::none());
        if let Some(file) = &self.ca {
            let name = file.display();
            let pem = std::fs::read(file).map_err(|error| format!("could not read {name}: {error}"))?;
            let authorities = Certificate::from_pem_bundle(&pem);
            let authorities = authorities.map_err(|_| format!("{name} holds no certificates as PEM"))?;
            builder = builder.tls_built_in_root_certs(false);
            for authority in authorities {
                builder = builder.add_root_certificate(authority);
            }
        }
        builder
            .build()
            .map_err(|error| format!("could not ask the token endpoint: {}", why(&error)))
    }
}

/// Reads an answer so far as it is allowed to go.
async fn body(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let chunk = answer.chunk().await;
        let chunk =
            chunk.map_err(|error| format!("the token endpoint's answer broke off: {}", why(&error)))?;
        let Some(chunk) = chunk else { return Ok(body) };
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(format!(
                "the token endpoint's answer is longer than {ANSWER_BYTES_MAX} bytes"
            ));
        }
    }
}

/// The innermost cause: the outer ones repeat the address.
fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Encodes text as a form does.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Answers one question with those words, and returns what it was asked.
    fn endpoint(answer: String) -> (TokenEndpoint, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = TokenEndpoint {
            url: format!("http://{}/token", listener.local_addr().unwrap()),
            client_id: "port:cullis".to_owned(),
            client_secret: "hidden+word".to_owned(),
            scope: Some("kafka read".to_owned()),
            ca: None,
        };
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = Vec::new();
            let mut chunk = [0; 1024];
            while !question.ends_with(b"scope=kafka+read") {
                let read = stream.read(&mut chunk).unwrap();
                assert!(read > 0, "the question broke off");
                question.extend_from_slice(&chunk[..read]);
            }
            // The asker may have heard enough before the end.
            let _ = stream.write_all(answer.as_bytes());
            String::from_utf8(question).unwrap()
        });
        (endpoint, asked)
    }

    fn answer(status: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    #[test]
    fn the_endpoint_is_asked_as_the_standard_says() {
        let granted = r#"{"access_token":"opaque","token_type":"Bearer","expires_in":120}"#;
        let (endpoint, asked) = endpoint(answer("200 OK", granted));
        let token = endpoint.token().unwrap();
        assert_eq!(token.text, "opaque");
        let asked = asked.join().unwrap();
        // "port%3Acullis:hidden%2Bword" in base 64.
        assert!(
            asked.contains("authorization: Basic cG9ydCUzQWN1bGxpczpoaWRkZW4lMkJ3b3Jk"),
            "{asked}"
        );
        assert!(
            asked.ends_with("grant_type=client_credentials&scope=kafka+read"),
            "{asked}"
        );
        assert!(!format!("{endpoint:?}").contains("hidden"));
    }

    fn check(answer: String, expected: &str) {
        let (endpoint, asked) = endpoint(answer);
        assert_eq!(endpoint.token().unwrap_err(), expected);
        asked.join().unwrap();
    }

    #[test]
    fn a_refusal_is_told_by_its_code_and_nothing_else() {
        let refused = r#"{"error":"invalid_client","error_description":"hidden+word is wrong"}"#;
        check(
            answer("401 Unauthorized", refused),
            "the token endpoint answered 401 invalid_client",
        );
        check(
            answer("400 Bad Request", r#"{"error":"hidden+word"}"#),
            "the token endpoint answered 400",
        );
        check(
            answer("503 Service Unavailable", "<html>"),
            "the token endpoint answered 503",
        );
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        check(elsewhere.to_owned(), "the token endpoint answered 302");
    }

    #[test]
    fn an_answer_that_is_none_is_told_as_one() {
        check(
            answer("200 OK", "{}"),
            "the token endpoint's answer holds no access_token",
        );
        let old = r#"{"access_token":"opaque","expires_in":0}"#;
        let (endpoint, asked) = endpoint(answer("200 OK", old));
        assert!(
            endpoint
                .token()
                .unwrap_err()
                .starts_with("the token endpoint gave a token that expired at ")
        );
        asked.join().unwrap();
        let huge = "x".repeat(ANSWER_BYTES_MAX + 1);
        check(
            answer("200 OK", &huge),
            "the token endpoint's answer is longer than 131072 bytes",
        );
    }
}
