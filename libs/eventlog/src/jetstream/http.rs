//! One HTTP GET of a small document, as NATS' monitoring answers it. It knows neither TLS, redirects nor proxies.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long the whole exchange may take.
const WAIT: Duration = Duration::from_secs(3);
/// The most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
const PORT: u16 = 80;

/// The body of `path` at `base`, such as `http://10.0.0.1:8222`.
pub(super) async fn get(base: &str, path: &str) -> Result<Vec<u8>, String> {
    let rest = base.strip_prefix("http://").ok_or("only http:// addresses can be asked")?;
    let (host, folder) = rest.split_once('/').map_or((rest, ""), |(host, folder)| (host, folder));
    if host.is_empty()
        || host.contains(['@', '?', '#'])
        || !base.is_ascii()
        || base.contains(char::is_whitespace)
    {
        return Err("the address is not http://host:port".to_owned());
    }
    let folder = folder.trim_end_matches('/');
    let slash = if folder.is_empty() { "" } else { "/" };
    let request = format!("GET {slash}{folder}{path} HTTP/1.0\r\nHost: {host}\r\nAccept: */*\r\n\r\n");
    // An IPv6 address ends with a bracket where no port follows.
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { host.to_owned() } else { format!("{host}:{PORT}") };
    let answer = timeout(WAIT, exchange(&address, request.as_bytes())).await;
    let answer = answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
    body(&answer).map(<[u8]>::to_vec)
}

async fn exchange(address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn body(answer: &[u8]) -> Result<&[u8], String> {
    const BLANK: &[u8] = b"\r\n\r\n";
    let head = answer.windows(BLANK.len()).position(|window| window == BLANK);
    let head = head.ok_or("the answer is no HTTP")?;
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    match line.split(' ').nth(1) {
        Some("200") if line.starts_with("HTTP/1.") => Ok(&answer[head + BLANK.len()..]),
        _ => Err(format!("the answer is {line:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{body, get};

    #[test]
    fn only_a_good_answer_has_a_body() {
        assert_eq!(body(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}"), Ok(&b"{}"[..]));
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(&b""[..]));
        for bad in [&b""[..], b"HTTP/1.0 200 OK", b"HTTP/1.0 404 Not Found\r\n\r\nx", b"SSH-2.0\r\n\r\n"] {
            assert!(body(bad).is_err());
        }
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused() {
        for bad in ["", "https://host", "host:80", "http://", "http://a b", "http://u@h", "http://h\r\nX: y"]
        {
            assert!(get(bad, "/varz").await.is_err(), "{bad}");
        }
    }
}
