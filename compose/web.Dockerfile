# The one origin: nginx with the web app, in front of the services:
#   docker build -f compose/web.Dockerfile -t leaderboard-web .
FROM node:22-slim AS build
WORKDIR /source/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
# As small as gzip gets it, once: nginx sends these to whoever takes them.
RUN npm run build && \
    find dist -type f -size +512c \( -name '*.html' -o -name '*.js' -o -name '*.css' -o -name '*.svg' \) -exec gzip -9k {} +

FROM nginx:stable-alpine
COPY --from=build /source/web/dist /usr/share/nginx/html
COPY docs/openapi.json /usr/share/nginx/html/
COPY compose/nginx.conf /etc/nginx/nginx.conf
USER nginx
EXPOSE 8080 8443
# Open requests and sockets get to their end.
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --start-interval=1s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
