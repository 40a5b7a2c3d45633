//! Reports and their schedules.

use parapet_model::job::JobState;
use parapet_model::{Digest, EnterpriseProjectNo, FOREVER};
use parapet_store::artifacts::NewArtifact;
use parapet_store::jobs::NewJob;
use parapet_store::reports::NewReport;
use serde_json::json;

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, claim, enqueue, finish, scan, scope};

#[test]
fn a_report_shows_its_jobs_state_and_file_to_who_sees_its_content() {
    on_both_stores(async |t: TestStore| {
        let all = scope();
        let (mine, theirs) =
            (all.narrow(EnterpriseProjectNo(1)).unwrap(), all.narrow(EnterpriseProjectNo(2)).unwrap());
        let job = enqueue(&t.store, &scan(&mine)).await.no();
        let settings = json!({"name": "weekly"});
        let mut tx = t.store.begin().await.unwrap();
        let new = NewReport { scope: &mine, owner: "ann", job, schedule: 3, settings: &settings };
        let id = tx.create_report(&new).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        let report = read.report(&all, &id).await.unwrap().unwrap();
        assert_eq!(
            (report.state, report.file, report.schedule, report.ended),
            (JobState::Queued, None, 3, 0)
        );
        assert_eq!((report.owner.as_str(), report.settings.get()), ("ann", "{\"name\":\"weekly\"}"));
        assert!(read.report(&theirs, &id).await.unwrap().is_none());
        assert_eq!(read.reports(&mine, 10).await.unwrap().len(), 1);
        assert!(read.reports(&theirs, 10).await.unwrap().is_empty());
        assert_eq!(read.report_count(DEFAULT).await.unwrap(), 1);
        drop(read);

        let claimed = claim(&t.store, "w").await.unwrap();
        let new = NewArtifact {
            scope: &mine,
            job,
            file_name: "r.csv",
            size: 5_000_000_000,
            sha256: Digest::of(b"r"),
            media_type: "text/csv",
            path: "r",
            provenance: &settings,
            expires: 9_000_000,
        };
        let mut tx = t.store.begin().await.unwrap();
        tx.create_artifact(&new).await.unwrap();
        tx.commit().await.unwrap();
        finish(&t.store, &claimed).await;
        let report = t.store.read().await.unwrap().report(&all, &id).await.unwrap().unwrap();
        assert_eq!((report.state, report.file), (JobState::Succeeded, Some((5_000_000_000, 9_000_000))));
        assert!(report.result.is_some() && report.ended > 0 && report.job_uuid == claimed.uuid);

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.forget_reports(FOREVER, 10).await.unwrap(), 0, "its file is there");
        assert_eq!(tx.forget_jobs(FOREVER, 10).await.unwrap(), 0);
        assert_eq!(tx.delete_artifacts_of_job(job).await.unwrap(), ["r"]);
        assert_eq!(tx.forget_jobs(FOREVER, 10).await.unwrap(), 0, "a report names it");
        assert_eq!(tx.forget_reports(report.ended, 10).await.unwrap(), 0, "too young");
        assert_eq!(tx.forget_reports(report.ended + 1, 10).await.unwrap(), 1);
        assert_eq!(tx.forget_jobs(FOREVER, 10).await.unwrap(), 1);
        tx.commit().await.unwrap();
    });
}

#[test]
fn a_schedule_of_reports_is_kept_whole_and_found_when_due() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let (first, second) = (json!({"n": 1}), json!({"n": 2}));
        let mut tx = t.store.begin().await.unwrap();
        let id = tx.create_report_schedule(&home, "ann", &first, 5_000).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.due_report_schedules(4_999, 9).await.unwrap().is_empty());
        let due = tx.due_report_schedules(5_000, 9).await.unwrap().remove(0);
        assert_eq!((due.uuid, due.owner.as_str(), due.settings.get()), (id, "ann", "{\"n\":1}"));
        tx.update_report_schedule(due.no, &second, 7_000).await.unwrap();
        let changed = tx.report_schedule(&home, &id).await.unwrap().unwrap();
        assert_eq!((changed.settings.get(), changed.next_fire), ("{\"n\":2}", 7_000));
        assert!(changed.updated > changed.created);
        tx.set_next_report(due.no, FOREVER).await.unwrap();
        assert!(tx.due_report_schedules(FOREVER - 1, 9).await.unwrap().is_empty());
        assert_eq!(tx.report_schedules(&home, 0, 9).await.unwrap().len(), 1);
        let narrow = home.narrow(EnterpriseProjectNo(1)).unwrap();
        assert!(tx.report_schedules(&narrow, 0, 9).await.unwrap().is_empty());
        assert!(tx.report_schedule(&narrow, &id).await.unwrap().is_none());
        // The instant is unique among all schedules, whatever they schedule.
        let job = tx.enqueue(&NewJob { fired: Some((due.no, 5_000)), ..scan(&home) }).await.unwrap();
        let again = tx.enqueue(&NewJob { fired: Some((due.no, 5_000)), ..scan(&home) }).await.unwrap();
        assert_eq!(job.no(), again.no());
        tx.delete_report_schedule(due.no).await.unwrap();
        assert!(tx.report_schedule(&home, &id).await.unwrap().is_none());
        tx.commit().await.unwrap();
    });
}
