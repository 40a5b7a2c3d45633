//! Documents as registries send them, sound and otherwise.

use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn descriptor(media_type: &str, more: &str) -> String {
    format!("{{\"mediaType\":\"{media_type}\",\"digest\":\"{DIGEST}\",\"size\":1{more}}}")
}

fn manifest(layers: &[String]) -> String {
    format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"config\":{},\"layers\":[{}]}}",
        media::OCI_MANIFEST,
        descriptor(media::OCI_CONFIG, ""),
        layers.join(",")
    )
}

fn parsed(text: &str) -> Result<Document, OciError> {
    Document::parse(text.as_bytes(), None)
}

fn config(layers: usize) -> ImageConfig {
    let ids = vec![format!("\"{DIGEST}\""); layers].join(",");
    let text = format!(
        "{{\"created\":\"2026-01-01T00:00:00Z\",\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\",\
         \"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{ids}]}},\"config\":{{\"Labels\":null}}}}"
    );
    ImageConfig::parse(text.as_bytes()).unwrap()
}

fn described(layer_type: &str) -> Result<ImageDescription, OciError> {
    let Document::Manifest(manifest) = parsed(&manifest(&[descriptor(layer_type, "")])).unwrap() else {
        panic!("no manifest")
    };
    describe(Vec::new(), &manifest, config(1))
}

#[test]
fn a_manifest_and_its_config_describe_an_image() {
    let image = described(media::DOCKER_LAYER_GZIP).unwrap();
    assert_eq!(image.facts.platform, "linux/arm64/v8");
    assert_eq!((image.facts.size, image.facts.created), (1, 1_767_225_600_000));
    assert_eq!(image.layers.len(), 1);
}

#[test]
fn a_manifest_of_too_many_layers_says_so() {
    let layers = vec![descriptor(media::OCI_LAYER_GZIP, ""); 1_001];
    assert_eq!(parsed(&manifest(&layers)), Err(OciError::TooManyLayers(1_001)));
    let many = manifest(&vec![descriptor(media::OCI_LAYER_GZIP, ""); 20_000]);
    assert_eq!(parsed(&many).unwrap_err().to_string(), "manifest of 20000 layers; the limit is 1000");
    let huge = manifest(&vec![descriptor(media::OCI_LAYER_GZIP, ""); 100_000]);
    let error = parsed(&huge).unwrap_err().to_string();
    assert!(error.ends_with("bytes; the limit is 4194304"), "{error}");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let schema_one = "{\"schemaVersion\":1,\"fsLayers\":[]}";
    assert_eq!(parsed(schema_one), Err(OciError::SchemaOne));
    assert!(matches!(parsed("{\"schemaVersion\":2}"), Err(OciError::NotAManifest(_))));
    let deep = format!("{{\"config\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(parsed(&deep), Err(OciError::Malformed { .. })));
    assert!(parsed("").is_err());
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    assert!(matches!(described(foreign), Err(OciError::ForeignLayer(_))));
    assert!(matches!(described("application/json"), Err(OciError::UnknownLayer { .. })));
    let chart = manifest(&[]).replace(media::OCI_CONFIG, "application/vnd.cncf.helm.config.v1+json");
    let Ok(Document::Manifest(chart)) = parsed(&chart) else { panic!("no manifest") };
    assert!(matches!(chart.require_image(), Err(OciError::NotAnImage(_))));
    assert!(matches!(
        describe(Vec::new(), &chart, config(2)),
        Err(OciError::LayerCount { layers: 0, diff_ids: 2 })
    ));
}

fn index(entries: &[String]) -> Index {
    let text = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[{}]}}",
        media::OCI_INDEX,
        entries.join(",")
    );
    match parsed(&text) {
        Ok(Document::Index(index)) => index,
        other => panic!("{other:?}"),
    }
}

fn for_platform(os: &str, architecture: &str, variant: &str) -> String {
    let platform = format!(
        ",\"platform\":{{\"os\":\"{os}\",\"architecture\":\"{architecture}\",\"variant\":\"{variant}\"}}"
    );
    descriptor(media::OCI_MANIFEST, &platform)
}

#[test]
fn the_platform_decides_and_attestations_are_passed_over() {
    let index = index(&[
        for_platform("unknown", "unknown", ""),
        for_platform("linux", "arm", "v6"),
        for_platform("linux", "arm", "v7"),
        for_platform("linux", "arm64", "v8"),
    ]);
    let choose = |platform: &str| {
        let wanted = platform.parse().unwrap();
        index.choose(&wanted).map(|d| d.platform.as_ref().unwrap().to_string())
    };
    assert_eq!(choose("linux/arm64").unwrap(), "linux/arm64/v8");
    assert_eq!(choose("linux/arm64/v8").unwrap(), "linux/arm64/v8");
    assert_eq!(choose("linux/arm").unwrap(), "linux/arm/v6");
    assert_eq!(choose("linux/arm/v7").unwrap(), "linux/arm/v7");
    assert_eq!(
        choose("linux/s390x").unwrap_err().to_string(),
        "no manifest for platform linux/s390x; available: linux/arm/v6, linux/arm/v7, linux/arm64/v8"
    );
    for bad in ["", "linux", "linux/", "a/b/c/d", "/x"] {
        assert!(bad.parse::<Platform>().is_err(), "{bad}");
    }
}

#[test]
fn a_lone_manifest_without_platform_stands_for_any() {
    let index = index(&[descriptor(media::DOCKER_MANIFEST, ""), for_platform("unknown", "unknown", "")]);
    assert!(index.choose(&Platform::default()).is_ok());
}
