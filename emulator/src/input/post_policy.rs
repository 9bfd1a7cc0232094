//! The policy of a presigned POST to a bucket in S3: what the fields of a form, and its file, have to be.

use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::time::iso8601;

/// The fields that no condition has to cover.
const FREE: [&str; 5] = ["policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"];

/// The reason why S3 refuses a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicyError {
    /// The policy cannot be read.
    Invalid(&'static str),
    /// A condition of the policy is not met.
    Failed(String),
    TooLarge {
        size: u64,
        max: u64,
    },
    TooSmall {
        size: u64,
        min: u64,
    },
}

/// A form that is judged. `fields` have their names in lower case.
pub(crate) struct PostedForm<'f> {
    pub(crate) bucket: &'f str,
    pub(crate) fields: &'f [(String, String)],
    /// The name of the file, which replaces `${filename}`.
    pub(crate) file_name: &'f str,
    pub(crate) size: u64,
    pub(crate) now: SystemTime,
}

/// Judges a form by its policy, which is JSON in base64.
pub(crate) fn check(policy: &str, form: &PostedForm<'_>) -> Result<(), PolicyError> {
    let text = BASE64_STANDARD.decode(policy.trim()).map_err(|_| PolicyError::Invalid("it is not base64"))?;
    let policy: Value = serde_json::from_slice(&text).map_err(|_| PolicyError::Invalid("it is not JSON"))?;
    let expiration = policy.get("expiration").and_then(Value::as_str).and_then(iso8601::parse);
    let expiration = expiration.ok_or(PolicyError::Invalid("it has no valid `expiration`"))?;
    if expiration <= form.now {
        return Err(PolicyError::Failed("Policy expired.".to_owned()));
    }
    let conditions = policy.get("conditions").and_then(Value::as_array);
    let conditions = conditions.ok_or(PolicyError::Invalid("it has no `conditions`"))?;
    let mut covered: Vec<String> = Vec::new();
    for condition in conditions {
        covered.extend(form.meets(condition)?);
    }
    let extra = form
        .fields
        .iter()
        .map(|(name, _)| name)
        .find(|name| !FREE.contains(&name.as_str()) && !name.starts_with("x-ignore-") && !covered.contains(name));
    match extra {
        Some(name) => Err(PolicyError::Failed(format!("Extra input fields: {name}"))),
        None => Ok(()),
    }
}

impl PostedForm<'_> {
    /// Returns the field that a condition covers, unless it is not met.
    fn meets(&self, condition: &Value) -> Result<Option<String>, PolicyError> {
        let failed = || PolicyError::Failed(format!("Policy Condition failed: {condition}"));
        let invalid = PolicyError::Invalid("a condition has an unknown form");
        if let Some(members) = condition.as_object() {
            let Some((name, Value::String(value))) = members.iter().next().filter(|_| members.len() == 1) else {
                return Err(invalid);
            };
            let name = name.to_lowercase();
            return if self.any(&name, |actual| actual == value) { Ok(Some(name)) } else { Err(failed()) };
        }
        let items = condition.as_array().map(Vec::as_slice).unwrap_or_default();
        let [Value::String(operator), first, second] = items else { return Err(invalid) };
        match (operator.to_lowercase().as_str(), first, second) {
            ("content-length-range", min, max) => {
                let (Some(min), Some(max)) = (bytes(min), bytes(max)) else { return Err(invalid) };
                match self.size {
                    size if size > max => Err(PolicyError::TooLarge { size, max }),
                    size if size < min => Err(PolicyError::TooSmall { size, min }),
                    _ => Ok(None),
                }
            }
            (operator @ ("eq" | "starts-with"), Value::String(name), Value::String(value)) => {
                let name = name.strip_prefix('$').ok_or(invalid)?.to_lowercase();
                let is_met = match operator {
                    "eq" => self.any(&name, |actual| actual == value),
                    // Without a value, anything is allowed.
                    _ => value.is_empty() || self.any(&name, |actual| actual.starts_with(value.as_str())),
                };
                if is_met { Ok(Some(name)) } else { Err(failed()) }
            }
            _ => Err(invalid),
        }
    }

    /// Returns whether a field is as a condition says, as it was sent or with the name of the file.
    fn any(&self, name: &str, fits: impl Fn(&str) -> bool) -> bool {
        if name == "bucket" {
            return fits(self.bucket);
        }
        let mut values = self.fields.iter().filter(|(field, _)| field == name);
        values.any(|(_, value)| fits(value) || fits(&value.replace("${filename}", self.file_name)))
    }
}

/// Returns a number of bytes, which may be a string.
fn bytes(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
