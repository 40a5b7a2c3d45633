//! Writes XML. Every element that was opened is closed, every text is escaped, and what XML 1.0
//! cannot hold at all (most control characters) becomes U+FFFD, so an answer is always well formed.

use std::fmt::{Display, Write as _};

/// A document under way.
#[derive(Debug, Default)]
pub(super) struct Xml {
    out: String,
    depth: usize,
}

impl Xml {
    /// A document that begins with the declaration clients know, and a document type.
    pub(super) fn document(root: &str, system_id: Option<&str>) -> Self {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n");
        if let Some(system_id) = system_id {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "<!DOCTYPE {root} SYSTEM \"{system_id}\">");
        }
        Self { out, depth: 0 }
    }

    /// An element with what `inside` writes.
    pub(super) fn node(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.open(name);
        inside(self);
        self.close(name);
    }

    /// Opens an element; [`Xml::close`] must follow.
    pub(super) fn open(&mut self, name: &str) {
        self.line(&["<", name, ">"]);
        self.depth += 1;
    }

    /// Closes the innermost element, which has this name.
    pub(super) fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.line(&["</", name, ">"]);
    }

    /// An element with one attribute and what `inside` writes.
    pub(super) fn node_with(&mut self, name: &str, attribute: (&str, &str), inside: impl FnOnce(&mut Self)) {
        self.indent();
        let _ = write!(self.out, "<{name} {}=\"", attribute.0);
        escape(&mut self.out, attribute.1);
        self.out.push_str("\">\n");
        self.depth += 1;
        inside(self);
        self.close(name);
    }

    /// An element with one attribute and a text.
    pub(super) fn attributed(&mut self, name: &str, attribute: (&str, &str), text: &str) {
        self.indent();
        let _ = write!(self.out, "<{name} {}=\"", attribute.0);
        escape(&mut self.out, attribute.1);
        self.out.push_str("\">");
        escape(&mut self.out, text);
        let _ = writeln!(self.out, "</{name}>");
    }

    /// An element with a text.
    pub(super) fn leaf(&mut self, name: &str, text: impl Display) {
        self.indent();
        let _ = write!(self.out, "<{name}>");
        escape(&mut self.out, &text.to_string());
        let _ = writeln!(self.out, "</{name}>");
    }

    /// An element with a text that people write, in a CDATA section.
    pub(super) fn cdata(&mut self, name: &str, text: &str) {
        self.indent();
        let _ = write!(self.out, "<{name}><![CDATA[");
        for (index, piece) in text.split("]]>").enumerate() {
            if index > 0 {
                self.out.push_str("]]]]><![CDATA[>");
            }
            self.out.extend(piece.chars().map(allowed));
        }
        let _ = writeln!(self.out, "]]></{name}>");
    }

    /// What was written since the last time, for an answer that is sent in pieces.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// How many bytes wait to be taken.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    fn line(&mut self, pieces: &[&str]) {
        self.indent();
        pieces.iter().for_each(|piece| self.out.push_str(piece));
        self.out.push('\n');
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }
}

/// The character, or U+FFFD for one that XML 1.0 does not allow.
fn allowed(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => c,
        _ => '\u{FFFD}',
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(allowed(c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_sections_cannot_be_left() {
        let mut xml = Xml::document("A", Some("https://x.example/a.dtd"));
        xml.node("A", |xml| {
            xml.leaf("B", "a<b & \"c\" > d\u{0}\u{1b}\u{ffff}");
            xml.cdata("C", "x]]>y<z>\u{7}");
            xml.node_with("D", ("at", "\"1\""), |xml| xml.leaf("E", 5));
        });
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n\
            <!DOCTYPE A SYSTEM \"https://x.example/a.dtd\">\n<A>\n  \
            <B>a&lt;b &amp; &quot;c&quot; &gt; d\u{fffd}\u{fffd}\u{fffd}</B>\n  \
            <C><![CDATA[x]]]]><![CDATA[>y<z>\u{fffd}]]></C>\n  \
            <D at=\"&quot;1&quot;\">\n    <E>5</E>\n  </D>\n</A>\n";
        assert_eq!(xml.len(), expected.len());
        assert_eq!(xml.take(), expected);
        assert_eq!(xml.take(), "");
    }
}
