//! NGINX's `log_format`, and what is built on NGINX: `$name` and `${name}`.

use super::field::{Escape, Field, Kind, Piece};
use super::time::{Moment, Unit};
use super::{Token, nginx_json, written};
use crate::format::choice::Language;
use crate::format::{Format, WrongFormat};
use crate::gateway::Gateway;
use std::sync::Arc;

/// NGINX's own language.
pub(in crate::format) const NGINX: Language = Language {
    name: "nginx",
    example: r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_user_agent" rt=$request_time"#,
    read,
};

const PAGE: &str = "https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format";

fn read(text: &str) -> Result<Arc<dyn Format>, WrongFormat> {
    let (description, escape) = joined(text)?;
    if description.trim_start().starts_with('{') {
        return nginx_json::NginxJson::new(&description).map(written::json);
    }
    let about = ("nginx", "a `log_format` of NGINX's that you wrote down", PAGE);
    written::text(Gateway::Nginx, about, (tokens(&description)?, escape))
}

/// The tokens of a description, which may be pasted as it stands in nginx.conf.
///
/// # Errors
/// When a quote or a brace is not closed, or the way of escaping is unknown.
pub(in crate::format) fn parse(text: &str) -> Result<(Vec<Token>, Escape), WrongFormat> {
    let (description, escape) = joined(text)?;
    Ok((tokens(&description)?, escape))
}

/// Takes `log_format NAME escape=… '…' '…';` apart and joins its pieces; anything else is the format already.
fn joined(text: &str) -> Result<(String, Escape), WrongFormat> {
    let mut rest = text.trim();
    if let Some(after) = rest.strip_prefix("log_format") {
        rest = after.trim_start();
        let name_len = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[name_len..].trim_start();
    }
    let mut escape = Escape::Nginx;
    if let Some(after) = rest.strip_prefix("escape=") {
        let len = after.find(char::is_whitespace).unwrap_or(after.len());
        escape = match &after[..len] {
            "default" => Escape::Nginx,
            "json" => Escape::Json,
            "none" => Escape::Nothing,
            other => {
                return Err(WrongFormat::new(format!(
                    "escape={other}: expected default, json or none"
                )));
            }
        };
        rest = after[len..].trim_start();
    }
    if !rest.starts_with(['\'', '"']) || is_bare(rest) {
        return Ok((rest.to_owned(), escape));
    }
    let mut joined = String::with_capacity(rest.len());
    while !rest.is_empty() && rest != ";" {
        let quote = rest.chars().next().filter(|letter| matches!(letter, '\'' | '"'));
        let Some(quote) = quote else {
            return Err(WrongFormat::new(format!("expected a quoted piece at {rest:?}")));
        };
        rest = unquote(&rest[1..], quote, &mut joined)?.trim_start();
    }
    Ok((joined, escape))
}

/// Whether a format that begins with a quote is no quoted piece: its first field stands between quotes.
fn is_bare(text: &str) -> bool {
    text.starts_with("\"$") && !text.ends_with(['\'', ';']) && text.matches('"').count() > 2
}

/// Takes one quoted piece, in which a backslash takes the next letter with it; gives what follows it.
fn unquote<'a>(text: &'a str, quote: char, out: &mut String) -> Result<&'a str, WrongFormat> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, 't')) => out.push('\t'),
                Some((_, next @ ('\'' | '"' | '\\'))) => out.push(next),
                Some((_, next)) => out.extend(['\\', next]),
                None => {}
            },
            _ if letter == quote => return Ok(&text[at + 1..]),
            _ => out.push(letter),
        }
    }
    Err(WrongFormat::new(format!(
        "the piece that begins with {quote} is not closed"
    )))
}

/// Cuts a format at its variables.
///
/// # Errors
/// When a brace is not closed.
pub(super) fn tokens(description: &str) -> Result<Vec<Token>, WrongFormat> {
    let mut tokens = Vec::new();
    let mut rest = description;
    while let Some(at) = rest.find('$') {
        tokens.push(Token::Text(rest[..at].to_owned()));
        let after = &rest[at + 1..];
        let (name, len) = match after.strip_prefix('{') {
            Some(inside) => {
                let len = inside
                    .find('}')
                    .ok_or_else(|| WrongFormat::new("a ${ without its }"))?;
                (&inside[..len], len + 2)
            }
            None => {
                let is_end = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
                let len = after.find(is_end).unwrap_or(after.len());
                (&after[..len], len)
            }
        };
        if name.is_empty() {
            tokens.push(Token::Text("$".to_owned()));
        } else {
            tokens.push(Token::Field(variable(name)));
        }
        rest = &after[len..];
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok(tokens)
}

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// Variables that NGINX makes itself: no spaces, no quotes.
const WORDS: &[&str] = &[
    "binary_remote_addr",
    "connection",
    "connection_requests",
    "connection_time",
    "content_length",
    "gzip_ratio",
    "hostname",
    "http2",
    "http3",
    "https",
    "limit_rate",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_host",
    "proxy_port",
    "proxy_protocol_addr",
    "proxy_protocol_port",
    "realip_remote_addr",
    "realip_remote_port",
    "remote_port",
    "request_completion",
    "request_id",
    "scheme",
    "server_addr",
    "server_port",
    "ssl_cipher",
    "ssl_client_verify",
    "ssl_curve",
    "ssl_server_name",
    "ssl_session_id",
    "ssl_session_reused",
    "tcpinfo_rtt",
    "upstream_cache_status",
];

/// Cookies in which frameworks keep their sessions.
const SESSION_COOKIES: &[&str] = &[
    "session",
    "sessionid",
    "session_id",
    "sid",
    "phpsessid",
    "jsessionid",
];

/// What a variable is; one that is unknown is read over.
pub(super) fn variable(name: &str) -> Field {
    let field = |piece, kind| Field::new(&format!("${name}"), piece, kind);
    let moment = |moment| field(Piece::At, Kind::Moment(moment));
    match name {
        "time_local" => moment(Moment::Clf),
        "time_iso8601" => moment(Moment::Rfc3339),
        "msec" => moment(Moment::Epoch(Unit::Seconds)),
        "remote_addr" => field(Piece::Peer, Kind::Word),
        "http_x_forwarded_for" => field(Piece::Forwarded, Kind::Free),
        "proxy_add_x_forwarded_for" => field(Piece::Forwarded, Kind::Free).ranked(1),
        "host" => field(Piece::Host, Kind::Word),
        "http_host" => field(Piece::Host, Kind::Free).ranked(1),
        "server_name" => field(Piece::Host, Kind::Word).ranked(2),
        "request" => field(Piece::RequestLine, Kind::Free),
        "request_method" => field(Piece::Method, Kind::Word),
        "request_uri" => field(Piece::Target, Kind::Free),
        "uri" | "document_uri" => field(Piece::Path, Kind::Free),
        "args" | "query_string" => field(Piece::Query, Kind::Free),
        "server_protocol" => field(Piece::Protocol, Kind::Word),
        "status" => field(Piece::Status, Kind::Word),
        "body_bytes_sent" => field(Piece::BytesOut, Kind::Word),
        "bytes_sent" => field(Piece::BytesOut, Kind::Word).ranked(1),
        "request_length" => field(Piece::BytesIn, Kind::Word),
        "request_time" => field(Piece::Duration(SECOND), Kind::Word),
        "upstream_response_time" => field(Piece::Upstream(SECOND), Kind::List),
        "http_referer" => field(Piece::Referer, Kind::Free),
        "http_user_agent" => field(Piece::UserAgent, Kind::Free),
        "http_x_api_key" | "http_apikey" | "http_api_key" => field(Piece::ApiKey, Kind::Free),
        "http_authorization" => field(Piece::Token, Kind::Free),
        "jwt_claim_sub" => field(Piece::Subject, Kind::Free),
        "ssl_protocol" => field(Piece::Tls, Kind::Word),
        "ssl_client_s_dn" => field(Piece::Certificate, Kind::Free),
        _ if name.contains("ja4") => field(Piece::Fingerprint, Kind::Word),
        _ if name.contains("ja3") => field(Piece::Fingerprint, Kind::Word).ranked(1),
        _ if WORDS.contains(&name) => field(Piece::Ignored, Kind::Word),
        _ => match name.split_once('_') {
            Some(("cookie", cookie)) if SESSION_COOKIES.contains(&cookie.to_ascii_lowercase().as_str()) => {
                field(Piece::Session, Kind::Free)
            }
            Some(("upstream", which)) if !which.starts_with("http_") => field(Piece::Ignored, Kind::List),
            _ => field(Piece::Ignored, Kind::Free),
        },
    }
}
