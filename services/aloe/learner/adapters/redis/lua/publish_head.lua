-- Stores a head with its round. ARGV: epoch, fence, version, head, round, heads to keep, cutoff,
-- name of its map, the class of each column.
-- Where the store went back to an earlier state, fence and version may be those of a later ticket.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local version = tonumber(ARGV[3])
if number('fence') ~= tonumber(ARGV[2]) or number('round_version') ~= version
  or redis.call('HGET', META, 'round_cutoff') ~= ARGV[7] then
  return cjson.encode({ stored = false })
end
check_keys(HEADS, ROUNDS, EVENTS)
check_counters(META, { 'round_revision' })
redis.call('HSET', HEADS, version, ARGV[4], version .. ':classes', ARGV[9])
if ARGV[8] ~= '' then redis.call('HSET', HEADS, version .. ':map', ARGV[8]) end
local oldest = version - tonumber(ARGV[6])
if redis.call('HEXISTS', HEADS, oldest .. ':kept') == 0 then
  redis.call('HDEL', HEADS, oldest, oldest .. ':map', oldest .. ':classes')
end
redis.call('HSET', ROUNDS, version, ARGV[5])
redis.call('HSET', META, 'head_version', version, 'head_revision', number('round_revision'))
redis.call('HDEL', META, 'round_version', 'round_cutoff', 'round_revision', 'round_spec', 'round_trainer',
  'round_until')
log_event('head', {}, {}, {}, 'head_version', version, 'cutoff', ARGV[7], 'map', ARGV[8])
return cjson.encode({ stored = true })
