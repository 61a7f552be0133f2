-- Sets labels, all or none.
-- ARGV: epoch, { { row, state, class, oracle, time in ms or null, hash }, ... } with each row once,
-- that of a clip that was drawn at random with a 1 behind,
-- 1 to replace answers that differ, 1 to check only, the most conflicts to tell, mark of the classes.
local refusal = fence_off(ARGV[1]) or fence_off_classes(ARGV[6])
if refusal then return refusal end
local changes, replaces, checks_only = cjson.decode(ARGV[2]), ARGV[3] == '1', ARGV[4] == '1'

local counts_as = classes_counted()
-- What a set of classes counts as, in one form: as `counted` of label_sets.py.
local function counted_set(text)
  local marks, found, part = {}, {}, 'is'
  for list in string.gmatch(text .. ';', '([^;]*);') do
    for first, last in string.gmatch(list, '(%d+)%-?(%d*)') do
      for class = tonumber(first), tonumber(last) or tonumber(first) do
        local target = counts_as[class + 1]
        if target and target ~= NO_CLASS then marks[target] = marks[target] or part end
      end
    end
    part = 'not'
  end
  for class, mark in pairs(marks) do table.insert(found, mark .. class) end
  table.sort(found)
  return table.concat(found, ' ')
end
local function is_same_class(class, other)
  if class == other then return true end
  if type(class) == 'string' and type(other) == 'string' then
    return counts_as and counted_set(class) == counted_set(other)
  end
  if type(class) ~= type(other) then return false end
  local counted = counts_as and class ~= NO_CLASS and other ~= NO_CLASS and counts_as[class + 1]
  return counted and counted ~= NO_CLASS and counted == counts_as[other + 1]
end

-- What is stored, for each change: label_of(row), or false. A label that was given for another clip
-- does not count. unpack takes only some thousand values.
local BLOCK, stored, counted = 1000, {}, {}
for first = 1, #changes, BLOCK do
  local rows = {}
  for place = first, math.min(first + BLOCK - 1, #changes) do table.insert(rows, changes[place][1]) end
  for offset, text in ipairs(redis.call('HMGET', LABELS, unpack(rows))) do
    local place = first + offset - 1
    local label = text and read_label(changes[place][1], text)
    stored[place] = label
    counted[place] = label and not is_for_other(label[6], changes[place][6]) and label
  end
end

local new_count, replaced_count, conflicts = 0, 0, {}
for place, change in ipairs(changes) do
  local label = counted[place]
  if not label then
    new_count = new_count + 1
  elseif label[1] == RETIRED then
    return cjson.encode({ error = 'ROWS_RETIRED' })
  elseif label[1] ~= change[2] or not is_same_class(label[2], change[3]) then
    replaced_count = replaced_count + 1
    if replaced_count <= tonumber(ARGV[5]) then
      table.insert(conflicts, { place - 1, label[1], label[2], label[4] })
    end
  end
end
if replaced_count > 0 and not replaces then
  return cjson.encode({ error = 'LABELS_DIFFER', conflicts = conflicts, count = replaced_count })
end
if checks_only then
  return cjson.encode({ changed = new_count + replaced_count, replaced = replaced_count,
    labels = number('labeled') })
end

local now = now_ms()
expire_leases(now)
local touched, holds = {}, {}
for place, change in ipairs(changes) do
  touched[change[3]] = true
  if stored[place] then touched[stored[place][2]] = true else holds[place] = hold_of(change[1]) end
end
check_keys(EVENTS)
check_counts(touched)

local rows, states, classes, hashes, audits, trained = {}, {}, {}, {}, {}, false
for place, change in ipairs(changes) do
  local row, state, class = change[1], change[2], change[3]
  local label = counted[place]
  if not (label and label[1] == state and is_same_class(label[2], class)) then
    local before = vacate(stored[place], holds[place], now)
    if before == LABELED or state == LABELED then trained = true end
    if state == LABELED then
      add('class:' .. class, 1)
      -- A label that an oracle gave was paid for.
      if change[4] ~= '' then add('spent', 1) end
    end
    move(before, state)
    redis.call('HSET', LABELS, row, cjson.encode({ state, class,
      change[5] ~= cjson.null and change[5] or now, change[4], '', change[6],
      change[7] }))
    table.insert(rows, row)
    table.insert(states, state)
    table.insert(classes, class)
    table.insert(hashes, change[6])
    table.insert(audits, change[7] or 0)
  end
end
if #rows > 0 then
  if trained then add('revision', 1) end
  flush_counters()
  log_event('imported', rows, states, classes, 'hashes', cjson.encode(hashes), audits_field(audits))
end
return cjson.encode({ changed = #rows, version = trained and promised_version() or nil,
  replaced = replaced_count, labels = number('labeled') })
