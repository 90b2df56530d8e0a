//! Opening, using and ending sessions.

use std::sync::Arc;

use domain::Time;
use identity::{Caller, Error, Settings, Token};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, START, application, at, cheap, id};

#[tokio::test]
async fn a_token_says_who_asks_also_after_a_restart() {
    let it = Fixture::new();
    let alice = it.user("alice").await.id;
    let session = it.session(1, Some(alice)).await;
    assert_eq!(session.token, Token::from_bytes([1; 20]));
    assert_eq!((session.created_at, session.updated_at, session.expires_at), (START, START, at(120)));
    let expected =
        Caller { session: session.id, user: Some(alice), application: application(), expires_at: at(121) };
    assert_eq!(it.identity.authenticate(session.token.as_str(), at(1)).await, Ok(expected));
    let it = it.restart();
    assert_eq!(it.identity.authenticate(session.token.as_str(), at(1)).await, Ok(expected));
    let shown = it.identity.session(session.token.as_str(), at(2)).await.unwrap();
    assert_eq!((shown.id, shown.user, shown.token), (session.id, Some(alice), session.token));
    assert_eq!((shown.created_at, shown.updated_at, shown.expires_at), (START, at(2), at(122)));
}

#[tokio::test]
async fn a_session_without_a_user_is_the_applications() {
    let it = Fixture::new();
    let session = it.session(1, None).await;
    assert_eq!(session.user, None);
    assert_eq!(it.identity.authenticate(session.token.as_str(), START).await.unwrap().user, None);
    let nobody = it.identity.open_session([2; 20], application(), Some(id(9)), START).await;
    assert_eq!(nobody, Err(Error::UserNotFound));
}

#[tokio::test]
async fn any_other_token_proves_nothing() {
    let it = Fixture::new();
    let token = it.session(1, None).await.token;
    let token = token.as_str();
    let longer = format!("{token}0");
    for other in ["", " ", "\0", &token[..39], &longer, &"02".repeat(20), &"é".repeat(20), &"0G".repeat(20)]
    {
        assert_eq!(it.identity.authenticate(other, START).await, Err(Error::NoSuchSession), "{other:?}");
        assert_eq!(it.identity.session(other, START).await, Err(Error::NoSuchSession), "{other:?}");
    }
}

#[tokio::test]
async fn a_session_lives_two_hours_after_its_last_use() {
    let it = Fixture::new();
    let token = it.session(1, None).await.token;
    let authenticate = async |now| it.identity.authenticate(token.as_str(), now).await.map(|c| c.expires_at);
    assert_eq!(authenticate(at(119)).await, Ok(at(239)));
    assert_eq!(authenticate(at(50)).await, Ok(at(239)), "time that goes back shortens nothing");
    assert_eq!(authenticate(Time(at(239).0 - 1)).await, Ok(Time(at(359).0 - 1)));
    assert_eq!(authenticate(Time(at(359).0 - 1)).await, Err(Error::NoSuchSession));
    assert_eq!(authenticate(at(900)).await, Err(Error::NoSuchSession));
    let it = it.restart();
    assert_eq!(it.identity.authenticate(token.as_str(), at(900)).await, Err(Error::NoSuchSession));
}

#[tokio::test]
async fn an_ended_session_is_dead_and_others_go_on() {
    let it = Fixture::new();
    let alice = it.user("alice").await.id;
    let [one, other] = [it.session(1, Some(alice)).await, it.session(2, Some(alice)).await];
    assert_ne!(one.id, other.id);
    it.identity.end_session(one.id).await.unwrap();
    it.identity.end_session(one.id).await.unwrap();
    assert_eq!(it.identity.authenticate(one.token.as_str(), START).await, Err(Error::NoSuchSession));
    assert!(it.identity.authenticate(other.token.as_str(), START).await.is_ok());
    let it = it.restart();
    assert_eq!(it.identity.authenticate(one.token.as_str(), START).await, Err(Error::NoSuchSession));
    assert!(it.identity.authenticate(other.token.as_str(), START).await.is_ok());
    let next = it.session(3, Some(alice)).await;
    assert!(next.id > other.id, "a session's id is issued once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_is_final_however_many_load_the_session_meanwhile() {
    let it = Fixture::new();
    let sessions = {
        let mut sessions = Vec::new();
        for n in 0..40 {
            sessions.push(it.session(n, None).await);
        }
        sessions
    };
    // Nothing is in memory yet, so that each use loads.
    let it = it.restart();
    let mut stories = JoinSet::new();
    for session in sessions {
        for _ in 0..3 {
            let identity = Arc::clone(&it.identity);
            let token = session.token.clone();
            stories.spawn(async move {
                let _ = identity.authenticate(token.as_str(), START).await;
            });
        }
        let identity = Arc::clone(&it.identity);
        stories.spawn(async move {
            identity.end_session(session.id).await.unwrap();
            for _ in 0..20 {
                let dead = identity.authenticate(session.token.as_str(), START).await;
                assert_eq!(dead, Err(Error::NoSuchSession));
                tokio::task::yield_now().await;
            }
        });
    }
    stories.join_all().await;
}

#[tokio::test]
async fn a_session_in_memory_needs_no_store() {
    let it = Fixture::new();
    let token = it.session(1, None).await.token;
    it.beside().execute("DELETE FROM sessions", []).unwrap();
    assert!(it.identity.authenticate(token.as_str(), at(1)).await.is_ok());
}

#[tokio::test]
async fn a_use_is_written_at_most_every_five_minutes() {
    let it = Fixture::new();
    let alice = it.user("alice").await.id;
    let token = it.session(1, Some(alice)).await.token;
    let beside = it.beside();
    let row = || {
        let question = "SELECT used_at, expires_at FROM sessions";
        beside.query_row(question, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap()
    };
    let (mut writes, mut last) = (0, row());
    for half_minutes in 1..=120 {
        let now = Time(START.0 + half_minutes * 30_000);
        it.identity.authenticate(token.as_str(), now).await.unwrap();
        // The writer does its jobs in order: when this has been answered, the use has been written.
        it.identity.raise_counter_above(alice).await.unwrap();
        let current = row();
        if current != last {
            assert_eq!((current.0, current.1 - current.0), (i64::try_from(now.0).unwrap(), 120 * 60_000));
            (writes, last) = (writes + 1, current);
        }
    }
    assert_eq!(writes, 12, "one hour in use");
    assert_eq!(it.identity.user(alice).await.unwrap().last_request_at, Some(at(60)));
}

#[tokio::test]
async fn a_session_that_finds_no_place_in_memory_slides_all_the_same() {
    let it = Fixture::with(Settings { sessions_cached_max: 0, displays_cached_max: 0, ..cheap() });
    let alice = it.user("alice").await.id;
    let session = it.session(1, Some(alice)).await;
    for minutes in (0..=600).step_by(60) {
        it.identity.authenticate(session.token.as_str(), at(minutes)).await.unwrap();
        it.identity.flush().await.unwrap();
    }
    it.identity.end_session(session.id).await.unwrap();
    let dead = it.identity.authenticate(session.token.as_str(), at(600)).await;
    assert_eq!(dead, Err(Error::NoSuchSession));
}

#[tokio::test]
async fn a_flush_keeps_the_exact_end_over_a_restart() {
    let it = Fixture::new();
    let token = it.session(1, None).await.token;
    it.identity.authenticate(token.as_str(), at(4)).await.unwrap();
    it.identity.flush().await.unwrap();
    let it = it.restart();
    assert!(it.identity.authenticate(token.as_str(), at(123)).await.is_ok());
}

#[tokio::test]
async fn a_crash_may_cost_five_minutes_and_no_more() {
    let it = Fixture::new();
    let token = it.session(1, None).await.token;
    it.identity.authenticate(token.as_str(), at(4)).await.unwrap();
    let it = it.restart();
    assert_eq!(it.identity.authenticate(token.as_str(), at(120)).await, Err(Error::NoSuchSession));
    assert!(it.identity.authenticate(token.as_str(), at(119)).await.is_ok());
}
