//! Images that a profile leaves out, by regular expressions over their names.

use parapet_model::sensor::{EngineContainer, EngineImage};
use regex::{RegexSet, RegexSetBuilder};

use crate::error::{Error, Result};

/// Most expressions of a profile, and most bytes of one.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN: usize = 1000;
/// Most memory that the compiled expressions of a profile take, in bytes.
const MAX_COMPILED: usize = 4 << 20;

/// Compiled exclusions.
#[derive(Debug, Clone)]
pub(crate) struct Exclusions(RegexSet);

impl Exclusions {
    /// Compiles the expressions. They find their text anywhere in a name; `^` and `$` hold its ends.
    pub(super) fn new(patterns: &[String]) -> Result<Self> {
        if patterns.len() > MAX_PATTERNS || patterns.iter().any(|p| p.len() > MAX_PATTERN) {
            return Err(Error::Invalid(format!(
                "imageExclusionRegexList takes {MAX_PATTERNS} expressions of {MAX_PATTERN} bytes"
            )));
        }
        let set =
            RegexSetBuilder::new(patterns).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
        set.map(Self).map_err(|e| Error::Invalid(format!("imageExclusionRegexList: {e}")))
    }

    /// Leaves nothing out.
    pub(crate) fn none() -> Self {
        Self(RegexSet::empty())
    }

    /// Whether an image of a registry is left out, by its name there or with the registry before it.
    pub(crate) fn match_reference(&self, registry: &str, repository: &str, tag: &str) -> bool {
        !self.0.is_empty() && {
            let name = format!("{repository}:{tag}");
            self.0.is_match(&name) || self.0.is_match(&format!("{registry}/{name}"))
        }
    }

    /// Takes excluded images out, and the containers made from them.
    pub(super) fn apply(&self, images: &mut Vec<EngineImage>, containers: &mut Vec<EngineContainer>) {
        let excluded = |image: &EngineImage| image.names.iter().any(|name| self.0.is_match(name));
        let gone: Vec<EngineImage> = images.extract_if(.., |image| excluded(image)).collect();
        containers.retain(|container| {
            !self.0.is_match(&container.image_name)
                && !gone.iter().any(|image| {
                    image.digests.iter().any(|digest| container.image_digests.first() == Some(digest))
                })
        });
    }
}

#[cfg(test)]
mod tests {
    use parapet_model::Digest;

    use super::*;

    #[test]
    fn excluded_images_take_their_containers_with_them() {
        let image = |name: &str| EngineImage {
            id: name.to_owned(),
            digests: vec![Digest::of(name.as_bytes())],
            names: vec![name.to_owned()],
        };
        let container = |id: &str, image: &EngineImage| EngineContainer {
            id: id.to_owned(),
            image_digests: image.digests.clone(),
            ..EngineContainer::default()
        };
        let (shop, pause) = (image("reg.example/shop/web:1"), image("k8s.example/pause:3"));
        let mut containers = vec![container("a", &shop), container("b", &pause)];
        let mut images = vec![shop, pause];
        Exclusions::new(&["/pause:[0-9]+$".to_owned()]).unwrap().apply(&mut images, &mut containers);
        assert_eq!((images.len(), containers.len(), containers[0].id.as_str()), (1, 1, "a"));
        let registry = Exclusions::new(&["^shop/.*:dev$".to_owned(), "^reg.example/old".to_owned()]).unwrap();
        assert!(registry.match_reference("reg.example", "shop/web", "dev"));
        assert!(registry.match_reference("reg.example", "old/web", "1"));
        assert!(!registry.match_reference("reg.example", "shop/web", "1"));
        assert!(!Exclusions::none().match_reference("reg.example", "shop/web", "dev"));
        let mut all = images.clone();
        Exclusions::new(&[]).unwrap().apply(&mut all, &mut containers);
        assert_eq!(all, images);
    }

    #[test]
    fn expressions_that_are_wrong_or_too_large_are_refused() {
        for wrong in ["(", "a{1000}{1000}{1000}", &"a".repeat(1001)] {
            assert!(Exclusions::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(Exclusions::new(&vec!["a".to_owned(); 101]).is_err());
    }
}
