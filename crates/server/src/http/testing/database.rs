//! PostgreSQL for tests of the server, where one is named.

use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use parapet_store::StoreUrl;

/// A PostgreSQL database that goes away with the test.
pub(super) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A fresh one, when a server is named.
    pub(super) fn fresh() -> Option<Self> {
        static SAID: Once = Once::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(server) = std::env::var("PARAPET_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_POSTGRES must be set here");
            SAID.call_once(|| eprintln!("left out: PostgreSQL, set PARAPET_POSTGRES to a server's URL"));
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let database = Self { server, name: format!("parapet_server_{}_{number}", std::process::id()) };
        database.sql(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn sql(&self, statement: &str) {
        let done = Command::new("psql").args([&self.server, "-q", "-c", statement]).status();
        assert!(done.is_ok_and(|status| status.success()), "{statement}");
    }

    /// Its address.
    pub(super) fn url(&self) -> StoreUrl {
        let authority = self.server.find("://").map_or(0, |at| at + 3);
        let end = self.server[authority..].find('/').map_or(self.server.len(), |at| authority + at);
        StoreUrl::Postgres(format!("{}/{}", &self.server[..end], self.name))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let _ = Command::new("psql").args([&self.server, "-q", "-c", &drop]).status();
    }
}
