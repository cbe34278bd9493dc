//! What a route is for, as far as the words of its path tell.

/// What a route is for. Where the words tell nothing, behaviour must.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RouteRole {
    /// Nothing known.
    #[default]
    Plain,
    /// Signing in, tokens, one-time codes, password reset.
    Login,
    /// Signing up.
    SignUp,
    /// Paying, vouchers, carts.
    Payment,
    /// Administration.
    Admin,
}

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
    "otp",
    "mfa",
    "2fa",
    "password",
    "reset-password",
    "forgot-password",
    "wp-login.php",
    "xmlrpc.php",
    "login.php",
    "login.aspx",
    "login.jsp",
    "j_security_check",
    "user_session",
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

/// The role that a whole segment of the path names. The last segment that names one decides.
#[must_use]
pub(super) fn role(path: &str) -> RouteRole {
    if path.len() > ROLE_BYTES_MAX {
        return RouteRole::Plain;
    }
    let mut rest = path.as_bytes();
    loop {
        let from = memchr::memrchr(b'/', rest).map_or(0, |slash| slash + 1);
        let role = segment_role(&rest[from..]);
        if role != RouteRole::Plain || from == 0 {
            return role;
        }
        rest = &rest[..from - 1];
    }
}

/// Longest word of the tables.
const WORD_BYTES_MAX: usize = 16;

/// The first letters that words of each length have: they sort out nearly every segment before a table is searched.
/// Searching the tables for every segment took a twentieth of the time of reading a log.
const FIRST_LETTERS: [[bool; 128]; WORD_BYTES_MAX + 1] = first_letters(&[LOGIN, SIGN_UP, PAYMENT, ADMIN]);

const fn first_letters(tables: &[&[&str]]) -> [[bool; 128]; WORD_BYTES_MAX + 1] {
    let mut found = [[false; 128]; WORD_BYTES_MAX + 1];
    let mut table = 0;
    while table < tables.len() {
        let mut place = 0;
        while place < tables[table].len() {
            let word = tables[table][place].as_bytes();
            found[word.len()][word[0] as usize] = true;
            place += 1;
        }
        table += 1;
    }
    found
}

fn segment_role(segment: &[u8]) -> RouteRole {
    let Some(first) = segment.first().map(|byte| usize::from(byte.to_ascii_lowercase())) else {
        return RouteRole::Plain;
    };
    let is_likely = FIRST_LETTERS
        .get(segment.len())
        .is_some_and(|letters| letters.get(first).is_some_and(|is_first| *is_first));
    if !is_likely {
        return RouteRole::Plain;
    }
    let among = |table: &[&str]| {
        table
            .iter()
            .any(|word| word.as_bytes().eq_ignore_ascii_case(segment))
    };
    if among(LOGIN) {
        RouteRole::Login
    } else if among(SIGN_UP) {
        RouteRole::SignUp
    } else if among(PAYMENT) {
        RouteRole::Payment
    } else if among(ADMIN) {
        RouteRole::Admin
    } else {
        RouteRole::Plain
    }
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
            ("/blog/the-login-story", RouteRole::Plain),
            ("/", RouteRole::Plain),
            ("", RouteRole::Plain),
            ("//J_SECURITY_CHECK//", RouteRole::Login),
            ("/shop/coupons?", RouteRole::Plain),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }
}
