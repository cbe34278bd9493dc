//! Whose a token says that it is, without anybody having checked it: a claim, and never more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest token that is looked at, in bytes: gateways refuse longer headers.
const TOKEN_BYTES_MAX: usize = 8192;

/// Longest subject, in bytes, as of any name.
const SUBJECT_BYTES_MAX: usize = 512;

/// The subject that a logged token claims: of an `Authorization` header, of a token alone, or of its payload as JSON or as it is
/// encoded. `None` for whatever is none of these.
pub(crate) fn subject_of(logged: &str) -> Option<String> {
    let text = logged.trim();
    if text.len() > TOKEN_BYTES_MAX {
        return None;
    }
    if text.starts_with('{') {
        return subject_in(text.as_bytes());
    }
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        Some(_) => return None,
        None => text,
    };
    let mut parts = token.split('.');
    let payload = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_head), Some(payload), Some(_signature), None) => payload,
        (Some(payload), None, ..) => payload,
        _ => return None,
    };
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    subject_in(&payload)
}

fn subject_in(payload: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Payload {
        sub: String,
    }
    if crate::nesting::is_too_deep(std::str::from_utf8(payload).ok()?) {
        return None;
    }
    let found: Payload = sonic_rs::from_slice(payload).ok()?;
    (1..=SUBJECT_BYTES_MAX)
        .contains(&found.sub.len())
        .then_some(found.sub)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAYLOAD: &str = r#"{"iss":"https://id.example","sub":"alice","exp":1795860903}"#;

    fn token() -> String {
        let payload = URL_SAFE_NO_PAD.encode(PAYLOAD);
        format!("eyJhbGciOiJub25lIn0.{payload}.c2ln")
    }

    #[test]
    fn the_subject_is_read_however_the_token_is_logged() {
        let token = token();
        let payload = token.split('.').nth(1).unwrap();
        for logged in [
            format!("Bearer {token}"),
            format!("bearer  {token}"),
            token.clone(),
            payload.to_owned(),
            format!("{payload}=="),
            PAYLOAD.to_owned(),
        ] {
            assert_eq!(subject_of(&logged).as_deref(), Some("alice"), "{logged}");
        }
    }

    #[test]
    fn what_is_no_token_claims_nobody() {
        let long = format!(r#"{{"sub":"{}"}}"#, "x".repeat(513));
        let huge = format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX));
        let deep = format!(r#"{{"sub":"a","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
        for logged in [
            "",
            "-",
            "Basic YWxpY2U6cHc=",
            "Bearer opaque",
            "a.b",
            "a.b.c.d",
            r#"{"sub":7}"#,
            r#"{"sub":""}"#,
            &long,
            &huge,
            &deep,
        ] {
            assert_eq!(subject_of(logged), None, "{logged}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = subject_of(&text);
            let _ = subject_of(&format!("Bearer a.{}.b", URL_SAFE_NO_PAD.encode(bytes)));
        }
    }
}
