//! NGINX text logs: the predefined `combined`, and `main` of the packaged configuration.

use super::Provenance;
use super::combined::ClfFormat;
use super::escape::Style;
use crate::gateway::Gateway;

/// `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`
pub(super) const COMBINED: ClfFormat = ClfFormat {
    name: "nginx_combined",
    description: "NGINX's predefined format `combined`",
    gateway: Gateway::Nginx,
    provenance: Provenance::run("NGINX, Debian's package"),
    has_host: false,
    quoted: 2,
    style: Style::Nginx,
};

/// `combined` and `"$http_x_forwarded_for"`: what the packaged nginx.conf calls `main`.
pub(super) const MAIN: ClfFormat = ClfFormat {
    name: "nginx_main",
    description: "`main` of NGINX's packaged configuration: combined and the forwarded chain",
    gateway: Gateway::Nginx,
    provenance: Provenance::documented("nginx.conf of the packages of nginx.org"),
    has_host: false,
    quoted: 3,
    style: Style::Nginx,
};
