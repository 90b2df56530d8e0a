//! Users that are looked for: whole answers, and the switch. Which users are found is identity's to prove.

use identity::{NewUser, Password, Salt, SignUp};

use crate::testing::chat::{Chat, PASSWORD, Person};

async fn furnished(change: impl FnOnce(&mut crate::Parts)) -> (Chat, Person) {
    let chat = Chat::with(1, change);
    let raw = SignUp {
        login: Some("Ada".to_owned()),
        email: Some("ada@example.com".to_owned()),
        password: Some(Password::new(PASSWORD)),
        full_name: Some("Ada King".to_owned()),
        phone: Some("+44 1".to_owned()),
        external_id: Some("e/1".to_owned()),
        tag_list: vec!["vip,chess".to_owned()],
        ..SignUp::default()
    };
    let now = chat.edge.clock.now();
    chat.edge.identity.sign_up(NewUser::parse(raw).unwrap(), Salt([9; 16]), now).await.unwrap();
    let bob = chat.user("bob").await;
    (chat, bob)
}

#[tokio::test]
async fn a_search_answers_a_part_of_plain_users() {
    let (_chat, bob) = furnished(|_| {}).await;
    let ada = r#"{"id":1,"full_name":"Ada King","email":"ada@example.com","login":"Ada","phone":"+44 1","website":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","last_request_at":null,"external_user_id":null,"external_id":"e/1","facebook_id":null,"twitter_id":null,"blob_id":null,"custom_data":null,"avatar":null,"user_tags":"vip,chess","timezone":null,"is_guest":false}"#;
    for query in [
        "login=ADA",
        "login[eq]=ada",
        "email[in]=x@y.z,ada@example.com",
        "user_tags[]=chess&user_tags[]=none",
        "user_tags=chess%2Cnone",
        "id[in][]=1&id[in][]=99",
        "external_id=e/1",
        "id=1,2&login[nin]=BOB",
        "id=1,2&created_at[lte]=Tue%20Nov%2014%202023%2022:13:20%20GMT%2B0000&login[nin][]=bob",
    ] {
        let shown = bob.get(&format!("/users/v2.json?{query}")).await.to_string();
        assert_eq!(
            shown,
            format!(r#"200 {{"limit":100,"skip":0,"total_entries":1,"items":[{ada}]}}"#),
            "{query}"
        );
    }
    let begins = bob.get("/users/v2?full_name[start_with]=ADA%20K&limit=3&offset=1").await.to_string();
    assert_eq!(begins, r#"200 {"limit":3,"skip":1,"total_entries":1,"items":[]}"#);
    let page = bob.get("/users?per_page=1").await.to_string();
    assert_eq!(
        page,
        format!(r#"200 {{"current_page":1,"per_page":1,"total_entries":2,"items":[{{"user":{ada}}}]}}"#)
    );
    for path in ["/users/by_login?login=ada", "/users/external/e%2F1.json", "/users/phone?phone=%2B44%201"] {
        assert_eq!(bob.get(path).await.to_string(), format!(r#"200 {{"user":{ada}}}"#), "{path}");
    }
}

#[tokio::test]
async fn what_a_search_cannot_be_is_told() {
    let (chat, bob) = furnished(|parts| parts.limits.ids_per_call_max = 3).await;
    let nobody = r#"{"base":["At least one of id, login, email, full_name, phone, external_id, facebook_id, twitter_id and user_tags is required, by eq, in or start_with"]}"#;
    for (query, errors) in [
        ("v2", nobody),
        ("v2?login[nin]=ada", nobody),
        ("v2?created_at[gt]=5", nobody),
        ("v2?login[start_with]=ada", r#"{"login":["is too short (minimum is 4 characters)"]}"#),
        ("v2?login[gt]=ada", r#"{"login":["can only be tested with eq, in, nin and start_with"]}"#),
        ("v2?user_tags[lte]=vip", r#"{"user_tags":["can only be tested with eq, in, nin and start_with"]}"#),
        ("v2?login[foo]=ada", r#"{"login":["has an unknown operator"]}"#),
        ("v2?id=x", r#"{"id":["must be an integer"]}"#),
        ("v2?id=1,2,3,4", r#"{"id":["has too many entries (maximum is 3)"]}"#),
        ("v2?login=a&sort_asc=password", r#"{"sort_asc":["is not a field that users are sorted by"]}"#),
        ("v2?login=a&created_at[gt]=x", r#"{"created_at":["must be unix seconds or an ISO-8601 date"]}"#),
        ("v2?login=a&created_at[ctn]=2", r#"{"created_at":["has an unknown operator"]}"#),
        ("?page=x", r#"{"page":["must be an integer"]}"#),
        ("?filter[]=id%20gt%205", r#"{"filter":["must begin with number, string or date"]}"#),
        ("?filter[]=number%20login%20gt%205", r#"{"filter":["compares a text with a number"]}"#),
        ("?order=login", r#"{"order":["must be asc or desc, a type and a field"]}"#),
        ("by_tags", r#"{"tags":["is required"]}"#),
        ("by_login?login=", r#"{"login":["is required"]}"#),
    ] {
        let address = format!("/users/{query}").replace("/?", "?");
        assert_eq!(bob.get(&address).await.to_string(), format!(r#"422 {{"errors":{errors}}}"#), "{address}");
    }
    let stranger = chat.stranger("");
    for path in [
        "/users/v2?login=ada",
        "/users",
        "/users/by_tags?tags=vip",
        "/users/phone?phone=1",
        "/users/external/1",
    ] {
        assert_eq!(stranger.get(path).await.to_string(), r#"401 {"errors":["Token is required"]}"#, "{path}");
        let application = chat.session(None).await;
        let status = application.get(path).await.status;
        assert!([200, 404].contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn listing_can_be_switched_off_and_looking_up_cannot() {
    let (_chat, bob) = furnished(|parts| parts.application.list_users = false).await;
    assert_eq!(
        bob.get("/users").await.to_string(),
        r#"422 {"errors":{"base":["Listing users is disabled in the application's settings"]}}"#
    );
    for path in ["/users/v2?login=ada", "/users/by_login?login=ada", "/users/by_tags?tags=vip"] {
        assert_eq!(bob.get(path).await.status, 200, "{path}");
    }
}
