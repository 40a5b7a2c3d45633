//! What a project needs in production, where a lock file lists packages and who needs whom.

use std::collections::{HashMap, HashSet};

/// Edges from each package to those that it needs, by whatever the lock file names packages with.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    edges: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Graph<'a> {
    /// Notes that `from` needs `to`.
    pub(crate) fn needs(&mut self, from: &'a str, to: &'a str) {
        self.edges.entry(from).or_default().push(to);
    }

    /// Everything that can be reached from the roots, these included.
    pub(crate) fn reachable(&self, roots: impl IntoIterator<Item = &'a str>) -> HashSet<&'a str> {
        let mut rest: Vec<&str> = roots.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(name) = rest.pop() {
            if seen.insert(name) {
                rest.extend(self.edges.get(name).into_iter().flatten());
            }
        }
        seen
    }
}

/// Whether a group of dependencies is for those who work on the project. Other groups may be
/// installed in production; which ones are, no file tells.
pub(crate) fn is_development(group: &str) -> bool {
    const WORDS: [&str; 14] = [
        "dev",
        "develop",
        "development",
        "test",
        "tests",
        "testing",
        "lint",
        "linting",
        "doc",
        "docs",
        "typing",
        "types",
        "ci",
        "pre-commit",
    ];
    WORDS.iter().any(|word| group.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_end() {
        let mut graph = Graph::default();
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("x", "y")] {
            graph.needs(from, to);
        }
        let mut found: Vec<&str> = graph.reachable(["a"]).into_iter().collect();
        found.sort_unstable();
        assert_eq!(found, ["a", "b", "c"]);
    }
}
