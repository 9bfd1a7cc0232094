use std::fmt;

use serde::{Serialize, Serializer};

use super::undeclared::UndeclaredValue;
use crate::text::shown;

/// The reason why fal has locked an account, as [`Error::lock_reason`](crate::Error::lock_reason) returns it. The set is
/// open: fal may add reasons.
///
/// ```
/// use fal_client::LockReason;
///
/// let reason = LockReason::other("Exhausted balance. Top up your balance at fal.ai/dashboard/billing");
/// assert_eq!(reason, LockReason::ExhaustedBalance);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockReason {
    /// The balance is used up. Remedy: top it up at <https://fal.ai/dashboard/billing>. fal may take some time to notice.
    ExhaustedBalance,
    /// A budget or a spending limit is exceeded. Remedy: change it at <https://fal.ai/dashboard/billing>.
    BudgetExceeded,
    /// fal requires the account to be topped up (`TOP_UP`). Remedy: see [`ExhaustedBalance`](Self::ExhaustedBalance).
    TopUp,
    /// The account has no payment method. Remedy: add one at <https://fal.ai/dashboard/billing>.
    PaymentMethod,
    /// fal has locked the account. Remedy: write to <support@fal.ai>.
    AdminLock,
    /// The account has been archived. Remedy: write to <support@fal.ai>.
    Archived,
    /// Another reason, in fal's own words.
    Other(UndeclaredValue),
}

impl LockReason {
    /// Recognizes a reason in fal's words.
    pub fn other(words: impl AsRef<str>) -> Self {
        let words = words.as_ref().trim();
        let lower = words.to_lowercase().replace('_', " ");
        let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        if has(&["admin lock"]) {
            LockReason::AdminLock
        } else if has(&["archived"]) {
            LockReason::Archived
        } else if has(&["payment method"]) {
            LockReason::PaymentMethod
        } else if has(&["budget", "spending", "spend limit", "quota"]) {
            LockReason::BudgetExceeded
        } else if has(&["balance", "insufficient credit", "out of credit"]) {
            LockReason::ExhaustedBalance
        } else if has(&["top up"]) {
            LockReason::TopUp
        } else {
            LockReason::Other(UndeclaredValue::new(words.trim_end_matches('.')))
        }
    }

    /// The reason in words.
    pub fn as_str(&self) -> &str {
        match self {
            LockReason::ExhaustedBalance => "exhausted balance",
            LockReason::BudgetExceeded => "budget exceeded",
            LockReason::TopUp => "top-up required",
            LockReason::PaymentMethod => "payment method required",
            LockReason::AdminLock => "admin lock",
            LockReason::Archived => "account archived",
            LockReason::Other(words) => words.as_str(),
        }
    }

    /// Returns the remedy for the owner of the account.
    ///
    /// ```
    /// assert_eq!(fal_client::LockReason::TopUp.remedy(), "top up at https://fal.ai/dashboard/billing");
    /// ```
    pub fn remedy(&self) -> &'static str {
        match self {
            LockReason::ExhaustedBalance | LockReason::TopUp => "top up at https://fal.ai/dashboard/billing",
            LockReason::BudgetExceeded => "change the budget at https://fal.ai/dashboard/billing",
            LockReason::PaymentMethod => "add a payment method at https://fal.ai/dashboard/billing",
            LockReason::AdminLock | LockReason::Archived => "write to support@fal.ai",
            LockReason::Other(_) => "see https://fal.ai/dashboard/billing, or write to support@fal.ai",
        }
    }
}

impl Serialize for LockReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for LockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.as_str()))
    }
}

impl fmt::Debug for LockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockReason::Other(words) => write!(f, "Other({:?})", shown(words.as_str())),
            declared => write!(f, "{:?}", declared.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_recognized_in_fals_words() {
        for (words, reason) in [
            ("Exhausted balance. Top up your balance at fal.ai/dashboard/billing", LockReason::ExhaustedBalance),
            ("User budget is exceeded. Adjust it at fal.ai/dashboard/billing", LockReason::BudgetExceeded),
            ("Monthly spending limit of the team reached", LockReason::BudgetExceeded),
            ("Admin lock. Please contact support@fal.ai", LockReason::AdminLock),
            ("Please add a payment method at fal.ai/dashboard/billing", LockReason::PaymentMethod),
            ("This account has been archived. Please contact hello@fal.ai.", LockReason::Archived),
            ("TOP_UP.", LockReason::TopUp),
            ("EXHAUSTED_BALANCE", LockReason::ExhaustedBalance),
        ] {
            assert_eq!(LockReason::other(words), reason, "{words}");
        }
        let other = LockReason::other(" Unknown. Please contact hello@fal.ai. ");
        assert_eq!(other.as_str(), "Unknown. Please contact hello@fal.ai");
    }
}
