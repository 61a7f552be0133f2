-- Adds rows whose vectors lie in chunks written before, and changes what names the others.
-- KEYS: meta, clips, rows, chunks, contents, changes, marks, recordings. ARGV: epoch; how many rows the caller
-- saw, and the mark, '' if it did not look: then all ids and contents must be new; three lines for
-- each new row (id, hash, record); { chunk, ... }; the last chunk if the first one replaces it; the
-- mark of this change; '' or { rows = { id, text, ... }, records = { { row, record }, ... },
-- contents = { hash, rows, ... }, gone = { hash, ... }, retired = how many }; marks that the pool must
-- have had, separated by blanks; how many marks are kept; how the keys of chunks begin, '' where they lie on
-- other nodes; the recordings that new rows are windows of, separated by blanks.
local META, CLIPS, ROWS, CHUNKS, CONTENTS, CHANGES, MARKS, RECORDINGS = unpack(KEYS)
local chunks, edits = cjson.decode(ARGV[5]), ARGV[8] ~= '' and cjson.decode(ARGV[8])
local meta = redis.call('HMGET', META, 'epoch', 'clip_count', 'indexed', 'last_change')
local mark = meta[4] or meta[1]
if meta[1] ~= ARGV[1] then return 'POOL_NOT_FOUND' end
if meta[3] ~= 'all' then return 'NOT_INDEXED' end
local function was_at(one)
  return one == mark or redis.call('LPOS', MARKS, one, 'RANK', -1)
end
for known in string.gmatch(ARGV[9], '%S+') do
  if not was_at(known) then return 'WENT_BACK' end
end
if meta[2] ~= ARGV[2] or (ARGV[3] ~= '' and mark ~= ARGV[3]) then
  -- Run before, and only the reply was lost: its mark is of this call alone.
  if was_at(ARGV[7]) then return 'OK' end
  local first, size = string.match(redis.call('LINDEX', CHUNKS, -1) or '0 0', '^(%d+) (%d+)')
  if not first or first + size ~= tonumber(meta[2]) then
    damaged(CHUNKS, 'its last chunk does not end where the clips do')
  end
  return 'CHANGED'
end
if ARGV[6] ~= '' and redis.call('LINDEX', CHUNKS, -1) ~= ARGV[6] then return 'CHANGED' end
for recording in string.gmatch(ARGV[12], '%S+') do
  if redis.call('HEXISTS', RECORDINGS, recording) == 0 then return 'NO_RECORDING ' .. recording end
end

check_counters(META, { 'clip_count', 'change_count', 'retired_count' })
local counts = { [CLIPS] = meta[2], [CHANGES] = redis.call('HGET', META, 'change_count') or 0 }
for key, count in pairs(counts) do
  local length = redis.call('LLEN', key)
  if length ~= tonumber(count) then
    damaged(key, 'it holds ' .. length .. ', and by its counter ' .. count)
  end
end
-- Where the store went back since they were written, vectors may be gone though nothing else changed.
local function chunk_key(chunk)
  return ARGV[11] .. string.match(chunk, '%S+$')
end
if ARGV[11] ~= '' then
  for _, chunk in ipairs(chunks) do
    if redis.call('EXISTS', chunk_key(chunk)) == 0 then return 'CHANGED' end
  end
end
redis.call('HLEN', ROWS)
redis.call('HLEN', CONTENTS)
redis.call('LLEN', CHUNKS)
redis.call('LLEN', MARKS)

local ids, rows, hashes, contents, records = {}, {}, {}, {}, {}
local count = 0
for id, hash, record in string.gmatch(ARGV[4], '([^\n]*)\n([^\n]*)\n([^\n]*)\n') do
  local row = ARGV[2] + count
  count = count + 1
  ids[count], hashes[count], records[count] = id, hash, record
  rows[2 * count - 1], rows[2 * count] = id, row .. ' ' .. hash
  contents[2 * count - 1], contents[2 * count] = hash, row
end

-- Many arguments in one call: a call for each clip would block Redis for longer. An even number,
-- so that no field is parted from its value.
local AT_ONCE = 1000
local function call_with(command, key, arguments)
  local replies = {}
  for first = 1, #arguments, AT_ONCE do
    local last = math.min(first + AT_ONCE - 1, #arguments)
    table.insert(replies, redis.call(command, key, unpack(arguments, first, last)))
  end
  return replies
end

local function holds_any(key, fields)
  for _, found in ipairs(call_with('HMGET', key, fields)) do
    for _, known in ipairs(found) do
      if known then return true end
    end
  end
  return false
end

if ARGV[3] == '' and (holds_any(ROWS, ids) or holds_any(CONTENTS, hashes)) then return 'CHANGED' end

call_with('HSET', ROWS, edits and edits.rows or rows)
call_with('HSET', CONTENTS, edits and edits.contents or contents)
if count > 0 then
  call_with('RPUSH', CLIPS, records)
  if ARGV[6] ~= '' then
    redis.call('RPOP', CHUNKS)
    -- Here, since later it may be needed again: by a store that went back before this.
    if ARGV[11] ~= '' then redis.call('UNLINK', chunk_key(ARGV[6])) end
  end
  call_with('RPUSH', CHUNKS, chunks)
end
if edits then
  call_with('HDEL', CONTENTS, edits.gone)
  for _, changed in ipairs(edits.records) do
    redis.call('LSET', CLIPS, changed[1], changed[2])
    redis.call('RPUSH', CHANGES, changed[1] .. ' ' .. changed[2])
  end
  redis.call('HINCRBY', META, 'change_count', #edits.records)
  redis.call('HINCRBY', META, 'retired_count', edits.retired)
end
-- Pools of older servers have no marks yet.
if redis.call('EXISTS', MARKS) == 0 then redis.call('RPUSH', MARKS, mark) end
redis.call('RPUSH', MARKS, ARGV[7])
redis.call('LTRIM', MARKS, -ARGV[10], -1)
redis.call('HSET', META, 'clip_count', ARGV[2] + count, 'last_change', ARGV[7])
return 'OK'
