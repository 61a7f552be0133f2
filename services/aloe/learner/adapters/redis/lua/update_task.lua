-- Replaces what may change of a task. ARGV: epoch, spec, label budget or ''.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
redis.call('HSET', META, 'spec', ARGV[2], 'budget', ARGV[3])
log_event('updated', {}, {}, {}, 'spec', ARGV[2])
return '{}'
