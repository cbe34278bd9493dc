//! HAProxy's text logs: `option httplog`, `option httpslog`, `option httplog clf`.
//!
//! The times of the first two name no zone: they are taken for UTC. Captured headers (`{…}`) have no names in the
//! line: what they hold is not read. A description of one's own (`haproxy: …`) gives them names.

use super::Provenance;
use super::layout::{Known, Layout, compile_all, haproxy};
use crate::gateway::Gateway;
use std::sync::LazyLock;

/// `option httplog`, as `default_http_log_format` in HAProxy's `src/log.c` has it.
pub(super) const HTTP: Known = Known {
    name: "haproxy_http",
    description: "HAProxy's `option httplog`",
    gateway: Gateway::HaProxy,
    provenance: Provenance::documented("https://docs.haproxy.org/3.2/configuration.html#8.2.3"),
    layouts: || &HTTP_LAYOUTS,
};

/// `option httpslog`: the same, and what is known of the TLS handshake.
pub(super) const HTTPS: Known = Known {
    name: "haproxy_https",
    description: "HAProxy's `option httpslog`",
    gateway: Gateway::HaProxy,
    provenance: Provenance::documented("https://docs.haproxy.org/3.2/configuration.html#8.2.4"),
    layouts: || &HTTPS_LAYOUTS,
};

/// `option httplog clf`: Common Log Format, then HAProxy's own fields.
pub(super) const CLF: Known = Known {
    name: "haproxy_clf",
    description: "HAProxy's `option httplog clf`",
    gateway: Gateway::HaProxy,
    provenance: Provenance::documented("https://docs.haproxy.org/3.2/configuration.html#option%20httplog"),
    layouts: || &CLF_LAYOUTS,
};

static HTTP_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        haproxy,
        &[
            "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r",
        ],
    )
});

static HTTPS_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        haproxy,
        &[
            "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r \
           %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc",
        ],
    )
});

static CLF_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let description = r#"%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS"#;
    // Two lists of captures may follow, each between quotes of its own.
    compile_all(haproxy, &[description])
        .into_iter()
        .map(Layout::with_tail)
        .collect()
});
