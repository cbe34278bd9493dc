//! Debian's crowdsec-firewall-bouncer, unchanged, in a network namespace of its own: the rules are the kernel's own, and nobody else's.

use super::{Command, Portcullis, Stop, Supervised, folder, is_root, program, run};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;

/// Becomes the relay inside, once the namespace has a loopback.
const MACHINE: &str =
    r#"echo $$ >"$1/namespace" && ip link set lo up && exec python3 "$1/relay.py" inside "$2" "$1/socket""#;

/// Whether a server on the loopback of the namespace hears somebody at an address: one that it started itself.
const REACH: &str = r#"
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
try:
    with socket.create_connection(server.getsockname(), timeout=1, source_address=(sys.argv[1], 0)):
        print("reached")
except TimeoutError:
    print("dropped")
"#;

/// A firewall in a namespace, and the bouncer that keeps it.
#[derive(Debug)]
pub struct FirewallBouncer {
    // Dropped before the folder: the order of the fields is the order of the end.
    bouncer: Option<(Supervised, tempfile::TempDir)>,
    /// The port and the key that it asks with.
    asks: (String, String),
    _outside: Supervised,
    machine: Supervised,
    folder: tempfile::TempDir,
}

impl FirewallBouncer {
    /// Starts it with a key; it looks for news each second.
    pub fn start(portcullis: &Portcullis, key: &str) -> Result<Self> {
        ensure!(is_root(), "a firewall's rules need root: run this test as root");
        let folder = folder("firewall-bouncer")?;
        let place = folder.path();
        let authority = portcullis.authority();
        let (_, port) = authority.rsplit_once(':').context("no port")?;
        std::fs::write(place.join("relay.py"), include_str!("relay.py"))?;
        std::fs::write(place.join("reach.py"), REACH)?;
        let outside = Command::new("relay", place, Stop::Terminate, program("python3")?)
            .args([&place.join("relay.py")])
            .args(["outside", port])
            .args([&place.join("socket")]);
        let outside = Supervised::start(&outside)?;
        outside.wait_until("it listened", || place.join("socket").exists())?;
        let machine = Command::new("machine", place, Stop::Kill, program("unshare")?)
            .args(["--net", "bash", "-c", MACHINE, "machine"])
            .args([&place.display().to_string(), port]);
        let machine = Supervised::start(&machine)?;
        machine.wait_until("it was there", || place.join("namespace").exists())?;
        let mut made = Self {
            bouncer: None,
            asks: (port.to_owned(), key.to_owned()),
            _outside: outside,
            machine,
            folder,
        };
        // The bouncer ends for good when its first question fails.
        let listens = |made: &Self| {
            let listed = made.inside(&["ss", "-ltn"]);
            listed.is_ok_and(|listed| listed.contains(&format!("127.0.0.1:{port}")))
        };
        made.machine.wait_until("its relay listened", || listens(&made))?;
        made.start_bouncer()?;
        Ok(made)
    }

    /// Starts the bouncer, anew where it was stopped.
    pub fn start_bouncer(&mut self) -> Result<()> {
        let pid = std::fs::read_to_string(self.folder.path().join("namespace"))?;
        // A folder goes with its process.
        let folder = folder("firewall-bouncer-itself")?;
        let file = folder.path().join("bouncer.yaml");
        let (port, key) = &self.asks;
        std::fs::write(&file, configuration(folder.path(), port, key))?;
        let command = Command::new("bouncer", folder.path(), Stop::Terminate, program("nsenter")?)
            .args(["--target", pid.trim(), "--net"])
            .args([program("crowdsec-firewall-bouncer")?])
            .args([Path::new("-c"), &file]);
        self.bouncer = Some((Supervised::start(&command)?, folder));
        Ok(())
    }

    /// Ends the bouncer; its rules go or stay as it likes.
    pub fn stop_bouncer(&mut self) {
        self.bouncer = None;
    }

    /// Waits until the firewall holds an address, or does not.
    pub fn wait_until_held(&self, address: &str, is_held: bool) -> Result<()> {
        let what = if is_held { "it held" } else { "it let go of" };
        self.machine.wait_until(&format!("{what} {address}"), || {
            self.holds(address).is_ok_and(|held| held == is_held)
        })
    }

    /// Whether the firewall holds an address.
    pub fn holds(&self, address: &str) -> Result<bool> {
        let listed = self.inside(&["nft", "list", "ruleset"])?;
        Ok(listed
            .split(|part: char| !part.is_ascii_digit() && part != '.')
            .any(|part| part == address))
    }

    /// Whether packets from an address come through.
    pub fn lets_through(&self, address: &str) -> Result<bool> {
        let script = self.folder.path().join("reach.py");
        let told = self.inside(&["python3", &script.display().to_string(), address])?;
        Ok(told.trim() == "reached")
    }

    fn inside(&self, words: &[&str]) -> Result<String> {
        let pid = std::fs::read_to_string(self.folder.path().join("namespace"))?;
        let mut command = std::process::Command::new(program("nsenter")?);
        command.args(["--target", pid.trim(), "--net"]).args(words);
        run(&mut command)
    }
}

/// As the package ships it, with the places that a test needs.
fn configuration(folder: &Path, port: &str, key: &str) -> String {
    let folder = folder.display();
    format!(
        "mode: nftables
pid_dir: {folder}
update_frequency: 1s
daemonize: false
log_mode: stdout
log_dir: {folder}
log_level: info
api_url: http://127.0.0.1:{port}/
api_key: {key}
insecure_skip_verify: false
disable_ipv6: true
deny_action: DROP
deny_log: false
supported_decisions_types:
  - ban
blacklists_ipv4: crowdsec-blacklists
blacklists_ipv6: crowdsec6-blacklists
nftables:
  ipv4:
    enabled: true
    set-only: false
    table: crowdsec
    chain: crowdsec-chain
  ipv6:
    enabled: false
prometheus:
  enabled: false
"
    )
}
