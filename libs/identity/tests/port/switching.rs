//! Sessions that become another's, and a user's sessions among each other.

use identity::{Error, SessionSummary};

use crate::fixture::{Fixture, START, at, each_store, id, until};

#[tokio::test]
async fn a_session_becomes_a_users_another_users_and_nobodys() {
    each_store(async |it| {
        let [alice, bob] = [it.user("alice").await.id, it.user("bob").await.id];
        let session = it.session(1, None).await;
        let token = session.token.as_str();
        for user in [Some(alice), Some(bob), None, Some(bob)] {
            let switched = it.identity.switch_session(token, user, at(1)).await.unwrap();
            assert_eq!((switched.id, &switched.token, switched.user), (session.id, &session.token, user));
            assert_eq!((switched.created_at, switched.expires_at), (START, at(121)));
            assert_eq!(it.asks(&session, at(1)).await, Ok(user));
            assert_eq!(it.identity.session(token, at(1)).await.unwrap().user, user);
        }
        assert_eq!(it.identity.user(bob).await.unwrap().last_request_at, Some(at(1)));
        let it = it.restart().await;
        assert_eq!(it.asks(&session, at(1)).await, Ok(Some(bob)));
        assert_eq!(it.identity.switch_session(token, Some(id(9)), START).await, Err(Error::UserNotFound));
        it.identity.set_disabled(alice, true, START).await.unwrap();
        assert_eq!(it.identity.switch_session(token, Some(alice), START).await, Err(Error::Disabled));
        assert_eq!(it.asks(&session, at(1)).await, Ok(Some(bob)), "as it was");
        it.identity.end_session(session.id).await.unwrap();
        assert_eq!(it.identity.switch_session(token, Some(bob), START).await, Err(Error::NoSuchSession));
        let other = it.session(2, None).await;
        let late = it.identity.switch_session(other.token.as_str(), Some(bob), at(120)).await;
        assert_eq!(late, Err(Error::NoSuchSession));
    })
    .await;
}

#[tokio::test]
async fn whoever_signed_in_elsewhere_is_known_at_once_where_it_matters() {
    let it = Fixture::postgres().await;
    let other = it.another().await;
    let alice = it.user("alice").await.id;
    let session = it.session(1, None).await;
    let token = session.token.as_str();
    assert_eq!(other.authenticate(token, START).await.unwrap().user, None);
    it.identity.switch_session(token, Some(alice), START).await.unwrap();
    assert_eq!(other.authenticate_anew(token, START).await.unwrap().user, Some(alice));
    let user_there = async || other.authenticate(token, START).await.unwrap().user;
    assert_eq!(user_there().await, Some(alice));
    it.identity.switch_session(token, None, START).await.unwrap();
    until("the session is nobody's there either", async || user_there().await.is_none()).await;
    it.identity.end_session(session.id).await.unwrap();
    assert_eq!(other.authenticate_anew(token, START).await, Err(Error::NoSuchSession));
}

#[tokio::test]
async fn a_session_asked_for_anew_slides_and_ends_as_ever() {
    each_store(async |it| {
        let token = it.session(1, None).await.token;
        let caller = it.identity.authenticate_anew(token.as_str(), at(60)).await.unwrap();
        assert_eq!(caller.expires_at, at(180));
        assert_eq!(it.identity.authenticate_anew(token.as_str(), at(180)).await, Err(Error::NoSuchSession));
        assert_eq!(it.identity.authenticate_anew("", START).await, Err(Error::NoSuchSession));
    })
    .await;
}

#[tokio::test]
async fn an_end_asked_for_by_its_owner_ends_his_only() {
    each_store(async |it| {
        let [alice, bob] = [it.user("alice").await.id, it.user("bob").await.id];
        let [alices, bobs, nobodys] =
            [it.session(1, Some(alice)).await, it.session(2, Some(bob)).await, it.session(3, None).await];
        let end =
            async |owner, session: &identity::Session| it.identity.end_session_of(owner, session.id).await;
        assert_eq!(end(Some(alice), &bobs).await, Ok(false));
        assert_eq!(end(Some(alice), &nobodys).await, Ok(false));
        assert_eq!(end(None, &alices).await, Ok(false));
        for session in [&alices, &bobs, &nobodys] {
            assert!(it.asks(session, START).await.is_ok());
        }
        assert_eq!(end(Some(alice), &alices).await, Ok(true));
        assert_eq!(end(None, &nobodys).await, Ok(true));
        assert_eq!(end(Some(alice), &alices).await, Ok(false), "once");
        assert_eq!(it.asks(&alices, START).await, Err(Error::NoSuchSession));
        assert_eq!(it.asks(&nobodys, START).await, Err(Error::NoSuchSession));
        assert_eq!(it.asks(&bobs, START).await, Ok(Some(bob)));
    })
    .await;
}

#[tokio::test]
async fn all_others_of_a_user_end_and_nobody_elses() {
    each_store(async |it| {
        let [alice, bob] = [it.user("alice").await.id, it.user("bob").await.id];
        let mut sessions = vec![];
        for token in 1..=4 {
            sessions.push(it.session(token, Some(alice)).await);
        }
        let [bobs, nobodys] = [it.session(5, Some(bob)).await, it.session(6, None).await];
        assert_eq!(it.identity.end_other_sessions(alice, Some(sessions[2].id)).await, Ok(3));
        for (index, session) in sessions.iter().enumerate() {
            let expected = if index == 2 { Ok(Some(alice)) } else { Err(Error::NoSuchSession) };
            assert_eq!(it.asks(session, START).await, expected, "{index}");
        }
        // Another's session keeps nothing of hers.
        assert_eq!(it.identity.end_other_sessions(alice, Some(bobs.id)).await, Ok(1));
        assert_eq!(it.identity.end_other_sessions(alice, None).await, Ok(0));
        assert_eq!(it.asks(&bobs, START).await, Ok(Some(bob)));
        assert_eq!(it.asks(&nobodys, START).await, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn a_users_sessions_are_listed_without_their_tokens() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let [first, second] = [it.session(1, Some(alice)).await, it.session(2, Some(alice)).await];
        it.session(3, None).await;
        it.identity.authenticate(second.token.as_str(), at(4)).await.unwrap();
        it.identity.flush().await.unwrap();
        let of = |session: &identity::Session, used: u64| SessionSummary {
            id: session.id,
            created_at: START,
            used_at: at(used),
            expires_at: at(used + 120),
        };
        assert_eq!(it.identity.sessions_of(alice).await, Ok(vec![of(&second, 4), of(&first, 0)]));
        it.identity.end_session(second.id).await.unwrap();
        assert_eq!(it.identity.sessions_of(alice).await, Ok(vec![of(&first, 0)]));
        assert_eq!(it.identity.sessions_of(id(9)).await, Ok(vec![]));
    })
    .await;
}
