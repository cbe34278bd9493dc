//! Products built on NGINX whose access logs have a layout of their own.

use super::Provenance;
use super::layout::{Known, Layout, compile_all, nginx};
use crate::gateway::Gateway;
use std::sync::LazyLock;

/// APISIX's own file, as `apisix/cli/config.lua` has it.
pub(super) const APISIX: Known = Known {
    name: "apisix_access",
    description: "APISIX's access log file",
    gateway: Gateway::Apisix,
    provenance: Provenance::documented("apisix/cli/config.lua of apache/apisix, access_log_format"),
    layouts: || &APISIX_LAYOUTS,
};

/// NGINX Proxy Manager, `docker/rootfs/etc/nginx/conf.d/include/log*.conf`.
pub(super) const PROXY_MANAGER: Known = Known {
    name: "nginx_proxy_manager",
    description: "NGINX Proxy Manager's `proxy` and `standard`",
    gateway: Gateway::Nginx,
    provenance: Provenance::documented(
        "nginx.conf of NginxProxyManager/nginx-proxy-manager, log_format proxy",
    ),
    layouts: || &PROXY_MANAGER_LAYOUTS,
};

/// NPMplus. Neither the referer nor the user agent stands between quotes: where the one ends is the client's word.
pub(super) const NPMPLUS: Known = Known {
    name: "npmplus",
    description: "NPMplus' access log",
    gateway: Gateway::Nginx,
    provenance: Provenance::documented("nginx.conf of ZoeyVid/NPMplus, log_format"),
    layouts: || &NPMPLUS_LAYOUTS,
};

/// BunkerWeb, the default of its setting `LOG_FORMAT`.
pub(super) const BUNKERWEB: Known = Known {
    name: "bunkerweb",
    description: "BunkerWeb's default LOG_FORMAT",
    gateway: Gateway::Nginx,
    provenance: Provenance::documented("https://docs.bunkerweb.io/latest/settings/, LOG_FORMAT"),
    layouts: || &BUNKERWEB_LAYOUTS,
};

static APISIX_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let head = r#"$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time "$upstream_scheme://$upstream_host$upstream_uri""#;
    // The upstream's URL is one text to us. Its request's identifier was added in 3.11.
    let head = head.replace(
        "$upstream_scheme://$upstream_host$upstream_uri",
        "$upstream_http_url",
    );
    compile_all(nginx, &[&format!(r#"{head} "$apisix_request_id""#), &head])
});

static PROXY_MANAGER_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        nginx,
        &[
            r#"[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer""#,
            r#"[$time_local] $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer""#,
        ],
    )
});

static NPMPLUS_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        nginx,
        &[
            r#"[$time_local] $host $remote_addr $request_time "$request" $status $body_bytes_sent $bytes_sent $http_referer $http_user_agent"#,
        ],
    )
});

static BUNKERWEB_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        nginx,
        &[
            r#"$host $remote_addr - $request_id $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
        ],
    )
});
