//! Amazon CloudFront: standard logging lets fields be chosen.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (Column::At, "timestamp(ms) in --record-fields"),
        (Column::Forwarded, "x-forwarded-for in --record-fields"),
        (Column::BytesIn, "cs-bytes in --record-fields"),
        (Column::BytesOut, "sc-bytes in --record-fields"),
        (Column::Duration, "time-taken in --record-fields"),
        (Column::UserAgent, r#""cs(User-Agent)" in --record-fields"#),
        (Column::Referer, r#""cs(Referer)" in --record-fields"#),
        (Column::Tls, "ssl-protocol in --record-fields"),
        (Column::Host, "x-host-header in --record-fields"),
        (Column::Query, "cs-uri-query in --record-fields"),
    ],
};

const RECOMMENDED: &str = r#"aws logs create-delivery --delivery-source-name SOURCE --delivery-destination-arn ARN --record-fields date time x-edge-location sc-bytes c-ip cs-method "cs(Host)" cs-uri-stem sc-status "cs(Referer)" "cs(User-Agent)" cs-uri-query x-edge-result-type x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol cs-protocol-version timestamp(ms)
"#;
