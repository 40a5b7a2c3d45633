//! References: which tag points to which image, and since when. Tags move.

use std::collections::HashSet;

use parapet_model::AssetNo;
use parapet_model::asset::Reference;
use parapet_model::id::ProjectNo;
use parapet_model::time::{FOREVER, Millis};

use super::{ImageObservation, check_name};
use crate::error::Result;
use crate::log::Kind;
use crate::sql::{Bulk, Value, args};
use crate::tx::Tx;

const LATEST: &str = "SELECT asset, from_at, to_at, observed FROM asset_reference \
     WHERE project = $1 AND registry = $2 AND repository = $3 AND tag = $4 \
     ORDER BY from_at DESC, asset LIMIT 1";
const LATEST_OF_ASSET: &str = "SELECT asset, from_at, to_at, observed FROM asset_reference \
     WHERE project = $1 AND registry = $2 AND repository = $3 AND tag = $4 AND asset = $5 \
     ORDER BY from_at DESC, asset LIMIT 1";
const OPEN: Bulk<8> = Bulk {
    before: "INSERT INTO asset_reference (project, registry, repository, tag, asset, from_at, to_at, \
             observed) VALUES ",
    after: " ON CONFLICT (project, registry, repository, tag, asset, from_at) DO UPDATE SET \
            to_at = excluded.to_at, observed = excluded.observed",
};
const KNOWN: Bulk<4> = Bulk {
    before: "WITH k(project, registry, repository, tag) AS (VALUES ",
    after: ") SELECT t.registry, t.repository, t.tag FROM k CROSS JOIN asset_reference t \
            WHERE t.project = k.project AND t.registry = k.registry AND t.repository = k.repository \
            AND t.tag = k.tag ORDER BY t.project, t.registry, t.repository, t.tag, t.asset, t.from_at",
};
const SEEN: &str = "UPDATE asset_reference SET observed = $1 WHERE project = $2 AND registry = $3 \
     AND repository = $4 AND tag = $5 AND asset = $6 AND from_at = $7 AND observed < $8";
const CLOSE: Bulk<8> = Bulk {
    before: "WITH k(project, registry, repository, tag, asset, from_at, at, observed) AS (VALUES ",
    after: ") UPDATE asset_reference SET to_at = k.at, observed = k.observed FROM k \
            WHERE asset_reference.project = k.project AND asset_reference.registry = k.registry \
            AND asset_reference.repository = k.repository AND asset_reference.tag = k.tag \
            AND asset_reference.asset = k.asset AND asset_reference.from_at = k.from_at",
};
const CLOSE_OF_ASSET: &str = "UPDATE asset_reference SET to_at = $1 \
     WHERE asset = $2 AND to_at = 9223372036854775807";
const OPEN_TAGS: &str = "SELECT tag, asset, from_at, observed FROM asset_reference \
     WHERE project = $1 AND registry = $2 AND repository = $3 AND tag <> '' AND to_at = 9223372036854775807 \
     ORDER BY tag, asset, from_at";

/// The newest row of a reference.
struct Latest {
    asset: AssetNo,
    from: Millis,
    open: bool,
    observed: Millis,
}

impl Tx {
    /// Points a reference at an image; whether it points there now and did not before.
    ///
    /// A tag points to one image at a time, so it leaves the one before. A look (`observed`) older
    /// than the newest one at this reference moves nothing. A reference without a tag belongs to
    /// each image that was found by digest in that repository.
    pub async fn point_reference(
        &mut self,
        project: ProjectNo,
        reference: &Reference,
        asset: AssetNo,
        observed: Millis,
    ) -> Result<bool> {
        let Reference { registry, repository, tag } = reference;
        for part in [registry, repository, tag] {
            check_name("a part of a reference", part)?;
        }
        let latest = self.latest(project, reference, asset).await?;
        if let Some(latest) = &latest {
            if latest.open && latest.asset == asset {
                let key =
                    args![observed, project, registry, repository, tag, latest.asset, latest.from, observed];
                self.execute(SEEN, key).await?;
                return Ok(false);
            }
            if latest.observed > observed {
                return Ok(false);
            }
            if latest.open {
                self.close(project, reference, &[(tag, latest.asset, latest.from)], observed).await?;
            }
        }
        let now = self.recorded();
        let row = args![project, registry, repository, tag, asset, now, FOREVER, observed];
        self.bulk(&OPEN, &[*row]).await?;
        self.log(Kind::Asset, asset.0);
        Ok(true)
    }

    /// Points the references of new images (those at the places `fresh`) at them, as
    /// [`Tx::point_reference`] does; those where nothing was before in one statement. Which images
    /// are pointed at.
    pub(super) async fn point_new(
        &mut self,
        images: &[ImageObservation<'_>],
        fresh: &[usize],
        made: &[AssetNo],
    ) -> Result<HashSet<AssetNo>> {
        let wanted = fresh.iter().zip(made).filter_map(|(&at, &asset)| {
            let image = &images[at];
            image.reference.map(|reference| (image.look.project, reference, asset, image.look.observed))
        });
        let wanted: Vec<(ProjectNo, &Reference, AssetNo, Millis)> = wanted.collect();
        for (_, Reference { registry, repository, tag }, ..) in &wanted {
            for part in [registry, repository, tag] {
                check_name("a part of a reference", part)?;
            }
        }
        let keys: Vec<[Value<'_>; 4]> = wanted
            .iter()
            .map(|(project, r, ..)| {
                [(*project).into(), (&r.registry).into(), (&r.repository).into(), (&r.tag).into()]
            })
            .collect();
        let mut met = HashSet::new();
        for row in self.bulk_fetch(&KNOWN, &keys).await? {
            let mut f = row.fields("asset_reference");
            met.insert(Reference { registry: f.text()?, repository: f.text()?, tag: f.text()? });
        }
        let now = self.recorded();
        let (mut rows, mut rest, mut pointed): (Vec<[Value<'_>; 8]>, Vec<_>, HashSet<AssetNo>) =
            Default::default();
        for &(project, reference, asset, observed) in &wanted {
            // Where another image may have been the tag leaves it, one after the other.
            if !met.insert(reference.clone()) {
                rest.push((project, reference, asset, observed));
                continue;
            }
            let Reference { registry, repository, tag } = reference;
            let place = [project.into(), registry.into(), repository.into(), tag.into()];
            let [project, registry, repository, tag] = place;
            let (from, to, observed) = (now.into(), FOREVER.into(), observed.into());
            rows.push([project, registry, repository, tag, asset.into(), from, to, observed]);
            pointed.insert(asset);
        }
        self.bulk(&OPEN, &rows).await?;
        for (project, reference, asset, observed) in rest {
            if self.point_reference(project, reference, asset, observed).await? {
                pointed.insert(asset);
            }
        }
        Ok(pointed)
    }

    /// Ends all tags of a repository that a listing of it, looked at at `observed`, did not show.
    /// How many ended.
    pub async fn retire_references(
        &mut self,
        project: ProjectNo,
        registry: &str,
        repository: &str,
        shown_tags: &[&str],
        observed: Millis,
    ) -> Result<usize> {
        let shown: std::collections::HashSet<&str> = shown_tags.iter().copied().collect();
        let mut ending = Vec::new();
        for row in self.fetch(OPEN_TAGS, args![project, registry, repository]).await? {
            let mut f = row.fields("asset_reference");
            let (tag, asset, from) = (f.text()?, AssetNo(f.u32("asset")?), f.i64()?);
            if f.i64()? <= observed && !shown.contains(tag.as_str()) {
                ending.push((tag, asset, from));
            }
        }
        let ending: Vec<(&str, AssetNo, Millis)> =
            ending.iter().map(|(t, a, f)| (t.as_str(), *a, *f)).collect();
        let anywhere = Reference {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: String::new(),
        };
        self.close(project, &anywhere, &ending, observed).await?;
        Ok(ending.len())
    }

    pub(super) async fn close_references_of(&mut self, asset: AssetNo) -> Result<()> {
        let now = self.recorded();
        self.execute(CLOSE_OF_ASSET, args![now, asset]).await?;
        Ok(())
    }

    async fn latest(
        &mut self,
        project: ProjectNo,
        reference: &Reference,
        asset: AssetNo,
    ) -> Result<Option<Latest>> {
        let Reference { registry, repository, tag } = reference;
        let row = if tag.is_empty() {
            self.fetch_one(LATEST_OF_ASSET, args![project, registry, repository, tag, asset]).await?
        } else {
            self.fetch_one(LATEST, args![project, registry, repository, tag]).await?
        };
        let Some(row) = row else { return Ok(None) };
        let mut f = row.fields("asset_reference");
        let asset = AssetNo(f.u32("asset")?);
        Ok(Some(Latest { asset, from: f.i64()?, open: f.i64()? == FOREVER, observed: f.i64()? }))
    }

    /// Ends rows (tag, asset, from) of a repository.
    async fn close<T: AsRef<str>>(
        &mut self,
        project: ProjectNo,
        place: &Reference,
        ending: &[(T, AssetNo, Millis)],
        observed: Millis,
    ) -> Result<()> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 8]> = ending
            .iter()
            .map(|(tag, asset, from)| {
                [
                    project.into(),
                    (&place.registry).into(),
                    (&place.repository).into(),
                    tag.as_ref().into(),
                    (*asset).into(),
                    (*from).into(),
                    now.into(),
                    observed.into(),
                ]
            })
            .collect();
        self.bulk(&CLOSE, &rows).await?;
        for (_, asset, _) in ending {
            self.log(Kind::Asset, asset.0);
        }
        Ok(())
    }
}
