//! What changed from one list of lines to another.

/// A line of both lists laid over each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// In both.
    Kept(String),
    /// Only in the first.
    Removed(String),
    /// Only in the second.
    Added(String),
}

/// Longer differences are shown as everything removed and everything added.
const MOST: usize = 500;

/// The lines of both, with as many kept as can be.
pub(crate) fn diff(old: &[String], new: &[String]) -> Vec<Line> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (kept, old, new) = (&old[..head], &old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, end) = old.split_at(old.len() - tail);
    let new = &new[..new.len() - tail];
    let mut lines: Vec<Line> = kept.iter().cloned().map(Line::Kept).collect();
    if old.len() > MOST || new.len() > MOST {
        lines.extend(old.iter().cloned().map(Line::Removed));
        lines.extend(new.iter().cloned().map(Line::Added));
    } else {
        middle(old, new, &mut lines);
    }
    lines.extend(end.iter().cloned().map(Line::Kept));
    lines
}

/// The longest common subsequence, by its table of lengths.
fn middle(old: &[String], new: &[String], lines: &mut Vec<Line>) {
    let width = new.len() + 1;
    // How many lines can be kept of old[i..] and new[j..].
    let mut most = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let (down, right, both) = ((i + 1) * width + j, i * width + j + 1, (i + 1) * width + j + 1);
            most[i * width + j] = if old[i] == new[j] { most[both] + 1 } else { most[down].max(most[right]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let removes = j == new.len() || i < old.len() && most[(i + 1) * width + j] >= most[i * width + j + 1];
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Kept(old[i].clone()));
            (i, j) = (i + 1, j + 1);
        } else if removes {
            lines.push(Line::Removed(old[i].clone()));
            i += 1;
        } else {
            lines.push(Line::Added(new[j].clone()));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    fn shown(old: &str, new: &str) -> String {
        let sign = |line: Line| match line {
            Line::Kept(text) => text,
            Line::Removed(text) => format!("-{text}"),
            Line::Added(text) => format!("+{text}"),
        };
        diff(&lines(old), &lines(new)).into_iter().map(sign).collect()
    }

    #[test]
    fn what_is_in_both_is_kept() {
        for (old, new, expected) in [
            ("", "", ""),
            ("abc", "abc", "abc"),
            ("abc", "axc", "a-b+xc"),
            ("abcd", "bd", "-ab-cd"),
            ("bd", "abcd", "+ab+cd"),
            ("ab", "ba", "-ab+a"),
            ("", "ab", "+a+b"),
            ("ab", "", "-a-b"),
        ] {
            assert_eq!(shown(old, new), expected, "{old} {new}");
        }
    }

    #[test]
    fn very_different_lists_are_not_laid_over_each_other() {
        let many = |from: usize| (from..from + MOST + 1).map(|n| n.to_string()).collect::<Vec<_>>();
        let lines = diff(&many(0), &many(1));
        assert_eq!(lines.len(), 2 * (MOST + 1));
        assert_eq!(lines.first(), Some(&Line::Removed("0".to_owned())));
    }
}
