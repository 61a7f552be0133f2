-- Notes the contents of the next rows of a pool that an older server filled; any number of servers
-- may do that at once. KEYS: meta, clips, contents. ARGV: epoch, how many rows.
local META, CLIPS, CONTENTS = unpack(KEYS)
local meta = redis.call('HMGET', META, 'epoch', 'indexed', 'clip_count')
if meta[1] ~= ARGV[1] then return 'POOL_NOT_FOUND' end
if meta[2] == 'all' then return 'OK' end
check_counters(META, { 'indexed', 'clip_count' })
redis.call('HLEN', CONTENTS)
local row = tonumber(meta[2] or 0)
local hashes = {}
for place, record in ipairs(redis.call('LRANGE', CLIPS, row, row + ARGV[2] - 1)) do
  hashes[place] = decoded(CLIPS, 'row ' .. row + place - 1, record)[2]
end
if #hashes == 0 and row < tonumber(meta[3]) then damaged(CLIPS, 'it ends at row ' .. row) end
for _, hash in ipairs(hashes) do
  local before = redis.call('HGET', CONTENTS, hash)
  redis.call('HSET', CONTENTS, hash, (before and before .. ' ' or '') .. row)
  row = row + 1
end
if row < tonumber(meta[3]) then
  redis.call('HSET', META, 'indexed', row)
  return 'MORE'
end
redis.call('HSET', META, 'indexed', 'all')
return 'OK'
