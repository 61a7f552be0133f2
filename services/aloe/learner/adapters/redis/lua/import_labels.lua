-- Sets labels. ARGV: epoch, { { row, state, class, oracle, time in ms or null }, ... }, each row once.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local now = now_ms()
expire_leases(now)

local rows, states, classes, trained = {}, {}, {}, false
for _, change in ipairs(cjson.decode(ARGV[2])) do
  local row, state, class = change[1], change[2], change[3]
  local label = label_of(row)
  if not (label and label[1] == state and label[2] == class) then
    local before = UNLABELED
    if label then
      before = label[1]
      if before == LABELED then
        add('class:' .. label[2], -1)
        if label[4] ~= '' then add('spent', -1) end
      end
    else
      local lease_id = redis.call('HGET', HOLDS, row)
      if lease_id then
        before = LEASED
        close_lease(lease_id, lease_of(lease_id), now)
      end
    end
    if before == LABELED or state == LABELED then trained = true end
    if state == LABELED then
      add('class:' .. class, 1)
      -- A label that an oracle gave was paid for.
      if change[4] ~= '' then add('spent', 1) end
    end
    move(before, state)
    redis.call('HSET', LABELS, row, cjson.encode({ state, class,
      change[5] ~= cjson.null and change[5] or now, change[4], '' }))
    table.insert(rows, row)
    table.insert(states, state)
    table.insert(classes, class)
  end
end
if #rows > 0 then
  if trained then add('revision', 1) end
  flush_counters()
  log_event('imported', rows, states, classes)
end
return cjson.encode({ changed = #rows, version = trained and promised_version() or nil,
  labels = number('labeled') })
