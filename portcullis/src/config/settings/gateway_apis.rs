//! `[[gateways]]` that are told by an API of somebody's: the tables inside for them.

use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Longest name that an API knows something by, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Longest name of a set, and key, of AWS', in bytes.
const SET_BYTES_MAX: usize = 128;

pub(super) const CROWDSEC: Section = Section {
    path: "gateways[].crowdsec",
    is_optional: true,
    about: "A CrowdSec local API, as one of its machines: its bouncers carry out what was decided.",
    settings: &[
        setting(
            "gateways[].crowdsec.url",
            Kind::Url(&["http://", "https://"]),
            Required(r#""http://127.0.0.1:8080""#),
            Restart,
            "The local API. The password goes there: https where others can listen.",
        ),
        setting(
            "gateways[].crowdsec.machine",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "The machine's name there (cscli machines add).",
        ),
        setting(
            "gateways[].crowdsec.password",
            Kind::Secret,
            Required(r#"{ env = "PORTCULLIS_CROWDSEC_PASSWORD" }"#),
            Restart,
            "The machine's password.",
        ),
        setting(
            "gateways[].crowdsec.origin",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "What decisions say that they come from. Some bouncers take crowdsec and cscli only.",
        ),
        setting(
            "gateways[].crowdsec.scenario",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis/decisions""#),
            Restart,
            "What decisions say that they are for, beginning with portcullis: ours are found again by it. Of its own for each Portcullis that tells one local API.",
        ),
    ],
};

pub(super) const KONG: Section = Section {
    path: "gateways[].kong",
    is_optional: true,
    about: "Kong, by its Admin API: a plugin ip-restriction. Written after its documentation, and not run against a real Kong yet.",
    settings: &[
        setting(
            "gateways[].kong.admin",
            Kind::Url(&["http://", "https://"]),
            Value(r#""http://127.0.0.1:8001""#),
            Restart,
            "Kong's Admin API.",
        ),
        setting(
            "gateways[].kong.token",
            Kind::Secret,
            Absent(r#"{ env = "PORTCULLIS_KONG_TOKEN" }"#),
            Restart,
            "What the Admin API wants as Kong-Admin-Token.",
        ),
        setting(
            "gateways[].kong.service",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""shop""#),
            Restart,
            "The service that the plugin is for. Without it: all, unless a service or route has an ip-restriction of its own.",
        ),
    ],
};

pub(super) const APISIX: Section = Section {
    path: "gateways[].apisix",
    is_optional: true,
    about: "APISIX, by its Admin API: a global rule with ip-restriction. Written after its documentation, and not run against a real APISIX \
            yet.",
    settings: &[
        setting(
            "gateways[].apisix.admin",
            Kind::Url(&["http://", "https://"]),
            Value(r#""http://127.0.0.1:9180""#),
            Restart,
            "APISIX' Admin API.",
        ),
        setting(
            "gateways[].apisix.key",
            Kind::Secret,
            Required(r#"{ env = "PORTCULLIS_APISIX_KEY" }"#),
            Restart,
            "A key of the role admin (deployment.admin.admin_key).",
        ),
    ],
};

pub(super) const CLOUDFLARE: Section = Section {
    path: "gateways[].cloudflare",
    is_optional: true,
    about: "Cloudflare, by a custom list of the account, to which a rule of yours refers. Written after its documentation, and not run against \
            Cloudflare itself yet.",
    settings: &[
        setting(
            "gateways[].cloudflare.account",
            Kind::Text(NAME_BYTES_MAX),
            Required(r#""023e105f4ecef8ad9ca31a8372d0c353""#),
            Restart,
            "The account's number.",
        ),
        setting(
            "gateways[].cloudflare.token",
            Kind::Secret,
            Required(r#"{ env = "PORTCULLIS_CLOUDFLARE_TOKEN" }"#),
            Restart,
            "A token that may edit the account's filter lists, and nothing else.",
        ),
        setting(
            "gateways[].cloudflare.list",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "The list's name; it is made when there is none.",
        ),
        setting(
            "gateways[].cloudflare.items_max",
            Kind::Integer(1, 500_000),
            Value("10000"),
            Restart,
            "Most items that the list holds. All lists of an account share what its plan has room for.",
        ),
        setting(
            "gateways[].cloudflare.api",
            Kind::Url(&["https://", "http://"]),
            Value(r#""https://api.cloudflare.com/client/v4""#),
            Restart,
            "The API.",
        ),
    ],
};

pub(super) const AWS_WAFV2: Section = Section {
    path: "gateways[].aws_wafv2",
    is_optional: true,
    about: "AWS WAF, by two IP sets, to which a rule of yours refers.",
    settings: &[
        setting(
            "gateways[].aws_wafv2.region",
            Kind::Text(NAME_BYTES_MAX),
            Required(r#""eu-central-1""#),
            Restart,
            "The region; us-east-1 for CloudFront.",
        ),
        setting(
            "gateways[].aws_wafv2.scope",
            Kind::Choice(&["regional", "cloudfront"]),
            Value(r#""regional""#),
            Restart,
            "Whose sets they are: a region's (load balancers, API gateways), or CloudFront's.",
        ),
        setting(
            "gateways[].aws_wafv2.ipv4",
            Kind::Text(SET_BYTES_MAX),
            Value(r#""portcullis-ipv4""#),
            Restart,
            "The set of IPv4 addresses; it is made when there is none.",
        ),
        setting(
            "gateways[].aws_wafv2.ipv6",
            Kind::Text(SET_BYTES_MAX),
            Value(r#""portcullis-ipv6""#),
            Restart,
            "The set of IPv6 addresses; it is made when there is none.",
        ),
        setting(
            "gateways[].aws_wafv2.access_key_id",
            Kind::Text(SET_BYTES_MAX),
            Absent(r#""AKIAIOSFODNN7EXAMPLE""#),
            Restart,
            "A key. Without it what AWS' own tools look for: environment, files, the role of the machine or of the pod.",
        ),
        setting(
            "gateways[].aws_wafv2.secret_access_key",
            Kind::Secret,
            Absent(r#"{ env = "PORTCULLIS_AWS_SECRET" }"#),
            Restart,
            "The key's secret.",
        ),
        setting(
            "gateways[].aws_wafv2.endpoint",
            Kind::Url(&["https://", "http://"]),
            Absent(r#""https://wafv2.eu-central-1.amazonaws.com""#),
            Restart,
            "Where AWS is asked, if not at its own address: an endpoint within a VPC.",
        ),
    ],
};

pub(super) const NGINX_LUA: Section = Section {
    path: "gateways[].nginx_lua",
    is_optional: true,
    about: "NGINX with Lua, or OpenResty, on this machine: a shared dictionary that is changed without a reload.",
    settings: &[setting(
        "gateways[].nginx_lua.listen",
        Kind::Text(NAME_BYTES_MAX),
        Value(r#""127.0.0.1:8779""#),
        Restart,
        "Where NGINX's server for Portcullis listens: an address of the loopback, and a port.",
    )],
};
