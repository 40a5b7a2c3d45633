//! Valid versions of each order, made to be mistaken: leading zeros, numbers beyond 64 bits, empty
//! parts, tildes, every permitted spelling.

use parapet_matching::Order;
use proptest::prelude::*;

pub(crate) fn version(order: Order) -> BoxedStrategy<String> {
    let strategy = match order {
        Order::Dpkg => dpkg(),
        Order::Apk => apk(),
        Order::Pep440 => pep440(),
        Order::Semver => semver(),
        Order::Npm => npm(),
        Order::Rpm => rpm(),
        Order::Gem => gem(),
        Order::Maven => maven(),
        Order::NuGet => nuget(),
        Order::Composer => composer(),
        Order::Pub => pub_dev(),
        Order::Numbers => joined(".", number(), 5).prop_map(|v| v.replacen(".", "-", v.len() % 2)).boxed(),
    };
    strategy.prop_filter("a valid version", move |v| order.parses(v)).boxed()
}

/// Versions on which the order is one. Maven's is not on all it reads: `a` comes before `.rc`, that
/// before `0`, and that before `a`. On numbers with at most one known word behind them it is.
pub(crate) fn lawful(order: Order) -> BoxedStrategy<String> {
    match order {
        Order::Maven => usual_maven(),
        _ => version(order),
    }
}

fn number() -> BoxedStrategy<String> {
    prop::sample::select(vec!["0", "00", "1", "01", "2", "9", "10", "100", "18446744073709551616"])
        .prop_map(str::to_owned)
        .boxed()
}

/// A number without leading zero.
fn plain_number() -> BoxedStrategy<String> {
    prop::sample::select(vec!["0", "1", "2", "9", "10", "18446744073709551616"])
        .prop_map(str::to_owned)
        .boxed()
}

/// Up to `max` of `tokens` in a row.
fn some_of(tokens: &'static [&'static str], max: usize) -> BoxedStrategy<String> {
    prop::collection::vec(prop::sample::select(tokens), 0..=max).prop_map(|v| v.concat()).boxed()
}

/// `part` with `before`, or nothing.
fn optional(before: &'static str, part: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), part.prop_map(move |p| format!("{before}{p}"))].boxed()
}

fn joined(separator: &'static str, part: BoxedStrategy<String>, max: usize) -> BoxedStrategy<String> {
    prop::collection::vec(part, 1..=max).prop_map(move |v| v.join(separator)).boxed()
}

fn concat<T: Strategy<Value = Vec<String>> + 'static>(parts: T) -> BoxedStrategy<String> {
    parts.prop_map(|v| v.concat()).boxed()
}

fn dpkg() -> BoxedStrategy<String> {
    const TOKENS: &[&str] =
        &["0", "00", "1", "9", "10", "a", "Z", "rc", "~", "~~", "+", ".", "-", "deb", "18446744073709551616"];
    const REVISION: &[&str] = &["0", "1", "01", "10", "a", "~", "+", ".", "ubuntu", "+b", "+deb12u", "+esm"];
    let epoch = prop::sample::select(vec!["", "", "0:", "00:", "1:", "2147483647:"]).prop_map(str::to_owned);
    (epoch, number(), some_of(TOKENS, 5), optional("-", some_of(REVISION, 4)))
        .prop_map(|(e, n, u, r)| format!("{e}{n}{u}{r}"))
        .boxed()
}

fn rpm() -> BoxedStrategy<String> {
    const TOKENS: &[&str] =
        &["0", "1", "09", "10", "a", "Z", "rc", "~", "^", "+", ".", "_", "..", "el9", "18446744073709551616"];
    let epoch = prop::sample::select(vec!["", "", "0:", "1:", "10:"]).prop_map(str::to_owned);
    // Always with a release: without one, rpm compares dependencies and not packages.
    (epoch, number(), some_of(TOKENS, 5), number(), some_of(TOKENS, 4))
        .prop_map(|(e, n, v, r, s)| format!("{e}{n}{v}-{r}{s}"))
        .boxed()
}

fn apk() -> BoxedStrategy<String> {
    let letter = prop::sample::select(vec!["", "", "a", "b", "z"]).prop_map(str::to_owned);
    let suffix = prop::sample::select(vec!["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"]);
    let suffix = (suffix, optional("", number())).prop_map(|(s, n)| format!("_{s}{n}")).boxed();
    let suffixes = prop::collection::vec(suffix, 0..3).prop_map(|v| v.concat());
    let hash = prop::sample::select(vec!["0", "abc123", "ff"]).prop_map(str::to_owned).boxed();
    (joined(".", number(), 4), letter, suffixes, optional("~", hash), optional("-r", number()))
        .prop_map(|(n, l, s, h, r)| format!("{n}{l}{s}{h}{r}"))
        .boxed()
}

fn pep440() -> BoxedStrategy<String> {
    let separator = || prop::sample::select(vec!["", "", ".", "-", "_"]);
    let part = move |words: &'static [&'static str]| {
        let word = prop::sample::select(words);
        let part = (separator(), word, separator(), optional("", number()));
        optional("", part.prop_map(|(a, w, b, n)| format!("{a}{w}{b}{n}")).boxed())
    };
    let pre = part(&["a", "b", "c", "rc", "alpha", "BETA", "pre", "preview"]);
    let post = prop_oneof![part(&["post", "rev", "r", "Post"]), number().prop_map(|n| format!("-{n}"))];
    let dev = part(&["dev", "DEV"]);
    let word = prop::sample::select(vec!["a", "B", "ubuntu", "1a"]).prop_map(str::to_owned);
    let local = joined(".", prop_oneof![word, number()].boxed(), 3);
    let epoch = prop::sample::select(vec!["", "", "v", "0!", "1!"]).prop_map(str::to_owned);
    concat(
        (epoch, joined(".", number(), 4), pre, post, dev, optional("+", local))
            .prop_map(|(e, r, pre, post, dev, local)| vec![e, r, pre, post, dev, local]),
    )
}

fn identifiers(number: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let word = prop::sample::select(vec!["a", "B", "rc", "0a", "-", "--1", "x-y"]).prop_map(str::to_owned);
    joined(".", prop_oneof![word, number].boxed(), 4)
}

fn semver() -> BoxedStrategy<String> {
    let v = prop::sample::select(vec!["", "v"]).prop_map(str::to_owned);
    let pre = optional("-", identifiers(plain_number()));
    let build = optional("+", identifiers(number()));
    concat((v, joined(".", plain_number(), 3), pre, build).prop_map(|(v, c, p, b)| vec![v, c, p, b]))
}

fn npm() -> BoxedStrategy<String> {
    let v = prop::sample::select(vec!["", "v", "=", "= v"]).prop_map(str::to_owned);
    let pre = prop_oneof![optional("-", identifiers(number())), Just("beta4".to_owned())];
    let build = optional("+", identifiers(number()));
    concat((v, joined(".", number(), 3), pre, build).prop_map(|(v, c, p, b)| vec![v, c, p, b]))
}

fn gem() -> BoxedStrategy<String> {
    const WORDS: &[&str] = &["a", "b", "B", "beta", "pre", "rc", "0a", "1b", "x9", "0", "0", "1", "10"];
    let word = prop::sample::select(WORDS).prop_map(str::to_owned).boxed();
    let tail = prop_oneof![optional(".", joined(".", word.clone(), 4)), optional("-", joined(".", word, 2))];
    (joined(".", number(), 4), tail).prop_map(|(n, t)| n + &t).boxed()
}

/// Beside well-formed versions any row of tokens: Maven reads everything.
fn maven() -> BoxedStrategy<String> {
    const TOKENS: &[&str] = &[
        "0",
        "00",
        "1",
        "2",
        "10",
        ".",
        ".",
        "-",
        "-",
        "a",
        "b",
        "m",
        "x",
        "_",
        "+",
        "rc",
        "CR",
        "alpha",
        "Beta",
        "milestone",
        "SNAPSHOT",
        "ga",
        "Final",
        "release",
        "sp",
        "jre",
        "2147483648",
        "18446744073709551616",
    ];
    prop_oneof![usual_maven(), some_of(TOKENS, 7)].boxed()
}

fn usual_maven() -> BoxedStrategy<String> {
    const WORDS: &[&str] = &[
        "-SNAPSHOT",
        "-alpha-1",
        "-beta2",
        "-RC1",
        "-rc-2",
        "-cr3",
        "-M1",
        ".Final",
        ".RELEASE",
        "-jre",
        "-1",
        "-sp1",
    ];
    (joined(".", number(), 4), some_of(WORDS, 1)).prop_map(|(n, w)| n + &w).boxed()
}

fn nuget() -> BoxedStrategy<String> {
    let pre = optional("-", identifiers(number()));
    let build = optional("+", identifiers(number()));
    concat((joined(".", number(), 4), pre, build).prop_map(|(c, p, b)| vec![c, p, b]))
}

fn pub_dev() -> BoxedStrategy<String> {
    let core = (plain_number(), plain_number(), number()).prop_map(|(a, b, c)| format!("{a}.{b}.{c}"));
    let pre = optional("-", identifiers(number()));
    let build = optional("+", identifiers(number()));
    concat((core, pre, build).prop_map(|(c, p, b)| vec![c, p, b]))
}

fn composer() -> BoxedStrategy<String> {
    let small = || {
        prop::sample::select(vec!["0", "00", "1", "01", "2", "9", "10", "99999"])
            .prop_map(str::to_owned)
            .boxed()
    };
    let separator = || prop::sample::select(vec!["", "", ".", "-", "_"]);
    let word = prop::sample::select(vec![
        "stable", "beta", "b", "RC", "rc", "alpha", "A", "patch", "pl", "p", "Beta",
    ]);
    let behind = (separator(), small()).prop_map(|(s, n)| format!("{}{n}", s.replace('_', "."))).boxed();
    let behind =
        prop_oneof![Just(String::new()), behind.clone(), (behind.clone(), behind).prop_map(|(a, b)| a + &b)];
    let modifier =
        optional("", (separator(), word, behind).prop_map(|(s, w, b)| format!("{s}{w}{b}")).boxed());
    let dev = prop::sample::select(vec!["", "", "", "-dev", ".dev", "dev"]).prop_map(str::to_owned).boxed();
    let v = prop::sample::select(vec!["", "", "v"]).prop_map(str::to_owned);
    let date = prop::sample::select(vec![
        "2010",
        "2010-01",
        "20100102",
        "2010.01.02",
        "2010-01-02-10",
        "2010-01-02-1",
        "201001021",
    ]);
    let core = prop_oneof![4 => joined(".", small(), 4), 1 => date.prop_map(str::to_owned)];
    let branch = prop::sample::select(vec!["1.x-dev", "1.0.x-dev", "2.*-dev", "v3.X-dev", "10.x.x-dev"])
        .prop_map(str::to_owned);
    let build = prop::sample::select(vec!["", "", "+5", "+a.b"]).prop_map(str::to_owned).boxed();
    let usual = concat((v, core, modifier, dev, build).prop_map(|(v, c, m, d, b)| vec![v, c, m, d, b]));
    prop_oneof![9 => usual, 1 => branch].boxed()
}
