//! Who is at the other end of a connection, and whether the connection is about to end.

use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

/// The other end of the connection that a request came by. Every listener adds it to its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

/// Says when the listener stops, to answers that would otherwise never end.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(pub(crate) CancellationToken);
