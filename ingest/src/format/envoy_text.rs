//! Text logs of Envoy and Istio. Both are forgeable: Envoy writes what clients send as it stands, so a quote in a
//! user agent shifts the fields behind it. Envoy's names no peer, so its clients are only claimed.

use super::Provenance;
use super::layout::{Known, Layout, compile_all, envoy};
use crate::gateway::Gateway;
use std::sync::LazyLock;

/// What Envoy writes when it is told no format.
pub(super) const ENVOY: Known = Known {
    name: "envoy_text",
    description: "Envoy's default text",
    gateway: Gateway::Envoy,
    provenance: Provenance::documented(
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
    ),
    layouts: || &ENVOY_LAYOUTS,
};

/// What Istio tells Envoy to write, since 1.9 and before.
pub(super) const ISTIO: Known = Known {
    name: "istio_text",
    description: "Istio's default text",
    gateway: Gateway::Envoy,
    provenance: Provenance::documented("https://istio.io/latest/docs/tasks/observability/logs/access-log/"),
    layouts: || &ISTIO_LAYOUTS,
};

static ENVOY_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        envoy,
        &[
            r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#,
        ],
    )
});

static ISTIO_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    compile_all(
        envoy,
        &[
            r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#,
            r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% "%DYNAMIC_METADATA(istio.mixer:status)%" "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#,
        ],
    )
});
