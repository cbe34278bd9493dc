//! A network that leads nowhere: a server's address on a bridge, and a network namespace with one address for each client.
//!
//! Everything lives in namespaces of one process tree and goes with it, however it ends. Needs root.

use super::{is_root, program, run};
use anyhow::{Context as _, Result, ensure};
use std::net::Ipv4Addr;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Where the server is. The range is meant for measurements between networks (RFC 2544): nobody on the internet has it,
/// and it does not count as private, whose clients are never blocked.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// How many of the bits of its addresses belong to the network.
const PREFIX: u8 = 15;
/// The third number of an address is a client's own, so that no two clients are neighbours in one /24.
const CLIENTS_MAX: u8 = 250;
/// Becomes the first process of its namespace: it ends, and with it everything, when it is told to.
const FIRST_PROCESS: &str = r#"trap 'exit 130' INT TERM; "$@" & wait $!"#;

/// The network, as seen by a process inside it.
#[derive(Debug)]
pub struct Network {
    _made_here: (),
}

/// One client's place in the network.
#[derive(Debug)]
pub struct Place {
    name: String,
}

impl Network {
    /// Runs this very program again, with these arguments, in namespaces of its own, and waits for its end.
    pub fn run_inside(arguments: &[String]) -> Result<ExitStatus> {
        ensure!(
            is_root(),
            "network namespaces need root: run this as root, or with sudo"
        );
        let this = std::env::current_exe().context("could not find this program's own file")?;
        Command::new(program("unshare")?)
            .args([
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["bash", "-c", FIRST_PROCESS, "first-process"])
            .arg(this)
            .args(arguments)
            .status()
            .context("could not run unshare (Debian's util-linux)")
    }

    /// Lays the network out; `host` becomes a name for [`SERVER`]. Only inside [`Network::run_inside`].
    pub fn new(host: &str, folder: &Path) -> Result<Self> {
        ensure_inside()?;
        // What follows is seen by nobody outside: the mounts are this namespace's own.
        let hosts = folder.join("hosts");
        std::fs::write(&hosts, format!("127.0.0.1 localhost\n{SERVER} {host}\n"))?;
        let hosts = hosts.to_str().context("the folder's name is not text")?;
        run(Command::new("mount").args(["--bind", hosts, "/etc/hosts"]))?;
        run(Command::new("mount").args(["-t", "tmpfs", "namespaces", "/run"]))?;
        ip("link set lo up")?;
        ip("link add bridge0 type bridge").context("this kernel makes no bridges")?;
        ip(&format!("address add {SERVER}/{PREFIX} dev bridge0"))?;
        ip("link set bridge0 up")?;
        Ok(Self { _made_here: () })
    }

    /// The address of the client with this number.
    pub const fn address(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, number, 7)
    }

    /// Gives a client a place of its own; `number` tells clients apart.
    pub fn place(&self, number: u8) -> Result<Place> {
        ensure!(
            (1..=CLIENTS_MAX).contains(&number),
            "no place {number}: at most {CLIENTS_MAX}"
        );
        let name = format!("client{number}");
        let address = Self::address(number);
        ip(&format!("netns add {name}"))?;
        ip(&format!(
            "link add port{number} type veth peer name eth0 netns {name}"
        ))?;
        ip(&format!("link set port{number} master bridge0 up"))?;
        ip(&format!("-n {name} address add {address}/{PREFIX} dev eth0"))?;
        ip(&format!("-n {name} link set lo up"))?;
        ip(&format!("-n {name} link set eth0 up"))?;
        Ok(Place { name })
    }
}

impl Place {
    /// A command that runs at this place.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

/// Refuses to touch the network and the mounts of the machine itself.
fn ensure_inside() -> Result<()> {
    let devices = std::fs::read_to_string("/proc/net/dev").context("could not read /proc/net/dev")?;
    let outside = devices
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, _)| name.trim() != "lo");
    ensure!(
        parent_id() == 1 && !outside,
        "this is not a fresh network namespace: start the program without --inside"
    );
    Ok(())
}

/// Runs `ip` with these words.
fn ip(words: &str) -> Result<()> {
    run(Command::new(program("ip")?).args(words.split(' '))).map(drop)
}
