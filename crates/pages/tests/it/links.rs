//! Following links.

use crate::visit::{Answer, Browser};

/// Where the link with these words goes, the first of them.
#[track_caller]
pub(crate) fn href(page: &Answer, words: &str) -> String {
    let anchors = page.text.split("<a ").skip(1).filter_map(|rest| rest.split_once("</a>"));
    let found = anchors.filter_map(|(anchor, _)| {
        let (tag, inner) = anchor.split_once('>')?;
        let mut inside = false;
        let plain: String = inner
            .chars()
            .filter(|c| match c {
                '<' => {
                    inside = true;
                    false
                }
                '>' => {
                    inside = false;
                    false
                }
                _ => !inside,
            })
            .collect();
        let (_, rest) = tag.split_once("href=\"")?;
        let (address, _) = rest.split_once('"')?;
        (plain.split_whitespace().collect::<Vec<_>>().join(" ") == words)
            .then(|| address.replace("&#38;", "&").replace("&#34;", "\"").replace("&amp;", "&"))
    });
    let found: Vec<String> = found.collect();
    found.first().cloned().unwrap_or_else(|| panic!("no link {words:?} on {}", page.words()))
}

/// Follows the link with these words.
pub(crate) async fn follow(browser: &Browser, page: &Answer, words: &str) -> Answer {
    browser.get(&href(page, words)).await
}
