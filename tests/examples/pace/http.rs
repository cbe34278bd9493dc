//! `/check` over HTTP/1.1, as NGINX, Traefik and Caddy ask it.

use super::{Answer, Asker};
use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// A connection that is kept.
pub(super) struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Http {
    /// Connects.
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }
}

impl Asker for Http {
    fn ask(&mut self, client: &str) -> Result<Answer> {
        let question = format!("GET /check HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-For: {client}\r\n\r\n");
        self.stream.write_all(question.as_bytes())?;
        self.buffer.clear();
        let mut piece = [0u8; 4096];
        loop {
            let read = self.stream.read(&mut piece)?;
            if read == 0 {
                bail!("the connection was closed");
            }
            self.buffer.extend_from_slice(&piece[..read]);
            if let Some(answer) = whole(&self.buffer)? {
                return Ok(answer);
            }
        }
    }
}

/// The answer, once all of it is there.
fn whole(read: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&read[..end])?.to_ascii_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("no content-length")?
        .parse()?;
    if read.len() < end + 4 + length {
        return Ok(None);
    }
    match head.split(' ').nth(1) {
        Some("200") => Ok(Some(Answer::Passed)),
        Some("403") => Ok(Some(Answer::Refused)),
        other => bail!("answered {other:?}"),
    }
}
