//! `[clients]`, `[detector]`, `[model]`, `[[allowlist]]`, `[rules]`, `[[routes]]`: who is judged, how, and who
//! never is.

use super::{Section, YEAR_SECS, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::{Live, Restart};

/// Most ranges in one list: a large network's routing table of its own.
const RANGES_MAX: usize = 4096;

/// Longest reason of an allowlist entry, in bytes: a sentence or two.
const REASON_BYTES_MAX: usize = 1000;

/// Longest name of a client, in bytes, as the domain has it.
const CLIENT_BYTES_MAX: usize = 512;

/// Longest name of a header, in bytes: known ones have half as many.
const HEADER_BYTES_MAX: usize = 64;

/// Who a client is: the kinds of names, best first.
pub(super) const IDENTITY: Kind = Kind::List(
    &Kind::Choice(&[
        "consumer",
        "subject",
        "api_key",
        "session",
        "certificate",
        "address",
    ]),
    0,
    6,
);

/// What is said of a source's own order.
pub(super) const IDENTITY_ABOUT: &str = "Who a client of this source is: names that count before the address, best first. Without \
                                         it, clients.identity.";

/// What is said of a source's own word on claims.
pub(super) const CLAIMS_ABOUT: &str =
    "Whether what tokens of this source claim is shown. Without it, clients.claims.";

pub(super) const SECRETS: Section = Section {
    path: "clients.secrets",
    is_optional: true,
    about: "Under which key API keys and sessions are hashed. Without this section, under detector.hash_key. To replace a key, give the \
            new one as key, the old one as previous_key, and as rotated_at a moment that is still to come.",
    settings: &[
        setting(
            "clients.secrets.key",
            Kind::Key,
            Absent(r#"{ file = "/etc/portcullis/secrets.key" }"#),
            Restart,
            "The key. Without it, detector.hash_key.",
        ),
        setting(
            "clients.secrets.previous_key",
            Kind::Key,
            Absent(r#"{ file = "/etc/portcullis/secrets.key.old" }"#),
            Restart,
            "The key that held before rotated_at. Without it, detector.hash_key.",
        ),
        setting(
            "clients.secrets.rotated_at",
            Kind::Moment,
            Absent("2027-01-31T00:00:00Z"),
            Restart,
            "From when on key holds, by the lines' own time. Before it, previous_key does.",
        ),
        setting(
            "clients.secrets.overlap_secs",
            Kind::Integer(3600, YEAR_SECS),
            Value("604800"),
            Restart,
            "How long the previous key stays valid after rotated_at: blocks under it are still found. No action about a secret lasts \
             longer, so that none outlives its key.",
        ),
    ],
};

pub(super) const CLIENTS: Section = Section {
    path: "clients",
    is_optional: false,
    about: "Who a client is.",
    settings: &[
        setting(
            "clients.trusted_proxies",
            Kind::List(&Kind::Proxies, 0, RANGES_MAX),
            Value("[]"),
            Restart,
            "Proxies in front of the gateway. Their word about the next address is believed, nobody else's: an \
             address that an untrusted hop claims is shown and never acted on.",
        ),
        setting(
            "clients.own_ranges",
            Kind::List(&Kind::Range, 0, RANGES_MAX),
            Value("[]"),
            Live,
            "Your own ranges. Never blocked.",
        ),
        setting(
            "clients.private_clients",
            Kind::Switch,
            Value("false"),
            Live,
            "Whether private addresses are clients like others. Otherwise they are never blocked.",
        ),
        setting(
            "clients.identity",
            IDENTITY,
            Value("[]"),
            Restart,
            "Names that the gateway has verified and that count before the address, the first one that a line \
             carries. Empty: the address alone. A source can have an order of its own. A name counts once it has shown that it is one \
             client's; until then, and where many use it, the address does.",
        ),
        setting(
            "clients.claims",
            Kind::Switch,
            Value("false"),
            Restart,
            "Whether the subject that a logged token claims, which nobody checked, is shown by its keyed hash beside accepted \
             requests that are evidence. Nothing is decided by it.",
        ),
        setting(
            "clients.key_header",
            Kind::Text(HEADER_BYTES_MAX),
            Absent(r#""X-Api-Key""#),
            Restart,
            "The header in which clients present their API keys to gateways that ask /check: blocked keys are refused there. Without it, \
             /check looks at addresses alone.",
        ),
        setting(
            "clients.consumer_header",
            Kind::Text(HEADER_BYTES_MAX),
            Absent(r#""X-Consumer-Username""#),
            Restart,
            "The header in which a gateway that asks /check names the consumer that it has verified. It has to set or remove it itself: what a \
             client writes there must not come through.",
        ),
        setting(
            "clients.subject_header",
            Kind::Text(HEADER_BYTES_MAX),
            Absent(r#""X-Subject""#),
            Restart,
            "The same for the subject of a token that it has verified.",
        ),
        setting(
            "clients.certificate_header",
            Kind::Text(HEADER_BYTES_MAX),
            Absent(r#""X-Client-Subject""#),
            Restart,
            "The same for the subject of a client's certificate.",
        ),
        setting(
            "clients.networks",
            Kind::File,
            Absent(r#""/var/lib/GeoIP/GeoLite2-ASN.mmdb""#),
            Restart,
            "A database of autonomous systems in MaxMind's format: clients of one of them that do the same are judged \
             together. It is read again when the file changes.",
        ),
        setting(
            "clients.countries",
            Kind::File,
            Absent(r#""/var/lib/GeoIP/GeoLite2-Country.mmdb""#),
            Restart,
            "A database of countries in MaxMind's format: where an address is stands beside its alerts, and decides nothing. It is read \
             again when the file changes.",
        ),
        setting(
            "clients.clients_max",
            Kind::Integer(1000, 50_000_000),
            Value("1000000"),
            Restart,
            "Clients remembered at a time. Past it the longest silent ones are forgotten, and counted.",
        ),
    ],
};

pub(super) const DETECTOR: Section = Section {
    path: "detector",
    is_optional: false,
    about: "How behaviour is counted.",
    settings: &[
        setting(
            "detector.hash_key",
            Kind::Key,
            Absent(r#"{ file = "/etc/portcullis/hash.key" }"#),
            Restart,
            "The secret behind every keyed hash. The same key gives the same decision ids in a replay. Without it \
             one is made at the first start and kept in the store.",
        ),
        setting(
            "detector.lateness_secs",
            Kind::Integer(60, 86_400),
            Value("900"),
            Restart,
            "How far a line may lie behind the latest of its source, in seconds. It counts at its own time in any case; later \
             ones are counted as late, and sixteen of them in a row are taken for a clock that was put right.",
        ),
        setting(
            "detector.threads",
            Kind::Integer(0, 256),
            Value("0"),
            Restart,
            "Threads that count and score. 0 for one, which is as fast as two on two cores: only a third of the work can be shared. \
             Changes no decision.",
        ),
    ],
};

pub(super) const MODEL: Section = Section {
    path: "model",
    is_optional: false,
    about: "Which model scores.",
    settings: &[
        setting(
            "model.file",
            Kind::File,
            Absent(r#""/var/lib/portcullis/models/current.model""#),
            Restart,
            "A trained model. Without it, the one that was shipped.",
        ),
        setting(
            "model.challenger",
            Kind::File,
            Absent(r#""/var/lib/portcullis/models/next.model""#),
            Restart,
            "A model that scores beside it and decides nothing. Without it, the one before the latest training, or the shipped one beside your own.",
        ),
    ],
};

pub(super) const ALLOWLIST: Section = Section {
    path: "allowlist[]",
    is_optional: false,
    about: "A client that is never blocked. Entries can also be ordered over the API, without a restart.",
    settings: &[
        setting(
            "allowlist[].scope",
            Kind::Choice(&[
                "ip",
                "range",
                "api_key",
                "subject",
                "consumer",
                "session",
                "certificate",
                "ja4",
                "user_agent",
                "route",
                "host",
                "country",
                "as",
            ]),
            Value(r#""ip""#),
            Live,
            "What the value names.",
        ),
        setting(
            "allowlist[].value",
            Kind::Text(CLIENT_BYTES_MAX),
            Required(r#""203.0.113.10""#),
            Live,
            "Who.",
        ),
        setting(
            "allowlist[].reason",
            Kind::Text(REASON_BYTES_MAX),
            Required(r#""the partner's nightly import""#),
            Live,
            "Why, for whoever reads it later.",
        ),
        setting(
            "allowlist[].until",
            Kind::Moment,
            Absent(r#""2027-12-31T00:00:00Z""#),
            Live,
            "Until when. Without it, for good.",
        ),
    ],
};

/// Most files of rules: more than anybody keeps in order.
const RULE_FILES_MAX: usize = 64;

pub(super) const RULES: Section = Section {
    path: "rules",
    is_optional: false,
    about: "Rules that you write: limits by client, address, key or route, and others. `portcullis rules list` shows \
            those in force.",
    settings: &[
        setting(
            "rules.files",
            Kind::List(&Kind::File, 0, RULE_FILES_MAX),
            Value("[]"),
            Live,
            "Files of rules, as paths from where the process runs. A SIGHUP reads them again, too; a wrong one keeps \
             the rules as they were.",
        ),
        setting(
            "rules.shipped",
            Kind::Switch,
            Value("true"),
            Live,
            "Whether the shipped rules hold. A rule of yours with the same name replaces one of them.",
        ),
    ],
};

pub(super) const ROUTES: Section = Section {
    path: "routes[]",
    is_optional: false,
    about: "What a route is for, where the words of its path do not tell. The first entry that fits decides.",
    settings: &[
        setting(
            "routes[].path",
            Kind::Text(detector::limits::RULE_PATTERN_BYTES_MAX),
            Required(r#""/konto/anmelden*""#),
            Live,
            "The path, without the query; * stands for any text.",
        ),
        setting(
            "routes[].role",
            Kind::Choice(&[
                "plain",
                "login",
                "one_time_code",
                "password_reset",
                "sign_up",
                "payment",
                "admin",
                "search",
                "export",
                "health",
            ]),
            Required(r#""login""#),
            Live,
            "What it is for. Failures on login, one_time_code and password_reset are failed sign-ins.",
        ),
    ],
};
