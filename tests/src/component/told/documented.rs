//! Gateways that cannot run here: a program of the tests enforces what their documentation says, each rule with its page.

use super::{Plan, REFUSED_BY_HAND, Way, clock};
use crate::component::{Command, Stop, free_ports, program};
use anyhow::Result;
use enforcer::Connector;
use enforcer::connector::{
    Apisix, ApisixSettings, Cloudflare, CloudflareSettings, Crowdsec, CrowdsecSettings, Kong, KongSettings,
};
use std::path::Path;

/// What the programs share.
const API: &str = include_str!("documented/api.py");

/// The password of the machine that we are for CrowdSec.
const PASSWORD: &str = "0123456789abcdefghij";

/// The key that the APISIX of the tests wants.
const KEY: &str = "edd1c9f034335f136f87ad84b625c8f1";

/// The account that the Cloudflare of the tests has, and its token.
const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
const TOKEN: &str = "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY";

/// A server that has allowlists: the file `allowlist` of its folder is one.
pub(super) fn crowdsec(folder: &Path, port: u16) -> Result<Plan> {
    let [api_port] = free_ports()?;
    let settings = CrowdsecSettings {
        url: format!("http://127.0.0.1:{api_port}"),
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
    let text = include_str!("documented/crowdsec.py");
    plan(
        folder,
        ("crowdsec", text),
        [api_port, port],
        (told, Box::new(connector)),
    )
}

pub(super) fn kong(folder: &Path, port: u16) -> Result<Plan> {
    let [api_port] = free_ports()?;
    let admin = format!("http://127.0.0.1:{api_port}");
    let told = format!("[gateways.kong]\nadmin = \"{admin}\"\n");
    let connector = Kong::new(KongSettings {
        admin,
        token: None,
        service: None,
    })?;
    let text = include_str!("documented/kong.py");
    plan(
        folder,
        ("kong", text),
        [api_port, port],
        (told, Box::new(connector)),
    )
}

pub(super) fn apisix(folder: &Path, port: u16) -> Result<Plan> {
    let [api_port] = free_ports()?;
    let admin = format!("http://127.0.0.1:{api_port}");
    let told = format!("[gateways.apisix]\nadmin = \"{admin}\"\nkey = \"{KEY}\"\n");
    let connector = Apisix::new(ApisixSettings {
        admin,
        key: KEY.to_owned(),
    })?;
    let text = include_str!("documented/apisix.py");
    plan(
        folder,
        ("apisix", text),
        [api_port, port],
        (told, Box::new(connector)),
    )
}

pub(super) fn cloudflare(folder: &Path, port: u16) -> Result<Plan> {
    let [api_port] = free_ports()?;
    let api = format!("http://127.0.0.1:{api_port}");
    let told = format!(
        "[gateways.cloudflare]\napi = \"{api}\"\naccount = \"{ACCOUNT}\"\ntoken = \"{TOKEN}\"\nitems_max = 9999\n"
    );
    let connector = Cloudflare::new(CloudflareSettings {
        api,
        account: ACCOUNT.to_owned(),
        token: TOKEN.to_owned(),
        list: "portcullis".to_owned(),
        items_max: 9_999,
    })?;
    let text = include_str!("documented/cloudflare.py");
    plan(
        folder,
        ("cloudflare", text),
        [api_port, port],
        (told, Box::new(connector)),
    )
}

fn plan(
    folder: &Path,
    (name, text): (&str, &str),
    ports: [u16; 2],
    (settings, connector): (String, Box<dyn Connector>),
) -> Result<Plan> {
    let file = folder.join(format!("{name}.py"));
    std::fs::write(&file, text)?;
    std::fs::write(folder.join("api.py"), API)?;
    let kept = folder.join("kept.json").display().to_string();
    Ok(Plan {
        command: Command::new(name, folder, Stop::Kill, program("python3")?)
            .args([&file])
            .args(ports.map(|port| port.to_string()))
            .args([kept, REFUSED_BY_HAND.to_owned()]),
        settings,
        way: Way::Loopback(ports[1]),
        connector,
    })
}
