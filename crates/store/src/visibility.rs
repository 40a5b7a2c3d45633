//! What the asker of a job or the maker of a file could see, as a column: `*` for a whole project,
//! else the numbers of enterprise projects. Somebody who sees less must not see the outcome.

use std::collections::BTreeSet;

use parapet_model::EnterpriseProjectNo;

const ALL: &str = "*";

/// `None` stands for all enterprise projects.
pub(crate) type Granted = Option<BTreeSet<EnterpriseProjectNo>>;

/// The column's text.
pub(crate) fn write_granted(granted: Option<&BTreeSet<EnterpriseProjectNo>>) -> String {
    match granted {
        None => ALL.to_owned(),
        Some(set) => set.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}

/// Reads the column's text; `None` when it is none of ours.
pub(crate) fn read_granted(text: &str) -> Option<Granted> {
    if text == ALL {
        return Some(None);
    }
    text.split_ascii_whitespace()
        .map(|word| word.parse().map(EnterpriseProjectNo))
        .collect::<Result<_, _>>()
        .ok()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let some = BTreeSet::from([EnterpriseProjectNo(0), EnterpriseProjectNo(12)]);
        for granted in [None, Some(BTreeSet::new()), Some(some)] {
            assert_eq!(read_granted(&write_granted(granted.as_ref())), Some(granted));
        }
        assert_eq!(read_granted("1 two"), None);
    }
}
