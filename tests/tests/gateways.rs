//! Real gateways, told to log as `portcullis formats explain` recommends: what they write comes out field by field as the
//! request that was sent, and nothing that a client sends makes a line name another address than the socket's.

use anyhow::{Context as _, Result, ensure};
use domain::Position;
use ingest::{FORMATS, Provenance, Tier};
use portcullis_tests::requests::{
    GATEWAYS, LAST, VICTIM, attack, check_request, parser, send, send_request, start,
};
use std::net::{IpAddr, Ipv4Addr};

#[test]
fn what_was_sent_is_what_is_read() -> Result<()> {
    for (gateway, format) in GATEWAYS {
        let server = start(gateway)?;
        let status = send_request(server.port())?;
        let lines = server.wait_for_lines(1)?;
        let mut parser = parser();
        let line = lines.last().context("a line")?;
        let shown = String::from_utf8_lossy(line).into_owned();
        let record = parser
            .parse(line, Position::default())
            .with_context(|| format!("{}: {shown}", gateway.as_str()))?;
        check_request(gateway, &record, status).context(shown)?;
        let read_as = parser.last_format().map(ingest::Format::name);
        assert_eq!(read_as, Some(format), "{}", gateway.as_str());
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

/// Requests to each gateway. `HOSTILE_REQUESTS` asks for another number.
fn hostile_requests() -> usize {
    let asked = std::env::var("HOSTILE_REQUESTS")
        .ok()
        .and_then(|text| text.parse().ok());
    asked.unwrap_or(25_000)
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
