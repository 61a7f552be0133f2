-- Creates a task. ARGV: epoch, spec, label budget or ''.
local stored = redis.call('HGET', META, 'spec')
if stored then return stored end
redis.call('HSET', META, 'epoch', ARGV[1], 'spec', ARGV[2], 'budget', ARGV[3])
log_event('created', {}, {}, {}, 'spec', ARGV[2])
return ARGV[2]
