//! Whatever is asked in whatever order: users and sessions are what a naive model in memory says.

mod steps;

use std::collections::HashMap;

use domain::{Time, UserId};
use identity::{Change, Error, Password, RawChange, Session, Token};
use proptest::test_runner::{Config, TestRunner};

use self::steps::{Step, step};
use crate::fixture::{Fixture, SALT, application, at, id, taken};

const NAMES: [&str; 3] = ["alice", "ALICE", "bob"];
const PASSWORDS: [&str; 3] = ["first password", "second password", "third password"];
/// Tokens of another issuer, and when they are good no more, in minutes.
const FOREIGN: [(&str, u64); 2] = [("a.b.c", 90), ("d.e.f", 2_000)];
const LIFETIME: u64 = 120;
const DAY: u64 = 24 * 60;

#[derive(Debug, Clone, Default)]
struct Person {
    login: Option<String>,
    password: Option<usize>,
    is_disabled: bool,
    is_deleted: bool,
    /// When a guest's time is over.
    ends: Option<u64>,
}

#[derive(Debug, Clone)]
struct Seat {
    session: Session,
    user: Option<usize>,
    expires: u64,
    ends: Option<u64>,
    is_ended: bool,
}

/// What should be, beside what is.
struct World<'a> {
    it: &'a Fixture,
    now: u64,
    people: Vec<Person>,
    seats: Vec<Seat>,
    foreign: HashMap<usize, usize>,
    departures: Vec<UserId>,
    tokens: u64,
}

fn number(user: usize) -> UserId {
    id(user as u64 + 1)
}

impl Seat {
    fn is_live(&self, now: u64) -> bool {
        !self.is_ended && now < self.expires
    }

    fn use_at(&mut self, now: u64) {
        let slid = now + LIFETIME;
        self.expires = self.expires.max(self.ends.map_or(slid, |ends| slid.min(ends)));
    }
}

impl World<'_> {
    fn time(&self) -> Time {
        at(self.now)
    }

    fn token(&mut self) -> [u8; 20] {
        self.tokens += 1;
        let mut token = [0xa5; 20];
        token[..8].copy_from_slice(&self.tokens.to_be_bytes());
        token
    }

    /// Who has that name, whatever its case.
    fn named(&self, name: usize) -> Option<usize> {
        let name = NAMES[name].to_lowercase();
        self.people.iter().position(|person| {
            !person.is_deleted && person.login.as_ref().is_some_and(|login| login.to_lowercase() == name)
        })
    }

    /// Why the user may have no session.
    fn absence(&self, user: usize) -> Option<Error> {
        match self.people.get(user) {
            Some(person) if person.is_deleted => Some(Error::UserNotFound),
            Some(person) if person.is_disabled => Some(Error::Disabled),
            Some(_) => None,
            None => Some(Error::UserNotFound),
        }
    }

    fn end_all(&mut self, user: usize, kept: Option<usize>) -> u64 {
        let mut ended = 0;
        for (place, seat) in self.seats.iter_mut().enumerate() {
            if seat.user == Some(user) && Some(place) != kept && !seat.is_ended {
                seat.is_ended = true;
                ended += 1;
            }
        }
        ended
    }

    fn bury(&mut self, user: usize) {
        self.people[user] = Person { is_deleted: true, ..Person::default() };
        self.departures.push(number(user));
        self.end_all(user, None);
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::SignUp { .. } | Step::SignIn { .. } | Step::Rename { .. } | Step::NewPassword { .. } => {
                Box::pin(self.take_of_names(step)).await;
            }
            Step::Delete { .. } | Step::Disable { .. } | Step::Reset { .. } => {
                Box::pin(self.take_of_accounts(step)).await;
            }
            Step::Open { .. } | Step::Guest | Step::Foreign { .. } => {
                Box::pin(self.take_of_beginnings(step)).await
            }
            Step::Use { session } => {
                let now = self.time();
                if self.is_outdated(session) {
                    return;
                }
                let seat = &mut self.seats[session];
                let asks = self.it.identity.authenticate(seat.session.token.as_str(), now).await;
                assert_eq!(asks.is_ok(), seat.is_live(self.now), "{seat:?} {asks:?}");
                if let Ok(caller) = asks {
                    seat.use_at(self.now);
                    assert_eq!(caller.user, seat.user.map(number));
                    assert_eq!(caller.expires_at, at(seat.expires));
                }
            }
            Step::Switch { session, user } => Box::pin(self.switch(session, user)).await,
            Step::End { .. } | Step::EndOf { .. } | Step::EndOthers { .. } => {
                Box::pin(self.take_of_ends(step)).await
            }
            Step::Wait { minutes } => self.now += minutes,
            Step::Sweep => {
                while self.it.identity.sweep(self.time()).await.unwrap() > 0 {}
                for user in 0..self.people.len() {
                    if self.people[user].ends.is_some_and(|ends| ends <= self.now) {
                        self.bury(user);
                    }
                }
            }
            Step::Flush => self.it.identity.flush().await.unwrap(),
        }
    }

    async fn take_of_names(&mut self, step: Step) {
        let (identity, now) = (&self.it.identity, self.time());
        match step {
            Step::SignUp { name } => {
                let user = identity.sign_up(user_named(NAMES[name]), SALT, now).await;
                match self.named(name) {
                    Some(_) => assert_eq!(user, Err(taken(&["login"]))),
                    None => {
                        assert_eq!(
                            user.unwrap().id,
                            number(self.people.len()),
                            "numbers are issued in order"
                        );
                        let login = Some(NAMES[name].to_owned());
                        self.people.push(Person { login, password: Some(0), ..Person::default() });
                    }
                }
            }
            Step::SignIn { name, password } => {
                let signed_in = self.it.sign_in(NAMES[name], PASSWORDS[password]).await;
                let expected = match self.named(name) {
                    None => Err(Error::UserNotFound),
                    Some(user) if self.people[user].password != Some(password) => Err(Error::InvalidPassword),
                    Some(user) if self.people[user].is_disabled => Err(Error::Disabled),
                    Some(user) => Ok(number(user)),
                };
                assert_eq!(signed_in, expected);
            }
            Step::Rename { user, name } => {
                let raw = RawChange { login: Some(NAMES[name].into()), ..RawChange::default() };
                let change = Change::parse(raw).unwrap();
                let changed =
                    identity.change_user(number(user), change, SALT, now).await.map(|user| user.login);
                let owner = self.named(name);
                match self.people.get_mut(user).filter(|person| !person.is_deleted) {
                    None => assert_eq!(changed, Err(Error::UserNotFound)),
                    Some(_) if owner.is_some_and(|owner| owner != user) => {
                        assert_eq!(changed, Err(taken(&["login"])));
                    }
                    Some(person) => {
                        person.login = Some(NAMES[name].to_owned());
                        assert_eq!(changed, Ok(person.login.clone()));
                    }
                }
            }
            Step::NewPassword { user, old, new } => {
                let raw = RawChange {
                    password: Some(Password::new(PASSWORDS[new])),
                    old_password: Some(Password::new(PASSWORDS[old])),
                    ..RawChange::default()
                };
                let change = Change::parse(raw).unwrap();
                let changed = identity.change_user(number(user), change, SALT, now).await.map(|_| ());
                match self.people.get_mut(user).filter(|person| !person.is_deleted) {
                    None => assert_eq!(changed, Err(Error::UserNotFound)),
                    Some(person) if person.password != Some(old) => {
                        assert_eq!(changed, Err(Error::WrongOldPassword));
                    }
                    Some(person) => {
                        assert_eq!(changed, Ok(()));
                        person.password = Some(new);
                        self.end_all(user, None);
                    }
                }
            }
            _ => unreachable!(),
        }
    }

    async fn take_of_accounts(&mut self, step: Step) {
        let (identity, now) = (&self.it.identity, self.time());
        match step {
            Step::Delete { user } => {
                identity.delete_user(number(user), now).await.unwrap();
                if self.people.get(user).is_some_and(|person| !person.is_deleted) {
                    self.bury(user);
                }
            }
            Step::Disable { user, is_disabled } => {
                let done = identity.set_disabled(number(user), is_disabled, now).await;
                match self.people.get_mut(user).filter(|person| !person.is_deleted) {
                    None => assert_eq!(done, Err(Error::UserNotFound)),
                    Some(person) => {
                        assert_eq!(done, Ok(()));
                        person.is_disabled = is_disabled;
                        if is_disabled {
                            self.end_all(user, None);
                        }
                    }
                }
            }
            Step::Reset { user, password } => {
                let wanted = Password::new(PASSWORDS[password]);
                let done = identity.set_password(number(user), wanted, SALT, now).await;
                match self.people.get_mut(user).filter(|person| !person.is_deleted) {
                    None => assert_eq!(done, Err(Error::UserNotFound)),
                    Some(person) => {
                        assert_eq!(done, Ok(()));
                        person.password = Some(password);
                        self.end_all(user, None);
                    }
                }
            }
            _ => unreachable!(),
        }
    }

    async fn take_of_beginnings(&mut self, step: Step) {
        let (token, now) = (self.token(), self.time());
        let identity = &self.it.identity;
        match step {
            Step::Open { user } => {
                let opened = identity.open_session(token, application(), user.map(number), now).await;
                match user.and_then(|user| self.absence(user)) {
                    Some(error) => assert_eq!(opened, Err(error)),
                    None => self.sit(opened.unwrap(), user, (self.now + LIFETIME, None)),
                }
            }
            Step::Guest => {
                let (session, user) =
                    identity.open_guest_session(token, application(), None, now).await.unwrap();
                assert_eq!(user.id, number(self.people.len()));
                let ends = Some(self.now + DAY);
                self.sit(session, Some(self.people.len()), (self.now + DAY, ends));
                self.people.push(Person { login: user.login, ends, ..Person::default() });
            }
            Step::Foreign { token, user } => self.foreign(token, user).await,
            _ => unreachable!(),
        }
    }

    fn sit(&mut self, session: Session, user: Option<usize>, (expires, ends): (u64, Option<u64>)) {
        assert_eq!((session.user, session.expires_at), (user.map(number), at(expires)));
        self.seats.push(Seat { session, user, expires, ends, is_ended: false });
    }

    async fn foreign(&mut self, token: usize, user: usize) {
        let (text, ends) = FOREIGN[token];
        let identity = &self.it.identity;
        let opened =
            identity.open_foreign_session(text, application(), (number(user), at(ends)), self.time()).await;
        let known = self.foreign.get(&token).map(|place| self.seats[*place].clone());
        match known {
            _ if self.now >= ends => assert_eq!(opened, Err(Error::NoSuchSession)),
            Some(seat) if seat.is_ended => {
                // One that had run out when its guest was deleted is swept away, and refused for want of him.
                let refused = opened.unwrap_err();
                let is_absent = self.absence(user).is_some_and(|absence| absence == refused);
                assert!(refused == Error::NoSuchSession || is_absent, "{refused:?}");
            }
            Some(seat) if seat.is_live(self.now) => {
                let caller = opened.unwrap();
                assert_eq!((caller.session, caller.user), (seat.session.id, seat.user.map(number)));
                self.seats[self.foreign[&token]].use_at(self.now);
            }
            _ => {
                // One that ran out unused goes on as it was, unless it has been swept away.
                let opened = match opened {
                    Ok(caller) => caller,
                    Err(error) => return assert_eq!(Some(error), self.absence(user)),
                };
                let session = identity.session(text, self.time()).await.unwrap();
                assert_eq!(session.token, Token::parse(text).unwrap());
                let expires = ends.min(self.now + LIFETIME);
                match self.foreign.get(&token) {
                    Some(place) if self.seats[*place].session.id == session.id => {
                        let seat = &mut self.seats[*place];
                        seat.expires = expires;
                        assert_eq!(opened.user, seat.user.map(number));
                        assert_eq!(opened.expires_at, at(expires));
                    }
                    _ => {
                        self.foreign.insert(token, self.seats.len());
                        self.sit(session, Some(user), (expires, Some(ends)));
                    }
                }
            }
        }
    }

    async fn switch(&mut self, session: usize, user: Option<usize>) {
        if self.is_outdated(session) {
            return;
        }
        let token = self.seats[session].session.token.as_str();
        let switched = self.it.identity.switch_session(token, user.map(number), self.time()).await;
        let absence = user.and_then(|user| self.absence(user));
        let now = self.now;
        let seat = &mut self.seats[session];
        if !seat.is_live(now) {
            assert_eq!(switched, Err(Error::NoSuchSession));
            return;
        }
        seat.use_at(now);
        match absence {
            Some(error) => assert_eq!(switched, Err(error)),
            None => {
                seat.user = user;
                let switched = switched.unwrap();
                assert_eq!((switched.id, switched.user), (seat.session.id, user.map(number)));
                assert_eq!(switched.expires_at, at(seat.expires));
            }
        }
    }

    /// Whether there is no such session, or its token, another issuer's, has opened a newer one since.
    fn is_outdated(&self, session: usize) -> bool {
        let Some(seat) = self.seats.get(session) else { return true };
        let text = seat.session.token.as_str();
        let token = FOREIGN.iter().position(|(foreign, _)| *foreign == text);
        token.is_some_and(|token| self.foreign[&token] != session)
    }

    async fn take_of_ends(&mut self, step: Step) {
        let identity = &self.it.identity;
        match step {
            Step::End { session } => {
                let Some(seat) = self.seats.get(session) else { return };
                identity.end_session(seat.session.id).await.unwrap();
                let ended = seat.session.id;
                self.seats.iter_mut().filter(|s| s.session.id == ended).for_each(|s| s.is_ended = true);
            }
            Step::EndOf { owner, session } => {
                if self.is_outdated(session) {
                    return;
                }
                let seat = &self.seats[session];
                let is_done = identity.end_session_of(owner.map(number), seat.session.id).await.unwrap();
                let is_his = seat.user == owner && !seat.is_ended;
                // One that ran out may have been swept away.
                assert!(is_done == is_his || (is_his && !seat.is_live(self.now)), "{seat:?} {owner:?}");
                self.seats[session].is_ended |= is_done;
            }
            Step::EndOthers { user, kept } => {
                let kept_id = kept.and_then(|kept| self.seats.get(kept)).map(|seat| seat.session.id);
                let ended = identity.end_other_sessions(number(user), kept_id).await.unwrap();
                let kept = kept.filter(|kept| *kept < self.seats.len());
                let now = self.now;
                let live = self.seats.iter().enumerate().filter(|(place, seat)| {
                    seat.user == Some(user) && Some(*place) != kept && seat.is_live(now)
                });
                assert!(live.count() as u64 <= ended && ended <= self.end_all(user, kept));
            }
            _ => unreachable!(),
        }
    }

    /// Everything at once.
    async fn check(&mut self) {
        let identity = &self.it.identity;
        let all = (0..self.people.len() + 2).map(number).collect::<Vec<_>>();
        let is_there =
            |user: &UserId| self.people.get(user.get() as usize - 1).is_some_and(|person| !person.is_deleted);
        let missing = all.iter().copied().filter(|user| !is_there(user)).collect::<Vec<_>>();
        assert_eq!(identity.missing(&all).await, Ok(missing));
        let logins = identity.users(&all).await.unwrap().into_iter();
        let logins = logins.map(|user| (user.id, user.login, user.is_disabled)).collect::<Vec<_>>();
        let expected = self.people.iter().enumerate().filter(|(_, person)| !person.is_deleted);
        let expected =
            expected.map(|(place, person)| (number(place), person.login.clone(), person.is_disabled));
        assert_eq!(logins, expected.collect::<Vec<_>>());
        let mut departures =
            identity.departures(100).await.unwrap().into_iter().map(|gone| gone.user).collect::<Vec<_>>();
        departures.sort_unstable();
        self.departures.sort_unstable();
        assert_eq!(departures, self.departures);
        for session in (0..self.seats.len()).filter(|session| !self.is_outdated(*session)).collect::<Vec<_>>()
        {
            Box::pin(self.take(Step::Use { session })).await;
        }
    }
}

fn user_named(login: &str) -> identity::NewUser {
    identity::NewUser::parse(identity::SignUp {
        login: Some(login.into()),
        password: Some(Password::new(PASSWORDS[0])),
        ..identity::SignUp::default()
    })
    .unwrap()
}

#[test]
fn users_and_sessions_are_what_a_naive_model_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for is_shared in [false, true] {
        let cases = if is_shared { 24 } else { 64 };
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let history = async |steps: Vec<Step>| {
            let it = if is_shared { Fixture::postgres().await } else { Fixture::embedded().await };
            let mut world = World {
                it: &it,
                now: 0,
                people: vec![],
                seats: vec![],
                foreign: HashMap::new(),
                departures: vec![],
                tokens: 0,
            };
            for step in steps {
                Box::pin(world.take(step)).await;
            }
            Box::pin(world.check()).await;
        };
        runner
            .run(&proptest::collection::vec(step(), 1..60), |steps| {
                runtime.block_on(history(steps));
                Ok(())
            })
            .unwrap();
    }
}
