//! `go.mod`.

use super::*;
use crate::testing::{named, unjudged};

#[test]
fn replacements_count_instead_of_what_they_replace() {
    let text = "module example.org/app // why\n\ngo 1.21\n\ntoolchain go1.21.3\n\nrequire golang.org/x/text v0.3.0\n\nrequire (\n\t\
                a.example/one v1.0.0\n\ta.example/two v2.0.0+incompatible // indirect\n\ta.example/three v3.0.0\n)\n\n\
                replace a.example/one => ../one\n\nreplace (\n\ta.example/three v3.0.0 => b.example/fork v3.0.1\n\t\
                a.example/two v9.9.9 => ../never\n)\n\nexclude a.example/one v0.9.0\nretract [v1.0.0, v1.1.0]\n";
    let reading = read(text.as_bytes());
    assert_eq!(reading.problem, None);
    assert_eq!(
        named(&reading),
        ["a.example/two 2.0.0+incompatible", "b.example/fork 3.0.1", "golang.org/x/text 0.3.0"]
    );
    assert!(reading.unjudged.is_empty());
}

#[test]
fn old_files_do_not_list_everything_and_say_so() {
    let reading = read(b"module a\n\ngo 1.16\n\nrequire b.example/c v1.0.0\n");
    assert_eq!(named(&reading), ["b.example/c 1.0.0"]);
    assert_eq!(unjudged(&reading), ["what its modules need (1.16)"]);
    assert!(read(b"module a\nrequire (\n\tb v1\n").problem.is_some());
}
