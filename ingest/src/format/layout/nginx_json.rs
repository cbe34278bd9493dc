//! JSON that people write into NGINX's `log_format`: the keys are theirs, the values are variables.
//!
//! Keys are looked up by name and not by place: shippers read such lines and write them anew in another order.

use super::field::{Escape, Kind, Piece};
use super::{Layout, Sink, Step, nginx};
use crate::format::{Column, Family, Format, Memory, Provenance, WrongFormat};
use crate::gateway::Gateway;
use crate::nesting::is_too_deep;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use sonic_rs::{JsonContainerTrait, JsonValueTrait, LazyValue};
use std::borrow::Cow;
use std::fmt;

/// Keys that a description may have: real ones stay below fifty.
const KEYS_MAX: usize = 128;

/// Letters around the number of a variable in a description that is made JSON.
const MARK: &str = "\u{e000}";

/// A format of JSON.
pub(super) struct NginxJson {
    keys: Vec<Key>,
    /// The description as one layout, for writing.
    text: Layout,
}

/// A key and what its value is.
struct Key {
    name: String,
    node: Node,
}

enum Node {
    /// The fields of a text, mostly one.
    Value(Layout),
    Object(Vec<Key>),
}

impl NginxJson {
    /// Reads a description.
    ///
    /// # Errors
    /// When it is no JSON with variables for values, or lacks what every request needs.
    pub(super) fn new(description: &str) -> Result<Self, WrongFormat> {
        let tokens = nginx::tokens(description)?;
        let mut template = String::with_capacity(description.len());
        let mut names = Vec::new();
        let mut is_string = false;
        for token in &tokens {
            match token {
                super::Token::Text(text) => {
                    is_string ^= unescaped_quotes(text) % 2 == 1;
                    template.push_str(text);
                }
                super::Token::Field(field) => {
                    let mark = format!("{MARK}{}{MARK}", names.len());
                    template.push_str(&if is_string { mark } else { format!("\"{mark}\"") });
                    names.push(field.name.clone());
                }
            }
        }
        if is_too_deep(&template) {
            return Err(WrongFormat::new("the JSON is nested too deep"));
        }
        let value: sonic_rs::Value = sonic_rs::from_str(&template).map_err(|_| {
            WrongFormat::new("the format begins like JSON and is none once its variables are filled in")
        })?;
        let text = Layout::compile(tokens, Escape::Json)?;
        text.check()?;
        let mut count = 0;
        let mut keys = keys_of(&value, &names, &mut count)?;
        keep(&mut keys, &text);
        Ok(Self { keys, text })
    }
}

/// Quotes that no backslash escapes.
fn unescaped_quotes(text: &str) -> usize {
    let mut is_escaped = false;
    let mut count = 0;
    for byte in text.bytes() {
        count += usize::from(byte == b'"' && !is_escaped);
        is_escaped = byte == b'\\' && !is_escaped;
    }
    count
}

fn keys_of(value: &sonic_rs::Value, names: &[String], count: &mut usize) -> Result<Vec<Key>, WrongFormat> {
    let Some(object) = value.as_object() else {
        return Err(WrongFormat::new("the JSON is no object"));
    };
    let mut keys = Vec::with_capacity(object.len());
    for (name, value) in object {
        *count += 1;
        if *count > KEYS_MAX {
            return Err(WrongFormat::new(format!("more than {KEYS_MAX} keys")));
        }
        let node = if value.is_object() {
            Node::Object(keys_of(value, names, count)?)
        } else if let Some(text) = value.as_str() {
            let description = with_names(text, names);
            Node::Value(Layout::compile(nginx::tokens(&description)?, Escape::Nothing)?)
        } else {
            continue;
        };
        let name = name.to_owned();
        keys.push(Key { name, node });
    }
    Ok(keys)
}

/// Leaves those values to be read over that the whole line's layout reads over: others say the same better.
fn keep(keys: &mut [Key], text: &Layout) {
    for key in keys {
        match &mut key.node {
            Node::Object(keys) => keep(keys, text),
            Node::Value(layout) => {
                for step in &mut layout.steps {
                    if let Step::Field { field, .. } = step
                        && text.fields().all(|kept| kept.name != field.name)
                    {
                        field.piece = Piece::Ignored;
                    }
                }
            }
        }
    }
}

/// A text in which numbers stand for variables, with the variables again.
fn with_names(text: &str, names: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split(MARK).enumerate() {
        let name = part.parse::<usize>().ok().and_then(|number| names.get(number));
        match name.filter(|_| index % 2 == 1) {
            // In braces, so that the text behind it is not taken for a part of its name.
            Some(name) => {
                out.push_str("${");
                out.push_str(name.trim_start_matches('$'));
                out.push('}');
            }
            None => out.push_str(part),
        }
    }
    out
}

impl Format for NginxJson {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn description(&self) -> &'static str {
        "JSON in a `log_format` of NGINX's that you wrote down"
    }

    fn gateway(&self) -> Gateway {
        Gateway::Nginx
    }

    fn provenance(&self) -> Provenance {
        Provenance::documented("https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format")
    }

    fn family(&self) -> Family {
        Family::Json
    }

    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        if is_too_deep(line) {
            return Err(Reason::BrokenJson);
        }
        let mut sink = Sink::new(Escape::Nothing);
        let mut failure = None;
        let mut reader = sonic_rs::Deserializer::from_str(line);
        let walk = Walk {
            keys: &self.keys,
            sink: &mut sink,
            memory,
            failure: &mut failure,
        };
        walk.deserialize(&mut reader).map_err(|_| Reason::BrokenJson)?;
        reader.end().map_err(|_| Reason::BrokenJson)?;
        match failure {
            Some(reason) => Err(reason),
            None => sink.into_raw(),
        }
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        self.text.render(record, out);
    }

    fn columns(&self) -> Vec<(Column, String)> {
        self.text.columns()
    }

    fn resolution_millis(&self) -> u32 {
        self.text.resolution_millis()
    }
}

/// Walks one object along its keys.
struct Walk<'walk, 'a> {
    keys: &'walk [Key],
    sink: &'walk mut Sink<'a>,
    memory: &'walk mut Memory,
    failure: &'walk mut Option<Reason>,
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        // Which keys were there: one that stands twice makes the record ambiguous, programs differ in which they believe.
        let mut seen = 0u128;
        while let Some(index) = map.next_key_seed(KeyOf { keys: self.keys })? {
            let Some(index) = index else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            self.sink.is_ambiguous |= seen >> index & 1 == 1;
            let is_first = seen >> index & 1 == 0;
            seen |= 1 << index;
            match &self.keys[index].node {
                Node::Object(keys) => map.next_value_seed(Walk {
                    keys,
                    sink: &mut *self.sink,
                    memory: &mut *self.memory,
                    failure: &mut *self.failure,
                })?,
                Node::Value(layout) => {
                    let value: LazyValue<'a> = map.next_value()?;
                    if is_first && let Err(reason) = take(layout, &value, self.sink, self.memory) {
                        *self.failure = self.failure.or(Some(reason));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Takes one value: a text without its escapes, or a number as it is written.
fn take<'a>(
    layout: &Layout,
    value: &LazyValue<'a>,
    sink: &mut Sink<'a>,
    memory: &mut Memory,
) -> Result<(), Reason> {
    let raw = value.as_raw_cow();
    let text = match raw {
        Cow::Borrowed(raw) => match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
            Some(inside) => Escape::Json.undo(inside),
            None if matches!(raw, "null" | "true" | "false") => return Ok(()),
            None => Cow::Borrowed(raw),
        },
        Cow::Owned(raw) => Cow::Owned(sonic_rs::from_str::<String>(&raw).unwrap_or(raw)),
    };
    layout.take_text(text, sink, memory)
}

impl Layout {
    /// Reads the value of one key. Most hold one variable, which is the whole of it.
    fn take_text<'a>(
        &self,
        text: Cow<'a, str>,
        sink: &mut Sink<'a>,
        memory: &mut Memory,
    ) -> Result<(), Reason> {
        let [Step::Field { field, .. }] = self.steps.as_slice() else {
            return match text {
                Cow::Borrowed(text) => self.take_pieces(text, sink, memory),
                // Escaped and made of several variables: rare enough to be read over.
                Cow::Owned(_) => Ok(()),
            };
        };
        if let Kind::Moment(moment) = &field.kind {
            if matches!(text.as_ref(), "" | "-") {
                return Ok(());
            }
            let read = sink.put_moment(field.piece, moment, text.as_bytes(), memory);
            return read.map(|_| ()).ok_or(Reason::Invalid("time"));
        }
        sink.put_plain(field.piece, text)
    }

    fn take_pieces<'a>(&self, text: &'a str, sink: &mut Sink<'a>, memory: &mut Memory) -> Result<(), Reason> {
        if super::walk::plain(self, text, sink, memory)?.is_none() {
            let is_ambiguous = super::readings::closer(self, text, sink, memory)?;
            sink.is_ambiguous |= is_ambiguous;
        }
        Ok(())
    }
}

/// Finds a key; `None` for one that nobody wants.
struct KeyOf<'walk> {
    keys: &'walk [Key],
}

impl<'a> DeserializeSeed<'a> for KeyOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.keys.iter().position(|known| known.name == key))
    }
}
