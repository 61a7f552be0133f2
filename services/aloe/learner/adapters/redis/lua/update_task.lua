-- Replaces the settings of a task, unless another has done so since the caller read it.
-- ARGV: epoch, spec of the next revision, label budget or '', the revision that the caller read.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local stored = redis.call('HGET', META, 'spec')
-- Run before, and only the reply was lost; or another wrote the very same.
if stored == ARGV[2] then return '{}' end
-- Tasks of older servers have no revision.
if (decoded(META, 'spec', stored).revision or 0) ~= tonumber(ARGV[4]) then
  return cjson.encode({ error = 'TASK_UPDATED' })
end
check_keys(EVENTS)
redis.call('HSET', META, 'spec', ARGV[2], 'budget', ARGV[3])
log_event('updated', {}, {}, {}, 'spec', ARGV[2])
return '{}'
