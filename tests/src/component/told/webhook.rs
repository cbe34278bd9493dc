//! A gateway that listens to webhooks: a program of the tests, which checks their signatures with a library of its language.

use super::{Plan, REFUSED_BY_HAND, Way, clock};
use crate::component::{Command, Stop, program};
use anyhow::Result;
use enforcer::connector::{Webhook, WebhookSettings};
use std::path::Path;

/// The secret of these messages.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Answers 403 to whom it was told to block; remembers nothing when it is started anew.
const GATEWAY: &str = r#"
import base64, hashlib, hmac, http.server, ipaddress, json, sys, time
port, secret, by_hand = int(sys.argv[1]), base64.b64decode(sys.argv[2].removeprefix("whsec_")), sys.argv[3]
holds, coming, seen = {}, {}, set()
def range_of(entry):
    return ipaddress.ip_network(entry["client"])
def take(message):
    global holds
    data = message["data"]
    if message["type"] == "portcullis.changes":
        for entry in data["put"]: holds[range_of(entry)] = entry
        for entry in data["remove"]: holds.pop(range_of(entry), None)
    else:
        parts = coming.setdefault(data["list"], {})
        parts[data["part"]] = data["entries"]
        if len(parts) == data["parts"]:
            holds = {range_of(entry): entry for part in coming.pop(data["list"]).values() for entry in part}
class Gateway(http.server.BaseHTTPRequestHandler):
    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name, sent = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        right = base64.b64encode(hmac.digest(secret, f"{name}.{sent}.".encode() + body, hashlib.sha256)).decode()
        signatures = [one.split(",", 1)[1] for one in self.headers["webhook-signature"].split(" ") if one.startswith("v1,")]
        if not any(hmac.compare_digest(right, one) for one in signatures) or abs(time.time() - int(sent)) > 300:
            return self.answer(401)
        if name not in seen:
            seen.add(name)
            take(json.loads(body))
        self.answer(204)
    def do_GET(self):
        address = ipaddress.ip_address(self.client_address[0])
        told = any(address in known and entry["action"] == "block" for known, entry in holds.items())
        self.answer(403 if told or str(address) == by_hand else 200)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Gateway).serve_forever()
"#;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let file = folder.join("gateway.py");
    std::fs::write(&file, GATEWAY)?;
    let settings = WebhookSettings {
        url: format!("http://127.0.0.1:{port}/told"),
        secret: SECRET.to_owned(),
    };
    Ok(Plan {
        command: Command::new("listener", folder, Stop::Kill, program("python3")?)
            .args([&file])
            .args([port.to_string(), SECRET.to_owned(), REFUSED_BY_HAND.to_owned()]),
        settings: format!(
            "[gateways.webhook]\nurl = \"{}\"\nsecret = \"{SECRET}\"\n",
            settings.url
        ),
        way: Way::Loopback(port),
        connector: Box::new(Webhook::new(settings, clock())?),
    })
}
