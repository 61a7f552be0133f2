-- Returns the entries of the log after one. ARGV: epoch, entry id, most entries or ''.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
if ARGV[2] == redis.call('HGET', META, 'last_event') then return {} end
-- A log that went back to an earlier state does not have the entry, whatever it has behind it.
if ARGV[2] ~= '0-0' and #redis.call('XRANGE', EVENTS, ARGV[2], ARGV[2]) == 0 then
  return cjson.encode({ error = 'WENT_BACK' })
end
if ARGV[3] == '' then return redis.call('XRANGE', EVENTS, '(' .. ARGV[2], '+') end
return redis.call('XRANGE', EVENTS, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
