-- The carts of one bucket of users and their attempts. The first argument names the operation.
--
-- KEYS  cart           hash: count by SKU; "revision", which changes with the lines
--       attempt        hash: "key" (the idempotency key), "items", and "resumed", the number of
--                      later checkouts that found it
--       still_in_cart  hash: count by SKU of the ordered units that are still in the cart
--       ends           sorted set of the bucket: expiry time of each user's cart, in ms of the
--                      server's clock
--       lines          counter of the bucket: the lines of its carts
-- ARGV  operation, user, ttl in ms, and the arguments of the operation
--
-- The steps 0 to 4 of a checkout are those of cart/domain/checkout.ts.
--
-- Returns the number of carts that expired, then the result of the operation. User ids stay
-- strings because numbers in Lua are doubles. The key of an attempt is the revision of its cart:
-- when a replica without the last changes becomes primary, it has both or neither.

local cart, attempt, still_in_cart, ends, lines = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local operation, user, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
local ENDED_MAX = 8

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function remove_cart(of_user)
  local key = string.sub(cart, 1, -#user - 1) .. of_user
  local count = redis.call("HLEN", key) - 1
  if count > 0 then redis.call("DECRBY", lines, count) end
  redis.call("UNLINK", key)
  redis.call("ZREM", ends, of_user)
end

local function remove_ended()
  local ended = redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, ENDED_MAX)
  for _, of_user in ipairs(ended) do remove_cart(of_user) end
  local own = redis.call("ZSCORE", ends, user)
  if not own or tonumber(own) > now then return #ended end
  remove_cart(user)
  return #ended + 1
end

local expired = remove_ended()

-- After a change of the lines: extends the cart's life and gives it a new revision.
local function changed(revision)
  redis.call("HSET", cart, "revision", revision)
  if redis.call("HLEN", cart) == 1 then return remove_cart(user) end
  redis.call("ZADD", ends, now + ttl, user)
end

local function remove_line(sku)
  if redis.call("HDEL", cart, sku) == 0 then return false end
  redis.call("DECR", lines)
  return true
end

local function resume()
  local found = redis.call("HMGET", attempt, "key", "items")
  if not found[1] then return nil end
  -- A write, so that WAIT covers the attempt even if another connection created it.
  redis.call("HINCRBY", attempt, "resumed", 1)
  redis.call("PEXPIRE", attempt, ttl)
  redis.call("PEXPIRE", still_in_cart, ttl)
  return found
end

-- The number of replicas online, and the replication id, which primary and replicas share.
local function replication()
  -- A user without the right to INFO does not wait for a replica.
  local info = redis.pcall("INFO", "replication")
  if type(info) ~= "string" then return 0, "" end
  local _, online = string.gsub(info, "state=online", "")
  return online, string.match(info, "master_replid:(%w+)")
end

local function found_attempt(found)
  return { expired, "resumed", found[1], found[2], replication() }
end

local operations = {}

function operations.add(sku, count, count_max, lines_max, revision)
  local before = tonumber(redis.call("HGET", cart, sku) or 0)
  if before + count > tonumber(count_max) then return { expired, "count_exceeded", before } end
  if before == 0 then
    if redis.call("HLEN", cart) - 1 >= tonumber(lines_max) then
      return { expired, "lines_exceeded" }
    end
    redis.call("INCR", lines)
  end
  redis.call("HSET", cart, sku, before + count)
  changed(revision)
  return { expired, "added" }
end

function operations.delete(sku, revision)
  if remove_line(sku) then changed(revision) end
  redis.call("HDEL", still_in_cart, sku)
  return { expired }
end

function operations.clear()
  remove_cart(user)
  redis.call("DEL", still_in_cart)
  return { expired }
end

function operations.list()
  return { expired, redis.call("HGETALL", cart) }
end

-- Step 0, readToOrder().
function operations.read()
  local found = resume()
  if found then return found_attempt(found) end
  return { expired, "cart", redis.call("HGETALL", cart) }
end

-- Step 1, beginAttempt().
function operations.begin(revision, items)
  local found = resume()
  if found then return found_attempt(found) end
  if redis.call("HGET", cart, "revision") ~= revision then return { expired, "changed" } end
  redis.call("HSET", attempt, "key", revision, "items", items, "resumed", 0)
  redis.call("PEXPIRE", attempt, ttl)
  redis.call("DEL", still_in_cart)
  redis.call("HSET", still_in_cart, unpack(redis.call("HGETALL", cart)))
  redis.call("HDEL", still_in_cart, "revision")
  redis.call("PEXPIRE", still_in_cart, ttl)
  return { expired, "begun", revision, items, replication() }
end

-- Before step 2: whether this is the server that stored the attempt. A server with another
-- replication id may not have it.
function operations.same(id)
  local _, current = replication()
  return { expired, current == id and 1 or 0 }
end

-- Step 4, settleAttempt().
function operations.settle(key, keep, revision)
  if redis.call("HGET", attempt, "key") == key then
    local ordered = redis.call("HGETALL", still_in_cart)
    local has_changed = false
    for at = 1, #ordered, 2 do
      local sku, count = ordered[at], tonumber(ordered[at + 1])
      local in_cart = tonumber(redis.call("HGET", cart, sku) or 0)
      if in_cart > count then redis.call("HINCRBY", cart, sku, -count) else remove_line(sku) end
      has_changed = has_changed or in_cart > 0
    end
    if has_changed then changed(revision) end
    redis.call("DEL", still_in_cart)
    if keep == "0" then redis.call("DEL", attempt) end
  elseif redis.call("HGET", cart, "revision") == key then
    -- The attempt was lost with a primary, and the cart is unchanged since the order.
    remove_cart(user)
  end
  return { expired }
end

-- Step 3, endAttempt().
function operations.finish(key, unless_shared, revision)
  local open = redis.call("HMGET", attempt, "key", "resumed")
  if open[1] == key then
    if unless_shared == "1" and open[2] ~= "0" then return { expired } end
    redis.call("DEL", attempt, still_in_cart)
  end
  -- Gives the next attempt another key, except after an overload: the store may have lost an
  -- earlier attempt with this key, for which loms may have an order.
  if unless_shared == "0" and redis.call("HGET", cart, "revision") == key then
    redis.call("HSET", cart, "revision", revision)
  end
  return { expired }
end

function operations.size()
  return { expired, redis.call("ZCARD", ends), tonumber(redis.call("GET", lines) or 0) }
end

return operations[operation](unpack(ARGV, 4))
