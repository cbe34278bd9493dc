//! CrowdSec's local API, without its own detection: what becomes of an address is what it tells a bouncer.

use super::{Plan, REFUSED_BY_HAND, Way, advised, clock};
use crate::component::{Command, Stop, Supervised, ask, http_client, program, run};
use anyhow::{Result, ensure};
use enforcer::connector::{Crowdsec, CrowdsecSettings};
use serde_json::Value;
use std::path::Path;

/// The machine's password, and the bouncer's key.
const PASSWORD: &str = "0123456789abcdefghij";
const KEY: &str = "key-of-a-bouncer";

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let file = folder.join("config.yaml");
    lay_out(folder, &file, port)?;
    let settings = CrowdsecSettings {
        url: format!("http://127.0.0.1:{port}"),
        machine: "portcullis".to_owned(),
        password: PASSWORD.to_owned(),
        origin: "portcullis".to_owned(),
        scenario: "portcullis/decisions".to_owned(),
    };
    let told = format!(
        "[gateways.crowdsec]\nurl = \"{}\"\npassword = \"{PASSWORD}\"\n",
        settings.url
    );
    let connector = Crowdsec::new(settings, clock())?;
    let [at_the_server] = advised(&connector)?;
    let shell = format!(
        "cscli() {{ command cscli -c {} \"$@\"; }}\n{at_the_server}",
        file.display()
    );
    run(std::process::Command::new("bash")
        .args(["-ec", &shell])
        .env("PORTCULLIS_CROWDSEC_PASSWORD", PASSWORD))?;
    run(cscli(&file)?.args(["bouncers", "add", "judge", "--key", KEY]))?;
    put_by_hand(folder, &file)?;
    Ok(Plan {
        command: server(folder, &file)?,
        settings: told,
        way: Way::Asked(Box::new(move |address| status_for(port, address))),
        connector: Box::new(connector),
    })
}

fn server(folder: &Path, file: &Path) -> Result<Command> {
    Ok(
        Command::new("crowdsec", folder, Stop::Kill, program("crowdsec")?).args([
            Path::new("-no-cs"),
            Path::new("-c"),
            file,
        ]),
    )
}

fn cscli(file: &Path) -> Result<std::process::Command> {
    let mut command = std::process::Command::new(program("cscli")?);
    command.arg("-c").arg(file);
    Ok(command)
}

/// What Debian's package has below /etc, in a folder of the test's own; nothing is shared with CrowdSec's own servers.
fn lay_out(folder: &Path, file: &Path, port: u16) -> Result<()> {
    let shown = folder.display();
    for name in ["data", "hub", "notifications", "plugins"] {
        std::fs::create_dir(folder.join(name))?;
    }
    std::fs::write(folder.join("hub/.index.json"), "{}")?;
    std::fs::write(folder.join("simulation.yaml"), "simulation: off\n")?;
    std::fs::write(folder.join("credentials.yaml"), "")?;
    std::fs::write(
        folder.join("profiles.yaml"),
        "name: none\nfilters: [\"false\"]\non_success: break\n",
    )?;
    std::fs::write(
        file,
        format!(
            "common: {{ daemonize: false, log_media: stdout, log_level: warning, working_dir: {shown} }}
config_paths:
  config_dir: {shown}
  data_dir: {shown}/data
  simulation_path: {shown}/simulation.yaml
  hub_dir: {shown}/hub
  index_path: {shown}/hub/.index.json
  notification_dir: {shown}/notifications
  plugin_dir: {shown}/plugins
db_config: {{ log_level: warning, type: sqlite, db_path: {shown}/data/crowdsec.db, use_wal: true }}
api:
  client: {{ credentials_path: {shown}/credentials.yaml }}
  server: {{ log_level: warning, listen_uri: \"127.0.0.1:{port}\", profiles_path: {shown}/profiles.yaml }}
prometheus: {{ enabled: false }}
"
        ),
    )?;
    Ok(())
}

/// A person bans an address, for longer than any test.
fn put_by_hand(folder: &Path, file: &Path) -> Result<()> {
    let own = folder.join("by-hand");
    std::fs::create_dir(&own)?;
    run(cscli(file)?.args(["machines", "add", "by-hand", "--auto", "--force"]))?;
    let server = Supervised::start(&server(&own, file)?)?;
    server.wait_until("it answered", || {
        let added = cscli(file).and_then(|mut cscli| {
            run(cscli.args(["decisions", "add", "--ip", REFUSED_BY_HAND, "--duration", "240h"]))
        });
        added.is_ok()
    })?;
    server.crash()
}

/// What a bouncer does that has the key.
fn status_for(port: u16, address: &str) -> Result<u16> {
    let url = format!("http://127.0.0.1:{port}/v1/decisions?ip={address}");
    let answer = ask(http_client()?.get(url).header("x-api-key", KEY))?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.body);
    match answer.json()? {
        Value::Null => Ok(200),
        _ => Ok(403),
    }
}
