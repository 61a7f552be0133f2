-- Keeps a recording, if its id is not that of another. KEYS: meta, recordings. ARGV: epoch, id,
-- content hash, recording, 1 if it must be there.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 'POOL_NOT_FOUND' end
local known = redis.call('HGET', KEYS[2], ARGV[2])
if not known and ARGV[5] == '1' then return 'GONE' end
if known and decoded(KEYS[2], ARGV[2], known).content_hash ~= ARGV[3] then return 'TAKEN' end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 'OK'
