//! Real gateways, told to log as `portcullis formats explain` recommends: what they write comes out field by field as the
//! request that was sent, and nothing that a client sends makes a line name another address than the socket's.

use anyhow::{Context as _, Result, ensure};
use domain::{AddressSource, HashKey, Position};
use ingest::{FORMATS, Gateway, Parser, ParserConfig, Provenance, Tier};
use portcullis_tests::component::LoggingGateway;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Duration;

/// The gateways that run here, and the format that their recommended log is.
const GATEWAYS: [(Gateway, &str); 5] = [
    (Gateway::Nginx, "nginx_json"),
    // Its recommended names are those of NGINX.
    (Gateway::Apache, "nginx_json"),
    (Gateway::HaProxy, "haproxy_json"),
    (Gateway::Envoy, "envoy_json"),
    (Gateway::Caddy, "caddy_json"),
];

/// How long a gateway may keep an answer back.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

fn start(gateway: Gateway) -> Result<LoggingGateway> {
    let advice = gateway.advice().context("a gateway that can be told")?;
    LoggingGateway::start(gateway, advice.recommended)
}

fn parser() -> Parser {
    Parser::new(ParserConfig::new(HashKey::new([7; 16])))
}

/// Sends bytes over one connection, from any of the loopback's addresses, and reads until the gateway closes or answers.
fn send(port: u16, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    // A gateway may close a connection that it does not like before all is read.
    let _ = stream.read_to_end(&mut answer);
    Ok(answer)
}

const REQUEST: &[u8] = b"POST /api/v1/orders/17?page=2&q=a%20b HTTP/1.1\r\n\
    Host: shop.example\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) \"quoted\" \\ back\r\n\
    Referer: https://shop.example/cart?x=1\r\n\
    X-Forwarded-For: 203.0.113.66\r\n\
    Content-Length: 5\r\n\
    Connection: close\r\n\r\nhello";

#[test]
fn what_was_sent_is_what_is_read() -> Result<()> {
    for (gateway, format) in GATEWAYS {
        let server = start(gateway)?;
        let answer = send(server.port(), REQUEST)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status: u16 = answer.get(9..12).unwrap_or("").parse().context("a status")?;
        let lines = server.wait_for_lines(1)?;
        let mut parser = parser();
        let line = lines.last().context("a line")?;
        let shown = String::from_utf8_lossy(line).into_owned();
        let record = parser
            .parse(line, Position::default())
            .with_context(|| format!("{}: {shown}", gateway.as_str()))?;
        let name = gateway.as_str();
        assert_eq!(
            record.address,
            Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            "{name}: {shown}"
        );
        assert_eq!(record.address_source, AddressSource::Peer, "{name}: {shown}");
        assert_eq!(record.method, "POST", "{name}: {shown}");
        assert_eq!(record.path, "/api/v1/orders/17", "{name}: {shown}");
        assert_eq!(record.query.as_deref(), Some("page=2&q=a%20b"), "{name}: {shown}");
        assert_eq!(record.status, status, "{name}: {shown}");
        assert_eq!(record.protocol.as_deref(), Some("HTTP/1.1"), "{name}: {shown}");
        let agent = "Mozilla/5.0 (X11; Linux x86_64) \"quoted\" \\ back";
        assert_eq!(record.user_agent.as_deref(), Some(agent), "{name}: {shown}");
        let referer = "https://shop.example/cart?x=1";
        assert_eq!(record.referer.as_deref(), Some(referer), "{name}: {shown}");
        assert_eq!(record.host.as_deref(), Some("shop.example"), "{name}: {shown}");
        assert!(record.bytes_out.is_some_and(|bytes| bytes > 0), "{name}: {shown}");
        // Envoy answers by itself before it has read the body; Caddy tells of it from version 2.7 on.
        let least = match gateway {
            Gateway::Envoy => Some(0),
            Gateway::Caddy => None,
            _ => Some(5),
        };
        assert!(record.bytes_in >= least, "{name}: {shown}");
        assert!(
            record.duration_ms.is_some_and(|millis| millis < 10_000.0),
            "{name}: {shown}"
        );
        assert!(!record.is_malformed && !record.is_ambiguous, "{name}: {shown}");
        let read_as = parser.last_format().map(ingest::Format::name);
        assert_eq!(read_as, Some(format), "{name}: {shown}");
        let age = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)?
            .as_millis();
        let age = i64::try_from(age)? - record.at.as_millis();
        assert!((-1000..120_000).contains(&age), "{name}: {age} ms ago: {shown}");
    }
    Ok(())
}

#[test]
fn no_format_is_called_run_that_does_not_run_here() {
    for format in FORMATS {
        let runs =
            GATEWAYS.iter().any(|(_, name)| *name == format.name()) || format.name() == "nginx_combined";
        let is_called = matches!(format.provenance(), Provenance { tier: Tier::Run, .. });
        assert_eq!(runs, is_called, "{}", format.name());
    }
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
const LAST: &[u8] = b"GET /the-last-one HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

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
const VICTIM: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66));

/// Requests to each gateway. `HOSTILE_REQUESTS` asks for another number.
fn hostile_requests() -> usize {
    let asked = std::env::var("HOSTILE_REQUESTS")
        .ok()
        .and_then(|text| text.parse().ok());
    asked.unwrap_or(25_000)
}

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
fn attack(port: u16, count: usize) -> Result<usize> {
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

#[test]
fn no_hostile_request_is_laid_to_anybody_but_its_sender() -> Result<()> {
    let count = hostile_requests();
    let mut told = String::new();
    for (gateway, _) in GATEWAYS {
        let server = start(gateway)?;
        let answered = attack(server.port(), count)?;
        send(server.port(), LAST)?;
        let lines = server.lines_up_to("/the-last-one")?;
        let mut parser = parser();
        for (index, line) in lines.iter().enumerate() {
            let position = Position {
                source: 0,
                line: index as u64 + 1,
            };
            let Ok(record) = parser.parse(line, position) else {
                continue;
            };
            ensure!(
                record.address.is_none_or(|address| address.is_loopback()) && record.address != Some(VICTIM),
                "{}: line {} names {:?}: {}",
                gateway.as_str(),
                index + 1,
                record.address,
                line.escape_ascii()
            );
            ensure!(
                record.client.covers_address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                "{:?}",
                record.client
            );
        }
        let (counts, rejects) = (parser.counts(), parser.rejects());
        told += &format!(
            "{}: {count} sent, {answered} answered, {} logged, {} read, {} ambiguous, {} rejected\n",
            gateway.as_str(),
            lines.len(),
            counts.parsed,
            counts.ambiguous,
            rejects.total()
        );
        for sample in rejects.samples().iter().take(3) {
            told += &format!("  {}: {}\n", sample.reject, sample.text);
        }
        ensure!(
            counts.parsed > 0,
            "{} logged nothing that is read",
            gateway.as_str()
        );
        // One request, one line, the last one's too: no line break of a client's makes another.
        ensure!(lines.len() <= count + 1, "more lines than requests:\n{told}");
        // What is rejected is lost to nobody, and yet has to be the exception.
        ensure!(
            rejects.total() * 100 <= counts.parsed,
            "too many rejected:\n{told}"
        );
    }
    println!("{told}");
    Ok(())
}
