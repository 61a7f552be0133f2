-- Replaces a task's classes, unless its settings were changed since the caller read them.
-- ARGV: epoch, spec of the next revision, the revision that the caller read, by index which class the
-- labels of each count as, NO_CLASS for none ({ class, ... }), the mark of the change, 1 if a head is due
-- then.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local stored = redis.call('HGET', META, 'spec')
-- Run before, and only the reply was lost; or another wrote the very same.
if stored ~= ARGV[2] then
  if (decoded(META, 'spec', stored).revision or 0) ~= tonumber(ARGV[3]) then
    return cjson.encode({ error = 'TASK_UPDATED' })
  end
  local classes = {}
  for class = 0, #cjson.decode(ARGV[4]) - 1 do classes[class] = true end
  check_keys(EVENTS)
  check_counts(classes)
  redis.call('HSET', META, 'spec', ARGV[2], 'counts_as', ARGV[4], 'class_mark', ARGV[5])
  recount_classes()
  if ARGV[6] == '1' then redis.call('HINCRBY', META, 'revision', 1) end
  log_event('reclassed', {}, {}, {}, 'spec', ARGV[2])
end
return cjson.encode({ version = ARGV[6] == '1' and promised_version() or nil })
