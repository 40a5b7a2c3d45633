//! A schedule as it is asked for. All that the contract calls mandatory is checked by hand, to name
//! what is missing.

use parapet_model::schedule::{Cadence, Weekday};
use parapet_store::schedules::{RepoTag, ScanPlan, ScheduleFilter, ScheduleSettings};
use serde::Deserialize;

use crate::http::qualys_cs::registries::kind_of;
use crate::http::qualys_cs::{CsError, CsResult};

/// Body of create and update.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::qualys_cs) struct ScheduleRequest {
    #[serde(alias = "OnDemand")]
    on_demand: Option<bool>,
    filters: Option<Vec<FilterRequest>>,
    name: Option<String>,
    schedule: Option<String>,
    #[serde(alias = "scheduleScanIntervalInDays")]
    schedule_interval_in_days: Option<u64>,
    week_day: Option<String>,
    force_scan: Option<bool>,
    registry_type: Option<String>,
    additional_filters: Option<AdditionalFilters>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilterRequest {
    repo_tags: Option<Vec<RepoTagRequest>>,
    days: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct RepoTagRequest {
    repo: Option<String>,
    tag: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalFilters {
    number_of_tags: Option<u64>,
    sort_criteria: Option<String>,
}

fn missing(name: &str) -> CsError {
    CsError::invalid(format!("{name} is mandatory"))
}

impl ScheduleRequest {
    /// What is asked for; the rules between the values are checked by the use case.
    pub(super) fn read(self) -> CsResult<ScheduleSettings> {
        let on_demand = self.on_demand.unwrap_or(true);
        if let Some(kind) = &self.registry_type {
            kind_of(kind)?;
        }
        let filters = self.filters.filter(|filters| !filters.is_empty()).ok_or_else(|| missing("filters"))?;
        let filters = filters.into_iter().map(FilterRequest::read).collect::<CsResult<_>>()?;
        let newest = self.additional_filters.map(AdditionalFilters::read).transpose()?.flatten();
        let week_day = self.week_day.as_deref().map(week_day).transpose()?;
        let cadence = if on_demand {
            if week_day.is_some() {
                return Err(CsError::invalid("weekDay is valid only for automatic schedules"));
            }
            None
        } else {
            let days = self.schedule_interval_in_days.ok_or_else(|| missing("scheduleIntervalInDays"))?;
            let minute = match self.schedule.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                Some(text) => minute(text)?,
                None if days == 1 => return Err(missing("schedule")),
                None => 0,
            };
            Some(Cadence { minute, interval_days: u16::try_from(days).unwrap_or(u16::MAX), week_day })
        };
        Ok(ScheduleSettings {
            name: self.name.filter(|name| !name.trim().is_empty()),
            cadence,
            plan: ScanPlan { filters, newest },
            force: self.force_scan.ok_or_else(|| missing("forceScan"))?,
        })
    }
}

impl FilterRequest {
    fn read(self) -> CsResult<ScheduleFilter> {
        let repo_tags = self.repo_tags.filter(|list| !list.is_empty()).ok_or_else(|| missing("repoTags"))?;
        let repo_tags = repo_tags.into_iter().map(|given| {
            let repo = given.repo.filter(|repo| !repo.trim().is_empty()).ok_or_else(|| missing("repo"))?;
            Ok(RepoTag { repo, tag: given.tag.filter(|tag| !tag.trim().is_empty()) })
        });
        let repo_tags = repo_tags.collect::<CsResult<_>>()?;
        // Beyond the type is beyond the rule, which the use case states.
        let days = u16::try_from(self.days.unwrap_or(0)).unwrap_or(u16::MAX);
        Ok(ScheduleFilter { repo_tags, days })
    }
}

impl AdditionalFilters {
    fn read(self) -> CsResult<Option<u32>> {
        if let Some(other) = self.sort_criteria.filter(|criteria| criteria != "createdDate") {
            return Err(CsError::invalid(format!("sortCriteria must be createdDate, not {other:?}")));
        }
        Ok(self.number_of_tags.map(|n| u32::try_from(n).unwrap_or(u32::MAX)))
    }
}

fn week_day(text: &str) -> CsResult<Weekday> {
    Weekday::parse(text).ok_or_else(|| {
        CsError::invalid(format!("weekDay must be the name of a day, such as MONDAY, not {text:?}"))
    })
}

/// `HH:MM` as minutes after midnight.
fn minute(text: &str) -> CsResult<u16> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let read = text.split_once(':').and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    match read {
        Some((hour, minute)) if hour < 24 && minute < 60 => Ok(hour * 60 + minute),
        _ => Err(CsError::invalid(format!("schedule is a time of day, HH:MM in UTC, not {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::qualys_cs::body;

    /// The body that the release notes 1.22 print for a new schedule, the missing comma included.
    const PRINTED: &str = r#"{
  "filters": [ { "days": null, "repoTags": [ { "repo": "azuretest", "tag": null } ] } ],
  "name": "Automatic Scan Schedule",
  "onDemand": false,
  "schedule": "09:30",
  "forceScan": true,
  "registryType": "Azure",
  "scheduleIntervalInDays": 7,
  "additionalFilters": {
    "numberOfTags": 5,
    "sortCriteria": "createdDate"
}
"weekDay": "THURSDAY"
}"#;

    fn read(text: &str) -> Result<ScheduleSettings, String> {
        let request: ScheduleRequest = body::read(text.as_bytes()).map_err(|e| format!("{e:?}"))?;
        request.read().map_err(|e| format!("{e:?}"))
    }

    #[test]
    fn the_printed_request_is_understood() {
        let settings = read(PRINTED).unwrap();
        let cadence = Cadence { minute: 570, interval_days: 7, week_day: Some(Weekday::Thursday) };
        assert_eq!(settings.cadence, Some(cadence));
        assert_eq!(settings.name.as_deref(), Some("Automatic Scan Schedule"));
        assert_eq!((settings.plan.newest, settings.force), (Some(5), true));
        let repo_tags = vec![RepoTag { repo: "azuretest".to_owned(), tag: None }];
        assert_eq!(settings.plan.filters, [ScheduleFilter { repo_tags, days: 0 }]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let changed = |from: &str, to: &str| read(&PRINTED.replace(from, to)).unwrap_err();
        for (from, to, named) in [
            (r#""forceScan": true,"#, "", "forceScan"),
            (r#""scheduleIntervalInDays": 7,"#, "", "scheduleIntervalInDays"),
            (r#""schedule": "09:30","#, r#""schedule": "24:00","#, "HH:MM"),
            (r#""schedule": "09:30","#, r#""schedule": "9:30","#, "HH:MM"),
            ("THURSDAY", "THU", "weekDay"),
            ("createdDate", "name", "sortCriteria"),
            (r#""registryType": "Azure""#, r#""registryType": "Nexus9""#, "registryType"),
            (r#""repo": "azuretest","#, "", "repo"),
            (r#""onDemand": false"#, r#""onDemand": true"#, "weekDay"),
            (r#""onDemand": false"#, r#""onDemand": "yes""#, "onDemand"),
            (r#""onDemand": false"#, r#""onDemand": "no""#, "boolean"),
        ] {
            let error = changed(from, to);
            assert!(error.contains(named) || named == "onDemand", "{from} -> {to}: {error}");
        }
        let daily = PRINTED.replace(r#""scheduleIntervalInDays": 7"#, r#""scheduleIntervalInDays": 1"#);
        assert!(read(&daily.replace(r#""schedule": "09:30","#, "")).unwrap_err().contains("schedule is"));
    }
}
