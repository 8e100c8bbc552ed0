# The server as an image: Node 24, an ordinary user, everything that changes in /data. The root may be read-only.
FROM node:24-bookworm-slim

ENV NODE_ENV=production \
    CARILLON_SERVER__DATA_DIR=/data \
    CARILLON_LISTEN__CLIENT=0.0.0.0:8008 \
    CARILLON_LISTEN__FEDERATION=0.0.0.0:8448

WORKDIR /app

# Sources come before the packages: npm links the workspaces, and Node runs their TypeScript only through such links.
COPY . .
RUN npm ci --omit=dev \
 && rm -rf node_modules/node-linux-* /root/.npm \
 && mkdir /data \
 && chown node:node /data

USER node
VOLUME /data
EXPOSE 8008 8448
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "platform/src/supervisor/health-check.mjs"]
CMD ["node", "platform/src/supervisor/preflight.mjs", "homeserver/src/start.ts"]
