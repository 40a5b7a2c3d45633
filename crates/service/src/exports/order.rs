//! The order of ids, without reading the ids again and again.

use std::cmp::Ordering;

use parapet_model::vulnerability::Vulnerability;

/// Ids that are remembered.
const REMEMBERED: usize = 1 << 14;

/// The first bytes of ids, which nearly always decide their order. Rows of different assets are about the
/// same vulnerabilities, which lie far apart in memory: reading the id of each again is most of the work
/// of sorting. Vulnerabilities are told apart by where they lie, so a memory is good for one snapshot.
#[derive(Debug)]
pub(super) struct FirstBytes {
    /// Address and first bytes; the place is given by the address, and the last one there stays.
    remembered: Vec<(usize, u128)>,
}

impl FirstBytes {
    pub(super) fn new() -> Self {
        Self { remembered: vec![(0, 0); REMEMBERED] }
    }

    /// Those of a vulnerability's id, as a number that compares as they do.
    pub(super) fn of(&mut self, vulnerability: &Vulnerability) -> u128 {
        let address = address(vulnerability);
        let mixed = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = mixed >> (u64::BITS - REMEMBERED.ilog2());
        let Some(known) = self.remembered.get_mut(place as usize) else { return first(&vulnerability.id) };
        if known.0 != address {
            *known = (address, first(&vulnerability.id));
        }
        known.1
    }
}

fn first(id: &str) -> u128 {
    let (bytes, mut first) = (id.as_bytes(), [0; 16]);
    let length = bytes.len().min(first.len());
    first[..length].copy_from_slice(&bytes[..length]);
    u128::from_be_bytes(first)
}

/// How two vulnerabilities stand whose first bytes are known.
pub(super) fn compare(a: (u128, &Vulnerability), b: (u128, &Vulnerability)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| if std::ptr::eq(a.1, b.1) { Ordering::Equal } else { a.1.id.cmp(&b.1.id) })
}

/// Where something of a snapshot lies: what is the same lies at the same place as long as it is held.
pub(super) fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_orders_as_the_ids_do() {
        let mut ids: Vec<String> =
            (0..3 * REMEMBERED).map(|n| format!("CVE-2026-{}", n * 7919 % 100_000)).collect();
        ids.extend(["", "a", "GHSA-xxxx-xxxx-xxx1", "GHSA-xxxx-xxxx-xxx2"].map(str::to_owned));
        let rows: Vec<Vulnerability> =
            ids.iter().map(|id| Vulnerability { id: id.clone(), ..Vulnerability::default() }).collect();
        let mut first = FirstBytes::new();
        // Twice, so that what was remembered and pushed out is asked for again.
        for _ in 0..2 {
            let mut sorted: Vec<(u128, &Vulnerability)> =
                rows.iter().map(|row| (first.of(row), row)).collect();
            sorted.sort_by(|a, b| compare(*a, *b));
            assert!(sorted.is_sorted_by_key(|(_, row)| &row.id));
        }
    }
}
