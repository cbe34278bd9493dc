//! Objects that a query names: the `7` of `/account?user_id=7`, where the path names none.

use domain::{HashKey, ObjectId};

/// Parameters that are looked at. Who names an object behind eight others is not understood by the application either.
const PARAMETERS_MAX: usize = 8;

/// Longest value that is an object: a UUID in braces, with room.
const VALUE_BYTES_MAX: usize = 64;

/// Names of parameters that hold an object, beside those that end in `id`. Pages, sizes, times and versions are none.
const NAMES: [&str; 18] = [
    "account", "article", "author", "customer", "doc", "document", "employee", "file", "invoice", "item",
    "member", "number", "order", "patient", "post", "product", "record", "user",
];

/// The first object that a query names: a number, or a token with a digit in it, under a name that says so.
#[must_use]
pub(crate) fn named(query: &str, key: &HashKey) -> Option<ObjectId> {
    let mut parameters = query.split('&').take(PARAMETERS_MAX);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_object = names_object(name) && value.len() <= VALUE_BYTES_MAX && is_id(value);
        is_object.then(|| ObjectId {
            hash: key.hash(value.as_bytes()),
            number: value.parse().ok().filter(|number| *number < 1 << 63),
        })
    })
}

fn names_object(name: &str) -> bool {
    let bytes = name.as_bytes();
    // `id`, `user_id`, `user-id`, `userId`, `uid`; not `paid`, `valid`, `grid`.
    let is_id = match bytes {
        [.., before, b'i' | b'I', b'd' | b'D'] => {
            !before.is_ascii_alphabetic() || bytes[bytes.len() - 2] == b'I' || bytes.len() == 3
        }
        [b'i' | b'I', b'd' | b'D'] => true,
        _ => false,
    };
    is_id || NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_id(value: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    value.bytes().any(|byte| byte.is_ascii_digit()) && value.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: HashKey = HashKey::new([7; 16]);

    #[test]
    fn names_and_values_that_say_so_are_objects() {
        for (query, number) in [
            ("id=7", Some(7)),
            ("author=23", Some(23)),
            ("a=b&user_id=12", Some(12)),
            ("orderId=9", Some(9)),
            ("uid=4", Some(4)),
        ] {
            assert_eq!(
                named(query, &KEY).and_then(|object| object.number),
                number,
                "{query}"
            );
        }
        assert!(named("invoice=c26726b4-36d0-47b4", &KEY).is_some_and(|object| object.number.is_none()));
        for query in [
            "page=7",
            "valid=1",
            "id=",
            "id",
            "user=anna",
            "id=%27",
            "_=1700000000",
            "q=id=7",
            "",
        ] {
            assert_eq!(named(query, &KEY), None, "{query}");
        }
        assert_eq!(
            named(&format!("{}id=7", "a=b&".repeat(PARAMETERS_MAX)), &KEY),
            None
        );
    }
}
