-- Takes rows that their pool retired out of the task. ARGV: epoch, { row, ... }.
-- What they were labeled stays in the log alone.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local now = now_ms()
expire_leases(now)

local retired, touched = cjson.decode(ARGV[2]), {}
local labels, holds = {}, {}
for place, row in ipairs(retired) do
  local label = label_of(row)
  labels[place] = label
  if label then touched[label[2]] = true else holds[place] = hold_of(row) end
end
check_keys(EVENTS)
check_counts(touched)

local rows, states, classes, trained = {}, {}, {}, false
for place, row in ipairs(retired) do
  local before = vacate(labels[place], holds[place], now)
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
