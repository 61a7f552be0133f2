-- Notes that a task uses a pool. KEYS: meta, tasks of the pool. ARGV: task id.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
return 1
