-- Returns the names of heads, each in front of what promote.lua stored. ARGV: epoch.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
return redis.call('HGETALL', PROMOTIONS)
