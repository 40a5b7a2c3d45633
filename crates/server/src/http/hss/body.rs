//! Bodies of the HSS family: JSON objects whose fields are read by name and validated here. Every
//! refusal names the field; what is no JSON object is `HSS.0002`.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::error::HssError;
use super::query::{check_length, check_range, check_word, missing};

/// Most columns that an export may choose, and the longest key and title, in bytes.
const MAX_COLUMNS: usize = 200;
const MAX_KEY: usize = 256;
const MAX_LABEL: usize = 1024;

/// The fields of an object. Unknown ones are ignored; null is as good as absent.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body. A missing one counts as an empty object: the SDK sends `Content-Length: 0` then.
    pub(crate) fn read(body: &[u8]) -> Result<Self, HssError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let object: Object = serde_json::from_slice(body)
            .map_err(|e| HssError::unparsable(format!("The body could not be parsed: {e}")))?;
        match object.repeated {
            Some(name) => Err(HssError::invalid(format!("{name} is given more than once"))),
            None => Ok(Self(object.fields)),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text of so many characters. Where it may be empty, empty is as good as absent.
    pub(crate) fn text(&self, name: &str, length: RangeInclusive<usize>) -> Result<Option<&str>, HssError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong(name, "a string"))?;
        plain(name, text)?;
        check_length(name, text, length)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str, length: RangeInclusive<usize>) -> Result<&str, HssError> {
        self.text(name, length)?.ok_or_else(|| missing(name))
    }

    /// One of a fixed list of words.
    pub(crate) fn word<'a>(&'a self, name: &str, words: &[&str]) -> Result<Option<&'a str>, HssError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong(name, "a string"))?;
        check_word(name, text, words)?;
        Ok(Some(text))
    }

    /// One of a fixed list of words, which must be there.
    pub(crate) fn required_word<'a>(&'a self, name: &str, words: &[&str]) -> Result<&'a str, HssError> {
        self.word(name, words)?.ok_or_else(|| missing(name))
    }

    /// An integer inside `range`.
    pub(crate) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, HssError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| wrong(name, "an integer"))?;
        check_range(name, number, range).map(Some)
    }

    /// True or false.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, HssError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(name, "true or false"))
    }

    /// A list of texts; absent is empty. When it is there it has so many entries.
    pub(crate) fn texts(
        &self,
        name: &str,
        count: RangeInclusive<usize>,
        length: RangeInclusive<usize>,
    ) -> Result<Vec<String>, HssError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| wrong(name, "a list of strings"))?;
        check_count(name, list.len(), count)?;
        let text = |value: &Value| {
            let text = value.as_str().ok_or_else(|| wrong(name, "a list of strings"))?;
            plain(name, text)?;
            check_length(name, text, length.clone())?;
            Ok(text.to_owned())
        };
        list.iter().map(text).collect()
    }

    /// A list of objects; absent is empty. When it is there it has so many entries.
    pub(crate) fn objects(&self, name: &str, count: RangeInclusive<usize>) -> Result<Vec<Self>, HssError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| wrong(name, "a list of objects"))?;
        check_count(name, list.len(), count)?;
        let object = |value: &Value| {
            let fields = value.as_object().ok_or_else(|| wrong(name, "a list of objects"))?;
            Ok(Self(fields.clone()))
        };
        list.iter().map(object).collect()
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, HssError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_object().map(|fields| Some(Self(fields.clone()))).ok_or_else(|| wrong(name, "an object"))
    }

    /// A list of integers inside `range`.
    pub(crate) fn integers(
        &self,
        name: &str,
        count: RangeInclusive<usize>,
        range: RangeInclusive<i64>,
    ) -> Result<Vec<i64>, HssError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| wrong(name, "a list of integers"))?;
        check_count(name, list.len(), count)?;
        let number = |value: &Value| {
            let number = value.as_i64().ok_or_else(|| wrong(name, "a list of integers"))?;
            check_range(name, number, range.clone())
        };
        list.iter().map(number).collect()
    }

    /// Pairs of key and column title (contract 2.4), in order.
    pub(crate) fn headers(&self, name: &str) -> Result<Vec<(String, String)>, HssError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let pairs = || wrong(name, "a list of pairs of field and label");
        let list = value.as_array().ok_or_else(pairs)?;
        check_count(name, list.len(), 0..=MAX_COLUMNS)?;
        let pair = |value: &Value| {
            let [Value::String(key), Value::String(label)] = value.as_array().ok_or_else(pairs)?.as_slice()
            else {
                return Err(pairs());
            };
            plain(name, key)?;
            plain(name, label)?;
            if key.len() > MAX_KEY || label.len() > MAX_LABEL {
                return Err(HssError::invalid(format!("{name}: a field or label is too long")));
            }
            Ok((key.clone(), label.clone()))
        };
        list.iter().map(pair).collect()
    }
}

fn wrong(name: &str, what: &str) -> HssError {
    HssError::invalid(format!("{name} is not {what}"))
}

fn check_count(name: &str, entries: usize, count: RangeInclusive<usize>) -> Result<(), HssError> {
    if count.contains(&entries) {
        return Ok(());
    }
    let (least, most) = (count.start(), count.end());
    Err(HssError::invalid(format!("{name} must have {least} to {most} entries, not {entries}")))
}

/// A NUL can be stored nowhere.
fn plain(name: &str, text: &str) -> Result<(), HssError> {
    if text.contains('\0') { Err(HssError::invalid(format!("{name} contains a NUL"))) } else { Ok(()) }
}

/// An object, and the first name that it holds twice.
struct Object {
    fields: Map<String, Value>,
    repeated: Option<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut object = Object { fields: Map::new(), repeated: None };
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if object.fields.insert(name.clone(), value).is_some() {
                        object.repeated.get_or_insert(name);
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Result<Fields, HssError> {
        Fields::read(text.as_bytes())
    }

    #[test]
    fn only_an_object_is_a_body() {
        for empty in ["", " \n", "{}"] {
            assert!(fields(empty).is_ok(), "{empty:?}");
        }
        for bad in ["{", "[]", "null", "1", "{\"a\":1,}", "\u{feff}{}"] {
            assert!(format!("{:?}", fields(bad).unwrap_err()).contains("HSS.0002"), "{bad}");
        }
        let error = format!("{:?}", fields("{\"a\":1,\"b\":2,\"a\":1}").unwrap_err());
        assert!(error.contains("HSS.0001") && error.contains("a is given more than once"), "{error}");
    }

    #[test]
    fn every_field_is_refused_by_name() {
        let body = fields(
            "{\"text\": 1, \"nul\": \"a\\u0000\", \"long\": \"abc\", \"number\": 1.5, \"flag\": \"true\", \
             \"list\": [1], \"many\": [\"a\",\"b\"], \"pairs\": [[\"a\",\"b\",\"c\"]], \"none\": null}",
        )
        .unwrap();
        let named = |result: Result<(), HssError>, name: &str| {
            let error = format!("{:?}", result.unwrap_err());
            assert!(error.contains(name) && error.contains("HSS.0001"), "{error}");
        };
        named(body.text("text", 0..=9).map(drop), "text");
        named(body.text("nul", 0..=9).map(drop), "nul");
        named(body.text("long", 0..=2).map(drop), "long");
        named(body.word("long", &["a"]).map(drop), "long");
        named(body.integer("number", 0..=9).map(drop), "number");
        named(body.boolean("flag").map(drop), "flag");
        named(body.texts("list", 0..=9, 0..=9).map(drop), "list");
        named(body.texts("many", 0..=1, 0..=9).map(drop), "many");
        named(body.objects("many", 0..=9).map(drop), "many");
        named(body.headers("pairs").map(drop), "pairs");
        named(body.required("none", 0..=9).map(drop), "none");
        assert_eq!(body.text("none", 1..=9).unwrap(), None);
        assert!(body.headers("none").unwrap().is_empty());
    }
}
