//! Lock files of mix and rebar3.

use super::*;
use crate::testing::{named, unjudged};

#[test]
fn mix_names_what_was_published_not_what_it_is_called_here() {
    let text = "%{\n  \"phoenix\": {:hex, :phoenix, \"1.6.2\", \"0a\", [:mix], [{:plug, \"~> 1.0\", [hex: :plug, repo: \"hexpm\"]}], \"hexpm\", \"0b\"},\n  \
                \"alias\": {:hex, :real_name, \"2.0.0-rc.1\", \"0a\", [:mix], [], \"hexpm\", \"0b\"},\n  \
                \"forked\": {:git, \"https://git.example/f.git\", \"0c\", [branch: \"main\"]},\n}\n";
    let reading = mix::read(text.as_bytes());
    assert_eq!(named(&reading), ["phoenix 1.6.2", "real_name 2.0.0-rc.1"]);
    assert_eq!(unjudged(&reading), ["forked (from git)"]);
    assert_eq!(reading.problem, None);
}

#[test]
fn rebar_has_had_two_forms() {
    let old = "[{<<\"cowboy\">>,{pkg,<<\"cowboy\">>,<<\"2.9.0\">>},0},\n {<<\"own\">>,\n  {git,\"https://git.example/o\",\n       {ref,\"0a\"}},\n  0}].\n";
    let new = "{\"1.2.0\",\n[{<<\"cowboy\">>,{pkg,<<\"cowboy\">>,<<\"2.9.0\">>},0}]}.\n[\n{pkg_hash,[\n {<<\"cowboy\">>, <<\"0A\">>}]}\n].\n";
    let reading = rebar::read(old.as_bytes());
    assert_eq!(named(&reading), ["cowboy 2.9.0"]);
    assert_eq!(unjudged(&reading), ["own (from git)"]);
    let reading = rebar::read(new.as_bytes());
    assert_eq!((named(&reading).len(), reading.problem), (1, None));
    assert_eq!(rebar::read(b"[].\n").problem, None);
}
