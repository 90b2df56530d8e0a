//! Guests: one day, however much they are used, and then nobody.

use identity::{Change, Credentials, Error, Name, Password, RawChange, Unknown};

use crate::fixture::{Fixture, SALT, START, application, at, each_store, id};

const DAY: u64 = 24 * 60;

async fn guest(it: &Fixture, token: u8, name: Option<&str>) -> (identity::Session, identity::User) {
    let name = name.map(str::to_owned);
    it.identity.open_guest_session([token; 20], application(), name, START).await.unwrap()
}

#[tokio::test]
async fn a_guest_has_a_name_a_session_and_no_password() {
    each_store(async |it| {
        let (session, user) = guest(&it, 1, Some("A guest")).await;
        assert_eq!((session.user, session.expires_at), (Some(user.id), at(DAY)));
        assert_eq!((user.is_guest, user.full_name.as_deref()), (true, Some("A guest")));
        assert_eq!(it.identity.user(user.id).await, Ok(user.clone()));
        let login = user.login.clone().unwrap();
        assert!(login.starts_with("guest_login_") && login.len() == 52, "{login}");
        let token = session.token.as_str();
        assert!(!login.contains(&token[..8]), "the login tells the token");
        for password in ["", token, "correct horse battery"] {
            assert_eq!(it.sign_in(&login, password).await, Err(Error::InvalidPassword));
        }
        let (other, _) = guest(&it, 2, None).await;
        assert_eq!((other.user, guest(&it, 3, None).await.1.full_name), (Some(id(2)), None));
        let long = Some("x".repeat(256));
        let refused = it.identity.open_guest_session([4; 20], application(), long, START).await;
        assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "full_name"));
    })
    .await;
}

#[tokio::test]
async fn his_session_lives_one_day_and_not_longer() {
    each_store(async |it| {
        let (session, user) = guest(&it, 1, None).await;
        assert_eq!(it.asks(&session, at(DAY - 1)).await, Ok(Some(user.id)), "unused for a day");
        let shown = it.identity.session(session.token.as_str(), at(DAY - 1)).await.unwrap();
        assert_eq!(shown.expires_at, at(DAY), "used, and no longer for it");
        it.identity.flush().await.unwrap();
        let it = it.restart().await;
        assert_eq!(it.asks(&session, at(DAY - 1)).await, Ok(Some(user.id)));
        assert_eq!(it.asks(&session, at(DAY)).await, Err(Error::NoSuchSession));
    })
    .await;
}

#[tokio::test]
async fn a_sweep_deletes_guests_whose_day_is_over() {
    each_store(async |it| {
        let (session, user) = guest(&it, 1, None).await;
        let alice = it.user("alice").await.id;
        assert_eq!(it.identity.sweep(at(DAY - 1)).await, Ok(0));
        assert!(it.identity.user(user.id).await.is_ok());
        while it.identity.sweep(at(DAY)).await.unwrap() > 0 {}
        assert_eq!(it.identity.user(user.id).await, Err(Error::UserNotFound));
        assert_eq!(it.asks(&session, START).await, Err(Error::NoSuchSession));
        assert!(it.identity.user(alice).await.is_ok());
        let departures = it.identity.departures(10).await.unwrap();
        assert_eq!(departures.iter().map(|gone| gone.user).collect::<Vec<_>>(), [user.id]);
        it.identity.departing().await;
        assert_eq!(it.identity.sweep(at(DAY)).await, Ok(0), "once");
        assert_eq!(it.identity.sweep(at(DAY + it.lag_minutes())).await, Ok(it.lag_minutes().min(1) as usize));
    })
    .await;
}

#[tokio::test]
async fn a_sweep_deletes_a_bounded_number_of_guests() {
    each_store(async |it| {
        it.place
            .change(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
                 INSERT INTO users (id, created_at, updated_at, ends_at) SELECT i, 1, 1, 1 + i FROM n",
            )
            .await;
        let mut removed = Vec::new();
        for _ in 0..4 {
            removed.push(it.identity.sweep(START).await.unwrap());
        }
        assert_eq!(removed, [50, 50, 20, 0]);
        assert_eq!(it.identity.departures(1_000).await.unwrap().len(), 120);
    })
    .await;
}

#[tokio::test]
async fn a_guest_gets_no_password_by_any_way() {
    each_store(async |it| {
        let (session, user) = guest(&it, 1, None).await;
        let raw = RawChange { email: Some("guest@example.com".into()), ..RawChange::default() };
        it.identity.change_user(user.id, Change::parse(raw).unwrap(), SALT, START).await.unwrap();
        let raw = RawChange {
            password: Some(Password::new("a new password")),
            old_password: Some(Password::new("")),
            ..RawChange::default()
        };
        let refused = it.identity.change_user(user.id, Change::parse(raw).unwrap(), SALT, START).await;
        assert_eq!(refused, Err(Error::WrongOldPassword));
        assert_eq!(it.identity.begin_reset("guest@example.com", [9; 20], START).await, Ok(None));
        let name = Name::Email("guest@example.com".into());
        let credentials = Credentials { name, password: Password::new("a new password") };
        let signed_in = it.identity.sign_in(credentials, Unknown::Create(SALT), START).await;
        assert_eq!(signed_in, Err(Error::InvalidPassword));
        assert!(it.asks(&session, START).await.is_ok());
    })
    .await;
}
