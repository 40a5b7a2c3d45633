//! XML by the tokenizer that results documents are read with: no document types, no entities, bounded
//! depth.

use crate::arf::ArfError;
use crate::arf::xml::Xml;

/// Calls `each` with the attributes it asks for (by name) of every child of the outermost element.
pub(crate) fn children<const N: usize>(
    bytes: &[u8],
    names: [&str; N],
    mut each: impl FnMut(&str, [Option<String>; N]),
) -> Result<(), String> {
    let mut read = || -> Result<(), ArfError> {
        let mut xml = Xml::new(bytes, bytes.len() as u64)?;
        xml.root()?;
        while xml.child()? {
            let mut values = [const { None }; N];
            for (value, name) in values.iter_mut().zip(names) {
                *value = xml.attribute(name)?;
            }
            each(xml.name(), values);
            xml.skip()?;
        }
        xml.finish()
    };
    read().map_err(|e| match e {
        ArfError::Root(_) => "it holds no element".to_owned(),
        ArfError::Doctype => "a document type declaration, which is refused".to_owned(),
        other => other.to_string(),
    })
}
