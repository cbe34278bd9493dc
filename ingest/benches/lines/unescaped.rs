//! Which formats need memory for an ordinary line. All others are promised to need none.

/// Formats whose ordinary line cannot be borrowed as it stands, and how often it takes memory for that.
pub(crate) const UNESCAPED: &[(&str, f64, &str)] = &[
    ("w3c", 1.0, "a user agent's pluses are spaces"),
    ("cloudfront", 1.0, "a user agent's spaces are encoded"),
    (
        "otlp_json",
        19.0,
        "attributes name their keys in values, which are read before it is known what they fill",
    ),
];
