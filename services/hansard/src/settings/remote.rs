//! Identities that a team has already: `[identity.provider]`, `[oidc]` and `[reset]`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use identity::remote::{
    Claims, Fields, Provider, ProviderSettings, Remote, TokenSettings, Tokens, Webhook, WebhookSettings,
};
use runtime::config::{self, Secret};
use serde::{Deserialize, Serialize};

use super::Settings;

/// Resets that the webhook is told of at once.
const WEBHOOKS_MAX: usize = 8;

/// `[identity.provider]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// It may hold a key of the provider's.
    pub url: Secret,
    pub url_file: String,
    #[serde(with = "config::duration")]
    pub time_max: Duration,
    pub requests_max: usize,
    pub local_users: bool,
    pub fields: ProviderFields,
}

/// `[identity.provider.fields]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFields {
    pub uid: String,
    pub full_name: String,
    pub email: String,
    pub login: String,
    pub phone: String,
    pub website: String,
    pub avatar: String,
    pub custom_data: String,
    pub tag_list: String,
    pub external_user_id: String,
}

/// `[oidc]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    pub issuer: String,
    pub audience: Vec<String>,
    pub jwks_url: String,
    pub algorithms: Vec<String>,
    #[serde(with = "config::duration")]
    pub leeway: Duration,
    #[serde(with = "config::duration")]
    pub lifetime_max: Duration,
    #[serde(with = "config::duration")]
    pub ask_again_after: Duration,
    #[serde(with = "config::duration")]
    pub refresh_every: Duration,
    #[serde(with = "config::duration")]
    pub time_max: Duration,
    pub claims: OidcClaims,
}

/// `[oidc.claims]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcClaims {
    pub full_name: String,
    pub email: String,
    pub login: String,
    pub phone: String,
    pub avatar: String,
}

/// `[reset]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// It may hold a key of the mailer's.
    pub webhook_url: Secret,
    pub webhook_url_file: String,
    pub webhook_secret: Secret,
    pub webhook_secret_file: String,
    #[serde(with = "config::duration")]
    pub time_max: Duration,
    #[serde(with = "config::duration")]
    pub retry_after: Duration,
}

impl Settings {
    /// Everybody outside who is asked or told about users; nobody is asked yet.
    ///
    /// # Errors
    ///
    /// A setting that cannot work, by its name.
    pub fn remote(&self) -> anyhow::Result<Remote> {
        let provider = self.identity.provider.url.is_set().then(|| self.identity.provider.made());
        let tokens = (!self.oidc.issuer.is_empty()).then(|| self.oidc.made());
        let webhook = self.reset.webhook_url.is_set().then(|| self.reset.made(self.identity.reset_lifetime));
        Ok(Remote {
            provider: provider.transpose()?.map(Arc::new),
            tokens: tokens.transpose()?.map(Arc::new),
            webhook: webhook.transpose()?.map(Arc::new),
        })
    }

    pub(super) fn check_remote(&self) -> anyhow::Result<()> {
        for (key, time) in [
            ("identity.provider.time_max", self.identity.provider.time_max),
            ("oidc.time_max", self.oidc.time_max),
            ("oidc.ask_again_after", self.oidc.ask_again_after),
            ("oidc.refresh_every", self.oidc.refresh_every),
            ("oidc.lifetime_max", self.oidc.lifetime_max),
            ("reset.time_max", self.reset.time_max),
        ] {
            anyhow::ensure!(!time.is_zero(), "{key} must be more than nothing");
        }
        anyhow::ensure!(
            self.identity.provider.requests_max > 0,
            "identity.provider.requests_max must be at least 1"
        );
        self.remote().context("users that are known elsewhere").map(drop)
    }
}

impl IdentityProvider {
    fn made(&self) -> anyhow::Result<Provider> {
        let fields = self.fields.clone();
        Ok(Provider::new(&ProviderSettings {
            url: self.url.expose().to_owned(),
            time_max: self.time_max,
            requests_max: self.requests_max,
            local_users: self.local_users,
            fields: Fields {
                uid: fields.uid,
                full_name: fields.full_name,
                email: fields.email,
                login: fields.login,
                phone: fields.phone,
                website: fields.website,
                avatar: fields.avatar,
                custom_data: fields.custom_data,
                tag_list: fields.tag_list,
                external_user_id: fields.external_user_id,
            },
        })?)
    }
}

impl Oidc {
    fn made(&self) -> anyhow::Result<Tokens> {
        let claims = self.claims.clone();
        Ok(Tokens::new(&TokenSettings {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            jwks_url: self.jwks_url.clone(),
            algorithms: self.algorithms.clone(),
            leeway: self.leeway,
            lifetime_max: self.lifetime_max,
            ask_again_after: self.ask_again_after,
            time_max: self.time_max,
            claims: Claims {
                full_name: claims.full_name,
                email: claims.email,
                login: claims.login,
                phone: claims.phone,
                avatar: claims.avatar,
            },
        })?)
    }
}

impl Reset {
    fn made(&self, lifetime: Duration) -> anyhow::Result<Webhook> {
        Ok(Webhook::new(&WebhookSettings {
            url: self.webhook_url.expose().to_owned(),
            secret: self.webhook_secret.expose().to_owned(),
            time_max: self.time_max,
            requests_max: WEBHOOKS_MAX,
            retry_after: self.retry_after,
            lifetime,
        })?)
    }
}
