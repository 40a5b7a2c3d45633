//! The `Link` header (RFC 8288), as far as paging uses it.

/// The target of `rel="next"`, if one of the headers has it.
pub(super) fn next<'a>(headers: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    headers.flat_map(links).find_map(|(target, parameters)| is_next(parameters).then_some(target))
}

/// Targets with the text of their parameters.
fn links(header: &str) -> impl Iterator<Item = (&str, &str)> {
    // A target may contain commas, but no angle brackets.
    header.split('<').skip(1).filter_map(|link| link.split_once('>'))
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(header: &str) -> Option<&str> {
        next(std::iter::once(header))
    }

    #[test]
    fn the_next_page_is_found() {
        assert_eq!(one(r#"</v2/_catalog?last=a&n=2>; rel="next""#), Some("/v2/_catalog?last=a&n=2"));
        assert_eq!(one("<https://r.example/v2/x>; rel=next"), Some("https://r.example/v2/x"));
        assert_eq!(one(r#"</a,b>; rel="prev", </c>; title="x"; rel="last next""#), Some("/c"));
        assert_eq!(one(r#"</a>; rel="prev""#), None);
        assert_eq!(one("rel=next"), None);
        assert_eq!(one("<unfinished; rel=next"), None);
        assert_eq!(one(""), None);
    }
}
