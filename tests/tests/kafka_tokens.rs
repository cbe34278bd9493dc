//! SASL OAUTHBEARER against a real broker: a token from a file that is replaced, and from an endpoint.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Kafka, Listener, Portcullis, Setup, unsigned_token};
use portcullis_tests::stream::{Line, Publisher, ago, benign};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The whole life of a token that does not last, in seconds: time enough for a process to start on a busy machine.
const SHORT_SECS: i64 = 20;

/// Whom tokens name.
const SUBJECT: &str = "portcullis";

fn token(from: i64, secs: i64) -> String {
    unsigned_token(SUBJECT, from, from + secs)
}

fn now() -> i64 {
    ago(0).as_secs()
}

/// Puts a token into the place of another as Kubernetes does: the file is never half written.
fn put(file: &Path, token: &str) -> Result<()> {
    let fresh = file.with_extension("fresh");
    std::fs::write(&fresh, token).context("could not write a token")?;
    std::fs::rename(&fresh, file).context("could not put a token into its place")
}

fn setup(kafka: &Kafka, topic: &str, sasl: &str) -> Result<Setup> {
    let sasl = format!("mechanism = \"OAUTHBEARER\"\ninsecure_plaintext = true\n{sasl}");
    let setup = Setup::new().kafka(&kafka.address(Listener::Token)?, topic, &[topic]);
    Ok(setup.with("kafka.sasl", &sasl))
}

/// Writes lines and waits until they are read; `read` counts all of them.
fn exchange(
    kafka: &Kafka,
    portcullis: &Portcullis,
    topic: &str,
    lines: &[Line],
    read: &mut usize,
) -> Result<()> {
    Publisher::new(kafka)?.lines(topic, 0..1, lines)?;
    *read += lines.len();
    let count = *read as f64;
    portcullis.wait_until("it read the lines", |portcullis| {
        Ok(portcullis.metrics("lines_total")? == count)
    })
}

#[test]
fn a_token_file_that_is_replaced_in_time_keeps_the_reader_in() -> Result<()> {
    let kafka = Kafka::shared()?;
    let (topic, mut read) = ("token-file", 0);
    kafka.create_topic(topic, 1)?;
    let folder = portcullis_tests::component::folder("token")?;
    let file = folder.path().join("token");
    let began = now();
    put(&file, &token(began, SHORT_SECS))?;
    let portcullis = Portcullis::start(&setup(
        kafka,
        topic,
        &format!("token_file = \"{}\"", file.display()),
    )?)?;
    let lines = benign(1, ago(3_600), 30)?;
    exchange(kafka, &portcullis, topic, &lines[..10], &mut read)?;
    put(&file, &token(now(), 3_600))?;
    portcullis.wait_until("the first token expired", |_| Ok(now() > began + SHORT_SECS + 1))?;
    exchange(kafka, &portcullis, topic, &lines[10..], &mut read)?;
    ensure!(portcullis.health_part("reading")?["is_ok"] == true);
    let signed = token(began, SHORT_SECS);
    ensure!(!portcullis.log().contains(&signed), "a token was logged");
    Ok(())
}

#[test]
fn a_token_that_expires_is_named_and_reading_goes_on_with_the_next() -> Result<()> {
    let kafka = Kafka::shared()?;
    let (topic, mut read) = ("token-late", 0);
    kafka.create_topic(topic, 1)?;
    let folder = portcullis_tests::component::folder("token")?;
    let file = folder.path().join("token");
    put(&file, &token(now(), SHORT_SECS))?;
    let portcullis = Portcullis::start(&setup(
        kafka,
        topic,
        &format!("token_file = \"{}\"", file.display()),
    )?)?;
    let lines = benign(1, ago(3_600), 20)?;
    exchange(kafka, &portcullis, topic, &lines[..10], &mut read)?;
    portcullis.wait_until("it named the token", |portcullis| {
        let reading = portcullis.health_part("reading")?;
        let detail = reading["detail"].as_str().unwrap_or_default().to_owned();
        Ok(reading["is_ok"] == false && detail.contains("holds a token that expired at "))
    })?;
    put(&file, &token(now(), 3_600))?;
    exchange(kafka, &portcullis, topic, &lines[10..], &mut read)
}

/// An endpoint that gives tokens for the right secret, and how many it gave.
fn endpoint(secret: &'static str) -> Result<(String, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/oauth2/token", listener.local_addr()?);
    let given = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&given);
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asked may be gone.
            let _ = answer(stream, secret, &counter);
        }
    });
    Ok((url, given))
}

fn answer(mut stream: TcpStream, secret: &str, given: &AtomicUsize) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut is_known, mut line) = (0, false, String::new());
    while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        let (name, value) = line.trim().split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse()?,
            "authorization" => is_known = value == format!("Basic {secret}"),
            _ => {}
        }
        line.clear();
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form)?;
    let is_right = is_known && form == b"grant_type=client_credentials&scope=kafka";
    let (status, body) = if is_right {
        given.fetch_add(1, Ordering::SeqCst);
        let token = token(now(), SHORT_SECS);
        (
            "200 OK",
            serde_json::json!({ "access_token": token, "token_type": "Bearer", "expires_in": SHORT_SECS }),
        )
    } else {
        (
            "401 Unauthorized",
            serde_json::json!({ "error": "invalid_client", "error_description": "s3cret" }),
        )
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    Ok(stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes())?)
}

/// "portcullis:s3cret" in base 64.
const KNOWN: &str = "cG9ydGN1bGxpczpzM2NyZXQ=";

fn by_endpoint(url: &str, secret: &str) -> String {
    format!(
        "token_url = \"{url}\"\nclient_id = \"portcullis\"\nclient_secret = \"{secret}\"\nscope = \"kafka\""
    )
}

#[test]
fn an_endpoint_is_asked_again_before_its_token_expires() -> Result<()> {
    let kafka = Kafka::shared()?;
    let (topic, mut read) = ("token-endpoint", 0);
    kafka.create_topic(topic, 1)?;
    let (url, given) = endpoint(KNOWN)?;
    let began = now();
    let portcullis = Portcullis::start(&setup(kafka, topic, &by_endpoint(&url, "s3cret"))?)?;
    let lines = benign(1, ago(3_600), 30)?;
    exchange(kafka, &portcullis, topic, &lines[..10], &mut read)?;
    portcullis.wait_until("the first token expired", |_| Ok(now() > began + SHORT_SECS + 1))?;
    exchange(kafka, &portcullis, topic, &lines[10..], &mut read)?;
    ensure!(given.load(Ordering::SeqCst) >= 2, "it was asked once");
    ensure!(!portcullis.log().contains("s3cret"), "the secret was logged");
    Ok(())
}

#[test]
fn an_endpoint_that_refuses_is_named_with_its_reason_and_no_secret() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "token-refused";
    kafka.create_topic(topic, 1)?;
    let (url, _) = endpoint(KNOWN)?;
    let portcullis = Portcullis::start(&setup(kafka, topic, &by_endpoint(&url, "gu3ssed"))?)?;
    portcullis.wait_until("it named the refusal", |portcullis| {
        let detail = portcullis.health_part("reading")?["detail"].clone();
        Ok(detail
            .as_str()
            .unwrap_or_default()
            .contains("the token endpoint answered 401 invalid_client"))
    })?;
    let log = portcullis.log();
    ensure!(
        !log.contains("gu3ssed") && !log.contains("s3cret"),
        "a secret was logged:\n{log}"
    );
    Ok(())
}
