//! Lock files of Swift's package manager and of CocoaPods.

use super::*;
use crate::testing::{named, unjudged};

#[test]
fn packages_are_named_by_their_repository() {
    let old =
        br#"{"object": {"pins": [{"package": "Vapor", "repositoryURL": "https://github.com/vapor/vapor.git",
        "state": {"branch": null, "revision": "0a", "version": "4.0.0"}}]}, "version": 1}"#;
    let new = br#"{"pins": [{"identity": "vapor", "kind": "remoteSourceControl", "location": "git@github.com/vapor/vapor",
        "state": {"revision": "0a", "version": "4.0.0"}},
        {"identity": "x", "kind": "remoteSourceControl", "location": "https://git.example/x", "state": {"branch": "main", "revision": "0b"}},
        {"identity": "own", "kind": "localSourceControl", "location": "/src/own", "state": {"revision": "0c"}}], "version": 3}"#;
    assert_eq!(named(&read(old)), ["github.com/vapor/vapor 4.0.0"]);
    let reading = read(new);
    assert_eq!(named(&reading), ["github.com/vapor/vapor 4.0.0"]);
    assert_eq!(unjudged(&reading), ["git.example/x (branch main)"]);
}

#[test]
fn parts_of_a_pod_are_the_pod() {
    let text = "PODS:\n  - Firebase/Core (8.0.0):\n    - Firebase/CoreOnly\n  - Firebase/CoreOnly (8.0.0)\n  - Own (0.1.0)\n\n\
                EXTERNAL SOURCES:\n  Own:\n    :path: \"../own\"\n\nSPEC CHECKSUMS:\n  Firebase: 0a\n";
    assert_eq!(named(&pods::read(text.as_bytes())), ["Firebase 8.0.0"]);
}
