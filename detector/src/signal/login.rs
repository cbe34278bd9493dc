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
    path.split('/')
        .rev()
        .filter(|segment| segment.len() >= 3)
        .map(segment_role)
        .find(|role| *role != RouteRole::Plain)
        .unwrap_or_default()
}

fn segment_role(segment: &str) -> RouteRole {
    // The first letter sorts out nearly every segment before a table is searched.
    let among = |table: &[&str]| table.iter().any(|word| word.eq_ignore_ascii_case(segment));
    match segment.as_bytes()[0].to_ascii_lowercase() {
        b'l' | b's' | b'o' | b'a' | b't' | b'm' | b'2' | b'p' | b'r' | b'f' | b'w' | b'x' | b'j' | b'u'
        | b'c' | b'i' | b'v' => {}
        _ => return RouteRole::Plain,
    }
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
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }
}
