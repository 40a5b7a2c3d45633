//! Programs, frameworks and projects of .NET.

use super::*;
use crate::testing::named;

#[test]
fn runtime_packs_are_named_as_advisories_name_them() {
    let own = br#"{"libraries": {
        "app/1.0.0": {"type": "project"},
        "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.1": {"type": "runtimepack"},
        "Newtonsoft.Json/12.0.1": {"type": "package"},
        "Other.Reference/1.0.0.0": {"type": "reference"},
        "Analyzer/1.0.0": {"type": "package", "compileOnly": true}}}"#;
    assert_eq!(
        named(&read(own)),
        ["Microsoft.NETCore.App.Runtime.linux-x64 6.0.1", "Newtonsoft.Json 12.0.1"]
    );
    let framework = br#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v6.0/linux-x64"}, "libraries":
        {"Microsoft.NETCore.App.Runtime.linux-x64/6.0.1": {"type": "package", "serviceable": true}}}"#;
    assert!(claims(b"usr/share/dotnet/shared/Microsoft.NETCore.App/6.0.1/Microsoft.NETCore.App.deps.json"));
    assert_eq!(named(&read(framework)), ["Microsoft.NETCore.App.Runtime.linux-x64 6.0.1"]);
    assert_eq!(
        read(br#"{"libraries": {"a": {"type": "package"}}}"#).problem.as_deref(),
        Some("\"a\" has no version")
    );
}

#[test]
fn lock_files_leave_out_projects_and_development() {
    let text = br#"{"version": 2, "dependencies": {
        "net6.0": {"a": {"type": "Direct", "requested": "[1.0, )", "resolved": "1.0.0"}, "own": {"type": "Project"}},
        "net6.0/linux-x64": {"a": {"type": "Direct", "resolved": "1.0.0"}, "b": {"type": "CentralTransitive", "resolved": "2.0.0"}}}}"#;
    assert_eq!(named(&lock::read(text)), ["a 1.0.0", "b 2.0.0"]);
    assert!(lock::claims(b"src/packages.app.lock.json") && !lock::claims(b"src/package-lock.json"));
    let text = br#"<packages><package id="a" version="1.0" targetFramework="net472" />
        <package id="b" version="2.0" developmentDependency="true" /></packages>"#;
    assert_eq!(named(&config::read(text)), ["a 1.0"]);
    assert!(config::read(b"<packages><package id='a' version='1'").problem.is_some());
}
