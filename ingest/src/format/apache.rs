//! Apache httpd's text logs: `common`, `combined`, `vhost_combined`.

use super::Provenance;
use super::combined::ClfFormat;
use super::escape::Style;
use crate::gateway::Gateway;

/// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`. The same grammar as NGINX's: told apart by its escapes.
pub(super) const COMBINED: ClfFormat = ClfFormat {
    name: "apache_combined",
    description: "Apache httpd's `combined`",
    gateway: Gateway::Apache,
    provenance: Provenance::seen("SecRepo's web log, https://www.secrepo.com"),
    has_host: false,
    quoted: 2,
    style: Style::Apache,
};

/// `%h %l %u %t "%r" %>s %b`
pub(super) const COMMON: ClfFormat = ClfFormat {
    name: "apache_common",
    description: "Apache httpd's `common` (Common Log Format)",
    gateway: Gateway::Apache,
    provenance: Provenance::documented("https://httpd.apache.org/docs/2.4/logs.html"),
    has_host: false,
    quoted: 0,
    style: Style::Apache,
};

/// `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`
pub(super) const VHOST: ClfFormat = ClfFormat {
    name: "apache_vhost",
    description: "Apache httpd's `vhost_combined`: combined behind the virtual host",
    gateway: Gateway::Apache,
    provenance: Provenance::documented("https://httpd.apache.org/docs/2.4/logs.html"),
    has_host: true,
    quoted: 2,
    style: Style::Apache,
};
