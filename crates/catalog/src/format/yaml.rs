//! YAML as a tree of texts, lists and maps.
//!
//! Built from the events of a parser that expands nothing. Aliases are refused: package managers write
//! none, and they are what makes a small file a large one. Depth and the number of values are bounded.
//! Every scalar stays the text it is, so that version `1.10` does not become a number.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::text;

/// Lists and maps inside each other.
const MAX_DEPTH: usize = 64;

/// Most texts, lists and maps of a file. Lock files of large projects have a hundred thousand.
const MAX_NODES: usize = 500_000;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A scalar; `null` and `~` are empty.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file. Keys that are no texts are left out with their values.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value under a key of a small map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// The text under a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a map; nothing else has any.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = match self {
            Self::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// The items of a list; nothing else has any.
    pub(crate) fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// Reads the documents of a file, usually one. Programs end the last line.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Node>, String> {
    let text = text(bytes)?;
    // A plain scalar that was cut would be another version.
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the file ends within a line".to_owned());
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| e.to_string())?;
        builder.event(event).map_err(|why| format!("line {}: {why}", span.start.line()))?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    nodes: usize,
}

/// A list or map that is not over yet.
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<Node>),
}

impl Builder {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(value, style, _, _) => {
                let plain = style == ScalarStyle::Plain;
                let null = plain && matches!(value.as_ref(), "~" | "null" | "Null" | "NULL");
                let text = if null { String::new() } else { value.into_owned() };
                self.put(Node::Text(text))
            }
            Event::SequenceStart(..) => self.begin(Open::List(Vec::new())),
            Event::MappingStart(..) => self.begin(Open::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items)) => self.put(Node::List(items)),
                Some(Open::Map(entries, _)) => self.put(Node::Map(entries)),
                None => Ok(()),
            },
            Event::Alias(_) => Err("an alias, which no package manager writes".to_owned()),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values"));
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(entries, key)) => match key.take() {
                None => *key = Some(node),
                Some(Node::Text(name)) => entries.push((name, node)),
                Some(_) => {}
            },
        }
        Ok(())
    }
}
