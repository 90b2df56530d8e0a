//! What may be asked of identity, one after another in any order.

use proptest::prelude::*;

use super::{DAY, FOREIGN, NAMES};

/// Users and sessions are named by their place in the order of their making.
#[derive(Debug, Clone)]
pub(super) enum Step {
    SignUp { name: usize },
    SignIn { name: usize, password: usize },
    Rename { user: usize, name: usize },
    NewPassword { user: usize, old: usize, new: usize },
    Delete { user: usize },
    Disable { user: usize, is_disabled: bool },
    Reset { user: usize, password: usize },
    Open { user: Option<usize> },
    Guest,
    Foreign { token: usize, user: usize },
    Use { session: usize },
    Switch { session: usize, user: Option<usize> },
    End { session: usize },
    EndOf { owner: Option<usize>, session: usize },
    EndOthers { user: usize, kept: Option<usize> },
    Wait { minutes: u64 },
    Sweep,
    Flush,
}

/// Any of them, those that make something more often.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let user = || 0..6_usize;
    let session = || 0..10_usize;
    let perhaps = |place: std::ops::Range<usize>| proptest::option::weighted(0.8, place);
    prop_oneof![
        4 => (0..NAMES.len()).prop_map(|name| Step::SignUp { name }),
        3 => (0..NAMES.len(), 0..3_usize).prop_map(|(name, password)| Step::SignIn { name, password }),
        2 => (user(), 0..NAMES.len()).prop_map(|(user, name)| Step::Rename { user, name }),
        2 => (user(), 0..3_usize, 0..3_usize).prop_map(|(user, old, new)| Step::NewPassword { user, old, new }),
        2 => user().prop_map(|user| Step::Delete { user }),
        2 => (user(), any::<bool>()).prop_map(|(user, is_disabled)| Step::Disable { user, is_disabled }),
        1 => (user(), 0..3_usize).prop_map(|(user, password)| Step::Reset { user, password }),
        5 => perhaps(user()).prop_map(|user| Step::Open { user }),
        1 => Just(Step::Guest),
        3 => (0..FOREIGN.len(), user()).prop_map(|(token, user)| Step::Foreign { token, user }),
        5 => session().prop_map(|session| Step::Use { session }),
        4 => (session(), perhaps(user())).prop_map(|(session, user)| Step::Switch { session, user }),
        2 => session().prop_map(|session| Step::End { session }),
        2 => (perhaps(user()), session()).prop_map(|(owner, session)| Step::EndOf { owner, session }),
        1 => (user(), perhaps(session())).prop_map(|(user, kept)| Step::EndOthers { user, kept }),
        3 => (1..200_u64).prop_map(|minutes| Step::Wait { minutes }),
        1 => Just(Step::Wait { minutes: DAY }),
        2 => Just(Step::Sweep),
        1 => Just(Step::Flush),
    ]
}
