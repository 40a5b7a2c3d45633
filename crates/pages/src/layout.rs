//! What surrounds every page: navigation, search, who is signed in, which data is shown.

use crate::files::{ICON, SCRIPT, STYLE};
use crate::parts::counted;

/// See the module. The template is `base.html`, which every page extends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    /// Name of the page, for the tab.
    pub(crate) title: String,
    /// Address of the part of the server the page belongs to, such as `/findings`.
    pub(crate) here: &'static str,
    /// Parts of the server this person may see.
    pub(crate) sections: Vec<Section>,
    /// Who is signed in; empty when nobody is.
    pub(crate) user: String,
    /// Goes with every form; see `csrf` in `parts.html`.
    pub(crate) csrf: String,
    /// The question in the search box.
    pub(crate) question: String,
    /// The last question that could be read.
    pub(crate) good: String,
    /// What was done just now, in one sentence; empty when nothing was.
    pub(crate) done: String,
    /// Which data the page shows; `None` for pages that ask no posture.
    pub(crate) data: Option<DataState>,
}

/// A part of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its address.
    pub(crate) path: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
}

/// The state that a page was made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct DataState {
    /// When its last fact was recorded, with zone.
    pub(crate) of: String,
    /// Facts recorded since, when the page holds on to an older state.
    pub(crate) newer: u64,
    /// The address held on to an older state that is kept no longer, so this is the newest.
    pub(crate) lost: bool,
    /// The same page of the newest state.
    pub(crate) refresh: String,
}

impl DataState {
    /// How much was recorded since.
    pub(crate) fn changes(&self) -> String {
        counted(self.newer, "change")
    }
}

impl Layout {
    /// Address of the style.
    pub(crate) fn style(&self) -> String {
        STYLE.path()
    }

    /// Address of the script.
    pub(crate) fn script(&self) -> String {
        SCRIPT.path()
    }

    /// Address of the icon.
    pub(crate) fn icon(&self) -> String {
        ICON.path()
    }
}
