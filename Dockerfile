# The single executable and the shared libraries that it names, and nothing else. docs/DEPLOYMENT.md says how to run it,
# and how to pin the base by digest: --build-arg NODE_IMAGE=node@sha256:...
ARG NODE_IMAGE=node:22.23.3-bookworm

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && node_modules/.bin/node gateway/tools/binary/build.ts
ARG SOURCE_COMMIT=""
ARG SOURCE_DATE_EPOCH=0
RUN node_modules/.bin/node gateway/tools/binary/sbom.ts && node_modules/.bin/node gateway/tools/binary/image-root.ts image

FROM scratch
ARG SOURCE_COMMIT=""
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="openbell" \
      org.opencontainers.image.description="An exchange in one process. It listens on loopback until it is given authentication and TLS, or a proxy to believe." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${SOURCE_COMMIT}"
COPY --from=build /src/image/root /
COPY --from=build --chown=65532:65532 /src/image/data /data
ENV OPENBELL_DATA=/data
USER 65532:65532
VOLUME ["/data"]
EXPOSE 7401 7402 7403
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["/openbell", "health"]
ENTRYPOINT ["/openbell"]
CMD ["start"]
