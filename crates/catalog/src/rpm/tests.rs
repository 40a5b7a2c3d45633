//! Databases of all three forms, made by hand, sound and forged.

use proptest::prelude::*;

use super::*;
use crate::blob::Endian;

/// One package's header. Texts by tag, then the epoch and the files.
fn header_of(texts: &[(u32, &str)], epoch: Option<u32>, files: &[&str]) -> Vec<u8> {
    let mut index: Vec<[u32; 4]> = Vec::new();
    let mut data = Vec::new();
    for (tag, text) in texts {
        index.push([*tag, 6, data.len() as u32, 1]);
        data.extend_from_slice(text.as_bytes());
        data.push(0);
    }
    let split: Vec<(&str, &str)> =
        files.iter().map(|file| file.split_at(file.rfind('/').unwrap() + 1)).collect();
    for (tag, names) in [
        (tag::BASE_NAMES, split.iter().map(|(_, name)| *name).collect::<Vec<_>>()),
        (tag::DIR_NAMES, split.iter().map(|(directory, _)| *directory).collect()),
    ] {
        index.push([tag, 8, data.len() as u32, names.len() as u32]);
        names.iter().for_each(|name| data.extend([name.as_bytes(), b"\0"].concat()));
    }
    data.resize(data.len().next_multiple_of(4), 0);
    index.push([tag::DIR_INDEXES, 4, data.len() as u32, files.len() as u32]);
    (0..files.len()).for_each(|n| data.extend((n as u32).to_be_bytes()));
    if let Some(epoch) = epoch {
        index.push([tag::EPOCH, 4, data.len() as u32, 1]);
        data.extend(epoch.to_be_bytes());
    }
    let mut out = [(index.len() as u32).to_be_bytes(), (data.len() as u32).to_be_bytes()].concat();
    index.iter().flatten().for_each(|number| out.extend(number.to_be_bytes()));
    out.extend(data);
    out
}

/// The headers of four packages; one is larger than any page, one is a key.
fn headers() -> Vec<Vec<u8>> {
    let files: Vec<String> = (0..9000).map(|n| format!("/usr/share/large/file-{n}")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let texts = |name, version, release, more: &[(u32, &'static str)]| {
        let mut texts = vec![(tag::NAME, name), (tag::VERSION, version), (tag::RELEASE, release)];
        texts.extend_from_slice(more);
        texts
    };
    vec![
        header_of(
            &texts(
                "openssl-libs",
                "3.0.1",
                "41.el9_0",
                &[
                    (tag::ARCH, "x86_64"),
                    (tag::VENDOR, "AlmaLinux"),
                    (tag::SOURCE_RPM, "openssl-3.0.1-41.el9_0.src.rpm"),
                ],
            ),
            Some(1),
            &["/usr/lib64/libssl.so.3"],
        ),
        header_of(
            &texts(
                "nodejs",
                "16.14.0",
                "5.module_el9.0.0",
                &[(tag::VENDOR, "AlmaLinux"), (tag::MODULARITY_LABEL, "nodejs:16:9000:rhel9")],
            ),
            None,
            &files,
        ),
        header_of(
            &texts("docker-ce", "24.0.2", "1.el9", &[(tag::VENDOR, "Docker")]),
            Some(0),
            &["/usr/bin/dockerd"],
        ),
        header_of(&texts("gpg-pubkey", "fd431d51", "4ae0493b", &[]), None, &[]),
    ]
}

/// The headers of two packages that fit into a page or two.
pub(crate) fn small_headers() -> Vec<Vec<u8>> {
    let mut all = headers();
    vec![all.swap_remove(0), all.swap_remove(2)]
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn varint(n: usize) -> Vec<u8> {
    let mut out = vec![(n & 0x7f) as u8];
    let mut rest = n >> 7;
    while rest > 0 {
        out.insert(0, (rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out
}

/// An SQLite database with pages of 1024 bytes: a leaf for each row below one root.
pub(crate) fn sqlite_file(headers: &[Vec<u8>]) -> Vec<u8> {
    const PAGE: usize = 1024;
    let mut pages = vec![vec![0; PAGE], vec![0; PAGE]];
    let leaf = |pages: &mut Vec<Vec<u8>>, page: usize, head: usize, row: &[u8]| {
        let local = if row.len() <= PAGE - 35 {
            row.len()
        } else {
            let least = (PAGE - 12) * 32 / 255 - 23;
            let local = least + (row.len() - least) % (PAGE - 4);
            if local <= PAGE - 35 { local } else { least }
        };
        let mut cell = [varint(row.len()), varint(7), row[..local].to_vec()].concat();
        if local < row.len() {
            cell.extend((pages.len() as u32 + 1).to_be_bytes());
        }
        let chunks: Vec<&[u8]> = row[local..].chunks(PAGE - 4).collect();
        for n in 0..chunks.len() {
            let next = if n + 1 < chunks.len() { pages.len() as u32 + 2 } else { 0 };
            let mut overflow = [&next.to_be_bytes(), chunks[n]].concat();
            overflow.resize(PAGE, 0);
            pages.push(overflow);
        }
        let at = PAGE - cell.len();
        put(&mut pages[page], head, &[0x0d, 0, 0, 0, 1]);
        put(&mut pages[page], head + 8, &(at as u16).to_be_bytes());
        put(&mut pages[page], at, &cell);
    };
    let mut schema = vec![6, 23, 29, 29, 1, 23];
    schema.extend_from_slice(b"tablePackagesPackages\x02CREATE");
    leaf(&mut pages, 0, 100, &schema);
    let mut children = Vec::new();
    for header in headers {
        let kind = varint(12 + 2 * header.len());
        let row = [varint(2 + kind.len()), vec![0], kind, header.clone()].concat();
        pages.push(vec![0; PAGE]);
        let page = pages.len() - 1;
        children.push(page as u32 + 1);
        leaf(&mut pages, page, 0, &row);
    }
    let last = children.pop().unwrap_or(0);
    put(&mut pages[1], 0, &[0x05, 0, 0, 0, children.len() as u8]);
    put(&mut pages[1], 8, &last.to_be_bytes());
    for (n, child) in children.iter().enumerate() {
        let at = PAGE - 8 * (n + 1);
        put(&mut pages[1], 12 + 2 * n, &(at as u16).to_be_bytes());
        put(&mut pages[1], at, &[&child.to_be_bytes()[..], &[7]].concat());
    }
    put(&mut pages[0], 0, sqlite::MAGIC);
    put(&mut pages[0], 16, &(PAGE as u16).to_be_bytes());
    pages.concat()
}

pub(crate) fn ndb_file(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 4096];
    put(&mut file, 0, b"RpmP");
    put(&mut file, 12, &1_u32.to_le_bytes());
    for slot in 2..256 {
        put(&mut file, slot * 16, b"Slot");
    }
    for (n, header) in headers.iter().enumerate() {
        let number = (n as u32 + 1).to_le_bytes();
        let at = file.len();
        let slot = [*b"Slot", number, (at as u32 / 16).to_le_bytes(), 1_u32.to_le_bytes()].concat();
        put(&mut file, (n + 5) * 16, &slot);
        file.extend([*b"BlbS", number, [9; 4], (header.len() as u32).to_le_bytes()].concat());
        file.extend_from_slice(header);
        file.resize(file.len().next_multiple_of(16), 0);
    }
    file
}

/// A hash of Berkeley DB with pages of 512 bytes: all keys in one page, large values in chains.
pub(crate) fn bdb_file(headers: &[Vec<u8>], endian: Endian) -> Vec<u8> {
    const PAGE: usize = 512;
    let long =
        |n: usize| if endian == Endian::Big { (n as u32).to_be_bytes() } else { (n as u32).to_le_bytes() };
    let short =
        |n: usize| if endian == Endian::Big { (n as u16).to_be_bytes() } else { (n as u16).to_le_bytes() };
    let mut pages = vec![vec![0; PAGE], vec![0; PAGE]];
    put(&mut pages[1], 25, &[HASH_PAGE]);
    let mut items: Vec<Vec<u8>> = vec![vec![1, 0, 0, 0, 0], vec![1, 9, 0, 0, 0]];
    for (n, header) in headers.iter().enumerate() {
        items.push([&[1][..], &(n as u32 + 1).to_le_bytes()].concat());
        if header.len() < 100 {
            items.push([&[1][..], header].concat());
            continue;
        }
        items.push([&[3, 0, 0, 0][..], &long(pages.len()), &long(header.len())].concat());
        let chunks: Vec<&[u8]> = header.chunks(PAGE - 26).collect();
        for n in 0..chunks.len() {
            let next = if n + 1 < chunks.len() { pages.len() + 1 } else { 0 };
            let mut page = vec![0; PAGE];
            put(&mut page, 16, &long(next));
            put(&mut page, 22, &short(chunks[n].len()));
            put(&mut page, 25, &[7]);
            put(&mut page, 26, chunks[n]);
            pages.push(page);
        }
    }
    let mut at = PAGE;
    put(&mut pages[1], 20, &short(items.len()));
    for (n, item) in items.iter().enumerate() {
        at -= item.len();
        put(&mut pages[1], at, item);
        put(&mut pages[1], 26 + 2 * n, &short(at));
    }
    let last = pages.len() - 1;
    put(&mut pages[0], 12, &long(0x0006_1561));
    put(&mut pages[0], 20, &long(PAGE));
    put(&mut pages[0], 32, &long(last));
    pages.concat()
}

const HASH_PAGE: u8 = 13;

fn forms(headers: &[Vec<u8>]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("sqlite", sqlite_file(headers)),
        ("ndb", ndb_file(headers)),
        ("bdb", bdb_file(headers, Endian::Little)),
        ("bdb of the other order", bdb_file(headers, Endian::Big)),
    ]
}

fn read_file(file: &[u8]) -> (Reading, Vec<String>) {
    let mut owned = Vec::new();
    let reading = read(&file, &mut |path| owned.push(String::from_utf8_lossy(path).into_owned()));
    (reading, owned)
}

fn lines(reading: &Reading) -> Vec<String> {
    let line = |p: &PackageKey| {
        format!(
            "{} {} {} {} {} {} {}",
            p.ecosystem, p.name, p.version, p.arch, p.source_name, p.source_version, p.module
        )
    };
    reading.packages.iter().map(line).collect()
}

#[test]
fn all_forms_of_the_database_say_the_same() {
    for (form, file) in forms(&headers()) {
        let (reading, owned) = read_file(&file);
        assert_eq!(reading.problem, None, "{form}");
        assert_eq!(
            lines(&reading),
            [
                "rpm:AlmaLinux nodejs 16.14.0-5.module_el9.0.0  nodejs 16.14.0-5.module_el9.0.0 nodejs:16:9000:rhel9",
                "rpm:AlmaLinux openssl-libs 1:3.0.1-41.el9_0 x86_64 openssl 1:3.0.1-41.el9_0 ",
                "rpm:Docker docker-ce 0:24.0.2-1.el9  docker-ce 0:24.0.2-1.el9 ",
            ],
            "{form}"
        );
        // What a vendor's package brings along is not the distribution's.
        assert_eq!(owned.len(), 9001, "{form}");
        assert_eq!(
            (owned[0].as_str(), owned[9000].as_str()),
            ("/usr/lib64/libssl.so.3", "/usr/share/large/file-8999")
        );
    }
}

#[test]
fn a_damaged_header_costs_one_package() {
    let mut all = headers();
    all[1][..8].fill(0xff);
    for (form, file) in forms(&all) {
        let (reading, _) = read_file(&file);
        assert_eq!(reading.packages.len(), 2, "{form}");
        assert!(reading.problem.is_some(), "{form}");
    }
}

#[test]
fn circles_and_wild_offsets_end() {
    // A page of the tree that leads to itself, and a row that goes on in its own page.
    let mut circle = sqlite_file(&headers());
    put(&mut circle, 1024 + 8, &2_u32.to_be_bytes());
    assert!(read_file(&circle).0.problem.unwrap().contains("circle"));
    let mut chain = bdb_file(&headers(), Endian::Little);
    for page in chain.chunks_exact_mut(512).filter(|page| page[25] == 7) {
        page[16..20].copy_from_slice(&4_u32.to_le_bytes());
        page[22..24].copy_from_slice(&1_u16.to_le_bytes());
    }
    assert!(read_file(&chain).0.problem.is_some());
    let mut slots = ndb_file(&headers());
    put(&mut slots, 12, &u32::MAX.to_le_bytes());
    assert!(read_file(&slots).0.problem.unwrap().contains("pages of slots"));
    let mut wild = ndb_file(&headers());
    put(&mut wild, 5 * 16 + 8, &u32::MAX.to_le_bytes());
    assert!(read_file(&wild).0.problem.is_some());
}

#[test]
fn what_is_no_database_is_not_a_clean_system() {
    for file in [&b""[..], b"garbage that is long enough to be looked at", sqlite::MAGIC, &sqlite_file(&[])] {
        assert!(read_file(file).0.problem.is_some());
    }
    assert_eq!(read_log(&&b""[..]), Reading::default());
    assert!(read_log(&&b"\x37\x7f\x06\x82"[..]).problem.is_some());
}

#[test]
fn the_list_of_distroless_images_is_read() {
    let list = "glibc\t2.38-8.azl3\t1718\t1718\tMicrosoft Corporation\t(none)\t100\tx86_64\t0\tglibc-2.38-8.azl3.src.rpm\n\
        openssl\t3.3.2-1.azl3\t1718\t1718\tMicrosoft Corporation\t1\t100\tx86_64\t1\topenssl-3.3.2-1.azl3.src.rpm\n\
        gpg-pubkey\t3135ce90-5e6fda74\t1\t1\t(none)\t(none)\t0\t(none)\t0\t(none)\n";
    let reading = manifest::read(list.as_bytes());
    assert_eq!(reading.problem, None);
    assert_eq!(
        lines(&reading),
        [
            "rpm:Microsoft Corporation glibc 2.38-8.azl3 x86_64 glibc 2.38-8.azl3 ",
            "rpm:Microsoft Corporation openssl 1:3.3.2-1.azl3 x86_64 openssl 1:3.3.2-1.azl3 ",
        ]
    );
    assert!(
        manifest::read(&list.as_bytes()[..list.len() - 1]).problem.unwrap().contains("ends within a line")
    );
    assert!(manifest::read(b"glibc\t2.38\n").problem.unwrap().contains("ten fields"));
    assert!(manifest::read(b"").problem.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bent_databases_never_panic(
        which in 0_usize..4,
        at in any::<prop::sample::Index>(),
        value in any::<[u8; 4]>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let small = small_headers();
        let mut file = forms(&small).swap_remove(which).1;
        let place = at.index(file.len() - 4);
        file[place..place + 4].copy_from_slice(&value);
        let _ = read_file(&file);
        file.truncate(cut.index(file.len()));
        let _ = read_file(&file);
    }

    #[test]
    fn garbage_behind_a_sound_beginning_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        which in 0_usize..4,
    ) {
        let start = forms(&[]).swap_remove(which).1;
        let _ = read_file(&[&start[..100], &bytes].concat());
        let _ = manifest::read(&bytes);
    }
}
