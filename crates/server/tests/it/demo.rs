//! The transcript of the Qualys family: the script checks its answers itself.

use std::process::Command;

use crate::support::peer;

#[test]
fn the_story_of_the_qualys_family_is_as_it_should_be() {
    let Some(_) = peer("PARAPET_REGISTRIES", "real registries") else { return };
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/demo-qualys-cs"))
        .env("PARAPET_BIN", env!("CARGO_BIN_EXE_parapet"))
        .env("PARAPET_DEMO_WINDOW", "12")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.ends_with("## As it should be\n"), "{text}");
    assert!(!text.contains("eyJ"), "the token is not printed");
}
