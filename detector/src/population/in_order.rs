//! Tables by a hash, stored in the order of their keys: equal tables are equal bytes.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A table by a hash that is keyed already: nobody chooses where a row comes to lie.
type Table<T> = HashMap<u64, T, FixedState>;

pub(super) fn serialize<T: Serialize, S: Serializer>(
    table: &Table<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut rows: Vec<(&u64, &T)> = table.iter().collect();
    rows.sort_unstable_by_key(|(key, _)| **key);
    rows.serialize(serializer)
}

pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Table<T>, D::Error> {
    Ok(Vec::<(u64, T)>::deserialize(deserializer)?.into_iter().collect())
}
