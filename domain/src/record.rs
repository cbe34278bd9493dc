//! One request, as read from one line of an access log.

use crate::{AddressSource, Client, Timestamp};
use std::borrow::Cow;
use std::net::IpAddr;
use std::num::NonZeroU64;

/// Where a line stood: what evidence points back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Number of the source: a file of a scan, a topic's partition of a run. Each has its own watermark.
    pub source: u32,
    /// Line number from 1 in a file, offset in a partition.
    pub line: u64,
}

/// What names an object: the `7` of `/users/7` or of `/account?user_id=7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectId {
    /// Hash of its text.
    pub hash: u64,
    /// Its value when it is a decimal number below 2^63.
    pub number: Option<u64>,
}

/// Whether the operator's documents name a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Documented {
    /// There are no documents.
    #[default]
    Unasked,
    /// None of them does.
    No,
    /// They do: its number in their catalogue.
    As(u16),
}

/// The path with its variable parts taken out, as numbers. `ingest::route` makes it and can write it as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Route {
    /// Hash of the template (`/users/{id}`).
    pub template: u64,
    /// Hash of the path as it was sent, without the query.
    pub path: u64,
    /// Number of path segments, at most 255.
    pub depth: u8,
    /// Whether it looks like a static file that pages load by themselves (style sheet, script, image, font).
    pub is_asset: bool,
    /// Whether documents name it.
    pub documented: Documented,
    /// The last variable part of the path; where it has none, the object that the query names.
    pub object: Option<ObjectId>,
}

/// One request. Text borrows from the line where it can; it is untrusted and unescaped but never masked here.
///
/// Absent fields are what the format does not carry: `None` never means zero.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord<'a> {
    /// When, by the gateway's clock.
    pub at: Timestamp,
    /// Who, in the narrowest form that the log proves.
    pub client: Client,
    /// The keyed hash of the client that the same secret named under the earlier key, while that still holds.
    pub former: Option<NonZeroU64>,
    /// The keyed hash of the subject that a token of an accepted request claims, unverified, where the configuration allows that it
    /// is looked at. It is shown with the request as evidence, and nothing is decided by it.
    pub claim: Option<NonZeroU64>,
    /// The client's address, also when `client` is a name.
    pub address: Option<IpAddr>,
    /// How that address is known. What was only claimed is never acted on.
    pub address_source: AddressSource,
    /// HTTP method as sent; empty for a line whose request could not be read by the gateway.
    pub method: Cow<'a, str>,
    /// Virtual host, without the port.
    pub host: Option<Cow<'a, str>>,
    /// Path as sent, still percent-encoded, without the query. For a malformed request the raw request text.
    pub path: Cow<'a, str>,
    /// Query as sent, without the question mark.
    pub query: Option<Cow<'a, str>>,
    /// The path, digested.
    pub route: Route,
    /// Status sent to the client; 0 when the client left before there was one.
    pub status: u16,
    /// Bytes received from the client.
    pub bytes_in: Option<u64>,
    /// Bytes sent to the client.
    pub bytes_out: Option<u64>,
    /// Time from the request's first byte to the response's last, in milliseconds.
    pub duration_ms: Option<f32>,
    /// Time the upstream took, in milliseconds.
    pub upstream_ms: Option<f32>,
    /// `HTTP/1.1`, `HTTP/2.0`, … as logged.
    pub protocol: Option<Cow<'a, str>>,
    /// User agent.
    pub user_agent: Option<Cow<'a, str>>,
    /// Referer.
    pub referer: Option<Cow<'a, str>>,
    /// TLS version, as logged.
    pub tls: Option<Cow<'a, str>>,
    /// Fingerprint of the client's TLS hello, as logged: JA4, or JA3 where the log has no other.
    pub fingerprint: Option<Cow<'a, str>>,
    /// Number of the autonomous system that announces the address, where a database of them was given.
    pub network: Option<u32>,
    /// Whether the request line is malformed (no method, no path): the gateway answered it with an error itself.
    pub is_malformed: bool,
    /// Whether the line could be read in more than one way (unescaped quotes): never evidence for a block.
    pub is_ambiguous: bool,
    /// Whether we stopped this request ourselves: it feeds no feature, no baseline, no training.
    pub is_stopped: bool,
    /// Where the line stood.
    pub position: Position,
}

impl RequestRecord<'_> {
    /// Whether the answer was a success or a redirect or not modified.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..400).contains(&self.status)
    }
}
