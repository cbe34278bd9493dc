//! Paths that are looked up among documented routes: templates a line each, an empty line, then paths.

use crate::text;
use domain::{Documented, HashKey, Position};
use ingest::format::by_name;
use ingest::route::{DocumentedRoutes, RouteCatalogue, SEGMENTS_MAX, ids};
use ingest::{FormatChoice, Parser, ParserConfig};

/// One input.
pub fn run(data: &[u8]) {
    let data = text(data);
    let (templates, paths) = data.split_once("\n\n").unwrap_or(("/users/{id}", data));
    // One that is refused must not keep the others from being tried.
    let is_good = |template: &&str| RouteCatalogue::new([*template]).is_ok();
    let Ok(catalogue) = RouteCatalogue::new(templates.lines().filter(is_good)) else {
        return;
    };
    check(&catalogue);
    let key = HashKey::new([7; 16]);
    let mut parser = Parser::new(ParserConfig {
        format: by_name("nginx_json").map_or(FormatChoice::Auto, FormatChoice::Named),
        documents: Some(DocumentedRoutes::new(catalogue.clone())),
        ..ParserConfig::new(key)
    });
    for path in paths.lines() {
        let found = catalogue.find(path);
        assert!(
            found.is_some() || catalogue.template(path).is_none(),
            "what has a template is documented"
        );
        let all: Vec<_> = ids(path, Some(&catalogue), &key).collect();
        assert!(
            all.windows(2).all(|two| two[0].position < two[1].position)
                && all.iter().all(|id| usize::from(id.position) < SEGMENTS_MAX),
            "ids come in their order, within the limit"
        );
        asked(&mut parser, path, found);
    }
}

/// What a document names is found by whoever fills its parameters in.
fn check(catalogue: &RouteCatalogue) {
    for template in catalogue.templates() {
        assert_eq!(
            RouteCatalogue::new([template]).map(|again| again.templates().collect::<Vec<_>>() == [template]),
            Ok(true),
            "a template survives writing"
        );
        // What follows a semicolon belongs to the segment's parameters, and names no route.
        let filled = template.replace("{id}", "7");
        assert!(
            template.contains(';') || catalogue.find(&filled).is_some(),
            "{template} is not found as {filled}"
        );
    }
}

/// The same path in a line of a log.
fn asked(parser: &mut Parser, path: &str, found: Option<u16>) {
    if path
        .bytes()
        .any(|byte| matches!(byte, b'"' | b'\\' | b'?' | b'#') || !byte.is_ascii_graphic())
    {
        return;
    }
    let line = format!(
        r#"{{"time":"2026-11-25T10:15:03+00:00","remote_addr":"203.0.113.9","method":"GET","request_uri":"{path}","protocol":"HTTP/1.1","status":200,"body_bytes_sent":1}}"#
    );
    let Ok(record) = parser.parse(line.as_bytes(), Position::default()) else {
        return;
    };
    if record.path == path {
        let expected = found.map_or(Documented::No, Documented::As);
        assert_eq!(record.route.documented, expected, "{path}");
    }
}
