//! The question of a page: what was typed, what of it can be asked, and its terms as links.

use crate::link::Link;
use crate::parts::{QuestionError, Term};
use parapet_model::Filter;
use parapet_model::filter::{Field, Op};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// What was typed.
    pub(crate) typed: String,
    /// What is asked: what was typed, or the last good question when that cannot be read.
    pub(crate) filter: Filter,
    /// The text of what is asked.
    pub(crate) text: String,
    /// What is wrong with what was typed.
    pub(crate) error: Option<QuestionError>,
}

impl Question {
    /// Reads what was typed; `good` is the last question that could be read.
    pub(crate) fn read(typed: &str, good: &str) -> Self {
        let typed = typed.trim();
        match Filter::parse(typed) {
            Ok(filter) => Self { typed: typed.to_owned(), filter, text: typed.to_owned(), error: None },
            Err(error) => {
                let good = good.trim();
                let filter = Filter::parse(good).unwrap_or_default();
                let error = QuestionError::new(typed, error.column, &error.message);
                Self { typed: typed.to_owned(), filter, text: good.to_owned(), error: Some(error) }
            }
        }
    }

    /// Its terms, each with the question without it; `link` is the page's address.
    pub(crate) fn terms(&self, link: &Link) -> Vec<Term> {
        let parts = parts(&self.filter);
        let without = |at: usize| {
            let rest =
                parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| (*part).clone());
            asked(link, &rest.fold(Filter::All, Filter::and))
        };
        parts
            .iter()
            .enumerate()
            .map(|(at, part)| Term { text: part.to_string(), without: without(at) })
            .collect()
    }

    /// The question with one more term, or without it when it has it; and whether it had it.
    pub(crate) fn toggled(&self, link: &Link, term: Filter) -> (Link, bool) {
        let parts = parts(&self.filter);
        let has = parts.contains(&&term);
        let rest = parts.into_iter().filter(|part| **part != term).cloned().fold(Filter::All, Filter::and);
        (asked(link, &if has { rest } else { rest.and(term) }), has)
    }

    /// The question about one value.
    pub(crate) fn of(&self, link: &Link, field: Field, value: &str) -> Link {
        asked(link, &self.filter.clone().and(Filter::test(field, Op::Eq, value.to_owned())))
    }
}

/// What must hold together.
pub(crate) fn parts(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::All => Vec::new(),
        Filter::And(parts) => parts.iter().collect(),
        one => vec![one],
    }
}

/// The page with this question.
pub(crate) fn asked(link: &Link, filter: &Filter) -> Link {
    let text = match filter {
        Filter::All => String::new(),
        filter => filter.to_string(),
    };
    link.clone().with("where", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_cannot_be_read_leaves_the_last_good_one() {
        let question = Question::read("kev and", "fixable");
        assert_eq!(question.text, "fixable");
        let error = question.error.unwrap();
        assert_eq!((error.indent.len(), error.message.as_str()), (7, "expected a field"));
        assert_eq!(Question::read("", "fixable").filter, Filter::All);
    }

    #[test]
    fn terms_are_added_and_taken_away() {
        let page = Link::to("/findings");
        let question = Question::read("kev and fixable", "");
        let fixable = Filter::test(Field::Fixable, Op::Eq, true);
        let (link, had) = question.toggled(&page, fixable.clone());
        assert!(had);
        let kev = Question::read("kev", "");
        assert_eq!(link, asked(&page, &kev.filter));
        let (link, had) = kev.toggled(&page, fixable);
        assert!(!had);
        assert_eq!(link, asked(&page, &question.filter));
        assert_eq!(question.terms(&page).len(), 2);
    }
}
