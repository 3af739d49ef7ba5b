//! "Did you mean".

/// The known word that a mistyped one most likely stands for.
#[doc(hidden)]
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|&candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| {
            // One mistake in three characters: more than that is another word.
            let length = word.chars().count().min(candidate.chars().count());
            distance <= length.div_ceil(3) && distance < length.max(1)
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, with a swap of two neighbours as one mistake.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(previous[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn a_mistyped_word_finds_its_neighbour() {
        let known = ["name", "transport", "max_age", "idle_timeout", "version"];
        assert_eq!(did_you_mean("nme", &known), Some("name"));
        assert_eq!(did_you_mean("anme", &known), Some("name"));
        assert_eq!(did_you_mean("idle_timeuot", &known), Some("idle_timeout"));
        assert_eq!(did_you_mean("VERSION", &known), Some("version"));
    }

    #[test]
    fn another_word_finds_nothing() {
        assert_eq!(did_you_mean("storage", &["name", "transport", "version"]), None);
        assert_eq!(did_you_mean("", &["name"]), None);
        assert_eq!(did_you_mean("x", &["s", "m"]), None);
    }
}
