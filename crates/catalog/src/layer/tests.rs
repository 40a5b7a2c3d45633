//! Sound, damaged and hostile layers.

use std::io;

use proptest::prelude::*;

use super::contents::Content;
use super::*;
use crate::testing::{DEBIAN, STATUS, TarBuilder, descriptor, gzip, metadata, read_layer, seal, status};

fn sample() -> Vec<u8> {
    TarBuilder::default()
        .dir("etc/")
        .file("etc/os-release", DEBIAN)
        .file("./var/lib/dpkg/status", status(&["a 1", "b 2"]))
        .file("usr/share/doc/readme", vec![b'x'; 300_000])
        .file("srv/.wh.old", "")
        .finish()
}

fn small_limits() -> Limits {
    Limits { ratio_floor: 1 << 20, ratio: 10, ..Limits::default() }
}

#[test]
fn compression_makes_no_difference() {
    let archive = sample();
    let plain = read_layer(&archive).unwrap();
    assert_eq!(plain.package_count(), 2);
    let zstd = zstd::encode_all(archive.as_slice(), 3).unwrap();
    let mut two_members = gzip(&archive[..1000]);
    two_members.extend(gzip(&archive[1000..]));
    for stored in [gzip(&archive), zstd, two_members] {
        let read = read(stored.as_slice(), &descriptor(&stored, &archive), &Limits::default()).unwrap();
        assert_eq!(read, plain);
    }
}

#[test]
fn a_layer_that_is_not_the_one_named_is_refused() {
    let archive = sample();
    let stored = gzip(&archive);
    let good = descriptor(&stored, &archive);
    let limits = Limits::default();
    let wrong = crate::oci::LayerDescriptor { digest: Digest::of(b"x"), ..good.clone() };
    assert!(matches!(read(stored.as_slice(), &wrong, &limits), Err(LayerError::WrongDigest { .. })));
    let wrong = crate::oci::LayerDescriptor { diff_id: Digest::of(b"x"), ..good.clone() };
    assert!(matches!(read(stored.as_slice(), &wrong, &limits), Err(LayerError::WrongDiffId { .. })));
    let cut = &stored[..stored.len() / 2];
    assert!(matches!(read(cut, &good, &limits), Err(LayerError::Truncated(_))));
    let short = crate::oci::LayerDescriptor { size: good.size - 1, ..good.clone() };
    assert!(matches!(read(stored.as_slice(), &short, &limits), Err(LayerError::TooLong(_))));
    let mut bent = stored.clone();
    bent[stored.len() / 2] ^= 0xff;
    assert!(matches!(read(bent.as_slice(), &good, &limits), Err(LayerError::WrongDigest { .. })));
}

#[test]
fn a_stream_that_is_cut_as_its_publisher_made_it_is_truncated() {
    let archive = sample();
    let whole = gzip(&archive);
    let stored = &whole[..whole.len() / 2];
    let error = read(stored, &descriptor(stored, &archive), &Limits::default()).unwrap_err();
    assert!(matches!(error, LayerError::Truncated(_)), "{error}");
    let error = read_layer(&archive[..archive.len().min(600)]).unwrap_err();
    assert!(matches!(error, LayerError::Truncated(_)), "{error}");
}

#[test]
fn umoci_layers_that_end_right_after_the_last_body_are_read() {
    let archive = TarBuilder::default().file("var/lib/dpkg/status", status(&["a 1", "b 2"])).finish();
    let end = archive.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    assert_ne!(end % 512, 0, "there is padding to leave out");
    assert_eq!(read_layer(&archive[..end]).unwrap(), read_layer(&archive).unwrap());
}

struct Failing;

impl io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn a_failing_source_is_told_from_a_damaged_layer() {
    let archive = sample();
    let stored = gzip(&archive);
    let reader = io::Read::chain(&stored[..100], Failing);
    let error = read(reader, &descriptor(&stored, &archive), &Limits::default()).unwrap_err();
    assert!(matches!(error, LayerError::Source(_)), "{error}");
}

#[test]
fn what_is_wrong_late_in_a_large_layer_is_told_as_in_a_small_one() {
    let noise: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large = || TarBuilder::default().file("noise", &noise).file(STATUS, status(&["a 1", "b 2"]));
    let archive = large().finish();
    for stored in [archive.clone(), gzip(&archive), zstd::encode_all(archive.as_slice(), 1).unwrap()] {
        let good = descriptor(&stored, &archive);
        let read = |reader: &mut dyn io::Read| read(reader, &good, &Limits::default());
        assert_eq!(read(&mut stored.as_slice()).unwrap().package_count(), 2);
        let late = stored.len() - 1000;
        let error = read(&mut io::Read::chain(&stored[..late], Failing)).unwrap_err();
        assert!(matches!(error, LayerError::Source(_)), "{error}");
        let error = read(&mut &stored[..late]).unwrap_err();
        assert!(matches!(error, LayerError::Truncated(_)), "{error}");
        let mut bent = stored.clone();
        bent[late] ^= 0xff;
        let error = read(&mut bent.as_slice()).unwrap_err();
        assert!(matches!(error, LayerError::WrongDigest { .. }), "{error}");
    }
    let mut early = large().finish();
    early[150] ^= 1;
    let error = read_layer(&early).unwrap_err();
    assert!(matches!(error, LayerError::Archive(_)), "{error}");
    let limits = Limits { ratio_floor: 2 << 20, ratio: 1, ..Limits::default() };
    let zeros = TarBuilder::default().file("zeros", vec![0; 4 << 20]).finish();
    let stored = gzip(&zeros);
    let error = read(stored.as_slice(), &descriptor(&stored, &zeros), &limits).unwrap_err();
    assert_eq!(error.to_string(), "layer is over a limit: more than 2097152 bytes when unpacked");
}

#[test]
fn bombs_stop_at_the_limit() {
    let archive = TarBuilder::default().file("zeros", vec![0; 4 << 20]).finish();
    let stored = gzip(&archive);
    let error = read(stored.as_slice(), &descriptor(&stored, &archive), &small_limits()).unwrap_err();
    assert_eq!(error.to_string(), "layer is over a limit: more than 1048576 bytes when unpacked");
    let many = (0..20).fold(TarBuilder::default(), |tar, n| tar.file(&n.to_string(), "")).finish();
    let limits = Limits { entries: 10, ..Limits::default() };
    let error = read(many.as_slice(), &descriptor(&many, &many), &limits).unwrap_err();
    assert_eq!(error.to_string(), "layer is over a limit: more than 10 entries");
    let kept = Limits { kept: 100, ..Limits::default() };
    let error = read(many.as_slice(), &descriptor(&many, &many), &kept).unwrap_err();
    assert!(matches!(error, LayerError::OverLimit(_)), "{error}");
}

#[test]
fn a_database_over_the_limit_is_unreadable_and_the_rest_is_read() {
    let archive = TarBuilder::default()
        .file(STATUS, status(&["a 1"]).repeat(50))
        .file("p/x-1.dist-info/METADATA", metadata("x", "1"))
        .finish();
    let limits = Limits { database: 1000, ..Limits::default() };
    let contents = read(archive.as_slice(), &descriptor(&archive, &archive), &limits).unwrap();
    assert_eq!(contents.package_count(), 1);
    assert!(format!("{contents:?}").contains("larger than 1000 bytes"));
}

fn long_path() -> String {
    format!("{}/x-1.dist-info/METADATA", "d".repeat(150))
}

fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let length = (1..).find(|n: &usize| n.to_string().len() + rest.len() == *n).unwrap();
    format!("{length}{rest}").into_bytes()
}

#[test]
fn long_names_of_all_kinds_are_read() {
    let body = metadata("x", "1");
    let path = long_path();
    let gnu = TarBuilder::default()
        .entry(b'L', b"././@LongLink", b"", format!("{path}\0").as_bytes())
        .file("cut", &body);
    let pax = TarBuilder::default()
        .entry(b'g', b"global", b"", &pax_record("path", "no"))
        .entry(b'x', b"PaxHeaders/x", b"", &pax_record("path", &path))
        .file("cut", &body);
    let mut header: [u8; 512] =
        TarBuilder::default().file("x-1.dist-info/METADATA", &body).finish()[..512].try_into().unwrap();
    header[345..345 + 150].fill(b'd');
    seal(&mut header);
    let mut padded = body.clone().into_bytes();
    padded.resize(512, 0);
    let ustar = TarBuilder::default().raw(&header).raw(&padded);
    for archive in [gnu, pax, ustar] {
        let contents = read_layer(&archive.finish()).unwrap();
        assert_eq!(contents.files[0].path.display(), path);
    }
    let error =
        read_layer(&TarBuilder::default().entry(b'L', b"x", b"", &[b'a'; 5000]).file("x", "").finish());
    assert!(matches!(error, Err(LayerError::OverLimit(_))));
}

#[test]
fn a_pax_size_rules_and_sparse_files_are_passed_over() {
    let mut header: [u8; 512] =
        TarBuilder::default().file("p/x-1.dist-info/METADATA", "").finish()[..512].try_into().unwrap();
    header[124..136].copy_from_slice(b"00000000000\0");
    seal(&mut header);
    let body = metadata("x", "1");
    let mut padded = body.clone().into_bytes();
    padded.resize(512, 0);
    let archive = TarBuilder::default()
        .entry(b'x', b"x", b"", &pax_record("size", &body.len().to_string()))
        .raw(&header)
        .raw(&padded);
    let mut sparse: [u8; 512] =
        TarBuilder::default().entry(b'S', b"var/log/lastlog", b"", &[7; 512]).finish()[..512]
            .try_into()
            .unwrap();
    sparse[482] = 1;
    seal(&mut sparse);
    let archive = archive
        .raw(&sparse)
        .raw(&[0; 512])
        .raw(&[7; 512])
        .file("p/y-1.dist-info/METADATA", metadata("y", "1"));
    assert_eq!(read_layer(&archive.finish()).unwrap().package_count(), 2);
}

#[test]
fn paths_that_lead_elsewhere_lead_nowhere() {
    let archive = TarBuilder::default()
        .symlink("loop", "loop")
        .symlink("out", "../../../etc")
        .file("out/passwd", "x")
        .file("/../../p/x-1.dist-info/METADATA", metadata("x", "1"))
        .symlink("p/y-1.dist-info/METADATA", "/etc/shadow")
        .hard_link("p/z-1.dist-info/METADATA", "../../etc/shadow")
        .hard_link("p/w-1.dist-info/METADATA", "p/x-1.dist-info/METADATA")
        .finish();
    let contents = read_layer(&archive).unwrap();
    let paths: Vec<String> = contents.files.iter().map(|file| file.path.display()).collect();
    let expected = ["w", "x", "y", "z"].map(|name| format!("p/{name}-1.dist-info/METADATA"));
    assert_eq!(paths, expected);
    assert_eq!(contents.package_count(), 2);
    let text = format!("{contents:?}");
    assert!(text.contains("a symbolic link to /etc/shadow, not followed"), "{text}");
    assert!(text.contains("a hard link to etc/shadow, which was not kept"), "{text}");
}

#[test]
fn what_is_no_archive_is_an_error() {
    for bytes in [vec![b'x'; 2000], [vec![0; 512], vec![1; 512]].concat()] {
        assert!(matches!(read_layer(&bytes), Err(LayerError::Archive(_))));
    }
    assert_eq!(read_layer(b"").unwrap(), LayerContents::default());
    let bad = gzip(b"not a tar archive, though well compressed");
    let error = read(bad.as_slice(), &descriptor(&bad, b""), &Limits::default()).unwrap_err();
    assert!(matches!(error, LayerError::Truncated(_) | LayerError::Archive(_)), "{error}");
}

#[test]
fn programs_are_known_by_what_they_hold_whatever_they_are_called() {
    let info = crate::gobuild::tests::inline("go1.21.5", "mod\tm.example/tool\tv1.0.0\n");
    let program = crate::program::tests::elf(&[(".go.buildinfo", &info)]);
    // One that does not fit into memory.
    let mut large = program.clone();
    large.resize(9 << 20, 7);
    let archive = TarBuilder::default()
        .file("usr/local/bin/tool", &program)
        .file("opt/no-name", &large)
        .file("opt/small", &program[..1000])
        .file("opt/text", vec![b'x'; 10_000])
        .finish();
    let contents = read_layer(&archive).unwrap();
    let found: Vec<(String, usize)> = contents
        .files
        .iter()
        .map(|file| match &file.content {
            Content::Packages { reading, .. } => (file.path.display(), reading.packages.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [("opt/no-name".to_owned(), 2), ("usr/local/bin/tool".to_owned(), 2)]);
    let limits = Limits { spooled: 5 << 20, ..Limits::default() };
    let contents = read(archive.as_slice(), &descriptor(&archive, &archive), &limits).unwrap();
    assert!(format!("{contents:?}").contains("larger than 5242880 bytes"), "{contents:?}");
}

#[test]
fn ten_thousand_jars_of_one_layer_are_read_one_after_the_other() {
    let jar = |n: usize| crate::java::tests::Jar::default().maven("a.b", &format!("c{n}"), "1").finish();
    let archive = (0..10_000).fold(TarBuilder::default(), |tar, n| tar.file(&format!("lib/{n}.jar"), jar(n)));
    assert_eq!(read_layer(&archive.finish()).unwrap().package_count(), 10_000);
}

#[test]
fn contents_survive_the_cache() {
    let contents = read_layer(&sample()).unwrap();
    let bytes = contents.to_bytes().unwrap();
    assert_eq!(LayerContents::from_bytes(&bytes).unwrap(), contents);
    let mut other = bytes.clone();
    other[12] ^= 1;
    assert_eq!(LayerContents::from_bytes(&other), Err(CacheError::OtherVersion));
    assert!(matches!(LayerContents::from_bytes(&bytes[..bytes.len() - 1]), Err(CacheError::Damaged(_))));
    assert!(LayerContents::from_bytes(b"").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = read_layer(&bytes);
        let _ = LayerContents::from_bytes(&bytes);
    }

    #[test]
    fn a_bent_archive_never_panics(at in 0_usize..4000, value in any::<u8>(), reseal in any::<bool>()) {
        let mut archive = sample();
        archive[at] = value;
        if reseal {
            let start = at / 512 * 512;
            let header: &mut [u8; 512] = (&mut archive[start..start + 512]).try_into().unwrap();
            seal(header);
        }
        let _ = read_layer(&archive);
    }

    #[test]
    fn a_bent_cache_entry_never_panics(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut bytes = read_layer(&sample()).unwrap().to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = LayerContents::from_bytes(&bytes);
    }
}
