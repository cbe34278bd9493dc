//! The gateways whose logs are read, by the names under which their users know them.

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
