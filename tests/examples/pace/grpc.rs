//! Envoy's `Check` over HTTP/2: frames by hand, headers as plain literals, because one unary call needs no more.

use super::{Answer, Asker};
use anyhow::{Result, bail, ensure};
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection with one stream at a time.
pub(super) struct Grpc {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    headers: Vec<u8>,
    stream: u32,
}

impl Grpc {
    /// Connects and says hello.
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let mut writer = TcpStream::connect(address)?;
        writer.set_nodelay(true)?;
        writer.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        writer.write_all(&frame(SETTINGS, 0, 0, &[]))?;
        // Room for every answer of a run: the window is not moved again.
        writer.write_all(&frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()))?;
        let mut headers = Vec::new();
        let path = "/envoy.service.auth.v3.Authorization/Check";
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "portcullis"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            // A literal without indexing, name and value as they are (RFC 7541, 6.2.2).
            headers.extend([0, name.len() as u8]);
            headers.extend(name.as_bytes());
            headers.push(value.len() as u8);
            headers.extend(value.as_bytes());
        }
        Ok(Self {
            reader: BufReader::new(writer.try_clone()?),
            writer,
            headers,
            stream: 1,
        })
    }

    fn read_frame(&mut self) -> Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0u8; 9];
        self.reader.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let mut body = vec![0; length as usize];
        self.reader.read_exact(&mut body)?;
        Ok((head[3], head[4], stream, body))
    }
}

impl Asker for Grpc {
    fn ask(&mut self, client: &str) -> Result<Answer> {
        let stream = self.stream;
        self.stream += 2;
        let message = question(client);
        let mut body = vec![0];
        body.extend((message.len() as u32).to_be_bytes());
        body.extend(message);
        let mut sent = frame(HEADERS, END_HEADERS, stream, &self.headers);
        sent.extend(frame(DATA, END_STREAM, stream, &body));
        self.writer.write_all(&sent)?;
        let mut data = Vec::new();
        loop {
            let (kind, flags, of, body) = self.read_frame()?;
            match kind {
                SETTINGS if flags & ACK == 0 => self.writer.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
                PING if flags & ACK == 0 => self.writer.write_all(&frame(PING, ACK, 0, &body))?,
                DATA if of == stream => data.extend(body),
                HEADERS if of == stream && flags & END_STREAM != 0 => return answer(&data),
                RST_STREAM | GOAWAY => bail!("the call was ended"),
                _ => {}
            }
        }
    }
}

/// The field 1 (status) of the answer holds the field 1 (code), or nothing where that is zero.
fn answer(data: &[u8]) -> Result<Answer> {
    ensure!(data.len() >= 7, "a short answer: {data:?}");
    match &data[5..] {
        [0x0a, 0, ..] => Ok(Answer::Passed),
        [0x0a, 2, 8, 7, ..] => Ok(Answer::Refused),
        other => bail!("answered {other:?}"),
    }
}

/// `CheckRequest`: the client in the chain, and as Envoy's own peer the gateway before it.
fn question(client: &str) -> Vec<u8> {
    let entry = [text(1, "x-forwarded-for"), text(2, client)].concat();
    let other = [text(1, "user-agent"), text(2, "Mozilla/5.0 (X11; Linux x86_64)")].concat();
    let http = [
        text(2, "GET"),
        field(3, &entry),
        field(3, &other),
        text(4, "/shop?q=1"),
    ]
    .concat();
    let source = field(1, &field(1, &text(2, "127.0.0.1")));
    let attributes = [field(1, &source), field(4, &field(2, &http))].concat();
    field(1, &attributes)
}

fn text(tag: u8, value: &str) -> Vec<u8> {
    field(tag, value.as_bytes())
}

/// A field of bytes; every length here fits one or two bytes.
fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag << 3 | 2];
    match value.len() {
        short @ ..128 => out.push(short as u8),
        long => out.extend([long as u8 | 0x80, (long >> 7) as u8]),
    }
    out.extend(value);
    out
}

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    let mut out = vec![length[1], length[2], length[3], kind, flags];
    out.extend(stream.to_be_bytes());
    out.extend(body);
    out
}
