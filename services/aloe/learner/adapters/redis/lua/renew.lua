-- Lets leases of an oracle last longer. ARGV: epoch, oracle, { lease id, ... }, duration in ms.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local oracle, wanted = ARGV[2], cjson.decode(ARGV[3])
local now = now_ms()
local expires = now + tonumber(ARGV[4])
expire_leases(now)

local found, failure = leases_of(oracle, wanted, true)
if failure then return failure end

local unheld = {}
for index, lease_id in ipairs(wanted) do
  if not found[lease_id].held then table.insert(unheld, index - 1) end
end
failure = refuse_overspending(unheld)
if failure then return failure end

check_keys(EVENTS)
check_counts({})
local rows, states, classes, ids, hashes = {}, {}, {}, {}, {}
for _, lease_id in ipairs(wanted) do
  local lease = found[lease_id].lease
  if lease[4] ~= 1 then
    move(UNLABELED, LEASED)
    redis.call('HSET', HOLDS, lease[1], lease_id)
    lease[4] = 1  -- It may be named twice.
  end
  redis.call('HSET', LEASES, lease_id, cjson.encode({ lease[1], oracle, expires, 1, lease[5],
    lease[6] }))
  redis.call('ZADD', EXPIRIES, expires, lease_id)
  table.insert(rows, lease[1])
  table.insert(states, LEASED)
  table.insert(classes, NO_CLASS)
  table.insert(ids, lease_id)
  table.insert(hashes, lease[5] or '')
end
note_time(now)
flush_counters()
log_event('renewed', rows, states, classes, 'oracle', oracle, 'leases', cjson.encode(ids),
  'hashes', cjson.encode(hashes))
return cjson.encode({ expires = expires })
