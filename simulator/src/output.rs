//! What a run gives out: one request with its answer, and its form as a request record.

use crate::request::Request;
use crate::world::Response;
use domain::{AddressSource, Client, HashKey, Position, RequestRecord, Timestamp};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// Bytes of a request line and the headers that every client sends.
const HEADER_BYTES: u64 = 190;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedRequest {
    /// When it was sent.
    pub at: Timestamp,
    /// Number of the client within the run.
    pub client: u32,
    /// The client's address.
    pub address: IpAddr,
    pub(crate) host: Arc<str>,
    pub(crate) request: Request,
    pub(crate) response: Response,
    /// Whether the gateway stopped it on our word.
    pub is_stopped: bool,
}

impl SimulatedRequest {
    /// Virtual host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The request as sent.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.response.status
    }

    /// Bytes of the answer.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.response.bytes
    }

    /// Milliseconds from the request's first byte to the answer's last.
    #[must_use]
    pub const fn duration_ms(&self) -> f32 {
        self.response.duration_ms
    }

    /// Whether it is part of an attack: the truth that no log shows.
    #[must_use]
    pub const fn is_attack(&self) -> bool {
        self.request.intent.is_attack
    }

    /// The record that a gateway's log would give, borrowing its text; `ingest::into_owned` makes it last. The
    /// key is the one with which routes and objects are hashed.
    #[must_use]
    pub fn record(&self, key: &HashKey) -> RequestRecord<'_> {
        let request = &self.request;
        RequestRecord {
            at: self.at,
            client: Client::from_address(self.address),
            former: None,
            claim: None,
            address: Some(self.address),
            address_source: AddressSource::Peer,
            method: Cow::Borrowed(request.method),
            host: Some(Cow::Borrowed(&self.host)),
            path: Cow::Borrowed(&request.path),
            query: request.query.as_deref().map(Cow::Borrowed),
            route: ingest::route::digest(&request.path, key),
            status: self.response.status,
            bytes_in: Some(self.bytes_in()),
            bytes_out: Some(self.response.bytes),
            duration_ms: Some(self.response.duration_ms),
            upstream_ms: self.response.upstream_ms,
            protocol: Some(Cow::Borrowed(request.protocol)),
            user_agent: request.user_agent.as_deref().map(Cow::Borrowed),
            referer: request.referer.as_deref().map(Cow::Borrowed),
            tls: (!request.intent.is_plain_http).then_some(Cow::Borrowed("TLSv1.3")),
            fingerprint: None,
            network: None,
            is_malformed: request.is_malformed,
            is_ambiguous: false,
            is_stopped: self.is_stopped,
            position: Position::default(),
        }
    }

    /// Bytes of the request: its line, its usual headers, its body.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        let request = &self.request;
        let query_bytes = request.query.as_ref().map_or(0, String::len);
        let agent_bytes = request.user_agent.as_ref().map_or(0, |agent| agent.len());
        HEADER_BYTES
            + (request.path.len() + query_bytes + agent_bytes) as u64
            + u64::from(request.intent.body_bytes)
    }
}
