//! Real gateways whose logs a real rsyslog ships to a real Kafka, with the files in `deploy/`: what comes out is field by field
//! the request that was sent, and nobody is named but the socket's address. HAProxy sends its log by its own syslog, over
//! TCP; the others write files.

use anyhow::{Context as _, Result, ensure};
use domain::Position;
use ingest::Gateway;
use ingest::source::kafka::{KafkaConnection, KafkaSettings, TopicRule, TopicSelector};
use portcullis_tests::component::{
    Example, Kafka, Listener, LoggingGateway, Portcullis, Rsyslog, Setup, free_ports,
};
use portcullis_tests::reader::{Checkpoints, Reader};
use portcullis_tests::requests::{
    GATEWAYS, LAST, VICTIM, attack, check_request, parser, send, send_from, send_request, start,
};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// Hostile requests to each gateway: fewer than where its file is read, as what is new here is the way.
const HOSTILE_REQUESTS: usize = 2_000;

/// A gateway whose log goes to a topic of its own.
struct Shipped {
    gateway: Gateway,
    server: LoggingGateway,
    topic: String,
    // The files that it ships are in the gateway's folder.
    _shipper: Rsyslog,
}

impl Shipped {
    fn start(kafka: &Kafka, gateway: Gateway, purpose: &str) -> Result<Self> {
        let topic = format!("{purpose}-{gateway:?}").to_lowercase();
        kafka.create_topic(&topic, 1)?;
        let (server, shipper) = match gateway {
            Gateway::HaProxy => haproxy(kafka, &topic)?,
            _ => {
                let server = start(gateway)?;
                let configuration = shipping(kafka, &topic, server.log())?;
                let shipper = Rsyslog::start(|_| configuration.text().to_owned())?;
                (server, shipper)
            }
        };
        Ok(Self {
            gateway,
            server,
            topic,
            _shipper: shipper,
        })
    }

    fn name(&self) -> &'static str {
        self.gateway.as_str()
    }
}

/// rsyslog's example for a file.
fn shipping(kafka: &Kafka, topic: &str, log: &Path) -> Result<Example> {
    Example::read("rsyslog/portcullis.conf")?
        .with("127.0.0.1:9092", &kafka.address(Listener::Plaintext)?)?
        .with("topic=\"access\"", &format!("topic=\"{topic}\""))?
        .with("/var/log/nginx/access.portcullis.log", &log.display().to_string())
}

/// HAProxy with its example, and rsyslog with both of its own, in the order in which rsyslog reads a folder.
fn haproxy(kafka: &Kafka, topic: &str) -> Result<(LoggingGateway, Rsyslog)> {
    let [port] = free_ports()?;
    let listening = Example::read("rsyslog/portcullis-haproxy.conf")?
        .with("port=\"5140\"", &format!("port=\"{port}\""))?;
    let shipper = Rsyslog::start(|folder| {
        let no_file = folder.join("no-file.log");
        let shipping = shipping(kafka, topic, &no_file).map(|example| example.text().to_owned());
        format!("{}\n{}", listening.text(), shipping.unwrap_or_default())
    })?;
    let log = Example::read("haproxy/log.cfg")?.with("127.0.0.1:5140", &format!("127.0.0.1:{port}"))?;
    let advice = Gateway::HaProxy.advice().context("a gateway that can be told")?;
    let server = LoggingGateway::start_haproxy_to(advice.recommended, log.text())?;
    Ok((server, shipper))
}

/// What a topic holds, up to a line that names `mark`, as the source of `portcullis run` reads it.
fn read_up_to(kafka: &Kafka, topic: &str, mark: &str) -> Result<Vec<String>> {
    let mut reader = Reader::new(KafkaSettings::new(
        KafkaConnection::plaintext(vec![kafka.bootstrap()?]),
        format!("readers-of-{topic}"),
        vec![TopicRule::new(TopicSelector::Name(topic.to_owned()))],
    ))?;
    let has_come = |reader: &Reader| reader.texts().iter().any(|text| text.contains(mark));
    reader.turn_until(&mut Checkpoints::new(), &format!("{mark} in {topic}"), has_come)?;
    ensure!(reader.gaps.is_empty(), "{:?}", reader.gaps);
    Ok(reader.texts().into_iter().map(str::to_owned).collect())
}

/// A line as Vector's `file` source and `json` codec write it, by Vector's reference: no Vector runs here.
fn as_vector_documents(line: &str) -> String {
    json!({
        "file": "/var/log/nginx/access.portcullis.log",
        "host": "gateway-1.example",
        "message": line,
        "source_type": "file",
        "timestamp": "2026-11-22T23:48:43.112233445Z",
    })
    .to_string()
}

#[test]
fn what_was_sent_comes_out_of_kafka_field_by_field() -> Result<()> {
    let kafka = Kafka::shared()?;
    for (gateway, format) in GATEWAYS {
        let shipped = Shipped::start(kafka, gateway, "fields")?;
        let status = send_request(shipped.server.port())?;
        let lines = read_up_to(kafka, &shipped.topic, "orders")?;
        ensure!(lines.len() == 1, "{}: {lines:?}", shipped.name());
        let (mut bare, mut wrapped) = (parser(), parser());
        let record = bare.parse(lines[0].as_bytes(), Position::default());
        let record = record.with_context(|| lines[0].clone())?;
        check_request(gateway, &record, status).with_context(|| lines[0].clone())?;
        let read_as = bare.last_format().map(ingest::Format::name);
        ensure!(read_as == Some(format), "{}: {read_as:?}", shipped.name());

        let vector = as_vector_documents(&lines[0]);
        let unwrapped = wrapped.parse(vector.as_bytes(), Position::default());
        let unwrapped = unwrapped.with_context(|| vector.clone())?;
        ensure!(unwrapped == record, "{}: {unwrapped:?}", shipped.name());
    }
    Ok(())
}

#[test]
fn no_hostile_request_is_laid_to_anybody_else_on_its_way_through_kafka() -> Result<()> {
    let kafka = Kafka::shared()?;
    for (gateway, _) in GATEWAYS {
        let shipped = Shipped::start(kafka, gateway, "hostile")?;
        let answered = attack(shipped.server.port(), HOSTILE_REQUESTS)?;
        send(shipped.server.port(), LAST)?;
        let lines = read_up_to(kafka, &shipped.topic, "/the-last-one")?;
        let name = shipped.name();
        if gateway == Gateway::HaProxy {
            // It writes no file to compare with, and logs whatever it answers.
            ensure!(lines.len() > answered, "{name}: lines were lost");
        } else {
            let written = shipped.server.lines_up_to("/the-last-one")?;
            let written: Vec<_> = written.iter().map(|line| String::from_utf8_lossy(line)).collect();
            ensure!(
                lines == written,
                "{name}: what was shipped is not what was written"
            );
        }
        let mut parser = parser();
        for line in &lines {
            let Ok(record) = parser.parse(line.as_bytes(), Position::default()) else {
                continue;
            };
            let is_ours = record.address.is_none_or(|address| address.is_loopback());
            ensure!(is_ours && record.address != Some(VICTIM), "{name}: {line}");
            ensure!(
                record.client.covers_address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                "{name}: {line}"
            );
        }
        let (read, rejected) = (parser.counts().parsed, parser.rejects().total());
        println!(
            "{name}: {HOSTILE_REQUESTS} sent, {} shipped, {read} read, {rejected} rejected",
            lines.len()
        );
        ensure!(
            lines.len() <= HOSTILE_REQUESTS + 1,
            "{name}: more lines than requests"
        );
        ensure!(
            read > 0 && rejected * 100 <= read,
            "{name}: {:?}",
            parser.rejects().samples()
        );
    }
    Ok(())
}

/// What a scanner asks each gateway for, each of them once.
const PROBES: [&str; 20] = [
    "/.env?x=1",
    "/.git/config",
    "/wp-login.php",
    "/wp-config.php.bak",
    "/backup.sql",
    "/.aws/credentials",
    "/phpmyadmin/index.php",
    "/.ssh/id_rsa",
    "/actuator/env",
    "/server-status",
    "/.svn/entries",
    "/.DS_Store",
    "/config.json.bak",
    "/dump.sql.gz",
    "/xmlrpc.php",
    "/.htpasswd",
    "/adminer.php",
    "/.vscode/sftp.json",
    "/cgi-bin/luci",
    "/solr/admin/info",
];

/// The loopback address from which gateway number `index` is scanned.
fn scanner(index: usize) -> Result<Ipv4Addr> {
    Ok(Ipv4Addr::new(127, 66, 0, u8::try_from(index + 1)?))
}

#[test]
fn a_service_that_reads_the_topics_tells_each_gateways_scanner_by_what_it_asked_for() -> Result<()> {
    let kafka = Kafka::shared()?;
    let shipped: Vec<Shipped> = GATEWAYS
        .into_iter()
        .map(|(gateway, _)| Shipped::start(kafka, gateway, "service"))
        .collect::<Result<_>>()?;
    let topics: Vec<&str> = shipped.iter().map(|shipped| shipped.topic.as_str()).collect();
    let portcullis = Portcullis::start(&Setup::new().kafka(&kafka.bootstrap()?, "service", &topics))?;
    portcullis.wait_until_reading()?;
    for (index, shipped) in shipped.iter().enumerate() {
        for target in PROBES {
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: zgrab/0.x\r\nConnection: close\r\n\r\n"
            );
            send_from(scanner(index)?, shipped.server.port(), request.as_bytes())?;
        }
    }
    for (index, shipped) in shipped.iter().enumerate() {
        let scanner = scanner(index)?.to_string();
        let what = format!("it told of the scanner behind {}", shipped.name());
        portcullis.wait_until(&what, |portcullis| {
            let alerts = portcullis.alerts()?;
            Ok(alerts.iter().any(|alert| alert["client"]["value"] == *scanner))
        })?;
    }
    for alert in portcullis.alerts()? {
        let evidence = alert["evidence"].as_array().context("no evidence")?;
        ensure!(!evidence.is_empty(), "{alert}");
        for item in evidence {
            let request = item["request"].as_str().context("no request")?;
            let target = request.strip_prefix("GET ").with_context(|| request.to_owned())?;
            ensure!(PROBES.contains(&target), "{alert}");
        }
    }
    let rejected = portcullis.list("/api/v1/rejected")?;
    ensure!(rejected.is_empty(), "{rejected:?}");
    Ok(())
}
