-- Says what is damaged in a task and, if it is told to, mends that: both in one step, so that it may
-- run beside learners. KEYS: of the task, in the order of TASK_KINDS, then where each is set aside.
-- ARGV: '1' to mend, a new epoch, days for which ended leases are kept, in ms.
-- Returns { { key, what is wrong, what is done, what that costs }, ... } as JSON.
-- The log has every change: what it says a label is, is put back. Nothing is deleted: what cannot be
-- read is set aside.
local META, LABELS, HOLDS, LEASES, EXPIRIES, EVENTS, HEADS, ROUNDS, PROMOTIONS =
  unpack(KEYS, 1, 9)
local KINDS = { 'hash', 'hash', 'hash', 'hash', 'zset', 'stream', 'hash', 'hash', 'hash' }
local UNLABELED, LEASED, LABELED, RETIRED, NO_CLASS = 0, 1, 2, 6, -1
local COUNTER = { 'leased', 'labeled', 'abstained', 'validation', 'test', 'retired' }
local mends, KEPT_MS = ARGV[1] == '1', tonumber(ARGV[3])
local found, aside, is_whole = {}, {}, {}

local function tell(key, what, mend, cost) table.insert(found, { key, what, mend, cost or '' }) end
local function change(...) if mends then redis.call(...) end end
local function decoded(text)
  local is_read, value = pcall(cjson.decode, text or '')
  return is_read and type(value) == 'table' and value or nil
end
-- As in task.lua: of several labels a clip it is a text.
local function is_class(class) return type(class) == 'number' or type(class) == 'string' end
local function is_number(text) return text and #text <= 15 and string.find(text, '^-?%d+$') end

local time, is_there = redis.call('TIME'), false
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for place, kind in ipairs(KINDS) do
  local key, stored = KEYS[place], redis.call('TYPE', KEYS[place]).ok
  aside[key], is_whole[key] = KEYS[#KINDS + place], stored == kind
  if stored ~= 'none' then is_there = true end
  if stored ~= 'none' and stored ~= kind then
    tell(key, 'it is a ' .. stored .. ' and should be a ' .. kind, 'it is renamed to ' .. aside[key])
    change('RENAME', key, aside[key])
  end
end
if not is_there then return cjson.encode(found) end

local function pairs_of(key)
  local flat, values = is_whole[key] and redis.call('HGETALL', key) or {}, {}
  for place = 1, #flat, 2 do values[flat[place]] = flat[place + 1] end
  return values
end
local function set_aside(key, field, value)
  tell(key, field .. ' cannot be read', 'it is set aside in ' .. aside[key])
  change('HSET', aside[key], field, value)
  change('HDEL', key, field)
end

-- What the log says: settings, of each row { state, class, time, oracle, lease, hash, audit }, and of
-- each name of a head { version, time }.
local logged, logged_names, spec, is_from_start, after = {}, {}, nil, false, '-'
while is_whole[EVENTS] do
  local entries = redis.call('XRANGE', EVENTS, after, '+', 'COUNT', 1000)
  for _, entry in ipairs(entries) do
    local event = {}
    for place = 1, #entry[2], 2 do event[entry[2][place]] = entry[2][place + 1] end
    if event.kind == 'created' then is_from_start = true end
    if event.spec then spec = event.spec end
    if event.promotion then
      logged_names[event.promotion] = event.kind == 'promoted'
        and { tonumber(event.head_version), tonumber(string.match(entry[1], '^%d+')) } or nil
    end
    local rows, states, classes = decoded(event.rows), decoded(event.states), decoded(event.classes)
    if not (event.kind and rows and states and classes and #rows == #states) then
      tell(EVENTS, entry[1] .. ' cannot be read', 'the log is made anew of the labels')
      is_from_start, entries = false, {}
      break
    end
    local leases, hashes = decoded(event.leases) or {}, decoded(event.hashes) or {}
    local audits = decoded(event.audits) or {}
    for place, row in ipairs(rows) do
      local lease = leases[place]
      logged[row] = { states[place], classes[place], tonumber(string.match(entry[1], '^%d+')),
        event.oracle or '', event.kind == 'answered' and lease or '', hashes[place] or '',
        audits[place] == 1 and 1 or nil }
    end
    after = '(' .. entry[1]
  end
  if #entries < 1000 then break end
end

local meta = pairs_of(META)
if not (meta.epoch and decoded(meta.spec)) then
  local settings = decoded(spec)
  if not settings then
    tell(META, 'its settings are gone, and its log does not have them',
      'nothing: bring the task back from a backup, or delete its keys')
    return cjson.encode(found)
  end
  tell(META, 'its settings are gone', 'they are taken from its log')
  meta.spec, meta.epoch = spec, settings.epoch
  local budget = settings.label_budget
  change('HSET', META, 'spec', spec, 'epoch', meta.epoch, 'budget',
    budget ~= cjson.null and budget or '')
end

-- Labels.
local labels, restored, changed = {}, 0, {}
for row, text in pairs(pairs_of(LABELS)) do
  local label = decoded(text)
  if label and COUNTER[label[1]] and label[1] ~= LEASED and is_class(label[2])
    and type(label[3]) == 'number' and type(label[4]) == 'string' and tonumber(row) then
    labels[tonumber(row)] = label
  else
    set_aside(LABELS, row, text)
  end
end
if is_from_start then
  for row, label in pairs(logged) do
    if not labels[row] and label[1] > LEASED then
      labels[row], restored = label, restored + 1
      change('HSET', LABELS, row, cjson.encode(label))
    end
  end
end
if restored > 0 then
  tell(LABELS, restored .. ' labels are missing that its log has', 'they are put back')
end

-- Leases: each hold has its lease, each lease its place among the expiries.
local leases, held, ended = {}, {}, 0
for lease_id, text in pairs(pairs_of(LEASES)) do
  local lease = decoded(text)
  if lease and type(lease[1]) == 'number' and type(lease[2]) == 'string'
    and type(lease[3]) == 'number' then
    leases[lease_id] = lease
  else
    set_aside(LEASES, lease_id, text)
  end
end
for row, lease_id in pairs(pairs_of(HOLDS)) do
  local lease = leases[lease_id]
  if lease and lease[4] == 1 and lease[1] == tonumber(row) and not labels[lease[1]] then
    held[lease[1]] = lease_id
  else
    ended = ended + 1
    change('HDEL', HOLDS, row)
  end
end
for lease_id, lease in pairs(leases) do
  local holds = held[lease[1]] == lease_id
  if lease[4] == 1 and not holds then
    lease[4], ended = 0, ended + 1
    change('HSET', LEASES, lease_id, cjson.encode(lease))
  end
  local score = is_whole[EXPIRIES] and redis.call('ZSCORE', EXPIRIES, lease_id)
  if not score then
    ended = holds and ended or ended + 1
    if holds then tell(EXPIRIES, lease_id .. ' is missing', 'it is put back') end
    change('ZADD', EXPIRIES, holds and lease[3] or now + KEPT_MS, lease_id)
  end
end
if ended > 0 then
  tell(HOLDS, ended .. ' leases are out of step', 'they are put in step',
    'their clips may be asked for again')
end

-- Counters.
local counts, class_counts, spent = { 0, 0, 0, 0, 0, 0 }, {}, 0
for _, label in pairs(labels) do
  counts[label[1]] = counts[label[1]] + 1
  if label[1] == LABELED then
    class_counts[label[2]] = (class_counts[label[2]] or 0) + 1
    if label[4] ~= '' then spent = spent + 1 end
  end
end
for _ in pairs(held) do counts[LEASED] = counts[LEASED] + 1 end
local wanted, class_count = { spent = spent }, 0
for place, name in ipairs(COUNTER) do wanted[name] = counts[place] end
-- What labels of each class count as, from 1; each as itself while no class was ever changed.
local settings, counts_as, labeled = decoded(meta.spec), nil, {}
if type(settings.class_details) == 'table' then
  local details = settings.class_details
  counts_as = {}
  for place in ipairs(details) do
    local at = place
    for _ = 1, #details do
      if type(details[at].merged_into) == 'number' and details[details[at].merged_into + 1] then
        at = details[at].merged_into + 1
      end
    end
    counts_as[place] = details[at].is_retired == true and NO_CLASS or at - 1
  end
  local text = cjson.encode(counts_as)
  if meta.counts_as ~= text then
    tell(META, 'what labels of classes count as is missing or wrong', 'it is set')
    change('HSET', META, 'counts_as', text)
  end
  if meta.class_mark ~= settings.class_mark then
    tell(META, 'the mark of its classes is missing or wrong', 'it is set')
    change('HSET', META, 'class_mark', settings.class_mark)
  end
end
for class, count in pairs(class_counts) do
  wanted['class:' .. class] = count
  local counted = counts_as and type(class) == 'number' and counts_as[class + 1] or class
  if counted ~= NO_CLASS and not labeled[counted] then
    labeled[counted], class_count = true, class_count + 1
  end
end
wanted.classes_labeled = class_count
local newest = 0
for version in pairs(pairs_of(ROUNDS)) do newest = math.max(newest, tonumber(version) or 0) end
for field, text in pairs(meta) do
  if string.sub(field, 1, 6) == 'class:' and not wanted[field] then wanted[field] = 0 end
end
for _, field in ipairs({ 'head_version', 'head_revision', 'revision', 'fence' }) do
  if meta[field] and not is_number(meta[field]) then
    wanted[field] = field == 'head_version' and newest or now
  end
end
if not is_whole[META] and newest > 0 then
  wanted.head_version, wanted.head_revision = newest, 0
end
if wanted.head_revision then wanted.revision = wanted.head_revision + 1 end
for field, count in pairs(wanted) do
  if (meta[field] or '0') ~= string.format('%d', count) then
    tell(META, field .. ' is ' .. (meta[field] or 'missing') .. ' and should be '
      .. string.format('%d', count), 'it is set')
    change('HSET', META, field, string.format('%d', count))
  end
end
local is_odd = meta.clock and not is_number(meta.clock)
for _, field in ipairs({ 'round_version', 'round_revision', 'round_until' }) do
  is_odd = is_odd or meta[field] and not is_number(meta[field])
end
if is_odd then
  tell(META, 'a round in progress or a time cannot be read', 'the round is begun anew')
  change('HDEL', META, 'round_version', 'round_cutoff', 'round_revision', 'round_spec',
    'round_trainer', 'round_until', 'clock')
end

-- Names of heads.
local names, names_told = {}, {}
for name, text in pairs(pairs_of(PROMOTIONS)) do
  local heads = decoded(text)
  if heads and type(heads[1]) == 'table' and type(heads[1][1]) == 'number'
    and type(heads[1][2]) == 'number' then
    names[name] = heads
  else
    set_aside(PROMOTIONS, name, text)
  end
end
if is_from_start then
  for name, head in pairs(logged_names) do
    if not names[name] then
      names[name] = { head }
      tell(PROMOTIONS, name .. ' is missing, which its log has', 'it is put back')
      change('HSET', PROMOTIONS, name, cjson.encode({ head }))
    end
  end
end
for name, heads in pairs(names) do
  local version = string.format('%d', heads[1][1])
  if not is_whole[HEADS] or redis.call('HEXISTS', HEADS, version) == 0 then
    tell(HEADS, 'head ' .. version .. ', promoted to ' .. name .. ', is gone', 'it is demoted',
      'predictions by that name are refused until another head is promoted to it')
    change('HDEL', PROMOTIONS, name)
    if logged_names[name] then table.insert(names_told, { 'demoted', name }) end
    names[name] = nil
  elseif not (is_from_start and logged_names[name] and logged_names[name][1] == heads[1][1]) then
    table.insert(names_told, { 'promoted', name, 'head_version', version })
  end
end

-- The log: learners see what was changed by what is added to it.
local function log(kind, entries, ...)
  local rows, states, classes, audits, has_audits, more = {}, {}, {}, {}, false, { ... }
  for _, entry in ipairs(entries) do
    table.insert(rows, entry[1])
    table.insert(states, entry[2])
    table.insert(classes, entry[3])
    table.insert(audits, entry[4] or 0)
    has_audits = has_audits or entry[4] == 1
  end
  if has_audits then
    table.insert(more, 'audits')
    table.insert(more, cjson.encode(audits))
  end
  if not mends then return end
  local id = redis.call('XADD', EVENTS, '*', 'kind', kind, 'rows', cjson.encode(rows), 'states',
    cjson.encode(states), 'classes', cjson.encode(classes), unpack(more))
  redis.call('HSET', META, 'last_event', id)
end
local function as_it_is(row)
  local label = labels[row]
  if label then return { row, label[1], label[2], label[7] } end
  return { row, held[row] and LEASED or UNLABELED, NO_CLASS }
end
local entries = {}
if is_from_start then
  for row in pairs(logged) do
    local entry = as_it_is(row)
    if entry[2] ~= logged[row][1] or entry[3] ~= logged[row][2] then table.insert(entries, entry) end
  end
  for row in pairs(labels) do
    if not logged[row] then table.insert(entries, as_it_is(row)) end
  end
  if #entries > 0 then
    tell(EVENTS, 'it says otherwise of ' .. #entries .. ' clips', 'it is told what they are')
    log('imported', entries)
  end
else
  tell(EVENTS, 'it is not whole', 'it is made anew of the labels, the former is in ' .. aside[EVENTS],
    'who was asked for what and when is known from that alone; leases end')
  for row in pairs(labels) do table.insert(entries, as_it_is(row)) end
  if is_whole[EVENTS] then change('RENAME', EVENTS, aside[EVENTS]) end
  for row, lease_id in pairs(held) do
    change('HDEL', HOLDS, row)
    change('HDEL', LEASES, lease_id)
    change('ZREM', EXPIRIES, lease_id)
  end
  -- Learners that knew the former log must let go of what they know.
  local anew = string.gsub(meta.spec, '"epoch": *"[^"]*"', '"epoch": "' .. ARGV[2] .. '"')
  change('HSET', META, 'epoch', ARGV[2], 'spec', anew, 'leased', 0)
  change('HDEL', META, 'round_version', 'round_cutoff', 'round_revision', 'round_spec',
    'round_trainer', 'round_until')
  log('created', {}, 'spec', anew)
  if #entries > 0 then log('imported', entries) end
  local version = is_number(meta.head_version) and meta.head_version or newest
  if tonumber(version) > 0 then log('head', {}, 'head_version', version) end
end
for _, told in ipairs(names_told) do
  if is_from_start then tell(EVENTS, 'it says otherwise of ' .. told[2], 'it is told') end
  log(told[1], {}, 'promotion', unpack(told, 2))
end
local function whole(field) return is_number(meta[field]) and tonumber(meta[field]) or 0 end
local function lacks_newest(key)
  return not is_whole[key] or redis.call('HEXISTS', key, meta.head_version) == 0
end
local gone = whole('head_version') > 0
  and (lacks_newest(HEADS) and HEADS or lacks_newest(ROUNDS) and ROUNDS)
if gone and not wanted.revision and whole('revision') <= whole('head_revision') then
  tell(gone, gone == HEADS and 'its newest head is gone' or 'the round of its newest head is gone',
    'the next one is trained at once')
  change('HINCRBY', META, 'revision', 1)
end
return cjson.encode(found)
