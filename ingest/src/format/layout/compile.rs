//! From the tokens of a description to a checked layout.

use super::field::{Escape, Field, Kind, Piece};
use super::{FIELDS_MAX, Layout, Step, Tail, Token};
use crate::format::{Column, WrongFormat};

impl Layout {
    /// Compiles and checks.
    ///
    /// # Errors
    /// When the fields cannot be told apart, or what every request needs is not there.
    pub(in crate::format) fn compile(tokens: Vec<Token>, escape: Escape) -> Result<Self, WrongFormat> {
        let mut tokens = join_requests(join_texts(tokens));
        let fields = tokens
            .iter()
            .filter(|token| matches!(token, Token::Field(_)))
            .count();
        if fields > FIELDS_MAX {
            return Err(WrongFormat::new(format!(
                "{fields} fields: expected at most {FIELDS_MAX}"
            )));
        }
        check_apart(&tokens)?;
        keep_best(&mut tokens);
        let is_forgeable = is_forgeable(&tokens, escape);
        let layout = Self {
            steps: steps(&tokens)?,
            escape,
            tail: Tail::Nothing,
            is_forgeable,
        };
        Ok(layout)
    }

    /// Whether every request can be read from it.
    ///
    /// # Errors
    /// What is missing.
    pub(in crate::format) fn check(&self) -> Result<(), WrongFormat> {
        let columns: Vec<Column> = self.columns().into_iter().map(|(column, _)| column).collect();
        let has = |wanted: &[Column]| wanted.iter().any(|column| columns.contains(column));
        let is_timed = self
            .fields()
            .any(|field| matches!(&field.kind, Kind::Moment(moment) if moment.is_whole()));
        let missing = [
            (!is_timed, "the time"),
            (!has(&[Column::Status]), "the status"),
            (
                !(has(&[Column::RequestLine])
                    || has(&[Column::Method]) && has(&[Column::Target, Column::Path])),
                "the request (or method and path)",
            ),
            (
                !has(&[
                    Column::Peer,
                    Column::Forwarded,
                    Column::ApiKey,
                    Column::Subject,
                    Column::Session,
                    Column::Certificate,
                ]),
                "the client's address",
            ),
        ];
        let missing: Vec<&str> = missing
            .iter()
            .filter(|(is_missing, _)| *is_missing)
            .map(|(_, what)| *what)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(WrongFormat::new(format!(
            "the format lacks {}",
            missing.join(", ")
        )))
    }
}

/// Texts that stand beside each other become one, empty ones none.
fn join_texts(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match (joined.last_mut(), token) {
            (_, Token::Text(text)) if text.is_empty() => {}
            (Some(Token::Text(before)), Token::Text(text)) => before.push_str(&text),
            (_, token) => joined.push(token),
        }
    }
    joined
}

/// Method, target and protocol with single spaces between them are one request: a target may hold spaces.
/// An address and a port are one field: an address may hold colons. A path and a query are one target.
fn join_requests(tokens: Vec<Token>) -> Vec<Token> {
    let piece = |token: Option<&Token>| match token {
        Some(Token::Field(field)) => Some(field.piece),
        _ => None,
    };
    let is_text =
        |token: Option<&Token>, wanted: &str| matches!(token, Some(Token::Text(text)) if text == wanted);
    let mut joined = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let pieces = [0, 1, 2, 3, 4].map(|offset| piece(tokens.get(at + offset)));
        let texts = |offset: usize, wanted: &str| is_text(tokens.get(at + offset), wanted);
        let (field, len) = match pieces {
            [
                Some(Piece::Method),
                _,
                Some(Piece::Target | Piece::Path),
                _,
                Some(Piece::Protocol),
            ] if texts(1, " ") && texts(3, " ") => {
                let field = merged(&tokens[at..at + 5], Piece::RequestLine, Kind::Free);
                (field, 5)
            }
            [Some(Piece::Peer), _, Some(Piece::Ignored), ..] if texts(1, ":") => {
                (merged(&tokens[at..at + 3], Piece::PeerPort, Kind::Word), 3)
            }
            [Some(Piece::Host), _, Some(Piece::Ignored), ..] if texts(1, ":") => {
                (merged(&tokens[at..at + 3], Piece::Host, Kind::Word), 3)
            }
            [Some(Piece::Path), Some(Piece::Query), ..] => {
                (merged(&tokens[at..at + 2], Piece::Target, Kind::Free), 2)
            }
            _ => {
                joined.push(token.clone());
                at += 1;
                continue;
            }
        };
        joined.push(Token::Field(field));
        at += len;
    }
    // A target that was just made of two may be the middle of a request.
    let has_target = joined.len() < tokens.len()
        && joined
            .iter()
            .any(|token| piece(Some(token)) == Some(Piece::Target));
    if has_target { join_requests(joined) } else { joined }
}

/// One field out of several: named as they stood, raw when one of them is.
fn merged(tokens: &[Token], piece: Piece, kind: Kind) -> Field {
    let mut field = Field::new("", piece, kind);
    for token in tokens {
        match token {
            Token::Text(text) => field.name.push_str(text),
            Token::Field(part) => {
                field.name.push_str(&part.name);
                field.is_raw |= part.is_raw;
                field.rank = field.rank.max(part.rank);
            }
        }
    }
    field
}

/// Two fields with nothing between them can only be told apart when the first has a length of its own.
fn check_apart(tokens: &[Token]) -> Result<(), WrongFormat> {
    for pair in tokens.windows(2) {
        if let [Token::Field(first), Token::Field(second)] = pair
            && !matches!(first.kind, Kind::Moment(_) | Kind::Braces)
            && second.kind != Kind::Braces
        {
            return Err(WrongFormat::new(format!(
                "nothing stands between {} and {}: where the one ends cannot be told",
                first.name, second.name
            )));
        }
    }
    Ok(())
}

/// Of several fields of a column one is kept, the others are read over; pieces of a moment stay together.
fn keep_best(tokens: &mut [Token]) {
    for column in Column::ALL {
        let fields = || {
            tokens.iter().enumerate().filter_map(|(at, token)| match token {
                Token::Field(field) if field.piece.columns().contains(&column) => Some((at, field)),
                _ => None,
            })
        };
        // Among moments a whole one is best, and among those the most exact.
        let cost = |field: &Field| match &field.kind {
            Kind::Moment(moment) => (u32::from(!moment.is_whole()), moment.resolution_millis()),
            _ => (0, u32::from(field.rank)),
        };
        let Some((best, _)) = fields().min_by_key(|(at, field)| (cost(field), *at)) else {
            continue;
        };
        let is_pieced = |field: &Field| matches!(&field.kind, Kind::Moment(moment) if !moment.is_whole());
        let others: Vec<usize> = fields()
            .filter(|(at, field)| *at != best && !is_pieced(field))
            .map(|(at, _)| at)
            .collect();
        for at in others {
            if let Some(Token::Field(field)) = tokens.get_mut(at) {
                field.piece = Piece::Ignored;
            }
        }
    }
}

/// Whether bytes that a client chose stand unescaped before something that counts.
fn is_forgeable(tokens: &[Token], escape: Escape) -> bool {
    let mut is_shifted = false;
    for token in tokens {
        let Token::Field(field) = token else { continue };
        if is_shifted && field.piece.counts() {
            return true;
        }
        is_shifted |= field.kind == Kind::Free && (escape == Escape::Nothing || field.is_raw);
    }
    false
}

fn steps(tokens: &[Token]) -> Result<Vec<Step>, WrongFormat> {
    let mut steps: Vec<Step> = Vec::with_capacity(tokens.len());
    let mut is_space_taken = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        match token {
            Token::Text(text) => {
                let text = if is_space_taken { &text[1..] } else { text };
                is_space_taken = false;
                if !text.is_empty() {
                    steps.push(Step::Literal(text.into()));
                }
            }
            Token::Field(field) if field.kind == Kind::Braces => {
                is_space_taken = matches!(next, Some(Token::Text(text)) if text.starts_with(' '));
                let close = if is_space_taken { "} " } else { "}" };
                steps.push(Step::Optional {
                    open: "{".into(),
                    close: close.into(),
                });
            }
            Token::Field(field) => {
                let stop = match next {
                    Some(Token::Text(text)) => Some(text.as_str().into()),
                    Some(Token::Field(_)) | None => None,
                };
                let is_opened = matches!(steps.last(), Some(Step::Literal(text)) if text.ends_with('"'));
                let is_closed = matches!(next, Some(Token::Text(text)) if text.starts_with('"'));
                if field.kind == Kind::Free && next.is_some() && stop.is_none() {
                    return Err(WrongFormat::new(format!(
                        "where {} ends cannot be told",
                        field.name
                    )));
                }
                steps.push(Step::Field {
                    field: field.clone(),
                    stop,
                    is_quoted: is_opened && is_closed,
                    is_loose: !(is_opened && is_closed) && is_loose(field, &tokens[at + 1..]),
                });
            }
        }
    }
    Ok(steps)
}

/// Whether where a free field ends shifts nothing but what the client chose anyway: the next field is of that kind and
/// free as well, or nothing behind it counts.
fn is_loose(field: &Field, later: &[Token]) -> bool {
    let mut fields = later.iter().filter_map(|token| match token {
        Token::Field(field) => Some(field),
        Token::Text(_) => None,
    });
    let is_next_free = |next: &Field| next.piece.is_clients_choice() && next.kind == Kind::Free;
    field.piece.is_clients_choice()
        && (fields.clone().next().is_some_and(is_next_free) || fields.all(|later| !later.piece.counts()))
}
