-- What every script on a task shares; task_scripts.py puts it in front of each, behind guard.lua and
-- the constants that Python shares with it: MIN_LABELED_CLASSES, ENDED_LEASE_LIFE_MS. The keys are
-- those of TaskKeys, in its order. Scripts validate everything before they write, since Redis does
-- not roll back; expire_leases is a whole change of its own.

local META, LABELS, HOLDS, LEASES, EXPIRIES, EVENTS, HEADS, ROUNDS, PROMOTIONS, REQUEST =
  unpack(KEYS)

local UNLABELED, LEASED, LABELED, ABSTAINED, VALIDATION, TEST, RETIRED = 0, 1, 2, 3, 4, 5, 6
local NO_CLASS, RETRACTED = -1, -2
local COUNTER = { [LEASED] = 'leased', [LABELED] = 'labeled', [ABSTAINED] = 'abstained',
  [VALIDATION] = 'validation', [TEST] = 'test', [RETIRED] = 'retired' }

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function number(field)
  local text = redis.call('HGET', META, field)
  if not text then return 0 end
  return tonumber(text) or damaged(META, field .. ' is no number')
end

-- Fails where a key that is about to be written, and was not read before, is of another kind.
local KIND = { [LABELS] = 'hash', [HOLDS] = 'hash', [LEASES] = 'hash', [EXPIRIES] = 'zset',
  [EVENTS] = 'stream', [HEADS] = 'hash', [ROUNDS] = 'hash', [PROMOTIONS] = 'hash' }
local function check_keys(...)
  for _, key in ipairs({ ... }) do redis.call(LENGTH[KIND[key]], key) end
end

-- The fields of an event that say which of its rows were drawn at random; none where no row was.
local function audits_field(audits)
  for _, is_audit in ipairs(audits) do
    if is_audit == 1 then return 'audits', cjson.encode(audits) end
  end
end

-- Fencing: nil if the caller's task is the one stored, or the reply to return.
local function fence_off(epoch)
  local stored = redis.call('HGET', META, 'epoch')
  if not stored then
    if redis.call('EXISTS', META) == 1 then damaged(META, 'epoch is missing') end
    return cjson.encode({ error = 'TASK_NOT_FOUND' })
  end
  if stored ~= epoch then return cjson.encode({ error = 'TASK_MADE_ANEW' }) end
  return nil
end

-- Refuses what the caller read by other classes than the task has: nil, or the reply to return.
local function fence_off_classes(mark)
  if (redis.call('HGET', META, 'class_mark') or '') == mark then return nil end
  return cjson.encode({ error = 'CLASSES_CHANGED' })
end

-- By index, from 1, which class the labels of each count as, NO_CLASS for none; nil while no class was
-- ever changed, and each counts as itself.
local function classes_counted()
  local stored = redis.call('HGET', META, 'counts_as')
  return stored and decoded(META, 'counts_as', stored)
end

-- Whether clips may have several labels: see is_class.
local function is_of_sets()
  return decoded(META, 'spec', redis.call('HGET', META, 'spec')).label_mode == 'multiple'
end

-- Counts the classes that have training labels, by what these count as. Sets of classes count each as
-- itself, whatever became of their classes.
local function recount_classes()
  if is_of_sets() then return end
  local counted, count = {}, 0
  for place, class in ipairs(classes_counted()) do
    if class ~= NO_CLASS and not counted[class] and number('class:' .. (place - 1)) > 0 then
      counted[class], count = true, count + 1
    end
  end
  redis.call('HSET', META, 'classes_labeled', count)
end

-- Counters are gathered and written once, since an import may touch 100,000 rows.
local deltas = {}
local function add(field, by)
  deltas[field] = (deltas[field] or 0) + by
end

local function move(from_state, to_state)
  if COUNTER[from_state] then add(COUNTER[from_state], -1) end
  if COUNTER[to_state] then add(COUNTER[to_state], 1) end
end

local function flush_counters()
  local moved, more = false, 0
  for field, by in pairs(deltas) do
    if by ~= 0 then
      local after = redis.call('HINCRBY', META, field, by)
      if string.sub(field, 1, 6) == 'class:' then
        if after == 0 then moved, more = true, more - 1 end
        if after == by then moved, more = true, more + 1 end
      end
    end
  end
  deltas = {}
  if moved and redis.call('HEXISTS', META, 'counts_as') == 1 and not is_of_sets() then
    recount_classes()
  elseif more ~= 0 then
    redis.call('HINCRBY', META, 'classes_labeled', more)
  end
end

local function log_event(kind, rows, states, classes, ...)
  local id = redis.call('XADD', EVENTS, '*', 'kind', kind, 'rows', cjson.encode(rows),
    'states', cjson.encode(states), 'classes', cjson.encode(classes), ...)
  redis.call('HSET', META, 'last_event', id)
end

-- A class is a number or, of several labels a clip, a text that says of which it is and is not: see
-- label_sets.py. One of neither is NO_CLASS.
local function is_class(class) return type(class) == 'number' or type(class) == 'string' end
local function is_some(class) return type(class) == 'string' or class > NO_CLASS end

-- A label: { state, class, time in ms, oracle, lease id, hash, 1 if the clip was drawn at random }. A
-- retired row has one of that state,
-- so that nobody leases or labels it. The hash is of the content of the clip that was answered: where
-- the store went back to an earlier state, the row may have become another's. '' or nil: not known.
local function read_label(row, text)
  local label = decoded(LABELS, 'row ' .. row, text)
  if not COUNTER[label[1]] or not is_class(label[2]) or type(label[4]) ~= 'string' then
    damaged(LABELS, 'row ' .. row .. ' has no label')
  end
  return label
end

local function label_of(row)
  local stored = redis.call('HGET', LABELS, row)
  return stored and read_label(row, stored)
end

local function is_for_other(hash, other)
  return (hash or '') ~= '' and (other or '') ~= '' and hash ~= other
end

-- A lease: { row, oracle, expiry in ms, 1 while it holds, hash of the clip's content, 1 if the clip was
-- drawn at random }.
local function lease_of(lease_id)
  local stored = redis.call('HGET', LEASES, lease_id)
  if not stored then return nil end
  local lease = decoded(LEASES, lease_id, stored)
  if type(lease[1]) ~= 'number' or type(lease[2]) ~= 'string' or type(lease[3]) ~= 'number' then
    damaged(LEASES, lease_id .. ' is no lease')
  end
  return lease
end

-- The lease of an id in HOLDS.
local function holding_lease(lease_id)
  return lease_of(lease_id) or damaged(HOLDS, 'it names ' .. lease_id .. ', which is no lease')
end

-- What holds a row: { id, lease }, or nil.
local function hold_of(row)
  local lease_id = redis.call('HGET', HOLDS, row)
  return lease_id and { lease_id, holding_lease(lease_id) }
end

-- Checks the counters that change with labels and leases, before anything is changed; those of
-- classes by index.
local function check_counts(classes)
  local fields = { 'leased', 'labeled', 'abstained', 'validation', 'test', 'retired', 'spent',
    'revision', 'classes_labeled', 'head_version' }
  for class in pairs(classes) do
    if class ~= NO_CLASS then table.insert(fields, 'class:' .. class) end
  end
  local AT_ONCE = 1000
  for first = 1, #fields, AT_ONCE do
    check_counters(META, { unpack(fields, first, math.min(first + AT_ONCE - 1, #fields)) })
  end
end

local function close_lease(lease_id, lease, now)
  lease[4] = 0
  redis.call('HSET', LEASES, lease_id, cjson.encode(lease))
  redis.call('HDEL', HOLDS, lease[1])
  redis.call('ZADD', EXPIRIES, now + ENDED_LEASE_LIFE_MS, lease_id)
end

-- Takes what a row is off the counters and ends its hold; returns the state that it had, which the
-- caller moves. The caller has read label and hold before it changed anything.
local function vacate(label, hold, now)
  if label then
    if label[1] == LABELED then
      add('class:' .. label[2], -1)
      if label[4] ~= '' then add('spent', -1) end
    end
    return label[1]
  end
  if not hold then return UNLABELED end
  close_lease(hold[1], hold[2], now)
  return LEASED
end

-- Notes by what time leases were timed. Redis' clock may be put back: they would last too long.
local function note_time(now)
  if now > number('clock') + CLOCK_SLACK_MS then redis.call('HSET', META, 'clock', now) end
end

-- Where the clock was put back, the leases that hold move with it.
local function follow_clock(now)
  local back = number('clock') - now
  if back <= CLOCK_SLACK_MS then return end
  local held = {}
  for place, lease_id in ipairs(redis.call('HVALS', HOLDS)) do
    held[place] = { lease_id, holding_lease(lease_id) }
  end
  check_keys(EXPIRIES)
  redis.call('HSET', META, 'clock', now)
  for _, hold in ipairs(held) do
    local lease_id, lease = hold[1], hold[2]
    lease[3] = lease[3] - back
    redis.call('HSET', LEASES, lease_id, cjson.encode(lease))
    redis.call('ZADD', EXPIRIES, lease[3], lease_id)
  end
end

-- Ends the leases that are overdue, and forgets those that ended long ago.
local function expire_leases(now)
  follow_clock(now)
  local rows, states, classes = {}, {}, {}
  local overdue = redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now)
  if #overdue == 0 then return end
  check_keys(HOLDS, EVENTS)
  check_counts({})
  local found = {}
  for place, lease_id in ipairs(overdue) do found[place] = lease_of(lease_id) or false end
  for place, lease_id in ipairs(overdue) do
    local lease = found[place]
    if lease and lease[4] == 1 then
      close_lease(lease_id, lease, now)
      move(LEASED, UNLABELED)
      table.insert(rows, lease[1])
      table.insert(states, UNLABELED)
      table.insert(classes, NO_CLASS)
    else
      redis.call('HDEL', LEASES, lease_id)
      redis.call('ZREM', EXPIRIES, lease_id)
    end
  end
  if #rows > 0 then
    flush_counters()
    log_event('expired', rows, states, classes)
  end
end

-- Leases of an oracle by id, each with the label of its clip and whether it is held; or
-- nothing and the refusal to return, where one is unknown, another oracle's or lost.
-- A clip is lost to whoever else holds it or answered it, to an earlier one of these leases, and to
-- all once it is retired.
local function leases_of(oracle, lease_ids, answered_is_lost)
  local unknown, foreign, lost, retired, found, taken = {}, {}, {}, {}, {}, {}
  for index, lease_id in ipairs(lease_ids) do
    local lease = lease_of(lease_id)
    if not lease then
      table.insert(unknown, index - 1)
    elseif lease[2] ~= oracle then
      table.insert(foreign, index - 1)
    else
      local label = label_of(lease[1])
      local holder = redis.call('HGET', HOLDS, lease[1])
      if label and label[1] == RETIRED then
        table.insert(retired, index - 1)
      elseif (label and (answered_is_lost or label[5] ~= lease_id))
        or (holder and holder ~= lease_id) or (taken[lease[1]] or lease_id) ~= lease_id then
        table.insert(lost, index - 1)
      else
        taken[lease[1]] = lease_id
        found[lease_id] = { lease = lease, label = label, held = holder and true or false }
      end
    end
  end
  if #unknown + #foreign > 0 then
    return nil, cjson.encode({ error = 'WRONG_LEASES', unknown = unknown, foreign = foreign })
  end
  if #lost + #retired > 0 then
    return nil, cjson.encode({ error = 'LEASES_LOST', lost = lost, retired = retired })
  end
  return found
end

-- Clips that the label budget has room for besides those that are held: a hold keeps its place.
local function budget_left()
  local budget = redis.call('HGET', META, 'budget')
  if budget and budget ~= '' and not tonumber(budget) then damaged(META, 'budget is no number') end
  budget = tonumber(budget)
  return budget and math.max(0, budget - number('spent') - number('leased')) or math.huge
end

-- Refuses what needs room in the budget and has none kept by a hold, given by its places in the
-- request: what came late, when others may have taken the room.
local function refuse_overspending(places)
  local left, lost = budget_left(), {}
  for count, place in ipairs(places) do
    if count > left then table.insert(lost, place) end
  end
  if #lost > 0 then return cjson.encode({ error = 'LEASES_LOST', lost = lost, retired = {} }) end
  return nil
end

-- The version of the newest head that is trained, in training or due: that with what was labeled just
-- now, also where a call is repeated that a round in progress has read since.
local function promised_version()
  if number('classes_labeled') < MIN_LABELED_CLASSES then return nil end
  local in_progress = redis.call('HEXISTS', META, 'round_version') == 1
  local version = number(in_progress and 'round_version' or 'head_version')
  local contained = number(in_progress and 'round_revision' or 'head_revision')
  return number('revision') > contained and version + 1 or version
end
