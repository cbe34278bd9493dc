//! What a route is for, as far as the words of its path tell.

use serde::{Deserialize, Serialize};

/// What a route is for. Where the words tell nothing, behaviour must.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RouteRole {
    /// Nothing known.
    #[default]
    Plain,
    /// Signing in: sessions and tokens.
    Login,
    /// One-time codes: the second step of signing in.
    OneTimeCode,
    /// Asking for a new password.
    PasswordReset,
    /// Signing up.
    SignUp,
    /// Paying, vouchers, carts.
    Payment,
    /// Administration.
    Admin,
    /// Searching.
    Search,
    /// Downloads of much at once.
    Export,
    /// Asked by monitors.
    Health,
}

impl RouteRole {
    /// Every role.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Login,
        Self::OneTimeCode,
        Self::PasswordReset,
        Self::SignUp,
        Self::Payment,
        Self::Admin,
        Self::Search,
        Self::Export,
        Self::Health,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Login => "login",
            Self::OneTimeCode => "one_time_code",
            Self::PasswordReset => "password_reset",
            Self::SignUp => "sign_up",
            Self::Payment => "payment",
            Self::Admin => "admin",
            Self::Search => "search",
            Self::Export => "export",
            Self::Health => "health",
        }
    }

    /// The role of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether somebody proves there who he is: failures are failed sign-ins.
    #[must_use]
    pub const fn is_sign_in(self) -> bool {
        matches!(self, Self::Login | Self::OneTimeCode | Self::PasswordReset)
    }

    /// The whole segments of paths that name it.
    #[must_use]
    pub fn words(self) -> &'static [&'static str] {
        WORDS
            .iter()
            .find(|(role, _)| *role == self)
            .map_or(&[], |(_, words)| words)
    }

    /// The role that a whole segment of the path names. The last segment that names one decides, and one that names
    /// search, export or health only where no other does.
    #[must_use]
    pub fn of(path: &str) -> Self {
        if path.len() > ROLE_BYTES_MAX {
            return Self::Plain;
        }
        let mut found = Self::Plain;
        let mut rest = path.as_bytes();
        loop {
            // Segments are short: a search for long texts costs more to begin than to end.
            let from = rest
                .iter()
                .rposition(|byte| *byte == b'/')
                .map_or(0, |slash| slash + 1);
            let role = segment_role(&rest[from..]);
            if role == Self::Login && follows(path, rest.len(), RESET) {
                return Self::PasswordReset;
            }
            if !role.is_weak() {
                return role;
            }
            if found == Self::Plain {
                found = role;
            }
            if from == 0 {
                return found;
            }
            rest = &rest[..from - 1];
        }
    }

    /// Whether a role that another segment names goes before it: `/admin/search` is administration.
    const fn is_weak(self) -> bool {
        matches!(self, Self::Plain | Self::Search | Self::Export | Self::Health)
    }
}

/// The words of each role; a word stands in one row only.
const WORDS: &[(RouteRole, &[&str])] = &[
    (RouteRole::Login, LOGIN),
    (RouteRole::OneTimeCode, ONE_TIME_CODE),
    (RouteRole::PasswordReset, PASSWORD_RESET),
    (RouteRole::SignUp, SIGN_UP),
    (RouteRole::Payment, PAYMENT),
    (RouteRole::Admin, ADMIN),
    (RouteRole::Search, SEARCH),
    (RouteRole::Export, EXPORT),
    (RouteRole::Health, HEALTH),
];

/// The segment that, after one for signing in, asks for a new password; alone it resets anything.
const RESET: &str = "reset";

/// Whether that segment of a path, ending there, is followed by a word.
fn follows(path: &str, end: usize, word: &str) -> bool {
    let rest = path.as_bytes().get(end + 1..).unwrap_or_default();
    let next = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    next.eq_ignore_ascii_case(word.as_bytes())
}

/// Words of routes where programs fetch tokens: every answer is as long as the last, and that is all they do there.
const TOKEN_ISSUE: [&str; 7] = [
    "token",
    "tokens",
    "oauth",
    "oauth2",
    "refresh",
    "refresh-token",
    "jwt",
];

/// Whether a path is one where programs fetch tokens.
pub(crate) fn issues_tokens(path: &str) -> bool {
    let mut segments = path.split('/').take(TOKEN_SEGMENTS_MAX);
    segments.any(|segment| TOKEN_ISSUE.iter().any(|word| word.eq_ignore_ascii_case(segment)))
}

/// Whether a status says that what was sent to sign in was wrong, where it is no refusal: many a site calls a wrong
/// password bad input. Programs that fetch tokens send old ones without guessing.
pub(crate) fn tells_wrong_password(status: u16, path: &str) -> bool {
    matches!(status, 400 | 409 | 422 | 423) && !issues_tokens(path)
}

/// Segments that are looked at for such a word.
const TOKEN_SEGMENTS_MAX: usize = 16;

/// Longest path whose words are looked at: longer ones are not written by hand.
const ROLE_BYTES_MAX: usize = 256;

const LOGIN: &[&str] = &[
    "login",
    "log-in",
    "signin",
    "sign-in",
    "logon",
    "auth",
    "oauth",
    "oauth2",
    "authenticate",
    "authorize",
    "token",
    "tokens",
    "session",
    "sessions",
    "sso",
    "wp-login.php",
    "xmlrpc.php",
    "login.php",
    "login.aspx",
    "login.jsp",
    "j_security_check",
    "user_session",
];
const ONE_TIME_CODE: &[&str] = &["otp", "totp", "mfa", "2fa", "one-time-code", "verify-code"];
const PASSWORD_RESET: &[&str] = &[
    "password",
    "reset-password",
    "forgot-password",
    "password-reset",
    "lost-password",
    "lostpassword",
];
const SEARCH: &[&str] = &["search", "find", "suggest", "autocomplete"];
const EXPORT: &[&str] = &["export", "exports", "dump", "download-all", "bulk-export"];
const HEALTH: &[&str] = &[
    "health",
    "healthz",
    "livez",
    "readyz",
    "ready",
    "alive",
    "ping",
    "healthcheck",
    "heartbeat",
];
const SIGN_UP: &[&str] = &[
    "signup",
    "sign-up",
    "register",
    "registration",
    "join",
    "create-account",
    "registrations",
];
const PAYMENT: &[&str] = &[
    "payment", "payments", "pay", "checkout", "charge", "charges", "card", "cards", "coupon", "coupons",
    "voucher", "redeem",
];
const ADMIN: &[&str] = &[
    "admin",
    "administrator",
    "internal",
    "manage",
    "management",
    "actuator",
    "root",
    "superuser",
    "sysadmin",
    "console",
];

/// Longest word of the tables.
const WORD_BYTES_MAX: usize = 16;

/// Letters, for each length of a word.
type Letters = [[bool; 128]; WORD_BYTES_MAX + 1];

/// The first and the last letters that words of each length have: they sort out nearly every segment before a table is
/// searched. Searching the tables for every segment took a twentieth of the time of reading a log.
const FIRST_LETTERS: Letters = letters(WORDS, true);
const LAST_LETTERS: Letters = letters(WORDS, false);

const fn letters(tables: &[(RouteRole, &[&str])], is_first: bool) -> Letters {
    let mut found = [[false; 128]; WORD_BYTES_MAX + 1];
    let mut table = 0;
    while table < tables.len() {
        let mut place = 0;
        while place < tables[table].1.len() {
            let word = tables[table].1[place].as_bytes();
            let letter = word[if is_first { 0 } else { word.len() - 1 }];
            found[word.len()][letter as usize] = true;
            place += 1;
        }
        table += 1;
    }
    found
}

/// Whether words of that length have that letter there.
fn has_letter(letters: &Letters, length: usize, letter: u8) -> bool {
    let letter = usize::from(letter.to_ascii_lowercase());
    letters
        .get(length)
        .is_some_and(|letters| letters.get(letter).is_some_and(|is_there| *is_there))
}

fn segment_role(segment: &[u8]) -> RouteRole {
    let (Some(first), Some(last)) = (segment.first(), segment.last()) else {
        return RouteRole::Plain;
    };
    let length = segment.len();
    if !has_letter(&FIRST_LETTERS, length, *first) || !has_letter(&LAST_LETTERS, length, *last) {
        return RouteRole::Plain;
    }
    let is_it = |word: &&str| word.as_bytes().eq_ignore_ascii_case(segment);
    WORDS
        .iter()
        .find(|(_, words)| words.iter().any(is_it))
        .map_or(RouteRole::Plain, |(role, _)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_segments_name_the_role() {
        for (path, expected) in [
            ("/api/v1/login", RouteRole::Login),
            ("/wp-login.php", RouteRole::Login),
            ("/users/sign-up", RouteRole::SignUp),
            ("/admin/users/7", RouteRole::Admin),
            ("/admin/search", RouteRole::Admin),
            ("/api/search/export", RouteRole::Export),
            ("/login/2fa", RouteRole::OneTimeCode),
            ("/reset-password/7", RouteRole::PasswordReset),
            ("/rest/auth/reset/8a344bd3", RouteRole::PasswordReset),
            ("/auth/resets", RouteRole::Login),
            ("/counter/reset", RouteRole::Plain),
            ("/healthz", RouteRole::Health),
            ("/blog/the-login-story", RouteRole::Plain),
            ("/", RouteRole::Plain),
            ("", RouteRole::Plain),
            ("//J_SECURITY_CHECK//", RouteRole::Login),
            ("/shop/coupons?", RouteRole::Plain),
        ] {
            assert_eq!(RouteRole::of(path), expected, "{path}");
        }
    }

    #[test]
    fn every_role_but_plain_has_words_and_no_word_two_roles() {
        let mut all: Vec<&str> = Vec::new();
        for role in RouteRole::ALL {
            assert_eq!(RouteRole::from_name(role.as_str()), Some(role));
            assert_eq!(role.words().is_empty(), role == RouteRole::Plain);
            all.extend(role.words());
        }
        let different: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|word| word.len() <= WORD_BYTES_MAX));
    }
}
