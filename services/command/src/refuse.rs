//! What those are told who ask while nothing can be decided: why, and when to ask again.

use std::time::Duration;

use bus::{Job, Unanswered};
use eventlog::{AppendError, ReadError, TakeoverError};

use crate::tail::TooFarBehind;
use crate::takeover::RowsUnread;

/// What somebody is told to wait while the read models are too far behind.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The read models are too far behind, or nobody folds.
pub(crate) fn busy() -> Unanswered {
    Unanswered::Busy { retry_after: RETRY_AFTER }
}

/// Answer the jobs that nothing was decided, and why.
pub(crate) fn refuse(jobs: impl IntoIterator<Item = Job>, why: Unanswered) {
    for job in jobs {
        job.answer(Err(why));
    }
}

/// What to say while a partition cannot be taken over, if waiting mends it.
pub(crate) fn passing(error: &anyhow::Error) -> Option<Unanswered> {
    if error.is::<TooFarBehind>() {
        return Some(busy());
    }
    if error.is::<RowsUnread>() || matches!(error.downcast_ref(), Some(ReadError::Unavailable(_))) {
        return Some(Unanswered::Unavailable);
    }
    match error.downcast_ref::<TakeoverError>()? {
        TakeoverError::Append(AppendError::Full) => Some(Unanswered::Full),
        TakeoverError::Append(AppendError::Unavailable(_) | AppendError::Unknown)
        | TakeoverError::Read(ReadError::Unavailable(_)) => Some(Unanswered::Unavailable),
        TakeoverError::Append(AppendError::Fenced | AppendError::Rejected(_)) | TakeoverError::Read(_) => {
            None
        }
    }
}

/// Whether somebody else took the partition over, be it while it was written or entered.
pub(crate) fn is_fenced(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(AppendError::Fenced)) || is_overtaken(error)
}

/// Whether somebody else appended while the partition was being taken over.
pub(crate) fn is_overtaken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(TakeoverError::Append(AppendError::Fenced)))
}
