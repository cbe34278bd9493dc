//! What is sent to real gateways, and what has to come of it however their log reaches us.

use crate::component::LoggingGateway;
use anyhow::{Context as _, Result, ensure};
use domain::{AddressSource, HashKey, RequestRecord};
use ingest::{Gateway, Parser, ParserConfig};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The gateways that run here, and the format that their recommended log is.
pub const GATEWAYS: [(Gateway, &str); 5] = [
    (Gateway::Nginx, "nginx_json"),
    // Its recommended names are those of NGINX.
    (Gateway::Apache, "nginx_json"),
    (Gateway::HaProxy, "haproxy_json"),
    (Gateway::Envoy, "envoy_json"),
    (Gateway::Caddy, "caddy_json"),
];

/// How long a gateway may keep an answer back.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Starts a gateway that logs to a file what Portcullis recommends.
pub fn start(gateway: Gateway) -> Result<LoggingGateway> {
    let advice = gateway.advice().context("a gateway that can be told")?;
    LoggingGateway::start(gateway, advice.recommended)
}

/// A parser with a key of the tests' own that trusts no proxy.
pub fn parser() -> Parser {
    Parser::new(ParserConfig::new(HashKey::new([7; 16])))
}

/// Sends [`REQUEST`]; gives the status of the answer.
pub fn send_request(port: u16) -> Result<u16> {
    let answer = send(port, REQUEST)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.get(9..12).unwrap_or("").parse().context("a status")
}

/// Sends bytes as [`send`] does, from another of the loopback's addresses.
pub fn send_from(address: Ipv4Addr, port: u16, request: &[u8]) -> Result<Vec<u8>> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((address, 0)).into())?;
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    exchange(socket.into(), request)
}

/// Sends bytes over one connection and reads until the gateway closes or answers.
pub fn send(port: u16, request: &[u8]) -> Result<Vec<u8>> {
    exchange(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?, request)
}

fn exchange(mut stream: TcpStream, request: &[u8]) -> Result<Vec<u8>> {
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    // A gateway may close a connection that it does not like before all is read.
    let _ = stream.read_to_end(&mut answer);
    Ok(answer)
}

/// One request with something in every field.
pub const REQUEST: &[u8] = b"POST /api/v1/orders/17?page=2&q=a%20b HTTP/1.1\r\n\
    Host: shop.example\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) \"quoted\" \\ back\r\n\
    Referer: https://shop.example/cart?x=1\r\n\
    X-Forwarded-For: 203.0.113.66\r\n\
    Content-Length: 5\r\n\
    Connection: close\r\n\r\nhello";

/// Checks that a record is [`REQUEST`], field by field, as that gateway answered it.
pub fn check_request(gateway: Gateway, record: &RequestRecord<'_>, status: u16) -> Result<()> {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) \"quoted\" \\ back";
    let is_expected = [
        ("address", record.address == Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
        ("address source", record.address_source == AddressSource::Peer),
        ("method", record.method == "POST"),
        ("path", record.path == "/api/v1/orders/17"),
        ("query", record.query.as_deref() == Some("page=2&q=a%20b")),
        ("status", record.status == status),
        ("protocol", record.protocol.as_deref() == Some("HTTP/1.1")),
        ("user agent", record.user_agent.as_deref() == Some(agent)),
        (
            "referer",
            record.referer.as_deref() == Some("https://shop.example/cart?x=1"),
        ),
        ("host", record.host.as_deref() == Some("shop.example")),
        ("bytes out", record.bytes_out.is_some_and(|bytes| bytes > 0)),
        ("bytes in", record.bytes_in >= least_bytes_in(gateway)),
        (
            "duration",
            record.duration_ms.is_some_and(|millis| millis < 10_000.0),
        ),
        ("certainty", !record.is_malformed && !record.is_ambiguous),
        ("age", (-1000..120_000).contains(&age_millis(record)?)),
    ];
    for (field, is_expected) in is_expected {
        ensure!(is_expected, "{}: {field}: {record:?}", gateway.as_str());
    }
    Ok(())
}

/// Envoy answers by itself before it has read the body; Caddy tells of it from version 2.7 on.
fn least_bytes_in(gateway: Gateway) -> Option<u64> {
    match gateway {
        Gateway::Envoy => Some(0),
        Gateway::Caddy => None,
        _ => Some(5),
    }
}

fn age_millis(record: &RequestRecord<'_>) -> Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_millis())? - record.at.as_millis())
}

/// What an attacker writes where a gateway copies it from: the end of a field, of a line, of an escape, of a text.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\\"",
    b"\\",
    b"'",
    b"\",\"remote_addr\":\"203.0.113.66",
    b"\",\"client_ip\":\"203.0.113.66\",\"x\":\"",
    b"\",\"downstream_direct_remote_address\":\"203.0.113.66\",\"x\":\"",
    b"\"},\"remote_ip\":\"203.0.113.66\",\"x\":{\"y\":\"",
    b"\\x22,\\x22remote_addr\\x22:\\x22203.0.113.66",
    b"\\u0022,\\u0022remote_addr\\u0022:\\u0022203.0.113.66",
    b"\" 200 5 \"-\" \"203.0.113.66",
    b"203.0.113.66 - - [22/Nov/2026:23:48:42 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"",
    b"{\"remote_addr\":\"203.0.113.66\",\"status\":200,\"msec\":1795391322.5,\"method\":\"GET\",\"uri\":\"/\"}",
    b"{\"message\":\"203.0.113.66 - - [22/Nov/2026:23:48:42 +0000] \\\"GET / HTTP/1.1\\\" 200 5\"}",
    b"{\"log\":\"x\",\"@timestamp\":1}",
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\xe2\x80\xa8",
    b"\x01\x1b[2J",
    b"\x7f",
    b"\t",
    b"%0a",
    b"%22",
    b"%00",
    b"${jndi:x}",
    b"$remote_addr",
    b"%[src]",
    b"%REQ(HOST)%",
    b"{http.request.remote}",
    b"<134>1 2026-11-22T23:48:42Z h p 1 - - ",
    b"2026-11-22T23:48:42.1Z stdout F ",
    b"\xef\xbb\xbf",
    b"null",
    b"]",
    b"}",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// What is asked for when everything else was: a gateway logs what came before it first.
pub const LAST: &[u8] = b"GET /the-last-one HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

/// Names that gateways and proxies use for a client's address.
const ADDRESS_HEADERS: &[&str] = &[
    "X-Forwarded-For",
    "X-Real-IP",
    "Forwarded",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Client-IP",
    "X-Envoy-External-Address",
    "X-Cluster-Client-Ip",
    "Via",
];

/// The address that no line may name.
pub const VICTIM: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66));

/// Small and repeatable: the same requests in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }

    fn text(&mut self) -> Vec<u8> {
        let count = 1 + self.below(3);
        (0..count)
            .flat_map(|_| PIECES[self.below(PIECES.len())].to_vec())
            .collect()
    }
}

/// One request with something hostile in one or several of its places.
fn hostile(draw: &mut Draw) -> Vec<u8> {
    let mut request = Vec::new();
    let mut put = |part: &[u8]| request.extend_from_slice(part);
    match draw.below(16) {
        0 => put(&draw.text()),
        1 => put(b"G\"ET"),
        _ => put(b"GET"),
    }
    put(b" /");
    if draw.below(2) == 0 {
        put(&draw.text());
    }
    if draw.below(2) == 0 {
        put(b"?q=");
        put(&draw.text());
    }
    put(match draw.below(24) {
        0 => b" HTTP/1.1\" 200 5\r\n".as_slice(),
        1 => b"\r\n",
        2 => b" HTTP/9.9\r\n",
        3 => b" HTTP/1.0\r\n",
        _ => b" HTTP/1.1\r\n",
    });
    if draw.below(12) > 0 {
        put(b"Host: ");
        put(&if draw.below(6) == 0 {
            draw.text()
        } else {
            b"shop.example".to_vec()
        });
        put(b"\r\n");
    }
    for name in ["User-Agent", "Referer", "Cookie", "X-Request-Id", "X-Api-Key"] {
        if draw.below(2) == 0 {
            put(name.as_bytes());
            put(b": ");
            put(&draw.text());
            if draw.below(20) == 0 {
                put(b"\n 203.0.113.66 folded");
            }
            put(b"\r\n");
        }
    }
    for _ in 0..draw.below(3) {
        put(ADDRESS_HEADERS[draw.below(ADDRESS_HEADERS.len())].as_bytes());
        put(b": ");
        put(&match draw.below(4) {
            0 => draw.text(),
            1 => b"for=203.0.113.66;by=203.0.113.66".to_vec(),
            _ => b"203.0.113.66".to_vec(),
        });
        put(b"\r\n");
    }
    put(b"\r\n");
    request
}

/// Sends requests over connections that stay open as long as the gateway lets them; gives how many were answered.
pub fn attack(port: u16, count: usize) -> Result<usize> {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut answered = 0;
    let mut open: Option<TcpStream> = None;
    let mut buffer = [0u8; 16 * 1024];
    for _ in 0..count {
        let request = hostile(&mut draw);
        let mut stream = match open.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_WAIT))?;
                stream
            }
        };
        if stream.write_all(&request).is_err() {
            continue;
        }
        let read = stream.read(&mut buffer).unwrap_or(0);
        let answer = &buffer[..read];
        answered += usize::from(read > 0);
        // Only a good answer that came in one piece leaves the connection usable.
        let closes = answer
            .windows(17)
            .any(|part| part.eq_ignore_ascii_case(b"connection: close"));
        let is_good = answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.1 404");
        if is_good && !closes && answer.ends_with(b"hello") {
            open = Some(stream);
        }
    }
    Ok(answered)
}
