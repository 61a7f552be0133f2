-- Takes labels and leases off rows whose clips they are not for, and lets rows come back that are
-- retired in this task alone. ARGV: epoch, { { row, hash of its clip, or '' if it has none }, ... }.
-- What they were stays in the log alone; their leases are unknown from then on.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local now = now_ms()
expire_leases(now)

local rows, states, classes, trained = {}, {}, {}, false
for _, content in ipairs(cjson.decode(ARGV[2])) do
  local row, hash = content[1], content[2]
  local label = label_of(row)
  local lease_id = label and label[5] or redis.call('HGET', HOLDS, row)
  local told = label and label[6] or not label and lease_id and lease_of(lease_id)[5]
  local is_other = (label or lease_id) and (hash == '' or (told or '') ~= '' and told ~= hash)
  if label and label[1] == RETIRED or is_other then
    local before = vacate(row, label, now)
    if before == LABELED then trained = true end
    move(before, UNLABELED)
    redis.call('HDEL', LABELS, row)
    if lease_id and lease_id ~= '' then
      redis.call('HDEL', LEASES, lease_id)
      redis.call('ZREM', EXPIRIES, lease_id)
    end
    table.insert(rows, row)
    table.insert(states, UNLABELED)
    table.insert(classes, NO_CLASS)
  end
end
if #rows > 0 then
  if trained then add('revision', 1) end
  flush_counters()
  log_event('dropped', rows, states, classes)
end
return cjson.encode({ dropped = #rows })
