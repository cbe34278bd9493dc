//! What a field of a layout holds, and where it ends.

use super::super::Column;
use super::time::Moment;

/// A field as its description names it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::format) struct Field {
    /// The gateway's name for it.
    pub(in crate::format) name: String,
    pub(in crate::format) piece: Piece,
    pub(in crate::format) kind: Kind,
    /// Which of several fields of one column is kept: the lowest.
    pub(in crate::format) rank: u8,
    /// Whether the gateway writes what a client sent as it stands.
    pub(in crate::format) is_raw: bool,
}

/// What a field says about the request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::format) enum Piece {
    /// Nothing that is read.
    Ignored,
    /// When.
    At,
    /// The client's address, perhaps with a port after a colon.
    Peer,
    /// The client's address, a colon, and a port; the address may hold colons and no brackets.
    PeerPort,
    Forwarded,
    Subject,
    ApiKey,
    Session,
    Token,
    Certificate,
    Host,
    Method,
    Target,
    Path,
    Query,
    Protocol,
    /// Method, target and protocol.
    RequestLine,
    /// The same, where the gateway writes absolute URLs: the host is taken out of them.
    RequestUrl,
    Status,
    BytesIn,
    BytesOut,
    /// A duration; times this it is milliseconds.
    Duration(f64),
    /// The upstream's; times this it is milliseconds.
    Upstream(f64),
    UserAgent,
    Referer,
    Tls,
    Fingerprint,
}

/// What the text of a field looks like.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::format) enum Kind {
    /// Neither spaces nor quotes in it: the gateway made it.
    Word,
    /// Words with commas or colons between them: one for each upstream that was tried.
    List,
    /// A moment, as long as it takes.
    Moment(Moment),
    /// Anything: somebody else chose it.
    Free,
    /// `{…}`, or nothing at all, not even the space after it.
    Braces,
}

/// How a gateway writes the bytes that would end a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Escape {
    /// `\xHH`: NGINX.
    Nginx,
    /// `\"`, `\\`, `\xhh`: Apache.
    Apache,
    /// `\"`, `\u00hh`: NGINX with `escape=json`.
    Json,
    /// `#HH`: HAProxy.
    Hash,
    /// As they stand: Envoy, Traefik.
    Nothing,
}

impl Escape {
    /// Whether a backslash takes the next byte with it.
    pub(super) const fn has_backslash(self) -> bool {
        matches!(self, Self::Nginx | Self::Apache | Self::Json)
    }
}

impl Field {
    /// A field of that piece.
    pub(in crate::format) fn new(name: &str, piece: Piece, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            piece,
            kind,
            rank: 0,
            is_raw: false,
        }
    }

    /// A field that is read over.
    pub(in crate::format) fn ignored(name: &str, kind: Kind) -> Self {
        Self::new(name, Piece::Ignored, kind)
    }

    /// With that rank among the fields of its column.
    pub(in crate::format) const fn ranked(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
}

impl Piece {
    /// The columns that it fills.
    pub(in crate::format) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Ignored => &[],
            Self::At => &[Column::At],
            Self::Peer | Self::PeerPort => &[Column::Peer],
            Self::Forwarded => &[Column::Forwarded],
            Self::Subject => &[Column::Subject],
            Self::ApiKey => &[Column::ApiKey],
            Self::Session => &[Column::Session],
            Self::Token => &[Column::Token],
            Self::Certificate => &[Column::Certificate],
            Self::Host => &[Column::Host],
            Self::Method => &[Column::Method],
            Self::Target => &[Column::Target],
            Self::Path => &[Column::Path],
            Self::Query => &[Column::Query],
            Self::Protocol => &[Column::Protocol],
            Self::RequestLine => &[Column::RequestLine],
            Self::RequestUrl => &[Column::RequestLine, Column::Host],
            Self::Status => &[Column::Status],
            Self::BytesIn => &[Column::BytesIn],
            Self::BytesOut => &[Column::BytesOut],
            Self::Duration(_) => &[Column::Duration],
            Self::Upstream(_) => &[Column::Upstream],
            Self::UserAgent => &[Column::UserAgent],
            Self::Referer => &[Column::Referer],
            Self::Tls => &[Column::Tls],
            Self::Fingerprint => &[Column::Fingerprint],
        }
    }

    /// Whether nothing is decided by it that a client could not have chosen anyway.
    pub(super) const fn is_clients_choice(self) -> bool {
        matches!(
            self,
            Self::Ignored | Self::UserAgent | Self::Referer | Self::Token
        )
    }

    /// Whether a client who shifts it shows somebody else, or another request than he sent.
    pub(super) const fn counts(self) -> bool {
        !self.is_clients_choice() && !matches!(self, Self::Tls | Self::Protocol)
    }

    /// Whether a text could be it: what tells one reading of a line from another.
    pub(super) fn accepts(self, text: &[u8]) -> bool {
        let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.');
        match self {
            Self::Status => is_status(text),
            Self::BytesIn | Self::BytesOut => text.len() <= NUMBER_BYTES_MAX && text.iter().all(is_number),
            Self::Peer | Self::PeerPort => text.len() <= ADDRESS_BYTES_MAX,
            _ => true,
        }
    }
}

/// Longest number that is believed: 64 bits have 20 digits.
const NUMBER_BYTES_MAX: usize = 20;

/// Longest address: IPv6 with an embedded IPv4, a zone, brackets and a port.
const ADDRESS_BYTES_MAX: usize = 80;

fn is_status(text: &[u8]) -> bool {
    text == b"-" || text == b"-1" || ((1..=3).contains(&text.len()) && text.iter().all(u8::is_ascii_digit))
}
