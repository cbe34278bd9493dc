//! NGINX, by a file that its `geo` block includes.

use super::{Plan, REFUSED_BY_HAND, Way, advised};
use crate::component::{Command, Stop, nginx, program};
use anyhow::Result;
use enforcer::connector::{Nginx, NginxSettings};
use std::path::Path;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let program = program("nginx")?;
    let shown = folder.display();
    let (list, configuration, pid_file) = (
        folder.join("portcullis.geo"),
        folder.join("nginx.conf"),
        folder.join("nginx.pid"),
    );
    std::fs::write(&list, format!("# By hand.\n{REFUSED_BY_HAND}/32 block;\n"))?;
    let arguments = [
        "-e".to_owned(),
        "stderr".to_owned(),
        "-p".to_owned(),
        shown.to_string(),
        "-c".to_owned(),
        configuration.display().to_string(),
    ];
    let with = |more: &[&str]| -> Vec<String> {
        let whole = std::iter::once(program.display().to_string()).chain(arguments.iter().cloned());
        whole.chain(more.iter().map(|text| (*text).to_owned())).collect()
    };
    let settings = NginxSettings {
        file: list.clone(),
        test: with(&["-t", "-q"]),
        reload: with(&["-s", "reload"]),
        pid_file: pid_file.clone(),
    };
    let (test, reload) = (
        toml::Value::from(settings.test.clone()),
        toml::Value::from(settings.reload.clone()),
    );
    let connector = Nginx::new(settings);
    let [http, server] = advised(&connector)?;
    let inside = format!(
        "{http}
server {{
  listen 127.0.0.1:{port};
  {server}
  location / {{ return 200 \"hello\"; }}
}}"
    );
    std::fs::write(&configuration, nginx::configuration(folder, ("", 2), &inside))?;
    Ok(Plan {
        command: Command::new("nginx", folder, Stop::Terminate, program).args(&arguments),
        settings: format!(
            "[gateways.nginx]\nfile = \"{}\"\npid_file = \"{}\"\ntest = {test}\nreload = {reload}\n",
            list.display(),
            pid_file.display()
        ),
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}
