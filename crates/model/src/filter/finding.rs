//! The fields of a finding.

use super::{Field, Row, ValueRef};
use crate::asset::AssetKind;
use crate::finding::Finding;

impl Row for Finding<'_> {
    fn any(&self, field: Field, visit: &mut dyn FnMut(ValueRef<'_>) -> bool) -> bool {
        use ValueRef::{Bool, Number, Text};
        let instant = |at: i64| Number(at as f64);
        let asset = self.asset;
        match field {
            Field::Kind => visit(Text(asset.kind.as_str())),
            Field::Asset => visit(Text(&asset.name)),
            Field::AssetId => visit(Text(asset.uuid.as_hyphenated().encode_lower(&mut [0; 36]))),
            Field::Identity => visit(Text(&asset.identity)),
            Field::Digest => {
                asset.kind == AssetKind::Image
                    && (visit(Text(&asset.identity))
                        || asset.image_facts.manifest_digests.iter().any(|d| visit(Text(&d.to_string()))))
            }
            Field::Registry => any_reference(self, visit, |r| &r.registry),
            Field::Repository => any_reference(self, visit, |r| &r.repository),
            Field::Tag => any_reference(self, visit, |r| &r.tag),
            Field::EnterpriseProject => visit(Text(self.enterprise_project)),
            Field::Distro => visit(Text(&asset.distro)),
            Field::Group => visit(Text(&asset.host_facts.group)),
            Field::AssetValue => visit(Text(match asset.host_facts.asset_value.as_str() {
                "" => "common",
                value => value,
            })),
            Field::Size => asset.kind == AssetKind::Image && visit(Number(asset.image_facts.size as f64)),
            Field::ContainerState => {
                asset.kind == AssetKind::Container && visit(Text(asset.container_state().as_str()))
            }
            Field::Host => match asset.kind {
                AssetKind::Host => visit(Text(&asset.name)),
                _ => !asset.container_facts.host.is_empty() && visit(Text(&asset.container_facts.host)),
            },
            Field::Created => match asset.kind {
                AssetKind::Container => made(asset.container_facts.created, visit),
                _ => made(asset.image_facts.created, visit),
            },
            Field::Scanned => asset.observed != 0 && visit(instant(asset.observed)),
            Field::Scan => visit(Text(asset.scan.as_str())),
            Field::Coverage => visit(Text(self.asset_coverage.as_str())),
            Field::Package => visit(Text(&self.package.key.name)),
            Field::Version => visit(Text(&self.package.key.version)),
            Field::Source => visit(Text(&self.package.key.source_name)),
            Field::Ecosystem => visit(Text(&self.package.key.ecosystem)),
            Field::Vulnerability => {
                visit(Text(&self.vulnerability.id))
                    || self.vulnerability.aliases.iter().any(|alias| visit(Text(alias)))
            }
            Field::Qid => visit(Number(self.vulnerability.no.qid() as f64)),
            Field::Title => visit(Text(&self.vulnerability.title)),
            Field::Severity => visit(Number(f64::from(self.verdict.severity as u8))),
            Field::Cvss => {
                self.vulnerability.cvss_score >= 0.0 && visit(Number(self.vulnerability.cvss_score))
            }
            Field::Epss => self.vulnerability.epss >= 0.0 && visit(Number(self.vulnerability.epss)),
            Field::Kev => visit(Bool(self.vulnerability.kev_added != 0)),
            Field::State => visit(Text(self.verdict.state.as_str())),
            Field::Fixable => visit(Bool(self.verdict.state.is_fixable())),
            Field::Class => visit(Text(self.verdict.class.as_str())),
            Field::NotRunHere => visit(Bool(self.not_run_here)),
            Field::FirstFound => visit(instant(self.first_found)),
            Field::ReopenedAt => visit(instant(self.reopened_at)),
            Field::Excepted => visit(Bool(self.exception.is_some())),
            Field::Exception => {
                self.exception.is_some_and(|e| visit(Text(e.uuid.as_hyphenated().encode_lower(&mut [0; 36]))))
            }
        }
    }
}

/// An instant that is 0 when nobody said.
fn made(at: i64, visit: &mut dyn FnMut(ValueRef<'_>) -> bool) -> bool {
    at != 0 && visit(ValueRef::Number(at as f64))
}

fn any_reference(
    finding: &Finding<'_>,
    visit: &mut dyn FnMut(ValueRef<'_>) -> bool,
    part: impl Fn(&crate::asset::Reference) -> &String,
) -> bool {
    let current = finding.references.iter().filter(|row| row.held.is_open());
    current.map(|row| &row.reference).any(|reference| visit(ValueRef::Text(part(reference))))
}
