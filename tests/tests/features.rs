//! The page on features says of exactly those that there are what they are.
#![allow(
    clippy::panic,
    reason = "a page that cannot be read must stop the test with its path"
)]

use detector::feature::FEATURES;

/// The first cells of each row of the table of features.
fn rows(page: &str) -> Vec<Vec<String>> {
    let table = page.lines().skip_while(|line| !line.starts_with("| feature "));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.take(4).map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

#[test]
fn the_page_names_exactly_the_features_that_exist() {
    let path = portcullis_tests::component::checkout().join("docs/features.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let expected: Vec<Vec<String>> = FEATURES
        .iter()
        .map(|feature| {
            let cells = [feature.group.as_str(), feature.unit, feature.direction.as_str()];
            let name = format!("`{}`", feature.name);
            std::iter::once(name).chain(cells.map(str::to_owned)).collect()
        })
        .collect();
    assert_eq!(
        rows(&page),
        expected,
        "run make ablation, which writes docs/features.md"
    );
}
