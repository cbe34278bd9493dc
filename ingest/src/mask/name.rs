//! Names of parameters whose values are secret.

/// Names that hold a secret when they are exactly this, in lower case and without `_`, `-`, `.`, `[`, `]`.
const EXACT: &[&str] = &[
    "key",
    "sig",
    "sign",
    "code",
    "pass",
    "pin",
    "otp",
    "totp",
    "sid",
    "hmac",
    "hash",
    "auth",
    "state",
    "nonce",
    "ticket",
    "assertion",
    "samlresponse",
    "wresult",
    "credentials",
];

/// Names that hold a secret when they contain this.
const CONTAINED: &[&str] = &[
    "token",
    "apikey",
    "accesskey",
    "secret",
    "passw",
    "passphrase",
    "pwd",
    "signature",
    "credential",
    "jwt",
    "bearer",
    "authorization",
    "authcode",
    "authkey",
    "session",
    "sessid",
    "privatekey",
    "clientkey",
    "subscriptionkey",
    "cookie",
];

/// Whether a parameter of that plain name holds a secret.
pub(super) fn is_secret(plain: &str) -> bool {
    EXACT.contains(&plain) || CONTAINED.iter().any(|word| plain.contains(word))
}

/// The name as its program will read it: percent-decoded, in lower case, letters and digits only.
pub(super) fn plain(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut plain = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%').then(|| name.get(at + 1..at + 3)).flatten();
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let byte = decoded.unwrap_or(bytes[at]);
        at += if decoded.is_some() { 3 } else { 1 };
        if byte.is_ascii_alphanumeric() {
            plain.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    plain
}
