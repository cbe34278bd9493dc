//! Values that are secret or personal under any name: web tokens, keys of well-known services, mail addresses, card numbers.

use super::MASK;
use std::borrow::Cow;

/// How the keys of well-known services begin.
const KEY_PREFIXES: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "pk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "SG.",
    "npm_",
    "hf_",
    "dop_v1_",
];

/// Shortest rest of such a key: below it a word begins like a key by chance.
const KEY_REST_MIN: usize = 12;

/// Digits of a card number.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 14..=19;

/// Masks a value or a segment of a path, if it is secret or personal by what it is.
pub(super) fn mask(value: &str) -> Cow<'_, str> {
    if is_web_token(value) || is_key(value) || is_card(value) {
        return Cow::Borrowed(MASK);
    }
    mask_mail(value).map_or(Cow::Borrowed(value), Cow::Owned)
}

/// Whether it looks like a JSON Web Token: `eyJ…` in three parts.
pub(super) fn is_web_token(value: &str) -> bool {
    let is_token_byte = |byte| is_key_byte(byte) || matches!(byte, b'=' | b'%' | b'+');
    value.starts_with("eyJ") && value.split('.').count() == 3 && value.bytes().all(is_token_byte)
}

const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_key(value: &str) -> bool {
    let rest = KEY_PREFIXES.iter().find_map(|prefix| value.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() >= KEY_REST_MIN && rest.bytes().all(is_key_byte))
}

/// The address without who it is: `***@example.org`. The domain tells a person apart from a thousand others, and nobody
/// from outside.
fn mask_mail(value: &str) -> Option<String> {
    let (mark, at) = [("@", value.find('@')), ("%40", value.find("%40"))]
        .into_iter()
        .find_map(|(mark, at)| Some((mark, at?)))?;
    let (local, domain) = (&value[..at], &value[at + mark.len()..]);
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&*+/=?^_`{|}~-'".contains(&byte);
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_mail = local.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && local.bytes().all(|byte| is_local(byte) || !byte.is_ascii())
        && domain.contains('.')
        && domain.bytes().all(is_domain);
    is_mail.then(|| format!("{MASK}{mark}{domain}"))
}

/// Whether the whole value is a card number: its digits begin and end as a card's do (ISO/IEC 7812).
fn is_card(value: &str) -> bool {
    let mut digits = Vec::new();
    let mut rest = value;
    while let Some(first) = rest.bytes().next() {
        match first {
            b'0'..=b'9' if digits.len() < *CARD_DIGITS.end() => digits.push(first - b'0'),
            b' ' | b'-' | b'+' if !digits.is_empty() => {}
            b'%' if rest.starts_with("%20") && !digits.is_empty() => rest = &rest[2..],
            _ => return false,
        }
        rest = &rest[1..];
    }
    CARD_DIGITS.contains(&digits.len()) && is_issued(&digits) && luhn(&digits) == 0
}

/// Whether somebody issues cards that begin so: moments in milliseconds and most identifiers begin otherwise.
fn is_issued(digits: &[u8]) -> bool {
    let head = digits
        .iter()
        .take(4)
        .fold(0, |head, digit| head * 10 + u32::from(*digit));
    matches!(
        (head, digits.len()),
        (4000..=4999, 16 | 19)
            | (5100..=5599 | 2221..=2720 | 3528..=3589 | 6011 | 6440..=6599 | 6200..=6299, 16..=19)
            | (3400..=3499 | 3700..=3799, 15)
            | (3000..=3059 | 3600..=3699 | 3800..=3999, 14)
    )
}

/// The sum that is zero for whole numbers of cards (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> u32 {
    let doubled = |(at, digit): (usize, &u8)| {
        let value = u32::from(*digit) << (at % 2);
        value / 10 + value % 10
    };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_by_itself_is_masked() {
        for (value, expected) in [
            ("eyJhbGciOi.eyJzdWIi.c2ln", "***"),
            ("sk_live_51H8xYzAbCdEfGh", "***"),
            ("AKIAIOSFODNN7EXAMPLE", "***"),
            ("anna@example.org", "***@example.org"),
            ("anna.b%2Bx%40example.org", "***%40example.org"),
            ("4111111111111111", "***"),
            ("4111-1111-1111-1111", "***"),
            ("4111%201111%201111%201111", "***"),
            ("378282246310005", "***"),
        ] {
            assert_eq!(mask(value), expected, "{value}");
        }
    }

    #[test]
    fn other_values_stay() {
        for value in [
            "",
            "***",
            "***@example.org",
            "@types",
            "@angular%40core",
            "a@b",
            "1700000000000",
            "4111111111111112",
            "9007199254740993",
            "550e8400-e29b-41d4-a716-446655440000",
            "hf_small",
            "SG.",
            "eyJx",
            "sk_live_",
        ] {
            assert_eq!(mask(value), value);
        }
    }
}
