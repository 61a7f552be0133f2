-- Gives a head a name; it is kept from now on. ARGV: epoch, name, version, most names of a task, most
-- earlier heads to remember, since when in ms or '' for now.
-- Of each name: { { version, since when in ms }, ... }, the head that has it first.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local name, version = ARGV[2], tonumber(ARGV[3])
local stored = redis.call('HGET', PROMOTIONS, name)
local heads = stored and decoded(PROMOTIONS, name, stored) or {}
if redis.call('HEXISTS', HEADS, version) == 0 then
  return cjson.encode({ error = 'HEAD_NOT_KEPT', head = version })
end
if heads[1] and heads[1][1] == version then return cjson.encode({ heads = heads }) end
if not stored and redis.call('HLEN', PROMOTIONS) >= tonumber(ARGV[4]) then
  return cjson.encode({ error = 'TOO_MANY_PROMOTIONS' })
end
check_keys(EVENTS)
local now = now_ms()
table.insert(heads, 1, { version, math.min(tonumber(ARGV[6]) or now, now) })
while #heads > 1 + tonumber(ARGV[5]) do table.remove(heads) end
redis.call('HSET', HEADS, version .. ':kept', 1)
redis.call('HSET', PROMOTIONS, name, cjson.encode(heads))
log_event('promoted', {}, {}, {}, 'promotion', name, 'head_version', version)
return cjson.encode({ heads = heads })
