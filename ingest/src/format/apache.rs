//! Apache httpd's text logs: `common`, `combined`, `vhost_combined`.

use super::combined::ClfFormat;
use super::escape::Style;

/// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`. The same grammar as NGINX's: told apart by its escapes.
pub(super) const COMBINED: ClfFormat = ClfFormat {
    name: "apache_combined",
    description: "Apache httpd's `combined`",
    has_host: false,
    quoted: 2,
    style: Style::Apache,
};

/// `%h %l %u %t "%r" %>s %b`
pub(super) const COMMON: ClfFormat = ClfFormat {
    name: "apache_common",
    description: "Apache httpd's `common` (Common Log Format)",
    has_host: false,
    quoted: 0,
    style: Style::Apache,
};

/// `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`
pub(super) const VHOST: ClfFormat = ClfFormat {
    name: "apache_vhost",
    description: "Apache httpd's `vhost_combined`: combined behind the virtual host",
    has_host: true,
    quoted: 2,
    style: Style::Apache,
};
