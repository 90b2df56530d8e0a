//! The document as a client reads it.

use reqwest::Method;
use serde_json::{Map, Value};
use tests::Chat;

pub(crate) struct Document(Value);

/// One method of one path.
pub(crate) struct Operation<'a> {
    document: &'a Document,
    path: &'a str,
    method: &'a str,
    described: &'a Value,
}

impl Document {
    pub(crate) async fn of(chat: &Chat) -> Self {
        Self(chat.api().get("openapi.json").await.is(200).json())
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = vec![];
        for (path, item) in object(&self.0["paths"]) {
            for (method, described) in object(item) {
                operations.push(Operation { document: self, path, method, described });
            }
        }
        assert!(!operations.is_empty(), "something is documented");
        operations
    }

    /// What a reference leads to; anything else is itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        self.0.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere")
    }

    /// The value is as the schema says.
    pub(crate) fn check(&self, schema: &Value, value: &Value, told: &str) {
        let mut schema = schema.clone();
        // References are to the document: its components have to be where they point.
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema of the document is one");
        let errors: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}\n{told}");
    }
}

impl Operation<'_> {
    pub(crate) fn name(&self) -> &str {
        self.described["operationId"].as_str().expect("every operation has a name")
    }

    pub(crate) fn path(&self) -> &str {
        self.path
    }

    pub(crate) fn method(&self) -> Method {
        self.method.to_uppercase().parse().expect("a method")
    }

    /// What is said of the answer with that status.
    pub(crate) fn response(&self, status: u16) -> Option<&Value> {
        Some(self.document.resolved(self.described["responses"].get(status.to_string())?))
    }

    /// The ways to prove oneself, by the name of their header; none for calls that anybody may make.
    pub(crate) fn proofs(&self) -> Vec<&str> {
        let all = self.described.get("security").unwrap_or(&self.document.0["security"]);
        let ways = all.as_array().expect("a list of ways").iter().flat_map(object);
        ways.map(|(name, _)| name.as_str()).collect()
    }

    /// The path with its examples, and the query of those parameters that have one or need one.
    pub(crate) fn address(&self) -> String {
        let (mut path, mut query) = (self.path.trim_start_matches('/').to_owned(), vec![]);
        for parameter in self.described["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            let example = self.example(parameter);
            match (parameter["in"].as_str(), example) {
                (Some("path"), Some(example)) => path = path.replace(&format!("{{{name}}}"), &example),
                (Some("query"), Some(example)) => query.push(format!("{name}={example}")),
                (_, Some(_)) => {}
                (_, None) => {
                    assert_ne!(parameter["required"], true, "{}: {name} has no example", self.name());
                }
            }
        }
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    fn example(&self, parameter: &Value) -> Option<String> {
        let schema = self.document.resolved(&parameter["schema"]);
        let known = [&parameter["example"], &schema["example"], &schema["examples"][0]];
        // Objects stand for filters, of which none is an example too.
        known.into_iter().find(|example| !example.is_null() && !example.is_object()).map(text)
    }

    /// Every example of the body; one call without, if it takes none.
    pub(crate) fn bodies(&self) -> Vec<Option<Value>> {
        let body = &self.described["requestBody"]["content"]["application/json"];
        if body.is_null() {
            return vec![None];
        }
        let schema = self.document.resolved(&body["schema"]);
        let examples = schema["examples"].as_array().into_iter().flatten().cloned().map(Some);
        let examples: Vec<_> = examples.collect();
        assert!(!examples.is_empty(), "{} has no example", self.name());
        examples
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
