//! Control results as they stood at a past instant, by what was known then and by what is known now.

use parapet_model::compliance::{ControlPosture, ControlResult, ControlStatus};
use parapet_model::time::Millis;
use parapet_model::{ControlNo, ControlResultNo, PolicyNo};
use parapet_store::Store;
use parapet_store::compliance::{Past, ResultFilter};
use parapet_store::facts::AsOfClock;

use crate::compliance::{import, scope};
use crate::estate::PROJECT;
use crate::support::{TestStore, on_both_stores};

async fn then(store: &Store, at: Millis, clock: AsOfClock, filter: &ResultFilter) -> Vec<ControlResult> {
    let mut read = store.read().await.unwrap();
    let past = Past { at, clock };
    read.control_results_as_of(&scope(), filter, past, ControlResultNo(0), 1_000).await.unwrap()
}

/// Rule, status, value and when the host had been looked at last, in words.
async fn told(store: &Store, results: &[ControlResult]) -> Vec<String> {
    let mut read = store.read().await.unwrap();
    let mut out = Vec::new();
    for result in results {
        let control = read.control(PROJECT, result.identity.control).await.unwrap().unwrap();
        let found = read.evidence(&[result.evidence]).await.unwrap();
        let lines = found.values().next().map(|evidence| evidence.lines().join("|")).unwrap_or_default();
        out.push(format!("{} {} {lines} {}", control.rule, result.status.as_str(), result.evaluated));
    }
    out.sort_unstable();
    out
}

#[test]
fn what_was_known_is_told_as_it_was_known_and_what_was_seen_as_it_is_known_now() {
    use ControlStatus::{Fail, Pass};
    on_both_stores(async |t: TestStore| {
        let clock = async || t.store.head().await.unwrap().recorded;
        import(&t.store, "web", 1_000, &[("umask", Fail, "18"), ("shadow", Pass, "")]).await;
        let first = clock().await;
        t.clock.advance(1_000_000);
        import(&t.store, "web", 3_000, &[("umask", Pass, ""), ("sudo", Fail, "755")]).await;
        let second = clock().await;
        t.clock.advance(1_000_000);
        // It was looked at between the two, and this comes late.
        import(&t.store, "web", 2_000, &[("umask", Fail, "22"), ("shadow", Fail, "644")]).await;
        let third = clock().await;

        let all = ResultFilter::default();
        let known = async |at| {
            let results = then(&t.store, at, AsOfClock::Recorded, &all).await;
            told(&t.store, &results).await
        };
        assert!(known(first - 500_000).await.is_empty());
        let after_one = ["shadow pass nothing found 1000", "umask fail 18 1000"];
        assert_eq!(known(first).await, after_one);
        assert_eq!(known(second - 1).await, after_one);
        let after_two = ["sudo fail 755 3000", "umask pass nothing found 3000"];
        assert_eq!(known(second).await, after_two);
        assert_eq!(known(third).await, after_two, "what comes late changes nothing that holds");

        let seen = async |at| {
            let results = then(&t.store, at, AsOfClock::Hindsight, &all).await;
            told(&t.store, &results).await
        };
        assert!(seen(999).await.is_empty());
        assert_eq!(seen(1_999).await, after_one);
        assert_eq!(seen(2_500).await, ["shadow fail 644 2000", "umask fail 22 2000"]);
        assert_eq!(seen(3_000).await, after_two);

        // Conditions and instants are those of then.
        let failed = ResultFilter { postures: vec![ControlPosture::Failed], ..all.clone() };
        let results = then(&t.store, second - 1, AsOfClock::Recorded, &failed).await;
        assert_eq!(told(&t.store, &results).await, after_one[1..]);
        let summary = results[0].summary;
        assert_eq!((summary.first_failed, summary.last_failed, summary.first_passed), (1_000, 1_000, 0));
        let results = then(&t.store, third, AsOfClock::Recorded, &failed).await;
        assert_eq!(told(&t.store, &results).await, after_two[..1]);
        let late = ResultFilter { evaluated_since: Some(2_000), ..all.clone() };
        assert!(then(&t.store, first, AsOfClock::Recorded, &late).await.is_empty());
    });
}

#[test]
fn today_is_a_past_instant_too_and_a_host_that_is_gone_was_there() {
    use ControlStatus::{Fail, NotChecked, Pass};
    on_both_stores(async |t: TestStore| {
        for n in 0..12 {
            let status = if n % 3 == 0 { Pass } else { Fail };
            let host = format!("host-{n:02}");
            import(
                &t.store,
                &host,
                1_000 + n,
                &[("a", status, "1"), ("b", Fail, "2"), ("c", NotChecked, "")],
            )
            .await;
            import(&t.store, &host, 2_000 + n, &[("a", Fail, "3"), ("b", Fail, "2"), ("c", NotChecked, "")])
                .await;
        }
        let now = t.store.head().await.unwrap().recorded;
        let mut read = t.store.read().await.unwrap();
        let policy = read.policies(PROJECT, PolicyNo(0), 10).await.unwrap()[0].no;
        let control = read.controls(PROJECT, ControlNo(0), 10).await.unwrap()[0].no;
        for filter in [
            ResultFilter::default(),
            ResultFilter { without_posture: true, policy: Some(policy), ..ResultFilter::default() },
            ResultFilter {
                controls: parapet_store::compliance::Ranges::one(control.0),
                postures: vec![ControlPosture::Failed],
                ..ResultFilter::default()
            },
        ] {
            let live = read.control_results(&scope(), &filter, ControlResultNo(0), 1_000).await.unwrap();
            assert_eq!(then(&t.store, now, AsOfClock::Recorded, &filter).await, live);
            assert_eq!(then(&t.store, now, AsOfClock::Hindsight, &filter).await, live);
        }
        // Pages join without a gap.
        let past = Past { at: now, clock: AsOfClock::Recorded };
        let (mut after, mut numbers) = (ControlResultNo(0), Vec::new());
        let all = ResultFilter::default();
        loop {
            let page = read.control_results_as_of(&scope(), &all, past, after, 5).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.no;
            numbers.extend(page.iter().map(|result| result.no));
        }
        assert_eq!(numbers.len(), 24);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        drop(read);
        let host = then(&t.store, now, AsOfClock::Recorded, &all).await[0].identity.host;
        t.clock.advance(1_000);
        let mut tx = t.store.begin().await.unwrap();
        tx.delete_asset(host).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(then(&t.store, now, AsOfClock::Recorded, &all).await.len(), 24);
        let after = t.store.head().await.unwrap().recorded;
        assert_eq!(then(&t.store, after, AsOfClock::Recorded, &all).await.len(), 22);
    });
}
