//! What may follow a filter text that is being typed.

use super::parse::{Token, tokens};
use super::{Field, FieldType};
use crate::coverage::Coverage;
use crate::severity::Severity;
use crate::verdict::MatchState;

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Characters of the text that stay.
    pub from: usize,
    /// What comes in place of the rest.
    pub text: String,
    /// One line about it.
    pub help: &'static str,
}

/// What stands before the word that is being typed.
enum Before {
    /// A field, `not` or a bracket may follow.
    Operand,
    /// A comparison, for fields of yes and no also the end of the test.
    Field(Field),
    /// A value of the field.
    Comparison(Field),
    /// `and`, `or`.
    Test,
}

/// Ways to go on after `text`, which ends where the caret is. `values` gives what is known of the values
/// of a field whose words are not fixed.
pub fn completions(text: &str, values: &dyn Fn(Field) -> Vec<String>) -> Vec<Completion> {
    let Ok(mut tokens) = tokens(text) else { return Vec::new() };
    let length = text.chars().count();
    let typed = match tokens.last() {
        Some((column, Token::Word(word))) if column - 1 + word.chars().count() == length => {
            word.to_ascii_lowercase()
        }
        _ => String::new(),
    };
    if !typed.is_empty() {
        tokens.pop();
    }
    let from = length - typed.chars().count();
    let stands = before(&tokens);
    // A field whose name is typed whole may be meant, or a longer one.
    let whole =
        Field::ALL.iter().copied().find(|field| matches!(stands, Before::Operand) && field.as_str() == typed);
    let offered = match stands {
        Before::Operand => {
            let fields = Field::ALL.iter().map(|field| (field_text(*field), field.help()));
            fields.chain([("not ".to_owned(), "The opposite of what follows")]).collect()
        }
        Before::Field(field) => comparisons(field),
        Before::Comparison(field) => value_texts(field, values),
        Before::Test => {
            vec![("and ".to_owned(), "Both must hold"), ("or ".to_owned(), "One of both must hold")]
        }
    };
    // Where words touch, a blank must come between.
    let gap =
        if typed.is_empty() && text.ends_with(|c: char| c.is_alphanumeric() || c == '"') { " " } else { "" };
    let fits = |(word, _): &(String, _)| {
        let word = word.trim_start_matches('"').to_ascii_lowercase();
        word.starts_with(&typed) && word.trim() != typed
    };
    let fitting = offered.into_iter().filter(fits).map(|(text, help)| Completion {
        from,
        text: format!("{gap}{text}"),
        help,
    });
    let after = whole.map(comparisons).unwrap_or_default().into_iter();
    let after = after.map(|(text, help)| Completion { from: length, text: format!(" {text}"), help });
    after.chain(fitting).collect()
}

fn field_text(field: Field) -> String {
    format!("{} ", field.as_str())
}

fn before(tokens: &[(usize, Token)]) -> Before {
    let mut state = Before::Operand;
    for (_, token) in tokens {
        state = match (state, token) {
            (Before::Operand, Token::Word(word)) => {
                let known =
                    Field::ALL.iter().copied().find(|field| field.as_str().eq_ignore_ascii_case(word));
                known.map_or(Before::Operand, Before::Field)
            }
            (Before::Field(field), Token::Sign(sign)) if *sign != ")" => Before::Comparison(field),
            (Before::Field(field), Token::Word(word)) if word.eq_ignore_ascii_case("in") => {
                Before::Comparison(field)
            }
            (Before::Comparison(field), Token::Sign("(")) => Before::Comparison(field),
            (Before::Comparison(_), Token::Word(_) | Token::Quoted(_)) | (_, Token::Sign(")")) => {
                Before::Test
            }
            (Before::Field(_) | Before::Test, Token::Word(_)) => Before::Operand,
            (state, _) => state,
        };
    }
    state
}

fn comparisons(field: Field) -> Vec<(String, &'static str)> {
    let of = |signs: &[(&str, &'static str)]| {
        signs.iter().map(|(sign, help)| (format!("{sign} "), *help)).collect()
    };
    match field.kind() {
        FieldType::Bool => of(&[("and", "Both must hold"), ("or", "One of both must hold")]),
        FieldType::Text => of(&[
            ("=", "Equal, without regard to case"),
            ("!=", "Not equal"),
            ("~", "Contains"),
            ("^=", "Starts with"),
            ("in (", "Equal to any of a list"),
        ]),
        FieldType::Number | FieldType::Instant | FieldType::Severity => of(&[
            (">=", "At least"),
            ("<=", "At most"),
            (">", "More"),
            ("<", "Less"),
            ("=", "Equal"),
            ("!=", "Not equal"),
        ]),
    }
}

fn value_texts(field: Field, values: &dyn Fn(Field) -> Vec<String>) -> Vec<(String, &'static str)> {
    let fixed = |words: &[&str]| words.iter().map(|word| format!("{word} ")).collect::<Vec<_>>();
    let known = match field {
        Field::Severity => fixed(&Severity::WORST_FIRST.map(Severity::as_str)),
        Field::State => fixed(&MatchState::ALL.map(MatchState::as_str)),
        Field::Coverage => fixed(&Coverage::ALL.map(Coverage::as_str)),
        Field::Kind => fixed(&["image", "container", "host"]),
        Field::Scan => fixed(&["not_scanned", "scanned", "failed"]),
        Field::Class => fixed(&["vulnerability", "informational", "malware"]),
        Field::ContainerState => fixed(&["CREATED", "RUNNING", "STOPPED", "PAUSED", "UNKNOWN"]),
        Field::AssetValue => fixed(&["important", "common", "test"]),
        _ if field.kind() == FieldType::Bool => fixed(&["true", "false"]),
        _ => {
            let quoted =
                |value: &String| format!("\"{}\" ", value.replace('\\', "\\\\").replace('"', "\\\""));
            values(field).iter().map(quoted).collect()
        }
    };
    known.into_iter().map(|text| (text, "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let values =
            |field| if field == Field::Ecosystem { vec!["Debian:12".to_owned()] } else { Vec::new() };
        completions(text, &values)
            .into_iter()
            .map(|c| format!("{}{}", text.chars().take(c.from).collect::<String>(), c.text))
            .collect()
    }

    #[test]
    fn what_follows_is_what_the_language_takes() {
        assert_eq!(words("sev"), ["severity "]);
        assert_eq!(words("severity >= h"), ["severity >= high "]);
        assert!(words("severity").contains(&"severity >= ".to_owned()), "{:?}", words("severity"));
        assert_eq!(words("severity >= high "), ["severity >= high and ", "severity >= high or "]);
        assert_eq!(words("fixable a"), ["fixable and "]);
        assert_eq!(words("not k"), ["not kind ", "not kev "]);
        assert_eq!(words("ecosystem = "), ["ecosystem = \"Debian:12\" "]);
        assert_eq!(words("kind in (ima"), ["kind in (image "]);
        assert!(words("").len() > 30);
        assert_eq!(words("package = \"ope"), Vec::<String>::new());
    }

    /// Whatever is chosen, the text so far is the beginning of something that can be read.
    #[test]
    fn a_completed_question_can_be_read() {
        for text in ["severity >= critical", "kev", "kind = image and fixable", "not (excepted)"] {
            super::super::Filter::parse(text).unwrap();
            for end in 0..=text.len() {
                for word in words(&text[..end]) {
                    assert!(tokens(&word).is_ok(), "{word}");
                }
            }
        }
    }
}
