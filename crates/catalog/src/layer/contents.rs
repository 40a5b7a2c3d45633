//! What one layer adds and hides, as far as package readers care.

use serde::{Deserialize, Serialize};

/// What one layer adds and hides. Cached by layer digest and reader version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LayerContents {}
