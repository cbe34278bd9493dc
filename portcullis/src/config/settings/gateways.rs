//! `[[gateways]]`: gateways that are told what to carry out. Those that ask by themselves need no entry.

use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Kinds of gateways: each is a table of its own inside an entry.
pub(crate) const KINDS: [&str; 13] = [
    "nginx",
    "haproxy",
    "nftables",
    "redis",
    "envoy",
    "caddy",
    "webhook",
    "crowdsec",
    "kong",
    "apisix",
    "cloudflare",
    "aws_wafv2",
    "nginx_lua",
];

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Longest part of a command, in bytes, and most of them.
const ARGUMENT_BYTES_MAX: usize = 1024;

/// See [`ARGUMENT_BYTES_MAX`].
const ARGUMENTS_MAX: usize = 64;

pub(super) const GATEWAYS: Section = Section {
    path: "gateways[]",
    is_optional: false,
    about: "A gateway that is told what to carry out: its list is kept equal to what was decided. One table inside says of which \
            kind it is. Gateways that ask (/check, bouncers) need no entry. `portcullis gateways connect` prints what to put into the \
            gateway's own configuration.",
    settings: &[
        setting(
            "gateways[].name",
            Kind::Text(NAME_BYTES_MAX),
            Required(r#""edge-1""#),
            Restart,
            "Its name, in metrics, the dashboard and the log.",
        ),
        setting(
            "gateways[].gateway",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""edge-1""#),
            Restart,
            "The gateway whose decisions it is told, as sources name it. Without it: what holds at all of them.",
        ),
        setting(
            "gateways[].read_secs",
            Kind::Integer(1, 86_400),
            Absent("10"),
            Restart,
            "How often it is read to see whether somebody changed it or restarted it; a webhook is told everything instead. Without it: as often \
             as suits its kind.",
        ),
        setting(
            "gateways[].change_secs",
            Kind::Integer(0, 86_400),
            Absent("5"),
            Restart,
            "The shortest time between two changes. Without it: what suits its kind (5 s where it takes a reload).",
        ),
        setting(
            "gateways[].on_stop",
            Kind::Choice(&["leave", "flush"]),
            Value(r#""leave""#),
            Restart,
            "What becomes of its list when Portcullis stops: it stays, or is emptied.",
        ),
    ],
};

pub(super) const NGINX: Section = Section {
    path: "gateways[].nginx",
    is_optional: true,
    about: "NGINX, by a file that a geo block includes.",
    settings: &[
        setting(
            "gateways[].nginx.file",
            Kind::File,
            Required(r#""/etc/nginx/portcullis.geo""#),
            Restart,
            "The file. What stands outside the marks in it stays.",
        ),
        setting(
            "gateways[].nginx.pid_file",
            Kind::File,
            Value(r#""/run/nginx.pid""#),
            Restart,
            "Where NGINX writes its process number: by it is seen that a reload took effect.",
        ),
        setting(
            "gateways[].nginx.test",
            Kind::List(&Kind::Text(ARGUMENT_BYTES_MAX), 1, ARGUMENTS_MAX),
            Value(r#"["nginx", "-t", "-q"]"#),
            Restart,
            "The program that tests NGINX's configuration before it is loaded.",
        ),
        setting(
            "gateways[].nginx.reload",
            Kind::List(&Kind::Text(ARGUMENT_BYTES_MAX), 1, ARGUMENTS_MAX),
            Value(r#"["nginx", "-s", "reload"]"#),
            Restart,
            "The program that makes NGINX load it.",
        ),
    ],
};

pub(super) const HAPROXY: Section = Section {
    path: "gateways[].haproxy",
    is_optional: true,
    about: "HAProxy, by its runtime API: a map that is changed without a reload.",
    settings: &[
        setting(
            "gateways[].haproxy.socket",
            Kind::Text(ARGUMENT_BYTES_MAX),
            Required(r#""/run/haproxy/admin.sock""#),
            Restart,
            "The socket of its `stats socket … level admin`: a path, or a host and a port.",
        ),
        setting(
            "gateways[].haproxy.map",
            Kind::Text(ARGUMENT_BYTES_MAX),
            Value(r#""/etc/haproxy/portcullis.map""#),
            Restart,
            "The map, named as in HAProxy's configuration.",
        ),
    ],
};

pub(super) const NFTABLES: Section = Section {
    path: "gateways[].nftables",
    is_optional: true,
    about: "nftables, by sets of a table of its own: packets of blocked clients are dropped. For hosts that clients reach directly: behind \
            a load balancer every packet is the balancer's.",
    settings: &[
        setting(
            "gateways[].nftables.command",
            Kind::List(&Kind::Text(ARGUMENT_BYTES_MAX), 1, ARGUMENTS_MAX),
            Value(r#"["nft"]"#),
            Restart,
            "The program that changes it, with what stands before its arguments.",
        ),
        setting(
            "gateways[].nftables.table",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "The table, of the family inet.",
        ),
    ],
};

pub(super) const REDIS: Section = Section {
    path: "gateways[].redis",
    is_optional: true,
    about: "Redis, for gateways that look clients up there by themselves: a key for each, which ends by itself.",
    settings: &[
        setting(
            "gateways[].redis.url",
            Kind::Url(&["redis://", "rediss://"]),
            Required(r#""redis://127.0.0.1:6379""#),
            Restart,
            "Where it is: redis://user:password@host:port/database; rediss:// for TLS.",
        ),
        setting(
            "gateways[].redis.prefix",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis:""#),
            Restart,
            "What all keys begin with: letters, digits and _-.: only.",
        ),
    ],
};

pub(super) const ENVOY: Section = Section {
    path: "gateways[].envoy",
    is_optional: true,
    about: "Envoy, by the configuration of a filter that it reads from a file.",
    settings: &[
        setting(
            "gateways[].envoy.file",
            Kind::File,
            Required(r#""/etc/envoy/portcullis.json""#),
            Restart,
            "The file, which is Portcullis' own.",
        ),
        setting(
            "gateways[].envoy.admin",
            Kind::Url(&["http://", "https://"]),
            Value(r#""http://127.0.0.1:9901""#),
            Restart,
            "Envoy's admin interface: it says what Envoy has taken up.",
        ),
    ],
};

pub(super) const CADDY: Section = Section {
    path: "gateways[].caddy",
    is_optional: true,
    about: "Caddy, by its admin API: a route of its configuration.",
    settings: &[
        setting(
            "gateways[].caddy.admin",
            Kind::Url(&["http://", "https://"]),
            Value(r#""http://127.0.0.1:2019""#),
            Restart,
            "Caddy's admin API.",
        ),
        setting(
            "gateways[].caddy.server",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""srv0""#),
            Restart,
            "The server whose first route is put there when Caddy has none of Portcullis': srv0 with most Caddyfiles. Without it the \
             route has to be there.",
        ),
        setting(
            "gateways[].caddy.matcher",
            Kind::Choice(&["remote_ip", "client_ip"]),
            Value(r#""remote_ip""#),
            Restart,
            "How Caddy finds a client's address: client_ip (since Caddy 2.7) behind its trusted_proxies.",
        ),
    ],
};

pub(super) const WEBHOOK: Section = Section {
    path: "gateways[].webhook",
    is_optional: true,
    about: "Anything that listens to HTTP: each change, signed as www.standardwebhooks.com says, and now and then everything.",
    settings: &[
        setting(
            "gateways[].webhook.url",
            Kind::Url(&["https://", "http://"]),
            Required(r#""https://edge.internal/portcullis""#),
            Restart,
            "Where messages go. With http only the loopback.",
        ),
        setting(
            "gateways[].webhook.secret",
            Kind::Secret,
            Required(r#"{ env = "PORTCULLIS_WEBHOOK_SECRET" }"#),
            Restart,
            "What messages are signed with: whsec_ and the base64 of 24 to 64 random bytes.",
        ),
    ],
};
