//! `rebar.lock`, an Erlang term: `{<<"name">>,{pkg,<<"name">>,<<"1.0.0">>},0}` for each package.
//! Nothing is evaluated.
//!
//! Source: rebar3's documentation, *Dependencies: lock files*.

use crate::format::text;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of rebar3.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"rebar.lock"
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text.trim(),
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    if !text.starts_with(['[', '{']) || !text.ends_with("].") {
        out.complain("it is no whole list of Erlang".to_owned());
    }
    // Hashes of the packages follow in a list of their own, as `{<<"name">>, <<"hash">>}`.
    for entry in text.split("{<<").skip(1) {
        let entry: String = entry.chars().filter(|c| !c.is_whitespace()).collect();
        let Some((name, rest)) = entry.split_once(">>,{") else { continue };
        let name = name.trim_matches('"');
        match rest.strip_prefix("pkg,<<").and_then(|rest| rest.split_once(">>,<<")) {
            Some((published, rest)) => match rest.split_once(">>") {
                Some((version, _)) => out.add("Hex", published.trim_matches('"'), version.trim_matches('"')),
                None => out.complain(format!("the entry {name:?} is cut short")),
            },
            None if rest.starts_with("pkg") => out.complain(format!("the entry {name:?} is cut short")),
            None => {
                let from = rest.split([',', '"']).next().unwrap_or_default();
                out.unjudged("Hex", name, &format!("from {from}"));
            }
        }
    }
    out.finish()
}
