//! Artifacts.

use std::collections::BTreeSet;

use parapet_model::{Digest, EnterpriseProjectNo, FOREVER, Scope};
use parapet_store::artifacts::{Artifact, NewArtifact};
use serde_json::json;
use uuid::Uuid;

use crate::support::{TestStore, on_both_stores};
use crate::{claim, enqueue, finish, job, scan, scope};

async fn add(t: &TestStore, scope: &Scope, job: u32, path: &str, expires: i64) -> Artifact {
    let provenance = json!({ "seq": 7, "filter": "severity >= high" });
    let new = NewArtifact {
        scope,
        job,
        file_name: "findings.csv",
        size: 5_000_000_000,
        sha256: Digest::of(b"content"),
        media_type: "text/csv",
        path,
        provenance: &provenance,
        expires,
    };
    let mut tx = t.store.begin().await.unwrap();
    let made = tx.create_artifact(&new).await.unwrap();
    tx.commit().await.unwrap();
    made
}

#[test]
fn an_artifact_is_kept_whole_and_seen_only_by_who_sees_its_content() {
    on_both_stores(async |t: TestStore| {
        let all = scope();
        let (mine, theirs) =
            (all.narrow(EnterpriseProjectNo(1)).unwrap(), all.narrow(EnterpriseProjectNo(2)).unwrap());
        let no = enqueue(&t.store, &scan(&all)).await.no();
        let of_all = add(&t, &all, no, "a", FOREVER).await;
        let of_mine = add(&t, &mine, no, "b", FOREVER).await;

        let mut read = t.store.read().await.unwrap();
        let found = read.artifact(&all, &of_all.uuid).await.unwrap().unwrap();
        assert_eq!((found.size, found.sha256, found.job), (5_000_000_000, Digest::of(b"content"), no));
        assert_eq!((found.file_name.as_str(), found.media_type.as_str()), ("findings.csv", "text/csv"));
        assert_eq!(found.provenance.get(), r#"{"filter":"severity >= high","seq":7}"#);
        for (scope, seen) in [(&all, vec!["b", "a"]), (&mine, vec!["b"]), (&theirs, vec![])] {
            let (found, _) = read.artifacts(scope, u32::MAX, 10).await.unwrap();
            assert_eq!(found.iter().map(|a| a.path.as_str()).collect::<Vec<_>>(), seen);
        }
        assert!(read.artifact(&theirs, &of_mine.uuid).await.unwrap().is_none());
        assert!(read.artifact(&mine, &of_all.uuid).await.unwrap().is_none());
        assert_eq!(read.artifacts_of_job(&all, no).await.unwrap().len(), 2);
        let (first, next) = read.artifacts(&all, u32::MAX, 1).await.unwrap();
        assert_eq!((first[0].no, next), (of_mine.no, Some(of_mine.no)));
    });
}

#[test]
fn expired_artifacts_go_oldest_first_and_leave_the_paths_to_delete() {
    on_both_stores(async |t: TestStore| {
        let all = scope();
        let no = enqueue(&t.store, &scan(&all)).await.no();
        for (path, expires) in [("late", 300), ("early", 100), ("middle", 200), ("kept", FOREVER)] {
            add(&t, &all, no, path, expires).await;
        }
        let mut tx = t.store.begin().await.unwrap();
        let mut paths = tx.expire_artifacts(300, 2).await.unwrap();
        paths.sort();
        assert_eq!(paths, ["early", "middle"]);
        assert_eq!(tx.expire_artifacts(300, 2).await.unwrap(), ["late"]);
        assert!(tx.expire_artifacts(i64::MAX - 1, 2).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        let (left, _) = t.store.read().await.unwrap().artifacts(&all, u32::MAX, 10).await.unwrap();
        assert_eq!(left.len(), 1);
    });
}

#[test]
fn files_are_orphans_once_their_job_is_over_without_an_artifact() {
    on_both_stores(async |t: TestStore| {
        let all = scope();
        let mut jobs = Vec::new();
        for _ in 0..3 {
            let no = enqueue(&t.store, &scan(&all)).await.no();
            jobs.push(job(&t.store, no).await);
        }
        for _ in 0..2 {
            finish(&t.store, &claim(&t.store, "w").await.unwrap()).await;
        }
        add(&t, &all, jobs[0].no, "a", FOREVER).await;
        let asked = [jobs[0].uuid, jobs[1].uuid, jobs[2].uuid, Uuid::from_u128(0xdead)];
        let known = t.store.read().await.unwrap().jobs_with_files(&asked).await.unwrap();
        assert_eq!(known, BTreeSet::from([jobs[0].uuid, jobs[2].uuid]));
    });
}
