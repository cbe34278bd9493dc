//! Apache httpd's `LogFormat`: `%h`, `%>s`, `%{Referer}i`, `%{msec}t`.

use super::field::{Escape, Field, Kind, Piece};
use super::time::{Moment, Part, Unit};
use super::{Token, written};
use crate::format::choice::Language;
use crate::format::{Format, WrongFormat};
use crate::gateway::Gateway;
use std::sync::Arc;

/// Apache's own language.
pub(in crate::format) const APACHE: Language = Language {
    name: "apache",
    example: r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D"#,
    read,
};

const PAGE: &str = "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats";

fn read(text: &str) -> Result<Arc<dyn Format>, WrongFormat> {
    let about = ("apache", "a `LogFormat` of Apache's that you wrote down", PAGE);
    written::text(Gateway::Apache, about, parse(text)?)
}

/// The tokens of a description, which may be pasted as it stands in httpd.conf.
///
/// # Errors
/// When a directive is cut or a way of writing the time is unknown.
pub(in crate::format) fn parse(text: &str) -> Result<(Vec<Token>, Escape), WrongFormat> {
    let description = joined(text);
    let mut tokens = Vec::new();
    let mut rest = description.as_str();
    while let Some(at) = rest.find('%') {
        tokens.push(Token::Text(rest[..at].to_owned()));
        let (directive, after) = Directive::cut(&rest[at..])?;
        directive.tokens(&mut tokens)?;
        rest = after;
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok((tokens, Escape::Apache))
}

/// Takes `LogFormat "…" name` apart; anything else is the format already.
fn joined(text: &str) -> String {
    let text = text.trim();
    let bare = text.strip_prefix("LogFormat").map_or(text, str::trim_start);
    let is_quoted = bare.len() < text.len() || (bare.starts_with('"') && bare.contains("\\\""));
    let Some(inside) = bare.strip_prefix('"').filter(|_| is_quoted) else {
        return text.replace("\\\"", "\"");
    };
    let mut out = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                Some('t') => out.push('\t'),
                Some('n') | None => {}
                Some(next) => out.push(next),
            },
            _ => out.push(letter),
        }
    }
    out
}

/// One `%…` of a format.
struct Directive<'a> {
    /// As it stands.
    text: &'a str,
    /// Between braces.
    argument: Option<&'a str>,
    letter: &'a str,
    /// Whether it is the original request's (`<`) or the final one's (`>`).
    is_original: bool,
}

impl<'a> Directive<'a> {
    /// Cuts one off the beginning.
    fn cut(text: &'a str) -> Result<(Self, &'a str), WrongFormat> {
        let wrong = || WrongFormat::new(format!("a directive without its letter at {text:?}"));
        let body = &text[1..];
        // Conditions on the status: `%!200,304{Referer}i`.
        let is_condition = |letter: char| matches!(letter, '!' | ',' | '<' | '>') || letter.is_ascii_digit();
        let body_start = body.find(|letter| !is_condition(letter)).ok_or_else(wrong)?;
        let is_original = body[..body_start].contains('<');
        let mut rest = &body[body_start..];
        let mut argument = None;
        if let Some(inside) = rest.strip_prefix('{') {
            let (inside, after) = inside.split_once('}').ok_or_else(wrong)?;
            argument = Some(inside);
            rest = after.trim_start_matches(['<', '>']);
        }
        let letter_len = match rest.as_bytes() {
            [b'^', _, _, ..] => 3,
            [first, ..] if first.is_ascii() => 1,
            _ => return Err(wrong()),
        };
        let letter = rest.get(..letter_len).ok_or_else(wrong)?;
        let after = &rest[letter_len..];
        let directive = Self {
            text: &text[..text.len() - after.len()],
            argument,
            letter,
            is_original,
        };
        Ok((directive, after))
    }

    fn tokens(&self, out: &mut Vec<Token>) -> Result<(), WrongFormat> {
        if self.letter == "%" {
            out.push(Token::Text("%".to_owned()));
            return Ok(());
        }
        if (self.letter, self.argument) == ("t", None) {
            // The brackets belong to the directive.
            out.push(Token::Text("[".to_owned()));
            out.push(Token::Field(self.field(Piece::At, Kind::Moment(Moment::Clf))));
            out.push(Token::Text("]".to_owned()));
            return Ok(());
        }
        out.push(Token::Field(match (self.letter, self.argument) {
            ("t", Some(argument)) => self.moment(argument)?,
            ("T", unit) => self.field(Piece::Duration(duration_unit(unit)?), Kind::Word),
            ("i", Some(header)) => self.header(header),
            ("x", Some("SSL_PROTOCOL")) => self.field(Piece::Tls, Kind::Word),
            ("x", Some("SSL_CLIENT_S_DN")) => self.field(Piece::Certificate, Kind::Free),
            ("x", Some(name)) if name.contains("JA4") => self.field(Piece::Fingerprint, Kind::Word),
            ("a", Some("c")) => self.field(Piece::Ignored, Kind::Word),
            _ => self.plain(),
        }));
        Ok(())
    }

    fn field(&self, piece: Piece, kind: Kind) -> Field {
        Field::new(self.text, piece, kind)
    }

    /// A directive whose argument, if it has one, changes nothing.
    fn plain(&self) -> Field {
        let (piece, kind) = match self.letter {
            "a" => (Piece::Peer, Kind::Word),
            "h" => return self.field(Piece::Peer, Kind::Word).ranked(1),
            "b" | "B" => (Piece::BytesOut, Kind::Word),
            "O" => return self.field(Piece::BytesOut, Kind::Word).ranked(1),
            "I" => (Piece::BytesIn, Kind::Word),
            "D" => (Piece::Duration(MICROSECOND), Kind::Word),
            "r" => (Piece::RequestLine, Kind::Free),
            "m" => (Piece::Method, Kind::Word),
            "U" => (Piece::Path, Kind::Free),
            "q" => (Piece::Query, Kind::Free),
            "H" => (Piece::Protocol, Kind::Word),
            "s" => {
                return self
                    .field(Piece::Status, Kind::Word)
                    .ranked(u8::from(self.is_original));
            }
            "v" => (Piece::Host, Kind::Word),
            "V" => return self.field(Piece::Host, Kind::Free).ranked(1),
            "l" | "p" | "k" | "P" | "X" | "A" | "L" | "R" | "S" => (Piece::Ignored, Kind::Word),
            _ => (Piece::Ignored, Kind::Free),
        };
        self.field(piece, kind)
    }

    fn header(&self, header: &str) -> Field {
        let piece = match header.to_ascii_lowercase().as_str() {
            "referer" => Piece::Referer,
            "user-agent" => Piece::UserAgent,
            "x-forwarded-for" => Piece::Forwarded,
            "x-api-key" | "apikey" => Piece::ApiKey,
            "authorization" => Piece::Token,
            "host" => return self.field(Piece::Host, Kind::Free).ranked(2),
            _ => Piece::Ignored,
        };
        self.field(piece, Kind::Free)
    }

    fn moment(&self, argument: &str) -> Result<Field, WrongFormat> {
        let format = argument.trim_start_matches("begin:").trim_start_matches("end:");
        let moment = match format {
            "sec" => Moment::Epoch(Unit::Seconds),
            "msec" => Moment::Epoch(Unit::Millis),
            "usec" => Moment::Epoch(Unit::Micros),
            "msec_frac" => Moment::Parts(vec![Part::Fraction(3)]),
            "usec_frac" => Moment::Parts(vec![Part::Fraction(6)]),
            "" => Moment::Clf,
            _ => Moment::from_strftime(format).map_err(|directive| {
                WrongFormat::new(format!("{}: {directive} is not read in a time", self.text))
            })?,
        };
        Ok(self.field(Piece::At, Kind::Moment(moment)))
    }
}

/// Milliseconds in a microsecond.
const MICROSECOND: f64 = 1e-3;

fn duration_unit(unit: Option<&str>) -> Result<f64, WrongFormat> {
    match unit {
        None | Some("s") => Ok(1000.0),
        Some("ms") => Ok(1.0),
        Some("us") => Ok(MICROSECOND),
        Some(other) => Err(WrongFormat::new(format!("%{{{other}}}T: expected s, ms or us"))),
    }
}
