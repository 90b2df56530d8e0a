//! The port: users as an operator looks for them.

use domain::UserId;

use crate::{Error, Identity, Name, User};

impl Identity {
    /// The user of that login or email; [`Error::UserNotFound`] if there is none.
    pub async fn user_named(&self, name: &Name) -> Result<User, Error> {
        self.known(name).await?.map(|found| found.user).ok_or(Error::UserNotFound)
    }

    /// Users in the order of their numbers, above that one, at most `max`; deleted ones are none.
    pub async fn list_users_after(&self, after: Option<UserId>, max: u32) -> Result<Vec<User>, Error> {
        self.store().list_after(after.map_or(0, UserId::get), max).await
    }
}
