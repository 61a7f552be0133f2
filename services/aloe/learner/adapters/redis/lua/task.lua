-- What every script on a task shares; task_scripts.py puts it in front of each, behind the
-- constants that Python shares with it: MIN_LABELED_CLASSES, ENDED_LEASE_LIFE_MS. The keys are
-- those of TaskKeys, in its order. Scripts validate everything before they write, since Redis does
-- not roll back.

local META, LABELS, HOLDS, LEASES, EXPIRIES, EVENTS, HEADS, ROUNDS, REQUEST = unpack(KEYS)

local UNLABELED, LEASED, LABELED, ABSTAINED, VALIDATION, TEST, RETIRED = 0, 1, 2, 3, 4, 5, 6
local NO_CLASS, RETRACTED = -1, -2
local COUNTER = { [LEASED] = 'leased', [LABELED] = 'labeled', [ABSTAINED] = 'abstained',
  [VALIDATION] = 'validation', [TEST] = 'test', [RETIRED] = 'retired' }

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function number(field)
  return tonumber(redis.call('HGET', META, field)) or 0
end

-- Fencing: nil if the caller's task is the one stored, or the reply to return.
local function fence_off(epoch)
  local stored = redis.call('HGET', META, 'epoch')
  if not stored then return cjson.encode({ error = 'TASK_NOT_FOUND' }) end
  if stored ~= epoch then return cjson.encode({ error = 'TASK_MADE_ANEW' }) end
  return nil
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
  for field, by in pairs(deltas) do
    if by ~= 0 then
      local after = redis.call('HINCRBY', META, field, by)
      if string.sub(field, 1, 6) == 'class:' then
        if after == 0 then redis.call('HINCRBY', META, 'classes_labeled', -1) end
        if after == by then redis.call('HINCRBY', META, 'classes_labeled', 1) end
      end
    end
  end
  deltas = {}
end

local function log_event(kind, rows, states, classes, ...)
  local id = redis.call('XADD', EVENTS, '*', 'kind', kind, 'rows', cjson.encode(rows),
    'states', cjson.encode(states), 'classes', cjson.encode(classes), ...)
  redis.call('HSET', META, 'last_event', id)
end

-- A label: { state, class, time in ms, oracle, lease id, hash }. A retired row has one of that state,
-- so that nobody leases or labels it. The hash is of the content of the clip that was answered: where
-- the store went back to an earlier state, the row may have become another's. '' or nil: not known.
local function label_of(row)
  local stored = redis.call('HGET', LABELS, row)
  return stored and cjson.decode(stored)
end

local function is_for_other(hash, other)
  return (hash or '') ~= '' and (other or '') ~= '' and hash ~= other
end

-- A lease: { row, oracle, expiry in ms, 1 while it holds, hash of the clip's content }.
local function lease_of(lease_id)
  local stored = redis.call('HGET', LEASES, lease_id)
  return stored and cjson.decode(stored)
end

local function close_lease(lease_id, lease, now)
  lease[4] = 0
  redis.call('HSET', LEASES, lease_id, cjson.encode(lease))
  redis.call('HDEL', HOLDS, lease[1])
  redis.call('ZADD', EXPIRIES, now + ENDED_LEASE_LIFE_MS, lease_id)
end

-- Takes what a row is off the counters and ends its hold; returns the state that it had, which the
-- caller moves.
local function vacate(row, label, now)
  if label then
    if label[1] == LABELED then
      add('class:' .. label[2], -1)
      if label[4] ~= '' then add('spent', -1) end
    end
    return label[1]
  end
  local lease_id = redis.call('HGET', HOLDS, row)
  if not lease_id then return UNLABELED end
  close_lease(lease_id, lease_of(lease_id), now)
  return LEASED
end

-- Ends the leases that are overdue, returns how many, and forgets those that ended long ago.
local function expire_leases(now)
  local rows, states, classes = {}, {}, {}
  for _, lease_id in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now)) do
    local lease = lease_of(lease_id)
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
  return #rows
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
  local budget = tonumber(redis.call('HGET', META, 'budget'))
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

-- The version of the head that will contain what was labeled just now.
local function promised_version()
  if number('classes_labeled') < MIN_LABELED_CLASSES then return nil end
  local next_version = number('head_version') + 1
  if redis.call('HEXISTS', META, 'round_version') == 1 then return next_version + 1 end
  return next_version
end
