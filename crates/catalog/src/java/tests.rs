//! Archives made by hand, sound and hostile.

use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;

/// Writes a ZIP archive.
#[derive(Default)]
pub(crate) struct Jar {
    file: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Jar {
    pub(crate) fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes.as_ref()).unwrap();
        let packed = encoder.finish().unwrap();
        self.member(name, 8, &packed, bytes.as_ref().len())
    }

    pub(crate) fn stored(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.member(name, 0, bytes.as_ref(), bytes.as_ref().len())
    }

    fn member(mut self, name: &str, method: u16, packed: &[u8], size: usize) -> Self {
        let at = self.file.len() as u32;
        let sizes = [[0; 4], (packed.len() as u32).to_le_bytes(), (size as u32).to_le_bytes()].concat();
        let head = |start: &[u8]| {
            let mut head = start.to_vec();
            head.extend([20, 0, 0, 0]);
            head.extend(method.to_le_bytes());
            head.extend([0; 4]);
            head.extend(&sizes);
            head.extend((name.len() as u16).to_le_bytes());
            head.extend([0, 0]);
            head
        };
        self.file.extend(head(b"PK\x03\x04"));
        self.file.extend([name.as_bytes(), packed].concat());
        self.directory.extend(head(b"PK\x01\x02\x14\0"));
        self.directory.extend([0; 10]);
        self.directory.extend(at.to_le_bytes());
        self.directory.extend_from_slice(name.as_bytes());
        self.entries += 1;
        self
    }

    pub(crate) fn maven(self, group: &str, artifact: &str, version: &str) -> Self {
        let text =
            format!("#Generated\n#Mon\ngroupId={group}\r\nartifactId={artifact}\nversion = {version}\n");
        self.file(&format!("META-INF/maven/{group}/{artifact}/pom.properties"), text)
    }

    pub(crate) fn manifest(self, lines: &str) -> Self {
        self.file("META-INF/MANIFEST.MF", format!("Manifest-Version: 1.0\r\n{lines}\r\n"))
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let (at, size) = (self.file.len() as u32, self.directory.len() as u32);
        self.file.extend(self.directory);
        self.file.extend(b"PK\x05\x06\0\0\0\0");
        self.file.extend([self.entries.to_le_bytes(), self.entries.to_le_bytes()].concat());
        self.file.extend([size.to_le_bytes(), at.to_le_bytes()].concat());
        self.file.extend([0, 0]);
        self.file
    }
}

fn jar() -> Jar {
    Jar::default()
}

fn read_jar(file: &[u8], name: &str) -> Reading {
    read(&file, format!("opt/app/{name}").as_bytes())
}

fn lines(reading: &Reading) -> Vec<String> {
    assert!(reading.packages.iter().all(|p| p.ecosystem == "Maven"));
    reading.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
}

#[test]
fn mavens_files_name_an_archive_and_all_that_is_shaded_into_it() {
    let file = jar()
        .manifest("Implementation-Title: other\r\nImplementation-Version: 9\r\n")
        .maven("org.example", "tool", "1.0")
        .maven("org.apache.logging.log4j", "log4j-core", "2.14.1")
        .maven("org.example", "unfilled", "${project.version}")
        .file("META-INF/maven/org.only/xml/pom.xml", "<project xmlns='x'><parent><version>3.1</version></parent><dependencies><dependency><version>9</version></dependency></dependencies></project>")
        .file("META-INF/maven/deep/er/x/pom.properties", "groupId=a\nartifactId=b\nversion=1\n")
        .finish();
    let reading = read_jar(&file, "renamed.jar");
    assert_eq!(
        lines(&reading),
        ["org.apache.logging.log4j:log4j-core 2.14.1", "org.example:tool 1.0", "org.only:xml 3.1"]
    );
    assert_eq!((reading.problem, reading.unknown), (None, None));
    // A program in front of the archive, as in executable ones.
    let executable = [b"#!/bin/sh\nexec java -jar $0\n", file.as_slice()].concat();
    assert_eq!(lines(&read_jar(&executable, "x.jar")).len(), 3);
}

#[test]
fn maven_files_of_any_size_are_read_to_their_end_up_to_the_limit() {
    let noise = |n: usize| (0..n).map(|i| char::from(b'a' + (i * i * 31 % 26) as u8)).collect::<String>();
    let read = |comment: &str, comment_of_archive: &str| {
        let said = format!("#{comment}\ngroupId=org.example\nartifactId=tool\nversion=1.0\n");
        let mut file = jar().file("META-INF/maven/org.example/tool/pom.properties", said).finish();
        let end = file.len() - 2;
        file[end..].copy_from_slice(&(comment_of_archive.len() as u16).to_le_bytes());
        file.extend(comment_of_archive.as_bytes());
        read_jar(&file, "tool.jar")
    };
    for size in [0, 1, 1000, 70_000, 1 << 20] {
        for comment in [noise(size), " ".repeat(size)] {
            assert_eq!(lines(&read(&comment, "")), ["org.example:tool 1.0"], "{size}");
        }
    }
    assert_eq!(lines(&read("", &noise(60_000))), ["org.example:tool 1.0"]);
    let problem = read(&" ".repeat(5 << 20), "").problem.unwrap();
    assert!(problem.contains("a member of more than 4194304 bytes"), "{problem}");
}

#[test]
fn archives_inside_of_archives_are_read_stored_or_deflated() {
    let library = jar().maven("org.example", "library", "2.0").finish();
    let module =
        jar().stored("WEB-INF/lib/library-2.0.jar", &library).maven("org.example", "web", "1.0").finish();
    let application =
        jar().file("web.war", &module).file("lib/other.jar", jar().maven("a.b", "c", "3").finish()).finish();
    let reading = read_jar(&application, "application.ear");
    assert_eq!(lines(&reading), ["a.b:c 3", "org.example:library 2.0", "org.example:web 1.0"]);
    assert_eq!((reading.problem, reading.unknown), (None, None));
}

#[test]
fn manifests_and_names_identify_what_maven_did_not_build() {
    let class = |path: &str| jar().file(path, "class");
    for (name, file, expected) in [
        (
            "spring-core-5.3.18.jar",
            class("org/springframework/core/A.class")
                .manifest("Implementation-Title: spring-core\r\nImplementation-Version: 5.3.18\r\nAutomatic-Module-Name: spring.core\r\n"),
            "org.springframework:spring-core 5.3.18",
        ),
        (
            "jackson-databind.jar",
            class("com/fasterxml/jackson/A.class").manifest(
                "Bundle-SymbolicName: com.fasterxml.jackson.core.jackson-data\r\n bind;x=y\r\nImplementation-Version: 2.9.8\r\n",
            ),
            "com.fasterxml.jackson.core:jackson-databind 2.9.8",
        ),
        (
            "log4j-core-2.14.1.jar",
            class("org/apache/logging/log4j/core/A.class")
                .manifest("Bundle-SymbolicName: org.apache.logging.log4j.core\r\nBundle-Version: 2.14.1\r\n"),
            "org.apache.logging.log4j:log4j-core 2.14.1",
        ),
        (
            "commons-fileupload-1.3.1.jar",
            class("org/apache/commons/fileupload/A.class").manifest("Implementation-Vendor-Id: org.apache\r\n"),
            "commons-fileupload:commons-fileupload 1.3.1",
        ),
        ("tool-1.2-rc3.jar", class("com/example/tool/A.class").file("com/example/tool/b/B.class", ""), "com.example.tool:tool 1.2-rc3"),
        (
            "app.jar",
            class("io/example/A.class").manifest("Implementation-Title: real-name\r\nImplementation-Version: 7.1\r\n"),
            "io.example:real-name 7.1",
        ),
    ] {
        let reading = read_jar(&file.finish(), name);
        assert_eq!((lines(&reading), reading.unknown), (vec![expected.to_owned()], None), "{name}");
    }
}

#[test]
fn what_does_not_say_what_it_is_is_noted_with_its_sum() {
    let file = jar().file("a/A.class", "class").finish();
    let reading = read_jar(&file, "app.jar");
    let sum = ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &file);
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(reading.unknown, Some(format!("app.jar SHA-1 {sum}")));
    // Without classes there is nothing to judge.
    assert_eq!(read_jar(&jar().file("a/text.properties", "x").finish(), "sources.jar"), Reading::default());
}

#[test]
fn bombs_and_endless_nesting_end() {
    let zeros = vec![0_u8; 16 << 20];
    let bomb = (0..6).fold(jar(), |jar, n| jar.file(&format!("{n}.jar"), &zeros)).finish();
    let reading = read_jar(&bomb, "bomb.jar");
    let problem = reading.problem.unwrap();
    assert!(problem.contains("(and 5 more)"), "{problem}");
    let one = jar().file("0.jar", vec![0_u8; 80 << 20]).finish();
    assert!(read_jar(&one, "bomb.jar").problem.unwrap().contains("too much to unpack"));
    // Ten thousand members that are one and the same, each with a directory.
    let inner = (0..500).fold(jar(), |jar, n| jar.stored(&format!("{n:0>400}"), "")).finish();
    let mut shared = jar().stored("0.jar", &inner);
    let entry = shared.directory.clone();
    (1..10_000).for_each(|_| shared.directory.extend(&entry));
    assert!(read_jar(&shared.finish(), "x.jar").problem.unwrap().contains("too much to read"));
    let mut deep = jar().maven("a.b", "c", "1").finish();
    for _ in 0..8 {
        deep = jar().stored("inner.jar", &deep).finish();
    }
    let reading = read_jar(&deep, "deep.jar");
    assert!(reading.packages.is_empty() && reading.problem.unwrap().contains("5 deep"));
    for file in [&b""[..], b"PK", b"PK\x05\x06", &bomb[..bomb.len() - 30]] {
        assert!(read_jar(file, "x.jar").problem.is_some());
    }
}

#[test]
fn ten_thousand_archives_inside_of_one_are_read() {
    let inner = |n: usize| jar().maven("org.example", &format!("a{n}"), "1").finish();
    let outer = (0..10_000).fold(jar(), |jar, n| jar.stored(&format!("lib/a{n}.jar"), inner(n))).finish();
    assert_eq!(read_jar(&outer, "app.jar").packages.len(), 10_000);
}

/// The archives of another program.
#[test]
fn archives_of_the_zip_crate_are_read() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default().large_file(true);
    writer.start_file("META-INF/maven/a.b/c/pom.properties", options).unwrap();
    writer.write_all(b"groupId=a.b\nartifactId=c\nversion=1\n").unwrap();
    writer.set_comment("a comment").unwrap();
    let file = writer.finish().unwrap().into_inner();
    assert_eq!(lines(&read_jar(&file, "x.jar")), ["a.b:c 1"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn bent_archives_never_panic(at in any::<prop::sample::Index>(), value in any::<[u8; 4]>(), cut in any::<prop::sample::Index>()) {
        let inner = jar().maven("a.b", "c", "1").file("a/A.class", "x").finish();
        let mut file = jar().file("x.jar", &inner).stored("y.jar", &inner).manifest("Bundle-Version: 1\r\n").finish();
        let place = at.index(file.len() - 4);
        file[place..place + 4].copy_from_slice(&value);
        let _ = read_jar(&file, "x.jar");
        file.truncate(cut.index(file.len()));
        let _ = read_jar(&file, "x.jar");
    }

    #[test]
    fn texts_of_all_kinds_never_panic(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200), name in "[a-z0-9.-]{0,20}") {
        let _ = (pom::properties(&bytes), pom::version(text.as_bytes()), pom::version(&bytes));
        let manifest = identity::Manifest::parse(&bytes);
        let _ = identity::of(&manifest, name.as_bytes(), &identity::Classes::default());
        let _ = read_jar(&jar().file("META-INF/MANIFEST.MF", &bytes).file("a/A.class", "").finish(), &name);
    }
}
