//! HAProxy's `log-format`: `%ci`, `%{+Q}r`, `%[capture.req.hdr(0)]`.
//!
//! What HAProxy writes of a request and of captured headers is escaped as `#HH` (`src/log.c`: `url_encode_map` holds
//! the quote and `#`, `hdr_encode_map` also `{|}`); what a sample expression `%[…]` gives is written as it stands,
//! unless `+E` escapes it. So a format is forgeable where such an expression of the client's stands before
//! something that counts.

use super::field::{Escape, Field, Kind, Piece};
use super::time::{Moment, Part};
use super::{Token, written};
use crate::format::choice::Language;
use crate::format::{Format, WrongFormat};
use crate::gateway::Gateway;
use std::sync::Arc;

/// HAProxy's own language.
pub(in crate::format) const HAPROXY: Language = Language {
    name: "haproxy",
    example: r#"%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r %sslv"#,
    read,
};

const PAGE: &str = "https://docs.haproxy.org/3.2/configuration.html#8.2.6";

fn read(text: &str) -> Result<Arc<dyn Format>, WrongFormat> {
    let about = ("haproxy", "a `log-format` of HAProxy's that you wrote down", PAGE);
    written::text(Gateway::HaProxy, about, parse(text)?)
}

/// The tokens of a description, which may be pasted as it stands in haproxy.cfg.
///
/// # Errors
/// When something is not closed, or the format writes JSON or CBOR.
pub(in crate::format) fn parse(text: &str) -> Result<(Vec<Token>, Escape), WrongFormat> {
    let description = joined(text);
    let mut tokens = Vec::new();
    // What `%{+Q}o` says for everything behind it.
    let mut common = Flags::default();
    let mut rest = description.as_str();
    while let Some(at) = rest.find('%') {
        tokens.push(Token::Text(rest[..at].to_owned()));
        let mut body = &rest[at + 1..];
        if let Some(after) = body.strip_prefix('%') {
            tokens.push(Token::Text("%".to_owned()));
            rest = after;
            continue;
        }
        let mut flags = common;
        if let Some(inside) = body.strip_prefix('{') {
            let (inside, after) = inside
                .split_once('}')
                .ok_or_else(|| WrongFormat::new("a %{ without its }"))?;
            flags = flags.with(inside)?;
            body = after;
        }
        if let Some(inside) = body.strip_prefix('[') {
            let len = expression_len(inside).ok_or_else(|| WrongFormat::new("a %[ without its ]"))?;
            let field = expression(&inside[..len], flags);
            push(field, flags.is_quoted, &mut tokens);
            rest = &inside[len + 1..];
            continue;
        }
        let (name, after) = alias(body)?;
        rest = after;
        match name {
            "o" => common = flags,
            // Lists of captures: each between quotes of its own, or not there at all.
            "hr" | "hs" => tokens.push(Token::Field(Field::ignored(&format!("%{name}"), Kind::Braces))),
            _ => {
                let (field, is_text) = variable(name);
                push(field, flags.is_quoted && is_text, &mut tokens);
            }
        }
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok((spaces_joined(tokens), Escape::Hash))
}

/// Takes `log-format "…"` apart, and undoes the escapes of haproxy.cfg.
fn joined(text: &str) -> String {
    let text = text.trim();
    let bare = text.strip_prefix("log-format").map_or(text, str::trim);
    let is_quoted = bare.len() > 1 && bare.len() < text.len() && bare.starts_with(['"', '\'']);
    let bare = if is_quoted { &bare[1..bare.len() - 1] } else { bare };
    let mut out = String::with_capacity(bare.len());
    let mut letters = bare.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
    out
}

/// HAProxy never writes two spaces beside each other, nor one at the beginning (`LF_SEPARATOR`).
fn spaces_joined(tokens: Vec<Token>) -> Vec<Token> {
    let mut was_space = true;
    tokens
        .into_iter()
        .map(|token| match token {
            Token::Text(text) => {
                let mut out = String::with_capacity(text.len());
                for letter in text.chars() {
                    if !(letter == ' ' && was_space) {
                        out.push(letter);
                    }
                    was_space = letter == ' ';
                }
                Token::Text(out)
            }
            Token::Field(field) => {
                was_space = false;
                Token::Field(field)
            }
        })
        .collect()
}

/// Flags of a variable.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    /// `Q`: texts stand between quotes.
    is_quoted: bool,
    /// `E`: quotes and backslashes are escaped.
    is_escaped: bool,
}

impl Flags {
    fn with(mut self, text: &str) -> Result<Self, WrongFormat> {
        // A name and a type may stand before the flags: `%{name:type,+Q}`.
        for flag in text.split(',') {
            match flag.trim() {
                "+Q" => self.is_quoted = true,
                "-Q" => self.is_quoted = false,
                "+E" => self.is_escaped = true,
                "-E" => self.is_escaped = false,
                "+json" | "+cbor" | "+bin" | "+X" => {
                    return Err(WrongFormat::new(format!(
                        "{flag} is not read: expected a text format"
                    )));
                }
                _ => {}
            }
        }
        Ok(self)
    }
}

fn push(field: Field, is_quoted: bool, tokens: &mut Vec<Token>) {
    let quote = || Token::Text("\"".to_owned());
    if is_quoted {
        tokens.extend([quote(), Token::Field(field), quote()]);
    } else {
        tokens.push(Token::Field(field));
    }
}

/// An expression ends at the bracket that closes it.
fn expression_len(inside: &str) -> Option<usize> {
    let mut depth = 0u32;
    inside.bytes().position(|byte| {
        match byte {
            b'[' => depth += 1,
            b']' if depth > 0 => depth -= 1,
            b']' => return true,
            _ => {}
        }
        false
    })
}

/// The longest name of a variable at the beginning, and what follows it.
fn alias(body: &str) -> Result<(&str, &str), WrongFormat> {
    let letters = body.bytes().take_while(u8::is_ascii_alphabetic).count();
    let len = (1..=letters).rev().find(|len| ALIASES.contains(&&body[..*len]));
    // A name of a later version: all its letters.
    let len = len.unwrap_or(letters);
    if len == 0 {
        return Err(WrongFormat::new(format!("a % without a name at {body:?}")));
    }
    Ok(body.split_at(len))
}

/// Every name of HAProxy 3.2, `src/log.c`: `%HPO` is not `%HP` and an `O`.
const ALIASES: &[&str] = &[
    "o", "OG", "B", "CC", "CS", "H", "ID", "ST", "T", "Ta", "Tc", "Td", "Th", "Ti", "Tl", "Tq", "Tr", "TR",
    "Ts", "Tt", "Tu", "Tw", "U", "ac", "b", "bc", "bi", "bp", "bq", "ci", "cp", "f", "fc", "fi", "fp", "ft",
    "hr", "hrl", "hs", "hsl", "HM", "HP", "HPO", "HQ", "HU", "HV", "lc", "ms", "pid", "r", "rc", "rt", "s",
    "sc", "si", "sp", "sq", "sslc", "sslv", "t", "tr", "trg", "trl", "ts", "tsc",
];

/// `06/Feb/2009:12:14:14.655`. It names no zone: HAProxy writes its machine's local time, and UTC is assumed.
fn local_time() -> Moment {
    use Part::{Day, Fraction, Hour, Minute, MonthName, Second, Text, Year};
    let (slash, colon) = (Text('/'), Text(':'));
    Moment::Parts(vec![
        Day,
        slash,
        MonthName,
        slash,
        Year,
        colon,
        Hour,
        colon,
        Minute,
        colon,
        Second,
        Text('.'),
        Fraction(3),
    ])
}

/// What a variable is, and whether it is a text, which `+Q` puts between quotes.
fn variable(name: &str) -> (Field, bool) {
    let field = |piece, kind| Field::new(&format!("%{name}"), piece, kind);
    match name {
        "ci" => (field(Piece::Peer, Kind::Word), true),
        "t" | "tr" => (field(Piece::At, Kind::Moment(local_time())), false),
        "trg" | "trl" | "T" | "Tl" => (field(Piece::At, Kind::Moment(Moment::Clf)), false),
        "Ts" => (
            field(Piece::At, Kind::Moment(Moment::Epoch(super::time::Unit::Seconds))),
            false,
        ),
        "ms" => (
            field(Piece::At, Kind::Moment(Moment::Parts(vec![Part::Millis]))),
            false,
        ),
        "ST" => (field(Piece::Status, Kind::Word), false),
        "B" => (field(Piece::BytesOut, Kind::Word), false),
        "U" => (field(Piece::BytesIn, Kind::Word), false),
        "Ta" => (field(Piece::Duration(1.0), Kind::Word), false),
        "Tt" | "Tu" => (field(Piece::Duration(1.0), Kind::Word).ranked(1), false),
        "Tr" => (field(Piece::Upstream(1.0), Kind::Word), false),
        "r" => (field(Piece::RequestUrl, Kind::Free), true),
        "HM" => (field(Piece::Method, Kind::Word), true),
        "HU" => (field(Piece::Target, Kind::Free), true),
        "HP" => (field(Piece::Path, Kind::Free).ranked(1), true),
        "HPO" => (field(Piece::Path, Kind::Free), true),
        "HQ" => (field(Piece::Query, Kind::Free), true),
        "HV" => (field(Piece::Protocol, Kind::Word), true),
        "sslv" => (field(Piece::Tls, Kind::Word), true),
        // A capture of a cookie is cut at the first byte that no cookie holds, a space among them.
        "f" | "ft" | "b" | "s" | "ts" | "tsc" | "CC" | "CS" | "H" | "ID" | "sslc" | "si" | "bi" | "fi" => {
            (field(Piece::Ignored, Kind::Word), true)
        }
        "hrl" | "hsl" => (field(Piece::Ignored, Kind::Free), false),
        _ => (field(Piece::Ignored, Kind::Word), false),
    }
}

/// What a sample expression is: its first fetch and its argument say so.
fn expression(text: &str, flags: Flags) -> Field {
    let fetch = text.split(',').next().unwrap_or(text).trim();
    let (name, argument) = fetch
        .split_once('(')
        .map_or((fetch, ""), |(name, rest)| (name, rest.trim_end_matches(')')));
    let field = |piece, kind| Field::new(&format!("%[{text}]"), piece, kind);
    let mut field = match name {
        "src" => return field(Piece::Peer, Kind::Word),
        "status" => return field(Piece::Status, Kind::Word),
        "ssl_fc_protocol" => return field(Piece::Tls, Kind::Word),
        "fc_err" | "ssl_fc_err" | "ssl_c_err" | "ssl_c_ca_err" | "ssl_fc_is_resumed" | "ssl_fc_cipher"
        | "date" | "pid" | "src_port" | "dst" | "dst_port" | "unique-id" => {
            return field(Piece::Ignored, Kind::Word);
        }
        "ssl_c_s_dn" => field(Piece::Certificate, Kind::Free),
        "method" => field(Piece::Method, Kind::Free),
        "path" => field(Piece::Path, Kind::Free),
        "pathq" | "url" => field(Piece::Target, Kind::Free),
        "query" => field(Piece::Query, Kind::Free),
        "hdr" | "req.hdr" | "req.fhdr" | "hdr_ip" | "req.hdr_ip" => {
            header(field(Piece::Ignored, Kind::Free), argument)
        }
        _ if text.contains("ja4") => field(Piece::Fingerprint, Kind::Free),
        _ if text.contains("ja3") => field(Piece::Fingerprint, Kind::Free).ranked(1),
        _ => field(Piece::Ignored, Kind::Free),
    };
    field.is_raw = !flags.is_escaped;
    field
}

fn header(field: Field, argument: &str) -> Field {
    let header = argument
        .split(',')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let piece = match header.as_str() {
        "user-agent" => Piece::UserAgent,
        "referer" => Piece::Referer,
        "x-forwarded-for" => Piece::Forwarded,
        "x-api-key" => Piece::ApiKey,
        "authorization" => Piece::Token,
        "host" => Piece::Host,
        _ => Piece::Ignored,
    };
    Field { piece, ..field }
}
