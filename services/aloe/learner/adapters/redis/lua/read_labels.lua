-- Returns every label by its row. ARGV: epoch, mark of the classes.
local refusal = fence_off(ARGV[1]) or fence_off_classes(ARGV[2])
if refusal then return refusal end
local count = redis.call('HLEN', LABELS)
local counted = number('labeled') + number('abstained') + number('validation') + number('test')
  + number('retired')
if count ~= counted then
  damaged(LABELS, 'it holds ' .. count .. ' labels, and by its counters ' .. counted)
end
return redis.call('HGETALL', LABELS)
