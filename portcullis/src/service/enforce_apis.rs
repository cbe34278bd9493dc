//! Ways to gateways that are told by an API of somebody's.

use crate::config::{Gateway, used};
use enforcer::connector::{
    Apisix, ApisixSettings, AwsWafv2, AwsWafv2Settings, Cloudflare, CloudflareSettings, Crowdsec,
    CrowdsecSettings, Kong, KongSettings, NginxLua, NginxLuaSettings,
};
use enforcer::{Clock, Connector};

/// The way to such a gateway; nothing when it is of no such kind.
///
/// # Errors
/// When its settings cannot be used.
pub(super) fn by_api(gateway: &Gateway, clock: Clock) -> anyhow::Result<Option<Box<dyn Connector>>> {
    Ok(Some(if let Some(crowdsec) = &gateway.crowdsec {
        let settings = CrowdsecSettings {
            url: crowdsec.url.reveal().to_owned(),
            machine: crowdsec.machine.clone(),
            password: crowdsec.password.reveal().to_owned(),
            origin: crowdsec.origin.clone(),
            scenario: crowdsec.scenario.clone(),
        };
        Box::new(Crowdsec::new(settings, clock)?)
    } else if let Some(kong) = &gateway.kong {
        Box::new(Kong::new(KongSettings {
            admin: kong.admin.reveal().to_owned(),
            token: kong.token.as_ref().map(|token| token.reveal().to_owned()),
            service: kong.service.clone(),
        })?)
    } else if let Some(apisix) = &gateway.apisix {
        let (admin, key) = (apisix.admin.reveal().to_owned(), apisix.key.reveal().to_owned());
        Box::new(Apisix::new(ApisixSettings { admin, key })?)
    } else if let Some(cloudflare) = &gateway.cloudflare {
        Box::new(Cloudflare::new(CloudflareSettings {
            api: cloudflare.api.reveal().to_owned(),
            account: cloudflare.account.clone(),
            token: cloudflare.token.reveal().to_owned(),
            list: cloudflare.list.clone(),
            items_max: cloudflare.items_max,
        })?)
    } else if let Some(aws) = &gateway.aws_wafv2 {
        Box::new(aws_of(aws)?)
    } else if let Some(nginx) = &gateway.nginx_lua {
        let listen = nginx.listen.clone();
        Box::new(NginxLua::new(NginxLuaSettings { listen }, clock)?)
    } else {
        return Ok(None);
    }))
}

fn aws_of(aws: &used::AwsWafv2) -> anyhow::Result<AwsWafv2> {
    let secret = aws
        .secret_access_key
        .as_ref()
        .map(|secret| secret.reveal().to_owned());
    let key = match (aws.access_key_id.clone(), secret) {
        (Some(key), Some(secret)) => Some((key, secret)),
        (None, None) => None,
        _ => anyhow::bail!("aws_wafv2.access_key_id and aws_wafv2.secret_access_key go together"),
    };
    Ok(AwsWafv2::new(AwsWafv2Settings {
        region: aws.region.clone(),
        is_cloudfront: aws.is_cloudfront(),
        sets: [aws.ipv4.clone(), aws.ipv6.clone()],
        key,
        endpoint: aws.endpoint.as_ref().map(|endpoint| endpoint.reveal().to_owned()),
    })?)
}
