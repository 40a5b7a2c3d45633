//! The `WWW-Authenticate` header (RFC 9110, 11.6.1), as far as registries use it.

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token of a token service (Docker's token authentication specification).
    Bearer {
        /// Address of the token service.
        realm: String,
        /// What the token service knows the registry as; may be empty.
        service: String,
        /// What the token must allow; may be empty.
        scope: String,
    },
}

/// The challenge to answer: Bearer before Basic, others are passed over.
pub(super) fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = None;
    for header in headers {
        for (scheme, parameters) in parse(header) {
            let parameter = |name: &str| {
                parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
            };
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = parameter("realm")
            {
                return Some(Challenge::Bearer {
                    realm,
                    service: parameter("service").unwrap_or_default(),
                    scope: parameter("scope").unwrap_or_default(),
                });
            }
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

type Parameters = Vec<(String, String)>;

/// Schemes with their parameters. Lenient: what cannot be understood is passed over.
fn parse(header: &str) -> Vec<(&str, Parameters)> {
    let mut challenges: Vec<(&str, Parameters)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches(|c: char| !is_token(c));
        let (word, after) = split_word(rest);
        if word.is_empty() {
            return challenges;
        }
        rest = after;
        let Some(value) = after.trim_start().strip_prefix('=') else {
            challenges.push((word, Vec::new()));
            continue;
        };
        let (value, after) = parse_value(value.trim_start());
        rest = after;
        if let Some((_, parameters)) = challenges.last_mut() {
            parameters.push((word.to_owned(), value));
        }
    }
}

fn parse_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !is_token(c)).unwrap_or(text.len()))
}

/// `tchar` of RFC 9110, 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(header: &str) -> Option<Challenge> {
        best(std::iter::once(header))
    }

    #[test]
    fn what_registries_send_is_understood() {
        let bearer = |realm: &str, service: &str, scope: &str| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.to_owned(),
                scope: scope.to_owned(),
            })
        };
        assert_eq!(
            one(
                r#"Bearer realm="https://a.example/token",service="r.example",scope="repository:a/b:pull,push""#
            ),
            bearer("https://a.example/token", "r.example", "repository:a/b:pull,push")
        );
        assert_eq!(
            one(r#"bearer Realm=https://a.example/t , service = x"#),
            bearer("https://a.example/t", "x", "")
        );
        assert_eq!(one(r#"Basic realm="x", Bearer realm="y""#), bearer("y", "", ""));
        assert_eq!(one(r#"Negotiate YWJj==, Basic realm="say \"hi\"""#), Some(Challenge::Basic));
        assert_eq!(one("Bearer"), None);
        assert_eq!(one("Digest realm=\"x\""), None);
        assert_eq!(best(["Basic", "Bearer realm=\"z\""].into_iter()), bearer("z", "", ""));
    }

    proptest! {
        #[test]
        fn no_header_is_a_panic(text in "\\PC{0,60}|[Bearl =,\"\\\\]{0,60}") {
            let _ = one(&text);
        }
    }
}
