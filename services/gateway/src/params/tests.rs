//! Every spelling of a request, and bytes that are none.

use axum::body::Body;
use axum::response::Response;
use axum::{Router, routing};
use domain::{MessageId, UserId};
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Direction, Page, Params, Sort};
use crate::testing::{BODY_BYTES_MAX, brief, front, request};
use crate::{ApiError, Front, answer};

const JSON: &str = "application/json;charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// Answers with the tree it got.
fn echo() -> Front {
    front(Router::new().route("/echo", routing::any(async |params: Params| answer::ok(&params.rest()))))
}

async fn asked(method: Method, query: &str, kind: &str, body: impl Into<Body>) -> String {
    brief(&echo(), request(method, &format!("/echo.json{query}"), kind, body)).await
}

fn params(tree: Value) -> Params {
    match tree {
        Value::Object(tree) => Params::new(tree),
        _ => Params::default(),
    }
}

/// What the reader said, `what` being its one parameter.
fn told<T>(result: Result<T, ApiError>) -> Result<T, String> {
    result.map_err(|error| match error {
        ApiError::Invalid(fields) => format!("{} {}", fields[0].field, fields[0].text),
        other => format!("{other:?}"),
    })
}

#[tokio::test]
async fn a_form_and_a_query_give_the_tree_that_json_gives() {
    for (form, tree) in [
        ("", json!({})),
        ("&&=5&", json!({})),
        ("a", json!({"a": ""})),
        ("a=b=c", json!({"a": "b=c"})),
        ("a=1&a=2", json!({"a": "2"})),
        ("message=hello+there%21%20%2B", json!({"message": "hello there! +"})),
        ("a=100%&b=%zz", json!({"a": "100%", "b": "%zz"})),
        (
            "push_all[occupants_ids][]=7&push_all[occupants_ids][]=8",
            json!({"push_all": {"occupants_ids": ["7", "8"]}}),
        ),
        (
            "attachments[0][type]=image&attachments[0][id]=4",
            json!({"attachments": {"0": {"type": "image", "id": "4"}}}),
        ),
        (
            "attachments[][type]=image&attachments[][id]=4&attachments[][type]=video",
            json!({"attachments": [{"type": "image", "id": "4"}, {"type": "video"}]}),
        ),
        ("user[login]=ann&user[password]=secret", json!({"user": {"login": "ann", "password": "secret"}})),
        ("type[in]=2,3", json!({"type": {"in": "2,3"}})),
        ("type%5Bin%5D=2%2C3", json!({"type": {"in": "2,3"}})),
        ("type[in][]=2&type[in][]=3", json!({"type": {"in": ["2", "3"]}})),
        ("_id[]=a&_id[]=b", json!({"_id": ["a", "b"]})),
        ("_id=a%2Cb", json!({"_id": "a,b"})),
        ("id[in][]=1&id[in][]=2", json!({"id": {"in": ["1", "2"]}})),
        ("updated_at[gt]=5&updated_at[lt]=9", json!({"updated_at": {"gt": "5", "lt": "9"}})),
        ("extensions[city]=x", json!({"extensions": {"city": "x"}})),
        ("attachments.type=image", json!({"attachments.type": "image"})),
        (
            "a[=1&]=2&[b]=3&c]d[=4&e[f]g=5&h[i[j]]=6",
            json!({
                "a[": "1", "]": "2", "[b]": "3", "c]d[": "4", "e[f]g": "5", "h[i[j]]": "6",
            }),
        ),
    ] {
        let expected = format!("200 {tree}");
        assert_eq!(asked(Method::GET, &format!("?{form}"), "", "").await, expected, "{form} in a query");
        for method in [Method::GET, Method::DELETE, Method::POST, Method::PUT] {
            for kind in ["", FORM, "text/plain"] {
                assert_eq!(
                    asked(method.clone(), "", kind, form).await,
                    expected,
                    "{method} {form} as {kind}"
                );
            }
        }
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(asked(method, "", JSON, form).await, expected, "{form} announced as JSON");
        }
    }
}

#[tokio::test]
async fn json_is_json_whatever_was_announced() {
    for (body, expected) in [
        ("", "200 {}"),
        ("  \r\n", "200 {}"),
        ("{}", "200 {}"),
        ("\u{feff} {\"a\": [1, \"x\", null, {\"b\": true}]}", r#"200 {"a":[1,"x",null,{"b":true}]}"#),
        (r#"{"z":1,"a":2,"z":3}"#, r#"200 {"z":3,"a":2}"#),
        (r#"{"a":"\ud83d\ude00 \\u0000"}"#, r#"200 {"a":"😀 \\u0000"}"#),
    ] {
        for kind in ["", JSON, FORM, "application/octet-stream"] {
            assert_eq!(asked(Method::POST, "", kind, body).await, expected, "{body} as {kind}");
        }
    }
}

#[tokio::test]
async fn the_body_wins_over_the_query_name_by_name() {
    for (method, kind, body) in [
        (Method::DELETE, FORM, "force=1&ids[]=5"),
        (Method::PUT, JSON, r#"{"force":"1","ids":["5"]}"#),
        (Method::POST, FORM, "force=1&ids[]=5"),
        (Method::GET, JSON, "force=1&ids[]=5"),
    ] {
        let answer = asked(method, "?force=0&limit=5&ids[]=4", kind, body).await;
        assert_eq!(answer, r#"200 {"force":"1","ids":["5"],"limit":"5"}"#);
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_the_apis_shape() {
    let mut shown = String::new();
    let deep = "[".repeat(200);
    let long = "a".repeat(BODY_BYTES_MAX + 1);
    for (query, kind, body) in [
        ("", JSON, &b"{\"a\":"[..]),
        ("", JSON, b"a=1"),
        ("", FORM, b"{a=1}"),
        ("", JSON, b"[1]"),
        ("", JSON, b"null"),
        ("", JSON, br#"{"a":"\ud800"}"#),
        ("", JSON, br#"{"\udc00":1}"#),
        ("", JSON, b"{\"a\":\"\xff\"}"),
        ("", JSON, b"{\"a\":1e999}"),
        ("", JSON, deep.as_bytes()),
        ("", JSON, br#"{"a":{"b":["x\u0000"]}}"#),
        ("", JSON, br#"{"a":{"b\u0000":1}}"#),
        ("", JSON, br#"{"b\u0000":1}"#),
        ("", FORM, b"a=%FF"),
        ("", FORM, b"\xff=1"),
        ("", FORM, b"a=x%00"),
        ("", FORM, b"a[b%00]=x"),
        ("?a=%00", "", b""),
        ("?a=%C3", "", b""),
        ("?a=1&a[in]=2", "", b""),
        ("?a[]=1&a[in]=2", "", b""),
        ("?a[in]=1&a=2", "", b""),
        ("?a[1][2][3][4][5][6][7][8][9]=x", "", b""),
        ("", "multipart/form-data; boundary=x", b"--x--"),
        ("", "application/xml", b"<a/>"),
        ("", FORM, long.as_bytes()),
    ] {
        let answer = asked(Method::POST, query, kind, body.to_vec()).await;
        shown.push_str(&answer);
        shown.push('\n');
    }
    insta::assert_snapshot!(shown, @r#"
    400 {"errors":["Malformed JSON: EOF while parsing a value at line 1 column 5"]}
    400 {"errors":["Malformed JSON: expected value at line 1 column 1"]}
    400 {"errors":["Malformed JSON: key must be a string at line 1 column 2"]}
    400 {"errors":["The request body must be a JSON object"]}
    400 {"errors":["The request body must be a JSON object"]}
    400 {"errors":["Malformed JSON: unexpected end of hex escape at line 1 column 13"]}
    400 {"errors":["Malformed JSON: lone leading surrogate in hex escape at line 1 column 8"]}
    400 {"errors":["Malformed JSON: invalid unicode code point at line 1 column 7"]}
    400 {"errors":["Malformed JSON: number out of range at line 1 column 10"]}
    400 {"errors":["Malformed JSON: recursion limit exceeded at line 1 column 128"]}
    422 {"errors":{"a":["must not contain a NUL character"]}}
    422 {"errors":{"a":["must not contain a NUL character"]}}
    422 {"errors":{"b�":["must not contain a NUL character"]}}
    400 {"errors":["The parameters are not valid UTF-8"]}
    400 {"errors":["The parameters are not valid UTF-8"]}
    422 {"errors":{"a":["must not contain a NUL character"]}}
    422 {"errors":{"a":["must not contain a NUL character"]}}
    422 {"errors":{"a":["must not contain a NUL character"]}}
    400 {"errors":["The parameters are not valid UTF-8"]}
    422 {"errors":{"a":["is given in two ways that exclude each other"]}}
    422 {"errors":{"a":["is given in two ways that exclude each other"]}}
    422 {"errors":{"a":["is given in two ways that exclude each other"]}}
    422 {"errors":{"a":["nests too deep"]}}
    415 {"errors":["The request body must be JSON or a URL-encoded form"]}
    415 {"errors":["The request body must be JSON or a URL-encoded form"]}
    413 {"errors":["The request body is too large"]}
    "#);
}

#[test]
fn flags() {
    for (value, expected) in [
        (json!({}), Some(None)),
        (json!({"x": null}), Some(None)),
        (json!({"x": ""}), Some(None)),
        (json!({"x": "undefined"}), Some(None)),
        (json!({"x": 1}), Some(Some(true))),
        (json!({"x": "1"}), Some(Some(true))),
        (json!({"x": true}), Some(Some(true))),
        (json!({"x": " true "}), Some(Some(true))),
        (json!({"x": 0}), Some(Some(false))),
        (json!({"x": "0"}), Some(Some(false))),
        (json!({"x": false}), Some(Some(false))),
        (json!({"x": "false"}), Some(Some(false))),
        (json!({"x": 2}), None),
        (json!({"x": "yes"}), None),
        (json!({"x": [1]}), None),
        (json!({"x": {}}), None),
    ] {
        let expected = expected.ok_or("x must be true or false".to_owned());
        assert_eq!(told(params(value.clone()).flag("x")), expected, "{value}");
    }
}

#[test]
fn a_lenient_flag_is_off_only_when_told() {
    for (value, expected) in [
        (json!({}), None),
        (json!({"x": "null"}), None),
        (json!({"x": 0}), Some(false)),
        (json!({"x": "0"}), Some(false)),
        (json!({"x": false}), Some(false)),
        (json!({"x": "false"}), Some(false)),
        (json!({"x": 1}), Some(true)),
        (json!({"x": "true"}), Some(true)),
        (json!({"x": "no"}), Some(true)),
        (json!({"x": [0]}), Some(true)),
    ] {
        assert_eq!(params(value.clone()).lenient_flag("x"), expected, "{value}");
    }
}

#[test]
fn integers_and_texts() {
    for (value, integer, text) in [
        (json!({}), Ok(None), Ok(None)),
        (json!({"x": null}), Ok(None), Ok(None)),
        (json!({"x": "null"}), Ok(None), Ok(Some("null"))),
        (json!({"x": " "}), Ok(None), Ok(Some(" "))),
        (json!({"x": 3}), Ok(Some(3)), Ok(Some("3"))),
        (json!({"x": "-3 "}), Ok(Some(-3)), Ok(Some("-3 "))),
        (json!({"x": "99999999999999999999"}), Ok(Some(i64::MAX)), Ok(Some("99999999999999999999"))),
        (json!({"x": u64::MAX}), Ok(Some(i64::MAX)), Ok(Some("18446744073709551615"))),
        (json!({"x": "-99999999999999999999"}), Ok(Some(i64::MIN)), Ok(Some("-99999999999999999999"))),
        (json!({"x": 1.5}), Err(()), Ok(Some("1.5"))),
        (json!({"x": "0x1"}), Err(()), Ok(Some("0x1"))),
        (json!({"x": "-"}), Err(()), Ok(Some("-"))),
        (json!({"x": true}), Err(()), Ok(Some("true"))),
        (json!({"x": []}), Err(()), Err(())),
        (json!({"x": {"a": 1}}), Err(()), Err(())),
    ] {
        let integer = integer.map_err(|()| "x must be an integer".to_owned());
        assert_eq!(told(params(value.clone()).integer("x")), integer, "{value}");
        let text = text.map(|text| text.map(str::to_owned)).map_err(|()| "x must be text".to_owned());
        assert_eq!(told(params(value.clone()).text("x")), text, "{value}");
    }
}

#[test]
fn user_ids_in_every_spelling() {
    let refused = || Err("x must be a list of user ids".to_owned());
    for (value, expected) in [
        (json!({}), Ok(None)),
        (json!({"x": null}), Ok(None)),
        (json!({"x": "undefined"}), Ok(None)),
        (json!({"x": ""}), Ok(Some(vec![]))),
        (json!({"x": []}), Ok(Some(vec![]))),
        (json!({"x": 5}), Ok(Some(vec![5]))),
        (json!({"x": "5"}), Ok(Some(vec![5]))),
        (json!({"x": [5, 6]}), Ok(Some(vec![5, 6]))),
        (json!({"x": ["6", "5"]}), Ok(Some(vec![6, 5]))),
        (json!({"x": "5,6"}), Ok(Some(vec![5, 6]))),
        (json!({"x": " 5, 6 ,,"}), Ok(Some(vec![5, 6]))),
        (json!({"x": ["5, 6", 7]}), Ok(Some(vec![5, 6, 7]))),
        (json!({"x": {"1": "6", "0": "5"}}), Ok(Some(vec![5, 6]))),
        (json!({"x": [7, 5, "7", "05", 6]}), Ok(Some(vec![7, 5, 6]))),
        (json!({"x": [1, 2, 3, 1, 2]}), Ok(Some(vec![1, 2, 3]))),
        (json!({"x": "1,2,3,4"}), Err("x has too many entries (maximum is 3)".to_owned())),
        (json!({"x": [0]}), refused()),
        (json!({"x": -1}), refused()),
        (json!({"x": 1.5}), refused()),
        (json!({"x": "a"}), refused()),
        (json!({"x": 9_007_199_254_740_992_u64}), refused()),
        (json!({"x": [null]}), Err("x must be a list".to_owned())),
        (json!({"x": [[1]]}), Err("x must be a list".to_owned())),
        (json!({"x": {"a": 1}}), Err("x must be a list".to_owned())),
        (json!({"x": true}), Err("x must be a list".to_owned())),
    ] {
        let users = told(params(value.clone()).user_ids("x", 3));
        let expected = expected.map(|ids: Option<Vec<u64>>| {
            ids.map(|ids| ids.into_iter().map(|id| UserId::new(id).unwrap()).collect::<Vec<_>>())
        });
        assert_eq!(users, expected, "{value}");
    }
}

#[test]
fn an_id_of_another_form_names_nothing() {
    let id = "5c094c0ce588ce6856f87422";
    let mut params = params(json!({"x": format!("{id}, _, {id}")}));
    let names = params.names::<MessageId>("x", 2).unwrap().unwrap();
    let found: Vec<_> = names.iter().map(|name| (name.raw.as_str(), name.id)).collect();
    assert_eq!(found, [(id, id.parse().ok()), ("_", None)]);
}

#[test]
fn lists_and_objects() {
    for (value, list, object) in [
        (json!({}), Ok(None), Ok(None)),
        (json!({"x": null}), Ok(None), Ok(None)),
        (json!({"x": ""}), Ok(None), Ok(None)),
        (json!({"x": [1, {"a": 2}]}), Ok(Some(json!([1, {"a": 2}]))), Err(())),
        (
            json!({"x": {"7": "b", "0": "a"}}),
            Ok(Some(json!(["a", "b"]))),
            Ok(Some(json!({"7": "b", "0": "a"}))),
        ),
        (json!({"x": {"a": 1}}), Err(()), Ok(Some(json!({"a": 1})))),
        (json!({"x": {}}), Ok(Some(json!([]))), Ok(Some(json!({})))),
        (json!({"x": "a"}), Err(()), Err(())),
        (json!({"x": 1}), Err(()), Err(())),
    ] {
        let list = list.map_err(|()| "x must be a list".to_owned());
        assert_eq!(told(params(value.clone()).list("x")).map(|list| list.map(Value::Array)), list, "{value}");
        let object = object.map_err(|()| "x must be an object".to_owned());
        let read =
            told(params(value.clone()).object("x")).map(|inner| inner.map(|inner| json!(inner.rest())));
        assert_eq!(read, object, "{value}");
    }
}

#[test]
fn a_page_is_moved_into_its_bounds() {
    for (value, expected) in [
        (json!({}), Ok((100, 0))),
        (json!({"limit": null, "skip": ""}), Ok((100, 0))),
        (json!({"limit": "null", "skip": "undefined"}), Ok((100, 0))),
        (json!({"limit": "5", "skip": 10}), Ok((5, 10))),
        (json!({"limit": 1000, "skip": "99999999999999999999"}), Ok((100, i64::MAX.unsigned_abs()))),
        (json!({"limit": 0, "skip": -5}), Ok((1, 0))),
        (json!({"limit": "-99999999999999999999"}), Ok((1, 0))),
        (json!({"limit": "ten"}), Err("limit must be an integer".to_owned())),
        (json!({"skip": 0.5}), Err("skip must be an integer".to_owned())),
        (json!({"skip": [1]}), Err("skip must be an integer".to_owned())),
    ] {
        let expected = expected.map(|(limit, skip)| Page { limit, skip });
        assert_eq!(told(params(value.clone()).page()), expected, "{value}");
    }
}

#[test]
fn an_order_names_a_field() {
    let sort = |field: &str, direction| Ok(Some(Sort { field: field.to_owned(), direction }));
    for (value, expected) in [
        (json!({}), Ok(None)),
        (json!({"sort_asc": "null"}), Ok(None)),
        (json!({"sort_asc": "date_sent"}), sort("date_sent", Direction::Ascending)),
        (json!({"sort_desc": " _id"}), sort("_id", Direction::Descending)),
        (json!({"sort_asc": "a", "sort_desc": "b"}), sort("b", Direction::Descending)),
        (json!({"sort_desc": ["a"]}), Err("sort_desc must be the name of a field".to_owned())),
    ] {
        assert_eq!(told(params(value.clone()).sort()), expected, "{value}");
    }
}

#[test]
fn readers_leave_what_nobody_asked_for() {
    let mut params = params(json!({"c": 1, "message": "hi", "b": {"x": 2}, "limit": 5, "a": null}));
    params.text("message").unwrap();
    params.page().unwrap();
    assert!(params.given("a") && !params.given("message"));
    assert_eq!(json!(params.rest()).to_string(), r#"{"c":1,"b":{"x":2},"a":null}"#);
}

/// Asks every reader for the same parameter.
async fn read_all(params: Params) -> Result<Response, ApiError> {
    let each = || params.clone();
    let mut refused = Vec::new();
    refused.extend(each().text("x").err());
    refused.extend(each().flag("x").err());
    refused.extend(each().integer("x").err());
    refused.extend(each().user_ids("x", 3).err());
    refused.extend(each().names::<MessageId>("x", 3).err());
    refused.extend(each().list("x").err());
    refused.extend(each().object("x").err());
    refused.extend(each().page().err());
    refused.extend(each().sort().err());
    each().lenient_flag("x");
    match refused.pop() {
        Some(error) => Err(error),
        None => Ok(answer::ok(&params.rest())),
    }
}

/// Bytes that look like a form or JSON often enough to get past the first check.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"x".to_vec()),
        Just(b"limit=".to_vec()),
        Just(b"%00".to_vec()),
        Just(br"\u0000".to_vec()),
        Just(b"[]".to_vec()),
        Just(b"\"x\":".to_vec()),
        "[\\[\\]{}&=%+,:\"0-9a-f.-]".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..3),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat()),
        tree().prop_map(|tree| json!({"x": tree}).to_string().into_bytes()),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((".{0,3}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_fault(
        method in prop_oneof![Just(Method::GET), Just(Method::POST), Just(Method::DELETE)],
        path in "(/|x|chat|dialog|message|\\.json|%[0-9a-f]{2}|,){0,6}",
        query in "[ -~]{0,20}",
        kind in prop_oneof![Just(JSON.to_owned()), Just(FORM.to_owned()), "[ -~]{0,20}"],
        body in bytes(),
    ) {
        let router = Router::new()
            .route("/x", routing::any(read_all))
            .route("/chat/Dialog", routing::any(read_all))
            .route("/chat/Message/{id}", routing::any(async |crate::Path(_): crate::Path<MessageId>, p: Params| read_all(p).await));
        let front = front(router);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for path in ["/x", &format!("/{path}")] {
            let asked = http::Request::builder()
                .method(method.clone())
                .uri(format!("{path}?{query}"))
                .header("Content-Type", kind.as_str())
                .body(Body::from(body.clone()));
            let Ok(asked) = asked else { continue };
            let answer = runtime.block_on(brief(&front, asked));
            prop_assert!(answer.starts_with(['2', '4']), "{}", answer);
            let body: Value = serde_json::from_str(&answer[4..]).unwrap();
            prop_assert_eq!(answer.starts_with('2'), body.get("errors").is_none(), "{}", answer);
        }
    }
}
