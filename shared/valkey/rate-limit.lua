-- A sliding-window rate limit shared by all processes, by the server's clock.
-- A permit is granted first; its holder reports when it was used. Until then its window is
-- counted from the latest possible use. Tickets wait in the order of their arrival.
--
-- KEYS  granted  sorted set: permit not reported as used, and the latest end of its window
--       used     sorted set: used permit, and the end of its window
--       queue    sorted set: waiting ticket, by arrival
--       seen     sorted set: waiting ticket, and when it expires unless it polls again
--       state    hash: "server", "paused" (until when), "arrivals"
-- ARGV  operation, ticket, permits, window, use_max, and ms: the time left until the deadline, or
--       the length of the pause. All times are in ms.

local granted, used, queue, seen, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local operation, ticket = ARGV[1], ARGV[2]
local permits, window, use_max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ms = tonumber(ARGV[6])
-- How late a ticket may poll again.
local LATE_MAX = 1000

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function pause(until_ms)
  local before = tonumber(redis.call("HGET", state, "paused") or 0)
  redis.call("HSET", state, "paused", math.max(before, until_ms))
end

local function leave(of_ticket)
  redis.call("ZREM", queue, of_ticket)
  redis.call("ZREM", seen, of_ticket)
end

-- A server that was restarted, or that replaced another one, may lack the last permits.
local server = string.match(redis.call("INFO", "server"), "run_id:(%w+)")
if redis.call("HGET", state, "server") ~= server then
  redis.call("HSET", state, "server", server)
  -- Stored times may come from another clock. The pause is as long as any window.
  redis.call("DEL", granted, used)
  pause(now + use_max + window)
end

redis.call("ZREMRANGEBYSCORE", granted, "-inf", now)
redis.call("ZREMRANGEBYSCORE", used, "-inf", now)
for _, dead in ipairs(redis.call("ZRANGEBYSCORE", seen, "-inf", now)) do leave(dead) end

-- The earliest time at which this place of the queue gets a permit; the first place is 0.
local function starts_at(place, from)
  local starts = {}
  for _ = 1, redis.call("ZCARD", granted) do starts[#starts + 1] = math.max(from, now + window) end
  local ends = redis.call("ZRANGE", used, 0, -1, "WITHSCORES")
  for at = 2, #ends, 2 do starts[#starts + 1] = math.max(from, tonumber(ends[at])) end
  while #starts < permits do starts[#starts + 1] = from end
  table.sort(starts)
  return starts[place % permits + 1] + math.floor(place / permits) * window
end

local operations = {}

-- Returns "granted"; "wait" and the ms until the next poll; or "refused", the ms until a permit
-- would be free, and whether there is a pause.
function operations.acquire()
  local paused = tonumber(redis.call("HGET", state, "paused") or 0)
  local waiting_at = redis.call("ZRANK", queue, ticket)
  local place = waiting_at or redis.call("ZCARD", queue)
  local start = starts_at(place, math.max(now, paused))
  if start <= now then
    leave(ticket)
    redis.call("ZADD", granted, now + use_max + window, ticket)
    return { "granted" }
  end
  if start > now + ms then
    leave(ticket)
    return { "refused", start - now, paused > now and 1 or 0 }
  end
  if not waiting_at then
    redis.call("ZADD", queue, redis.call("HINCRBY", state, "arrivals", 1), ticket)
  end
  redis.call("ZADD", seen, start + LATE_MAX, ticket)
  return { "wait", start - now }
end

function operations.used()
  local latest = redis.call("ZSCORE", granted, ticket)
  if not latest then return {} end
  redis.call("ZREM", granted, ticket)
  redis.call("ZADD", used, math.min(tonumber(latest), now + window), ticket)
  return {}
end

-- Its caller may have left before the answer, so the permit is not used.
function operations.leave()
  leave(ticket)
  redis.call("ZREM", granted, ticket)
  return {}
end

function operations.pause()
  pause(now + ms)
  return {}
end

return operations[operation]()
