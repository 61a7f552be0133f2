-- Returns what a request of this id was answered, in a list; nothing if none was. ARGV: epoch.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
return { redis.call('GET', REQUEST) or nil }
