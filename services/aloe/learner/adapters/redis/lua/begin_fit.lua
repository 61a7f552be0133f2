-- Gives the right to fit a map for a while, or for longer. KEYS: meta, the right. ARGV: epoch, fitter,
-- hold in ms.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 'POOL_NOT_FOUND' end
-- What is of another kind is nobody's right.
local holder = redis.call('TYPE', KEYS[2]).ok == 'string' and redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return 'HELD' end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 'OK'
