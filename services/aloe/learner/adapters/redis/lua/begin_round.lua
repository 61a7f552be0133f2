-- Gives the right to train the next head. ARGV: epoch, trainer, hold in ms.
-- The version, cutoff and settings of a round are fixed when it begins, so that whoever ends
-- it trains the same head; the fence rises whenever another trainer takes the round.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
check_counters(META, { 'fence', 'head_version', 'revision' })
local trainer, now = ARGV[2], now_ms()
local version = number('head_version') + 1
local holder = redis.call('HGET', META, 'round_trainer')
if redis.call('HEXISTS', META, 'round_version') == 1 then
  -- A hold that ends later than one of now would is of a clock that was put back since: it is over.
  local left = number('round_until') - now
  if holder ~= trainer and left > 0 and left <= ARGV[3] + CLOCK_SLACK_MS then return '{}' end
else
  if number('revision') <= number('head_revision')
    or number('classes_labeled') < MIN_LABELED_CLASSES then return '{}' end
  local last = redis.call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)
  if not last[1] then damaged(EVENTS, 'it is empty') end
  redis.call('HSET', META, 'round_version', version, 'round_cutoff', last[1][1],
    'round_revision', number('revision'), 'round_spec', redis.call('HGET', META, 'spec'))
  holder = nil
end
if holder ~= trainer then redis.call('HINCRBY', META, 'fence', 1) end
redis.call('HSET', META, 'round_trainer', trainer, 'round_until', now + tonumber(ARGV[3]))
return cjson.encode({ version = version, cutoff = redis.call('HGET', META, 'round_cutoff'),
  fence = number('fence'), spec = redis.call('HGET', META, 'round_spec') })
