//! HAProxy, by a map.

use super::{Plan, REFUSED_BY_HAND, Way, advised};
use crate::component::{Command, Stop, program};
use anyhow::Result;
use enforcer::connector::{Haproxy, HaproxySettings, HaproxySocket};
use std::path::Path;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let (socket, map) = (folder.join("admin.sock"), folder.join("portcullis.map"));
    std::fs::write(&map, format!("{REFUSED_BY_HAND} block\n"))?;
    let connector = Haproxy::new(HaproxySettings {
        socket: HaproxySocket::Unix(socket.clone()),
        map: map.display().to_string(),
    });
    let [global, frontend] = advised(&connector)?;
    let file = folder.join("haproxy.cfg");
    std::fs::write(
        &file,
        format!(
            "global
    maxconn 500
{global}
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend all
    bind 127.0.0.1:{port}
{frontend}
    http-request return status 200 content-type text/plain string hello
"
        ),
    )?;
    Ok(Plan {
        command: Command::new("haproxy", folder, Stop::Terminate, program("haproxy")?).args([
            Path::new("-db"),
            Path::new("-f"),
            &file,
        ]),
        settings: format!(
            "[gateways.haproxy]\nsocket = \"{}\"\nmap = \"{}\"\n",
            socket.display(),
            map.display()
        ),
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}
