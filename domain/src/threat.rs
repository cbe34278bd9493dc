//! The kinds of abuse that an alert can name.

use std::fmt;

macro_rules! threats {
    // A macro because name, text and OWASP references of a kind must stand in one line to stay in step.
    ($($variant:ident, $name:literal, $what:literal, $owasp:literal;)*) => {
        /// A named kind of abuse. The names are public: they stand in alerts, decisions and truth files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ThreatKind {
            $(#[doc = $what] $variant,)*
        }

        impl ThreatKind {
            /// Every kind, in the order of the public table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The public name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }

            /// The OWASP automated-threat and API-risk numbers that cover it.
            #[must_use]
            pub const fn owasp(self) -> &'static str {
                match self { $(Self::$variant => $owasp,)* }
            }
        }
    };
}

threats! {
    Reconnaissance, "reconnaissance", "scanning, probing, forced browsing", "OAT-014, OAT-018, API9";
    Injection, "injection", "SQL, script, path traversal, command, template or SSRF payloads", "API7, API8";
    CredentialStuffing, "credential_stuffing", "many accounts, few tries each", "OAT-008, API2";
    CredentialCracking, "credential_cracking", "few accounts, many tries", "OAT-007, API2";
    AccountTakeover, "account_takeover", "failures, then a success and new behaviour", "API2";
    TokenAbuse, "token_abuse", "one key or subject from many places, guessed tokens", "OAT-002, API2";
    ObjectEnumeration, "object_enumeration", "walking other people's object ids", "API1";
    PrivilegeProbing, "privilege_probing", "functions above one's role", "API5";
    Scraping, "scraping", "systematic harvesting of content", "OAT-011";
    DenialOfService, "denial_of_service", "too many requests", "OAT-015";
    ResourceExhaustion, "resource_exhaustion", "few but expensive requests", "API4";
    BusinessFlowAbuse, "business_flow_abuse", "sign-up, carding, coupon or scalping patterns", "OAT-001, 005, 019, API6";
    CrossSiteForgery, "cross_site_forgery", "state-changing requests from foreign origins", "API8";
    ProtocolAbuse, "protocol_abuse", "malformed requests, odd methods, smuggling signs, open-proxy tests", "API8";
    Anomaly, "anomaly", "unlike anything seen, and no name for it", "";
}

impl ThreatKind {
    /// The kind of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ThreatKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
