# One image for cart, loms, notifier, the product stand-in and the migrations; the command says which
# it is. It lies at the top, since the top is its build context.

FROM node:24.21.0-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# None of what runs in production has a build of its own; half of it only serves compilers and debuggers.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \
    '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' ')' -delete

FROM node:24.21.0-trixie-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
# A container listens on all its interfaces, for its network decides who comes that far. Profiles stay
# on loopback.
ENV CART_HTTP=0.0.0.0:8082 \
    LOMS_HTTP=0.0.0.0:8084 \
    LOMS_GRPC=0.0.0.0:50051 \
    NOTIFIER_HTTP=0.0.0.0:8086 \
    PRODUCTS_HTTP=0.0.0.0:8090
# The file system is read-only when a service starts, so what Node makes of the modules is made here, by
# the user that the services run as: each user has a cache of its own.
ENV NODE_COMPILE_CACHE=/app/.cache/modules
RUN mkdir .cache && chown node .cache
USER node
RUN node deploy/image/cache-modules.ts
ENTRYPOINT ["node"]
CMD ["cart/main.ts"]
