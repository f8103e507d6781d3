# One image for cart, loms, notifier, the product stand-in and the migrations; the command selects
# the program. It is in the root because the root is the build context.

FROM node:24.21.0-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Production packages need no install scripts. Files for compilers and debuggers are removed.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \
    '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' ')' -delete

FROM node:24.21.0-trixie-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
# Services listen on all interfaces because the container's network controls access. Profiles stay
# on loopback.
ENV CART_HTTP=0.0.0.0:8082 \
    LOMS_HTTP=0.0.0.0:8084 \
    LOMS_GRPC=0.0.0.0:50051 \
    NOTIFIER_HTTP=0.0.0.0:8086 \
    PRODUCTS_HTTP=0.0.0.0:8090
# The file system is read-only at run time, so the compile cache is filled here, by the user that
# runs the services: each user has a separate cache.
ENV NODE_COMPILE_CACHE=/app/.cache/modules
RUN mkdir .cache && chown node .cache
USER node
RUN node deploy/image/cache-modules.ts
ENTRYPOINT ["node"]
CMD ["cart/main.ts"]
