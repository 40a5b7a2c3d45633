//! Formats that try to be larger than they are.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

#[test]
fn relaxed_json_knows_comments_and_trailing_commas_but_not_inside_texts() {
    let text = br#"{ // a comment with "quotes"
        "a": [1, 2, /* , ] */ ],
        "b": "no, ] // comment \" ,}",
    }"#;
    let value: Value = json::read_relaxed(text).unwrap();
    assert_eq!(value, serde_json::json!({"a": [1, 2], "b": "no, ] // comment \" ,}"}));
    let many = format!("[{}1]", "1,".repeat(1_000_001));
    assert!(json::read::<serde::de::IgnoredAny>(many.as_bytes()).unwrap_err().contains("more than"));
    for broken in ["{,}x", "[1,,]", "\"", "/*", "{\"a\": 1, /"] {
        assert!(json::read_relaxed::<Value>(broken.as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn yaml_keeps_texts_and_refuses_what_grows() {
    let documents = yaml::read(b"a: 1.10\nb:\n- x\n- ~\nc: {d: 'null'}\n---\ne: f\n").unwrap();
    let [first, second] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!(first.text_of("a"), Some("1.10"));
    assert_eq!(
        first.get("b").unwrap().items(),
        [yaml::Node::Text("x".into()), yaml::Node::Text(String::new())]
    );
    assert_eq!(first.get("c").unwrap().text_of("d"), Some("null"));
    assert_eq!(second.text_of("e"), Some("f"));
    assert!(yaml::read(b"a: 1.1").is_err());
    let bomb = "a: &a [x,x]\nb: &b [*a,*a]\n";
    assert!(yaml::read(bomb.as_bytes()).unwrap_err().contains("alias"));
    for deep in ["[".repeat(100), "{a: ".repeat(100), "- ".repeat(100)] {
        assert!(yaml::read(format!("{deep}\n").as_bytes()).is_err());
    }
    let many = "- x\n".repeat(500_001);
    assert!(yaml::read(many.as_bytes()).unwrap_err().contains("more than"));
}

#[test]
fn toml_is_counted_before_it_is_built() {
    let many = format!("a = [{}]", "1,".repeat(700_000));
    assert!(toml::read::<serde::de::IgnoredAny>(many.as_bytes()).unwrap_err().contains("more than"));
    let tables = "[[package]]\n".repeat(60_000);
    assert!(toml::read::<serde::de::IgnoredAny>(tables.as_bytes()).unwrap_err().contains("more than"));
    let deep = format!("a = {}", "[".repeat(5_000));
    assert!(toml::read::<serde::de::IgnoredAny>(deep.as_bytes()).is_err());
    let tables: String = (0..200).map(|_| "a.").collect();
    assert!(toml::read::<serde::de::IgnoredAny>(format!("{tables}b = 1").as_bytes()).is_err());
}

#[test]
fn xml_gives_the_attributes_of_children() {
    let mut seen = Vec::new();
    let text = br#"<packages><package id="a" version="1"><x id="no"/></package><other id="b"/></packages>"#;
    xml::children(text, ["id", "version"], |name, [id, version]| {
        seen.push((name.to_owned(), id, version));
    })
    .unwrap();
    assert_eq!(
        seen,
        [
            ("package".to_owned(), Some("a".to_owned()), Some("1".to_owned())),
            ("other".to_owned(), Some("b".to_owned()), None)
        ]
    );
    assert!(xml::children(b"<!DOCTYPE a []><a/>", ["id"], |_, _| {}).is_err());
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[-:\\[\\]{},&*!|>'\"%@`# \\na-z0-9]{0,200}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            let _ = (json::read::<Value>(bytes), json::read_relaxed::<Value>(bytes), yaml::read(bytes));
            let _ = toml::read::<serde::de::IgnoredAny>(bytes);
            let _ = xml::children(bytes, ["id"], |_, _| {});
        }
    }
}
