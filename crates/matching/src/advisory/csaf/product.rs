//! The product tree: what a product id means. A product is a component on a platform; the platform
//! is a distribution's release where its CPE or name says so.

use std::collections::HashMap;

use super::purl::Purl;
use super::wire::{Branch, FullProductName, ProductTree, Relationship};
use crate::release::canonical;

/// Longest chain of relationships: package in module in product.
const MAX_CHAIN: usize = 4;

/// What a component is built as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Built {
    /// The source package.
    Source,
    /// A binary package of some architecture.
    Binary,
    /// It does not say.
    Unsaid,
}

/// A package as a document names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    /// Ecosystem of a language package; of a distribution's package the platform decides.
    pub(super) ecosystem: Option<&'static str>,
    pub(super) name: String,
    /// With its epoch; empty where the statement is about all versions.
    pub(super) version: String,
    pub(super) built: Built,
    /// Module and stream, or empty.
    pub(super) module: String,
}

/// A component and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    /// OSV's name of the platform's packages, or of the language.
    pub(super) ecosystem: String,
    pub(super) component: Component,
}

enum Named {
    /// A platform that is a release known here, or is not.
    Platform(Option<String>),
    Component(Component),
    /// A module of an RPM distribution.
    Module(String),
}

/// Product ids and what they mean.
pub(super) struct Products<'a> {
    named: HashMap<&'a str, Named>,
    /// Product and what it is part of.
    related: HashMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Products<'a> {
    pub(super) fn of(tree: &'a ProductTree<'a>) -> Self {
        let mut named = HashMap::new();
        let mut waiting: Vec<&Branch<'a>> = tree.branches.iter().collect();
        while let Some(branch) = waiting.pop() {
            if let Some(product) = &branch.product {
                named.insert(&*product.product_id, name(product, &branch.category, &branch.name));
            }
            waiting.extend(&branch.branches);
        }
        for product in &tree.full_product_names {
            named.insert(&*product.product_id, name(product, "", &product.name));
        }
        let pair = |r: &'a Relationship<'a>| {
            (&*r.full_product_name.product_id, (&*r.product_reference, &*r.relates_to_product_reference))
        };
        Self { named, related: tree.relationships.iter().map(pair).collect() }
    }

    /// The component and platform of an id; `None` when either is nothing that is known here. A
    /// platform alone is no component: a statement about it is not one about its packages.
    pub(super) fn resolve(&self, id: &str) -> Option<Product> {
        let Some((component, platform)) = self.related.get(id) else {
            let Named::Component(component) = self.named.get(id)? else { return None };
            // Without a platform only a language package says where it belongs.
            let ecosystem = component.ecosystem?.to_owned();
            return Some(Product { ecosystem, component: component.clone() });
        };
        let Named::Component(component) = self.named.get(component)? else { return None };
        let mut component = component.clone();
        let mut platform = *platform;
        for _ in 0..MAX_CHAIN {
            match (self.related.get(platform), self.named.get(platform)) {
                (Some((module, below)), _) => {
                    if let (Some(Named::Module(module)), true) =
                        (self.named.get(module), component.module.is_empty())
                    {
                        component.module.clone_from(module);
                    }
                    platform = below;
                }
                (None, Some(Named::Platform(Some(ecosystem)))) => {
                    // A language package inside a product is not that package everywhere.
                    let ecosystem = canonical(ecosystem).into_owned();
                    return component.ecosystem.is_none().then_some(Product { ecosystem, component });
                }
                _ => return None,
            }
        }
        None
    }
}

fn name(product: &FullProductName<'_>, category: &str, branch: &str) -> Named {
    let helper = product.product_identification_helper.as_ref();
    let purl = helper.map_or("", |helper| &helper.purl);
    let cpe = helper.map_or("", |helper| &helper.cpe);
    if let Some(purl) = Purl::parse(purl) {
        return of_purl(&purl);
    }
    if category == "product_version" && cpe.is_empty() {
        return Named::Component(of_name(branch));
    }
    Named::Platform(platform(cpe, &product.name))
}

fn of_purl(purl: &Purl) -> Named {
    if purl.kind == "rpmmod" {
        // `nodejs@16` or `nodejs@16:8070020230306170042:…`.
        return match purl.version.as_str() {
            "" => Named::Module(purl.name.clone()),
            version => Named::Module(format!("{}:{version}", purl.name)),
        };
    }
    let version = match purl.qualifier("epoch") {
        "" | "0" => purl.version.clone(),
        epoch => format!("{epoch}:{}", purl.version),
    };
    let built = match purl.qualifier("arch") {
        "" => Built::Unsaid,
        "src" | "source" | "nosrc" => Built::Source,
        _ => Built::Binary,
    };
    let (ecosystem, name) = match purl.language() {
        Some((ecosystem, name)) => (Some(ecosystem), name),
        None => (None, purl.name.clone()),
    };
    let module = purl.qualifier("rpmmod").to_owned();
    Named::Component(Component { ecosystem, name, version, built, module })
}

/// A package without a package URL: `openssl`, `nodejs:16/nodejs`,
/// `kernel-0:5.14.0-427.el9.x86_64`, `libopenssl3-3.1.4-150600.5.7.1.x86_64`.
fn of_name(text: &str) -> Component {
    let (module, text) = text.split_once('/').unwrap_or(("", text));
    let none = |name: &str| Component {
        ecosystem: None,
        name: name.to_owned(),
        version: String::new(),
        built: Built::Unsaid,
        module: module.to_owned(),
    };
    let Some((nevr, arch)) = text.rsplit_once('.').filter(|(_, arch)| ARCHITECTURES.contains(arch)) else {
        return none(text);
    };
    let Some((nev, release)) = nevr.rsplit_once('-') else { return none(text) };
    let Some((name, version)) = nev.rsplit_once('-') else { return none(text) };
    let version = version.strip_prefix("0:").unwrap_or(version);
    let built = if matches!(arch, "src" | "nosrc") { Built::Source } else { Built::Binary };
    Component { version: format!("{version}-{release}"), built, ..none(name) }
}

const ARCHITECTURES: [&str; 16] = [
    "noarch",
    "src",
    "nosrc",
    "x86_64",
    "i386",
    "i586",
    "i686",
    "aarch64",
    "armv7hl",
    "ppc",
    "ppc64",
    "ppc64le",
    "s390",
    "s390x",
    "riscv64",
    "loongarch64",
];

/// The ecosystem of a platform's packages: by CPE, for SUSE by name.
fn platform(cpe: &str, name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("SUSE ").filter(|_| is_of(cpe, "suse")) {
        return Some(format!("SUSE:{rest}"));
    }
    if let Some(rest) = name.strip_prefix("openSUSE ") {
        return Some(format!("openSUSE:{rest}"));
    }
    let parts = cpe_parts(cpe);
    let mut parts = parts.iter().map(String::as_str);
    let (vendor, product) = (parts.next()?, parts.next()?);
    let version = parts.next().filter(|v| !v.is_empty() && *v != "*" && *v != "-");
    let family = match (vendor, product) {
        ("redhat", _) => {
            let tail: Vec<&str> =
                [product, version?].into_iter().chain(parts).filter(|p| *p != "*").collect();
            return Some(format!("Red Hat:{}", tail.join(":").trim_end_matches(':')));
        }
        ("debian", "debian_linux") => "Debian",
        ("oracle", "linux") => "Oracle Linux",
        ("almalinux", "almalinux") => "AlmaLinux",
        ("rocky" | "resf", "rocky" | "rocky_linux") => "Rocky Linux",
        ("amazon", "linux" | "amazon_linux") => "Amazon Linux",
        ("openeuler", "openeuler") => return Some(format!("openEuler:{}", version?.to_ascii_uppercase())),
        _ => return None,
    };
    let major = version?.split('.').next()?;
    Some(format!("{family}:{major}"))
}

fn is_of(cpe: &str, vendor: &str) -> bool {
    cpe.is_empty() || cpe_parts(cpe).first().is_some_and(|v| v == vendor)
}

/// Vendor, product, version and the rest, of either binding of CPE.
fn cpe_parts(cpe: &str) -> Vec<String> {
    let rest = cpe.strip_prefix("cpe:/").or_else(|| cpe.strip_prefix("cpe:2.3:")).unwrap_or_default();
    rest.split(':').skip(1).map(|part| part.replace('\\', "").to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_told_by_cpe_and_sometimes_by_name() {
        for (cpe, name, ecosystem) in [
            ("cpe:/o:redhat:enterprise_linux:9::baseos", "", Some("Red Hat:enterprise_linux:9::baseos")),
            (
                "cpe:/o:redhat:enterprise_linux:9",
                "Red Hat Enterprise Linux 9",
                Some("Red Hat:enterprise_linux:9"),
            ),
            ("cpe:2.3:o:redhat:enterprise_linux:8:*:*:*:*:*:*:*", "", Some("Red Hat:enterprise_linux:8")),
            ("cpe:/a:redhat:satellite:6.15::el8", "", Some("Red Hat:satellite:6.15::el8")),
            ("cpe:/a:redhat", "Red Hat Products", None),
            (
                "cpe:/o:suse:sle-module-basesystem:15:sp6",
                "SUSE Linux Enterprise Module for Basesystem 15 SP6",
                Some("SUSE:Linux Enterprise Module for Basesystem 15 SP6"),
            ),
            ("cpe:/o:opensuse:leap:15.6", "openSUSE Leap 15.6", Some("openSUSE:Leap 15.6")),
            ("cpe:/o:oracle:linux:9", "", Some("Oracle Linux:9")),
            ("cpe:/a:acme:thing:1", "Thing", None),
            ("", "", None),
        ] {
            assert_eq!(platform(cpe, name).as_deref(), ecosystem, "{cpe} {name}");
        }
    }

    #[test]
    fn packages_are_told_by_name_where_there_is_no_url() {
        let component = of_name("kernel-rt-0:5.14.0-427.el9.x86_64");
        assert_eq!((component.name.as_str(), component.version.as_str()), ("kernel-rt", "5.14.0-427.el9"));
        let component = of_name("bind-32:9.16.23-1.el9.src");
        assert_eq!((component.version.as_str(), component.built), ("32:9.16.23-1.el9", Built::Source));
        let component = of_name("nodejs:16/nodejs");
        assert_eq!((component.name.as_str(), component.module.as_str()), ("nodejs", "nodejs:16"));
        assert_eq!(of_name("python3.11").name, "python3.11");
        assert_eq!(of_name("python3.11").version, "");
    }
}
