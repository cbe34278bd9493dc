//! Amazon API Gateway: the stage's access-log format.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Peer,
            r#""ip":"$context.identity.sourceIp" in the access-log format"#,
        ),
        (
            Column::Consumer,
            r#""apiKeyId":"$context.identity.apiKeyId" in the access-log format"#,
        ),
        (
            Column::Subject,
            r#""principalId":"$context.authorizer.principalId" in the access-log format"#,
        ),
        (
            Column::Certificate,
            r#""clientCert":"$context.identity.clientCert.subjectDN" in the access-log format"#,
        ),
        (
            Column::Host,
            r#""domainName":"$context.domainName" in the access-log format"#,
        ),
        (
            Column::BytesOut,
            r#""responseLength":"$context.responseLength" in the access-log format"#,
        ),
        (
            Column::Duration,
            r#""responseLatency":"$context.responseLatency" in the access-log format"#,
        ),
        (
            Column::Upstream,
            r#""integrationLatency":"$context.integrationLatency" in the access-log format"#,
        ),
        (
            Column::UserAgent,
            r#""userAgent":"$context.identity.userAgent" in the access-log format"#,
        ),
        (
            Column::At,
            r#""requestTimeEpoch":"$context.requestTimeEpoch" in the access-log format"#,
        ),
    ],
};

const RECOMMENDED: &str = r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTimeEpoch":"$context.requestTimeEpoch","httpMethod":"$context.httpMethod","path":"$context.path","resourcePath":"$context.resourcePath","status":"$context.status","protocol":"$context.protocol","responseLength":"$context.responseLength","responseLatency":"$context.responseLatency","integrationLatency":"$context.integrationLatency","userAgent":"$context.identity.userAgent","domainName":"$context.domainName","apiKeyId":"$context.identity.apiKeyId","principalId":"$context.authorizer.principalId"}
"#;
