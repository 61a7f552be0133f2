-- Registers clips whose vectors lie in chunks written before.
-- KEYS: meta, clips, rows, chunks. ARGV: epoch, the clip count that the caller saw, three lines for
-- each clip (id, "row hash", record), { chunk, ... }, the last chunk if the first one replaces it.
local META, CLIPS, ROWS, CHUNKS = unpack(KEYS)
if redis.call('HGET', META, 'epoch') ~= ARGV[1] then return 'POOL_NOT_FOUND' end
local chunks = cjson.decode(ARGV[4])
if redis.call('HGET', META, 'clip_count') ~= ARGV[2] then
  -- Run before, and only the reply was lost: the chunk's id is of this call alone.
  if redis.call('LPOS', CHUNKS, chunks[1], 'RANK', -1) then return 'OK' end
  return 'CHANGED'
end

if ARGV[5] ~= '' and redis.call('LINDEX', CHUNKS, -1) ~= ARGV[5] then return 'CHANGED' end

local ids, rows, records = {}, {}, {}
local count = 0
for id, place, record in string.gmatch(ARGV[3], '([^\n]*)\n([^\n]*)\n([^\n]*)\n') do
  count = count + 1
  ids[count], records[count] = id, record
  rows[2 * count - 1], rows[2 * count] = id, place
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

for _, found in ipairs(call_with('HMGET', ROWS, ids)) do
  for _, known in ipairs(found) do
    if known then return 'CHANGED' end
  end
end
call_with('HSET', ROWS, rows)
call_with('RPUSH', CLIPS, records)
if ARGV[5] ~= '' then redis.call('RPOP', CHUNKS) end
call_with('RPUSH', CHUNKS, chunks)
redis.call('HSET', META, 'clip_count', ARGV[2] + count)
return 'OK'
