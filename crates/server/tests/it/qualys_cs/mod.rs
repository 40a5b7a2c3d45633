//! Images and containers of the Qualys family as its clients meet them.

mod answers;
mod clients;
mod queries;
mod regscale;
mod world;
