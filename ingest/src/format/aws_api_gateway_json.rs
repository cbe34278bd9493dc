//! Access logs of Amazon API Gateway in the JSON formats of its own pages: REST
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html>), HTTP
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html>) and WebSocket
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html>), and more of their
//! variables by their names.
//!
//! The predefined formats hold neither the path that was asked for nor the user agent. This one does:
//!
//! ```text
//! {"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTimeEpoch":"$context.requestTimeEpoch",
//!  "httpMethod":"$context.httpMethod","path":"$context.path","domainName":"$context.domainName",
//!  "status":"$context.status","protocol":"$context.protocol","responseLength":"$context.responseLength",
//!  "responseLatency":"$context.responseLatency","integrationLatency":"$context.integrationLatency",
//!  "userAgent":"$context.identity.userAgent","apiKeyId":"$context.identity.apiKeyId",
//!  "principalId":"$context.authorizer.principalId"}
//! ```
//!
//! Without `path` the route stands for it: `/pets/{id}`, `$default`, `$connect`. No variable holds the query.

use super::Column::{
    At, BytesOut, Certificate, Consumer, Duration, Host, Method, Path, Peer, Protocol, Status, Subject,
    Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Route, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address};
use crate::clock::EpochUnit::{Guessed, Millis};
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "aws_api_gateway_json",
    description: "JSON of Amazon API Gateway (REST, HTTP, WebSocket)",
    gateway: Gateway::AwsApiGateway,
    provenance: Provenance::documented(
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
    ),
    keys: &KEYS,
    marks: &[Mark::new(At, "requestTime"), Mark::new(Status, "status")],
    signs: &["\"requestTime\"", "\"requestTimeEpoch\""],
    caution: "",
    render,
};

const KEYS: Keys = Keys::dotted(&[
    ("requestTimeEpoch", Moment(Millis)),
    ("requestTime", Moment(Guessed)),
    ("ip", Text(Peer)),
    ("sourceIp", Text(Peer)),
    ("httpMethod", Text(Method)),
    ("path", Text(Path)),
    ("resourcePath", Text(Path)),
    ("routeKey", Route),
    ("eventType", Text(Method)),
    ("domainName", Text(Host)),
    ("status", Text(Status)),
    ("protocol", Text(Protocol)),
    ("responseLength", Text(BytesOut)),
    ("responseLatency", Scaled(Duration, 1.0)),
    ("integrationLatency", Scaled(Upstream, 1.0)),
    ("userAgent", Text(UserAgent)),
    ("apiKeyId", Text(Consumer)),
    ("principalId", Text(Subject)),
    ("user", Text(Subject)),
    ("caller", Text(Subject)),
    ("clientsubjectDN", Text(Certificate)),
    ("identity", Nested(&IDENTITY)),
    ("authorizer", Nested(&AUTHORIZER)),
    ("integration", Nested(&INTEGRATION)),
]);

const IDENTITY: Keys = Keys::dotted(&[
    ("sourceIp", Text(Peer)),
    ("userAgent", Text(UserAgent)),
    ("apiKeyId", Text(Consumer)),
    ("user", Text(Subject)),
    ("caller", Text(Subject)),
    ("clientCert", Nested(&CERTIFICATE)),
]);

const CERTIFICATE: Keys = Keys::exact(&[("subjectDN", Text(Certificate))]);

const AUTHORIZER: Keys = Keys::dotted(&[("principalId", Text(Subject)), ("claims", Nested(&CLAIMS))]);

const CLAIMS: Keys = Keys::exact(&[("sub", Text(Subject))]);

const INTEGRATION: Keys = Keys::exact(&[("latency", Scaled(Upstream, 1.0))]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    // Every variable is a text.
    let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    Object::write(out, |line| {
        line.text("requestId", "-");
        line.text("ip", &address(record.address));
        line.text("requestTimeEpoch", &record.at.as_millis().to_string());
        line.text("httpMethod", &record.method);
        line.text("path", &record.path);
        line.text("domainName", record.host.as_deref().unwrap_or("-"));
        line.text("status", &record.status.to_string());
        line.text("protocol", record.protocol.as_deref().unwrap_or("-"));
        line.text(
            "responseLength",
            &number(record.bytes_out.map(|bytes| bytes.to_string())),
        );
        line.text(
            "responseLatency",
            &number(record.duration_ms.map(|time| time.to_string())),
        );
        line.text(
            "integrationLatency",
            &number(record.upstream_ms.map(|time| time.to_string())),
        );
        line.text("userAgent", record.user_agent.as_deref().unwrap_or("-"));
    });
}
