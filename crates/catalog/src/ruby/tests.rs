//! Specifications and lock files of gems.

use super::*;
use crate::testing::named;

#[test]
fn specifications_of_all_ages_name_their_gem() {
    let stub = "# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.15.4 x86_64-linux lib\n\nGem::Specification.new do |s|\n";
    let plain = "Gem::Specification.new do |s|\n  s.name = %q{rake}\n  s.name = \"rake\".freeze\n  \
                 s.version = Gem::Version.new(\"13.0.6\")\nend\n";
    let old = "Gem::Specification.new do |s|\n  s.name = 'rdoc'\n  s.version = '4.2.1'\n  s.date = '2015-12-22'\nend\n";
    assert_eq!(named(&read(stub.as_bytes())), ["nokogiri 1.15.4"]);
    assert_eq!(named(&read(plain.replace("  s.name = %q{rake}\n", "").as_bytes())), ["rake 13.0.6"]);
    assert_eq!(named(&read(old.as_bytes())), ["rdoc 4.2.1"]);
    assert!(read(b"Gem::Specification.new do |s|\n  s.name = NAME\nend\n").problem.is_some());
}

#[test]
fn gems_that_come_with_ruby_are_found_and_sources_are_not() {
    for path in [
        "usr/local/bundle/specifications/rails-7.0.4.gemspec",
        "usr/local/lib/ruby/gems/3.2.0/specifications/default/json-2.6.3.gemspec",
    ] {
        assert!(claims(path.as_bytes()), "{path}");
        assert!(database(path.as_bytes()).ends_with(b"/specifications"), "{path}");
    }
    for path in ["app/my.gemspec", "usr/local/bundle/gems/rails-7.0.4/rails.gemspec"] {
        assert!(!claims(path.as_bytes()), "{path}");
    }
    assert_eq!(tree(b"usr/local/bundle/specifications/a-1.gemspec"), b"usr/local/bundle/gems");
}

#[test]
fn a_lock_file_names_gems_of_registries_and_git_but_not_the_projects_own() {
    let text = "GIT\n  remote: https://git.example/x.git\n  revision: 0a\n  specs:\n    x (0.3.0)\n\n\
                PATH\n  remote: .\n  specs:\n    own (1.0.0)\n      rack (>= 2)\n\n\
                GEM\n  remote: https://rubygems.example/\n  specs:\n    nokogiri (1.15.4-x86_64-linux)\n      racc (~> 1.4)\n    \
                racc (1.7.1)\n    rails (7.1.0.beta1)\n\nPLATFORMS\n  x86_64-linux\n\nDEPENDENCIES\n  own!\n  x!\n\n\
                BUNDLED WITH\n   2.4.10\n";
    let reading = lock::read(text.as_bytes());
    assert_eq!(named(&reading), ["nokogiri 1.15.4", "racc 1.7.1", "rails 7.1.0.beta1", "x 0.3.0"]);
    assert_eq!(reading.problem, None);
    let conflict = "GEM\n  specs:\n<<<<<<< HEAD\n    a (1)\n=======\n    a (2)\n";
    assert!(lock::read(conflict.as_bytes()).problem.unwrap().contains("merge conflict"));
}
