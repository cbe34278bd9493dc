//! Tables of a JSON format: which key holds which piece of a request, and where a key leads.
//!
//! A lookup costs the same whatever the table's size: keys stand in chains by their length and three of their bytes,
//! built when the program is compiled. Home-made JSON has some two hundred names, and a line some twenty keys.

use super::Column;
use crate::clock::EpochUnit;

/// Longest key that any table has. A longer one in a line is nobody's, so that looking at it is cheap.
const KEY_BYTES_MAX: usize = 64;

/// More keys than any table has: ranks count in this base, so that no two places of a tree share one.
const KEYS_MAX: usize = 256;

/// Chains of a table.
const CHAINS: usize = 64;

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    /// Text.
    Text(Column),
    /// A method, written in capitals: some schemas write it small whatever was sent.
    Verb,
    /// A number in the unit of the column times this factor (durations: milliseconds). A text that names its unit
    /// (`0.012s`, `1.5ms`) is read by that.
    Scaled(Column, f64),
    /// A duration whose text names its unit. A bare number says nothing and is not read.
    Timed(Column),
    /// A moment: a text, or a number in that unit.
    Moment(EpochUnit),
    /// A target that may be an absolute URL, whose host is the request's where no other key names one.
    Url,
    /// A route as Amazon API Gateway names it: `GET /pets`, `$default`, `$connect`.
    Route,
    /// An object with keys of its own.
    Object(&'static Keys),
    /// An object, or a list of pairs of a name and a value.
    Pairs(&'static Keys),
    /// An object, or a list that holds one: several would be several requests.
    Only(&'static Keys),
    /// A value of its own, or an object.
    Or(&'static Node, &'static Keys),
}

/// How alike two names have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// Byte for byte.
    Exact,
    /// In small and capital letters: names of headers.
    Case,
    /// Whatever their case, and with `_`, `-` and spaces left out: `client_ip`, `clientIp`, `Client-IP`.
    Loose,
}

/// Keys of an object, each with what it holds; earlier ones are preferred where several name the same column.
#[derive(Debug)]
pub(super) struct Keys {
    entries: &'static [(&'static str, Node)],
    fold: Fold,
    /// Whether `a.b` is also read as `b` inside `a`.
    is_dotted: bool,
    heads: [u8; CHAINS],
    next: [u8; KEYS_MAX],
}

impl Keys {
    /// A table of keys that are written just so.
    pub(super) const fn exact(entries: &'static [(&'static str, Node)]) -> Self {
        Self::new(entries, Fold::Exact, false)
    }

    /// A table of headers: small letters.
    pub(super) const fn headers(entries: &'static [(&'static str, Node)]) -> Self {
        Self::new(entries, Fold::Case, false)
    }

    /// A table of keys that may be nested or joined by dots.
    pub(super) const fn dotted(entries: &'static [(&'static str, Node)]) -> Self {
        Self::new(entries, Fold::Exact, true)
    }

    /// A table of names of every spelling, nested or joined by dots; written here small, without `_` and `-`.
    pub(super) const fn loose(entries: &'static [(&'static str, Node)]) -> Self {
        Self::new(entries, Fold::Loose, true)
    }

    const fn new(entries: &'static [(&'static str, Node)], fold: Fold, is_dotted: bool) -> Self {
        assert!(
            entries.len() < KEYS_MAX,
            "a table has fewer keys than ranks have room for"
        );
        let (mut heads, mut next) = ([0; CHAINS], [0; KEYS_MAX]);
        let mut at = entries.len();
        while at > 0 {
            let chain = chain_of(entries[at - 1].0.as_bytes());
            next[at - 1] = heads[chain];
            #[allow(clippy::cast_possible_truncation, reason = "checked to be below 256")]
            let number = at as u8;
            heads[chain] = number;
            at -= 1;
        }
        Self {
            entries,
            fold,
            is_dotted,
            heads,
            next,
        }
    }

    /// The keys in the order of preference.
    pub(super) const fn entries(&self) -> &'static [(&'static str, Node)] {
        self.entries
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.fold == Fold::Exact {
            return self.lookup(key.as_bytes());
        }
        let mut folded = [0; KEY_BYTES_MAX];
        let length = fold(key, self.fold, &mut folded);
        self.lookup(&folded[..length])
    }

    fn lookup(&self, key: &[u8]) -> Option<usize> {
        let mut number = self.heads[chain_of(key)];
        while number > 0 {
            let at = usize::from(number) - 1;
            if self.entries[at].0.as_bytes() == key {
                return Some(at);
            }
            number = self.next[at];
        }
        None
    }

    /// What a key holds, and its rank when the table's ranks begin at `base`.
    pub(super) fn seek(&'static self, base: u64, key: &str) -> Option<(u64, Node)> {
        if key.len() > KEY_BYTES_MAX {
            return None;
        }
        if let Some(at) = self.position(key) {
            return Some((base + at as u64, self.entries[at].1));
        }
        if !self.is_dotted {
            return None;
        }
        key.match_indices('.').find_map(|(dot, _)| {
            let at = self.position(&key[..dot])?;
            let inner = self.entries[at].1.inside()?;
            inner.seek(inner_base(base + at as u64), &key[dot + 1..])
        })
    }
}

impl Node {
    /// The keys of the object that it may hold.
    pub(super) const fn inside(self) -> Option<&'static Keys> {
        match self {
            Self::Object(keys) | Self::Pairs(keys) | Self::Only(keys) | Self::Or(_, keys) => Some(keys),
            _ => None,
        }
    }

    /// The column that its own value fills.
    pub(super) const fn column(self) -> Option<Column> {
        match self {
            Self::Text(column) | Self::Scaled(column, _) | Self::Timed(column) => Some(column),
            Self::Verb => Some(Column::Method),
            Self::Moment(_) => Some(Column::At),
            Self::Url => Some(Column::Target),
            Self::Route => Some(Column::Path),
            Self::Or(leaf, _) => leaf.column(),
            Self::Object(_) | Self::Pairs(_) | Self::Only(_) => None,
        }
    }
}

/// Where the ranks of an object begin whose key has that rank: below every rank outside it.
pub(super) const fn inner_base(rank: u64) -> u64 {
    (rank + 1).saturating_mul(KEYS_MAX as u64)
}

const fn chain_of(key: &[u8]) -> usize {
    let length = key.len();
    if length == 0 {
        return 0;
    }
    let bytes = key[0] as usize * 31 + key[length / 2] as usize * 7 + key[length - 1] as usize;
    (bytes + length * 5) % CHAINS
}

/// Writes a key as tables that fold write it; what is longer than any is cut, and so is none of theirs.
fn fold(key: &str, how: Fold, out: &mut [u8; KEY_BYTES_MAX]) -> usize {
    let mut length = 0;
    for &byte in key.as_bytes() {
        if how == Fold::Loose && matches!(byte, b'_' | b'-' | b' ') {
            continue;
        }
        let Some(place) = out.get_mut(length) else {
            break;
        };
        *place = byte.to_ascii_lowercase();
        length += 1;
    }
    length
}

/// Lists the columns of a table with their dotted paths.
pub(super) fn list(keys: &'static Keys, prefix: &str, columns: &mut Vec<(Column, String)>) {
    for (key, node) in keys.entries() {
        let path = format!("{prefix}{key}");
        if let Some(column) = node.column() {
            columns.push((column, path.clone()));
        }
        if matches!(node, Node::Url | Node::Or(Node::Url, _)) {
            columns.push((Column::Host, path.clone()));
        }
        if let Some(inner) = node.inside() {
            list(inner, &format!("{path}."), columns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: Keys = Keys::dotted(&[("ip", Node::Text(Column::Peer)), ("b.c", Node::Verb)]);
    const EXACT: Keys = Keys::dotted(&[
        ("status", Node::Text(Column::Status)),
        ("client", Node::Object(&INNER)),
    ]);
    const LOOSE: Keys = Keys::loose(&[("clientip", Node::Text(Column::Peer))]);

    fn rank(keys: &'static Keys, key: &str) -> Option<u64> {
        keys.seek(0, key).map(|(rank, _)| rank)
    }

    #[test]
    fn keys_are_found_nested_and_joined() {
        assert_eq!(rank(&EXACT, "status"), Some(0));
        assert_eq!(rank(&EXACT, "client"), Some(1));
        assert_eq!(rank(&EXACT, "client.ip"), Some(512));
        assert_eq!(rank(&EXACT, "client.b.c"), Some(513));
        for key in ["", "Status", "client.", "client.i", ".client.ip", "status.ip"] {
            assert_eq!(rank(&EXACT, key), None, "{key}");
        }
    }

    #[test]
    fn loose_names_are_found_in_every_spelling() {
        for key in ["client_ip", "clientIp", "Client-IP", "CLIENT IP", "clientip"] {
            assert_eq!(rank(&LOOSE, key), Some(0), "{key}");
        }
        assert_eq!(rank(&LOOSE, "client.ip"), None);
        assert_eq!(rank(&LOOSE, &"_".repeat(1000)), None);
    }
}
