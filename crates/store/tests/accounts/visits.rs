//! Visits.

use parapet_model::ProjectNo;
use parapet_store::accounts::Visit;

use crate::support::{TestStore, on_both_stores};

#[test]
fn a_visit_is_kept_per_user_and_project_and_never_goes_back() {
    on_both_stores(async |t: TestStore| {
        let (here, there) = (ProjectNo(1), ProjectNo(2));
        let put = async |user: u32, visit: Visit| {
            let mut side = t.store.side().await.unwrap();
            side.put_visit(user, here, visit).await.unwrap();
            side.commit().await.unwrap();
        };
        let get =
            async |user: u32, project| t.store.read().await.unwrap().visit(user, project).await.unwrap();
        assert_eq!(get(7, here).await, None);
        let (first, second) = (Visit { since: 0, seen: 10 }, Visit { since: 10, seen: 90 });
        put(7, first).await;
        assert_eq!((get(7, here).await, get(7, there).await, get(8, here).await), (Some(first), None, None));
        put(7, second).await;
        put(7, first).await;
        assert_eq!(get(7, here).await, Some(second), "an answer that came late changes nothing");
    });
}
