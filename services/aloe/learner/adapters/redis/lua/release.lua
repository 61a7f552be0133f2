-- Ends leases of an oracle. ARGV: epoch, oracle, { lease id, ... }; no ids mean all.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local oracle, wanted = ARGV[2], cjson.decode(ARGV[3])
local now = now_ms()
expire_leases(now)

local unknown, foreign = {}, {}
for index, lease_id in ipairs(wanted) do
  local lease = lease_of(lease_id)
  if not lease then
    table.insert(unknown, index - 1)
  elseif lease[2] ~= oracle then
    table.insert(foreign, index - 1)
  end
end
if #unknown + #foreign > 0 then
  return cjson.encode({ error = 'WRONG_LEASES', unknown = unknown, foreign = foreign })
end
if #wanted == 0 then wanted = redis.call('HVALS', HOLDS) end

local leases = {}
for _, lease_id in ipairs(wanted) do leases[lease_id] = holding_lease(lease_id) end
check_keys(HOLDS, EVENTS)
check_counts({})
local rows, states, classes = {}, {}, {}
for lease_id, lease in pairs(leases) do
  if lease[2] == oracle and lease[4] == 1 then
    close_lease(lease_id, lease, now)
    move(LEASED, UNLABELED)
    table.insert(rows, lease[1])
    table.insert(states, UNLABELED)
    table.insert(classes, NO_CLASS)
  end
end
if #rows > 0 then
  flush_counters()
  log_event('released', rows, states, classes, 'oracle', oracle)
end
return cjson.encode({ released = #rows })
