//! SPDX 2.2 and 2.3 in JSON.
//!
//! A package is found by the package URL among its `externalRefs`, as the components of CycloneDX are
//! by theirs. What the document describes as a whole is the image, no package in it, unless it has a
//! URL that an advisory can speak of. Source: the *SPDX Specification 2.3*, chapters 6, 7 and 11.

use std::collections::HashSet;

use serde::Deserialize;

use super::cyclonedx::{Component, MAX_COMPONENTS, SbomError};
use crate::sbom::purl::Purl;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    spdx_version: String,
    #[serde(default)]
    document_describes: Vec<String>,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID", default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version_info: Option<String>,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    #[serde(default)]
    relationship_type: String,
    #[serde(default)]
    related_spdx_element: String,
}

/// The packages of a document as components.
pub(super) fn components(bytes: &[u8]) -> Result<Vec<Component>, SbomError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| SbomError::Malformed(e.to_string()))?;
    if !matches!(document.spdx_version.as_str(), "SPDX-2.2" | "SPDX-2.3") {
        let version: String = document.spdx_version.chars().take(20).collect();
        return Err(SbomError::Unsupported(format!("of version {version:?}")));
    }
    if document.packages.len() > MAX_COMPONENTS {
        return Err(SbomError::TooMany(document.packages.len()));
    }
    let described = document.relationships.into_iter().filter(|r| r.relationship_type == "DESCRIBES");
    let described: HashSet<String> =
        described.map(|r| r.related_spdx_element).chain(document.document_describes).collect();
    let component = |package: Package| {
        let purl = package.external_refs.into_iter().find(|reference| reference.reference_type == "purl");
        let purl = purl.map(|reference| reference.reference_locator);
        let speaks = |text: &String| Purl::parse(text).is_ok_and(|purl| purl.package("").is_some());
        if described.contains(&package.id) && !purl.as_ref().is_some_and(speaks) {
            return None;
        }
        Some(Component::library(package.name, package.version_info, purl))
    };
    Ok(document.packages.into_iter().filter_map(component).collect())
}
