-- Returns a head, or nil, in a list. ARGV: epoch, version.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
return { redis.call('HGET', HEADS, ARGV[2]) }
