//! nftables, in a network namespace of its own, in front of a server that answers whoever reaches it.

use super::{Plan, REFUSED_BY_HAND, Way, advised, clock};
use crate::component::{Command, Stop, is_root, program};
use anyhow::{Context as _, Result};
use enforcer::connector::{Nftables, NftablesSettings};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Lays out the network and its rules, as a machine does when it starts, and becomes the server.
const MACHINE: &str = r#"echo $$ >"$1/pid" && ip link set lo up && nft -f "$1/nftables.conf" &&
exec python3 -m http.server --bind 127.0.0.1 --directory "$1/served" "$2""#;

/// Asks the server from an address of its network. That nothing comes says nothing: refused is who is counted as dropped meanwhile.
const ASK: &str = r#"
import json, socket, subprocess, sys
address, port = sys.argv[1], int(sys.argv[2])
def dropped():
    listed = subprocess.run(["nft", "-j", "list", "table", "inet", "portcullis"], capture_output=True, check=True)
    rules = [row["rule"]["expr"] for row in json.loads(listed.stdout)["nftables"] if "rule" in row]
    return sum(part["counter"]["packets"] for rule in rules for part in rule if "counter" in part)
while True:
    before = dropped()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.3, source_address=(address, 0)) as server:
            server.settimeout(30)
            server.sendall(b"GET / HTTP/1.0\r\n\r\n")
            print(server.makefile("rb").readline().split()[1].decode())
            break
    except TimeoutError:
        if dropped() > before:
            print(403)
            break
"#;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let shown = folder.display();
    // Whoever is not root may be so in a namespace of users.
    let (as_root, inside): (&[&str], &str) = match is_root() {
        true => (&[], ""),
        false => (&["--map-root-user"], "--user --preserve-credentials"),
    };
    std::fs::create_dir(folder.join("served"))?;
    let script = folder.join("inside");
    std::fs::write(
        &script,
        format!("#!/bin/bash\nexec nsenter --target \"$(cat {shown}/pid)\" {inside} --net \"$@\"\n"),
    )?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    let ask = folder.join("ask.py");
    std::fs::write(&ask, ASK)?;

    let command = vec![
        script.display().to_string(),
        program("nft")?.display().to_string(),
    ];
    let settings = NftablesSettings {
        command: command.clone(),
        table: "portcullis".to_owned(),
    };
    let connector = Nftables::new(settings, clock())?;
    let [layout] = advised(&connector)?;
    let by_hand = format!("add element inet portcullis addresses4 {{ {REFUSED_BY_HAND} }}\n");
    std::fs::write(folder.join("nftables.conf"), layout + &by_hand)?;
    Ok(Plan {
        command: Command::new("firewall", folder, Stop::Kill, program("unshare")?)
            .args(as_root)
            .args(["--net", "bash", "-c", MACHINE, "machine"])
            .args([shown.to_string(), port.to_string()]),
        settings: format!("[gateways.nftables]\ncommand = {}\n", toml::Value::from(command)),
        way: Way::Namespace { script, ask, port },
        connector: Box::new(connector),
    })
}

/// The status of an answer to that address; 403 when its packets are dropped.
pub(super) fn status_for(script: &Path, ask: &Path, port: u16, address: &str) -> Result<u16> {
    let mut command = std::process::Command::new(script);
    command
        .arg("/usr/bin/python3")
        .arg(ask)
        .args([address.to_owned(), port.to_string()]);
    let told = crate::component::run(&mut command)?;
    told.trim().parse().with_context(|| format!("no status: {told}"))
}
