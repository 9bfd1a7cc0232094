//! Access rules of uploaded files.

use serde::{Deserialize, Serialize};

/// Access control list: the users who may read a file.
///
/// ```
/// use fal_client::{Access, Acl};
///
/// let private = Acl::new(Access::Hide).allow("a-nickname");
/// # let _ = private;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Acl {
    /// The access of users without a rule. `None` is the account's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Access>,
    /// The rules for single users. If several rules match, the most permissive one applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AccessRule>,
}

/// The access of one user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccessRule {
    /// The user's nickname or id.
    pub user: String,
    /// The user's access.
    pub decision: Access,
}

/// The permission to read a file. The owner may always read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Access {
    /// Anyone with the URL may read the file.
    Allow,
    /// Access is denied with status 403.
    Forbid,
    /// Access is denied with status 404, as if the file did not exist.
    Hide,
}

impl Acl {
    /// Creates an access control list with the same access for all users.
    pub fn new(default: Access) -> Self {
        Acl { default: Some(default), rules: Vec::new() }
    }

    /// Allows a user, by nickname, to read the file. fal ignores unknown users.
    pub fn allow(self, user: impl Into<String>) -> Self {
        self.rule(user, Access::Allow)
    }

    /// Sets the access of one user, by nickname.
    pub fn rule(mut self, user: impl Into<String>, decision: Access) -> Self {
        self.rules.push(AccessRule { user: user.into(), decision });
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.default.is_none() && self.rules.is_empty()
    }
}
