//! The least of HTTP/1.1 that a load needs: requests as ready bytes, answers by status, length and body.
//!
//! Not a client for the world: one request at a time on a kept connection, no redirects, no chunked bodies. What it
//! does not understand is an error, never a guess.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The largest answer that is read, head and body: a page of 100 messages is a hundredth of it.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What is read at once.
const READ_BYTES: usize = 64 * 1024;

/// A request's bytes, head and body. An empty `token` sends none; an empty `body` has no content type.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if !token.is_empty() {
        head.push_str("CB-Token: ");
        head.push_str(token);
        head.push_str("\r\n");
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    } else if method != "GET" {
        head.push_str("Content-Length: 0\r\n");
    }
    head.push_str("\r\n");
    head.push_str(body);
    head.into_bytes()
}

/// An answer. The body is borrowed from the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body, whole.
    pub(crate) body: &'a [u8],
}

/// A kept connection with one request under way at most.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connect to a server on this machine.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ_BYTES) })
    }

    /// Send `request` and read its answer.
    ///
    /// # Errors
    ///
    /// The connection ended, or the answer is not one that this module understands; the connection is then useless.
    pub(crate) async fn call(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await.context("cannot send the request")?;
        self.buffer.clear();
        let head = loop {
            self.read_more().await?;
            if let Some(head) = Head::parse(&self.buffer)? {
                break head;
            }
        };
        let end = head.len + head.body_len;
        ensure!(end <= ANSWER_BYTES_MAX, "the answer is larger than {ANSWER_BYTES_MAX} bytes");
        while self.buffer.len() < end {
            self.read_more().await?;
        }
        ensure!(self.buffer.len() == end, "the answer goes on behind its end");
        Ok(Answer { status: head.status, body: &self.buffer[head.len..end] })
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        ensure!(self.buffer.len() < ANSWER_BYTES_MAX, "the answer is larger than {ANSWER_BYTES_MAX} bytes");
        if self.buffer.capacity() - self.buffer.len() < READ_BYTES / 4 {
            self.buffer.reserve(READ_BYTES);
        }
        if self.stream.read_buf(&mut self.buffer).await.context("cannot read the answer")? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    len: usize,
    body_len: usize,
}

impl Head {
    /// The head at the start of `bytes`; none as long as its end has not come.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let status = bytes.get(9..12).and_then(number).context("the answer has no status")?;
        let mut body_len = None;
        let mut line_start = 0;
        for line_end in memchr::memchr_iter(b'\n', &bytes[..end + 2]) {
            let line = &bytes[line_start..line_end];
            line_start = line_end + 1;
            if let Some(value) = field(line, b"content-length") {
                body_len = Some(number(value).context("the answer's content length is not a number")?);
            } else if field(line, b"transfer-encoding").is_some() {
                bail!("the answer comes in chunks");
            }
        }
        let body_len = if status == 204 { Some(0) } else { body_len };
        let body_len = body_len.context("the answer does not say how long it is")?;
        Ok(Some(Self { status: u16::try_from(status)?, len: end + 4, body_len }))
    }
}

/// The value of a header line of that (lower-case) name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_understood_whatever_its_case() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-LENGTH:  5\r\ndate: x\r\n\r\nhello";
        let head = Head::parse(bytes).unwrap().unwrap();
        assert_eq!(head, Head { status: 201, len: bytes.len() - 5, body_len: 5 });
    }

    #[test]
    fn half_a_head_is_waited_for_and_a_strange_one_refused() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None);
        for strange in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 abc\r\ncontent-length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(Head::parse(strange.as_bytes()).is_err(), "{strange}");
        }
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(request("POST", "/a", "t", "{}")),
            "POST /a HTTP/1.1\r\nHost: localhost\r\nCB-Token: t\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n{}"
        );
        assert_eq!(text(request("GET", "/a", "", "")), "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
}
