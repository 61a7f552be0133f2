-- Takes a name off the head that has it. ARGV: epoch, name.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
if redis.call('HEXISTS', PROMOTIONS, ARGV[2]) == 0 then
  return cjson.encode({ error = 'PROMOTION_NOT_FOUND', head = ARGV[2] })
end
check_keys(EVENTS)
redis.call('HDEL', PROMOTIONS, ARGV[2])
log_event('demoted', {}, {}, {}, 'promotion', ARGV[2])
return '{}'
