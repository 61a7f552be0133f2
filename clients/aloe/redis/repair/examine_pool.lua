-- Says what is damaged in a pool and, if it is told to, mends that: both in one step, so that it may
-- run beside learners. KEYS: of the pool, in the order of POOL_KINDS, then where each is set aside.
-- ARGV: '1' to mend, a new mark.
-- Returns { { key, what is wrong, what is done, what that costs }, ... } as JSON.
local META, CLIPS, ROWS, CHUNKS, TASKS, CONTENTS, CHANGES, MARKS = unpack(KEYS, 1, 8)
local KINDS = { 'hash', 'list', 'hash', 'list', 'set', 'hash', 'list', 'list', 'hash', 'hash' }
local mends, found, aside, is_whole, is_there = ARGV[1] == '1', {}, {}, {}, false

local function tell(key, what, mend, cost) table.insert(found, { key, what, mend, cost or '' }) end
local function change(...) if mends then redis.call(...) end end
local function decoded(text)
  local is_read, value = pcall(cjson.decode, text or '')
  return is_read and type(value) == 'table' and value or nil
end

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
local function items_of(key) return is_whole[key] and redis.call('LRANGE', key, 0, -1) or {} end

local meta = pairs_of(META)
if not (meta.epoch and decoded(meta.spec)) then
  tell(META, 'its settings are gone', 'nothing: bring the pool back from a backup, or delete its keys')
  return cjson.encode(found)
end

-- Vectors: what is gone cannot be made anew here.
local GONE = 'nothing: bring the pool back from a backup, or delete it and import it again'
local end_row, MOST_ROWS = 0, 1000  -- Of a chunk; learners write 255.
for _, text in ipairs(items_of(CHUNKS)) do
  local first, size = string.match(text, '^(%d+) (%d+) %S+$')
  if tonumber(first) ~= end_row or tonumber(size) > MOST_ROWS then
    tell(CHUNKS, 'vectors of rows from ' .. end_row .. ' on are missing', GONE)
    return cjson.encode(found)
  end
  end_row = end_row + size
end
-- Where there are as many clips as vectors, the count is wrong.
if end_row < (tonumber(meta.clip_count) or 0) and #items_of(CLIPS) ~= end_row then
  tell(CHUNKS, 'vectors of rows from ' .. end_row .. ' on are missing', GONE)
  return cjson.encode(found)
end

-- Clips: a row each. What names a row is known elsewhere as well.
local names, freed = {}, 0
for id, text in pairs(pairs_of(ROWS)) do
  local row, hash = string.match(text, '^(%d+) (%S+)$')
  if row then
    row = tonumber(row)
    names[row] = names[row] or { hash = hash, ids = {} }
    table.insert(names[row].ids, id)
  elseif not string.find(text, '^%d+$') then
    tell(ROWS, id .. ' cannot be read', 'it is set aside in ' .. aside[ROWS])
    change('HSET', aside[ROWS], id, text)
    change('HDEL', ROWS, id)
  end
end
local function record_of(row)
  local named = names[row]
  if not named then return { 'lost-' .. row, 'lost-' .. row, '', '', cjson.null, '', {}, true } end
  table.sort(named.ids)
  local others = { unpack(named.ids, 2) }
  return { named.ids[1], named.hash, '', '', cjson.null, '', others, false }
end
local function text_of(record)
  -- An empty table is an object to cjson.
  return (string.gsub(cjson.encode(record), '{}', '[]'))
end
local records, unread, lost = {}, 0, 0
for place, text in ipairs(items_of(CLIPS)) do
  local record, row = decoded(text), place - 1
  if row < end_row and not (record and type(record[1]) == 'string' and type(record[2]) == 'string') then
    unread, record = unread + 1, record_of(row)
    change('RPUSH', aside[CLIPS], row .. ' ' .. text)
    change('LSET', CLIPS, row, text_of(record))
  end
  records[row] = record
end
local COST = 'their URIs, lengths and what was found in their recordings are gone; those that nothing'
  .. ' names are deleted clips now'
if unread > 0 then
  tell(CLIPS, unread .. ' clips cannot be read', 'they are set aside in ' .. aside[CLIPS]
    .. ' and made anew of their ids', COST)
end
local length = #items_of(CLIPS)
for row = length, end_row - 1 do
  lost, records[row] = lost + 1, record_of(row)
  change('RPUSH', CLIPS, text_of(records[row]))
end
if lost > 0 then
  tell(CLIPS, 'it has ' .. length .. ' of ' .. end_row .. ' clips', 'the others are made anew of their ids',
    COST)
end
if length > end_row then
  tell(CLIPS, (length - end_row) .. ' clips have no vectors', 'they are set aside in ' .. aside[CLIPS],
    'import them again')
  for row = end_row, length - 1 do
    change('RPUSH', aside[CLIPS], row .. ' ' .. redis.call('LINDEX', CLIPS, row))
    records[row] = nil
  end
  change('LTRIM', CLIPS, 0, end_row - 1)
end

-- What names clips, and which have one content.
local retired, unnamed, contents = 0, 0, {}
local rows = pairs_of(ROWS)
for row = 0, end_row - 1 do
  local record = records[row]
  if record[8] == true then
    retired = retired + 1
  else
    local ids = { record[1], unpack(record[7] or {}) }
    for _, id in ipairs(ids) do
      if rows[id] ~= row .. ' ' .. record[2] then
        unnamed = unnamed + 1
        change('HSET', ROWS, id, row .. ' ' .. record[2])
      end
    end
    local before = contents[record[2]]
    contents[record[2]] = (before and before .. ' ' or '') .. row
  end
end
if unnamed > 0 then tell(ROWS, unnamed .. ' ids do not lead to their clips', 'they are set') end
if meta.indexed == 'all' then
  local wrong, stored = 0, pairs_of(CONTENTS)
  for hash, text in pairs(contents) do
    if stored[hash] ~= text then
      wrong = wrong + 1
      change('HSET', CONTENTS, hash, text)
    end
  end
  for hash in pairs(stored) do
    if not contents[hash] then
      wrong = wrong + 1
      change('HDEL', CONTENTS, hash)
    end
  end
  if wrong > 0 then tell(CONTENTS, wrong .. ' contents do not lead to their clips', 'they are set') end
end

local wanted = { clip_count = end_row, retired_count = retired,
  change_count = is_whole[CHANGES] and redis.call('LLEN', CHANGES) or 0 }
for field, count in pairs(wanted) do
  if (meta[field] or '0') ~= tostring(count) then
    tell(META, field .. ' is ' .. (meta[field] or 'missing') .. ' and should be ' .. count, 'it is set')
    change('HSET', META, field, count)
  end
end
if is_whole[CHANGES] then
  local unread_changes = 0
  for place, text in ipairs(items_of(CHANGES)) do
    local row, record = string.match(text, '^(%d+) (.*)$')
    if not (row and records[tonumber(row)] and decoded(record)) then
      unread_changes = unread_changes + 1
      local there = row and records[tonumber(row)] and row or '0'
      change('RPUSH', aside[CHANGES], text)
      if mends then
        redis.call('LSET', CHANGES, place - 1, there .. ' ' .. redis.call('LINDEX', CLIPS, there))
      end
    end
  end
  if unread_changes > 0 then
    tell(CHANGES, unread_changes .. ' changes cannot be read',
      'they are set aside in ' .. aside[CHANGES])
  end
end

-- Learners read the pool anew: none knows the mark that it gets.
if #found > 0 then
  if is_whole[MARKS] then change('DEL', MARKS) end
  change('HSET', META, 'last_change', ARGV[2])
end
return cjson.encode(found)
