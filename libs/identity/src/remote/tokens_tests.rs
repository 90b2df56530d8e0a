//! Tests of foreign tokens: which prove somebody, which do not, and when the issuer is asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use ring::{hmac, signature};
use serde_json::json;

use super::*;
use crate::remote::testing::{Answer, Outside, whole};

const NOW: Time = Time(1_700_000_000_000);
/// For whoever has to answer: much longer than that takes.
const AMPLE: Duration = Duration::from_secs(60);
const ISSUER: &str = "https://id.example";

/// A key pair of the issuer's, under a name.
struct Pair {
    id: &'static str,
    keys: EcdsaKeyPair,
}

impl Pair {
    fn new(id: &'static str) -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self { id, keys: EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap() }
    }

    fn public(&self) -> Value {
        let (x, y) = self.keys.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (BASE64.encode(x), BASE64.encode(y));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": x, "y": y })
    }

    fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.id }), claims)
    }

    fn token_with(&self, header: &Value, claims: &Value) -> String {
        let sign = |message: &[u8]| self.keys.sign(&SystemRandom::new(), message).unwrap();
        signed(header, claims, |message| sign(message).as_ref().to_vec())
    }
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = BASE64.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn claims() -> Value {
    let now = NOW.seconds();
    json!({ "iss": ISSUER, "aud": "chat", "sub": "u-1", "exp": now + 300, "iat": now })
}

/// The same with other claims; null takes one away.
fn claims_with(other: Value) -> Value {
    let mut claims = claims();
    for (name, value) in other.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn key_set(pairs: &[&Pair]) -> Answer {
    let keys = pairs.iter().map(|pair| pair.public()).collect::<Vec<_>>();
    Answer::Json(200, json!({ "keys": keys }))
}

fn settings(jwks_url: String) -> TokenSettings {
    TokenSettings {
        issuer: ISSUER.to_owned(),
        audience: vec!["chat".to_owned(), "app".to_owned()],
        jwks_url,
        algorithms: vec!["RS256".to_owned(), "ES256".to_owned()],
        leeway: Duration::from_secs(60),
        lifetime_max: Duration::from_secs(3_600),
        ask_again_after: Duration::from_secs(10),
        time_max: AMPLE,
        claims: Claims {
            full_name: "name".to_owned(),
            email: "email".to_owned(),
            avatar: "https://id.example/picture".to_owned(),
            phone: "contact.phone".to_owned(),
            login: String::new(),
        },
    }
}

/// The issuer, with one pair of keys, and who reads his tokens.
async fn issuer() -> (Outside, Pair, Tokens) {
    let pair = Pair::new("first");
    let outside = Outside::answering(key_set(&[&pair])).await;
    let tokens = Tokens::new(&settings(outside.url("/keys"))).unwrap();
    (outside, pair, tokens)
}

impl Tokens {
    /// Whom it proves, and until which second; or why it does not.
    async fn outcome(&self, token: &str, now: Time) -> Result<(String, u64), Error> {
        let proven = self.prove(token, now).await?;
        Ok((proven.key.as_str().to_owned(), proven.ends_at.seconds()))
    }

    async fn refuses(&self, token: &str) {
        let outcome = self.outcome(token, NOW).await;
        assert_eq!(outcome, Err(Error::NoSuchSession), "{}", &token[..token.len().min(300)]);
    }
}

fn later(seconds: u64) -> Time {
    after(NOW, Duration::from_secs(seconds))
}

#[tokio::test]
async fn a_token_proves_its_subject_until_its_end() {
    let (outside, pair, tokens) = issuer().await;
    let proven = Ok((format!("oidc:{ISSUER}|u-1"), NOW.seconds() + 360));
    for good in [
        json!({}),
        json!({ "aud": ["other", "app"] }),
        json!({ "nbf": NOW.seconds() + 60 }),
        json!({ "exp": NOW.seconds() as f64 + 300.4 }),
        json!({ "iat": null }),
    ] {
        let token = pair.token(&claims_with(good.clone()));
        assert_eq!(tokens.outcome(&token, NOW).await, proven, "{good}");
    }
    assert_eq!(outside.asked().len(), 1, "keys are asked for once");
    for kind in [None, Some("jwt"), Some("at+jwt"), Some("application/at+jwt")] {
        let token = pair.token_with(&json!({ "alg": "ES256", "kid": "first", "typ": kind }), &claims());
        assert_eq!(tokens.outcome(&token, NOW).await, proven, "{kind:?}");
    }
    let nameless = pair.token_with(&json!({ "alg": "ES256" }), &claims());
    assert_eq!(tokens.outcome(&nameless, NOW).await, proven, "the only key needs no name");
}

#[tokio::test]
async fn claims_tell_what_is_known_of_somebody() {
    let (_outside, pair, tokens) = issuer().await;
    let told = json!({
        "name": "Zoë", "email": "zoe@x.org", "https://id.example/picture": "https://x.org/zoe.png",
        "contact": { "phone": "+49 1" },
    });
    let proven = tokens.prove(&pair.token(&claims_with(told)), NOW).await.unwrap();
    let about = &proven.profile.about;
    assert_eq!(about.full_name.as_deref(), Some("Zoë"));
    assert_eq!(about.avatar.as_deref(), Some("https://x.org/zoe.png"));
    assert_eq!((about.phone.as_deref(), about.external_id.as_deref()), (Some("+49 1"), Some("u-1")));
    assert!(proven.profile.email.is_some() && proven.profile.login.is_none());
    let doubtful = json!({ "email": "zoe@x.org", "email_verified": false, "name": { "first": "Zoë" } });
    let proven = tokens.prove(&pair.token(&claims_with(doubtful)), NOW).await.unwrap();
    assert!(proven.profile.email.is_none() && proven.profile.about.full_name.is_none());
}

#[tokio::test]
async fn what_a_token_claims_has_to_be_right() {
    let (_outside, pair, tokens) = issuer().await;
    let now = NOW.seconds();
    for wrong in [
        json!({ "iss": "https://other.example" }),
        json!({ "iss": "https://id.example/" }),
        json!({ "iss": [ISSUER] }),
        json!({ "iss": null }),
        json!({ "aud": "other" }),
        json!({ "aud": ["other"] }),
        json!({ "aud": [] }),
        json!({ "aud": null }),
        json!({ "aud": { "chat": true } }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "sub": "a\u{0}b" }),
        json!({ "sub": "x".repeat(REFERENCE_MAX + 1) }),
        json!({ "exp": null }),
        json!({ "exp": "soon" }),
        json!({ "exp": -1 }),
        json!({ "exp": now - 60 }),
        json!({ "exp": now + 3_601 }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": now + 61 }),
        json!({ "nbf": "now" }),
    ] {
        tokens.refuses(&pair.token(&claims_with(wrong))).await;
    }
    let token = pair.token(&claims());
    assert!(tokens.outcome(&token, later(359)).await.is_ok());
    assert_eq!(tokens.outcome(&token, later(360)).await, Err(Error::NoSuchSession));
}

#[tokio::test]
async fn nothing_in_a_token_chooses_how_it_is_checked() {
    let (outside, pair, tokens) = issuer().await;
    let point = pair.keys.public_key().as_ref().to_vec();
    let jwk = pair.public();
    let shared = |secret: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, secret);
    let (by_point, by_jwk) = (shared(&point), shared(jwk.to_string().as_bytes()));
    let with = |key: hmac::Key| move |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
    let header = |algorithm: &str| json!({ "alg": algorithm, "typ": "JWT", "kid": "first" });
    for algorithm in ["none", "None", "HS256", "HS384", "ES384", "EdDSA", "PS256", ""] {
        tokens.refuses(&signed(&header(algorithm), &claims(), |_| vec![])).await;
        tokens.refuses(&pair.token_with(&header(algorithm), &claims())).await;
    }
    // The published key as a shared secret.
    tokens.refuses(&signed(&header("HS256"), &claims(), with(by_point))).await;
    tokens.refuses(&signed(&header("HS256"), &claims(), with(by_jwk))).await;
    // A key of the sender's own, however he hands it in.
    let own = Pair::new("first");
    tokens.refuses(&own.token(&claims())).await;
    let handed = outside.url("/own-keys");
    for (name, value) in [("jwk", own.public()), ("jku", json!(handed)), ("x5u", json!(handed))] {
        let mut header = header("ES256");
        header[name] = value;
        tokens.refuses(&own.token_with(&header, &claims())).await;
    }
    // A key for another algorithm, and what nobody here understands.
    tokens.refuses(&pair.token_with(&header("RS256"), &claims())).await;
    tokens
        .refuses(
            &pair.token_with(&json!({ "alg": "ES256", "kid": "first", "crit": ["x"], "x": 1 }), &claims()),
        )
        .await;
    for kind in ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWS"] {
        tokens
            .refuses(&pair.token_with(&json!({ "alg": "ES256", "kid": "first", "typ": kind }), &claims()))
            .await;
    }
    assert!(outside.asked().iter().all(|asked| asked.starts_with("GET /keys ")));
}

#[tokio::test]
async fn what_was_changed_cut_or_made_up_proves_nothing() {
    let (_outside, pair, tokens) = issuer().await;
    let token = pair.token(&claims());
    let parts = token.split('.').collect::<Vec<_>>();
    let other = BASE64.encode(claims_with(json!({ "sub": "u-2" })).to_string());
    tokens.refuses(&format!("{}.{other}.{}", parts[0], parts[2])).await;
    for cut in [1, parts[0].len(), token.len() / 2, token.len() - 44, token.len() - 2] {
        tokens.refuses(&token[..cut]).await;
    }
    for garbage in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", &format!("{}..{}", parts[0], parts[2])] {
        tokens.refuses(garbage).await;
    }
    tokens.refuses(&format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86))).await;
    tokens.refuses(&format!("{}.{}.", parts[0], parts[1])).await;
    tokens.refuses(&format!("{token}.{}", parts[2])).await;
}

#[tokio::test]
async fn keys_may_be_rsa() {
    let keys = RsaKeyPair::from_der(include_bytes!("test_rsa.der")).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(keys.public());
    let (n, e) = (BASE64.encode(public.n), BASE64.encode(public.e));
    let jwk = json!({ "kty": "RSA", "alg": "RS256", "kid": "r", "n": n, "e": e });
    let outside = Outside::answering(Answer::Json(200, json!({ "keys": [jwk] }))).await;
    let tokens = Tokens::new(&settings(outside.url("/keys"))).unwrap();
    let sign = |scheme: &'static dyn signature::RsaEncoding| {
        let keys = &keys;
        move |message: &[u8]| {
            let mut signature = vec![0; keys.public().modulus_len()];
            keys.sign(scheme, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        }
    };
    let header = |algorithm: &str| json!({ "alg": algorithm, "kid": "r" });
    let good = signed(&header("RS256"), &claims(), sign(&RSA_PKCS1_SHA256));
    assert!(tokens.outcome(&good, NOW).await.is_ok());
    tokens.refuses(&signed(&header("RS256"), &claims(), sign(&signature::RSA_PKCS1_SHA512))).await;
    tokens.refuses(&signed(&header("RS512"), &claims(), sign(&signature::RSA_PKCS1_SHA512))).await;
    tokens.refuses(&signed(&header("ES256"), &claims(), sign(&RSA_PKCS1_SHA256))).await;
}

#[tokio::test]
async fn new_keys_are_asked_for_and_not_too_often() {
    let (outside, first, tokens) = issuer().await;
    assert!(tokens.outcome(&first.token(&claims()), NOW).await.is_ok());
    let second = Pair::new("second");
    tokens.refuses(&second.token(&claims())).await;
    outside.answers(key_set(&[&first, &second]));
    let token = second.token(&claims());
    assert_eq!(tokens.outcome(&token, later(9)).await, Err(Error::NoSuchSession), "too early to ask again");
    let all = std::array::from_fn::<_, 3, _>(|_| tokens.outcome(&token, later(10)));
    let [one, two, three] = all;
    let (one, two, three) = tokio::join!(one, two, three);
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(outside.asked().len(), 2, "by one of them");
    // What he has taken back is forgotten with the next answer.
    outside.answers(key_set(&[&second]));
    tokens.refresh_keys(later(20)).await;
    assert_eq!(tokens.outcome(&first.token(&claims()), later(21)).await, Err(Error::NoSuchSession));
    assert!(tokens.outcome(&token, later(21)).await.is_ok());
}

#[tokio::test]
async fn known_keys_stay_good_while_the_issuer_is_away() {
    let (outside, pair, tokens) = issuer().await;
    outside.answers(Answer::Json(503, json!({})));
    let token = pair.token(&claims());
    assert_eq!(tokens.outcome(&token, NOW).await, Err(Error::Unavailable), "nobody knows yet");
    outside.answers(key_set(&[&pair]));
    assert_eq!(tokens.outcome(&token, later(9)).await, Err(Error::Unavailable));
    assert!(tokens.outcome(&token, later(10)).await.is_ok());
    let page = whole("200", "text/html", "<html>");
    let elsewhere = "HTTP/1.1 302 x\r\nLocation: /keys\r\nContent-Length: 0\r\n\r\n".to_owned();
    for away in [
        Answer::Json(500, json!({})),
        Answer::Raw(page),
        Answer::Raw(elsewhere),
        Answer::Json(200, json!({ "keys": [] })),
    ] {
        outside.answers(away);
        tokens.refresh_keys(later(20)).await;
        assert!(tokens.outcome(&token, later(21)).await.is_ok());
        let unknown = Pair::new("unknown").token(&claims());
        assert_eq!(tokens.outcome(&unknown, later(21)).await, Err(Error::Unavailable));
    }
}

#[tokio::test]
async fn a_key_set_is_read_as_far_as_it_can_be() {
    let (outside, pair, tokens) = issuer().await;
    let mut for_secrets = Pair::new("secrets").public();
    for_secrets["use"] = json!("enc");
    let mut for_another = Pair::new("another").public();
    for_another["alg"] = json!("ES384");
    let shared = json!({ "kty": "oct", "kid": "shared", "k": BASE64.encode("a shared secret, published") });
    let odd = [
        json!(7),
        json!({}),
        json!({ "kty": "X" }),
        json!({ "kty": "RSA", "kid": "odd", "n": "!", "e": "AQAB" }),
    ];
    let keys = odd.into_iter().chain([for_secrets, for_another, shared, pair.public()]).collect::<Vec<_>>();
    outside.answers(Answer::Json(200, json!({ "keys": keys })));
    assert!(tokens.outcome(&pair.token(&claims()), NOW).await.is_ok());
    let secret = hmac::Key::new(hmac::HMAC_SHA256, b"a shared secret, published");
    let forged = signed(&json!({ "alg": "HS256", "kid": "shared" }), &claims(), |message| {
        hmac::sign(&secret, message).as_ref().to_vec()
    });
    tokens.refuses(&forged).await;
    for id in ["secrets", "another", "odd"] {
        tokens.refuses(&pair.token_with(&json!({ "alg": "ES256", "kid": id }), &claims())).await;
    }
}

#[tokio::test]
async fn keys_are_where_the_issuers_description_says() {
    let pair = Pair::new("first");
    let outside = Outside::answering(key_set(&[&pair])).await;
    let description = Outside::answering(Answer::Silence).await;
    let issuer = description.url("/realm");
    let tokens = Tokens::new(&TokenSettings { issuer: issuer.clone(), ..settings(String::new()) }).unwrap();
    let token = pair.token(&claims_with(json!({ "iss": issuer })));
    let keys = outside.url("/keys");
    for wrong in [
        json!({ "issuer": "https://id.example", "jwks_uri": keys }),
        json!({ "issuer": issuer, "jwks_uri": "file:///keys" }),
        json!({ "issuer": issuer }),
        json!([]),
    ] {
        description.answers(Answer::Json(200, wrong));
        tokens.refresh_keys(NOW).await;
        assert_eq!(tokens.outcome(&token, NOW).await, Err(Error::Unavailable));
    }
    assert_eq!(outside.asked(), Vec::<String>::new());
    description.answers(Answer::Json(200, json!({ "issuer": issuer, "jwks_uri": keys })));
    tokens.refresh_keys(NOW).await;
    assert!(tokens.outcome(&token, NOW).await.is_ok());
    let asked = description.asked();
    assert!(asked[0].starts_with("GET /realm/.well-known/openid-configuration "), "{asked:?}");
}

#[test]
fn settings_without_sense_are_refused_by_name() {
    let with = |change: fn(&mut TokenSettings)| {
        let mut settings = settings("https://id.example/keys".to_owned());
        change(&mut settings);
        Tokens::new(&settings).unwrap_err().to_string()
    };
    assert!(with(|settings| settings.audience.clear()).contains("oidc.audience"));
    assert!(with(|settings| settings.algorithms = vec!["HS256".to_owned()]).contains("oidc.algorithms"));
    assert!(with(|settings| settings.algorithms = vec!["none".to_owned()]).contains("oidc.algorithms"));
    assert!(with(|settings| settings.algorithms.clear()).contains("oidc.algorithms"));
    assert!(with(|settings| settings.jwks_url = "file:///keys".to_owned()).contains("oidc.jwks_url"));
    assert!(with(|settings| settings.issuer = "x".repeat(600)).contains("oidc.issuer"));
}
