//! Receipts of Homebrew.

use super::*;
use crate::testing::named;

#[test]
fn the_path_names_the_formula() {
    let path = b"home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.1.2_1/INSTALL_RECEIPT.json";
    assert!(claims(path));
    assert_eq!(database(path), b"home/linuxbrew/.linuxbrew/Cellar");
    assert_eq!(named(&of_path(path)), ["openssl@3 3.1.2_1"]);
    assert!(read(b"{}").problem.is_some());
    assert!(!claims(b"src/INSTALL_RECEIPT.json"));
}
