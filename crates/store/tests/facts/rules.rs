//! The rules that let one statement text run on two engines, held against the sources themselves:
//! every SQL text in `src`, every migration in both folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
    out.sort();
}

/// The string literals of a Rust source, with line continuations joined. Comments and characters
/// are passed over.
fn literals(source: &str) -> Vec<String> {
    let (mut out, mut rest) = (Vec::new(), source);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (head, tail) = rest[at..].split_at(1);
        rest = match head {
            "/" if tail.starts_with('/') => tail.split_once('\n').map_or("", |(_, rest)| rest),
            "'" if tail.starts_with("\"'") => &tail[2..],
            "'" if tail.starts_with("\\\"'") => &tail[3..],
            "\"" => {
                let (text, rest) = literal(tail);
                out.push(text);
                rest
            }
            _ => tail,
        };
    }
    out
}

/// One literal, from after its opening quote.
fn literal(source: &str) -> (String, &str) {
    let (mut text, mut chars) = (String::new(), source.char_indices().peekable());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &source[at + 1..]),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, c)) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    panic!("a literal without end");
}

/// Every SQL text of the crate, with the file it stands in. The two halves of a bulk statement are
/// two texts.
fn statements() -> Vec<(String, String)> {
    let mut sources = Vec::new();
    files(&root().join("src"), "rs", &mut sources);
    let mut out = Vec::new();
    for path in sources {
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let starts = [
            "SELECT ",
            "INSERT ",
            "UPDATE ",
            "DELETE ",
            "WITH ",
            ") SELECT ",
            ") INSERT ",
            ") UPDATE ",
            ") DELETE ",
        ];
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for text in literals(source) {
            if starts.iter().any(|start| text.starts_with(start)) || text.starts_with(" ON CONFLICT") {
                out.push((name.clone(), text));
            }
        }
    }
    assert!(out.len() > 100, "the scan finds the statements ({})", out.len());
    out
}

fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$' || c == '.'));
    split.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
}

#[test]
fn parameters_are_numbered_in_order_of_first_appearance() {
    for (file, text) in statements() {
        let mut seen = Vec::new();
        for word in words(&text) {
            if let Some(number) = word.strip_prefix('$') {
                let number: usize = number.parse().unwrap();
                if !seen.contains(&number) {
                    seen.push(number);
                }
            }
        }
        assert_eq!(seen, (1..=seen.len()).collect::<Vec<_>>(), "{file}: {text}");
    }
}

#[test]
fn statements_use_nothing_that_differs_between_engines() {
    let banned = [
        "like",
        "glob",
        "ilike",
        "json",
        "json_extract",
        "date",
        "datetime",
        "strftime",
        "now",
        "current_timestamp",
        "ifnull",
        "nvl",
        "for",
        "greatest",
        "least",
        "rowid",
        "autoincrement",
        "array",
        "replace",
        "null",
        "is",
    ];
    for (file, text) in statements() {
        let all = words(&text);
        for word in banned {
            assert!(!all.iter().any(|w| w == word), "{file}: {word:?} in {text}");
        }
        let upper = text.to_ascii_uppercase();
        assert_eq!(upper.matches("SUM(").count(), upper.matches("CAST(SUM(").count(), "{file}: {text}");
        for scalar in ["MAX(", "MIN("] {
            for (at, _) in upper.match_indices(scalar) {
                let inside = upper[at..].split(')').next().unwrap();
                assert!(!inside.contains(','), "{file}: scalar {scalar}…) in {text}");
            }
        }
    }
}

/// A table as its migration declares it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Name → type, `NOT NULL`.
    columns: BTreeMap<String, (String, bool)>,
    /// Column sets that no two rows share.
    unique: Vec<BTreeSet<String>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    tables: BTreeMap<String, Table>,
    indexes: BTreeSet<String>,
}

fn schema(engine: &str) -> Schema {
    let mut paths = Vec::new();
    files(&root().join("migrations").join(engine), "sql", &mut paths);
    let mut out = Schema::default();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let text: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap()).collect();
        for statement in text.join(" ").split(';') {
            read_statement(&mut out, statement.trim());
        }
    }
    out
}

fn read_statement(schema: &mut Schema, statement: &str) {
    let normal = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(rest) = normal.strip_prefix("CREATE TABLE ") {
        let (name, body) = rest.split_once(" (").unwrap();
        let body = &body[..body.rfind(')').unwrap()];
        let table = schema.tables.entry(name.to_owned()).or_default();
        for part in split_top(body) {
            read_part(table, part.trim());
        }
    } else if normal.starts_with("CREATE INDEX ") || normal.starts_with("CREATE UNIQUE INDEX ") {
        schema.indexes.insert(normal);
    } else if let Some(rest) = normal.strip_prefix("ALTER TABLE ") {
        let (name, column) = rest.split_once(" ADD COLUMN ").unwrap();
        read_part(schema.tables.get_mut(name).unwrap(), column);
    } else if let Some(name) = normal.strip_prefix("DROP TABLE ") {
        schema.tables.remove(name).unwrap();
    } else if let Some(name) = normal.strip_prefix("DROP INDEX ") {
        let before = schema.indexes.len();
        schema.indexes.retain(|index| !index.contains(&format!(" INDEX {name} ON ")));
        assert_eq!(schema.indexes.len() + 1, before, "no index {name}");
    } else {
        assert!(
            normal.is_empty() || normal.starts_with("INSERT INTO "),
            "unexpected in a migration: {normal}"
        );
    }
}

fn read_part(table: &mut Table, part: &str) {
    for key in ["PRIMARY KEY (", "UNIQUE ("] {
        if let Some(columns) = part.strip_prefix(key) {
            table.unique.push(columns.trim_end_matches(')').split(", ").map(str::to_owned).collect());
            return;
        }
    }
    if part.starts_with("FOREIGN KEY (") {
        return;
    }
    let mut words = part.split(' ');
    let (name, kind) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    if part.contains("PRIMARY KEY") || part.contains(" UNIQUE") {
        table.unique.push(BTreeSet::from([name.clone()]));
    }
    table.columns.insert(name, (kind, part.contains("NOT NULL")));
}

/// Splits at commas outside parentheses.
fn split_top(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

#[test]
fn columns_have_the_four_types_and_are_never_null() {
    for (engine, blob) in [("sqlite", "BLOB"), ("postgres", "BYTEA")] {
        let schema = schema(engine);
        assert!(schema.tables.len() > 20, "the scan finds the tables");
        for (name, table) in &schema.tables {
            assert!(!table.unique.is_empty(), "{engine}: {name} has no key");
            for (column, (kind, not_null)) in &table.columns {
                assert!(
                    ["BIGINT", "TEXT", "DOUBLE", blob].contains(&kind.as_str()),
                    "{engine}: {name}.{column} {kind}"
                );
                assert!(not_null, "{engine}: {name}.{column} may be NULL");
            }
        }
    }
}

#[test]
fn both_engines_have_the_same_tables_columns_and_indexes() {
    let mut postgres = schema("postgres");
    for (kind, _) in postgres.tables.values_mut().flat_map(|table| table.columns.values_mut()) {
        if kind == "BYTEA" {
            *kind = "BLOB".to_owned();
        }
    }
    assert_eq!(schema("sqlite"), postgres);
    let text = |engine: &str| {
        let mut paths = Vec::new();
        files(&root().join("migrations").join(engine), "sql", &mut paths);
        paths
    };
    let names = |paths: &[PathBuf]| -> Vec<String> {
        paths.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&text("sqlite")), names(&text("postgres")));
    // Text sorts by bytes on SQLite, so it must on PostgreSQL.
    for path in text("postgres") {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let line = line.split("--").next().unwrap();
            assert!(
                !line.contains(" TEXT") || line.contains(" TEXT COLLATE \"C\""),
                "{}: {line}",
                path.display()
            );
        }
    }
    // Every file is in a list of the program.
    let sources = ["facts.rs", "accounts.rs"]
        .map(|f| std::fs::read_to_string(root().join("src/schema").join(f)).unwrap());
    for name in names(&text("sqlite")) {
        assert_eq!(
            sources.iter().filter(|s| s.contains(&format!("\"{name}\""))).count(),
            1,
            "{name} is applied once"
        );
    }
}

#[test]
fn every_order_ends_in_a_unique_key() {
    let mut schema = schema("sqlite");
    // The one table that is there before the first migration.
    read_statement(&mut schema, "CREATE TABLE schema_migration (number BIGINT NOT NULL PRIMARY KEY)");
    let mut wrong = Vec::new();
    let bare = |word: &str| word.rsplit('.').next().unwrap().to_owned();
    for (file, text) in statements() {
        let Some((before, order)) = text.split_once(" ORDER BY ") else {
            assert!(!text.contains(" LIMIT "), "{file}: LIMIT without an order: {text}");
            continue;
        };
        let order = order.split(" LIMIT ").next().unwrap().split(')').next().unwrap();
        let mut fixed: BTreeSet<String> =
            split_top(order).iter().map(|part| bare(part.trim().split(' ').next().unwrap())).collect();
        // Columns held to one value by an equality.
        let parts: Vec<&str> = before.split_whitespace().collect();
        for window in parts.windows(3).filter(|window| window[1] == "=") {
            fixed.extend([bare(window[0]), bare(window[2])]);
        }
        // Of the intervals of one key at most one is open, and at most one holds at an instant.
        if fixed.contains("to_at") || before.contains("from_at <= ") {
            fixed.insert("from_at".to_owned());
        }
        let tables: Vec<&Table> = words(before).iter().filter_map(|word| schema.tables.get(word)).collect();
        let unique = tables.iter().flat_map(|table| &table.unique).any(|key| key.is_subset(&fixed));
        let distinct = before.contains("SELECT DISTINCT ") || before.contains(" GROUP BY ");
        if !unique && !distinct {
            wrong.push(format!("{file}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sql_stands_only_in_constants() {
    let mut sources = Vec::new();
    files(&root().join("src"), "rs", &mut sources);
    for path in sources {
        let source = std::fs::read_to_string(&path).unwrap();
        for keyword in
            ["format!(\"SELECT", "format!(\"INSERT", "format!(\"UPDATE", "format!(\"DELETE", "format!(\"WITH"]
        {
            assert!(!source.contains(keyword), "{}: statements are constants", path.display());
        }
    }
}
