-- Keeps a map of a pool. KEYS: meta, maps. ARGV: epoch, name, map.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 'POOL_NOT_FOUND' end
redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
return 'OK'
