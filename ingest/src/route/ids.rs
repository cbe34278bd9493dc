//! What was taken out of a path, kept aside: where it stood, of which kind it is, its number or its keyed hash.
//!
//! Nothing on the way of every request needs it, and nobody pays for it who does not ask: the detector takes the last one from
//! [`super::digest`], and who wants all of them asks here.

use super::{RouteCatalogue, SEGMENTS_MAX, is_mail, is_variable, split_extension};
use domain::{HashKey, ObjectId};

/// What an id is, by its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdKind {
    /// A decimal number: `7`.
    Number,
    /// A UUID, with its dashes.
    Uuid,
    /// A run of hexadecimal digits: `5203a7e7`.
    Hex,
    /// A day: `2024-01-31`.
    Date,
    /// A mail address.
    Mail,
    /// Letters and digits without a meaning.
    Token,
    /// Numbers with marks between them: `1,2,3`, `12.5`.
    Numbers,
    /// A word, or words: what only a document tells to be an id.
    Slug,
    /// Anything else.
    Other,
}

impl IdKind {
    /// Its public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Uuid => "uuid",
            Self::Hex => "hex",
            Self::Date => "date",
            Self::Mail => "mail",
            Self::Token => "token",
            Self::Numbers => "numbers",
            Self::Slug => "slug",
            Self::Other => "other",
        }
    }

    /// What a text is.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let all = |is: fn(&u8) -> bool| !text.is_empty() && text.iter().all(is);
        if all(u8::is_ascii_digit) {
            Self::Number
        } else if is_uuid(text) {
            Self::Uuid
        } else if is_date(text) {
            Self::Date
        } else if is_mail(text) {
            Self::Mail
        } else if all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b',' | b':')) {
            Self::Numbers
        } else if is_variable(text) && all(u8::is_ascii_hexdigit) {
            Self::Hex
        } else if is_variable(text) && all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            Self::Token
        } else if all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~')) {
            Self::Slug
        } else {
            Self::Other
        }
    }
}

/// One id of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId {
    /// Which segment it stands in, from 0.
    pub position: u8,
    /// What it is.
    pub kind: IdKind,
    /// Its hash and, where it is one, its number.
    pub object: ObjectId,
}

/// The ids of a path in their order: what stands in the place of parameters where a document names the route, else what the
/// built-in templates take out. At most [`SEGMENTS_MAX`].
pub fn ids<'p>(
    path: &'p str,
    documented: Option<&RouteCatalogue>,
    key: &'p HashKey,
) -> impl Iterator<Item = PathId> + 'p {
    let fit = documented.and_then(|catalogue| catalogue.fit(path));
    let mut values = [None; SEGMENTS_MAX];
    match fit {
        Some(fit) => values
            .iter_mut()
            .zip(fit.values())
            .for_each(|(value, found)| *value = found),
        None => built_in(path, &mut values),
    }
    (0u8..).zip(values).filter_map(|(position, value)| {
        let text = value?;
        Some(PathId {
            position,
            kind: IdKind::of(text),
            object: super::object(text, key),
        })
    })
}

fn built_in<'p>(path: &'p str, values: &mut [Option<&'p [u8]>; SEGMENTS_MAX]) {
    if path.starts_with('/') {
        let segments = path.as_bytes().split(|byte| *byte == b'/');
        let segments = segments.filter(|segment| !segment.is_empty());
        for (value, segment) in values.iter_mut().zip(segments) {
            let name = segment.split(|byte| *byte == b';').next().unwrap_or(segment);
            let (stem, extension) = split_extension(name);
            *value = if is_variable(stem) {
                Some(stem)
            } else {
                Some(name).filter(|name| !extension.is_empty() && is_variable(name))
            };
        }
    }
}

/// `550e8400-e29b-41d4-a716-446655440000`.
fn is_uuid(text: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.iter().enumerate().all(fits)
}

/// `2024-01-31`, with months and days that there are.
fn is_date(text: &[u8]) -> bool {
    let is_between = |tens: u8, ones: u8, most: u8| {
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number && (1..=most).contains(&((tens - b'0') * 10 + (ones - b'0')))
    };
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = text else {
        return false;
    };
    year.len() == 4
        && year.iter().all(u8::is_ascii_digit)
        && is_between(*m1, *m2, 12)
        && is_between(*d1, *d2, 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: HashKey = HashKey::new([7; 16]);

    fn check(path: &str, catalogue: Option<&RouteCatalogue>, expected: &[(u8, IdKind, Option<u64>)]) {
        let found: Vec<_> = ids(path, catalogue, &KEY)
            .map(|id| (id.position, id.kind, id.object.number))
            .collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn every_id_is_kept_with_its_place_kind_and_value() {
        check(
            "/users/123/orders/9f86d081/x",
            None,
            &[(1, IdKind::Number, Some(123)), (3, IdKind::Hex, None)],
        );
        check("/log/2024-01-31.json", None, &[(1, IdKind::Date, None)]);
        check(
            "/a/550e8400-e29b-41d4-a716-446655440000",
            None,
            &[(1, IdKind::Uuid, None)],
        );
        check("/a/FMuukC2JOJ5HKmLBujjE_BkDo", None, &[(1, IdKind::Token, None)]);
        check(
            "/u/somebody@example.org/1,2,3",
            None,
            &[(1, IdKind::Mail, None), (2, IdKind::Numbers, None)],
        );
        check("/api/v1/users", None, &[]);
        check("*", None, &[]);
    }

    #[test]
    fn a_document_tells_words_to_be_ids() {
        let catalogue = RouteCatalogue::new(["/users/{name}/orders/{order}"]).unwrap();
        check(
            "/users/anna/orders/17",
            Some(&catalogue),
            &[(1, IdKind::Slug, None), (3, IdKind::Number, Some(17))],
        );
        check("/users/anna", Some(&catalogue), &[]);
        check(
            "/users/a%27/orders/1",
            Some(&catalogue),
            &[(1, IdKind::Other, None), (3, IdKind::Number, Some(1))],
        );
    }

    #[test]
    fn equal_ids_have_equal_hashes_and_no_text() {
        let hash = |path| ids(path, None, &KEY).next().map(|id| id.object.hash);
        assert_eq!(hash("/a/7"), hash("/b/c/7.json"));
        assert_ne!(hash("/a/7"), hash("/a/8"));
        let deep = "/7".repeat(1000);
        assert_eq!(ids(&deep, None, &KEY).count(), SEGMENTS_MAX);
    }
}
