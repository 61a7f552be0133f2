-- Returns every label by its row. ARGV: epoch.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
return redis.call('HGETALL', LABELS)
