//! Where assets are: how many of some assets have each value of a field, in the order of the values.

use parapet_model::filter::Field;
use roaring::RoaringBitmap;

use crate::column::Column;
use crate::kept::{Key, Standing};
use crate::snapshot::Snapshot;

/// Some assets with one value of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The value, in lower case.
    pub value: String,
    /// The assets.
    pub assets: RoaringBitmap,
}

impl Snapshot {
    /// The values that a field of assets has among `numbers`, ascending, each with its assets; the field is
    /// one of [`Field::Registry`], [`Field::Repository`] and others of few different values.
    pub fn places(&self, field: Field, numbers: &RoaringBitmap) -> Vec<Place> {
        let data = &self.data;
        let Standing { thing, touched } =
            data.kept.get(&data.journal, Key::Column(field), |_| true, || Column::build(data, field));
        let mut places = Vec::new();
        thing.each_value(&mut |value, assets| {
            let mut found = RoaringBitmap::new();
            found.extend(assets.iter().filter(|no| numbers.contains(**no) && !touched.contains(**no)));
            if !found.is_empty() {
                places.push(Place { value: String::from_utf8_lossy(value).into_owned(), assets: found });
            }
        });
        // Those that changed since are few: each is asked for its values.
        let fresh = Column::of(data, field, &(&touched & numbers));
        fresh.each_value(&mut |value, assets| {
            let value = String::from_utf8_lossy(value).into_owned();
            match places.binary_search_by(|place| place.value.cmp(&value)) {
                Ok(at) => places[at].assets.extend(assets),
                Err(at) => places.insert(at, Place { value, assets: assets.iter().collect() }),
            }
        });
        places
    }
}
