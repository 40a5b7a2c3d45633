//! Reads the text form of a filter.

use super::{Field, FieldType, Filter, Op, Test, Value};
use crate::severity::Severity;
use crate::time::parse_instant;

/// Deepest nesting that is read; deeper is refused, because evaluation recurses.
const MAX_DEPTH: usize = 64;
/// Longest text that is read, in bytes.
const MAX_LENGTH: usize = 65_536;

/// What is wrong with a filter text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, column {column}: {message}")]
pub struct ParseError {
    /// Character position, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

pub(super) fn parse(text: &str) -> Result<Filter, ParseError> {
    if text.len() > MAX_LENGTH {
        return Err(ParseError { column: MAX_LENGTH, message: format!("longer than {MAX_LENGTH} bytes") });
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Filter::All);
    }
    let mut parser = Parser { tokens, at: 0, end: text.chars().count() + 1 };
    let filter = parser.any(0)?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.error("expected \"and\", \"or\" or the end")),
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    const SIGNS: [&str; 11] = ["!=", "<=", ">=", "^=", "=", "<", ">", "~", "(", ")", ","];
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let (start, column) = (i, i + 1);
        if chars[i].is_whitespace() {
            i += 1;
        } else if chars[i] == '"' {
            let mut quoted = String::new();
            i += 1;
            loop {
                match chars.get(i) {
                    None => return Err(ParseError { column, message: "quote without end".to_owned() }),
                    Some('"') => break,
                    Some('\\') => {
                        i += 1;
                        quoted.extend(chars.get(i));
                    }
                    Some(c) => quoted.push(*c),
                }
                i += 1;
            }
            i += 1;
            out.push((column, Token::Quoted(quoted)));
        } else if let Some(sign) =
            SIGNS.into_iter().find(|s| s.chars().enumerate().all(|(k, c)| chars.get(i + k) == Some(&c)))
        {
            i += sign.len();
            out.push((column, Token::Sign(sign)));
        } else {
            while i < chars.len() && !chars[i].is_whitespace() && !"=<>!~^(),\"".contains(chars[i]) {
                i += 1;
            }
            if i == start {
                return Err(ParseError { column, message: format!("unexpected {:?}", chars[i]) });
            }
            out.push((column, Token::Word(chars[start..i].iter().collect())));
        }
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        let column = self.tokens.get(self.at).map_or(self.end, |(column, _)| *column);
        ParseError { column, message: message.into() }
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == wanted);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Filter, ParseError> {
        let mut parts = vec![self.all(depth)?];
        while self.word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, ParseError> {
        let mut parts = vec![self.factor(depth)?];
        while self.word("and") {
            parts.push(self.factor(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn factor(&mut self, depth: usize) -> Result<Filter, ParseError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH}")));
        }
        if self.word("not") {
            return Ok(Filter::Not(Box::new(self.factor(depth + 1)?)));
        }
        if self.sign("(") {
            let inner = self.any(depth + 1)?;
            return if self.sign(")") { Ok(inner) } else { Err(self.error("expected \")\"")) };
        }
        if self.word("all") {
            return Ok(Filter::All);
        }
        if self.word("nothing") {
            return Ok(Filter::Nothing);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Filter, ParseError> {
        let name = match self.peek() {
            Some(Token::Word(word)) => word.to_ascii_lowercase(),
            _ => return Err(self.error("expected a field")),
        };
        let Some(field) = Field::ALL.iter().copied().find(|f| f.as_str() == name) else {
            return Err(self.error(unknown_field(&name)));
        };
        self.at += 1;
        if self.word("in") {
            return self.membership(field);
        }
        let (op, negated) = match self.peek() {
            Some(Token::Sign("=")) => (Op::Eq, false),
            Some(Token::Sign("!=")) => (Op::Eq, true),
            Some(Token::Sign("<")) => (Op::Lt, false),
            Some(Token::Sign("<=")) => (Op::Le, false),
            Some(Token::Sign(">")) => (Op::Gt, false),
            Some(Token::Sign(">=")) => (Op::Ge, false),
            Some(Token::Sign("~")) => (Op::Contains, false),
            Some(Token::Sign("^=")) => (Op::Prefix, false),
            _ if field.kind() == FieldType::Bool => return Ok(Filter::test(field, Op::Eq, true)),
            _ => return Err(self.error(format!("expected a comparison after {field}"))),
        };
        if !op_fits(op, field.kind()) {
            return Err(self.error(format!("{field} cannot be compared this way")));
        }
        self.at += 1;
        let value = self.value(field)?;
        let test = Filter::Test(Test { field, op, values: vec![value] });
        Ok(if negated { Filter::Not(Box::new(test)) } else { test })
    }

    fn membership(&mut self, field: Field) -> Result<Filter, ParseError> {
        if !self.sign("(") {
            return Err(self.error("expected \"(\" after \"in\""));
        }
        let mut values = vec![self.value(field)?];
        while self.sign(",") {
            values.push(self.value(field)?);
        }
        if self.sign(")") {
            Ok(Filter::Test(Test { field, op: Op::In, values }))
        } else {
            Err(self.error("expected \",\" or \")\""))
        }
    }

    fn value(&mut self, field: Field) -> Result<Value, ParseError> {
        let text = match self.peek() {
            Some(Token::Word(text) | Token::Quoted(text)) => text.clone(),
            _ => return Err(self.error(format!("expected a value for {field}"))),
        };
        let (value, expected) = match field.kind() {
            FieldType::Text => (Some(Value::Text(text.clone())), "text"),
            FieldType::Number => {
                (text.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Number), "a number")
            }
            FieldType::Instant => (parse_instant(&text).map(Value::from), "a date or RFC 3339 instant"),
            FieldType::Bool => (text.to_ascii_lowercase().parse().ok().map(Value::Bool), "true or false"),
            FieldType::Severity => (text.parse::<Severity>().ok().map(Value::from), "a severity"),
        };
        let value = value.ok_or_else(|| self.error(format!("{text:?} is not {expected}")))?;
        self.at += 1;
        Ok(value)
    }
}

fn op_fits(op: Op, kind: FieldType) -> bool {
    match op {
        Op::Eq | Op::In => true,
        Op::Lt | Op::Le | Op::Gt | Op::Ge => {
            matches!(kind, FieldType::Number | FieldType::Instant | FieldType::Severity)
        }
        Op::Contains | Op::Prefix => kind == FieldType::Text,
    }
}

fn unknown_field(name: &str) -> String {
    let near = Field::ALL
        .iter()
        .map(|f| f.as_str())
        .find(|f| f.starts_with(name) || name.starts_with(f) || f.contains(name));
    match near {
        Some(near) => format!("no field {name:?}; did you mean {near:?}?"),
        None => {
            let all: Vec<_> = Field::ALL.iter().map(|f| f.as_str()).collect();
            format!("no field {name:?}; there are {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_back() {
        for text in [
            "severity >= high and not excepted",
            "(kev or epss > 0.5) and package in (\"openssl\", \"curl\")",
            "not (asset ~ \"web\" or tag ^= \"1.\")",
            "first_found < \"2026-03-01T00:00:00.000Z\"",
            "all",
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text} → {filter}");
        }
        assert_eq!(Filter::parse("").unwrap(), Filter::All);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let error = |text: &str| Filter::parse(text).unwrap_err().to_string();
        assert_eq!(
            error("sever >= high"),
            "filter, column 1: no field \"sever\"; did you mean \"severity\"?"
        );
        assert_eq!(error("severity >= awful"), "filter, column 13: \"awful\" is not a severity");
        assert_eq!(error("kev and"), "filter, column 8: expected a field");
        assert_eq!(error("package > a"), "filter, column 9: package cannot be compared this way");
        assert_eq!(error("package = \"a"), "filter, column 11: quote without end");
        assert!(error(&format!("{}kev{}", "(".repeat(100), ")".repeat(100))).contains("nested deeper"));
    }
}
