-- Stores an oracle's answers.
-- ARGV: epoch, oracle, { { lease id, class }, ... }, life of the answer in ms, mark of the classes.
-- A class is as in labels.
-- Instead of a class: NO_CLASS abstains, RETRACTED takes an earlier answer back.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local replay = redis.call('GET', REQUEST)
if replay then return replay end
refusal = fence_off_classes(ARGV[5])
if refusal then return refusal end
local oracle, answers = ARGV[2], cjson.decode(ARGV[3])
local now = now_ms()
expire_leases(now)

local lease_ids = {}
for index, answer in ipairs(answers) do lease_ids[index] = answer[1] end
local found, failure = leases_of(oracle, lease_ids)
if failure then return failure end

local unheld, touched = {}, {}
for index, answer in ipairs(answers) do
  local held, label = found[answer[1]].held, found[answer[1]].label
  if is_some(answer[2]) then touched[answer[2]] = true end
  if label then touched[label[2]] = true end
  local is_new = is_some(answer[2]) and not (label and label[1] == LABELED)
  if is_new and not held then table.insert(unheld, index - 1) end
end
failure = refuse_overspending(unheld)
if failure then return failure end
check_keys(EVENTS)
check_counts(touched)

local rows, states, classes, leases, hashes, audits, trained = {}, {}, {}, {}, {}, {}, false
for _, answer in ipairs(answers) do
  local lease_id, class = answer[1], answer[2]
  local lease, label, held = found[lease_id].lease, found[lease_id].label, found[lease_id].held
  local state = LABELED
  if class == NO_CLASS then state = ABSTAINED end
  if class == RETRACTED then state, class = UNLABELED, NO_CLASS end
  local before = label and label[1] or (held and LEASED or UNLABELED)
  if before ~= state or (label and label[2] ~= class) then
    if before == LABELED then
      add('class:' .. label[2], -1)
      add('spent', -1)
    end
    if held then close_lease(lease_id, lease, now) end
    if before == LABELED or state == LABELED then trained = true end
    if state == LABELED then
      add('class:' .. class, 1)
      add('spent', 1)
    end
    move(before, state)
    if state == UNLABELED then
      redis.call('HDEL', LABELS, lease[1])
    else
      redis.call('HSET', LABELS, lease[1], cjson.encode({ state, class, now, oracle, lease_id,
        lease[5], lease[6] }))
    end
    table.insert(rows, lease[1])
    table.insert(states, state)
    table.insert(classes, class)
    table.insert(leases, lease_id)
    table.insert(hashes, lease[5] or '')
    table.insert(audits, lease[6] or 0)
  end
end
if #rows > 0 then
  if trained then add('revision', 1) end
  flush_counters()
  log_event('answered', rows, states, classes, 'oracle', oracle, 'leases', cjson.encode(leases),
    'hashes', cjson.encode(hashes), audits_field(audits))
end
local reply = cjson.encode({ changed = #rows, version = trained and promised_version() or nil,
  labels = number('labeled') })
redis.call('SET', REQUEST, reply, 'PX', ARGV[4])
return reply
