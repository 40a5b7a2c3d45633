//! Copy-on-write pages: a sparse array from dense numbers to values.
//!
//! A clone copies the page table only; writing to a shared page copies that page. This is what
//! makes publishing a snapshot cost O(pages) instead of O(rows) (REVIEW B4). Numbers are the
//! store's own dense counters, so the table stays short.

use std::sync::Arc;

/// Values per page.
const PAGE: usize = 1024;

type Page<T> = Arc<[Option<T>]>;

/// A sparse array in pages.
#[derive(Debug, Clone)]
pub(crate) struct Pages<T> {
    table: Vec<Option<Page<T>>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { table: Vec::new() }
    }
}

impl<T> Pages<T> {
    /// The value at `index`.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.table.get(index / PAGE)?.as_ref()?.get(index % PAGE)?.as_ref()
    }

    /// All values with their index, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.table.iter().enumerate().filter_map(|(number, page)| Some((number, page.as_ref()?))).flat_map(
            |(number, page)| {
                page.iter()
                    .enumerate()
                    .filter_map(move |(slot, value)| Some((number * PAGE + slot, value.as_ref()?)))
            },
        )
    }
}

impl<T: Clone> Pages<T> {
    /// The slot at `index`, for writing; its page is copied first when a snapshot shares it.
    pub(crate) fn slot(&mut self, index: usize) -> &mut Option<T> {
        let number = index / PAGE;
        if self.table.len() <= number {
            self.table.resize(number + 1, None);
        }
        let page = self.table[number].get_or_insert_with(|| vec![None; PAGE].into());
        &mut Arc::make_mut(page)[index % PAGE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut pages = Pages::default();
        *pages.slot(3) = Some("a");
        let before = pages.clone();
        *pages.slot(3) = Some("b");
        *pages.slot(5000) = Some("c");
        assert_eq!(before.get(3), Some(&"a"));
        assert_eq!(before.get(5000), None);
        assert_eq!(pages.iter().collect::<Vec<_>>(), [(3, &"b"), (5000, &"c")]);
    }
}
