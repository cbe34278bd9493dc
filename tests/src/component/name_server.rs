//! A real name server (dnsmasq) that knows a test's names and nobody else's.

use super::{Command, Stop, Supervised, folder, free_ports, program};
use anyhow::Result;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// A name server that runs until this value is dropped.
#[derive(Debug)]
pub struct NameServer {
    // Dropped before the folder: the order of the fields is the order of the end.
    _daemon: Supervised,
    port: u16,
    _folder: tempfile::TempDir,
}

impl NameServer {
    /// Starts one on the loopback. Each of `hosts` is a name with its address, both ways; each of `names` says only what an address is called.
    pub fn start(hosts: &[(&str, IpAddr)], names: &[(&str, IpAddr)]) -> Result<Self> {
        let folder = folder("names")?;
        let [port] = free_ports()?;
        let mut arguments = vec![
            "--keep-in-foreground".to_owned(),
            "--conf-file=/dev/null".to_owned(),
            "--no-resolv".to_owned(),
            "--no-hosts".to_owned(),
            "--bind-interfaces".to_owned(),
            "--listen-address=127.0.0.1".to_owned(),
            "--log-facility=-".to_owned(),
            "--log-queries".to_owned(),
            "--pid-file".to_owned(),
            "--user=root".to_owned(),
            format!("--port={port}"),
        ];
        if !super::is_root() {
            arguments.retain(|argument| argument != "--user=root");
        }
        arguments.extend(
            hosts
                .iter()
                .map(|(name, address)| format!("--host-record={name},{address}")),
        );
        arguments.extend(names.iter().map(|(name, address)| {
            let IpAddr::V4(v4) = address else {
                return format!("--ptr-record={address},{name}");
            };
            let [a, b, c, d] = v4.octets();
            format!("--ptr-record={d}.{c}.{b}.{a}.in-addr.arpa,{name}")
        }));
        let command =
            Command::new("dnsmasq", folder.path(), Stop::Terminate, program("dnsmasq")?).args(arguments);
        let daemon = Supervised::start(&command)?;
        // Its sockets are bound before it says that it began.
        daemon.wait_until("it listened", || UdpSocket::bind(("127.0.0.1", port)).is_err())?;
        Ok(Self {
            _daemon: daemon,
            port,
            _folder: folder,
        })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}
