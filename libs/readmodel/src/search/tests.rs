//! Searching over what the folds make of histories: on both stores, by both ways, with the
//! same answer.

mod cases;
mod ground;
mod histories;
mod making;
