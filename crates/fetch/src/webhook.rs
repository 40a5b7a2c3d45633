//! A webhook: an event as JSON, posted to an address of the owner's, signed so that the receiver knows
//! whose it is.
//!
//! `X-Parapet-Signature: t=SECONDS,v1=HEX` is HMAC-SHA256 over `SECONDS.BODY` with the shared key: the
//! instant is signed too, so that an old event cannot be played again later.

use reqwest::header::CONTENT_TYPE;
use ring::hmac;
use url::Url;

use crate::body::Response;
use crate::client::Client;
use crate::error::FetchError;
use crate::exchange::transport_error;

/// Where events go.
#[derive(Clone)]
pub struct Webhook {
    client: Client,
    url: Url,
    key: hmac::Key,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook at `url`, signed with `key`.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] for an address that cannot be asked, [`FetchError::ForbiddenAddress`] for
    /// one that must not.
    pub fn new(client: &Client, url: &str, key: &[u8]) -> Result<Self, FetchError> {
        let bad = |_| FetchError::BadUrl { url: "the webhook".to_owned(), why: "it is no address" };
        let url = Url::parse(url).map_err(bad)?;
        client.check(&url)?;
        Ok(Self { client: client.clone(), url, key: hmac::Key::new(hmac::HMAC_SHA256, key) })
    }

    /// Sends an event once. `delivery` is the same however often an event is sent; `seconds` is now.
    /// Redirects are not followed.
    ///
    /// # Errors
    /// [`FetchError`] for everything but a status of 2xx.
    pub async fn send(
        &self,
        event: &str,
        delivery: &str,
        seconds: i64,
        body: &[u8],
    ) -> Result<(), FetchError> {
        let sent = self.client.http().post(self.url.clone());
        let sent = sent
            .header(CONTENT_TYPE, "application/json")
            .header("X-Parapet-Event", event)
            .header("X-Parapet-Delivery", delivery)
            .header("X-Parapet-Signature", self.signature(seconds, body))
            .body(body.to_vec())
            .send()
            .await;
        let response = sent.map_err(|error| transport_error(&self.url, error))?;
        let response = Response::new(response, self.url.clone(), true, None);
        match response.status().is_success() {
            true => Ok(()),
            false => Err(response.into_error("webhook").await),
        }
    }

    fn signature(&self, seconds: i64, body: &[u8]) -> String {
        let mut text = format!("{seconds}.").into_bytes();
        text.extend_from_slice(body);
        format!("t={seconds},v1={}", hex::encode(hmac::sign(&self.key, &text).as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientOptions;
    use crate::environment::Environment;

    #[test]
    fn a_signature_is_over_instant_and_body() {
        let client = Client::new(ClientOptions::default(), Environment::system()).unwrap();
        let hook = Webhook::new(&client, "https://hooks.example/x", b"key").unwrap();
        // printf '7.{}' | openssl dgst -sha256 -hmac key
        let expected = "t=7,v1=77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8";
        assert_eq!(hook.signature(7, b"{}"), expected);
        assert_ne!(hook.signature(8, b"{}")[4..], expected[4..]);
        for bad in ["nonsense", "ftp://hooks.example/", "http://169.254.169.254/"] {
            assert!(Webhook::new(&client, bad, b"key").is_err(), "{bad}");
        }
    }
}
