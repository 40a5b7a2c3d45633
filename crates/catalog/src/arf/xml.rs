//! A pull reader over the tokenizer that keeps nothing but the present tag.
//!
//! What it keeps true: nothing is fetched, no entity is expanded but XML's five and character references, a
//! document type is refused where it begins; depth, the length of one token and the whole are bounded; an end
//! of input inside an element is an error.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::errors::SyntaxError;
use quick_xml::escape::{EscapeError, resolve_predefined_entity, unescape};
use quick_xml::events::Event;

use super::error::{ArfError, Result};

/// Elements inside each other.
const MAX_DEPTH: usize = 256;
/// Bytes of one tag, text or comment.
const MAX_TOKEN: usize = 8 << 20;

/// See the module documentation.
pub(crate) struct Xml<R: Read> {
    reader: Reader<Metered<BufReader<R>>>,
    buffer: Vec<u8>,
    /// The present start tag, without brackets; its name ends at `name_len`.
    tag: String,
    name_len: usize,
    /// Names of the open elements, for messages; `marks` are where each begins.
    path: String,
    marks: Vec<usize>,
}

/// What [`Xml::step`] met.
enum Step {
    Start,
    End,
    /// Appended to the text that was asked for.
    Text,
    Eof,
}

impl<R: Read> Xml<R> {
    /// A reader of at most `most` bytes.
    pub(crate) fn new(bytes: R, most: u64) -> Result<Self> {
        let mut input = BufReader::with_capacity(64 << 10, bytes);
        refuse_other_encodings(input.fill_buf()?)?;
        let mut reader = Reader::from_reader(Metered { inner: input, token: 0, total: 0, most, over: None });
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Ok(Self {
            reader,
            buffer: Vec::new(),
            tag: String::new(),
            name_len: 0,
            path: String::new(),
            marks: Vec::new(),
        })
    }

    /// The outermost element.
    pub(crate) fn root(&mut self) -> Result<()> {
        loop {
            match self.step(None)? {
                Step::Start => return Ok(()),
                Step::Text => {}
                _ => return Err(ArfError::Root(String::new())),
            }
        }
    }

    /// Reads to the end of input after the outermost element: a second one is malformed.
    pub(crate) fn finish(&mut self) -> Result<()> {
        loop {
            match self.step(None)? {
                Step::Eof => return Ok(()),
                Step::Text => {}
                _ => return Err(self.malformed("something follows the outermost element".to_owned())),
            }
        }
    }

    /// Goes to the next child of the present element; `false` at its end. Text between is passed over.
    pub(crate) fn child(&mut self) -> Result<bool> {
        loop {
            match self.step(None)? {
                Step::Start => return Ok(true),
                Step::End => return Ok(false),
                Step::Text => {}
                Step::Eof => return Err(self.truncated()),
            }
        }
    }

    /// Goes to the end of the present element.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let depth = self.marks.len();
        while self.marks.len() >= depth {
            if matches!(self.step(None)?, Step::Eof) {
                return Err(self.truncated());
            }
        }
        Ok(())
    }

    /// The text of the present element and all inside it, at most `most` bytes; the rest is passed over.
    /// White space at both ends is dropped.
    pub(crate) fn text(&mut self, most: usize) -> Result<String> {
        let depth = self.marks.len();
        let mut text = String::new();
        while self.marks.len() >= depth {
            let wanted = (text.len() < most).then_some(&mut text);
            if matches!(self.step(wanted)?, Step::Eof) {
                return Err(self.truncated());
            }
        }
        cut(&mut text, most);
        let trimmed = text.trim();
        Ok(if trimmed.len() == text.len() { text } else { trimmed.to_owned() })
    }

    /// The same with every stretch of white space as one blank, for titles and the like.
    pub(super) fn line(&mut self, most: usize) -> Result<String> {
        let text = self.text(most)?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Name of the present start tag without prefix.
    pub(crate) fn name(&self) -> &str {
        local(&self.tag[..self.name_len])
    }

    /// An attribute of the present start tag, by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<String>> {
        for attribute in
            quick_xml::events::attributes::Attributes::new(&self.tag, self.name_len).with_checks(false)
        {
            let attribute = attribute.map_err(|e| self.malformed(e.to_string()))?;
            let key = std::str::from_utf8(attribute.key.as_ref()).map_err(|_| not_utf8())?;
            if local(key) == name {
                let value = std::str::from_utf8(&attribute.value).map_err(|_| not_utf8())?;
                return match unescape(value) {
                    Ok(value) => Ok(Some(value.trim().to_owned())),
                    Err(EscapeError::UnrecognizedEntity(_, name)) => Err(ArfError::Entity(name)),
                    Err(error) => Err(self.malformed(error.to_string())),
                };
            }
        }
        Ok(None)
    }

    /// An attribute, or nothing.
    pub(super) fn attribute_or_empty(&self, name: &str) -> Result<String> {
        self.attribute(name).map(Option::unwrap_or_default)
    }

    /// How deep the present element lies; the outermost is 1.
    pub(super) fn depth(&self) -> usize {
        self.marks.len()
    }

    fn step(&mut self, text: Option<&mut String>) -> Result<Step> {
        self.buffer.clear();
        self.reader.get_mut().token = 0;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => {
                let open = &self.path[self.marks.last().copied().unwrap_or(0)..];
                return Err(broken(&self.reader, open, error));
            }
        };
        let kept = |text: Option<&mut String>, more: &str| {
            if let Some(text) = text {
                text.push_str(more);
            }
            Step::Text
        };
        Ok(match event {
            Event::Start(start) => {
                let raw: &[u8] = &start;
                self.tag.clear();
                self.tag.push_str(clean(raw)?);
                self.name_len = start.name().as_ref().len();
                if self.marks.len() >= MAX_DEPTH {
                    return Err(ArfError::TooDeep(MAX_DEPTH));
                }
                self.marks.push(self.path.len());
                self.path.push_str(local(&self.tag[..self.name_len]));
                Step::Start
            }
            Event::End(_) => {
                let mark = self.marks.pop().unwrap_or(0);
                self.path.truncate(mark);
                Step::End
            }
            Event::Text(found) => kept(text, clean(&found)?),
            Event::CData(found) => kept(text, clean(&found)?),
            Event::GeneralRef(reference) => {
                let name = std::str::from_utf8(&reference).map_err(|_| not_utf8())?;
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    kept(text, c.encode_utf8(&mut [0; 4]))
                } else if let Some(value) = resolve_predefined_entity(name) {
                    kept(text, value)
                } else {
                    return Err(ArfError::Entity(name.chars().take(60).collect()));
                }
            }
            Event::DocType(_) => return Err(ArfError::Doctype),
            Event::Decl(declared) => {
                if let Some(Ok(encoding)) = declared.encoding() {
                    let encoding = String::from_utf8_lossy(&encoding).to_ascii_lowercase();
                    if !["utf-8", "utf8", "us-ascii", "ascii"].contains(&encoding.as_str()) {
                        return Err(ArfError::Encoding(encoding.chars().take(60).collect()));
                    }
                }
                Step::Text
            }
            Event::Comment(_) | Event::PI(_) => Step::Text,
            Event::Eof => Step::Eof,
            Event::Empty(_) => return Err(self.malformed("an unexpanded empty element".to_owned())),
        })
    }

    fn truncated(&self) -> ArfError {
        ArfError::Truncated(self.innermost().to_owned())
    }

    fn innermost(&self) -> &str {
        &self.path[self.marks.last().copied().unwrap_or(0)..]
    }

    fn malformed(&self, why: String) -> ArfError {
        ArfError::Malformed { at: self.reader.buffer_position(), why }
    }
}

/// What went wrong in the tokenizer.
fn broken<R: Read>(
    reader: &Reader<Metered<BufReader<R>>>,
    innermost: &str,
    error: quick_xml::Error,
) -> ArfError {
    match (reader.get_ref().over, error) {
        (Some(Over::Token), _) => ArfError::TooLong(MAX_TOKEN),
        (Some(Over::Total), _) => ArfError::TooLarge(reader.get_ref().most),
        (None, quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ArfError::Truncated(innermost.to_owned())
        }
        (None, quick_xml::Error::Io(error)) => ArfError::Io(io::Error::new(error.kind(), error.to_string())),
        // The tokenizer says so when the input ends inside markup.
        (None, quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup)) => {
            ArfError::Malformed { at: reader.error_position(), why: "unknown markup".to_owned() }
        }
        (None, quick_xml::Error::Syntax(_)) => ArfError::Truncated(innermost.to_owned()),
        (None, error) => ArfError::Malformed { at: reader.error_position(), why: error.to_string() },
    }
}

/// Text as XML has it: UTF-8, and no NUL, which no store takes.
fn clean(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|_| not_utf8())?;
    if memchr::memchr(0, bytes).is_some() {
        return Err(ArfError::Encoding("not text: it holds a NUL".to_owned()));
    }
    Ok(text)
}

fn not_utf8() -> ArfError {
    ArfError::Encoding("not UTF-8 in a tag or text".to_owned())
}

/// The part of a name after its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Shortens a text to at most `most` bytes, at a character.
pub(super) fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

/// Encodings that are told by their first bytes.
fn refuse_other_encodings(start: &[u8]) -> Result<()> {
    let wide = [&[0xfe, 0xff][..], &[0xff, 0xfe], &[0, b'<'], &[b'<', 0]];
    match wide.iter().any(|mark| start.starts_with(mark)) {
        true => Err(ArfError::Encoding("UTF-16 or UTF-32".to_owned())),
        false => Ok(()),
    }
}

/// Which bound was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Token,
    Total,
}

/// Counts what the tokenizer takes: it collects a whole tag or text before it gives it out.
struct Metered<B> {
    inner: B,
    token: usize,
    total: u64,
    most: u64,
    over: Option<Over>,
}

impl<B: BufRead> Read for Metered<B> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<B: BufRead> BufRead for Metered<B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.token > MAX_TOKEN {
            self.over = Some(Over::Token);
        } else if self.total > self.most {
            self.over = Some(Over::Total);
        }
        match self.over {
            Some(_) => Err(io::Error::other("over the bound")),
            None => self.inner.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        self.token = self.token.saturating_add(count);
        self.total = self.total.saturating_add(count as u64);
        self.inner.consume(count);
    }
}
