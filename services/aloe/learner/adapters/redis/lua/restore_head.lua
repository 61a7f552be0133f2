-- Keeps a head of a backup with its round. ARGV: epoch, version, head, round, name of its map, the class
-- of each column. A head that is there already is left as it is.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local version = ARGV[2]
local stored = redis.call('HMGET', HEADS, version, version .. ':map', version .. ':classes')
local is_same = stored[1] == ARGV[3] and (stored[2] or '') == ARGV[5] and stored[3] == ARGV[6]
if not is_same and (stored[1] or redis.call('HEXISTS', ROUNDS, version) == 1) then
  return cjson.encode({ error = 'HEAD_EXISTS', head = tonumber(version) })
end
-- Whoever labeled was promised a version, which this one would take.
if not is_same and promised_version() then
  return cjson.encode({ error = 'HEAD_PROMISED', head = tonumber(version) })
end
check_keys(EVENTS)
check_counters(META, { 'head_version' })
redis.call('HSET', HEADS, version .. ':kept', 1)
if is_same then return '{}' end
redis.call('HSET', HEADS, version, ARGV[3], version .. ':classes', ARGV[6])
if ARGV[5] ~= '' then redis.call('HSET', HEADS, version .. ':map', ARGV[5]) end
redis.call('HSET', ROUNDS, version, ARGV[4])
if tonumber(version) > number('head_version') then
  redis.call('HSET', META, 'head_version', version)
  redis.call('HDEL', META, 'round_version', 'round_cutoff', 'round_revision', 'round_spec', 'round_trainer',
    'round_until')
  log_event('head', {}, {}, {}, 'head_version', version, 'map', ARGV[5])
end
return '{}'
