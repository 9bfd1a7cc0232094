use serde::{Deserialize, Serialize};

/// Who may read a file.
///
/// ```
/// use fal_client::{Access, Acl};
///
/// let private = Acl::new(Access::Hide).allow("a-nickname");
/// # let _ = private;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Acl {
    /// What holds for everybody for whom there is no rule; `None` is the account's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Access>,
    /// What holds for single users. Of several rules that fit, the one that allows most counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AccessRule>,
}

/// What holds for one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccessRule {
    /// The user's nickname or id.
    pub user: String,
    /// What the user may do.
    pub decision: Access,
}

/// Whether a file may be read. Its owner always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Access {
    /// It may, by everybody who has the URL.
    Allow,
    /// It may not: the URL answers with 403.
    Forbid,
    /// It may not: the URL answers with 404.
    Hide,
}

impl Acl {
    /// The same for everybody.
    pub fn new(default: Access) -> Self {
        Acl { default: Some(default), rules: Vec::new() }
    }

    /// Lets a user, by nickname, read what others may not. fal drops a user whom it does not know.
    pub fn allow(self, user: impl Into<String>) -> Self {
        self.rule(user, Access::Allow)
    }

    /// What holds for one user, by nickname.
    pub fn rule(mut self, user: impl Into<String>, decision: Access) -> Self {
        self.rules.push(AccessRule { user: user.into(), decision });
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.default.is_none() && self.rules.is_empty()
    }
}
