-- Takes labels and leases off rows whose clips they are not for, and lets rows come back that are
-- retired in this task alone. ARGV: epoch, { { row, hash of its clip, or '' if it has none }, ... }.
-- What they were stays in the log alone; their leases are unknown from then on.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local now = now_ms()
expire_leases(now)

local strays, touched = {}, {}
for _, content in ipairs(cjson.decode(ARGV[2])) do
  local row, hash = content[1], content[2]
  local label = label_of(row)
  local hold = not label and hold_of(row) or nil
  local told = label and label[6] or hold and hold[2][5]
  local is_other = (label or hold) and (hash == '' or (told or '') ~= '' and told ~= hash)
  if label and label[1] == RETIRED or is_other then
    if label then touched[label[2]] = true end
    table.insert(strays, { row = row, label = label, hold = hold,
      lease_id = label and label[5] or hold and hold[1] })
  end
end
check_keys(LEASES, EVENTS)
check_counts(touched)

local rows, states, classes, trained = {}, {}, {}, false
for _, stray in ipairs(strays) do
  local before = vacate(stray.label, stray.hold, now)
  if before == LABELED then trained = true end
  move(before, UNLABELED)
  redis.call('HDEL', LABELS, stray.row)
  if (stray.lease_id or '') ~= '' then
    redis.call('HDEL', LEASES, stray.lease_id)
    redis.call('ZREM', EXPIRIES, stray.lease_id)
  end
  table.insert(rows, stray.row)
  table.insert(states, UNLABELED)
  table.insert(classes, NO_CLASS)
end
if #rows > 0 then
  -- A round in progress was to be trained on them: the next one begins anew, behind this.
  redis.call('HDEL', META, 'round_version', 'round_cutoff', 'round_revision', 'round_spec', 'round_trainer',
    'round_until')
  if trained then add('revision', 1) end
  flush_counters()
  log_event('dropped', rows, states, classes)
end
return cjson.encode({ dropped = #rows })
