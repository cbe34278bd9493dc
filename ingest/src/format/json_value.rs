//! One JSON value of any type, borrowed from its line.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A value as it stands in the line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Value<'a> {
    #[default]
    Absent,
    /// True or false.
    Flag,
    Number(f64),
    Text(Cow<'a, str>),
}

/// Reads a value of any type. An array gives its texts joined by commas; an object gives nothing, or, where typed
/// ones are expected, its own value (`{"stringValue":"GET"}` of OTLP).
#[derive(Debug, Clone, Copy)]
pub(super) struct AnyValue {
    /// Whether an object may name a value's type.
    pub(super) is_typed: bool,
}

impl<'a> DeserializeSeed<'a> for AnyValue {
    type Value = Value<'a>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for AnyValue {
    type Value = Value<'a>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(text_value(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text_value(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "sizes and times above 2^53 lose nothing that matters"
    )]
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "sizes and times above 2^53 lose nothing that matters"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Absent)
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut held = Value::Absent;
        while let Some(is_type) = map.next_key_seed(TypeName)? {
            if self.is_typed && is_type {
                let value = map.next_value_seed(self)?;
                held = if held == Value::Absent { value } else { held };
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(held)
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let mut joined = Value::Absent;
        while let Some(item) = items.next_element_seed(self)? {
            joined = match (joined, item) {
                (Value::Text(Cow::Owned(mut before)), Value::Text(after)) => {
                    before.push_str(", ");
                    before.push_str(&after);
                    Value::Text(Cow::Owned(before))
                }
                (Value::Text(before), Value::Text(after)) => {
                    Value::Text(Cow::Owned(format!("{before}, {after}")))
                }
                (Value::Absent | Value::Flag, first) => first,
                (before, _) => before,
            };
        }
        Ok(joined)
    }
}

/// A text, or nothing where it is empty or a dash, so that a worse key may fill the column.
fn text_value(text: Cow<'_, str>) -> Value<'_> {
    if text.is_empty() || text == "-" {
        Value::Absent
    } else {
        Value::Text(text)
    }
}

/// Whether a key is one under which OTLP keeps a value.
struct TypeName;

impl<'a> DeserializeSeed<'a> for TypeName {
    type Value = bool;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for TypeName {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(matches!(
            key,
            "stringValue" | "intValue" | "doubleValue" | "arrayValue" | "values"
        ))
    }
}
