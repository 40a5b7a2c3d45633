//! Go: the build information that every program carries since Go 1.12.
//!
//! It lies in the section `.go.buildinfo`, or where that table was stripped at the start of the
//! program's variables, and begins with a mark. Since Go 1.18 both texts (the version of the
//! toolchain, the list of modules) follow it; before that it held pointers to them. Source: the
//! package `debug/buildinfo` of Go's library.
//!
//! * Each module is a package of `Go`, its version without the letter, as OSV writes it.
//! * A module replaced by another (`=>`) is the other: that is what was compiled. One replaced by a
//!   directory keeps its name and has the version `(devel)`, which no order can place.
//! * The toolchain's library is the package `stdlib`.

#[cfg(test)]
pub(crate) mod tests;

use parapet_model::PackageKey;

use crate::blob::Endian;
use crate::program::Program;
use crate::reader::{Reading, clean_text, short};

const MARK: &[u8; 14] = b"\xff Go buildinf:";

/// Where the section is missing, the mark is looked for in this many bytes.
const SEARCHED: u64 = 1 << 20;

/// Longest list of modules, in bytes; the longest real ones have a tenth.
const MAX_LIST: usize = 4 << 20;

/// The version of what is built from a working copy.
const DEVEL: &str = "(devel)";

/// Reads a program's build information; `None` when it is no Go program.
pub(crate) fn read(program: &Program<'_>) -> Option<Reading> {
    let area = program.section(&[b".go.buildinfo", b"__go_buildinfo"]).or_else(|| program.data())?;
    let length = usize::try_from(area.size.min(SEARCHED)).ok()?;
    let bytes = program.blob.exact(area.offset, length).ok()?;
    let at = memchr::memmem::find_iter(&bytes, MARK).find(|at| at % 16 == 0)?;
    let info = bytes.get(at..)?;
    match texts(program, info, area.offset + at as u64) {
        Ok((version, list)) => Some(packages(&version, &list)),
        Err(why) => Some(Reading::unreadable(format!("its Go build information is damaged: {why}"))),
    }
}

/// The version of the toolchain and the list of modules.
fn texts(program: &Program<'_>, info: &[u8], at: u64) -> Result<(Vec<u8>, Vec<u8>), String> {
    const INLINE: u8 = 2;
    let (size, flags) = match info {
        [_, _, _, _, _, _, _, _, _, _, _, _, _, _, size, flags, ..] => (*size, *flags),
        _ => return Err("it ends early".to_owned()),
    };
    let (version, list) = if flags & INLINE != 0 {
        let (version, next) = inline(program, at + 32)?;
        (version, inline(program, next)?.0)
    } else {
        let endian = if flags & 1 == 0 { Endian::Little } else { Endian::Big };
        let pointers = Pointers { program, wide: size == 8, endian };
        (pointers.text_of(info, 16)?, pointers.text_of(info, 16 + usize::from(size))?)
    };
    // The list lies between two marks of 16 bytes.
    let ends = list.len().checked_sub(17).and_then(|at| list.get(at));
    let list = if ends == Some(&b'\n') { list.get(16..list.len() - 16).unwrap_or_default() } else { &[] };
    Ok((version, list.to_vec()))
}

/// A text behind its length, and where it ends.
fn inline(program: &Program<'_>, at: u64) -> Result<(Vec<u8>, u64), String> {
    let mut length = 0_u64;
    for n in 0..5_u32 {
        let [byte] = program.blob.array::<1>(at + u64::from(n))?;
        length |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            let from = at + u64::from(n) + 1;
            return Ok((program.blob.exact(from, bounded(length)?)?, from + length));
        }
    }
    Err("a length without end".to_owned())
}

fn bounded(length: u64) -> Result<usize, String> {
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_LIST)
        .ok_or_else(|| format!("a text of {length} bytes"))
}

/// The form before Go 1.18.
struct Pointers<'a> {
    program: &'a Program<'a>,
    wide: bool,
    endian: Endian,
}

impl Pointers<'_> {
    fn word(&self, bytes: &[u8], at: usize) -> Option<u64> {
        if self.wide { self.endian.u64(bytes, at) } else { self.endian.u32(bytes, at).map(u64::from) }
    }

    /// The text whose head (address and length) the pointer at `at` leads to.
    fn text_of(&self, info: &[u8], at: usize) -> Result<Vec<u8>, String> {
        let size = if self.wide { 8 } else { 4 };
        let head = self.word(info, at).ok_or("it ends early")?;
        if head == 0 {
            return Ok(Vec::new());
        }
        let head = self.program.at_address(head, 2 * size)?;
        let (address, length) = self.word(&head, 0).zip(self.word(&head, size)).ok_or("it ends early")?;
        self.program.at_address(address, bounded(length)?)
    }
}

/// Reads the list: lines of fields with tabs between them.
fn packages(toolchain: &[u8], list: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut problems = 0;
    let mut module: Option<(&[u8], &[u8])> = None;
    let mut finish = |module: Option<(&[u8], &[u8])>, reading: &mut Reading| {
        let Some((path, version)) = module else { return };
        match key(path, version) {
            Ok(key) => reading.packages.push(key),
            Err(why) => reading.complain(&mut problems, || why),
        }
    };
    for line in list.split(|&byte| byte == b'\n') {
        let mut fields = line.split(|&byte| byte == b'\t');
        let (word, path, version) = (
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
        );
        match word {
            b"mod" | b"dep" => finish(module.replace((path, version)), &mut reading),
            b"=>" => {
                if let Some((name, _)) = module {
                    module = Some(if is_directory(path) { (name, b"") } else { (path, version) });
                }
            }
            _ => {}
        }
    }
    finish(module, &mut reading);
    match std::str::from_utf8(toolchain).ok().and_then(library) {
        Some(version) => reading.packages.push(PackageKey::new("Go", "stdlib", &version)),
        None => reading.complain(&mut problems, || {
            format!("the version of its Go toolchain cannot be told from {:?}", short(toolchain))
        }),
    }
    if list.is_empty() {
        reading.unknown = Some("it was built without modules".to_owned());
    }
    reading.packages.sort_unstable();
    reading.packages.dedup();
    reading.sum_up(problems)
}

fn is_directory(path: &[u8]) -> bool {
    path.starts_with(b"./") || path.starts_with(b"../") || path.starts_with(b"/")
}

fn key(path: &[u8], version: &[u8]) -> Result<PackageKey, String> {
    let path = clean_text(path).map_err(|e| format!("a module's path {e}"))?;
    if version.is_empty() {
        return Ok(PackageKey::new("Go", path, DEVEL));
    }
    let version = clean_text(version).map_err(|e| format!("the version of {path} {e}"))?;
    Ok(PackageKey::new("Go", path, version.strip_prefix('v').unwrap_or(version)))
}

/// The version of the library as OSV writes it: `go1.22` is `1.22.0`, `go1.21rc2` is `1.21.0-rc.2`.
/// What vendors put behind it (`go1.22.3 X:boringcrypto`, `go1.20.5 (Red Hat …)`) is theirs.
fn library(toolchain: &str) -> Option<String> {
    let text = toolchain.strip_prefix("go")?.split([' ', '+', '-']).next()?;
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at(digits);
    let mut parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3 || parts.len() < 2 || parts.iter().any(|part| part.is_empty() || part.len() > 6) {
        return None;
    }
    if parts.len() == 2 {
        parts.push("0");
    }
    let version = parts.join(".");
    let word = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    match word {
        "rc" | "beta" => Some(format!("{version}-{word}.{}", rest.strip_prefix(word)?)),
        // `go1.18.3b7` is a build of the same release with another crypto library.
        _ => Some(version),
    }
}
