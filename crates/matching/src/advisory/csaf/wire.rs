//! The fields of a CSAF 2.0 document that are read. Unknown ones are skipped.
//!
//! Product ids and names are borrowed from the text where they can be: the product tree of one
//! kernel document names a hundred thousand products.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A text, borrowed where it has no escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowing)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Root<'a> {
    #[serde(borrow)]
    pub(super) document: Document<'a>,
    #[serde(borrow, default)]
    pub(super) product_tree: ProductTree<'a>,
    #[serde(borrow, default)]
    pub(super) vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow, default)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) tracking: Tracking<'a>,
    #[serde(borrow, default)]
    pub(super) publisher: Publisher<'a>,
    #[serde(borrow, default)]
    pub(super) references: Vec<Reference<'a>>,
    #[serde(borrow, default)]
    pub(super) notes: Vec<Note<'a>>,
    #[serde(borrow, default)]
    pub(super) aggregate_severity: Option<Aggregate<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tracking<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) initial_release_date: Text<'a>,
    #[serde(borrow, default)]
    pub(super) current_release_date: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Publisher<'a> {
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Aggregate<'a> {
    #[serde(borrow, default)]
    pub(super) text: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) url: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Note<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) text: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ProductTree<'a> {
    #[serde(borrow, default)]
    pub(super) branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    pub(super) full_product_names: Vec<FullProductName<'a>>,
    #[serde(borrow, default)]
    pub(super) relationships: Vec<Relationship<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Branch<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product: Option<FullProductName<'a>>,
    #[serde(borrow, default)]
    pub(super) branches: Vec<Branch<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FullProductName<'a> {
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) product_id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_identification_helper: Option<Helper<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Helper<'a> {
    #[serde(borrow, default)]
    pub(super) cpe: Text<'a>,
    #[serde(borrow, default)]
    pub(super) purl: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Relationship<'a> {
    #[serde(borrow)]
    pub(super) full_product_name: FullProductName<'a>,
    #[serde(borrow)]
    pub(super) product_reference: Text<'a>,
    #[serde(borrow)]
    pub(super) relates_to_product_reference: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Vulnerability<'a> {
    #[serde(borrow, default)]
    pub(super) cve: Text<'a>,
    #[serde(borrow, default)]
    pub(super) ids: Vec<Id<'a>>,
    #[serde(borrow, default)]
    pub(super) title: Text<'a>,
    #[serde(borrow, default)]
    pub(super) notes: Vec<Note<'a>>,
    #[serde(borrow, default)]
    pub(super) product_status: ProductStatus<'a>,
    #[serde(borrow, default)]
    pub(super) remediations: Vec<Remediation<'a>>,
    #[serde(borrow, default)]
    pub(super) scores: Vec<Score<'a>>,
    #[serde(borrow, default)]
    pub(super) threats: Vec<Threat<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Id<'a> {
    #[serde(borrow, default)]
    pub(super) text: Text<'a>,
}

type Ids<'a> = Vec<Text<'a>>;

#[derive(Debug, Default, Deserialize)]
pub(super) struct ProductStatus<'a> {
    #[serde(borrow, default)]
    pub(super) fixed: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) first_fixed: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) recommended: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) known_affected: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) first_affected: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) last_affected: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) known_not_affected: Ids<'a>,
    #[serde(borrow, default)]
    pub(super) under_investigation: Ids<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Remediation<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) details: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_ids: Ids<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Score<'a> {
    #[serde(borrow, default)]
    pub(super) cvss_v2: Option<Cvss<'a>>,
    #[serde(borrow, default)]
    pub(super) cvss_v3: Option<Cvss<'a>>,
    #[serde(borrow, default)]
    pub(super) cvss_v4: Option<Cvss<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cvss<'a> {
    #[serde(borrow, default, rename = "vectorString")]
    pub(super) vector: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Threat<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) details: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_ids: Ids<'a>,
}
