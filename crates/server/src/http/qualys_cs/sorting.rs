//! The order of lists (contract 1.6): one mechanism for all short ones.

use std::cmp::Ordering;

use super::{CsError, CsResult};

/// A token, and how two rows compare by it.
pub(super) type Key<R> = (&'static str, fn(&R, &R) -> Ordering);

/// `token:asc` and `token:desc`; the token alone ascends.
pub(super) fn direction(order: &str) -> CsResult<(&str, bool)> {
    let (token, direction) = order.split_once(':').unwrap_or((order, "asc"));
    match direction.to_ascii_lowercase().as_str() {
        "asc" => Ok((token, false)),
        "desc" => Ok((token, true)),
        _ => Err(CsError::invalid("sort is written token:asc or token:desc")),
    }
}

/// Sorts rows by one of these keys. Rows that are equal by it stay as they came.
pub(super) fn sort<R>(rows: &mut [R], order: &str, keys: &[Key<R>]) -> CsResult<()> {
    let (token, descending) = direction(order)?;
    let Some((_, compare)) = keys.iter().find(|(name, _)| *name == token) else {
        let known: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
        let known = known.join(", ");
        return Err(CsError::invalid(format!("cannot sort by {token:?}; there are {known}")));
    };
    match descending {
        false => rows.sort_by(compare),
        true => rows.sort_by(|a, b| compare(b, a)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [Key<(u8, char)>; 2] = [("number", |a, b| a.0.cmp(&b.0)), ("sign", |a, b| a.1.cmp(&b.1))];

    fn sorted(order: &str) -> Result<String, String> {
        let mut rows = [(2, 'a'), (1, 'b'), (2, 'c')];
        sort(&mut rows, order, &KEYS).map_err(CsError::into_message)?;
        Ok(rows.iter().map(|row| row.1).collect())
    }

    #[test]
    fn rows_go_by_one_token_and_equals_stay_as_they_came() {
        assert_eq!(sorted("number").as_deref(), Ok("bac"));
        assert_eq!(sorted("number:desc").as_deref(), Ok("acb"));
        assert_eq!(sorted("sign:DESC").as_deref(), Ok("cba"));
    }

    #[test]
    fn what_cannot_be_an_order_is_named() {
        assert_eq!(sorted("size").unwrap_err(), "cannot sort by \"size\"; there are number, sign");
        assert_eq!(sorted("sign:up").unwrap_err(), "sort is written token:asc or token:desc");
    }
}
