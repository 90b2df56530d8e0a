//! Every spelling of a filter, every operator, and what is no filter.

use serde_json::json;

use super::super::form;
use super::*;

const VALUES_MAX: usize = 4;

fn params(query: &str) -> Params {
    Params::new(form::read(query.as_bytes()).unwrap())
}

fn told<T>(result: Result<T, ApiError>) -> Result<T, String> {
    result.map_err(|error| match error {
        ApiError::Invalid(fields) => format!("{} {}", fields[0].field, fields[0].text),
        other => format!("{other:?}"),
    })
}

fn numbers(query: &str) -> Result<Vec<Test<i64>>, String> {
    told(params(query).filters(VALUES_MAX).numbers("n"))
}

fn texts(query: &str) -> Result<Vec<Test<String>>, String> {
    told(params(query).filters(VALUES_MAX).texts("t"))
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn numbers_in_every_spelling() {
    for (query, test) in [
        ("n=2", Test::In(vec![2])),
        ("n=-2", Test::In(vec![-2])),
        ("n=2,3", Test::In(vec![2, 3])),
        ("n=2%2C%203,2", Test::In(vec![2, 3])),
        ("n[]=2&n[]=3", Test::In(vec![2, 3])),
        ("n[]=2,3&n[]=4", Test::In(vec![2, 3, 4])),
        ("n[0]=2&n[1]=3", Test::In(vec![2, 3])),
        ("n[in]=2,3", Test::In(vec![2, 3])),
        ("n%5Bin%5D=2%2C3", Test::In(vec![2, 3])),
        ("n[in][]=2&n[in][]=3", Test::In(vec![2, 3])),
        ("n[in][0]=2&n[in][1]=3", Test::In(vec![2, 3])),
        ("n[nin]=2", Test::NotIn(vec![2])),
        ("n[ne]=2", Test::NotIn(vec![2])),
        ("n[all]=2,2", Test::All(vec![2])),
        ("n[lt]= 2 ", Test::Below(2)),
        ("n[lte]=2", Test::AtMost(2)),
        ("n[gt]=2", Test::Above(2)),
        ("n[gte]=99999999999999999999", Test::AtLeast(i64::MAX)),
        ("n[ctn]=x 2", Test::Contains("x 2".to_owned())),
        ("n=", Test::In(vec![])),
        ("n[]=", Test::In(vec![])),
        ("n[in]=,", Test::In(vec![])),
    ] {
        assert_eq!(numbers(query), Ok(vec![test]), "{query}");
    }
    let both = numbers("n[gt]=2&n[lt]=5&other=1").unwrap();
    assert_eq!(both, [Test::Above(2), Test::Below(5)]);
}

#[test]
fn what_says_nothing_is_no_condition() {
    for query in [
        "",
        "m=5",
        "n=null",
        "n=undefined",
        "n[in]=null",
        "n[in]=undefined",
        "n[nin]=",
        "n[ne]=",
        "n[all]=",
        "n[gt]=",
        "n[gt]=null",
        "n[lt]=undefined",
        "n[ctn]=",
    ] {
        assert_eq!(numbers(query), Ok(vec![]), "{query}");
    }
    let none = json!({"n": null, "t": {"gt": null, "ctn": null, "in": null}});
    let mut params = Params::new(none.as_object().unwrap().clone());
    let mut filters = params.filters(VALUES_MAX);
    assert_eq!(told(filters.numbers("n")), Ok(vec![]));
    assert_eq!(told(filters.texts("t")), Ok(vec![]));
}

#[test]
fn numbers_that_are_none_are_refused() {
    for query in [
        "n=two",
        "n=2.5",
        "n=true",
        "n=2,x",
        "n=1;2",
        "n=0x2",
        "n=٢",
        "n='",
        "n[]=x",
        "n[in]=2,%F0%9F%98%80",
        "n[gt]=x",
        "n[lt]=2,3",
        "n[lte]=--2",
        "n[gte]=%E2%80%AE2",
        "n[ne]=x",
        "n[nin]=x",
        "n[all]=x",
    ] {
        assert_eq!(numbers(query), Err("n must be an integer".to_owned()), "{query}");
    }
    for (query, refusal) in [
        ("n[foo]=2", "n has an unknown operator"),
        ("n[$gt]=2", "n has an unknown operator"),
        ("n[or]=2", "n has an unknown operator"),
        ("n[x][y]=1", "n has an unknown operator"),
        ("n[gt]=1&n[0]=2", "n has an unknown operator"),
        ("n[gt][]=1", "n must be a single value"),
        ("n[gt][x]=1", "n must be a single value"),
        ("n[ctn][]=1", "n must be a single value"),
        ("n[in][x]=1", "n must be a value or a list of values"),
        ("n[][x]=1", "n must be a value or a list of values"),
        ("n=1,2,3,4,5", "n has too many entries (maximum is 4)"),
        ("n[nin]=1,2,3,4,5", "n has too many entries (maximum is 4)"),
    ] {
        assert_eq!(numbers(query), Err(refusal.to_owned()), "{query}");
    }
    assert!(numbers("n=1,2,3,4,4,1").is_ok(), "each counts once");
}

#[test]
fn json_means_the_same() {
    for (tree, test) in [
        (json!(2), Test::In(vec![2])),
        (json!("2,3"), Test::In(vec![2, 3])),
        (json!([2, "3"]), Test::In(vec![2, 3])),
        (json!({"in": [2, 3]}), Test::In(vec![2, 3])),
        (json!({"in": []}), Test::In(vec![])),
        (json!([]), Test::In(vec![])),
        (json!({"gt": 2}), Test::Above(2)),
    ] {
        let mut params = Params::new(json!({ "n": tree }).as_object().unwrap().clone());
        assert_eq!(told(params.filters(VALUES_MAX).numbers("n")), Ok(vec![test]), "{tree}");
    }
    for tree in
        [json!([null]), json!([[2]]), json!({"in": {"x": 2}}), json!({"gt": [2]}), json!(true), json!(2.5)]
    {
        let mut params = Params::new(json!({ "n": tree }).as_object().unwrap().clone());
        assert!(params.filters(VALUES_MAX).numbers("n").is_err(), "{tree}");
    }
}

#[test]
fn a_text_is_taken_as_it_is() {
    for (query, test) in [
        ("t= a, b ", Test::In(list(&[" a, b "]))),
        ("t=true", Test::In(list(&["true"]))),
        ("t=5", Test::In(list(&["5"]))),
        ("t=", Test::In(list(&[""]))),
        ("t[]=a, b&t[]=c", Test::In(list(&["a, b", "c"]))),
        ("t[in]=a, b", Test::In(list(&["a", "b"]))),
        ("t[in][]=a, b", Test::In(list(&["a, b"]))),
        ("t[ne]=a, b", Test::NotIn(list(&["a, b"]))),
        ("t[nin]=a, b", Test::NotIn(list(&["a", "b"]))),
        ("t[all]=a,a", Test::All(list(&["a"]))),
        ("t[gt]= a", Test::Above(" a".to_owned())),
        ("t[gt]=", Test::Above(String::new())),
        ("t[lt]=null", Test::Below("null".to_owned())),
        ("t[ctn]=a, b", Test::Contains("a, b".to_owned())),
        ("t[ctn]=null", Test::Contains("null".to_owned())),
        ("t[ctn]=%25_.*'\\", Test::Contains("%_.*'\\".to_owned())),
        ("t[ctn]=%F0%9F%98%80%E2%80%AE", Test::Contains("😀\u{202e}".to_owned())),
    ] {
        assert_eq!(texts(query), Ok(vec![test]), "{query}");
    }
    assert_eq!(texts("t=undefined"), Ok(vec![]));
    let long = format!("t[ctn]={}", "é".repeat(TEXT_CHARACTERS_MAX + 1));
    assert_eq!(texts(&long), Err("t is too long (maximum is 10000 characters)".to_owned()));
}

#[test]
fn ids_are_texts_in_lists() {
    let ids = |query: &str| told(params(query).filters(VALUES_MAX).ids("_id"));
    for (query, found) in [
        ("_id=a", vec![Test::In(list(&["a"]))]),
        ("_id= a , b,", vec![Test::In(list(&["a", "b"]))]),
        ("_id[]=a&_id[]=b", vec![Test::In(list(&["a", "b"]))]),
        ("_id=undefined", vec![]),
        ("_id=", vec![Test::In(vec![])]),
        ("_id[gt]= a ", vec![Test::Above("a".to_owned())]),
        ("_id[ctn]=a,b", vec![Test::Contains("a,b".to_owned())]),
    ] {
        assert_eq!(ids(query), Ok(found), "{query}");
    }
}

#[test]
fn moments_come_in_every_form() {
    let moments = |query: &str| told(params(query).filters(VALUES_MAX).moments("at"));
    for query in [
        "at[gt]=1544097888",
        "at[gt]=1544097888999",
        "at[gt]=2018-12-06T12:04:48Z",
        "at[gt]=2018-12-06T12:04:48.999Z",
        "at[gt]=2018-12-06T14:04:48+02:00",
        "at[gt]=Thu%20Dec%2006%202018%2012:04:48%20GMT%2B0000%20(Coordinated%20Universal%20Time)",
        "at[gt]=Thu+Dec+06+2018+12:04:48+GMT+0000+(Coordinated+Universal+Time)",
    ] {
        assert_eq!(moments(query), Ok(vec![Test::Above(1_544_097_888)]), "{query}");
    }
    assert_eq!(moments("at=5,2018-12-06"), Ok(vec![Test::In(vec![5, 1_544_054_400])]));
    assert_eq!(moments("at[ctn]=2018-12"), Ok(vec![Test::Contains("2018-12".to_owned())]));
    for query in ["at=now", "at[gt]=tomorrow", "at[lt]=2018-02-30", "at=true", "at[in]=5,x"] {
        let refusal = "at must be unix seconds or an ISO-8601 date".to_owned();
        assert_eq!(moments(query), Err(refusal), "{query}");
    }
}

#[test]
fn what_is_inside_a_field_has_keys_of_its_own() {
    let members = |query: &str| told(params(query).filters(VALUES_MAX).members("extensions"));
    let city = |test| ("city".to_owned(), test);
    assert_eq!(members("extensions[city]=x, y"), Ok(vec![city(Test::In(list(&["x, y"])))]));
    assert_eq!(members("extensions[city][in]=x,y"), Ok(vec![city(Test::In(list(&["x", "y"])))]));
    assert_eq!(members("extensions[city][]=x"), Ok(vec![city(Test::In(list(&["x"])))]));
    let bounds = members("extensions[city][gt]=a&extensions[city][lt]=b&extensions[in]=c").unwrap();
    let keys: Vec<_> = bounds.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["city", "city", "in"]);
    assert_eq!(members("extensions="), Ok(vec![]));
    assert_eq!(members("other=1"), Ok(vec![]));
    assert_eq!(members("extensions=x"), Err("extensions must be an object".to_owned()));
    assert_eq!(members("extensions[]=x"), Err("extensions must be an object".to_owned()));
    assert_eq!(members("extensions[city][foo]=x"), Err("extensions has an unknown operator".to_owned()));
}

#[test]
fn a_call_has_so_many_conditions() {
    let query = |count: usize| {
        let keys = (0..count).map(|number| format!("extensions[k{number}]=x"));
        keys.chain(["n=1".to_owned()]).collect::<Vec<_>>().join("&")
    };
    let read = |count: usize| {
        let mut params = params(&query(count));
        let mut filters = params.filters(VALUES_MAX);
        told(filters.members("extensions")).and_then(|_| told(filters.numbers("n"))).map(|tests| tests.len())
    };
    assert_eq!(read(CONDITIONS_MAX - 1), Ok(1));
    assert_eq!(read(CONDITIONS_MAX), Err("n is one condition too many (maximum is 20)".to_owned()));
}
