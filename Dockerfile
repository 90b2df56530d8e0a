# Hansard as an image: the one program, run by a user without rights. `docker compose up` (compose.yaml) makes a cluster of it.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /hansard
COPY . .
RUN cargo build --release --locked --package hansard

FROM debian:bookworm-slim
RUN useradd --uid 10001 --home-dir /var/lib/hansard --create-home hansard
COPY --from=build /hansard/target/release/hansard /usr/local/bin/hansard
USER 10001
WORKDIR /var/lib/hansard
VOLUME /var/lib/hansard
EXPOSE 8080
ENV HANSARD__DATA__FOLDER=/var/lib/hansard \
    HANSARD__SERVER__LISTEN=0.0.0.0:8080 \
    HANSARD__TELEMETRY__FORMAT=json
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["hansard"]
CMD ["serve"]
