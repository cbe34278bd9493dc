//! Who says that he is a crawler, with a real name server: one whose address proves it follows links to what only scanners want and is
//! left alone, one who only says so is refused.

use anyhow::{Result, ensure};
use portcullis_tests::component::{NameServer, Portcullis, Setup, ask, folder, http_client};
use portcullis_tests::stream;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

const CRAWLER: &str = "203.0.113.66";
const IMPOSTOR: &str = "203.0.113.67";
const AGENT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// What somebody planted links to.
const PLANTED: [&str; 8] = [
    "/.env",
    "/.git/config",
    "/wp-config.php",
    "/.aws/credentials",
    "/id_rsa",
    "/backup.sql",
    "/.ssh/authorized_keys",
    "/phpinfo.php",
];

/// Writes what both of them ask for, so long ago.
fn follow_links(log: &Path, ago: Duration) -> Result<()> {
    let at = stream::ago(i64::try_from(ago.as_secs())?).as_millis() as f64 / 1000.0;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    for path in PLANTED {
        for address in [CRAWLER, IMPOSTOR] {
            writeln!(
                file,
                r#"{{"msec":{at:.3},"remote_addr":"{address}","method":"GET","request_uri":"{path}","protocol":"HTTP/1.1","status":404,"body_bytes_sent":153,"user_agent":"{AGENT}"}}"#
            )?;
        }
    }
    Ok(())
}

#[test]
fn a_crawler_that_proves_it_is_left_alone_and_an_impostor_is_refused() -> Result<()> {
    let names = NameServer::start(
        &[("crawl-203-0-113-66.googlebot.com", CRAWLER.parse()?)],
        // Anybody may name his own address so.
        &[("crawl-203-0-113-66.googlebot.com", IMPOSTOR.parse()?)],
    )?;
    let folder = folder("crawlers")?;
    let log = folder.path().join("access.log");
    follow_links(&log, Duration::from_secs(120))?;
    let settings = format!("verify = true\nname_server = \"{}\"", names.address());
    let portcullis = Portcullis::start(&Setup::new().file(&log).with("crawlers", &settings))?;
    portcullis.wait_until("the crawler was allowed", |portcullis| {
        let allowed = portcullis.list("/api/v1/allowlist")?;
        Ok(allowed.iter().any(|entry| entry.to_string().contains(CRAWLER)))
    })?;
    let allowed = portcullis.list("/api/v1/allowlist")?;
    ensure!(allowed.len() == 1, "and nobody else: {allowed:?}");
    let reason = allowed[0].to_string();
    ensure!(reason.contains("crawl-203-0-113-66.googlebot.com"), "{reason}");
    ensure!(
        portcullis.decisions()?.is_empty(),
        "nothing is done until it is known"
    );
    follow_links(&log, Duration::ZERO)?;
    let key = portcullis.key("bouncer")?;
    let is_refused = |address: &str| -> Result<bool> {
        let question = http_client()?.get(portcullis.url(&format!("/v1/decisions?ip={address}")));
        let answer = ask(question.header("x-api-key", &key))?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.body.trim() != "null")
    };
    portcullis.wait_until("the impostor was refused", |_| is_refused(IMPOSTOR))?;
    ensure!(!is_refused(CRAWLER)?, "whatever it was led to");
    Ok(())
}
