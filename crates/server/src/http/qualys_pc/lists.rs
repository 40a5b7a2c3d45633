//! What the lists of the family share: limits, the warning that leads to the next page, sets of numbers,
//! logins.

use std::collections::BTreeMap;

use parapet_model::Ranges;
use parapet_model::compliance::Criticality;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Regex, RegexBuilder};

use super::error::PcError;
use super::params::{Call, MAX_ID};
use super::xml::Xml;
use crate::http::state::AppState;

/// How hosts are told apart: by their addresses, in the family's words.
pub(super) const TRACKING: &str = "IP";
/// The code of a list that was cut off.
const TRUNCATED: u16 = 1980;
/// What stays as it is in the address of the next page.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b',').remove(b':');

/// How many rows a page has.
pub(super) fn limit(call: &Call, default: u64, least: u64, most: u64) -> Result<usize, PcError> {
    let limit = call.number("truncation_limit", most)?.unwrap_or(default);
    match usize::try_from(limit) {
        Ok(limit) if limit as u64 >= least => Ok(limit),
        _ => Err(PcError::invalid("truncation_limit", call.text("truncation_limit").unwrap_or_default())),
    }
}

/// Says that there is more and where: the same call again, from `next` on. Some clients follow the
/// address as it stands, so it is absolute and under the name the client used.
pub(super) fn warning(xml: &mut Xml, call: &Call, limit: usize, cursor: &str, next: u64) {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in call.sent() {
        if name != cursor && call.text(name).is_some() && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut url = format!("{}{}?", call.called.origin, call.called.path);
    for name in names {
        let value = call.text(name).unwrap_or_default();
        let (name, value) = (utf8_percent_encode(name, ESCAPED), utf8_percent_encode(value, ESCAPED));
        url.push_str(&format!("{name}={value}&"));
    }
    url.push_str(&format!("{cursor}={next}"));
    xml.node("WARNING", |xml| {
        xml.leaf("CODE", TRUNCATED);
        xml.leaf("TEXT", format!("{limit} record limit exceeded. Use URL to get next batch of results."));
        xml.leaf("URL", url);
    });
}

/// Numbers and ranges of numbers.
pub(super) fn number_set(xml: &mut Xml, set: &str, one: &str, numbers: &Ranges) {
    xml.node(set, |xml| {
        for (first, last) in numbers.ranges() {
            match first == last {
                true => xml.leaf(one, first),
                false => xml.leaf(&format!("{one}_RANGE"), format!("{first}-{last}")),
            }
        }
    });
}

/// An element with `ID` and `NAME`.
pub(super) fn named(xml: &mut Xml, element: &str, id: u32, name: &str) {
    xml.node(element, |xml| {
        xml.leaf("ID", id);
        xml.cdata("NAME", name);
    });
}

/// Logins by number of the user.
pub(super) struct Logins(BTreeMap<u32, String>);

impl Logins {
    /// All of them.
    pub(super) async fn load(state: &AppState) -> Result<Self, PcError> {
        Ok(Self(state.app.accounts().logins().await?))
    }

    /// The login of a user.
    pub(super) fn name(&self, user: u32) -> &str {
        match user {
            0 => PROGRAM,
            user => self.0.get(&user).map_or("", String::as_str),
        }
    }
}

/// Refuses any other action than `list`, and a call without one.
pub(super) fn only_list(call: &Call) -> Result<(), PcError> {
    match call.word("action", &["list"])? {
        Some(_) => Ok(()),
        None => Err(PcError::missing("action")),
    }
}

/// How many rows a page has, where 0 stands for all.
pub(super) fn limit_or_all(call: &Call, default: u64, most: u64) -> Result<usize, PcError> {
    Ok(match limit(call, default, 0, most)? {
        0 => usize::MAX - 1,
        limit => limit,
    })
}

/// What stands for the program where the family names a user.
pub(super) const PROGRAM: &str = "parapet";

/// `CRITICALITY`, label first.
pub(super) fn criticality(xml: &mut Xml, criticality: Criticality) {
    xml.node("CRITICALITY", |xml| {
        xml.cdata("LABEL", criticality.as_str());
        xml.leaf("VALUE", criticality as u8);
    });
}

/// The ids asked for: `ids`, `id`, `id_min`, `id_max`.
pub(super) struct Window {
    ids: Option<Ranges>,
    min: u64,
    max: u64,
}

impl Window {
    pub(super) fn of(call: &Call) -> Result<Self, PcError> {
        let one = call.id("id")?.map(|id| Ranges::from_each([id]));
        Ok(Self {
            ids: call.numbers("ids", MAX_ID)?.or(one),
            min: call.id("id_min")?.unwrap_or(0),
            max: call.id("id_max")?.unwrap_or(MAX_ID),
        })
    }

    /// Whether an id is asked for.
    pub(super) fn takes(&self, id: u32) -> bool {
        let id = u64::from(id);
        self.min <= id && id <= self.max && self.ids.as_ref().is_none_or(|ids| ids.contains(id))
    }

    /// The number after which the first one lies.
    pub(super) fn after(&self) -> u32 {
        let first = self.ids.as_ref().and_then(|ids| ids.ranges().first()).map_or(0, |range| range.0);
        u32::try_from(self.min.max(first).saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The number after which none lies.
    pub(super) fn last(&self) -> u64 {
        let last = self.ids.as_ref().and_then(|ids| ids.ranges().last()).map_or(MAX_ID, |range| range.1);
        self.max.min(last)
    }
}

/// A pattern for names, of bounded size.
pub(super) fn pattern(name: &str, text: &str) -> Result<Regex, PcError> {
    let built = RegexBuilder::new(text).size_limit(1 << 18).case_insensitive(true).build();
    built.map_err(|_| PcError::why_invalid(name, text, "not a pattern"))
}
