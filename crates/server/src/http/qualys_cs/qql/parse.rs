//! From text to tree: recursive descent with the position of what is wrong.

use std::fmt;

use super::{Expr, Op, Test, Value};

/// Longest query, in bytes.
const MAX_LENGTH: usize = 64 << 10;
/// Most tests of one query.
const MAX_TESTS: usize = 1_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// In characters from 1.
    at: usize,
    expected: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: expected {}", self.at, self.expected)
    }
}

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    let mut parser = Parser { text, at: 0, tests: 0 };
    if text.len() > MAX_LENGTH {
        return Err(parser.expected(&format!("at most {MAX_LENGTH} bytes")));
    }
    let expr = parser.any_of(0)?;
    parser.blanks();
    if parser.rest().is_empty() { Ok(expr) } else { Err(parser.expected("AND, OR or the end")) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    tests: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        SyntaxError { at: before.chars().count() + 1, expected: what.to_owned() }
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Passes over `sign` if it comes next.
    fn sign(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    /// Passes over a word of the grammar, in any case, if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let found = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        let ends = rest
            .get(word.len()..)
            .is_some_and(|tail| tail.chars().next().is_none_or(|c| c.is_whitespace() || c == '('));
        let found = found && ends;
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn any_of(&mut self, depth: usize) -> Result<Expr, SyntaxError> {
        let mut parts = vec![self.all_of(depth)?];
        while self.word("or") {
            parts.push(self.all_of(depth)?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<Expr, SyntaxError> {
        let mut parts = vec![self.factor(depth)?];
        while self.word("and") {
            parts.push(self.factor(depth)?);
        }
        Ok(single(parts, Expr::And))
    }

    fn factor(&mut self, depth: usize) -> Result<Expr, SyntaxError> {
        if depth >= MAX_DEPTH {
            return Err(self.expected(&format!("at most {MAX_DEPTH} levels")));
        }
        if self.word("not") {
            return Ok(Expr::Not(Box::new(self.factor(depth + 1)?)));
        }
        if self.sign("(") {
            let inner = self.any_of(depth + 1)?;
            self.blanks();
            return if self.sign(")") { Ok(inner) } else { Err(self.expected("\")\"")) };
        }
        self.test().map(Expr::Test)
    }

    fn test(&mut self) -> Result<Test, SyntaxError> {
        self.blanks();
        self.tests += 1;
        if self.tests > MAX_TESTS {
            return Err(self.expected(&format!("at most {MAX_TESTS} tests")));
        }
        let at = self.expected("").at;
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
        let token = &rest[..end.unwrap_or(rest.len())];
        if !token.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(self.expected("a token, NOT or \"(\""));
        }
        self.at += token.len();
        self.blanks();
        let op =
            [(">=", Op::Ge), ("<=", Op::Le), (">", Op::Gt), ("<", Op::Lt), ("=", Op::Eq), (":", Op::Match)]
                .into_iter()
                .find(|(sign, _)| self.sign(sign))
                .map(|(_, op)| op)
                .ok_or_else(|| self.expected("\":\", \"=\", \"<\", \"<=\", \">\" or \">=\""))?;
        self.blanks();
        let value = self.value()?;
        Ok(Test { token: token.to_owned(), op, value, at })
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Err(self.expected("a value")) };
        match first {
            '"' | '\'' | '`' => {
                let text = self.quoted(first)?;
                // Ranges also arrive in quotes of any kind.
                Ok(range(&text).unwrap_or(if first == '`' {
                    Value::Exact(text)
                } else {
                    Value::Phrase(text)
                }))
            }
            '[' | '(' => self.bracketed(if first == '[' { ']' } else { ')' }),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || c == ')').unwrap_or(rest.len());
                if end == 0 {
                    return Err(self.expected("a value"));
                }
                self.at += end;
                let word = &rest[..end];
                Ok(if word == "*" { Value::Any } else { Value::Loose(word.to_owned()) })
            }
        }
    }

    /// The text between two `quote`s; a backslash takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((place, c)) = chars.next() {
            match c {
                '\\' if quote != '`' => out.extend(chars.next().map(|(_, c)| c)),
                c if c == quote => {
                    self.at += place + c.len_utf8();
                    return Ok(out);
                }
                c => out.push(c),
            }
        }
        Err(self.expected(&format!("a closing {quote}")))
    }

    fn bracketed(&mut self, close: char) -> Result<Value, SyntaxError> {
        let rest = self.rest();
        let Some(end) = rest.find(close) else { return Err(self.expected(&format!("a closing {close}"))) };
        let whole = &rest[..=end];
        let value = match range(whole) {
            Some(range) => range,
            None if close == ']' => {
                let inner = whole.trim_matches(['[', ']']);
                let strip = |part: &str| part.trim().trim_matches(['"', '\'', '`']).to_owned();
                let list: Vec<String> = inner.split(',').map(strip).filter(|part| !part.is_empty()).collect();
                if list.is_empty() {
                    return Err(self.expected("a list or a range"));
                }
                Value::List(list)
            }
            None => return Err(self.expected("a range such as (1 .. 5)")),
        };
        self.at += whole.len();
        Ok(value)
    }
}

/// `[lo .. hi]` and `(lo .. hi)`, with two dots or three.
fn range(text: &str) -> Option<Value> {
    let text = text.trim();
    let within = |open, close| text.starts_with::<char>(open) && text.ends_with::<char>(close);
    let inclusive = within('[', ']');
    if !(inclusive || within('(', ')')) {
        return None;
    }
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let (low, high) = inner.split_once("...").or_else(|| inner.split_once(".."))?;
    let end = |text: &str| text.trim().trim_matches(['"', '\'', '`']).to_owned();
    Some(Value::Range { low: end(low), high: end(high), inclusive })
}

fn single(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> Value {
        match parse(text).unwrap() {
            Expr::Test(test) => test.value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_form_of_a_value_is_read() {
        assert_eq!(value("repo.tag:*"), Value::Any);
        assert_eq!(value("repo.tag:v1"), Value::Loose("v1".into()));
        assert_eq!(value("title:\"two words\""), Value::Phrase("two words".into()));
        assert_eq!(value("repo.repository:`shop/web`"), Value::Exact("shop/web".into()));
        assert_eq!(value("uuid: [a, \"b\"]"), Value::List(vec!["a".into(), "b".into()]));
        let range = |inclusive| Value::Range { low: "1".into(), high: "5".into(), inclusive };
        assert_eq!(value("vulnerabilities.severity:[1 .. 5]"), range(true));
        assert_eq!(value("vulnerabilities.severity:(1 .. 5)"), range(false));
        let week = Value::Range { low: "now-7d".into(), high: "now".into(), inclusive: true };
        for written in
            ["'[now-7d ... now]'", "`[now-7d ... now]`", "\"[now-7d .. now]\"", " [now-7d ... now]"]
        {
            assert_eq!(value(&format!("imagesInUse:{written}")), week, "{written}");
        }
    }

    #[test]
    fn not_binds_closest_then_and_then_or_in_any_case() {
        let test = |token: &str| match parse(&format!("{token}:1")).unwrap() {
            Expr::Test(test) => Test { at: 0, ..test },
            other => panic!("{other:?}"),
        };
        fn strip(expr: Expr) -> Expr {
            match expr {
                Expr::And(parts) => Expr::And(parts.into_iter().map(strip).collect()),
                Expr::Or(parts) => Expr::Or(parts.into_iter().map(strip).collect()),
                Expr::Not(part) => Expr::Not(Box::new(strip(*part))),
                Expr::Test(test) => Expr::Test(Test { at: 0, ..test }),
            }
        }
        let read = |text: &str| strip(parse(text).unwrap());
        let t = |token: &str| Expr::Test(test(token));
        let not = |expr| Expr::Not(Box::new(expr));
        assert_eq!(
            read("a:1 OR b:1 and NOT c:1"),
            Expr::Or(vec![t("a"), Expr::And(vec![t("b"), not(t("c"))])])
        );
        assert_eq!(
            read("not(a:1 or b:1) AND c:1"),
            Expr::And(vec![not(Expr::Or(vec![t("a"), t("b")])), t("c")])
        );
    }

    #[test]
    fn an_error_names_the_place_and_what_was_expected() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(
            error("severity"),
            "at character 9: expected \":\", \"=\", \"<\", \"<=\", \">\" or \">=\""
        );
        assert_eq!(error("a:1 b:2"), "at character 5: expected AND, OR or the end");
        assert_eq!(error("a:1 and"), "at character 8: expected a token, NOT or \"(\"");
        assert_eq!(error("ä:1"), "at character 1: expected a token, NOT or \"(\"");
        assert_eq!(error("(a:1"), "at character 5: expected \")\"");
        assert_eq!(error("a:\"x"), "at character 3: expected a closing \"");
        assert_eq!(error("a:[1, 2"), "at character 3: expected a closing ]");
        let many = |n| vec!["a:1"; n].join(" and ");
        assert!(error(&many(1_001)).ends_with("expected at most 1000 tests"));
        assert_eq!(error(&many(10_000)), "at character 1: expected at most 65536 bytes");
        assert!(error(&"(".repeat(5_000)).ends_with("expected at most 64 levels"));
        assert!(error(&"not ".repeat(5_000)).ends_with("expected at most 64 levels"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn nor_does_text_made_of_its_own_signs(text in "[a-c:.*\"'`\\[\\]() nowtrd<>=,1-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
