//! Everything outbound: the one HTTP client, the OCI distribution client, feed downloads.
//!
//! No other crate opens a connection to somewhere else. What every exchange obeys (DESIGN,
//! *Security*; REVIEW F4) is therefore kept in one place:
//!
//! * the address is checked where it is *connected to*, so neither a name that resolves to a
//!   metadata service nor one that changes its mind between check and use gets through
//!   ([`AddressPolicy`]);
//! * redirects are followed by our own loop, at most five, never from https to http, and without
//!   credentials as soon as the origin changes;
//! * credentials go to the registry and to its token service, which must be the same site or
//!   listed, and nowhere else;
//! * every document has a size limit, every body a clock, every retry a bound;
//! * nothing is read from the environment: no proxy, no ambient credentials.
//!
//! Where to add things: another kind of outbound call is a module that takes a [`Client`]; another
//! registry service is a file in `registry/`.

mod address;
mod aws;
mod azure;
mod body;
mod bucket;
mod client;
mod docker_hub;
mod download;
mod engine;
mod environment;
mod error;
mod exchange;
mod google;
mod login;
mod mail;
mod names;
mod parapet;
mod reference;
mod registry;
mod retry;
mod tls;
mod webhook;

pub use address::AddressPolicy;
pub use aws::{AwsKeys, Ecr, EcrOptions};
pub use azure::{Acr, AcrOptions};
pub use bucket::{Bucket, BucketOptions, ObjectBody};
pub use client::{Client, ClientOptions};
pub use docker_hub::DockerHub;
pub use download::{Download, DownloadedFile, Validators, download};
pub use engine::Engine;
pub use environment::{Environment, Pause, TokioPause};
pub use error::FetchError;
pub use google::ServiceAccount;
pub use login::{Granted, Login, REFRESH_TOKEN_USER};
pub use mail::{MailFile, MailRelay, Recipients};
pub use names::{Names, SystemNames};
pub use parapet::ParapetServer;
pub use reference::{ImageReference, ReferenceError};
pub use registry::{Credentials, Pages, Registry, RegistryOptions, SharedLayerCache};
pub use retry::RetryPolicy;
pub use webhook::Webhook;
