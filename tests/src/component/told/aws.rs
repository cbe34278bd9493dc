//! AWS WAF as moto, which others test their programs with, has it, behind a gateway that refuses whom any of its IP sets names.

use super::{Plan, REFUSED_BY_HAND, Way};
use crate::component::bouncer::environment;
use crate::component::{Command, Stop, free_ports};
use anyhow::Result;
use enforcer::connector::{AwsWafv2, AwsWafv2Settings};
use std::path::Path;

/// Remembers nothing when it is started anew, but what somebody else keeps in a set of his own.
const GATEWAY: &str = r#"
import http.server, ipaddress, sys
import boto3
from moto.server import ThreadedMotoServer
aws_port, port, by_hand = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
moto = ThreadedMotoServer(ip_address="127.0.0.1", port=aws_port)
moto.start()
waf = boto3.client("wafv2", region_name="eu-central-1", endpoint_url=f"http://127.0.0.1:{aws_port}",
                   aws_access_key_id="another", aws_secret_access_key="secret")
waf.create_ip_set(Name="office", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=[by_hand + "/32"])
def ranges():
    for known in waf.list_ip_sets(Scope="REGIONAL")["IPSets"]:
        whole = waf.get_ip_set(Name=known["Name"], Scope="REGIONAL", Id=known["Id"])
        yield from map(ipaddress.ip_network, whole["IPSet"]["Addresses"])
class Gateway(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def do_GET(self):
        address = ipaddress.ip_address(self.client_address[0])
        self.send_response(403 if any(address in known for known in ranges()) else 200)
        self.send_header("content-length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", port), Gateway).serve_forever()
"#;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let [aws_port] = free_ports()?;
    let file = folder.join("gateway.py");
    std::fs::write(&file, GATEWAY)?;
    let endpoint = format!("http://127.0.0.1:{aws_port}");
    let told = format!(
        "[gateways.aws_wafv2]\nregion = \"eu-central-1\"\nendpoint = \"{endpoint}\"\naccess_key_id = \"a-key\"\nsecret_access_key = \"0123456789abcdef\"\n"
    );
    let connector = AwsWafv2::new(AwsWafv2Settings {
        region: "eu-central-1".to_owned(),
        is_cloudfront: false,
        sets: ["portcullis-ipv4", "portcullis-ipv6"].map(str::to_owned),
        key: Some(("a-key".to_owned(), "0123456789abcdef".to_owned())),
        endpoint: Some(endpoint),
    })?;
    Ok(Plan {
        command: Command::new("moto", folder, Stop::Kill, environment()?.join("bin/python3"))
            .args([&file])
            .args([aws_port.to_string(), port.to_string(), REFUSED_BY_HAND.to_owned()]),
        settings: told,
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}
