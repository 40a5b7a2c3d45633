//! The kinds of reports and their columns (contract 6).

use parapet_model::AssetKind;
use parapet_service::exports::RowKind;

use crate::http::qualys_cs::{CsError, CsResult};

/// A kind of report.
#[derive(Debug)]
pub(super) struct Template {
    /// Its word on the wire.
    pub(super) name: &'static str,
    /// What it is about.
    pub(super) kind: AssetKind,
    /// What one row stands for.
    pub(super) rows: RowKind,
    /// All columns in their order, in the two parts that the contract names.
    columns: [&'static [&'static str]; 2],
    /// Those that nobody has to choose.
    defaults: &'static [&'static str],
}

/// What is said of an image.
const IMAGE: &[&str] = &["repo", "imageId", "sha", "uuid", "label", "tags", "created", "updated"];
/// What is said of a container.
const CONTAINER: &[&str] = &[
    "name",
    "containerId",
    "uuid",
    "imageId",
    "label",
    "tags",
    "created",
    "hostName",
    "hostIp",
    "state",
    "stateChanged",
    "updated",
];
/// What is said of a vulnerability over all images.
const EVERYWHERE: &[&str] = &["imageCount"];
/// What is said of a vulnerability.
const VULNERABILITY: &[&str] = &[
    "qid",
    "title",
    "severity",
    "cveids",
    "vendorReference",
    "cvssBase",
    "cvssTemporal",
    "cvss3Base",
    "cvss3Temporal",
    "threat",
    "impact",
    "solution",
    "exploitability",
    "associatedMalwares",
    "category",
    "software",
    "result",
    "firstDetected",
    "qdsScore",
    "riskScore",
];

const TEMPLATES: [Template; 3] = [
    Template {
        name: "CS_IMAGE_VULNERABILITY",
        kind: AssetKind::Image,
        rows: RowKind::AssetVulnerability,
        columns: [IMAGE, VULNERABILITY],
        defaults: &[
            "repo",
            "imageId",
            "sha",
            "qid",
            "title",
            "severity",
            "cveids",
            "solution",
            "software",
            "firstDetected",
        ],
    },
    Template {
        name: "CS_CONTAINER_VULNERABILITY",
        kind: AssetKind::Container,
        rows: RowKind::AssetVulnerability,
        columns: [CONTAINER, VULNERABILITY],
        defaults: &[
            "name",
            "containerId",
            "imageId",
            "hostName",
            "state",
            "qid",
            "title",
            "severity",
            "cveids",
            "solution",
            "software",
            "firstDetected",
        ],
    },
    Template {
        name: "CS_VULNERABILITIES",
        kind: AssetKind::Image,
        rows: RowKind::Vulnerability,
        columns: [EVERYWHERE, VULNERABILITY],
        defaults: &[
            "qid",
            "title",
            "severity",
            "cveids",
            "imageCount",
            "solution",
            "software",
            "firstDetected",
        ],
    },
];

/// Kinds that the publisher has and this server does not: what it does not look for.
const NOT_READ: [(&str, &str); 2] = [("CS_IMAGE_SECRETS", "secrets"), ("CS_IMAGE_MALWARE", "malware")];

impl Template {
    /// The kind of that name, in any case.
    ///
    /// # Errors
    /// 400 that names what there is. A report of something that nobody looks for would have no rows
    /// and read as if there were none, so it is refused.
    pub(super) fn named(name: &str) -> CsResult<&'static Self> {
        if let Some(found) = TEMPLATES.iter().find(|template| template.name.eq_ignore_ascii_case(name)) {
            return Ok(found);
        }
        if let Some((name, what)) = NOT_READ.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(CsError::invalid(format!(
                "templateName {name} is not served: this server does not look for {what}, and a report \
                 without rows would say that there is none"
            )));
        }
        let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        Err(CsError::invalid(format!("templateName must be one of {}: {name:?}", names.join(", "))))
    }

    /// All columns.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.columns.into_iter().flatten().copied()
    }

    /// The columns that are asked for: all without a choice, the default ones for an empty one.
    ///
    /// # Errors
    /// 400 that names the column which is not there.
    pub(super) fn choose(&self, asked: Option<&[String]>) -> CsResult<Vec<String>> {
        let Some(asked) = asked else { return Ok(self.all().map(str::to_owned).collect()) };
        let mut chosen: Vec<String> = Vec::new();
        for name in asked.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            let Some(column) = self.all().find(|column| column.eq_ignore_ascii_case(name)) else {
                let all: Vec<&str> = self.all().collect();
                return Err(CsError::invalid(format!(
                    "displayColumns: {} has no column {name:?}; there are {}",
                    self.name,
                    all.join(", ")
                )));
            };
            if !chosen.iter().any(|other| other == column) {
                chosen.push(column.to_owned());
            }
        }
        match chosen.is_empty() {
            true => Ok(self.defaults.iter().map(|&column| column.to_owned()).collect()),
            false => Ok(chosen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_column_and_no_column_comes_twice() {
        for template in &TEMPLATES {
            let all: Vec<&str> = template.all().collect();
            let mut once = all.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), all.len(), "{}", template.name);
            assert!(template.defaults.iter().all(|column| all.contains(column)), "{}", template.name);
        }
    }

    #[test]
    fn columns_are_chosen_in_the_order_asked() {
        let template = Template::named("cs_image_vulnerability").unwrap();
        let asked = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(template.choose(None).unwrap().len(), 28);
        assert_eq!(template.choose(Some(&[])).unwrap(), template.defaults);
        assert_eq!(template.choose(Some(&asked(&["", " "]))).unwrap(), template.defaults);
        assert_eq!(template.choose(Some(&asked(&["QID", "repo", "qid"]))).unwrap(), ["qid", "repo"]);
        let wrong = template.choose(Some(&asked(&["repo", "hostName"]))).unwrap_err().into_message();
        assert!(wrong.contains("no column \"hostName\"") && wrong.contains("imageId, sha"), "{wrong}");
    }
}
