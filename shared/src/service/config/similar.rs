//! Which name was meant.

/// More mistakes than this are another name.
const MISTAKES: usize = 4;

/// The known name that is nearest to a wrong one.
pub(super) fn nearest<'n>(wrong: &str, names: &[&'n str]) -> Option<&'n str> {
    let distances = names.iter().map(|name| (mistakes(wrong, name), *name));
    distances.min().filter(|(mistakes, _)| *mistakes <= MISTAKES).map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or replaced (Levenshtein).
fn mistakes(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_has_a_nearest_one() {
        let names = ["SPILLWAY_LAKE_URL", "SPILLWAY_LOG", "PORT"];
        assert_eq!(nearest("SPILLWAY_LAKE_URI", &names), Some("SPILLWAY_LAKE_URL"));
        assert_eq!(nearest("SPILLWAY_LAKEURL", &names), Some("SPILLWAY_LAKE_URL"));
        assert_eq!(nearest("SPILLWAY_LOGS", &names), Some("SPILLWAY_LOG"));
        assert_eq!(nearest("SPILLWAY_SOMETHING_ELSE", &names), None);
        assert_eq!(mistakes("kitten", "sitting"), 3);
    }
}
