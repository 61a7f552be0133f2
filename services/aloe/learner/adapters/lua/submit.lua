-- Stores an oracle's answers.
-- ARGV: epoch, oracle, { { lease id, class }, ... }, life of the answer in ms.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local replay = redis.call('GET', REQUEST)
if replay then return replay end
local oracle, answers = ARGV[2], cjson.decode(ARGV[3])
local now = now_ms()
expire_leases(now)

local unknown, foreign, lost, found = {}, {}, {}, {}
for index, answer in ipairs(answers) do
  local lease = lease_of(answer[1])
  if not lease then
    table.insert(unknown, index - 1)
  elseif lease[2] ~= oracle then
    table.insert(foreign, index - 1)
  else
    local label = label_of(lease[1])
    local holder = redis.call('HGET', HOLDS, lease[1])
    if (label and label[5] ~= answer[1]) or (holder and holder ~= answer[1]) then
      table.insert(lost, index - 1)
    else
      found[index] = { lease = lease, label = label, held = holder and true or false }
    end
  end
end
if #unknown + #foreign > 0 then
  return cjson.encode({ error = 'WRONG_LEASES', unknown = unknown, foreign = foreign })
end
if #lost > 0 then return cjson.encode({ error = 'LEASE_LOST', lost = lost }) end

local rows, states, classes, leases, trained = {}, {}, {}, {}, false
for index, answer in ipairs(answers) do
  local lease_id, class = answer[1], answer[2]
  local lease, label, held = found[index].lease, found[index].label, found[index].held
  local state = class == NO_CLASS and ABSTAINED or LABELED
  if not (label and label[1] == state and label[2] == class) then
    local before = held and LEASED or UNLABELED
    if label then
      before = label[1]
      if before == LABELED then
        add('class:' .. label[2], -1)
        add('spent', -1)
      end
    end
    if held then close_lease(lease_id, lease, now) end
    if before == LABELED or state == LABELED then trained = true end
    if state == LABELED then
      add('class:' .. class, 1)
      add('spent', 1)
    end
    move(before, state)
    redis.call('HSET', LABELS, lease[1], cjson.encode({ state, class, now, oracle, lease_id }))
    table.insert(rows, lease[1])
    table.insert(states, state)
    table.insert(classes, class)
    table.insert(leases, lease_id)
  end
end
if #rows > 0 then
  if trained then add('revision', 1) end
  flush_counters()
  log_event('answered', rows, states, classes, 'oracle', oracle, 'leases', cjson.encode(leases))
end
local reply = cjson.encode({ changed = #rows, version = trained and promised_version() or nil,
  labels = number('labeled') })
redis.call('SET', REQUEST, reply, 'PX', ARGV[4])
return reply
