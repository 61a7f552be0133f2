-- Creates a pool, or returns the one that is there.
-- KEYS: meta. ARGV: spec, epoch.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'spec', ARGV[1], 'epoch', ARGV[2], 'clip_count', 0, 'indexed', 'all')
end
return redis.call('HGET', KEYS[1], 'spec')
