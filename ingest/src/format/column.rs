//! The pieces of a request that formats carry or do not carry, and what is lost without each.

/// A piece of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// When.
    At,
    /// The connection's peer, or the address that the gateway resolved.
    Peer,
    /// The forwarded chain.
    Forwarded,
    /// The gateway's consumer.
    Consumer,
    /// The subject of a token.
    Subject,
    /// The API key.
    ApiKey,
    /// The session's cookie or token.
    Session,
    /// The subject of the client's certificate.
    Certificate,
    /// Virtual host.
    Host,
    /// Method.
    Method,
    /// Path with its query.
    Target,
    /// Path alone.
    Path,
    /// Query alone.
    Query,
    /// Method, target and protocol in one text.
    RequestLine,
    /// Status sent to the client.
    Status,
    /// Bytes received from the client.
    BytesIn,
    /// Bytes sent to the client.
    BytesOut,
    /// How long the request took.
    Duration,
    /// How long the upstream took.
    Upstream,
    /// Protocol.
    Protocol,
    /// User agent.
    UserAgent,
    /// Referer.
    Referer,
    /// TLS version.
    Tls,
    /// Fingerprint of the TLS hello.
    Fingerprint,
}

impl Column {
    /// Every column, in the order in which people read a request.
    pub const ALL: [Self; 24] = [
        Self::At,
        Self::Peer,
        Self::Forwarded,
        Self::Consumer,
        Self::Subject,
        Self::ApiKey,
        Self::Session,
        Self::Certificate,
        Self::Method,
        Self::Host,
        Self::Target,
        Self::Path,
        Self::Query,
        Self::RequestLine,
        Self::Protocol,
        Self::Status,
        Self::BytesIn,
        Self::BytesOut,
        Self::Duration,
        Self::Upstream,
        Self::UserAgent,
        Self::Referer,
        Self::Tls,
        Self::Fingerprint,
    ];

    /// Its public name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Peer => "client",
            Self::Forwarded => "forwarded",
            Self::Consumer => "consumer",
            Self::Subject => "subject",
            Self::ApiKey => "api_key",
            Self::Session => "session",
            Self::Certificate => "certificate",
            Self::Host => "host",
            Self::Method => "method",
            Self::Target => "target",
            Self::Path => "path",
            Self::Query => "query",
            Self::RequestLine => "request",
            Self::Status => "status",
            Self::BytesIn => "bytes_in",
            Self::BytesOut => "bytes_out",
            Self::Duration => "duration_ms",
            Self::Upstream => "upstream_ms",
            Self::Protocol => "protocol",
            Self::UserAgent => "user_agent",
            Self::Referer => "referer",
            Self::Tls => "tls",
            Self::Fingerprint => "fingerprint",
        }
    }
}

/// What is lost when none of the columns is there.
const LOSSES: &[(&[Column], &str)] = &[
    (
        &[Column::Peer],
        "who connected: an address is only claimed, and nothing can be blocked by it",
    ),
    (
        &[Column::Forwarded],
        "the client behind a proxy, unless the gateway resolves it before it logs",
    ),
    (
        &[
            Column::Consumer,
            Column::Subject,
            Column::ApiKey,
            Column::Session,
            Column::Certificate,
        ],
        "who was authenticated: one key or account used from many addresses",
    ),
    (&[Column::Host], "which virtual host was asked for"),
    (&[Column::BytesIn], "how much clients send: uploads, large bodies"),
    (
        &[Column::BytesOut],
        "how much clients fetch: harvesting by volume",
    ),
    (
        &[Column::Duration],
        "how long requests take: few but expensive requests",
    ),
    (&[Column::Upstream], "how much work reaches the upstream"),
    (&[Column::UserAgent], "which program a client claims to be"),
    (
        &[Column::Referer],
        "where a request came from: forged cross-site requests",
    ),
    (&[Column::Tls], "the TLS version"),
    (
        &[Column::Fingerprint],
        "which program speaks TLS: one program behind many addresses and names",
    ),
];

/// What no access log shows.
const ALWAYS_LOST: &str = "request bodies and cookies: payloads sent in them are not seen";

/// What is lost with times in whole seconds.
const COARSE_TIME: &str = "rhythm within a second: requests are timed in whole seconds";

/// The losses of a format that carries those columns and tells time that exactly.
pub(super) fn blind_spots(carried: &[(Column, String)], resolution_millis: u32) -> Vec<&'static str> {
    let is_carried = |wanted: &Column| carried.iter().any(|(column, _)| column == wanted);
    let lost = LOSSES
        .iter()
        .filter(|(columns, _)| !columns.iter().any(is_carried))
        .map(|(_, loss)| *loss);
    let coarse = (resolution_millis >= 1000).then_some(COARSE_TIME);
    lost.chain(coarse).chain([ALWAYS_LOST]).collect()
}
