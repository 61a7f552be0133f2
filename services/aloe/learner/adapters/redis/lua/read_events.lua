-- Returns the entries of the log after one. ARGV: epoch, entry id, most entries or ''.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
if ARGV[3] == '' then return redis.call('XRANGE', EVENTS, '(' .. ARGV[2], '+') end
return redis.call('XRANGE', EVENTS, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
