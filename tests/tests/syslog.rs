//! Syslog from a real rsyslog over UDP and TCP, and from openssl over TLS: every line counts once, over a kill before any
//! checkpoint.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Portcullis, Rsyslog, Setup, free_ports};
use portcullis_tests::stream::{Line, ago, benign, scanner};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const SCANNER: &str = "203.0.113.66";

fn write(file: &Path, lines: &[Line]) -> Result<()> {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{}", line.text)?;
    }
    std::fs::write(file, text).with_context(|| format!("could not write {}", file.display()))
}

/// An rsyslog that sends a file's lines to a port.
fn sender(file: &Path, port: u16, how: &str) -> Result<Rsyslog> {
    let file = file.display();
    Rsyslog::start(|_| {
        format!(
            "module(load=\"imfile\" mode=\"inotify\")\n\
             input(type=\"imfile\" file=\"{file}\" tag=\"nginx:\" ruleset=\"out\")\n\
             ruleset(name=\"out\") {{ action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" {how} \
             action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\") }}\n"
        )
    })
}

fn over_a_kill(protocol: &str, how: &str) -> Result<()> {
    let [port] = free_ports()?;
    let mut portcullis = Portcullis::start(&Setup::new().without_checkpoints().syslog(
        protocol,
        port,
        "trust = \"block\"",
    ))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("access.log");
    let lines = [benign(7, ago(3000), 300)?, scanner(SCANNER, ago(60), 40)].concat();
    write(&file, &lines)?;
    let _sender = sender(&file, port, how)?;
    portcullis.wait_until_counted(lines.len())?;
    let figure = |name: &str| format!("source_{name}_total{{source=\"syslog:{protocol}:127.0.0.1:{port}\"}}");
    ensure!(portcullis.metrics(&figure("lines"))? == lines.len() as f64);
    ensure!(portcullis.metrics(&figure("rejected"))? == 0.0);
    let decided = portcullis.decisions()?;
    ensure!(
        decided.iter().any(|found| found["value"] == SCANNER),
        "nobody blocked the scanner"
    );

    portcullis.kill()?;
    portcullis.start_again()?;
    portcullis.wait_until("every line was read again", |portcullis| {
        let read = portcullis.metrics(&figure("lines"));
        Ok(read.is_ok_and(|read| read == lines.len() as f64))
    })?;
    portcullis.wait_until_counted(lines.len())?;
    let again = portcullis.decisions()?;
    ensure!(again.len() == decided.len(), "decided twice: {again:?}");

    // Behind a checkpoint nothing is read again.
    portcullis.stop()?;
    portcullis.start_again()?;
    portcullis.wait_until_counted(lines.len())?;
    ensure!(portcullis.metrics(&figure("lines")).unwrap_or(0.0) == 0.0);
    Ok(())
}

#[test]
fn rsyslog_over_udp_loses_nothing_that_was_taken() -> Result<()> {
    over_a_kill(
        "udp",
        "protocol=\"udp\" template=\"RSYSLOG_TraditionalForwardFormat\"",
    )
}

#[test]
fn rsyslog_over_tcp_with_lines_loses_nothing_that_was_taken() -> Result<()> {
    over_a_kill(
        "tcp",
        "protocol=\"tcp\" template=\"RSYSLOG_TraditionalForwardFormat\"",
    )
}

#[test]
fn rsyslog_over_tcp_with_lengths_loses_nothing_that_was_taken() -> Result<()> {
    over_a_kill(
        "tcp",
        "protocol=\"tcp\" TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\"",
    )
}

#[test]
fn messages_over_tls_are_taken_and_who_is_not_allowed_is_not_heard() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (certificate, key) = (folder.path().join("tls.pem"), folder.path().join("tls.key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let tls = format!(
        "[syslog.tls]\ncertificate = \"{}\"\nkey = \"{}\"",
        certificate.display(),
        key.display()
    );
    let [port, closed] = free_ports()?;
    let setup = Setup::new()
        .without_checkpoints()
        .syslog("tcp", closed, "allow = [\"192.0.2.0/24\"]")
        .syslog("tls", port, &tls);
    let portcullis = Portcullis::start(&setup)?;
    let mut refused = std::net::TcpStream::connect(("127.0.0.1", closed))?;
    // It may be closed before everything was written.
    let _ = refused.write_all(b"<134>1 - - - - - - what nobody hears\n");

    let lines = benign(7, ago(3000), 50)?;
    let mut sender = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = sender.stdin.take().context("no standard input")?;
    for line in &lines {
        let message = format!("<134>1 2027-01-01T00:00:00Z host nginx - - - {}", line.text);
        write!(input, "{} {message}", message.len())?;
    }
    input.flush()?;
    portcullis.wait_until_counted(lines.len())?;
    drop(input);
    let _ = sender.kill();
    sender.wait()?;
    ensure!(portcullis.list("/api/v1/rejected")?.is_empty());
    Ok(())
}
