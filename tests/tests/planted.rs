//! What somebody else makes people's programs ask for blocks nobody: a page of fifty pictures whose addresses only scanners want, opened in a
//! real Chromium, and links in messages that a program looks up which shows what is behind them. The same requests by whoever chose
//! them himself are refused.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Nginx, Portcullis, Setup, Site, ask, program};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Addresses that the visitors come from: all of 127.0.0.0/8 is this machine.
const READER: Ipv4Addr = Ipv4Addr::LOCALHOST;
const PREVIEW: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const SCANNER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);

const SHOP: &str = "shop.example";
const PICTURES: usize = 50;

/// What the pictures are called.
fn baits() -> impl Iterator<Item = String> {
    let names = [
        "/.env",
        "/.git/config",
        "/wp-config.php.bak",
        "/.aws/credentials",
        "/id_rsa",
        "/backup.sql",
        "/phpmyadmin/index.php",
        "/?q=1%27+union+select+1,2,3--",
        "/?f=../../../../etc/passwd",
        "/cgi-bin/test.cgi",
    ];
    (0..PICTURES).map(move |number| {
        let name = names[number % names.len()];
        let mark = if name.contains('?') { '&' } else { '?' };
        format!("{name}{mark}n={number}")
    })
}

/// The shop, which has nothing of that, and the page of somebody else.
fn servers(site: &Site, format: &str) -> String {
    let (folder, port) = (site.folder.display(), site.port);
    format!(
        r#"log_format as_json escape=json '{{"msec":$msec,"remote_addr":"$remote_addr","host":"$host","method":"$request_method","request_uri":"$request_uri","protocol":"$server_protocol","status":$status,"body_bytes_sent":$body_bytes_sent,"http_referer":"$http_referer","http_user_agent":"$http_user_agent"}}';
  server {{
    listen 127.0.0.1:{port} default_server;
    server_name {SHOP};
    access_log {folder}/access.log {format};
    location = / {{ if ($args) {{ return 404; }} return 200 "welcome"; }}
    location / {{ return 404; }}
  }}
  server {{
    listen 127.0.0.1:{port};
    server_name evil.example;
    root {folder};
    default_type text/html;
  }}"#
    )
}

fn write_page(nginx: &Nginx) -> Result<()> {
    let port = nginx.site().port;
    let mut page = String::from("<!doctype html><title>Kittens</title>\n");
    for bait in baits() {
        writeln!(
            page,
            "<img src=\"http://{SHOP}:{port}{}\">",
            bait.replace('&', "&amp;")
        )?;
    }
    Ok(std::fs::write(nginx.site().folder.join("page.html"), page)?)
}

/// Opens the page as a reader does.
fn open_page(nginx: &Nginx, profile: &Path) -> Result<()> {
    let chromium = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| program(name).ok())
        .context("Chromium is missing: run scripts/setup.sh test")?;
    let page = format!("http://evil.example:{}/page.html", nginx.site().port);
    let status = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--disable-background-networking", "--no-first-run", "--dump-dom"])
        // Every name is this machine, so that nothing else can be asked.
        .arg("--host-resolver-rules=MAP * 127.0.0.1")
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("--timeout=20000")
        .arg(page)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("could not start Chromium")?;
    ensure!(status.success(), "Chromium failed: {status}");
    Ok(())
}

/// Asks for all of it from an address, by that name.
fn ask_for_all(nginx: &Nginx, from: Ipv4Addr, agent: &str) -> Result<()> {
    for bait in baits() {
        let client = reqwest::Client::builder()
            .local_address(IpAddr::V4(from))
            .user_agent(agent)
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build()?;
        ask(client.get(nginx.url(&bait)).header("host", SHOP))?;
    }
    Ok(())
}

fn is_blocked(portcullis: &Portcullis, address: Ipv4Addr) -> Result<bool> {
    let all = portcullis.decisions()?;
    Ok(all
        .iter()
        .any(|decision| decision["value"] == address.to_string() && decision["action"] == "block"))
}

#[test]
fn pictures_on_somebody_elses_page_and_links_in_messages_block_nobody() -> Result<()> {
    let nginx = Nginx::start(|site| servers(site, "as_json"))?;
    write_page(&nginx)?;
    let log = nginx.site().folder.join("access.log");
    let portcullis = Portcullis::start(&Setup::new().file(&log).with("clients", "private_clients = true"))?;
    let profile = tempfile::tempdir()?;
    open_page(&nginx, profile.path())?;
    ask_for_all(
        &nginx,
        PREVIEW,
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    )?;
    ask_for_all(
        &nginx,
        SCANNER,
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    )?;
    let written = std::fs::read_to_string(&log)?;
    let by_pictures = written
        .lines()
        .filter(|line| line.contains(&READER.to_string()) && line.contains("http://evil.example"))
        .count();
    ensure!(
        by_pictures >= PICTURES,
        "Chromium asked for {by_pictures} pictures"
    );
    portcullis.wait_until_counted(written.lines().count())?;
    portcullis.wait_until("whoever asked of his own will was blocked", |portcullis| {
        is_blocked(portcullis, SCANNER)
    })?;
    for (who, address) in [("the reader", READER), ("the program that shows links", PREVIEW)] {
        ensure!(!is_blocked(&portcullis, address)?, "{who} was blocked");
    }
    Ok(())
}
