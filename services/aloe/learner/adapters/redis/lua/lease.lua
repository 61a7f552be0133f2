-- Leases the first free clips of a ranking.
-- ARGV: epoch, oracle, { { row, score, class }, ... }, clips of the pool, 0 if all are ranked
-- that may be leased, more
-- than a score as { row, score, class, '', 1 if it was drawn at random, gain, nearest row, distance },
-- most clips, duration in ms, prefix of lease ids, life of the answer in ms, head version, strategy,
-- a line with the hash of each, what the ranking rests on.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local replay = redis.call('GET', REQUEST)
if replay then return replay end
local oracle, ranking, clip_count = ARGV[2], cjson.decode(ARGV[3]), tonumber(ARGV[4])
local most, prefix = tonumber(ARGV[5]), ARGV[7]
local now = now_ms()
local expires = now + tonumber(ARGV[6])
expire_leases(now)

local room = budget_left()
local within_budget = room > 0
most = math.min(most, room)

local spec = decoded(META, 'spec', redis.call('HGET', META, 'spec'))
local limit = tonumber(spec.max_leases_per_oracle)
local within_limit = true
if limit then
  local left = limit
  for _, lease_id in ipairs(redis.call('HVALS', HOLDS)) do
    if holding_lease(lease_id)[2] == oracle then left = left - 1 end
  end
  within_limit = left > 0
  most = math.min(most, math.max(0, left))
end

local taken = {}
local next_hash = string.gmatch(ARGV[11], '([^\n]*)\n')
for _, pick in ipairs(ranking) do
  if #taken >= most then break end
  pick[4] = next_hash()
  if redis.call('HEXISTS', LABELS, pick[1]) == 0 and redis.call('HEXISTS', HOLDS, pick[1]) == 0 then
    table.insert(taken, pick)
  end
end
local free = clip_count
for _, counter in pairs(COUNTER) do free = free - number(counter) end
if #taken < math.min(most, free) then
  return cjson.encode({ error = 'RANKING_TOO_SHORT' })
end

check_keys(LEASES, EVENTS)
check_counts({})
local leases, rows, states, classes, ids, hashes = {}, {}, {}, {}, {}, {}
for index, pick in ipairs(taken) do
  local lease_id = prefix .. '-' .. index
  redis.call('HSET', HOLDS, pick[1], lease_id)
  redis.call('HSET', LEASES, lease_id, cjson.encode({ pick[1], oracle, expires, 1, pick[4], pick[5] }))
  redis.call('ZADD', EXPIRIES, expires, lease_id)
  move(UNLABELED, LEASED)
  table.insert(leases, { lease_id, unpack(pick) })
  table.insert(rows, pick[1])
  table.insert(states, LEASED)
  table.insert(classes, NO_CLASS)
  table.insert(ids, { lease_id, pick[2], unpack(pick, 5) })
  table.insert(hashes, pick[4])
end
local state = 'open'
if #taken > 0 then
  note_time(now)
  flush_counters()
  log_event('leased', rows, states, classes, 'oracle', oracle, 'leases', cjson.encode(ids),
    'expires', expires, 'head_version', ARGV[9], 'strategy', ARGV[10], 'hashes', cjson.encode(hashes),
    'basis', ARGV[12])
elseif not within_budget then
  state = 'budget_spent'
elseif not within_limit then
  state = 'oracle_limit'
elseif number('leased') > 0 then
  state = 'all_leased'
else
  state = 'exhausted'
end
local answer = cjson.encode({ leases = leases, expires = expires, state = state,
  head_version = tonumber(ARGV[9]), strategy = ARGV[10] })
redis.call('SET', REQUEST, answer, 'PX', ARGV[8])
return answer
