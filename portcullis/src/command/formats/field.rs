//! The fields of a request as people read them, each with the columns that may hold it.

use domain::{AddressSource, Client, RequestRecord, Scope};
use ingest::{Column, mask};

/// A field of a request: its name, the columns that may hold it, and its value in a record.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) value: fn(&RequestRecord<'_>) -> Option<String>,
}

/// The fields in the order of the public contract.
pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "at",
        columns: &[Column::At],
        value: |record| Some(record.at.to_string()),
    },
    Field {
        name: "client",
        columns: &[Column::Peer, Column::Forwarded],
        value: |record| {
            let address = record.address?;
            Some(match record.address_source {
                AddressSource::Claimed => format!("{address} (only claimed)"),
                _ => address.to_string(),
            })
        },
    },
    Field {
        name: "name",
        columns: &[
            Column::Consumer,
            Column::Subject,
            Column::ApiKey,
            Column::Session,
            Column::Certificate,
        ],
        value: |record| match &record.client {
            Client::Named { scope, .. } if matches!(scope, Scope::ApiKey | Scope::Session) => {
                Some(format!("{scope} (only its keyed hash is kept)"))
            }
            Client::Named { scope, value } => Some(format!("{scope} {value}")),
            Client::Ip(_) | Client::Range(_) => None,
        },
    },
    Field {
        name: "method",
        columns: &[Column::Method, Column::RequestLine],
        value: |record| text(Some(&record.method)),
    },
    Field {
        name: "host",
        columns: &[Column::Host],
        value: |record| text(record.host.as_deref()),
    },
    Field {
        name: "path",
        columns: &[Column::Target, Column::Path, Column::RequestLine],
        value: |record| text(Some(&mask::url(&record.path))),
    },
    Field {
        name: "query",
        columns: &[Column::Query, Column::Target, Column::RequestLine],
        value: |record| text(record.query.as_deref().map(mask::query).as_deref()),
    },
    Field {
        name: "status",
        columns: &[Column::Status],
        value: |record| {
            Some(record.status)
                .filter(|status| *status != 0)
                .map(|status| status.to_string())
        },
    },
    Field {
        name: "bytes_in",
        columns: &[Column::BytesIn],
        value: |record| record.bytes_in.map(|bytes| bytes.to_string()),
    },
    Field {
        name: "bytes_out",
        columns: &[Column::BytesOut],
        value: |record| record.bytes_out.map(|bytes| bytes.to_string()),
    },
    Field {
        name: "duration_ms",
        columns: &[Column::Duration],
        value: |record| record.duration_ms.map(|millis| millis.to_string()),
    },
    Field {
        name: "upstream_ms",
        columns: &[Column::Upstream],
        value: |record| record.upstream_ms.map(|millis| millis.to_string()),
    },
    Field {
        name: "protocol",
        columns: &[Column::Protocol, Column::RequestLine],
        value: |record| text(record.protocol.as_deref()),
    },
    Field {
        name: "user_agent",
        columns: &[Column::UserAgent],
        value: |record| text(record.user_agent.as_deref()),
    },
    Field {
        name: "referer",
        columns: &[Column::Referer],
        value: |record| text(record.referer.as_deref().map(mask::url).as_deref()),
    },
    Field {
        name: "tls",
        columns: &[Column::Tls],
        value: |record| text(record.tls.as_deref()),
    },
    Field {
        name: "fingerprint",
        columns: &[Column::Fingerprint],
        value: |record| text(record.fingerprint.as_deref()),
    },
];

fn text(value: Option<&str>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(str::to_owned)
}
