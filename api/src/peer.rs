//! Who is at the other end of a connection.

use std::net::SocketAddr;

/// The other end of the connection that a request came by. Every listener adds it to its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}
