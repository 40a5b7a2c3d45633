//! Exceptions and their versions.

use parapet_model::exception::{Asked, Exception, ExceptionState, Target, TargetKind};
use parapet_model::id::EnterpriseProjectNo;
use parapet_model::{AssetNo, ExceptionNo, FOREVER};
use parapet_store::Error;
use uuid::Uuid;

use crate::estate::PROJECT;
use crate::support::{TestStore, on_both_stores};

pub(crate) fn asked_for(title: &str, included: &[u32]) -> Exception {
    Exception {
        no: ExceptionNo(0),
        uuid: Uuid::nil(),
        project: PROJECT,
        enterprise_project: EnterpriseProjectNo(0),
        title: title.into(),
        reason: "risk_accepted".into(),
        comment: String::new(),
        target: Target {
            kind: TargetKind::Static,
            filter: None,
            included: included.iter().copied().map(AssetNo).collect(),
            excluded: vec![],
            vulnerabilities: vec!["CVE-1".into()],
        },
        start: 0,
        end: FOREVER,
        state: ExceptionState::Pending,
        requested_by: "ana".into(),
        requested_at: 7,
        decisions: vec![],
        asked: Asked::default(),
    }
}

#[test]
fn every_version_of_an_exception_is_kept() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let first = tx.put_exception(&asked_for("one", &[70_000, 3, 3])).await.unwrap();
        let second = tx.put_exception(&asked_for("two", &[])).await.unwrap();
        let made = tx.recorded();
        tx.commit().await.unwrap();
        assert_eq!(first.target.included, [3, 70_000].map(AssetNo));

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.put_exception(&first).await.unwrap(), first);
        assert_eq!(tx.commit().await.unwrap().rows, 0, "nothing changed");

        let mut approved = first.clone();
        approved.state = ExceptionState::Approved;
        let mut tx = t.store.begin().await.unwrap();
        tx.put_exception(&approved).await.unwrap();
        let at = tx.recorded();
        let seq = tx.commit().await.unwrap().seq;

        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.exception(PROJECT, &first.uuid).await.unwrap(), Some(approved.clone()));
        assert_eq!(
            read.exception_versions(first.no).await.unwrap(),
            [(made, first.clone()), (at, approved.clone())]
        );
        let page = read.exceptions(PROJECT, ExceptionNo(0), 1).await.unwrap();
        assert_eq!(page, [approved.clone()]);
        assert_eq!(read.exceptions(PROJECT, page[0].no, 9).await.unwrap(), [second]);
        assert_eq!(t.store.changes_since(seq - 1, 0).await.unwrap().unwrap().exceptions, [approved]);
    });
}

#[test]
fn another_projects_exception_is_not_found_or_changed() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let mine = tx.put_exception(&asked_for("mine", &[])).await.unwrap();
        let other = tx.ensure_project("other").await.unwrap().no;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.exception(other, &mine.uuid).await.unwrap(), None);
        assert_eq!(tx.exceptions(other, ExceptionNo(0), 9).await.unwrap(), []);
        let stolen = Exception { project: other, ..mine };
        assert!(matches!(tx.put_exception(&stolen).await, Err(Error::Invalid(_))));
        assert_eq!(tx.commit().await.unwrap().rows, 0);
    });
}
