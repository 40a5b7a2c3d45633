//! Why a question finds nothing.

use std::collections::BTreeSet;

use parapet_model::filter::{Field, Op};
use parapet_model::{Coverage, Filter, Millis, Permission};
use parapet_posture::{Query, Snapshot};

use super::params::Group;
use super::with_fix;
use crate::link::Link;
use crate::parts::Empty;
use crate::question::{Question, asked, parts};
use crate::visitor::Visitor;

/// The reason, in the order in which a person would ask.
pub(super) fn why(
    snapshot: &Snapshot,
    visitor: &Visitor,
    question: &Question,
    group: Group,
    link: &Link,
    now: Millis,
) -> Empty {
    /// More terms are not tried one by one.
    const TRIED: usize = 8;
    let scope = visitor.principal().scope();
    let ask = |filter: &Filter| snapshot.asset_numbers(&Query::new(&scope, filter, now)).len();
    if let Some(nothing) = nothing_scanned(snapshot, visitor, now) {
        return nothing;
    }
    let terms = parts(&question.filter);
    if terms.is_empty() {
        let something = match group {
            Group::Fix => ask(&with_fix(&Filter::All).negate()) > 0,
            Group::Vulnerability | Group::Asset | Group::Package => false,
        };
        if something {
            return Empty::NoFix { findings: asked(&link.clone().with("group", ""), &Filter::All) };
        }
        let words = snapshot.coverage(&scope);
        let not_assessed =
            words.iter().filter(|(word, _)| **word != Coverage::Assessed).map(|(_, n)| n).sum();
        if not_assessed > 0 {
            let term = Filter::test(Field::Coverage, Op::Eq, Coverage::Assessed.as_str().to_owned()).negate();
            return Empty::NotAssessed { assets: asked(&Link::to("/assets"), &term), count: not_assessed };
        }
        return Empty::Clean { feeds: judges(snapshot) };
    }
    if group == Group::Fix && ask(&question.filter) > 0 {
        return Empty::NoFix { findings: asked(&link.clone().with("group", ""), &question.filter) };
    }
    let all = question.terms(link);
    let dead = terms.into_iter().zip(all).take(TRIED).filter(|(part, _)| ask(part) == 0);
    Empty::NothingMatches(dead.map(|(_, term)| term).collect())
}

/// That there is no asset yet, if so.
pub(crate) fn nothing_scanned(snapshot: &Snapshot, visitor: &Visitor, now: Millis) -> Option<Empty> {
    let scope = visitor.principal().scope();
    let assets = Filter::any_of(Field::Kind, ["image", "container", "host"].map(str::to_owned));
    let none = snapshot.asset_numbers(&Query::new(&scope, &assets, now)).is_empty();
    none.then(|| Empty::NothingScanned { may_begin: visitor.may(Permission::AssetsWrite) })
}

/// The feeds that judge what is there, with the dates of their data.
fn judges(snapshot: &Snapshot) -> Vec<String> {
    /// Feeds that are named.
    const NAMED: usize = 6;
    let feeds: BTreeSet<&String> = snapshot.ecosystems().iter().flat_map(|row| &row.feeds).collect();
    feeds.into_iter().take(NAMED).cloned().collect()
}
