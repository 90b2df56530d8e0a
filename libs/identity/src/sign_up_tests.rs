//! The rules of signing up, as tables.

use proptest::prelude::*;

use super::*;

fn valid() -> SignUp {
    SignUp {
        login: Some("alice".into()),
        password: Some(Password::new("correct horse")),
        ..SignUp::default()
    }
}

fn broken(raw: SignUp) -> Vec<(&'static str, String)> {
    NewUser::parse(raw).err().unwrap_or_default().into_iter().map(|e| (e.field, e.text)).collect()
}

fn refused(field: &'static str, text: &str) -> Vec<(&'static str, String)> {
    vec![(field, text.to_owned())]
}

#[test]
fn a_login_has_3_to_70_characters() {
    for (login, expected) in [
        ("al".to_owned(), refused("login", "is too short (minimum is 3 characters)")),
        (" al ".to_owned(), refused("login", "is too short (minimum is 3 characters)")),
        ("ali".to_owned(), vec![]),
        ("é".repeat(70), vec![]),
        ("a".repeat(71), refused("login", "is too long (maximum is 70 characters)")),
        ("a\0lice".to_owned(), refused("login", "is invalid")),
        ("a\nlice".to_owned(), refused("login", "is invalid")),
        ("\u{200b}".repeat(5), refused("login", "is invalid")),
        ("\u{fdfa}".repeat(70), refused("login", "is invalid")),
    ] {
        assert_eq!(broken(SignUp { login: Some(login.clone()), ..valid() }), expected, "{login:?}");
    }
}

#[test]
fn a_password_has_at_least_8_characters() {
    for (password, expected) in [
        ("", refused("password", "can't be blank")),
        ("1234567", refused("password", "is too short (minimum is 8 characters)")),
        ("12345678", vec![]),
        (&"x".repeat(PASSWORD_MAX), vec![]),
        (&"x".repeat(PASSWORD_MAX + 1), refused("password", "is too long (maximum is 256 characters)")),
        ("1234\x005678", refused("password", "is invalid")),
    ] {
        let raw = SignUp { password: Some(Password::new(password)), ..valid() };
        assert_eq!(broken(raw), expected, "{password:?}");
    }
    assert_eq!(broken(SignUp { password: None, ..valid() }), refused("password", "can't be blank"));
}

#[test]
fn an_email_looks_like_one() {
    let overlong = format!("{}@example.com", "a".repeat(65));
    for (email, is_valid) in [
        ("alice@example.com", true),
        (" alice+tag@mail.example.com ", true),
        ("żółw@żółw.example", true),
        ("alice", false),
        ("alice@", false),
        ("@example.com", false),
        ("alice@localhost", false),
        ("alice@example..com", false),
        ("alice@-example.com", false),
        ("al ice@example.com", false),
        ("a@b@example.com", false),
        ("alice@exam\0ple.com", false),
        (&overlong, false),
    ] {
        let expected = if is_valid { vec![] } else { refused("email", "is invalid") };
        assert_eq!(broken(SignUp { email: Some(email.into()), ..valid() }), expected, "{email}");
    }
    let email = format!("a@{}.com", "b".repeat(EMAIL_MAX));
    assert_eq!(
        broken(SignUp { email: Some(email), ..valid() }),
        refused("email", "is too long (maximum is 254 characters)")
    );
}

#[test]
fn one_name_must_be_there() {
    assert_eq!(broken(SignUp { login: None, ..valid() }), refused("login", "can't be blank"));
    assert_eq!(broken(SignUp { login: Some(String::new()), ..valid() }), refused("login", "can't be blank"));
    assert_eq!(broken(SignUp { login: None, email: Some("a@example.com".into()), ..valid() }), vec![]);
}

#[test]
fn tags_come_as_list_or_text_and_are_at_most_five() {
    for (list, expected) in [
        (vec![], Ok(None)),
        (vec!["a", "b"], Ok(Some("a,b"))),
        (vec![" a, b ,,a"], Ok(Some("a,b"))),
        (vec!["1,2,3,4,5,5"], Ok(Some("1,2,3,4,5"))),
        (vec!["1", "2", "3", "4", "5", "6"], Err("has too many tags (maximum is 5 tags)")),
        (vec!["a\0b"], Err("is invalid")),
    ] {
        let raw = SignUp { tag_list: list.iter().map(|&tag| tag.to_owned()).collect(), ..valid() };
        let tags = NewUser::parse(raw)
            .map(|user| user.profile.about.user_tags)
            .map_err(|errors| errors[0].text.clone());
        assert_eq!(tags, expected.map(|tags| tags.map(str::to_owned)).map_err(str::to_owned), "{list:?}");
    }
}

#[test]
fn every_text_refuses_nul_and_too_many_characters() {
    type Set = fn(&mut SignUp, String);
    let fields: [(&str, usize, Set); 9] = [
        ("full_name", NAME_MAX, |raw, text| raw.full_name = Some(text)),
        ("phone", NAME_MAX, |raw, text| raw.phone = Some(text)),
        ("website", URL_MAX, |raw, text| raw.website = Some(text)),
        ("external_user_id", REFERENCE_MAX, |raw, text| raw.external_user_id = Some(text)),
        ("external_id", REFERENCE_MAX, |raw, text| raw.external_id = Some(text)),
        ("facebook_id", REFERENCE_MAX, |raw, text| raw.facebook_id = Some(text)),
        ("twitter_id", REFERENCE_MAX, |raw, text| raw.twitter_id = Some(text)),
        ("custom_data", CUSTOM_DATA_MAX, |raw, text| raw.custom_data = Some(text)),
        ("avatar", URL_MAX, |raw, text| raw.avatar = Some(text)),
    ];
    for (field, max, set) in fields {
        let with = |text: String| {
            let mut raw = valid();
            set(&mut raw, text);
            broken(raw)
        };
        assert_eq!(with("é".repeat(max)), vec![], "{field}");
        assert_eq!(
            with("é".repeat(max + 1)),
            refused(field, &format!("is too long (maximum is {max} characters)"))
        );
        assert_eq!(with("a\0b".to_owned()), refused(field, "is invalid"));
    }
}

#[test]
fn numbers_stay_in_their_range() {
    for timezone in [-721, 841, i64::MIN, i64::MAX] {
        let raw = SignUp { timezone: Some(timezone), ..valid() };
        assert_eq!(broken(raw), refused("timezone", "is invalid"), "{timezone}");
    }
    for blob_id in [0, INTEGER_ID_MAX + 1, u64::MAX] {
        let raw = SignUp { blob_id: Some(blob_id), ..valid() };
        assert_eq!(broken(raw), refused("blob_id", "is invalid"), "{blob_id}");
    }
    let raw = SignUp { timezone: Some(-720), blob_id: Some(INTEGER_ID_MAX), ..valid() };
    assert_eq!(broken(raw), vec![]);
}

#[test]
fn all_broken_rules_are_told_at_once() {
    let raw = SignUp {
        login: Some("al".into()),
        email: Some("no".into()),
        password: Some(Password::new("short")),
        ..SignUp::default()
    };
    let fields = broken(raw).into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    assert_eq!(fields, ["login", "email", "password"]);
}

#[test]
fn debug_hides_the_password() {
    let raw = valid();
    let shown = format!("{raw:?}{:?}", NewUser::parse(raw.clone()).unwrap());
    assert!(!shown.contains("correct horse"), "{shown}");
}

proptest! {
    #[test]
    fn anything_is_either_valid_or_refused_with_a_reason(
        texts in prop::collection::vec(any::<Option<String>>(), 5),
        tag_list in prop::collection::vec(any::<String>(), 0..8),
        blob_id in any::<Option<u64>>(),
        timezone in any::<Option<i64>>(),
    ) {
        let raw = SignUp {
            login: texts[0].clone(),
            email: texts[1].clone(),
            password: texts[2].clone().map(Password::new),
            full_name: texts[3].clone(),
            custom_data: texts[4].clone(),
            tag_list,
            blob_id,
            timezone,
            ..SignUp::default()
        };
        match NewUser::parse(raw) {
            Ok(user) => {
                prop_assert!(user.profile.login.is_some() || user.profile.email.is_some());
                for unique in [&user.profile.login, &user.profile.email].into_iter().flatten() {
                    prop_assert!(!unique.key.is_empty() && unique.key.len() <= KEY_BYTES_MAX);
                    prop_assert!(!unique.text.contains('\0'));
                }
            }
            Err(broken) => prop_assert!(!broken.is_empty()),
        }
    }
}
