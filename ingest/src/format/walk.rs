//! One walk through a JSON line along tables of keys. What no table lists is passed over unparsed.

use super::found::Found;
use super::json_value::{AnyValue, Value};
use super::keys::{Keys, Node, inner_base};
use super::written::{Branch, Leaf};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Where a walk stands: in a table, in what an operator wrote down, or in both.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'t> {
    /// The table, and where its ranks begin.
    pub(super) keys: Option<(&'static Keys, u64)>,
    /// What the operator wrote: it goes before the table.
    pub(super) written: Option<&'t Branch>,
    /// Columns that the operator wrote something for: the table's names for them count nothing.
    pub(super) settled: u32,
}

/// What a key holds in the two.
#[derive(Clone, Copy)]
struct Step<'t> {
    leaves: &'t [Leaf],
    own: Option<(Node, u64)>,
    inside: Place<'t>,
    shape: Shape,
}

/// What may stand where an object is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Pairs,
    Only,
}

impl<'t> Place<'t> {
    /// Walks a line.
    pub(super) fn walk<'a>(self, line: &'a str, found: &mut Found<'a>) -> Option<()> {
        let mut reader = sonic_rs::Deserializer::from_str(line);
        let step = Step {
            leaves: &[],
            own: None,
            inside: self,
            shape: Shape::Plain,
        };
        Taking { step, found }.deserialize(&mut reader).ok()?;
        reader.end().ok()
    }

    fn seek(self, key: &str) -> Option<Step<'t>> {
        let table = self.keys.and_then(|(keys, base)| keys.seek(base, key));
        let branch = self.written.and_then(|branch| branch.seek(key));
        if table.is_none() && branch.is_none() {
            return None;
        }
        let mut step = Step {
            leaves: branch.map_or(&[], |branch| &branch.leaves),
            own: None,
            inside: Place {
                keys: None,
                written: branch.filter(|branch| !branch.inside.is_empty()),
                settled: self.settled,
            },
            shape: Shape::Plain,
        };
        if let Some((rank, node)) = table {
            let is_settled = |node: Node| {
                let column = node.column();
                column.is_some_and(|column| self.settled & (1 << column as u32) != 0)
            };
            step.own = match node {
                Node::Or(leaf, _) => Some((*leaf, rank)),
                node => Some((node, rank)),
            };
            step.own = step
                .own
                .filter(|(node, _)| node.column().is_some() && !is_settled(*node));
            step.inside.keys = node.inside().map(|keys| (keys, inner_base(rank)));
            step.shape = match node {
                Node::Pairs(_) => Shape::Pairs,
                Node::Only(_) => Shape::Only,
                _ => Shape::Plain,
            };
        }
        Some(step)
    }

    /// What a key may fill, each with its rank.
    pub(super) fn leaves(self, key: &str) -> Vec<(Node, u64)> {
        let step = self.seek(key);
        let leaves = step.into_iter().flat_map(|step| {
            let written = step.leaves.iter().map(|leaf| (leaf.node, leaf.rank));
            written.chain(step.own).collect::<Vec<_>>()
        });
        leaves.collect()
    }

    /// Where a key leads.
    pub(super) fn inside(self, key: &str) -> Self {
        self.seek(key).map_or(Place::default(), |step| step.inside)
    }

    /// Whether nobody wants anything from here.
    pub(super) fn is_empty(self) -> bool {
        self.keys.is_none() && self.written.is_none()
    }
}

/// Takes one value to where its key leads.
struct Taking<'found, 't, 'a> {
    step: Step<'t>,
    found: &'found mut Found<'a>,
}

impl<'a> Taking<'_, '_, 'a> {
    fn put(self, value: Value<'a>) {
        for leaf in self.step.leaves {
            self.found.put(leaf.node, leaf.rank, value.clone());
        }
        if let Some((node, rank)) = self.step.own {
            self.found.put(node, rank, value);
        }
    }
}

impl<'a> DeserializeSeed<'a> for Taking<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

/// Reads a value that is none of an object or a list.
const SCALAR: AnyValue = AnyValue { is_typed: false };

/// Reads the value of a pair.
const TYPED: AnyValue = AnyValue { is_typed: true };

impl<'a> Visitor<'a> for Taking<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let place = self.step.inside;
        if place.is_empty() {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.put(Value::Absent);
            return Ok(());
        }
        while let Some(step) = map.next_key_seed(KeyOf { place })? {
            match step {
                Some(step) => map.next_value_seed(Taking {
                    step,
                    found: &mut *self.found,
                })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        match self.step.shape {
            Shape::Pairs => {
                while items
                    .next_element_seed(Pair {
                        place: self.step.inside,
                        found: &mut *self.found,
                    })?
                    .is_some()
                {}
            }
            Shape::Only => {
                let mut is_first = true;
                loop {
                    let step = Step {
                        leaves: &[],
                        own: None,
                        shape: Shape::Plain,
                        ..self.step
                    };
                    let found = &mut *self.found;
                    if items.next_element_seed(Taking { step, found })?.is_none() {
                        break;
                    }
                    self.found.is_several |= !is_first;
                    is_first = false;
                }
            }
            Shape::Plain => {
                let value = SCALAR.visit_seq(items)?;
                self.put(value);
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(Value::Absent);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.put(Value::Flag);
        Ok(())
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'a str) -> Result<(), E> {
        let value = SCALAR.visit_borrowed_str(text)?;
        self.put(value);
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let value = SCALAR.visit_str(text)?;
        self.put(value);
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.put(Value::Number(number));
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        let value = SCALAR.visit_i64(number)?;
        self.put(value);
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        let value = SCALAR.visit_u64(number)?;
        self.put(value);
        Ok(())
    }
}

/// Reads `{"key":"http.route","value":{"stringValue":"/"}}` or `{"name":"Host","value":"a.example"}`.
struct Pair<'found, 't, 'a> {
    place: Place<'t>,
    found: &'found mut Found<'a>,
}

impl<'a> DeserializeSeed<'a> for Pair<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Pair<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a pair of a name and a value")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let (mut name, mut value) = (None, Value::Absent);
        while let Some(part) = map.next_key::<Cow<'_, str>>()? {
            match &*part {
                "key" | "name" | "Name" => name = Some(map.next_value_seed(SCALAR)?),
                "value" | "Value" => value = map.next_value_seed(TYPED)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let Some(Value::Text(name)) = name
            && let Some(step) = self.place.seek(&name)
        {
            let found = self.found;
            Taking { step, found }.put(value);
        }
        Ok(())
    }
}

/// Finds a key; `None` for one that nobody wants.
struct KeyOf<'t> {
    place: Place<'t>,
}

impl<'a, 't> DeserializeSeed<'a> for KeyOf<'t> {
    type Value = Option<Step<'t>>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'t> Visitor<'_> for KeyOf<'t> {
    type Value = Option<Step<'t>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.place.seek(key))
    }
}
