//! NGINX text logs: the predefined `combined`, and `main` of the packaged configuration.

use super::combined::ClfFormat;
use super::escape::Style;

/// `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`
pub(super) const COMBINED: ClfFormat = ClfFormat {
    name: "nginx_combined",
    description: "NGINX's predefined format `combined`",
    has_host: false,
    quoted: 2,
    style: Style::Nginx,
};

/// `combined` and `"$http_x_forwarded_for"`: what the packaged nginx.conf calls `main`.
pub(super) const MAIN: ClfFormat = ClfFormat {
    name: "nginx_main",
    description: "`main` of NGINX's packaged configuration: combined and the forwarded chain",
    has_host: false,
    quoted: 3,
    style: Style::Nginx,
};
