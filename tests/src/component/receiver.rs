//! Somebody who is told things by HTTP POST: takes every message, and keeps what it said.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Longest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A listener on the loopback. Its thread ends with the process.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// Listens.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("could not listen for messages")?;
        let url = format!("http://{}/told", listener.local_addr()?);
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever breaks off will try again.
                if let Ok(message) = take(&stream) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                }
            }
        });
        Ok(Self { url, told })
    }

    /// Where messages are to be sent.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every message so far.
    pub fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads one request and thanks for it.
fn take(mut stream: &TcpStream) -> Result<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().context("no length")?;
        }
    }
    let mut body = vec![0; length.min(BODY_BYTES_MAX)];
    reader.read_exact(&mut body)?;
    let message = serde_json::from_slice(&body).context("no JSON")?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    Ok(message)
}
