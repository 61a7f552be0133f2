-- Returns a head, the name of its map and the class of each column in a list, each or nil. ARGV: epoch,
-- version.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local head = redis.call('HGET', HEADS, ARGV[2])
if not head and ARGV[2] == redis.call('HGET', META, 'head_version') then
  damaged(HEADS, 'head ' .. ARGV[2] .. ', the newest one, is missing')
end
return { head, redis.call('HGET', HEADS, ARGV[2] .. ':map'),
  redis.call('HGET', HEADS, ARGV[2] .. ':classes') }
