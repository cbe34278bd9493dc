//! The pieces of a request that formats carry or do not carry, and what is lost without each.

use domain::ThreatKind;

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
    /// A token, or what it holds, which nobody checked.
    Token,
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
    pub const ALL: [Self; 25] = [
        Self::At,
        Self::Peer,
        Self::Forwarded,
        Self::Consumer,
        Self::Subject,
        Self::ApiKey,
        Self::Session,
        Self::Token,
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
            Self::Token => "token",
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

/// What cannot be seen in a log that lacks some pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The pieces: any one of them would do, and of the time a finer one. Empty for what no access log shows.
    pub columns: &'static [Column],
    /// What is lost, in a sentence.
    pub sentence: &'static str,
    /// The threats of which less is seen, or nothing: those, and no others, of which a test of the whole program sees less when
    /// it takes the pieces away.
    pub threats: &'static [ThreatKind],
}

/// What is lost when none of the columns is there.
const LOSSES: &[Loss] = &[
    Loss {
        columns: &[Column::Peer],
        sentence: "who connected: an address is only claimed, and nothing can be blocked by it",
        threats: ThreatKind::ALL,
    },
    Loss {
        columns: &[Column::Forwarded],
        sentence: "the client behind a proxy, unless the gateway resolves it before it logs",
        threats: &[],
    },
    Loss {
        columns: &[
            Column::Consumer,
            Column::Subject,
            Column::ApiKey,
            Column::Session,
            Column::Certificate,
        ],
        sentence: "who was authenticated: one key or account used from many addresses",
        threats: &[ThreatKind::TokenAbuse],
    },
    Loss {
        columns: &[Column::Target, Column::Query, Column::RequestLine],
        sentence: "queries: payloads and objects in them, and pages asked for again and again with another query",
        threats: &[
            ThreatKind::Injection,
            ThreatKind::ObjectEnumeration,
            ThreatKind::DenialOfService,
        ],
    },
    Loss {
        columns: &[Column::Host],
        sentence: "which virtual host was asked for",
        threats: &[],
    },
    Loss {
        columns: &[Column::BytesIn],
        sentence: "how much clients send: large bodies, and whether each try sends something else",
        threats: &[],
    },
    Loss {
        columns: &[Column::BytesOut],
        sentence: "how much clients fetch: one page as the answer to everything, and the one answer that differs",
        threats: &[ThreatKind::Reconnaissance, ThreatKind::CredentialCracking],
    },
    Loss {
        columns: &[Column::Duration, Column::Upstream],
        sentence: "how long requests take: few but expensive requests",
        threats: &[ThreatKind::ResourceExhaustion],
    },
    Loss {
        columns: &[Column::Upstream],
        sentence: "how much work reaches the upstream",
        threats: &[],
    },
    Loss {
        columns: &[Column::UserAgent],
        sentence: "which program a client claims to be: tools by their names, payloads in the header",
        threats: &[
            ThreatKind::Reconnaissance,
            ThreatKind::Injection,
            ThreatKind::CredentialStuffing,
            ThreatKind::ObjectEnumeration,
        ],
    },
    Loss {
        columns: &[Column::Referer],
        sentence: "where a request came from",
        threats: &[],
    },
    Loss {
        columns: &[Column::Tls],
        sentence: "the TLS version",
        threats: &[],
    },
    Loss {
        columns: &[Column::Fingerprint],
        sentence: "which program speaks TLS: one program behind many addresses and names",
        threats: &[ThreatKind::CredentialStuffing],
    },
];

/// What no access log shows.
const ALWAYS_LOST: Loss = Loss {
    columns: &[],
    sentence: "request bodies and cookies: payloads sent in them are not seen",
    threats: &[ThreatKind::Injection],
};

/// What is lost with times in whole seconds.
const COARSE_TIME: Loss = Loss {
    columns: &[Column::At],
    sentence: "rhythm within a second: requests are timed in whole seconds",
    threats: &[],
};

/// What cannot be seen in a log that carries those columns (each with its name there) and tells time that exactly.
#[must_use]
pub fn losses(carried: &[(Column, String)], resolution_millis: u32) -> Vec<&'static Loss> {
    let is_carried = |wanted: &Column| carried.iter().any(|(column, _)| column == wanted);
    let lost = LOSSES.iter().filter(|loss| !loss.columns.iter().any(is_carried));
    let coarse = (resolution_millis >= 1000).then_some(&COARSE_TIME);
    lost.chain(coarse).chain([&ALWAYS_LOST]).collect()
}
