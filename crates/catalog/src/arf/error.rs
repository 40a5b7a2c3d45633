//! What can be wrong with a results document. Every message says what to do about it or where it is.

/// A document that cannot be read. Nothing of it is to be recorded.
#[derive(Debug, thiserror::Error)]
pub enum ArfError {
    /// The bytes could not be read, or their compression is broken.
    #[error("the document cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It stops before its end.
    #[error("the document is truncated: it ends inside <{0}>")]
    Truncated(String),
    /// It is no XML.
    #[error("not well-formed XML at byte {at}: {why}")]
    Malformed {
        /// Where.
        at: u64,
        /// What the tokenizer says.
        why: String,
    },
    /// It is in another encoding.
    #[error("only UTF-8 is read; the document is {0}")]
    Encoding(String),
    /// It has a document type.
    #[error(
        "a document type declaration (DOCTYPE) is refused: results need none, and it may name files and entities"
    )]
    Doctype,
    /// It uses an entity that is not one of XML's five.
    #[error("the entity &{0}; is refused: only the five of XML and character references are read")]
    Entity(String),
    /// It is not what is wanted.
    #[error("not an ARF or XCCDF results document: its outermost element is <{0}>")]
    Root(String),
    /// It has no results.
    #[error(
        "the document holds no results (no TestResult element); give the file of --results or --results-arf"
    )]
    NoResults,
    /// It names no host.
    #[error("the results name no host: there is no host name, and no address but those that every host has")]
    NoHost,
    /// It does not say when the host was looked at.
    #[error("the results do not say when the host was looked at (end-time of TestResult)")]
    NoTime,
    /// It does not say what was asked for.
    #[error("the results name no benchmark")]
    NoBenchmark,
    /// A result is none.
    #[error("{result:?} is no XCCDF result (rule {rule})")]
    Status {
        /// The word.
        result: String,
        /// Of which rule.
        rule: String,
    },
    /// More than is kept in memory.
    #[error("the document has too many {what}: more than {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// More bytes than are read.
    #[error("the document is larger than {0} bytes when unpacked")]
    TooLarge(u64),
    /// Elements are nested too deeply.
    #[error("elements are nested more than {0} deep")]
    TooDeep(usize),
    /// A tag or a text is too long.
    #[error("a tag or text is longer than {0} bytes")]
    TooLong(usize),
}

/// Result of reading.
pub(crate) type Result<T, E = ArfError> = std::result::Result<T, E>;
