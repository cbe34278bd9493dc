//! Traefik's default access log: Common Log Format with five fields behind it.
//!
//! Forgeable: `pkg/middlewares/accesslog/logger_formatters.go` puts texts between quotes and escapes nothing
//! (`toLogEntry`). The status is the upstream's; where there was none Traefik writes `0` or a dash.

use super::layout::{Escape, Field, Kind, Known, Layout, Moment, Piece, Token};
use super::{Provenance, WrongFormat};
use crate::gateway::Gateway;
use std::sync::LazyLock;

pub(super) const FORMAT: Known = Known {
    name: "traefik_clf",
    description: "Traefik's `common`, its default",
    gateway: Gateway::Traefik,
    provenance: Provenance::documented("https://doc.traefik.io/traefik/observe/logs-and-access-logs/"),
    layouts: || &LAYOUTS,
};

static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let layout = layout();
    debug_assert!(layout.is_ok(), "{layout:?}");
    layout.into_iter().collect()
});

fn layout() -> Result<Layout, WrongFormat> {
    let field = |name: &str, piece, kind| Token::Field(Field::new(name, piece, kind));
    let text = |text: &str| Token::Text(text.to_owned());
    let tokens = vec![
        field("ClientHost", Piece::Peer, Kind::Word),
        text(" - "),
        field("ClientUsername", Piece::Ignored, Kind::Free),
        text(" ["),
        field("StartUTC", Piece::At, Kind::Moment(Moment::Clf)),
        text("] \""),
        field(
            "RequestMethod RequestPath RequestProtocol",
            Piece::RequestLine,
            Kind::Free,
        ),
        text("\" "),
        field("OriginStatus", Piece::Status, Kind::Word),
        text(" "),
        field("OriginContentSize", Piece::BytesOut, Kind::Word),
        text(" \""),
        field("request_Referer", Piece::Referer, Kind::Free),
        text("\" \""),
        field("request_User-Agent", Piece::UserAgent, Kind::Free),
        text("\" "),
        field("RequestCount", Piece::Ignored, Kind::Word),
        text(" \""),
        field("RouterName", Piece::Ignored, Kind::Free),
        text("\" \""),
        field("ServiceURL", Piece::Ignored, Kind::Free),
        text("\" "),
        field("Duration", Piece::Duration(1.0), Kind::Word),
        text("ms"),
    ];
    Layout::compile(tokens, Escape::Nothing)
}
