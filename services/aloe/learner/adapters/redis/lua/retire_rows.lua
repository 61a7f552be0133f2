-- Takes rows that their pool retired out of the task. ARGV: epoch, { row, ... }.
-- What they were labeled stays in the log alone.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local now = now_ms()
expire_leases(now)

local rows, states, classes, trained = {}, {}, {}, false
for _, row in ipairs(cjson.decode(ARGV[2])) do
  local before = vacate(row, label_of(row), now)
  if before ~= RETIRED then
    if before == LABELED then trained = true end
    move(before, RETIRED)
    redis.call('HSET', LABELS, row, cjson.encode({ RETIRED, NO_CLASS, now, '', '' }))
    table.insert(rows, row)
    table.insert(states, RETIRED)
    table.insert(classes, NO_CLASS)
  end
end
if #rows > 0 then
  if trained then add('revision', 1) end
  flush_counters()
  log_event('retired', rows, states, classes)
end
return '{}'
