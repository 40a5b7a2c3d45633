//! Images and containers by the names this wire gives them (contract 1.4).

use parapet_model::filter::{Field, Filter, Op};
use parapet_posture::{AssetOrder, Query, Window};
use uuid::Uuid;

use super::qql::assets::Subject;
use super::{CsError, CsResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Fewest digits by which a digest may be called.
const SHORTEST: usize = 12;

/// The image or container with this uuid, sha (with or without `sha256:`) or first digits of it.
pub(super) fn find(state: &AppState, caller: &Caller, subject: Subject, name: &str) -> CsResult<Uuid> {
    let unknown = || CsError::not_found(format!("{} {name}", subject.kind()));
    let (snapshot, scope) = (state.app.live().snapshot(), caller.principal().scope());
    if let Ok(uuid) = Uuid::try_parse(name) {
        let found = snapshot.asset_by_uuid(&scope, uuid);
        return found.filter(|a| a.kind.as_str() == subject.kind()).map(|a| a.uuid).ok_or_else(unknown);
    }
    let digits = name.strip_prefix("sha256:").unwrap_or(name).to_ascii_lowercase();
    if digits.len() < SHORTEST || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let of_kind = Filter::test(Field::Kind, Op::Eq, subject.kind());
    let named = match subject {
        Subject::Image => Filter::test(Field::Digest, Op::Prefix, format!("sha256:{digits}")),
        Subject::Container => Filter::test(Field::Identity, Op::Prefix, digits),
    };
    let filter = of_kind.and(named);
    let query = Query::new(&scope, &filter, state.app.now());
    let found = snapshot.assets(&query, AssetOrder::Number, Window { offset: 0, limit: 2 });
    match found.rows.as_slice() {
        [only] => Ok(only.asset.uuid),
        _ => Err(unknown()),
    }
}
