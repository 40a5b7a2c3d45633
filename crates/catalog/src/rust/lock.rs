//! `Cargo.lock`, versions 1 to 4: what `cargo build --locked` would compile.
//!
//! The file is TOML as Cargo writes it: a table `[[package]]` for each crate with one field a line,
//! and lists over several lines. Crates of a registry count; those of directories and repositories
//! are no packages that an advisory speaks of. Lock files inside Cargo's own store of sources were
//! published with those crates and do not count. A file that ends within a table's line or list was
//! cut. Source: *The Cargo Book*, "Cargo.toml vs Cargo.lock".

use super::key;
use crate::path::split;
use crate::reader::{Reading, short};

/// Whether the path is a lock file of a project.
pub(crate) fn claims(path: &[u8]) -> bool {
    split(path).1 == b"Cargo.lock"
        && memchr::memmem::find(path, b"/registry/src/").is_none()
        && memchr::memmem::find(path, b"/git/checkouts/").is_none()
}

/// The fields of one table that matter.
#[derive(Default)]
struct Table {
    name: String,
    version: String,
    source: String,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut problems = 0;
    let Ok(text) = std::str::from_utf8(bytes) else { return Reading::unreadable("it is not UTF-8") };
    let mut table: Option<Table> = None;
    let mut tables = 0_u32;
    let mut in_list = false;
    for line in text.lines().map(str::trim) {
        if in_list {
            in_list = !line.starts_with(']');
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            tables += 1;
            finish(table.take(), &mut reading, &mut problems);
            // `[[patch.unused]]` and `[metadata]` say nothing of what is compiled.
            table = (line == "[[package]]").then(Table::default);
        } else if let Some((name, value)) = line.split_once('=') {
            let value = value.trim();
            in_list = value == "[";
            if let Some(table) = &mut table {
                set(table, name.trim(), value);
            }
        } else {
            reading.complain(&mut problems, || {
                format!("not a line of a lock file: {:?}", short(line.as_bytes()))
            });
        }
    }
    if in_list || !(text.is_empty() || text.ends_with('\n')) {
        reading.complain(&mut problems, || "the file was cut".to_owned());
    } else {
        finish(table, &mut reading, &mut problems);
    }
    if tables == 0 {
        reading.complain(&mut problems, || "it holds no table".to_owned());
    }
    reading.packages.sort_unstable();
    reading.packages.dedup();
    reading.sum_up(problems)
}

fn set(table: &mut Table, name: &str, value: &str) {
    let Some(value) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else { return };
    match name {
        "name" => value.clone_into(&mut table.name),
        "version" => value.clone_into(&mut table.version),
        "source" => value.clone_into(&mut table.source),
        _ => {}
    }
}

fn finish(table: Option<Table>, reading: &mut Reading, problems: &mut u32) {
    let Some(table) = table else { return };
    if !(table.source.starts_with("registry+") || table.source.starts_with("sparse+")) {
        return;
    }
    match key(&table.name, &table.version) {
        Ok(key) => reading.packages.push(key),
        Err(why) => reading.complain(problems, || why),
    }
}
