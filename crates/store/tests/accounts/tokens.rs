//! Tokens.

use parapet_model::Digest;
use parapet_store::accounts::{Token, TokenScope};

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, add_user};

#[test]
fn a_token_holds_until_it_expires_or_is_ended_and_leaves_the_log_alone() {
    on_both_stores(async |t: TestStore| {
        let user = add_user(&t, "eve").await;
        let head = t.store.read().await.unwrap().head().await.unwrap();
        let token = |scope, expires| Token { user: user.no, user_epoch: 3, scope, issued: 10, expires };
        let (short, long) = (Digest::of(b"short"), Digest::of(b"long"));
        let mut side = t.store.side().await.unwrap();
        side.put_token(&short, &token(TokenScope::Project(DEFAULT), 100)).await.unwrap();
        side.put_token(&long, &token(TokenScope::Domain, 200)).await.unwrap();
        side.commit().await.unwrap();

        let mut read = t.store.read().await.unwrap();
        let found = read.token(&short, 99).await.unwrap();
        assert_eq!(found, Some(token(TokenScope::Project(DEFAULT), 100)));
        assert_eq!(read.token(&short, 100).await.unwrap(), None, "expired to the millisecond");
        assert_eq!(read.token(&long, 100).await.unwrap(), Some(token(TokenScope::Domain, 200)));
        assert_eq!(read.token(&Digest::of(b"guess"), 0).await.unwrap(), None);
        drop(read);

        let mut side = t.store.side().await.unwrap();
        assert_eq!(side.trim_tokens(100).await.unwrap(), 1);
        assert!(side.delete_token(&long).await.unwrap());
        assert!(!side.delete_token(&long).await.unwrap());
        side.commit().await.unwrap();
        assert_eq!(t.store.read().await.unwrap().head().await.unwrap(), head);
    });
}
