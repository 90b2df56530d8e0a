//! Changing users: what is named and nothing else, by the rules of sign-up.

use domain::UserId;
use identity::{Change, Error, FieldError, NewUser, Password, RawChange, Session, SignUp, User};

use crate::fixture::{Fixture, PASSWORD, SALT, START, at, each_store, id, taken};

const NEW_PASSWORD: &str = "staple battery horse";

fn change(raw: RawChange) -> Change {
    Change::parse(raw).unwrap()
}

async fn alice(it: &Fixture) -> User {
    let raw = SignUp {
        login: Some("alice".into()),
        email: Some("alice@example.com".into()),
        password: Some(Password::new(PASSWORD)),
        full_name: Some("Alice".into()),
        phone: Some("1".into()),
        blob_id: Some(5),
        tag_list: vec!["a".into()],
        timezone: Some(60),
        ..SignUp::default()
    };
    it.identity.sign_up(NewUser::parse(raw).unwrap(), SALT, START).await.unwrap()
}

#[tokio::test]
async fn what_is_named_changes_and_the_rest_stays_also_after_a_restart() {
    each_store(async |it| {
        let before = alice(&it).await;
        let raw = RawChange {
            login: Some(" Alison ".into()),
            phone: Some(String::new()),
            website: Some("https://alice.example".into()),
            external_id: Some("x-1".into()),
            custom_data: Some("{}".into()),
            tag_list: Some(vec!["b,c".into()]),
            blob_id: Some(None),
            timezone: Some(Some(-60)),
            ..RawChange::default()
        };
        let changed = it.identity.change_user(before.id, change(raw), SALT, at(1)).await.unwrap();
        let expected = User {
            login: Some("Alison".into()),
            phone: None,
            website: Some("https://alice.example".into()),
            external_id: Some("x-1".into()),
            custom_data: Some("{}".into()),
            user_tags: Some("b,c".into()),
            blob_id: None,
            timezone: Some(-60),
            updated_at: at(1),
            ..before
        };
        assert_eq!(changed, expected);
        let it = it.restart().await;
        assert_eq!(it.identity.user(expected.id).await, Ok(expected));
        assert_eq!(it.sign_in("alison", PASSWORD).await, Ok(id(1)));
        assert_eq!(it.sign_in("alice", PASSWORD).await, Err(Error::UserNotFound));
        assert!(
            it.identity.sign_up(crate::fixture::new_user("alice"), SALT, START).await.is_ok(),
            "free again"
        );
    })
    .await;
}

#[tokio::test]
async fn a_changed_name_is_shown_at_once() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        let name = async || it.identity.display(&[alice]).await.unwrap()[0].name.clone();
        assert_eq!(name().await, "Alice");
        let raw = RawChange { full_name: Some("Alison".into()), ..RawChange::default() };
        it.identity.change_user(alice, change(raw), SALT, START).await.unwrap();
        assert_eq!(name().await, "Alison");
    })
    .await;
}

#[tokio::test]
async fn others_names_stay_theirs_and_ones_own_is_no_obstacle() {
    each_store(async |it| {
        it.user("bob").await;
        let alice = alice(&it).await;
        let to = async |login: &str, email: &str| {
            let raw =
                RawChange { login: Some(login.into()), email: Some(email.into()), ..RawChange::default() };
            it.identity.change_user(alice.id, change(raw), SALT, START).await
        };
        assert_eq!(to("BOB", "alice@example.com").await, Err(taken(&["login"])));
        assert_eq!(it.identity.user(alice.id).await, Ok(alice.clone()));
        assert_eq!(to("ALICE", "ALICE@example.com").await.map(|user| user.login), Ok(Some("ALICE".into())));
        // Either may go, but not both.
        assert_eq!(to("alice", "").await.map(|user| user.email), Ok(None));
        let blank = FieldError { field: "login", text: "can't be blank".into() };
        assert_eq!(to("", "").await, Err(Error::Invalid(vec![blank])));
        assert_eq!(it.identity.user(alice.id).await.unwrap().login, Some("alice".into()));
    })
    .await;
}

#[tokio::test]
async fn a_new_password_needs_the_old_one() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        let to = async |old: Option<&str>| {
            let raw = RawChange {
                password: Some(Password::new(NEW_PASSWORD)),
                old_password: old.map(Password::new),
                full_name: Some("Alison".into()),
                ..RawChange::default()
            };
            it.identity.change_user(alice, change(raw), SALT, START).await.map(|user| user.full_name)
        };
        for wrong in [None, Some(""), Some(NEW_PASSWORD), Some("Correct horse battery")] {
            assert_eq!(to(wrong).await, Err(Error::WrongOldPassword), "{wrong:?}");
        }
        assert_eq!(it.identity.user(alice).await.unwrap().full_name, Some("Alice".into()));
        assert_eq!(it.sign_in("alice", PASSWORD).await, Ok(alice));
        assert_eq!(to(Some(PASSWORD)).await, Ok(Some("Alison".into())));
        assert_eq!(it.sign_in("alice", PASSWORD).await, Err(Error::InvalidPassword));
        assert_eq!(it.sign_in("alice", NEW_PASSWORD).await, Ok(alice));
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_but_the_one_that_asked() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        let bob = it.user("bob").await.id;
        let [asking, other, bobs] = [
            it.session(1, Some(alice)).await,
            it.session(2, Some(alice)).await,
            it.session(3, Some(bob)).await,
        ];
        let users = async || {
            [asking_user(&it, &asking).await, asking_user(&it, &other).await, asking_user(&it, &bobs).await]
        };
        let raw = |old: &str| RawChange {
            password: Some(Password::new(NEW_PASSWORD)),
            old_password: Some(Password::new(old)),
            ..RawChange::default()
        };
        let refused = change(raw("another password")).asked_in(asking.id);
        assert_eq!(
            it.identity.change_user(alice, refused, SALT, START).await.map(|user| user.id),
            Err(Error::WrongOldPassword)
        );
        assert_eq!(users().await, [Ok(alice), Ok(alice), Ok(bob)]);
        let named = RawChange { full_name: Some("Alison".into()), ..RawChange::default() };
        it.identity.change_user(alice, change(named).asked_in(asking.id), SALT, START).await.unwrap();
        assert_eq!(users().await, [Ok(alice), Ok(alice), Ok(bob)]);
        it.identity.change_user(alice, change(raw(PASSWORD)).asked_in(asking.id), SALT, START).await.unwrap();
        assert_eq!(users().await, [Ok(alice), Err(Error::NoSuchSession), Ok(bob)]);
        let it = it.restart().await;
        assert_eq!(
            it.identity.authenticate(other.token.as_str(), START).await.map(|caller| caller.session),
            Err(Error::NoSuchSession)
        );
    })
    .await;
}

/// Whom the session proves.
async fn asking_user(it: &Fixture, session: &Session) -> Result<UserId, Error> {
    let caller = it.identity.authenticate(session.token.as_str(), START).await?;
    Ok(caller.user.expect("a user's session"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_change_one_password_at_once_one_does() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        let to = |new: &'static str| {
            let raw = RawChange {
                password: Some(Password::new(new)),
                old_password: Some(Password::new(PASSWORD)),
                ..RawChange::default()
            };
            it.identity.change_user(alice, change(raw), SALT, START)
        };
        let (one, other) = tokio::join!(to("the first password"), to("the other password"));
        let outcomes = [one.map(|_| ()), other.map(|_| ())];
        let kept = ["the first password", "the other password"];
        for (outcome, password) in outcomes.into_iter().zip(kept) {
            let signs_in = it.sign_in("alice", password).await;
            match outcome {
                Ok(()) => assert_eq!(signs_in, Ok(alice)),
                Err(error) => {
                    assert_eq!((error, signs_in), (Error::WrongOldPassword, Err(Error::InvalidPassword)));
                }
            }
        }
        assert_eq!(it.sign_in("alice", PASSWORD).await, Err(Error::InvalidPassword));
    })
    .await;
}

#[test]
fn every_rule_of_sign_up_holds() {
    let raw = RawChange {
        login: Some("al".into()),
        email: Some("no address".into()),
        password: Some(Password::new("short")),
        phone: Some("\0".into()),
        blob_id: Some(Some(0)),
        tag_list: Some(vec!["a,b,c,d,e,f".into()]),
        timezone: Some(Some(9_999)),
        ..RawChange::default()
    };
    let mut broken = Change::parse(raw).unwrap_err().into_iter().map(|error| error.field).collect::<Vec<_>>();
    broken.sort_unstable();
    assert_eq!(broken, ["blob_id", "email", "login", "password", "phone", "tag_list", "timezone"]);
    assert!(Change::parse(RawChange { password: Some(Password::new("")), ..RawChange::default() }).is_err());
    assert!(Change::parse(RawChange::default()).is_ok());
}
