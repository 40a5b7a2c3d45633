//! A report or a schedule as it is asked for. Clients write flags, numbers and lists in several ways,
//! and the publisher's own pages do too, so each is read as it is meant; what cannot be meant is
//! named.

use std::collections::BTreeSet;

use parapet_model::recurrence::{Days, MonthWeek, Recurrence};
use parapet_model::schedule::Weekday;
use parapet_model::time::{DAY, parse_instant};
use parapet_model::{FOREVER, Filter, Millis};
use parapet_service::reports::{MailWish, ReportScheduleSettings, ReportSettings};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::shape::SHAPE;
use super::templates::Template;
use crate::http::hss::os_packages;
use crate::http::qualys_cs::{CsError, CsResult};

/// Body of a report, and the part of a schedule that says what each report is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportRequest {
    name: Option<String>,
    description: Option<String>,
    template_name: Option<String>,
    filter: Option<String>,
    display_columns: Option<Value>,
    expire_after: Option<Value>,
    email_notification: Option<Value>,
    send_as_attachment: Option<Value>,
    zip: Option<Value>,
    recipient: Option<Value>,
    email_subject: Option<String>,
    custom_message: Option<String>,
    include_sca_vuln: Option<Value>,
}

/// Body of a schedule.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleRequest {
    #[serde(flatten)]
    report: ReportRequest,
    action: Option<String>,
    event_time: Option<String>,
    #[serde(default, deserialize_with = "given")]
    event_end_time: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    report_schedule_details: Option<Value>,
}

/// How often a report comes again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    recurrence_type: Option<String>,
    selected_day_of_weeks: Option<Value>,
    selected_day_of_month: Option<Value>,
    selected_week_of_month: Option<String>,
    selected_day_of_week: Option<String>,
}

/// Tells `null` from what is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn missing(name: &str) -> CsError {
    CsError::invalid(format!("{name} is mandatory"))
}

fn wrong(name: &str, expected: &str, given: &Value) -> CsError {
    CsError::invalid(format!("{name} must be {expected}, not {given}"))
}

impl ReportRequest {
    /// What is asked for. What `base` says stands where the request says nothing.
    pub(super) fn read(self, base: Option<&ReportSettings>) -> CsResult<ReportSettings> {
        let old = |of: fn(&ReportSettings) -> String| base.map(of);
        let text = |given: Option<String>, of| given.or_else(|| old(of)).unwrap_or_default();
        let name = self.name.filter(|name| !name.trim().is_empty()).or_else(|| old(|s| s.name.clone()));
        let template = self.template_name.filter(|name| !name.trim().is_empty());
        let template = template.or_else(|| old(|s| s.template.clone()));
        let template = Template::named(template.ok_or_else(|| missing("templateName"))?.trim())?;
        let columns = match self.display_columns {
            Some(value) => Some(texts("displayColumns", &value)?),
            // Of another template they would be other columns.
            None => base
                .filter(|old| !old.all_columns && old.template == template.name)
                .map(|old| old.columns.clone()),
        };
        let language_packages = match self.include_sca_vuln {
            Some(value) => flag("includeScaVuln", &value)?,
            None => base.is_none_or(|old| old.language_packages),
        };
        let keep_days = match self.expire_after {
            Some(value) => number("expireAfter", &value)?,
            None => base.map(|old| old.keep_days).ok_or_else(|| missing("expireAfter"))?,
        };
        let or_old = |name: &str, value: Option<Value>, of: fn(&ReportSettings) -> bool| match value {
            Some(value) => flag(name, &value),
            None => Ok(base.is_some_and(of)),
        };
        let recipient = self.recipient.map(|value| recipients(&value)).transpose()?;
        Ok(ReportSettings {
            name: name.ok_or_else(|| missing("name"))?,
            description: text(self.description, |s| s.description.clone()),
            shape: SHAPE.to_owned(),
            template: template.name.to_owned(),
            kind: template.kind,
            rows: template.rows,
            question: text(self.filter, |s| s.question.clone()),
            filter: if language_packages { Filter::All } else { os_packages() },
            columns: template.choose(columns.as_deref())?,
            all_columns: columns.is_none(),
            language_packages,
            keep_days,
            zip: or_old("zip", self.zip, |s| s.zip)?,
            mail: MailWish {
                notify: or_old("emailNotification", self.email_notification, |s| s.mail.notify)?,
                attach: or_old("sendAsAttachment", self.send_as_attachment, |s| s.mail.attach)?,
                recipient: text(recipient, |s| s.mail.recipient.clone()),
                subject: text(self.email_subject, |s| s.mail.subject.clone()),
                message: text(self.custom_message, |s| s.mail.message.clone()),
            },
        })
    }
}

impl ScheduleRequest {
    /// What is asked for. What `base` says stands where the request says nothing.
    pub(super) fn read(self, base: Option<&ReportScheduleSettings>) -> CsResult<ReportScheduleSettings> {
        if let Some(action) = self.action.filter(|action| !matches!(action.as_str(), "CREATE" | "UPDATE")) {
            return Err(CsError::invalid(format!("action must be CREATE, not {action:?}")));
        }
        let old = base.map(|base| &base.recurrence);
        let start = match self.event_time.filter(|text| !text.trim().is_empty()) {
            Some(text) => instant("eventTime", &text)?,
            None => old.map(|old| old.start).ok_or_else(|| missing("eventTime"))?,
        };
        let end = match self.event_end_time {
            Some(Value::Null) => FOREVER,
            Some(Value::String(text)) if text.trim().is_empty() => FOREVER,
            Some(Value::String(text)) => instant("eventEndTime", &text)?,
            Some(other) => return Err(wrong("eventEndTime", "an instant or null", &other)),
            None => old.map_or(FOREVER, |old| old.end),
        };
        let days = match self.report_schedule_details {
            Some(Value::Null) => Days::Once,
            Some(value @ Value::Object(_)) => {
                let details: Details = serde_json::from_value(value).map_err(|error| {
                    CsError::invalid(format!("reportScheduleDetails is not what is expected: {error}"))
                })?;
                details.read(start)?
            }
            Some(other) => return Err(wrong("reportScheduleDetails", "an object or null", &other)),
            None => old.map(|old| old.days.clone()).ok_or_else(|| missing("reportScheduleDetails"))?,
        };
        // Of one that comes once the end says nothing.
        let end = if days == Days::Once { FOREVER } else { end };
        Ok(ReportScheduleSettings {
            report: self.report.read(base.map(|base| &base.report))?,
            recurrence: Recurrence { start, end, days },
        })
    }
}

impl Details {
    fn read(self, start: Millis) -> CsResult<Days> {
        let kind = self.recurrence_type.as_deref().map(str::to_ascii_uppercase);
        let kind = kind.ok_or_else(|| missing("recurrenceType"))?;
        let weekly = self.selected_day_of_weeks.as_ref().filter(|value| !value.is_null());
        let monthly = self.selected_day_of_month.is_some()
            || self.selected_week_of_month.is_some()
            || self.selected_day_of_week.is_some();
        match kind.as_str() {
            "DAILY" | "MONTHLY" if weekly.is_some() => {
                Err(CsError::invalid("selectedDayOfWeeks is valid only with recurrenceType WEEKLY"))
            }
            "DAILY" | "WEEKLY" if monthly => Err(CsError::invalid(
                "selectedDayOfMonth, selectedWeekOfMonth and selectedDayOfWeek are valid only with \
                 recurrenceType MONTHLY",
            )),
            "DAILY" => Ok(Days::Daily),
            "WEEKLY" => {
                let names =
                    texts("selectedDayOfWeeks", weekly.ok_or_else(|| missing("selectedDayOfWeeks"))?)?;
                let days = names.iter().map(|name| weekday("selectedDayOfWeeks", name));
                let days = days.collect::<CsResult<BTreeSet<_>>>()?;
                if days.is_empty() {
                    return Err(missing("selectedDayOfWeeks"));
                }
                Ok(Days::Weekly(days))
            }
            "MONTHLY" => self.read_month(start),
            _ => Err(CsError::invalid(format!(
                "recurrenceType must be DAILY, WEEKLY or MONTHLY, not {kind:?}"
            ))),
        }
    }

    fn read_month(self, start: Millis) -> CsResult<Days> {
        match (self.selected_day_of_month, self.selected_week_of_month, self.selected_day_of_week) {
            (Some(value), None, None) => {
                let day = number("selectedDayOfMonth", &value)?;
                let day = u8::try_from(day).ok().filter(|day| (1..=31).contains(day));
                day.map(Days::MonthDay).ok_or_else(|| wrong("selectedDayOfMonth", "1 to 31", &value))
            }
            (None, Some(week), Some(day)) => {
                let found = MonthWeek::parse(week.trim()).ok_or_else(|| {
                    let weeks = MonthWeek::ALL.map(MonthWeek::as_str).join(", ");
                    CsError::invalid(format!("selectedWeekOfMonth must be one of {weeks}, not {week:?}"))
                })?;
                Ok(Days::MonthWeekday(found, weekday("selectedDayOfWeek", &day)?))
            }
            (None, None, None) => Ok(Days::MonthDay(day_of_month(start))),
            _ => Err(CsError::invalid(
                "MONTHLY takes selectedDayOfMonth, or selectedWeekOfMonth with selectedDayOfWeek",
            )),
        }
    }
}

/// The day of the month on which an instant lies in UTC.
fn day_of_month(at: Millis) -> u8 {
    let text = parapet_model::time::format_rfc3339(at.div_euclid(DAY) * DAY);
    text.get(8..10).and_then(|day| day.parse().ok()).unwrap_or(1)
}

fn weekday(name: &str, text: &str) -> CsResult<Weekday> {
    Weekday::parse(text.trim())
        .ok_or_else(|| CsError::invalid(format!("{name} takes names of days, such as MONDAY, not {text:?}")))
}

fn instant(name: &str, text: &str) -> CsResult<Millis> {
    parse_instant(text.trim()).ok_or_else(|| {
        CsError::invalid(format!("{name} is an instant in UTC, YYYY-MM-DDTHH:MM:SSZ, not {text:?}"))
    })
}

/// 0, 1, true and false, as a number, a word or a text.
fn flag(name: &str, value: &Value) -> CsResult<bool> {
    let word = match value {
        Value::Bool(flag) => return Ok(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        other => other.to_string(),
    };
    match word.as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(wrong(name, "0 or 1", value)),
    }
}

/// A whole number, or a text that is one.
fn number(name: &str, value: &Value) -> CsResult<u16> {
    let found = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Beyond the type is beyond every rule, which is stated where it is checked.
    let found = found.ok_or_else(|| wrong(name, "a whole number", value))?;
    Ok(u16::try_from(found).unwrap_or(u16::MAX))
}

/// A list of texts, or one text with commas between.
fn texts(name: &str, value: &Value) -> CsResult<Vec<String>> {
    match value {
        Value::String(text) => Ok(text.split(',').map(str::to_owned).collect()),
        Value::Array(list) => {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let list: Option<Vec<String>> = list.iter().map(text).collect();
            list.ok_or_else(|| wrong(name, "a list of texts", value))
        }
        _ => Err(wrong(name, "a list of texts", value)),
    }
}

/// Addresses, joined with commas.
fn recipients(value: &Value) -> CsResult<String> {
    let mut out: Vec<String> = Vec::new();
    for text in texts("recipient", value)? {
        for address in text.split(';').map(str::trim).filter(|address| !address.is_empty()) {
            let plain = |part: &str| {
                !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
            };
            let halves = address
                .split_once('@')
                .filter(|(name, host)| plain(name) && plain(host) && !host.contains('@'));
            if halves.is_none() {
                return Err(CsError::invalid(format!("recipient: {address:?} is not an address")));
            }
            out.push(address.to_owned());
        }
    }
    Ok(out.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<ReportScheduleSettings, String> {
        let request: ScheduleRequest = serde_json::from_value(value).map_err(|error| error.to_string())?;
        request.read(None).map_err(CsError::into_message)
    }

    fn with(changes: Value) -> Value {
        let mut value = json!({
            "name": "weekly", "templateName": "CS_IMAGE_VULNERABILITY", "expireAfter": "7", "action": "CREATE",
            "eventTime": "2026-11-03T09:30:00Z", "eventEndTime": null, "reportScheduleDetails": null,
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        value
    }

    fn days(details: Value) -> Result<Days, String> {
        read(with(json!({"reportScheduleDetails": details}))).map(|settings| settings.recurrence.days)
    }

    #[test]
    fn every_recurrence_is_read() {
        assert_eq!(days(Value::Null), Ok(Days::Once));
        assert_eq!(days(json!({"recurrenceType": "DAILY", "selectedDayOfWeeks": null})), Ok(Days::Daily));
        let week = Days::Weekly([Weekday::Monday, Weekday::Friday].into());
        for given in [json!(["MONDAY", "friday"]), json!("Monday, FRIDAY")] {
            assert_eq!(
                days(json!({"recurrenceType": "weekly", "selectedDayOfWeeks": given})),
                Ok(week.clone())
            );
        }
        let month = |more: Value| {
            let mut details = json!({"recurrenceType": "MONTHLY"});
            details.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            days(details)
        };
        assert_eq!(month(json!({})), Ok(Days::MonthDay(3)), "the day of eventTime");
        assert_eq!(month(json!({"selectedDayOfMonth": "31"})), Ok(Days::MonthDay(31)));
        assert_eq!(
            month(json!({"selectedWeekOfMonth": "LAST", "selectedDayOfWeek": "FRIDAY"})),
            Ok(Days::MonthWeekday(MonthWeek::Last, Weekday::Friday))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (changes, named) in [
            (json!({"name": null}), "name is mandatory"),
            (json!({"name": 7}), "expected a string"),
            (json!({"templateName": null}), "templateName is mandatory"),
            (json!({"templateName": "CS_PODS"}), "templateName must be one of CS_IMAGE_VULNERABILITY"),
            (json!({"templateName": "CS_IMAGE_SECRETS"}), "does not look for secrets"),
            (json!({"templateName": "CS_IMAGE_MALWARE"}), "does not look for malware"),
            (json!({"expireAfter": null}), "expireAfter is mandatory"),
            (json!({"expireAfter": "soon"}), "expireAfter must be a whole number"),
            (json!({"displayColumns": 5}), "displayColumns must be a list of texts"),
            (json!({"displayColumns": ["repo", 5]}), "displayColumns must be a list of texts"),
            (json!({"displayColumns": "repo,colour"}), "no column \"colour\""),
            (json!({"emailNotification": 2}), "emailNotification must be 0 or 1"),
            (json!({"sendAsAttachment": "perhaps"}), "sendAsAttachment must be 0 or 1"),
            (json!({"zip": []}), "zip must be 0 or 1"),
            (json!({"includeScaVuln": "x"}), "includeScaVuln must be 0 or 1"),
            (json!({"recipient": "ops"}), "\"ops\" is not an address"),
            (json!({"recipient": ["a@b", "c d@e"]}), "\"c d@e\" is not an address"),
            (json!({"action": "DELETE"}), "action must be CREATE"),
            (json!({"eventTime": null}), "eventTime is mandatory"),
            (json!({"eventTime": "tomorrow"}), "eventTime is an instant"),
            (json!({"eventEndTime": 5}), "eventEndTime must be an instant or null"),
            (json!({"reportScheduleDetails": []}), "reportScheduleDetails must be an object or null"),
            (json!({"reportScheduleDetails": {}}), "recurrenceType is mandatory"),
            (json!({"reportScheduleDetails": {"recurrenceType": "HOURLY"}}), "DAILY, WEEKLY or MONTHLY"),
            (
                json!({"reportScheduleDetails": {"recurrenceType": "WEEKLY"}}),
                "selectedDayOfWeeks is mandatory",
            ),
            (
                json!({"reportScheduleDetails": {"recurrenceType": "WEEKLY", "selectedDayOfWeeks": ["DAY"]}}),
                "names of days",
            ),
            (
                json!({"reportScheduleDetails": {"recurrenceType": "DAILY", "selectedDayOfWeeks": ["MONDAY"]}}),
                "only with recurrenceType WEEKLY",
            ),
            (
                json!({"reportScheduleDetails": {"recurrenceType": "MONTHLY", "selectedDayOfMonth": 32}}),
                "selectedDayOfMonth must be 1 to 31",
            ),
            (
                json!({"reportScheduleDetails": {"recurrenceType": "MONTHLY", "selectedWeekOfMonth": "FIRST"}}),
                "selectedWeekOfMonth with selectedDayOfWeek",
            ),
        ] {
            let error = read(with(changes.clone())).unwrap_err();
            assert!(error.contains(named), "{changes}: {error}");
        }
    }

    #[test]
    fn flags_and_numbers_are_read_as_they_are_meant() {
        for (given, meant) in
            [(json!(1), true), (json!("0"), false), (json!(true), true), (json!("False"), false)]
        {
            assert_eq!(read(with(json!({"zip": given}))).unwrap().report.zip, meant, "{given}");
        }
        let settings = read(with(json!({"recipient": "a@b.example; c@d.example"}))).unwrap().report;
        assert_eq!((settings.keep_days, settings.mail.recipient.as_str()), (7, "a@b.example,c@d.example"));
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let old = read(with(json!({
            "description": "d", "filter": "repo.tag:v1", "displayColumns": ["qid"], "zip": 1,
            "eventEndTime": "2027-01-01T00:00:00Z", "reportScheduleDetails": {"recurrenceType": "DAILY"},
        })))
        .unwrap();
        let update = |value: Value| {
            serde_json::from_value::<ScheduleRequest>(value).unwrap().read(Some(&old)).unwrap()
        };
        assert_eq!(update(json!({})), old);
        let changed = update(json!({"name": "other", "zip": 0, "eventEndTime": null}));
        assert_eq!((changed.report.name.as_str(), changed.report.zip), ("other", false));
        assert_eq!((changed.recurrence.end, &changed.recurrence.days), (FOREVER, &Days::Daily));
        assert_eq!(
            (changed.report.columns, changed.report.question),
            (vec!["qid".to_owned()], "repo.tag:v1".to_owned())
        );
        let other = update(json!({"templateName": "CS_CONTAINER_VULNERABILITY"})).report;
        assert!(other.all_columns && other.columns.contains(&"containerId".to_owned()));
    }
}
