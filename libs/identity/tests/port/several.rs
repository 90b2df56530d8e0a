//! Several processes on one store: what one answers holds in all others, at once or within a second.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Time;
use identity::{Change, Error, Identity, RawChange, Session};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, SALT, START, application, at, id, new_user, until, until_dead};

async fn is_in(identity: &Identity, session: &Session, now: Time) -> bool {
    match identity.authenticate(session.token.as_str(), now).await {
        Ok(caller) => caller.session == session.id,
        Err(Error::NoSuchSession) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_session_works_everywhere_and_its_end_does() {
    let it = Fixture::postgres().await;
    let other = it.another().await;
    let alice = it.user("alice").await.id;
    let [ended, kept] = [it.session(1, Some(alice)).await, it.session(2, Some(alice)).await];
    assert!(is_in(&other, &ended, START).await && is_in(&other, &kept, START).await);
    it.identity.end_session(ended.id).await.unwrap();
    assert!(!is_in(&it.identity, &ended, START).await, "at once where it was ended");
    until_dead(&other, &ended.token, START).await;
    assert!(is_in(&other, &kept, START).await);
}

#[tokio::test]
async fn an_end_asked_for_once_more_is_one_at_once_here_too() {
    let it = Fixture::postgres().await;
    let other = it.another().await;
    let session = it.session(1, None).await;
    assert!(is_in(&other, &session, START).await);
    it.identity.end_session(session.id).await.unwrap();
    other.end_session(session.id).await.unwrap();
    assert!(!is_in(&other, &session, START).await);
}

#[tokio::test]
async fn a_user_who_changed_or_went_is_out_of_date_nowhere() {
    let it = Fixture::postgres().await;
    let other = it.another().await;
    let alice = it.user("alice").await.id;
    let [one, two] = [it.session(1, Some(alice)).await, it.session(2, Some(alice)).await];
    let name_there = async || other.display(&[alice]).await.unwrap().first().map(|shown| shown.name.clone());
    assert_eq!(name_there().await.as_deref(), Some("alice"));
    assert!(is_in(&other, &one, START).await && is_in(&other, &two, START).await);
    let raw = RawChange { full_name: Some("Alison".into()), ..RawChange::default() };
    it.identity.change_user(alice, Change::parse(raw).unwrap(), SALT, START).await.unwrap();
    until("the new name is there", async || name_there().await.as_deref() == Some("Alison")).await;
    it.identity.end_other_sessions(alice, Some(two.id)).await.unwrap();
    until_dead(&other, &one.token, START).await;
    assert!(is_in(&other, &two, START).await);
    it.identity.delete_user(alice, START).await.unwrap();
    until_dead(&other, &two.token, START).await;
    until("he is missing there", async || other.missing(&[alice]).await == Ok(vec![alice])).await;
    assert_eq!(other.departures(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn ends_that_were_missed_cost_the_memory_and_no_more() {
    let it = Fixture::postgres().await;
    let [ended, kept] = [it.session(1, None).await, it.session(2, None).await];
    // As if the row about it had been removed before anybody read it.
    let miss = format!(
        "BEGIN; DELETE FROM sessions WHERE id = {}; UPDATE counters SET last = last + 1 WHERE name = 'ended'; COMMIT",
        ended.id
    );
    it.place.change(&miss).await;
    until_dead(&it.identity, &ended.token, START).await;
    assert!(is_in(&it.identity, &kept, START).await);
}

#[tokio::test]
async fn a_use_elsewhere_prolongs_a_session_here() {
    let it = Fixture::postgres().await;
    let other = it.another().await;
    let session = it.session(1, None).await;
    assert!(is_in(&other, &session, START).await, "in memory there, until two hours");
    for hours in 1..=5 {
        assert!(is_in(&it.identity, &session, at(hours * 60)).await);
        it.identity.flush().await.unwrap();
    }
    assert!(is_in(&other, &session, at(6 * 60)).await);
    assert!(!is_in(&other, &session, at(9 * 60)).await);
}

#[tokio::test]
async fn a_sweep_spares_what_another_process_may_have_used() {
    let it = Fixture::postgres().await;
    let other = it.another().await;
    let session = it.session(1, None).await;
    // In memory only: too soon to be written.
    assert!(is_in(&it.identity, &session, at(4)).await);
    assert_eq!(other.sweep(at(121)).await, Ok(0));
    assert!(is_in(&it.identity, &session, at(122)).await);
    it.identity.flush().await.unwrap();
    assert_eq!(other.sweep(at(126)).await, Ok(0));
    assert_eq!(other.sweep(at(248)).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_login_wanted_at_once_everywhere_is_one_users() {
    let it = Fixture::postgres().await;
    let processes = [Arc::clone(&it.identity), it.another().await, it.another().await];
    let mut attempts = JoinSet::new();
    for n in 0..30 {
        let identity = Arc::clone(&processes[n % 3]);
        attempts.spawn(async move { identity.sign_up(new_user("alice"), SALT, START).await });
    }
    let outcomes = attempts.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(Error::Invalid(_)))), "{outcomes:?}");
    assert_eq!(it.place.number("SELECT count(*) FROM users").await, 1);
    assert_eq!(it.place.number("SELECT last FROM counters WHERE name = 'user'").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_id_is_issued_once_also_by_several_at_once() {
    let it = Fixture::postgres().await;
    let processes = [Arc::clone(&it.identity), it.another().await, it.another().await];
    let mut attempts = JoinSet::new();
    for n in 0..60 {
        let identity = Arc::clone(&processes[n % 3]);
        attempts.spawn(async move {
            if n % 10 == 5 {
                identity.raise_counter_above(id(n as u64 * 3)).await.unwrap();
            }
            identity.sign_up(new_user(&format!("user{n}")), SALT, START).await.unwrap().id
        });
    }
    let issued = attempts.join_all().await;
    assert_eq!(issued.iter().collect::<HashSet<_>>().len(), 60);
    assert!(it.user("last").await.id > id(55 * 3));
}

#[derive(Debug, Clone)]
enum Step {
    Open { process: usize },
    Use { process: usize, session: usize },
    End { process: usize, session: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (0..3_usize, 0..8_usize);
    prop_oneof![
        (0..3_usize).prop_map(|process| Step::Open { process }),
        place().prop_map(|(process, session)| Step::Use { process, session }),
        place().prop_map(|(process, session)| Step::End { process, session }),
    ]
}

#[test]
fn whatever_happened_where_the_ended_are_dead_and_the_others_alive_everywhere() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let it = runtime.block_on(Fixture::postgres());
    let processes =
        [Arc::clone(&it.identity), runtime.block_on(it.another()), runtime.block_on(it.another())];
    let opened = std::cell::Cell::new(0_u32);
    let history = |steps: Vec<Step>| async {
        let mut sessions = Vec::<(Session, bool)>::new();
        for step in steps {
            match step {
                Step::Open { process } => {
                    opened.set(opened.get() + 1);
                    let mut token = [7; 20];
                    token[..4].copy_from_slice(&opened.get().to_be_bytes());
                    let session = processes[process].open_session(token, application(), None, START).await;
                    sessions.push((session.unwrap(), true));
                }
                Step::Use { process, session } => {
                    let Some((session, is_alive)) = sessions.get(session) else { continue };
                    // One that was ended elsewhere may be alive here for a moment.
                    let is_in = is_in(&processes[process], session, START).await;
                    assert!(is_in || !*is_alive, "{session:?} is refused although nobody ended it");
                }
                Step::End { process, session } => {
                    let Some((session, is_alive)) = sessions.get_mut(session) else { continue };
                    processes[process].end_session(session.id).await.unwrap();
                    assert!(
                        !is_in(&processes[process], session, START).await,
                        "{session:?} outlived its end"
                    );
                    *is_alive = false;
                }
            }
        }
        for process in &processes {
            for (session, is_alive) in &sessions {
                if *is_alive {
                    assert!(is_in(process, session, START).await, "{session:?}");
                } else {
                    until_dead(process, &session.token, START).await;
                    assert!(!is_in(process, session, START).await, "{session:?} rose again");
                }
            }
        }
    };
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    runner
        .run(&proptest::collection::vec(step(), 1..20), |steps| {
            runtime.block_on(history(steps));
            Ok(())
        })
        .unwrap();
}
