//! What is configured: combinations that work and are dangerous.

use std::path::Path;

use runtime::telemetry;
use rustix::process::{Resource, getrlimit};

use super::finding::Findings;
use crate::Settings;
use crate::settings::{Backend, Durability};

pub(super) const PART: &str = "configuration";

/// The least that a password's hash should cost: KiB of memory times passes (OWASP's cheat sheet on
/// storing passwords).
const HASH_COST_MIN: u64 = 19_456 * 2;
/// File descriptors that a process needs beside its connections.
const DESCRIPTORS_BESIDE: u64 = 256;

pub(super) fn look(settings: &Settings, file: Option<&Path>) -> Findings {
    let mut findings = Findings::of(PART);
    findings.ok(match file {
        Some(file) => format!("every key in {} and the environment is known", file.display()),
        None => "every key in the environment is known; there is no file (--config)".to_owned(),
    });
    exposure(settings, &mut findings);
    log(settings, &mut findings);
    limits(settings, &mut findings);
    credentials(settings, &mut findings);
    findings
}

/// What the whole network can reach.
fn exposure(settings: &Settings, findings: &mut Findings) {
    let listen = settings.server.listen;
    if listen.ip().is_loopback() {
        return findings.ok(format!("the API listens on {}, for this machine only", listen.ip()));
    }
    let before = findings.count();
    if settings.tls.files().is_none() && settings.server.trusted_proxies.is_empty() {
        findings.warn(
            format!("the API listens on {listen} without encryption: passwords and tokens can be read on their way"),
            "set tls.certificate_file and tls.key_file; or have a proxy in front that encrypts, and name it in \
             server.trusted_proxies",
        );
    }
    if settings.app.create_users_on_login {
        findings.warn(
            format!("the API listens on {listen}, and whoever has the auth key becomes a user by signing in under a new name"),
            "set app.create_users_on_login = false, unless that is meant",
        );
    }
    let protection = &settings.protection;
    let rates = [
        ("session_rate", protection.session_rate),
        ("sign_in_rate", protection.sign_in_rate),
        ("sign_up_rate", protection.sign_up_rate),
        ("reset_rate", protection.reset_rate),
        ("bad_token_rate", protection.bad_token_rate),
    ];
    let off: Vec<_> = rates.into_iter().filter(|(_, rate)| *rate == 0.0).map(|(name, _)| name).collect();
    if !off.is_empty() {
        findings.warn(
            format!(
                "the API listens on {listen}, and there is no limit to how often anybody may ask: {}",
                off.join(", ")
            ),
            "set these rates of [protection]; their defaults suit most",
        );
    }
    if findings.count() == before {
        findings.ok(format!("the API listens on {listen}, encrypted or behind a proxy, with its limits"));
    }
}

fn log(settings: &Settings, findings: &mut Findings) {
    let log = &settings.log;
    if log.backend == Backend::Sqlite {
        return;
    }
    match log.durability {
        Durability::Checked => findings.ok("NATS must sync before it acknowledges (log.durability)"),
        Durability::Attested => findings.ok("you vouch that NATS syncs before it acknowledges (log.durability)"),
        Durability::Relaxed => findings.warn(
            "a power cut of several NATS servers at once loses acknowledged writes (log.durability = \"relaxed\")",
            "set `sync_interval: always` on every NATS server, name them in log.monitor_urls, and set \
             log.durability = \"checked\"",
        ),
    }
    if log.replicas == 1 {
        findings.warn(
            "the log is kept on one NATS server: if its disk is lost, everything is (log.replicas = 1)",
            "have three NATS servers and set log.replicas = 3, then run `hansard log init`",
        );
    }
}

fn limits(settings: &Settings, findings: &mut Findings) {
    let identity = &settings.identity;
    if u64::from(identity.hash_memory_kib) * u64::from(identity.hash_iterations) < HASH_COST_MIN {
        findings.warn(
            "whoever steals the stored passwords' hashes can try passwords fast (identity.hash_memory_kib, \
             identity.hash_iterations)",
            "take the defaults: hash_memory_kib = 19456, hash_iterations = 2",
        );
    }
    let needed = settings.server.connections_max as u64 + DESCRIPTORS_BESIDE;
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < needed) {
        findings.warn(
            format!(
                "a process started from here may open {limit} files, and needs {needed} for server.connections_max: \
                 beyond them nobody can connect"
            ),
            "raise the limit (`ulimit -n`, LimitNOFILE of its service), or lower server.connections_max",
        );
    }
    let filter = &settings.telemetry.filter;
    let subscriber = telemetry::subscriber(settings.telemetry.format, filter, std::io::sink);
    match subscriber.map(|subscriber| tracing::subscriber::with_default(subscriber, hears_audit)) {
        Ok(true) => {}
        Ok(false) => findings.warn(
            "what operators do and who is refused is not logged (telemetry.filter)",
            format!("let the audit lines through: telemetry.filter = \"{filter},audit=info\""),
        ),
        Err(error) => findings.fail(format!("{error:#}"), "correct telemetry.filter"),
    }
}

fn hears_audit() -> bool {
    tracing::enabled!(target: "audit", tracing::Level::INFO)
}

fn credentials(settings: &Settings, findings: &mut Findings) {
    if settings.app.previous_auth_key.is_set() {
        findings.warn(
            "the application's credentials of before are good still (app.previous_auth_key)",
            "unset app.previous_auth_key and app.previous_auth_secret once all clients have the new ones",
        );
    }
}
