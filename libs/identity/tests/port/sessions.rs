//! Opening, using and ending sessions.

use std::sync::Arc;

use domain::Time;
use identity::{Caller, Error, Settings, Token};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, START, application, at, cheap, each_store, each_store_with, id, until};

#[tokio::test]
async fn a_token_says_who_asks_also_after_a_restart() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let session = it.session(1, Some(alice)).await;
        assert_eq!(session.token, Token::from_bytes([1; 20]));
        assert_eq!((session.created_at, session.updated_at, session.expires_at), (START, START, at(120)));
        let expected = Caller {
            session: session.id,
            user: Some(alice),
            application: application(),
            expires_at: at(121),
        };
        assert_eq!(it.identity.authenticate(session.token.as_str(), at(1)).await, Ok(expected));
        let it = it.restart().await;
        assert_eq!(it.identity.authenticate(session.token.as_str(), at(1)).await, Ok(expected));
        let shown = it.identity.session(session.token.as_str(), at(2)).await.unwrap();
        assert_eq!((shown.id, shown.user, shown.token), (session.id, Some(alice), session.token));
        assert_eq!((shown.created_at, shown.updated_at, shown.expires_at), (START, at(2), at(122)));
    })
    .await;
}

#[tokio::test]
async fn a_session_without_a_user_is_the_applications() {
    each_store(async |it| {
        let session = it.session(1, None).await;
        assert_eq!(session.user, None);
        assert_eq!(it.identity.authenticate(session.token.as_str(), START).await.unwrap().user, None);
        let nobody = it.identity.open_session([2; 20], application(), Some(id(9)), START).await;
        assert_eq!(nobody, Err(Error::UserNotFound));
    })
    .await;
}

#[tokio::test]
async fn any_other_token_proves_nothing() {
    each_store(async |it| {
        let token = it.session(1, None).await.token;
        let token = token.as_str();
        let longer = format!("{token}0");
        for other in
            ["", " ", "\0", &token[..39], &longer, &"02".repeat(20), &"é".repeat(20), &"0G".repeat(20)]
        {
            assert_eq!(it.identity.authenticate(other, START).await, Err(Error::NoSuchSession), "{other:?}");
            assert_eq!(it.identity.session(other, START).await, Err(Error::NoSuchSession), "{other:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_lives_two_hours_after_its_last_use() {
    each_store(async |it| {
        let token = it.session(1, None).await.token;
        let authenticate =
            async |now| it.identity.authenticate(token.as_str(), now).await.map(|c| c.expires_at);
        assert_eq!(authenticate(at(119)).await, Ok(at(239)));
        assert_eq!(authenticate(at(50)).await, Ok(at(239)), "time that goes back shortens nothing");
        assert_eq!(authenticate(Time(at(239).0 - 1)).await, Ok(Time(at(359).0 - 1)));
        assert_eq!(authenticate(Time(at(359).0 - 1)).await, Err(Error::NoSuchSession));
        assert_eq!(authenticate(at(900)).await, Err(Error::NoSuchSession));
        let it = it.restart().await;
        assert_eq!(it.identity.authenticate(token.as_str(), at(900)).await, Err(Error::NoSuchSession));
    })
    .await;
}

#[tokio::test]
async fn an_ended_session_is_dead_and_others_go_on() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let [one, other] = [it.session(1, Some(alice)).await, it.session(2, Some(alice)).await];
        assert_ne!(one.id, other.id);
        it.identity.end_session(one.id).await.unwrap();
        it.identity.end_session(one.id).await.unwrap();
        assert_eq!(it.identity.authenticate(one.token.as_str(), START).await, Err(Error::NoSuchSession));
        assert!(it.identity.authenticate(other.token.as_str(), START).await.is_ok());
        let it = it.restart().await;
        assert_eq!(it.identity.authenticate(one.token.as_str(), START).await, Err(Error::NoSuchSession));
        assert!(it.identity.authenticate(other.token.as_str(), START).await.is_ok());
        let next = it.session(3, Some(alice)).await;
        assert!(next.id > other.id, "a session's id is issued once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_is_final_however_many_load_the_session_meanwhile() {
    each_store(async |it| {
        let sessions = {
            let mut sessions = Vec::new();
            for n in 0..40 {
                sessions.push(it.session(n, None).await);
            }
            sessions
        };
        // Nothing is in memory yet, so that each use loads.
        let it = it.restart().await;
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
    })
    .await;
}

#[tokio::test]
async fn a_session_in_memory_needs_no_store() {
    let it = Fixture::embedded().await;
    let token = it.session(1, None).await.token;
    it.place.change("DELETE FROM sessions").await;
    assert!(it.identity.authenticate(token.as_str(), at(1)).await.is_ok());
}

#[tokio::test]
async fn a_use_is_written_at_most_every_five_minutes() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let token = it.session(1, Some(alice)).await.token;
        let row = async || {
            let [used, expires] =
                ["used_at", "expires_at"].map(|column| format!("SELECT {column} FROM sessions"));
            (it.place.number(&used).await, it.place.number(&expires).await)
        };
        let (mut writes, mut last) = (0, row().await);
        for half_minutes in 1..=120 {
            it.identity.authenticate(token.as_str(), Time(START.0 + half_minutes * 30_000)).await.unwrap();
            let due = i64::try_from(START.0 + half_minutes / 10 * 10 * 30_000).unwrap();
            until("the row is as the last due use left it", async || {
                row().await == (due, due + 120 * 60_000)
            })
            .await;
            writes += u32::from(last.0 != due);
            last = row().await;
        }
        assert_eq!(writes, 12, "one hour in use");
        assert_eq!(it.identity.user(alice).await.unwrap().last_request_at, Some(at(60)));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_finds_no_place_in_memory_slides_all_the_same() {
    each_store_with(Settings { sessions_cached_max: 0, displays_cached_max: 0, ..cheap() }, async |it| {
        let alice = it.user("alice").await.id;
        let session = it.session(1, Some(alice)).await;
        for minutes in (0..=600).step_by(60) {
            it.identity.authenticate(session.token.as_str(), at(minutes)).await.unwrap();
            it.identity.flush().await.unwrap();
        }
        it.identity.end_session(session.id).await.unwrap();
        let dead = it.identity.authenticate(session.token.as_str(), at(600)).await;
        assert_eq!(dead, Err(Error::NoSuchSession));
    })
    .await;
}

#[tokio::test]
async fn a_flush_keeps_the_exact_end_over_a_restart() {
    each_store(async |it| {
        let token = it.session(1, None).await.token;
        it.identity.authenticate(token.as_str(), at(4)).await.unwrap();
        it.identity.flush().await.unwrap();
        let it = it.restart().await;
        assert!(it.identity.authenticate(token.as_str(), at(123)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_crash_may_cost_five_minutes_and_no_more() {
    each_store(async |it| {
        let token = it.session(1, None).await.token;
        it.identity.authenticate(token.as_str(), at(4)).await.unwrap();
        let it = it.restart().await;
        assert_eq!(it.identity.authenticate(token.as_str(), at(120)).await, Err(Error::NoSuchSession));
        assert!(it.identity.authenticate(token.as_str(), at(119)).await.is_ok());
    })
    .await;
}
