//! A look at how deeply JSON nests, before a recursive reader meets it.
//!
//! The JSON reader descends a level per bracket, on the stack: a line of nothing but brackets would end the
//! process. Access logs nest three or four levels deep.

/// Deepest nesting that is read.
pub const LEVELS_MAX: usize = 64;

/// Whether a JSON text nests deeper than [`LEVELS_MAX`].
#[must_use]
pub fn is_too_deep(text: &str) -> bool {
    // Nearly every line has too few brackets to nest that deep, whatever their order and wherever they stand.
    let opening = memchr::memchr2_iter(b'{', b'[', text.as_bytes());
    opening.take(LEVELS_MAX + 1).count() > LEVELS_MAX && depth(text) > LEVELS_MAX
}

/// Counts levels, brackets inside strings left out.
fn depth(text: &str) -> usize {
    let (mut level, mut deepest) = (0usize, 0usize);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !is_quoted => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(is_too_deep(text), expected, "{} bytes", text.len());
    }

    #[test]
    fn only_real_nesting_counts() {
        check(&"[".repeat(LEVELS_MAX), false);
        check(&"[".repeat(LEVELS_MAX + 1), true);
        check(&"[]".repeat(1000), false);
        check(&format!("{{\"a\":\"{}\"}}", "[".repeat(1000)), false);
        check(&format!("{{\"a\\\"\":{}", "{\"b\":".repeat(1000)), true);
    }
}
