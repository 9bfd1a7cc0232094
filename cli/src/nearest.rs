//! Suggestions for names that do not exist.

/// The most names that are suggested.
const MAX_NEAREST: usize = 3;

/// Returns the names that are most similar to another, the nearest first.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // Users type names in any case.
    let name = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|other| (strsim::jaro_winkler(&name, &other.to_lowercase()), other))
        .filter(|(similarity, _)| *similarity > 0.8)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(MAX_NEAREST).map(|(_, name)| name).collect()
}
