//! Workers, pauses, clock jumps and cancels in any order. Whatever happens, the effect of a job is
//! committed at most once, and exactly when it succeeded.

use std::collections::BTreeMap;

use parapet_model::job::{JobKind, JobState};
use parapet_store::jobs::{Beat, ClaimedJob, NewJob};
use parapet_store::{Error, Store};
use proptest::prelude::*;

use crate::support::{TestStore, on_both_stores};
use crate::{LEASE, claim, enqueue, job, scan, scope};

/// Workers hold on to what they claimed for as long as the steps let them: that is the pause.
const WORKERS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// Asks for work; keys repeat, so that work is wanted twice.
    Enqueue { key: u8, list: bool },
    /// The worker drops what it had in mind and claims something.
    Claim { worker: usize },
    /// The worker's job makes three children.
    Spawn { worker: usize, key: u8 },
    /// The worker commits its effect and ends the job.
    Finish { worker: usize },
    /// The worker says its job failed.
    Fail { worker: usize, retry: bool },
    /// The worker shows that it lives.
    Beat { worker: usize },
    /// Somebody cancels a job.
    Cancel { job: prop::sample::Index },
    /// The clock jumps, back as well.
    Jump { by: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let worker = 0..WORKERS;
    // Mostly just long enough for a lease to run out, so that paused workers come back too late.
    let by = prop_oneof![3 => Just(LEASE), 1 => -LEASE..2 * LEASE];
    prop_oneof![
        2 => (0_u8..6, any::<bool>()).prop_map(|(key, list)| Step::Enqueue { key, list }),
        6 => worker.clone().prop_map(|worker| Step::Claim { worker }),
        4 => (worker.clone(), 0_u8..6).prop_map(|(worker, key)| Step::Spawn { worker, key }),
        5 => worker.clone().prop_map(|worker| Step::Finish { worker }),
        1 => (worker.clone(), any::<bool>()).prop_map(|(worker, retry)| Step::Fail { worker, retry }),
        1 => worker.prop_map(|worker| Step::Beat { worker }),
        1 => any::<prop::sample::Index>().prop_map(|job| Step::Cancel { job }),
        4 => by.prop_map(|by| Step::Jump { by }),
    ]
}

/// What the test knows beside the store.
#[derive(Default)]
struct World {
    /// What each worker believes to hold.
    held: [Option<ClaimedJob>; WORKERS],
    /// The highest attempt claimed of each job.
    attempts: BTreeMap<u32, u32>,
    /// How often each job's effect was committed.
    effects: BTreeMap<u32, u32>,
    /// Jobs seen final, and as what: they stay so.
    ended: BTreeMap<u32, JobState>,
    newest: u32,
}

impl World {
    async fn take(&mut self, t: &TestStore, step: &Step) {
        let (store, home) = (&t.store, scope());
        match step {
            Step::Enqueue { key, list } => {
                let kind = if *list { JobKind::ListRegistry } else { JobKind::ScanImage };
                let dedup_key = &key.to_string();
                let made = enqueue(store, &NewJob { kind, dedup_key, ..scan(&home) }).await.no();
                self.newest = self.newest.max(made);
            }
            Step::Claim { worker } => {
                if let Some(claimed) = claim(store, "w").await {
                    let before = self.attempts.insert(claimed.attempt.job, claimed.attempt.number);
                    assert!(claimed.attempt.number > before.unwrap_or(0), "an attempt is claimed once");
                    self.held[*worker] = Some(claimed);
                }
            }
            Step::Spawn { worker, key } => {
                if let Some(claimed) = self.held[*worker].clone().filter(|c| c.kind == JobKind::ListRegistry)
                {
                    let mut tx = store.begin().await.unwrap();
                    if self.fenced(&claimed, tx.fence(claimed.attempt).await) {
                        for key in *key..key + 3 {
                            let (parent, dedup_key) = (Some(claimed.attempt.job), &key.to_string());
                            let new = NewJob { parent, dedup_key, ..scan(&home) };
                            self.newest = self.newest.max(tx.enqueue(&new).await.unwrap().no());
                        }
                        tx.commit().await.unwrap();
                    }
                }
            }
            Step::Finish { worker } => self.finish(store, *worker).await,
            Step::Fail { worker, retry } => {
                if let Some(claimed) = self.held[*worker].clone() {
                    let mut tx = store.begin().await.unwrap();
                    let at = retry.then(|| store.now() + 1);
                    if self.fenced(&claimed, tx.fail(claimed.attempt, "no", at).await) {
                        tx.commit().await.unwrap();
                    }
                }
            }
            Step::Beat { worker } => {
                if let Some(claimed) = &self.held[*worker] {
                    let beat = Beat { attempt: claimed.attempt, done: 1, total: 2 };
                    store.heartbeat(&[beat], store.now() + LEASE).await.unwrap();
                }
            }
            Step::Cancel { job: index } => {
                if self.newest > 0 {
                    let no = u32::try_from(index.index(self.newest as usize)).unwrap() + 1;
                    let uuid = job(store, no).await.uuid;
                    let mut tx = store.begin().await.unwrap();
                    tx.cancel_job(&home, &uuid).await.unwrap();
                    tx.commit().await.unwrap();
                    store.cancel_children().await.unwrap();
                }
            }
            Step::Jump { by } => t.clock.advance(*by),
        }
    }

    /// The worker writes its effect and ends its job in one transaction. It does not forget the job
    /// afterwards: a worker that tries twice must be refused as well.
    async fn finish(&mut self, store: &Store, worker: usize) {
        let Some(claimed) = self.held[worker].clone() else { return };
        let no = claimed.attempt.job;
        let mut tx = store.begin().await.unwrap();
        tx.set_meta(&format!("effect {no} {}", claimed.attempt.number), "done").await.unwrap();
        if self.fenced(&claimed, tx.finish(claimed.attempt, &()).await) {
            tx.commit().await.unwrap();
            *self.effects.entry(no).or_default() += 1;
        }
    }

    /// Whether the store let a worker go on. It never lets one whose attempt is not the newest.
    fn fenced(&self, claimed: &ClaimedJob, outcome: Result<(), Error>) -> bool {
        let newest = self.attempts.get(&claimed.attempt.job) == Some(&claimed.attempt.number);
        match outcome {
            Ok(()) => {
                assert!(newest, "an old attempt was let through");
                true
            }
            Err(Error::Fenced(no)) => {
                assert_eq!(no, claimed.attempt.job);
                false
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// What must hold after every step.
    async fn check(&mut self, store: &Store) {
        let mut read = store.read().await.unwrap();
        let (jobs, _) = read.jobs(&scope(), &Default::default(), u32::MAX, 1_000).await.unwrap();
        for job in &jobs {
            let effects = self.effects.get(&job.no).copied().unwrap_or(0);
            let written = (1..=job.attempt).map(|attempt| format!("effect {} {attempt}", job.no));
            let mut kept = 0;
            for name in written {
                kept += u32::from(read.meta(&name).await.unwrap().is_some());
            }
            assert!(effects <= 1 && kept == effects, "job {}: {effects} effects, {kept} kept", job.no);
            let ended_well = job.waiting || job.state == JobState::Succeeded;
            assert!(effects == 1 || !ended_well, "job {} ended without its effect", job.no);
            assert!(effects == 0 || ended_well || job.state == JobState::Cancelled, "job {}", job.no);
            let progress = read.job_progress(job.no).await.unwrap();
            assert!(!(job.waiting && job.state.is_final()), "children left behind");
            if job.waiting {
                assert!(job.state == JobState::Running && progress.ended() < progress.total());
            }
            if job.state == JobState::Succeeded {
                assert_eq!(progress.ended(), progress.total(), "job {} left its children behind", job.no);
            }
            if let Some(before) = self.ended.get(&job.no) {
                assert_eq!(*before, job.state, "job {} was over", job.no);
            }
            if job.state.is_final() {
                self.ended.insert(job.no, job.state);
            }
        }
    }

    /// Lets everything that is left run to its end: no job is ever stuck.
    async fn drain(&mut self, t: &TestStore) {
        t.clock.advance(1_000 * LEASE);
        while let Some(claimed) = claim(&t.store, "last").await {
            self.attempts.insert(claimed.attempt.job, claimed.attempt.number);
            self.held[0] = Some(claimed);
            self.finish(&t.store, 0).await;
            self.check(&t.store).await;
        }
        assert_eq!(self.ended.len(), self.newest as usize, "every job came to an end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_effect_of_a_job_is_committed_at_most_once(steps in prop::collection::vec(step(), 10..50)) {
        on_both_stores(async |t: TestStore| {
            let mut world = World::default();
            for step in &steps {
                world.take(&t, step).await;
                world.check(&t.store).await;
            }
            world.drain(&t).await;
        });
    }
}
