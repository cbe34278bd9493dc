//! The gateways whose logs are read, by the names under which their users know them, and how each is told to log more.
//!
//! One file per gateway that can be told. The configuration that a file recommends is what the tests give the real
//! server, where one runs in them.

mod apache;
mod api_gateway;
mod apisix;
mod caddy;
mod cloudflare;
mod cloudfront;
mod envoy;
mod haproxy;
mod kong;
mod nginx;
mod traefik;

use crate::format::Column;

/// How a gateway is told what to log.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// The configuration to paste: everything that the gateway can tell, in a form that no client can forge.
    pub recommended: &'static str,
    /// What each column takes, where something must be added for it.
    pub lines: &'static [(Column, &'static str)],
}

impl Advice {
    /// What must be added for a column; `None` where the gateway cannot tell it.
    #[must_use]
    pub fn line(&self, column: Column) -> Option<&'static str> {
        let found = self.lines.iter().find(|(known, _)| *known == column);
        found.map(|(_, line)| *line)
    }
}

/// What writes a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gateway {
    /// NGINX, and what is built on it and keeps its log's grammar.
    Nginx,
    /// Apache httpd.
    Apache,
    /// HAProxy.
    HaProxy,
    /// Envoy, Envoy Gateway, Istio, Contour.
    Envoy,
    /// Kong Gateway.
    Kong,
    /// Apache APISIX.
    Apisix,
    /// Traefik.
    Traefik,
    /// Caddy.
    Caddy,
    /// Amazon API Gateway.
    AwsApiGateway,
    /// Application and classic load balancers of AWS.
    AwsLoadBalancer,
    /// Amazon CloudFront.
    CloudFront,
    /// Cloudflare.
    Cloudflare,
    /// Azure Application Gateway and Front Door.
    Azure,
    /// Google Cloud's HTTP load balancer.
    GoogleCloud,
    /// Tyk Gateway.
    Tyk,
    /// KrakenD.
    KrakenD,
    /// Microsoft IIS, and others that write W3C extended logs.
    Iis,
    /// No gateway of its own: OpenTelemetry, ECS, OCSF, home-made JSON.
    Any,
}

impl Gateway {
    /// Every gateway.
    pub const ALL: [Self; 18] = [
        Self::Nginx,
        Self::Apache,
        Self::HaProxy,
        Self::Envoy,
        Self::Kong,
        Self::Apisix,
        Self::Traefik,
        Self::Caddy,
        Self::AwsApiGateway,
        Self::AwsLoadBalancer,
        Self::CloudFront,
        Self::Cloudflare,
        Self::Azure,
        Self::GoogleCloud,
        Self::Tyk,
        Self::KrakenD,
        Self::Iis,
        Self::Any,
    ];

    /// How it is told what to log; `None` where the vendor fixed the log, or nobody knows who writes it.
    #[must_use]
    pub const fn advice(self) -> Option<&'static Advice> {
        match self {
            Self::Nginx => Some(&nginx::ADVICE),
            Self::Apache => Some(&apache::ADVICE),
            Self::HaProxy => Some(&haproxy::ADVICE),
            Self::Envoy => Some(&envoy::ADVICE),
            Self::Kong => Some(&kong::ADVICE),
            Self::Apisix => Some(&apisix::ADVICE),
            Self::Traefik => Some(&traefik::ADVICE),
            Self::Caddy => Some(&caddy::ADVICE),
            Self::AwsApiGateway => Some(&api_gateway::ADVICE),
            Self::CloudFront => Some(&cloudfront::ADVICE),
            Self::Cloudflare => Some(&cloudflare::ADVICE),
            Self::AwsLoadBalancer
            | Self::Azure
            | Self::GoogleCloud
            | Self::Tyk
            | Self::KrakenD
            | Self::Iis
            | Self::Any => None,
        }
    }

    /// Its public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "NGINX",
            Self::Apache => "Apache httpd",
            Self::HaProxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::Kong => "Kong",
            Self::Apisix => "APISIX",
            Self::Traefik => "Traefik",
            Self::Caddy => "Caddy",
            Self::AwsApiGateway => "Amazon API Gateway",
            Self::AwsLoadBalancer => "AWS load balancer",
            Self::CloudFront => "CloudFront",
            Self::Cloudflare => "Cloudflare",
            Self::Azure => "Azure Application Gateway",
            Self::GoogleCloud => "Google Cloud load balancer",
            Self::Tyk => "Tyk",
            Self::KrakenD => "KrakenD",
            Self::Iis => "IIS",
            Self::Any => "any gateway",
        }
    }
}
