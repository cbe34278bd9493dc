//! Filter expressions of scenarios: as much of the language as conditions can say; the rest is kept as text.

use std::collections::BTreeMap;

/// Deepest nesting that is read. Deeper expressions are taken as unknown.
const DEPTH_MAX: usize = 32;

/// Longest expression, in bytes.
const BYTES_MAX: usize = 16 * 1024;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Test {
        field: String,
        operator: Operator,
        values: Vec<String>,
    },
    /// What conditions cannot say, as it was written.
    Unknown(String),
}

/// How a field is held against values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// A token and where it stands.
type Placed = (Token, std::ops::Range<usize>);

/// Reads an expression. The error says what is no expression.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("a filter of {} bytes", text.len()));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        names: BTreeMap::new(),
        is_cut: false,
    };
    let expression = parser.either(0)?;
    match parser.tokens.get(parser.at) {
        None if parser.is_cut => Err("a bracket without its end in the filter".to_owned()),
        None => Ok(expression),
        Some((_, place)) => Err(format!("{:?} in the filter", cut(&text[place.start..]))),
    }
}

/// Signs, longer ones first.
const SIGNS: [&str; 27] = [
    "==", "!=", "<=", ">=", "&&", "||", "?.", "..", "??", "(", ")", "[", "]", "{", "}", ",", "<", ">", "!",
    "+", "#", "?", ":", "|", "-", "=", ";",
];

fn tokens(text: &str) -> Result<Vec<Placed>, String> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let start = at;
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let token = if matches!(letter, '\'' | '"' | '`') {
            let (value, bytes) = quoted(&text[at..], letter).ok_or("a text without its end in the filter")?;
            at += bytes;
            Token::Text(value)
        } else if letter.is_alphanumeric() || letter == '_' {
            let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
            let word: String = text[at..].chars().take_while(|letter| is_part(*letter)).collect();
            at += word.len();
            Token::Word(word)
        } else {
            let sign = SIGNS.into_iter().find(|sign| text[at..].starts_with(sign));
            let sign = sign.ok_or_else(|| format!("{letter:?} in the filter"))?;
            at += sign.len();
            Token::Sign(sign)
        };
        tokens.push((token, start..at));
    }
    Ok(tokens)
}

/// The value of a quoted text, and its length with the quotes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if quote != '`' => {
                let (_, escaped) = letters.next()?;
                value.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
            letter if letter == quote => return Some((value, at + quote.len_utf8())),
            letter => value.push(letter),
        }
    }
    None
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    at: usize,
    /// What `let` gave a name.
    names: BTreeMap<String, Side>,
    /// Whether a bracket has no end.
    is_cut: bool,
}

/// One side of a comparison.
#[derive(Clone)]
enum Side {
    Field(String),
    Values(Vec<String>),
    Expression(Expression),
    Unknown,
}

impl Parser<'_> {
    fn either(&mut self, depth: usize) -> Result<Expression, String> {
        self.take_names(depth)?;
        let mut parts = vec![self.both(depth)?];
        while self.take_sign("||") || self.take_word("or") {
            parts.push(self.both(depth)?);
        }
        Ok(one_or(parts, Expression::Or))
    }

    /// Takes in `let name = side;` as often as it stands here.
    fn take_names(&mut self, depth: usize) -> Result<(), String> {
        while self.take_word("let") {
            let Some((Token::Word(name), _)) = self.tokens.get(self.at).cloned() else {
                return Err("a let without a name in the filter".to_owned());
            };
            self.at += 1;
            if !self.take_sign("=") {
                return Err("a let without a value in the filter".to_owned());
            }
            let side = self.side(depth)?;
            if !self.take_sign(";") {
                return Err("a let without its end in the filter".to_owned());
            }
            self.names.insert(name, side);
        }
        Ok(())
    }

    fn both(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.not(depth)?];
        while self.take_sign("&&") || self.take_word("and") {
            parts.push(self.not(depth)?);
        }
        Ok(one_or(parts, Expression::And))
    }

    fn not(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH_MAX {
            return Err(format!("a filter nested deeper than {DEPTH_MAX}"));
        }
        if self.take_sign("!") || self.take_word("not") {
            return Ok(Expression::Not(Box::new(self.not(depth + 1)?)));
        }
        self.comparison(depth)
    }

    fn comparison(&mut self, depth: usize) -> Result<Expression, String> {
        let start = self.at;
        let left = self.side(depth)?;
        let is_negated = self.take_word("not");
        let Some((operator, is_unequal)) = self.operator() else {
            return match left {
                Side::Expression(expression) => Ok(expression),
                _ => Ok(self.unknown(start)),
            };
        };
        let right = self.side(depth)?;
        let test = match (left, right) {
            (Side::Field(field), Side::Values(values)) => Expression::Test {
                field,
                operator,
                values,
            },
            _ => return Ok(self.unknown(start)),
        };
        Ok(if is_negated != is_unequal {
            Expression::Not(Box::new(test))
        } else {
            test
        })
    }

    /// The operator, and whether it asks for the opposite.
    fn operator(&mut self) -> Option<(Operator, bool)> {
        let (token, _) = self.tokens.get(self.at)?;
        let found = match token {
            Token::Sign("==") => (Operator::Equals, false),
            Token::Sign("!=") => (Operator::Equals, true),
            Token::Sign(">") => (Operator::Above, false),
            Token::Sign(">=") => (Operator::AtLeast, false),
            Token::Sign("<") => (Operator::Below, false),
            Token::Sign("<=") => (Operator::AtMost, false),
            Token::Word(word) => match word.as_str() {
                "in" => (Operator::Equals, false),
                "contains" => (Operator::Contains, false),
                "startsWith" => (Operator::StartsWith, false),
                "endsWith" => (Operator::EndsWith, false),
                "matches" => (Operator::Matches, false),
                _ => return None,
            },
            _ => return None,
        };
        self.at += 1;
        Some(found)
    }

    fn side(&mut self, depth: usize) -> Result<Side, String> {
        let Some((token, _)) = self.tokens.get(self.at).cloned() else {
            return Err("a filter without its end".to_owned());
        };
        self.at += 1;
        let side = match token {
            Token::Text(value) => Side::Values(vec![value]),
            Token::Sign("[") => self.list(),
            Token::Sign("(") => {
                let inner = self.either(depth + 1)?;
                if !self.take_sign(")") {
                    return Err("a bracket without its end in the filter".to_owned());
                }
                Side::Expression(inner)
            }
            Token::Word(word) => self.word(&word),
            // What begins a list of another kind, a lambda's argument, a negative number.
            Token::Sign("{" | "#" | "-" | "+") => Side::Unknown,
            Token::Sign(sign) => return Err(format!("{sign:?} at a wrong place in the filter")),
        };
        // What is added to or taken out of a side makes something else of it.
        Ok(if self.skip_rest() { Side::Unknown } else { side })
    }

    fn word(&mut self, word: &str) -> Side {
        if self.peek_sign("(") {
            let start = self.at;
            self.skip_brackets();
            let inner = &self.tokens[start + 1..self.at.saturating_sub(1).max(start + 1)];
            // Patterns of ours take upper and lower case for the same.
            return match (word, inner) {
                ("Lower" | "Upper" | "lower" | "upper", [(Token::Word(field), _)]) => self.named(field),
                ("Lower" | "Upper" | "lower" | "upper", [(Token::Text(text), _)]) => {
                    Side::Values(vec![text.clone()])
                }
                _ => Side::Unknown,
            };
        }
        match word {
            "nil" => Side::Values(vec![String::new()]),
            "true" | "false" => Side::Values(vec![word.to_owned()]),
            word if word.starts_with(|letter: char| letter.is_ascii_digit()) => {
                Side::Values(vec![word.to_owned()])
            }
            word => self.named(word),
        }
    }

    /// What a name stands for: what `let` gave it, or a field.
    fn named(&self, name: &str) -> Side {
        let given = self.names.get(name).cloned();
        given.unwrap_or_else(|| Side::Field(name.to_owned()))
    }

    /// A list of literals.
    fn list(&mut self) -> Side {
        let start = self.at - 1;
        let mut values = Vec::new();
        loop {
            match self.tokens.get(self.at) {
                Some((Token::Text(value) | Token::Word(value), _)) => values.push(value.clone()),
                Some((Token::Sign("]"), _)) => {}
                _ => {
                    self.at = start;
                    self.skip_brackets();
                    return Side::Unknown;
                }
            }
            self.at += 1;
            let is_over = matches!(self.tokens[self.at - 1].0, Token::Sign("]"));
            if is_over || (!self.take_sign(",") && self.take_sign("]")) {
                return Side::Values(values);
            }
        }
    }

    /// Skips what follows a side and belongs to it. True when there was anything.
    fn skip_rest(&mut self) -> bool {
        let start = self.at;
        loop {
            let is_joined = ["+", "-", "?.", "..", "??", "|", "?", ":", "#"]
                .into_iter()
                .any(|sign| self.peek_sign(sign));
            if is_joined {
                self.at += 1;
                if !self.skip_brackets() && self.at < self.tokens.len() {
                    self.at += 1;
                    self.skip_brackets();
                }
            } else if !((self.at > start || self.peek_sign("[")) && self.skip_brackets()) {
                return self.at > start;
            }
        }
    }

    /// Skips a bracket with all inside it, when one stands here.
    fn skip_brackets(&mut self) -> bool {
        let is_open = |token: &Token| matches!(token, Token::Sign("(" | "[" | "{"));
        let is_close = |token: &Token| matches!(token, Token::Sign(")" | "]" | "}"));
        if !self.tokens.get(self.at).is_some_and(|(token, _)| is_open(token)) {
            return false;
        }
        let mut depth = 0usize;
        while let Some((token, _)) = self.tokens.get(self.at) {
            self.at += 1;
            if is_open(token) {
                depth += 1;
            } else if is_close(token) {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return true;
                }
            }
        }
        self.is_cut = true;
        true
    }

    fn unknown(&self, start: usize) -> Expression {
        let from = self.tokens[start].1.start;
        let to = self.tokens[self.at.max(start + 1) - 1].1.end;
        Expression::Unknown(cut(&self.text[from..to]))
    }

    fn peek_sign(&self, wanted: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((Token::Sign(sign), _)) if *sign == wanted)
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let is_it = self.peek_sign(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some((Token::Word(word), _)) if word == wanted);
        self.at += usize::from(is_it);
        is_it
    }
}

fn one_or(mut parts: Vec<Expression>, make: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            make(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_binds_closer_is_read_first() {
        let test = |field: &str, operator, value: &str| Expression::Test {
            field: field.to_owned(),
            operator,
            values: vec![value.to_owned()],
        };
        let read = parse("a == 'x' && (Lower(b) contains \"y\" || !(c != 'z')) or d startsWith '/'").unwrap();
        let expected = Expression::Or(vec![
            Expression::And(vec![
                test("a", Operator::Equals, "x"),
                Expression::Or(vec![
                    test("b", Operator::Contains, "y"),
                    Expression::Not(Box::new(Expression::Not(Box::new(test(
                        "c",
                        Operator::Equals,
                        "z",
                    ))))),
                ]),
            ]),
            test("d", Operator::StartsWith, "/"),
        ]);
        assert_eq!(read, expected);
    }

    #[test]
    fn what_conditions_cannot_say_is_kept_as_text() {
        for text in [
            "any(File('a.txt'), { b endsWith # })",
            "len(a) > 3",
            "a + '/' == 'b'",
            "JsonExtract(evt.Line.Raw, 'x') == 'y'",
            "a == b",
            "['x'] contains a",
            "evt.Meta['x'] == 'y'",
        ] {
            let read = parse(&format!("c == 'd' && {text}")).unwrap();
            let Expression::And(parts) = read else {
                panic!("{text}: {read:?}")
            };
            assert_eq!(parts.len(), 2, "{text}: {parts:?}");
            assert_eq!(parts[1], Expression::Unknown(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_without_a_panic() {
        for text in [
            "",
            "(",
            "a ==",
            "a == 'x",
            "a == 'x' )",
            "&&",
            "[",
            "a in [",
            "a in ['x'",
            "§",
            &"(".repeat(9000),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_stand_for_what_they_were_given() {
        let read = parse("a == 'b' and (let x = Lower(c); x contains Lower('D') or x == 'e')").unwrap();
        assert_eq!(read, parse("a == 'b' and (c contains 'D' or c == 'e')").unwrap());
        assert!(parse("let x = ; a == 'b'").is_err() && parse("let x = a").is_err());
    }

    #[test]
    fn lists_and_opposites() {
        let read = parse("a not in ['x', \"y\"]").unwrap();
        let values = vec!["x".to_owned(), "y".to_owned()];
        let test = Expression::Test {
            field: "a".to_owned(),
            operator: Operator::Equals,
            values,
        };
        assert_eq!(read, Expression::Not(Box::new(test)));
    }
}
