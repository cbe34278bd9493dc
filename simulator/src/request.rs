//! One request as a client sends it, with the intent behind it that no log shows.

use std::sync::Arc;

/// What the sender knows and a log does not: it decides how the simulated server answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intent {
    /// Whether it carries credentials, and whether they are right.
    pub(crate) credentials: Credentials,
    /// Whether it carries a live session or token.
    pub(crate) has_session: bool,
    /// Whether the session is an administrator's.
    pub(crate) is_admin: bool,
    /// Whether the object asked for belongs to the session.
    pub(crate) owns_object: bool,
    /// Whether the client holds a copy and asks only for a newer one.
    pub(crate) has_copy: bool,
    /// Whether it asks for a part of a file.
    pub(crate) wants_part: bool,
    /// Whether it arrives without TLS.
    pub(crate) is_plain_http: bool,
    /// Whether it carries an attack payload.
    pub(crate) has_payload: bool,
    /// Whether the server would refuse its content (a taken name, a wrong coupon).
    pub(crate) is_invalid: bool,
    /// After how many milliseconds the client hangs up.
    pub(crate) patience_ms: Option<u32>,
    /// Size of the body.
    pub(crate) body_bytes: u32,
    /// Whether it is part of an attack: what truth files count from.
    pub(crate) is_attack: bool,
}

/// Credentials that came with a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Credentials {
    #[default]
    None,
    Wrong,
    Right,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method as sent; empty when the request line is garbage.
    pub method: &'static str,
    /// Path as sent, percent-encoded, without the query; for garbage the raw request line.
    pub path: String,
    /// Query without the question mark.
    pub query: Option<String>,
    /// Referer.
    pub referer: Option<Arc<str>>,
    /// User agent.
    pub user_agent: Option<Arc<str>>,
    /// `HTTP/1.1`, `HTTP/2.0`, ….
    pub protocol: &'static str,
    /// Whether the request line has no method and path.
    pub is_malformed: bool,
    /// What the log does not show.
    pub intent: Intent,
}

impl Request {
    /// The same request with a query.
    #[must_use]
    pub(crate) fn query(mut self, query: impl Into<String>) -> Self {
        self.query = Some(query.into());
        self
    }

    /// The same request, coming from that page.
    #[must_use]
    pub(crate) fn referred_by(mut self, referer: Option<Arc<str>>) -> Self {
        self.referer = referer;
        self
    }

    /// The same request as a part of an attack.
    #[must_use]
    pub(crate) fn hostile(mut self) -> Self {
        self.intent.is_attack = true;
        self
    }

    /// The same request with a session.
    #[must_use]
    pub(crate) fn with_session(mut self) -> Self {
        self.intent.has_session = true;
        self
    }

    /// The same request for the session's own object.
    #[must_use]
    pub(crate) fn for_own_object(mut self) -> Self {
        self.intent.has_session = true;
        self.intent.owns_object = true;
        self
    }

    /// The same request with credentials.
    #[must_use]
    pub(crate) fn with_credentials(mut self, are_right: bool) -> Self {
        self.intent.credentials = if are_right {
            Credentials::Right
        } else {
            Credentials::Wrong
        };
        self
    }

    /// The same request by a client that may hold a copy.
    #[must_use]
    pub(crate) fn if_newer(mut self, has_copy: bool) -> Self {
        self.intent.has_copy = has_copy;
        self
    }

    /// The same request, answered by a redirect to HTTPS where the site does so.
    #[must_use]
    pub(crate) fn over_plain_http(mut self, is_plain: bool) -> Self {
        self.intent.is_plain_http = is_plain;
        self
    }
}

/// What a client does next: wait, then send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Milliseconds to wait.
    pub(crate) after_ms: u64,
    /// Whether the wait counts from the last request instead of from its answer: parallel connections.
    pub(crate) is_parallel: bool,
    /// What is sent then.
    pub(crate) request: Request,
}

impl Step {
    /// Sends the request `after_ms` after the last answer.
    #[must_use]
    pub(crate) fn after(after_ms: u64, request: Request) -> Self {
        Self {
            after_ms,
            is_parallel: false,
            request,
        }
    }

    /// Sends the request `after_ms` after the last request, without waiting for its answer.
    #[must_use]
    pub(crate) fn beside(after_ms: u64, request: Request) -> Self {
        Self {
            after_ms,
            is_parallel: true,
            request,
        }
    }
}
