//! Tokens with which we say to Kafka's brokers who we are (SASL OAUTHBEARER): from a file that somebody keeps fresh, or from
//! an endpoint that gives them for a client's id and secret.
//!
//! A token is a secret: it is never logged, and no message about one holds a part of it.

mod endpoint;

pub(crate) use endpoint::TokenEndpoint;

use crate::service::wall_clock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use ingest::source::kafka::{KafkaToken, TokenSource};
use serde::Deserialize;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longest token, in bytes: brokers refuse longer ones, whose first message they must hold whole.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// How long a token is used before another one is asked for, whatever it says, in seconds. Kubernetes replaces a file after
/// four fifths of its token's life, which may be days; a key that was changed makes a token worthless before its time.
const USED_SECS_MAX: i64 = 300;

/// Who a token names that does not say it: for the client library's log only.
const NAMELESS: &str = "portcullis";

/// A file that holds a token and is replaced before that expires.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// The token in that file, whenever one is wanted.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    fn read(&self) -> Result<String, String> {
        let name = self.path.display();
        let fail = |error: std::io::Error| format!("could not read the token file {name}: {error}");
        let mut text = String::new();
        // One byte more than allowed tells that it is too long.
        let most = TOKEN_BYTES_MAX as u64 + 1;
        let file = File::open(&self.path).map_err(fail)?;
        file.take(most).read_to_string(&mut text).map_err(fail)?;
        let token = text.trim();
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return Err(format!(
                "the token file {name} holds {} bytes, expected 1 to {TOKEN_BYTES_MAX}",
                token.len()
            ));
        }
        Ok(token.to_owned())
    }
}

impl TokenSource for TokenFile {
    fn token(&self) -> Result<KafkaToken, String> {
        let found = checked(self.read()?, None, wall_clock());
        found.map_err(|why| format!("the token file {} holds {why}", self.path.display()))
    }
}

/// What a JSON Web Token says about itself, so far as it concerns us. Whether it is true, brokers check.
#[derive(Debug, Default, Deserialize)]
struct Claims {
    #[serde(default)]
    sub: Option<String>,
    /// Seconds since 1970; may have a fraction.
    #[serde(default)]
    exp: Option<f64>,
}

/// The claims of a token that is a JSON Web Token (RFC 7519); of any other, none.
fn claims(token: &str) -> Claims {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
    bytes
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// A token as the source takes it. `lives_secs` is what the endpoint said of it, if it did.
fn checked(text: String, lives_secs: Option<i64>, now: Timestamp) -> Result<KafkaToken, String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("something that is no token: white space, or other than ASCII".to_owned());
    }
    let claims = claims(&text);
    let said = claims.exp.map(|secs| Timestamp::from_secs(secs as i64));
    let expires_at = said
        .or(lives_secs.map(|secs| now.plus_secs(secs)))
        .unwrap_or(now.plus_secs(USED_SECS_MAX));
    if expires_at <= now {
        return Err(format!("a token that expired at {expires_at}"));
    }
    let name = claims.sub.filter(|name| !name.is_empty() && !name.contains('\0'));
    Ok(KafkaToken {
        text,
        principal: name.unwrap_or_else(|| NAMELESS.to_owned()),
        expires_at: expires_at.min(now.plus_secs(USED_SECS_MAX)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    fn check(text: &str, lives_secs: Option<i64>, expected: Result<(&str, i64), &str>) {
        let found = checked(text.to_owned(), lives_secs, NOW);
        let found = found.map(|token| {
            let lives_millis = token.expires_at.millis_since(NOW);
            (token.principal, lives_millis / 1000)
        });
        let expected = expected
            .map(|(name, secs)| (name.to_owned(), secs))
            .map_err(str::to_owned);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_token_is_used_until_it_expires_and_never_for_long() {
        check(&token(r#"{"sub":"me","exp":1800000060}"#), None, Ok(("me", 60)));
        check(
            &token(r#"{"sub":"me","exp":1800000060.5}"#),
            Some(7),
            Ok(("me", 60)),
        );
        check(&token(r#"{"exp":1800086400}"#), None, Ok((NAMELESS, 300)));
        check(&token(r#"{"sub":"","exp":9e300}"#), None, Ok((NAMELESS, 300)));
        check("opaque", Some(20), Ok((NAMELESS, 20)));
        check("opaque", Some(i64::MAX), Ok((NAMELESS, 300)));
        check("opaque", None, Ok((NAMELESS, 300)));
        check(&token("no JSON"), None, Ok((NAMELESS, 300)));
        check("a..b", None, Ok((NAMELESS, 300)));
    }

    #[test]
    fn what_brokers_would_refuse_is_refused_here_without_showing_it() {
        let expired = checked(token(r#"{"exp":1799999999}"#), None, NOW).unwrap_err();
        assert!(expired.starts_with("a token that expired at 20"), "{expired}");
        check(
            "two words",
            None,
            Err("something that is no token: white space, or other than ASCII"),
        );
        assert!(checked("opaque".to_owned(), Some(0), NOW).is_err());
        assert!(checked("opaque".to_owned(), Some(-5), NOW).is_err());
    }

    #[test]
    fn a_file_is_read_again_each_time_and_a_wrong_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = TokenFile::new(&path);
        let error = file.token().unwrap_err();
        assert!(error.starts_with("could not read the token file /"), "{error}");
        for text in ["first", "second"] {
            std::fs::write(&path, format!("{text}\n")).unwrap();
            assert_eq!(file.token().unwrap().text, text);
        }
        std::fs::write(&path, " \n").unwrap();
        assert!(file.token().unwrap_err().contains("holds 0 bytes"));
        std::fs::write(&path, "x".repeat(TOKEN_BYTES_MAX + 10)).unwrap();
        assert!(file.token().unwrap_err().contains("bytes, expected 1 to 65536"));
        std::fs::write(&path, token(r#"{"exp":1,"sub":"hidden"}"#)).unwrap();
        let error = file.token().unwrap_err();
        assert!(
            error.ends_with("holds a token that expired at 1970-01-01T00:00:01Z"),
            "{error}"
        );
    }
}
