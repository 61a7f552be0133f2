-- Registers clips whose vectors lie in chunks written before.
-- KEYS: meta, clips, rows, chunks. ARGV: epoch, the clip count that the caller saw,
-- { { clip id, hash, record }, ... }, { chunk, ... }, 1 if the first chunk replaces the last one.
local META, CLIPS, ROWS, CHUNKS = unpack(KEYS)
if redis.call('HGET', META, 'epoch') ~= ARGV[1] then return 'POOL_NOT_FOUND' end
local row = tonumber(redis.call('HGET', META, 'clip_count'))
if row ~= tonumber(ARGV[2]) then return 'CHANGED' end
local clips, chunks = cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
for _, clip in ipairs(clips) do
  if redis.call('HEXISTS', ROWS, clip[1]) == 1 then return 'CHANGED' end
end
for _, clip in ipairs(clips) do
  redis.call('HSET', ROWS, clip[1], row .. ' ' .. clip[2])
  redis.call('RPUSH', CLIPS, clip[3])
  row = row + 1
end
if ARGV[5] == '1' then redis.call('RPOP', CHUNKS) end
for _, chunk in ipairs(chunks) do redis.call('RPUSH', CHUNKS, chunk) end
redis.call('HSET', META, 'clip_count', row)
return 'OK'
