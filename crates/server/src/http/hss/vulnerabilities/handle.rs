//! `PUT vulnerability/status`: ignore, take back, verify, mark as repaired, put on the white list.

use axum::body::Bytes;
use axum::http::StatusCode;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, Permission};
use parapet_posture::Window;
use parapet_service::handling::{Handle, OnAssets};
use uuid::Uuid;

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::{Estate, Wanted};
use super::super::query::missing;
use super::super::{HssError, words};

/// Most pairs that *everything* may be.
const MAX_PAIRS: usize = 250_000;

/// Answers 200 with an empty body.
pub(super) async fn change(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExceptionsRequest).await?;
    let (what, on, remark) = estate.ask(move |estate| read(estate, &Fields::read(&body)?)).await?;
    match what {
        Operation::Handle(what) => state.app.handling().handle(&principal, what, &on, &remark).await?,
        Operation::Verify => {
            let came = state.app.host_scans().verify(&principal, &on).await?;
            if came.wished == 0 {
                return Err(match came.silent {
                    0 => HssError::not_sent("operate_type verify: none of the servers has a sensor"),
                    _ => HssError::agent_offline("operate_type verify: no sensor of the servers is heard of"),
                });
            }
        }
    }
    Ok(StatusCode::OK)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// A decision about it.
    Handle(Handle),
    /// A look whether it is still there.
    Verify,
}

fn read(estate: &Estate, body: &Fields) -> Result<(Operation, Vec<OnAssets>, String), HssError> {
    let what = operation(body.required_word("operate_type", &words::OPERATIONS)?)?;
    let remark = body.text("remark", 0..=512)?.unwrap_or_default().to_owned();
    let kind = body.word("type", &words::TYPES)?.unwrap_or("linux_vul");
    let everything = body.word("select_type", &["all_vul", "all_host"])?;
    body.text("backup_info_id", 1..=128)?;
    body.objects("custom_backup_hosts", 1..=50)?;
    let by_vulnerability = body.objects("data_list", 1..=500)?;
    let by_host = body.objects("host_data_list", 1..=500)?;
    let on = match (everything, by_vulnerability.as_slice(), by_host.as_slice()) {
        (Some(_), [], []) => all(estate, kind, what)?,
        (Some(_), ..) => {
            return Err(HssError::invalid(
                "select_type stands instead of data_list and host_data_list".to_owned(),
            ));
        }
        (None, [], []) => return Err(missing("data_list: it, host_data_list or select_type")),
        (None, list, []) => {
            let one = |fields: &Fields| {
                let vulnerability = known(estate, fields.required("vul_id", 1..=64)?)?;
                let hosts = fields.texts("host_id_list", 1..=500, 1..=64)?;
                Ok(OnAssets { vulnerability, assets: hosts_named(estate, "host_id_list", &hosts)? })
            };
            list.iter().map(one).collect::<Result<_, HssError>>()?
        }
        (None, [], list) => {
            let mut on = Vec::new();
            for fields in list {
                let host = fields.required("host_id", 1..=64)?.to_owned();
                let assets = hosts_named(estate, "host_id", &[host])?;
                let ids = fields.texts("vul_id_list", 1..=500, 1..=64)?;
                if ids.is_empty() {
                    return Err(missing("vul_id_list"));
                }
                for id in &ids {
                    on.push(OnAssets { vulnerability: known(estate, id)?, assets: assets.clone() });
                }
            }
            on
        }
        (None, ..) => {
            return Err(HssError::invalid(
                "data_list and host_data_list cannot be given together".to_owned(),
            ));
        }
    };
    Ok((what, on, remark))
}

/// What the word means.
fn operation(word: &str) -> Result<Operation, HssError> {
    Ok(match word {
        "ignore" => Operation::Handle(Handle::Ignore),
        "not_ignore" => Operation::Handle(Handle::Restore),
        "manual_repair" => Operation::Handle(Handle::Repaired),
        "verify" => Operation::Verify,
        "add_to_whitelist" => Operation::Handle(Handle::Whitelist),
        _ => return Err(HssError::not_sent("operate_type immediate_repair: this server installs nothing")),
    })
}

/// The id under which a vulnerability is known.
pub(in crate::http::hss) fn known(estate: &Estate, id: &str) -> Result<String, HssError> {
    let found = estate.snapshot.vulnerabilities_named(id);
    found.first().map(|v| v.id.clone()).ok_or_else(|| HssError::not_found(&format!("vulnerability {id:?}")))
}

/// The ids of current servers.
pub(in crate::http::hss) fn hosts_named(
    estate: &Estate,
    name: &str,
    ids: &[String],
) -> Result<Vec<Uuid>, HssError> {
    if ids.is_empty() {
        return Err(missing(name));
    }
    let host = |id: &String| {
        let found = estate.find(AssetKind::Host, id);
        found.map(|host| host.uuid).ok_or_else(|| HssError::not_found(&format!("host {id:?}")))
    };
    ids.iter().map(host).collect()
}

/// Everything of a type that is not in the wanted state yet.
fn all(estate: &Estate, kind: &str, what: Operation) -> Result<Vec<OnAssets>, HssError> {
    let mut wanted = Wanted::of(estate, AssetKind::Host);
    wanted.add(words::type_filter(kind));
    if let Operation::Handle(what) = what {
        wanted.add(Filter::test(Field::Excepted, Op::Eq, what == Handle::Restore));
    }
    let (mut pairs, mut on) = (0, Vec::new());
    estate.vulnerabilities(&wanted.finish(), Window::ALL, |row| {
        pairs += row.assets.len();
        if pairs <= MAX_PAIRS {
            let assets = row.assets.iter().map(|one| one.asset.uuid).collect();
            on.push(OnAssets { vulnerability: row.vulnerability.id.clone(), assets });
        }
    });
    if pairs > MAX_PAIRS {
        return Err(HssError::invalid(format!(
            "select_type: more than {MAX_PAIRS} pairs of server and vulnerability"
        )));
    }
    Ok(on)
}
